"""Mechanisms as tables that any city may take over: Foshan's two versions, as far as they are published.

`source/` holds what published research states of the document and where it shows it to be silent;
`supplement/` holds what this project assumes, so that it runs. A city takes one over by copying both into
its folder `mechanism` (docs/reference/city.md). What is stated and what is not: README.md beside this file.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from liandong.core.mechanism.supplement import KINDS, merge
from liandong.core.values.errors import Broken
from liandong.core.values.rows import Mechanism

VERSIONS = (1, 2)
_TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Mechanism)}


@cache
def foshan_mechanism(version: int, supplement: bool = True) -> Mechanism:
    """Foshan's mechanism of August 2021 (1) or June 2022 (2); without the supplement, as it is published.

    Roles are functions within territories, so that it runs in any city whose units name theirs.
    """
    folder = files(__name__) / f"foshan_v{version}"
    source = _read(folder / "source")
    if not supplement:
        return source
    merged, refused = merge(source, _read(folder / "supplement"))
    if refused:
        raise Broken("mechanism.overruled", table=refused[0].table, row=refused[0].key, by=refused[0].by)
    return merged


def _read(folder: Traversable) -> Mechanism:
    """The tables of one folder; those that are not there are empty."""
    rows = {name: _rows(folder / f"{name}.csv", _TYPES[name]) for name in KINDS}
    (head,) = _records(folder / "mechanism.csv")
    return msgspec.convert({**head, **rows}, Mechanism, strict=False)


def _rows(file: Traversable, kind: Any) -> Any:
    return msgspec.convert(_records(file) if file.is_file() else [], kind, strict=False)


def _records(file: Traversable) -> list[dict[str, Any]]:
    """Cells by column, without the empty ones."""
    text = file.read_text(encoding="utf-8-sig")
    rows = csv.DictReader(text.splitlines())
    return [{key: _cell(key, value) for key, value in row.items() if value} for row in rows]


def _cell(column: str, text: str) -> Any:
    if column in ("actions", "hazards"):
        return text.split(";")
    return {"yes": True, "no": False}.get(text, text)
