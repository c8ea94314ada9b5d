"""Excel workbooks in: what a sheet holds, and what makes it unreadable, said before a wrong value is read."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from liandong.adapters.tables.cells import BadCell
from liandong.adapters.tables.headers import TABLE_ZH
from liandong.core.values.errors import BadInput

#: Name of the sheet that explains the others; it is never read.
NOTES = "说明"
#: The first sheet of a document for signature; it is for people, and is never read.
COVER = "封面"
#: More than any city's workbook; a small archive may unpack to very much more than it weighs.
LARGEST = 512 * 1024 * 1024
#: What Excel shows in a cell whose formula failed.
_FAILED = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_NAMES = {zh: name for name, zh in TABLE_ZH.items()} | {name: name for name in TABLE_ZH}


@dataclass(frozen=True)
class Sheet:
    """One table as found: `label` is what an error calls it; the first record is the header."""

    label: str
    records: list[list[Any]]


def read_workbook(path: Path, errors: list[BadInput]) -> dict[str, Sheet]:
    """Table → sheet. A workbook named after a table may hold it in any one sheet."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                errors.append(BadInput("city.file_too_large", file=path.name, most=LARGEST // 2**20))
                return {}
        # Opened here, because the reader leaves a damaged file open.
        with path.open("rb") as file:
            book = load_workbook(file, data_only=True)
    except Exception as error:  # whatever is not a workbook fails in ways of its own
        errors.append(BadInput("city.bad_workbook", file=path.name, problem=type(error).__name__))
        return {}
    found: dict[str, Sheet] = {}
    own = _NAMES.get(path.stem)
    for sheet in book.worksheets:
        label = f"{path.name}[{sheet.title}]"
        name = _NAMES.get(sheet.title.strip())
        records = [list(row) for row in sheet.iter_rows(values_only=True)]
        said = any(cell not in (None, "") for row in records for cell in row)
        if sheet.title in (NOTES, COVER) or not said:
            if name is not None and records:
                found[name] = Sheet(label, records)
            continue
        if own is not None and name is None and len(book.worksheets) == 1:
            name = own
        if name is None:
            errors.append(BadInput("city.unknown_sheet", file=label))
        elif sheet.sheet_state != "visible":
            errors.append(BadInput("city.hidden_sheet", file=label))
        elif name in found:
            errors.append(BadInput("city.table_twice", file=label, other=found[name].label))
        else:
            _merged(sheet, label, errors)
            found[name] = Sheet(label, records)
    _formulas(path, found, errors)
    return found


def _merged(sheet: Any, label: str, errors: list[BadInput]) -> None:
    """All but the first of merged cells are empty, whatever they look like."""
    for area in sheet.merged_cells.ranges:
        errors.append(BadInput("city.merged_cells", file=label, row=area.min_row, cells=str(area)))


def _formulas(path: Path, found: dict[str, Sheet], errors: list[BadInput]) -> None:
    """A formula that was never computed, as programs write them, has no value to read."""
    with zipfile.ZipFile(path) as archive:
        sheets = (name for name in archive.namelist() if name.startswith("xl/worksheets/"))
        if not any(re.search(rb"<(?:\w+:)?f[ >/]", archive.read(name)) for name in sheets):
            return
    book = load_workbook(path)
    for sheet in found.values():
        title = sheet.label.removeprefix(f"{path.name}[").removesuffix("]")
        for row, cells in enumerate(book[title].iter_rows(values_only=True), start=1):
            for place, cell in enumerate(cells):
                formula = isinstance(cell, str) and cell.startswith("=")
                if formula and sheet.records[row - 1][place] is None:
                    at = f"{get_column_letter(place + 1)}{row}"
                    errors.append(BadInput("city.formula_empty", file=sheet.label, row=row, cells=at))


def cell_text(cell: Any, kind: str, zone: tzinfo) -> str:
    """What a cell says. `kind` is that of its column: text, code, number, time date, day or
    other. Raises BadCell.

    A moment without an offset is one on the city's clock, because Excel knows no other.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        if cell.strip() in _FAILED:
            raise BadCell("city.remedy.formula_failed")
        return cell
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if kind in ("date", "day") and isinstance(cell, (datetime, date)):
        return f"{cell:%Y-%m-%d}" if kind == "date" else f"{cell:%m-%d}"
    if isinstance(cell, (datetime, date)):
        if kind != "time":
            raise BadCell("city.remedy.not_a_date")
        moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        return moment.replace(tzinfo=zone).isoformat()
    if isinstance(cell, (time, timedelta)) or kind == "time":
        raise BadCell("city.remedy.time" if kind == "time" else "city.remedy.not_a_date")
    if kind == "code":
        raise BadCell("city.remedy.as_text")
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
