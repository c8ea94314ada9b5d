"""Response mechanisms that travel with the package: each a document, most with a supplement of ours.

`KEY.yaml` holds what a document or a law states and where it is silent; `KEY.supplement.yaml` what this
project assumes, so that it runs. What is stated and what is ours: README.md beside this file. The files
are in the canonical form that `adapters/mechanisms` writes; everybody else's are read there, with words
for every mistake.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, get_args, get_origin

import msgspec
import yaml

from liandong.core.mechanism.supplement import include, merge
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.durations import parse_duration
from liandong.core.values.errors import Broken, NotFound

_ENDING, _OURS = ".yaml", ".supplement"
_ROWS = {
    field.name: get_args(field.type)[0] for field in msgspec.structs.fields(Mechanism) if field.name in KINDS
}
_WORDS = {"yes": True, "no": False}


def known() -> tuple[str, ...]:
    """The documents that there are; a supplement is `KEY.supplement`."""
    names = sorted(file.name for file in files(__name__).iterdir() if file.name.endswith(_ENDING))
    return tuple(name.removesuffix(_ENDING) for name in names)


def raw(key: str) -> bytes:
    """The bytes of a document's file. Raises NotFound."""
    if key not in known():
        raise NotFound("mechfile.no_builtin", value=key, allowed=", ".join(known()))
    return (files(__name__) / f"{key}{_ENDING}").read_bytes()


@cache
def builtin(key: str, supplement: bool = True) -> Mechanism:
    """A document with what it includes and its supplement, or as it is published. Raises NotFound."""
    source = load(key)
    if not supplement:
        return source
    ours = f"{key}{_OURS}"
    filled = load(ours) if ours in known() else Mechanism(key=ours, supplement_to=key)
    merged, refused = merge(source, include(source, filled, (load(one) for one in source.includes)))
    if refused:
        raise Broken("mechanism.overruled", table=refused[0].table, row=refused[0].key, by=refused[0].by)
    return merged


@cache
def load(key: str) -> Mechanism:
    """One file as it stands. Raises NotFound."""
    said: dict[str, Any] = yaml.load(raw(key), Loader=yaml.BaseLoader)
    rows = {name: tuple(_struct(_ROWS[name], row) for row in _flat(said.pop(name, ()))) for name in KINDS}
    head = _struct(Mechanism, said)
    return msgspec.structs.replace(head, **rows)


def _flat(entries: Any) -> list[dict[str, Any]]:
    """Rows, those of a group with what they share."""
    return [
        {**{k: v for k, v in entry.items() if k != "rows"}, **row}
        for entry in entries
        for row in entry.get("rows", ({},))
    ]


def _struct(kind: Any, said: dict[str, Any]) -> Any:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    names = {name.removesuffix("_s"): name for name in fields if name.endswith("_s")}
    values = {names.get(word, word): value for word, value in said.items()}
    return msgspec.convert(
        {name: _value(name, fields[name].type, value) for name, value in values.items()}, kind, strict=False
    )


def _value(name: str, kind: Any, said: Any) -> Any:
    if name.endswith("_s"):
        return parse_duration(said)
    if get_origin(kind) is tuple:
        parts = said if isinstance(said, list) else said.replace(">", ";").split(";")
        return () if parts == ["none"] else [part.strip() for part in parts]
    if isinstance(said, list):
        return ";".join(said)
    return _WORDS.get(said, said) if kind is bool else said
