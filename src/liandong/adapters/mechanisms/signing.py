"""A document as a workbook for signature: a cover, then a sheet for each table, in Chinese words.

The cover is for people and is never read back; the sheets are read as they stand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from liandong.adapters.mechanisms.cover import BOX, fill_cover, paint, shown, word
from liandong.adapters.mechanisms.reading import read_document
from liandong.adapters.mechanisms.writing import write_text
from liandong.adapters.tables.layout import MECHANISM, TABLES, Column, Table
from liandong.adapters.tables.workbooks import COVER
from liandong.core.values.city import City
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput

_KEPT = ("provenance", "place")
_WIDEST = 48


def write_signing(path: Path, document: Mechanism, city: City | None = None) -> None:
    """Write the workbook, whole or not at all; with a city, its units sign by name.

    Raises BadInput where it would not be read back as it is.
    """
    write_text(document)  # says by table and column which value no form can hold
    aside = path.with_name(f".{path.stem}.new.xlsx")
    try:
        _workbook(document, city).save(aside)
        same = read_document(aside).mechanism == document
    except (ValueError, BadInput, TypeError) as error:
        aside.unlink(missing_ok=True)
        raise BadInput("mechfile.cannot_write", file=path.name) from error
    if not same:
        aside.unlink()
        raise BadInput("mechfile.cannot_write", file=path.name)
    os.replace(aside, path)


def _workbook(document: Mechanism, city: City | None) -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    fill_cover(book.create_sheet(COVER), document, city)
    for name in MECHANISM:
        rows = (document,) if name == MECHANISM[0] else getattr(document, name)
        if rows:
            _sheet(book.create_sheet(TABLES[name].zh), TABLES[name], rows)
    return book


def _sheet(sheet: Any, table: Table, things: Sequence[Any]) -> None:
    """A table: only columns in which something stands."""
    columns = [
        column
        for column in table.columns.values()
        if column.required
        or (column.name in _KEPT and not table.single)
        or any(getattr(thing, column.name) != column.default for thing in things)
    ]
    sheet.freeze_panes = "B2"
    sheet.append([_header(column) for column in columns])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for thing in things:
        sheet.append([_value(sheet, column, getattr(thing, column.name)) for column in columns])
        paint(sheet[sheet.max_row], getattr(thing, "provenance", None))
    for place, column in enumerate(columns, start=1):
        _shape(sheet, get_column_letter(place), plain=column.kind == "number" and not column.duration)


def _shape(sheet: Any, letter: str, plain: bool) -> None:
    """Width, borders, and text as text, so that what is written into it later stays as it is written."""
    cells = sheet[letter]
    longest = max(sum(1 + (ord(char) > 127) for char in str(cell.value or "")) for cell in cells[:200])
    sheet.column_dimensions[letter].width = min(longest + 2, _WIDEST)
    for cell in cells:
        cell.border = BOX
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if not plain:
            cell.number_format = "@"


def _header(column: Column) -> str:
    return column.zh.removesuffix("秒数") if column.duration else column.zh


def _value(sheet: Any, column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.kind == "number" and not column.duration:
        return value
    return word(sheet, shown(column, value))
