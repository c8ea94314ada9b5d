"""Tables in and out: rows are numbered as a spreadsheet shows them, the header being row 1."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any

from liandong.adapters.tables.cells import BadCell, narrow
from liandong.adapters.tables.layout import Column, Table
from liandong.adapters.tables.workbooks import Sheet, cell_text
from liandong.core.values.errors import BadInput

#: A cell longer than this is no cell of a city but a file pasted into one.
LONGEST_CELL = 100_000


@dataclass
class Line:
    """One row as read: values of the cells that could be read; `good` where all could."""

    row: int
    values: dict[str, Any]
    good: bool = True

    def text(self, column: str) -> str:
        """A text value, empty where it could not be read."""
        return str(self.values.get(column) or "")


def bad(key: str, file: str, row: int, column: str, value: str, **more: str | int) -> BadInput:
    """An error of one cell; the value is cut, because a whole file may have been pasted into it."""
    return BadInput(key, file=file, row=row, column=column, value=value[:64], **more)


def read_table(table: Table, sheet: Sheet, zone: tzinfo, errors: list[BadInput]) -> list[Line]:
    """All rows of a table; what is wrong is added to `errors`; `zone` is the clock of workbooks."""
    records = sheet.records
    header = [_header(table, cell) for cell in records[0]] if records else []
    while header and not header[-1]:
        header.pop()  # Excel also saves columns that were once used
    if not _header_is_good(table, header, errors):
        return []
    lines = [
        _line(table, header, number, cells, zone, errors)
        for number, cells in enumerate(records[1:], start=2)
        if any(cell.strip() if isinstance(cell, str) else cell is not None for cell in cells)
    ]
    if table.single and len(lines) != 1:
        errors.append(BadInput("city.one_row", file=table.file, row=2, rows=len(lines)))
    return lines


def _header(table: Table, cell: Any) -> str:
    """The column that a header names, by its own name or in Chinese; otherwise what it says."""
    said = narrow("" if cell is None else str(cell))
    return table.headers.get(said, said)


def _header_is_good(table: Table, header: list[str], errors: list[BadInput]) -> bool:
    """False where a column is missing, twice there or unknown: a misspelt one must not be lost silently."""
    before = len(errors)
    for name, column in table.columns.items():
        if column.required and name not in header:
            errors.append(BadInput("city.missing_column", file=table.file, row=1, column=name))
    for place, name in enumerate(header):
        if name and name not in table.columns:
            known = ", ".join(table.columns)
            errors.append(bad("city.unknown_column", table.file, 1, name, name, allowed=known))
        elif name in header[:place]:
            errors.append(bad("city.duplicate_column", table.file, 1, name, name))
    return len(errors) == before


def _line(
    table: Table, header: list[str], row: int, cells: list[Any], zone: tzinfo, errors: list[BadInput]
) -> Line:
    line = Line(row, {})
    beyond = [
        cell
        for place, cell in enumerate(cells)
        if cell is not None and str(cell).strip() and header[place : place + 1] in ([], [""])
    ]
    if beyond:
        line.good = False
        # Not the cell itself: a name pushed out of its column would be personal data in a log.
        errors.append(BadInput("city.beyond_header", file=table.file, row=row, count=len(beyond)))
    found = dict(zip(header, cells, strict=False))
    for name, column in table.columns.items():
        _read_cell(table, line, column, found.get(name), zone, errors)
    return line


def _read_cell(
    table: Table, line: Line, column: Column, cell: Any, zone: tzinfo, errors: list[BadInput]
) -> None:
    try:
        text = cell_text(cell, column.kind, zone).replace("\r\n", "\n").strip()
        if len(text) > LONGEST_CELL:
            raise BadCell("city.remedy.plain_text")
        line.values[column.name] = column.parse(text)
    except BadCell as error:
        line.good = False
        shown = "" if column.personal else str(cell)
        errors.append(
            bad(
                "city.bad_value",
                table.file,
                line.row,
                column.name,
                shown,
                remedy=error.remedy,
                allowed=error.allowed,
            )
        )


def write_table(folder: Path, table: Table, rows: list[list[str]]) -> None:
    """Write a whole file aside and put it in place, so that a reader never sees half of one."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(rows)
    target = folder / table.file
    aside = folder / f"{table.file}.new"
    # With BOM: without it Excel and WPS take the file for GBK and show every Chinese name as rubbish.
    aside.write_bytes(text.getvalue().encode("utf-8-sig"))
    os.replace(aside, target)
