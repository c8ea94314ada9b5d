"""A city as one workbook: a sheet per table with Chinese headers, and one that explains them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from liandong.adapters.tables.city import rendered
from liandong.adapters.tables.layout import TABLES, Column, Table
from liandong.adapters.tables.workbooks import NOTES
from liandong.core.values.dataset import CityFolder
from liandong.texts import text

_EXPLAINED = ("工作表", "表（代码）", "列", "列（代码）", "必填", "怎样填写")
#: Widest column, in characters.
_WIDEST = 60


def write_workbook(path: Path, data: CityFolder) -> None:
    """Write all tables into one file, whole or not at all.

    Every cell but numbers is text, so that Excel neither drops a nought nor makes a date of a code.
    Raises CityErrors where a value would not come back as it is.
    """
    tables = rendered(path.name, data)
    book = Workbook(write_only=True)
    _fill(book.create_sheet(NOTES), _EXPLAINED, _explanations(), (False,) * len(_EXPLAINED))
    for table, rows in tables:
        if rows or not table.optional:
            columns = tuple(table.columns.values())
            numbers = tuple(column.kind == "number" for column in columns)
            _fill(book.create_sheet(table.zh), tuple(column.zh for column in columns), rows, numbers)
    aside = path.with_name(f"{path.name}.new")
    book.save(aside)
    os.replace(aside, path)


def _fill(sheet: Any, header: tuple[str, ...], rows: list[list[str]], numbers: tuple[bool, ...]) -> None:
    """One sheet. Its columns are text, so that what is written into them later stays as it is written."""
    sheet.freeze_panes = "A2"
    for place, (title, number) in enumerate(zip(header, numbers, strict=True)):
        column = sheet.column_dimensions[get_column_letter(place + 1)]
        longest = max([2 * len(title), *(len(row[place]) for row in rows[:200])])
        column.width = min(longest + 2, _WIDEST)
        if not number:
            column.number_format = "@"
    sheet.append([_cell(sheet, title, bold=True) for title in header])
    for row in rows:
        sheet.append(
            [
                float(cell)
                if number and cell
                else _cell(sheet, cell)
                if cell.startswith("=")
                else cell or None
                for cell, number in zip(row, numbers, strict=True)
            ]
        )


def _cell(sheet: Any, words: str, bold: bool = False) -> Any:
    """A cell of words: one that begins with = is no formula."""
    cell = WriteOnlyCell(sheet, value=words)
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def _explanations() -> list[list[str]]:
    return [
        [table.zh, table.name, column.zh, column.name, "是" if column.required else "", _how(table, column)]
        for table in TABLES.values()
        for column in table.columns.values()
    ]


def _how(table: Table, column: Column) -> str:
    """What to write, in the words in which a wrong cell would be refused."""
    if not column.codec.hint:
        return "文字"
    return text(column.codec.hint, "zh", allowed=column.codec.allowed)
