"""Read a document: YAML, an Excel workbook, or a folder of CSV tables; with everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from liandong import mechanisms
from liandong.adapters.mechanisms.errors import MechanismErrors
from liandong.adapters.mechanisms.nodes import At, read_yaml
from liandong.adapters.mechanisms.sheets import HEAD, Found, tables_of
from liandong.adapters.tables.checks import check_keys
from liandong.adapters.tables.layout import MECHANISM, OF_MECHANISM, TABLES
from liandong.adapters.tables.references import check_roles
from liandong.adapters.tables.rows import check_rows
from liandong.adapters.tables.sheets import Line, read_table
from liandong.adapters.tables.sources import find_tables
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Provenance

YAML = (".yaml", ".yml")
EXCEL = (".xlsx",)
Lines = dict[str, list[Line]]


@dataclass(frozen=True)
class Document:
    """One file: what it says, and where each row stands: (table, key) → `a.yaml:12`."""

    mechanism: Mechanism
    file: str = field(default="", compare=False)
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, compare=False)


def read_document(path: Path) -> Document:
    """A document or a supplement of any form. Raises MechanismErrors with all that is wrong with it."""
    if path.is_dir():
        return _document(_tables(path), path.name)
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (*YAML, *EXCEL):
        raise BadInput("mechfile.no_file", file=path.name, allowed=", ".join((*YAML, *EXCEL)))
    if suffix in EXCEL:
        return _document(_tables(path), path.name)
    return read_text(path.read_bytes(), path.name)


def read_one(path: Path) -> Document:
    """The same, or a document that travels with the package, by its key."""
    if not path.exists() and str(path) in mechanisms.known():
        return read_text(mechanisms.raw(str(path)), f"{path}.yaml")
    return read_document(path)


def read_text(raw: bytes, file: str) -> Document:
    """A document from the bytes of its YAML. Raises MechanismErrors."""
    try:
        found = tables_of(read_yaml(raw, file), file)
    except BadInput as error:
        raise MechanismErrors(file, [error]) from error
    return _document(found, file)


def _tables(place: Path) -> Found:
    """Tables of a workbook or of a folder of CSV files; their rows are numbered as they show them."""
    sources = find_tables(place, MECHANISM)
    found = Found(place.name, errors=list(sources.errors))
    for name, sheet in sources.sheets.items():
        if name not in MECHANISM:
            found.errors.append(BadInput("mechfile.no_table", file=sheet.label))
            continue
        found.sheets[name] = sheet
    return found


def _document(found: Found, file: str) -> Document:
    said: list[BadInput] = []
    lines: Lines = {
        name: read_table(TABLES[name], found.sheets[name], UTC, said) if name in found.sheets else []
        for name in MECHANISM
    }
    if HEAD not in found.sheets and not found.errors:
        found.errors.append(BadInput("mechfile.no_head", file=file))
    check_keys(lines, MECHANISM, said)
    check_roles(lines, said)
    check_rows(lines, said)
    _only_ours(lines, said)
    errors = found.errors + [_placed(error, found, lines) for error in said]
    if errors:
        errors.sort(key=lambda error: (str(error.params.get("file")), int(error.params.get("line") or 0)))
        raise MechanismErrors(file, errors)
    rows: dict[str, Any] = {
        name: tuple(TABLES[name].noun(**line.values) for line in lines[name]) for name in OF_MECHANISM
    }
    (head,) = lines[HEAD]
    return Document(Mechanism(**head.values | rows), file, _places(lines, found))


def _only_ours(lines: Lines, errors: list[BadInput]) -> None:
    """A row of a supplement that calls itself the document's is an invention with a quotation mark."""
    if not any(line.text("supplement_to") for line in lines[HEAD]):
        return
    allowed = ", ".join((Provenance.ASSUMED, Provenance.UNSET))
    for name in OF_MECHANISM:
        for line in lines[name]:
            if line.values.get("provenance") == Provenance.SOURCE:
                errors.append(
                    BadInput(
                        "city.bad_value", file=TABLES[name].file, row=line.row, column="provenance",
                        value=str(Provenance.SOURCE), remedy="city.remedy.one_of", allowed=allowed,
                    )
                )  # fmt: skip


#: What the tables of a city call it → what a document does, with line and row's key.
_SAID = {
    "city.bad_value": "mechfile.bad_value",
    "city.unknown_role": "mechfile.unknown_role",
    "city.duplicate_key": "mechfile.duplicate_key",
    "city.missing_column": "mechfile.missing_column",
    "city.unknown_column": "mechfile.unknown_column",
    "city.one_row": "mechfile.no_head",
}


def _placed(error: BadInput, found: Found, lines: Lines) -> BadInput:
    """An error of a table in the words of a document: file, line, table, the row's key."""
    if error.key not in _SAID:
        return error
    params = dict(error.params)
    name, number = str(params["file"]).removesuffix(".csv"), int(params.get("row") or 1)
    at = _at(found, name, number, str(params.get("column", "")))
    line = next((line for line in lines[name] if line.row == number), None)
    sheet = found.sheets.get(name)
    params |= {
        "file": sheet.label if sheet else found.file,
        "line": at.line,
        "table": TABLES[name].zh,
        "row": line.text("key") if line else "",
    }
    first = params.get("first")
    if isinstance(first, int):
        params["first"] = _at(found, name, first, "key").line
    return BadInput(_SAID[error.key], **params)


def _at(found: Found, name: str, number: int, column: str) -> At:
    """Where a cell stands; of a spreadsheet, its row."""
    default = found.at.get((name, number, ""), At(number, 1))
    return found.at.get((name, number, column), default)


def _places(lines: Lines, found: Found) -> dict[tuple[str, str], str]:
    return {
        (name, line.text("key")): f"{found.sheets[name].label}:{_at(found, name, line.row, '').line}"
        for name in MECHANISM
        for line in lines[name]
    }
