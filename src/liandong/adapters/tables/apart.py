"""A mechanism in a folder of its own: the document's rows in `source/`, ours in `supplement/`, merged."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Any

from liandong.adapters.tables.layout import MECHANISM, OF_MECHANISM, TABLES
from liandong.adapters.tables.sheets import Line, read_table
from liandong.adapters.tables.sources import Sources, find_tables
from liandong.core.mechanism.supplement import merge
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Provenance

Lines = dict[str, list[Line]]
#: Table and row as checked → the file's label and its own row.
Places = dict[tuple[str, int], tuple[str, int]]

SOURCE, SUPPLEMENT = "source", "supplement"


def read_apart(folder: Path, zone: tzinfo, found: Sources, errors: list[BadInput]) -> tuple[Lines, Places]:
    """The mechanism's tables as one, and where each row came from."""
    parts = {
        part: _read_part(folder / part, f"{folder.name}/{part}", zone, errors)
        for part in (SOURCE, SUPPLEMENT)
    }
    for name in MECHANISM:
        if name in found.sheets:
            label = found.sheets[name].label
            errors.append(BadInput("city.table_twice", file=label, other=f"{folder.name}/{SOURCE}"))
    source, supplement = (parts[part][0] for part in (SOURCE, SUPPLEMENT))
    labels = {part: parts[part][1] for part in parts}
    _only_assumed(supplement, labels[SUPPLEMENT], errors)
    merged, refused = merge(_mechanism(source), _mechanism(supplement))
    at = {
        part: {
            (name, line.text("key")): line.row for name in MECHANISM for line in parts[part][0].get(name, [])
        }
        for part in parts
    }
    for one in refused:
        file = labels[SUPPLEMENT].get(one.table, one.table)
        row = at[SUPPLEMENT].get((one.table, one.key), 0)
        errors.append(BadInput("city.overruled", file=file, row=row, column="key", value=one.key, by=one.by))
    return _lines(merged, source, at, labels)


def _read_part(
    folder: Path, label: str, zone: tzinfo, errors: list[BadInput]
) -> tuple[Lines, dict[str, str]]:
    """Tables of one part, and what each is called; those that are not there are empty."""
    if not folder.is_dir():
        return {name: [] for name in MECHANISM}, {}
    found = find_tables(folder, MECHANISM)
    own: list[BadInput] = []
    lines = {
        name: read_table(TABLES[name], found.sheets[name], zone, own) if name in found.sheets else []
        for name in MECHANISM
    }
    labels = {name: f"{label}/{sheet.label}" for name, sheet in found.sheets.items()}
    if not found.sheets.get("mechanism") and label.endswith(SOURCE):
        errors.append(BadInput("city.missing_file", file=f"{label}/mechanism.csv"))
    for error in found.errors:
        errors.append(BadInput(error.key, **{**error.params, "file": f"{label}/{error.params['file']}"}))
    by_file = {TABLES[name].file: said for name, said in labels.items()}
    for error in own:
        file = by_file.get(str(error.params["file"]), f"{label}/{error.params['file']}")
        errors.append(BadInput(error.key, **{**error.params, "file": file}))
    return lines, labels


def _only_assumed(lines: Lines, labels: dict[str, str], errors: list[BadInput]) -> None:
    """A row of ours that calls itself the document's would be an invention with a quotation mark."""
    for name in OF_MECHANISM:
        for line in lines[name]:
            if line.values.get("provenance") == Provenance.SOURCE:
                errors.append(
                    BadInput(
                        "city.bad_value", file=labels[name], row=line.row, column="provenance",
                        value=str(Provenance.SOURCE), remedy="city.remedy.one_of",
                        allowed=f"{Provenance.ASSUMED}, {Provenance.UNSET}",
                    )
                )  # fmt: skip


def _mechanism(lines: Lines) -> Mechanism:
    """The rows that could be read."""
    rows: dict[str, Any] = {
        name: tuple(TABLES[name].noun(**line.values) for line in lines[name] if line.good)
        for name in OF_MECHANISM
    }
    head = next((line.values for line in lines["mechanism"] if line.good), {"key": ""})
    return Mechanism(**head | rows)


def _lines(
    merged: Mechanism,
    source: Lines,
    at: dict[str, dict[tuple[str, str], int]],
    labels: dict[str, dict[str, str]],
) -> tuple[Lines, Places]:
    lines: Lines = {"mechanism": source["mechanism"]}
    places: Places = {
        ("mechanism", line.row): (labels[SOURCE].get("mechanism", ""), line.row)
        for line in lines["mechanism"]
    }
    for line in lines["mechanism"]:
        line.values["centre"] = merged.centre
    for name in OF_MECHANISM:
        lines[name] = []
        for number, row in enumerate(getattr(merged, name), start=2):
            lines[name].append(Line(number, {f: getattr(row, f) for f in row.__struct_fields__}))
            part = SOURCE if (name, row.key) in at[SOURCE] else SUPPLEMENT
            places[name, number] = (labels[part][name], at[part][name, row.key])
    return lines, places
