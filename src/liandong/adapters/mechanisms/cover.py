"""The cover of a document for signature, and what a cell shows to a person."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from openpyxl.cell import Cell
from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from liandong.adapters.mechanisms.writing import digest
from liandong.adapters.tables.layout import MECHANISM, TABLES, Column
from liandong.adapters.tables.references import ROLES
from liandong.core.values.city import City, CityIndex
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.durations import duration_words
from liandong.core.values.lists import Provenance
from liandong.texts import label, text

#: Rows that are no words of the document are seen at a glance: ours yellow, where it is silent grey.
FILLS = {Provenance.ASSUMED: "FFF2CC", Provenance.UNSET: "E0E0E0"}
#: Roles that are told from the case and sign nothing.
_NOBODY = ("lead", "verifier", "actor", "deputy", "leader", "holder", "handler", "superior", "participants")
#: Roles that are another unit for each asset.
_OF_ASSET = ("owner", "operator", "regulator", "territorial", "town", "centre")
BOX = Border(*(Side(style="thin"),) * 4)


def fill_cover(sheet: Any, document: Mechanism, city: City | None) -> None:
    """Head, digest, how many rows are whose, and a box for everybody who has to sign."""
    table = TABLES[MECHANISM[0]]
    sheet.append([word(sheet, document.title_zh or document.key)])
    sheet["A1"].font = Font(bold=True, size=16)
    for column in table.columns.values():
        value = getattr(document, column.name)
        if value and column.name != "title_zh":
            sheet.append([column.zh, word(sheet, shown(column, value))])
    sheet.append([text("mechfile.cover_digest", "zh"), digest(document)])
    for provenance in Provenance:
        rows = [row for name in KINDS for row in getattr(document, name) if row.provenance == provenance]
        sheet.append([label("provenance", provenance, "zh"), len(rows)])
        paint(sheet[sheet.max_row], provenance)
    sheet.append([])
    sheet.append([text(f"mechfile.cover_{part}", "zh") for part in ("signer", "opinion", "signed", "date")])
    first = sheet.max_row
    for name in signers(document, city):
        sheet.append([word(sheet, name)])
    for row in sheet.iter_rows(min_row=first, max_row=sheet.max_row, max_col=4):
        for cell in row:
            cell.border = BOX
    for place, width in enumerate((28, 64, 20, 16), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    for row in range(first + 1, sheet.max_row + 1):
        sheet.row_dimensions[row].height = 36


def signers(document: Mechanism, city: City | None) -> tuple[str, ...]:
    """Who has to sign: the units that the rows give something to do, or, of a role that no unit of the city
    always is, the role; without a city the roles."""
    index = CityIndex(city) if city else None
    names = (name for role in sorted(_roles(document)) for name in _names(role, index))
    return tuple(dict.fromkeys(names))


def _roles(document: Mechanism) -> set[str]:
    """Every role that the rows name, and that is somebody outside one case."""
    found: set[str] = set()
    for name, column in ROLES:
        for row in getattr(document, name) if name in KINDS else ():
            value = getattr(row, column)
            found.update(value if isinstance(value, tuple) else (value,))
    return found - {"", *_NOBODY}


def _names(role: str, city: CityIndex | None) -> tuple[str, ...]:
    if city is None or role in _OF_ASSET:
        return (text(f"mechfile.role_{role}", "zh") if role in _OF_ASSET else role,)
    kind, _, function = role.partition(":")
    areas = [area.key for area in city.city.areas if area.kind == kind]
    units = [role] if role in city.units else [u for area in areas for u in city.units_for(function, area)]
    bodies = [body.name_zh for body in city.city.bodies if body.key == role]
    return tuple(city.units[unit].name_zh for unit in units) or tuple(bodies) or (role,)


def shown(column: Column, value: Any) -> str:
    """What a person reads, and the table reads back."""
    if column.duration:
        return duration_words(value, "zh")
    if isinstance(value, bool):
        return "是" if value else "否"
    said = column.render(value, UTC)
    if not (column.labels and said):
        return said
    words = {code: word for word, code in column.labels.items()}
    return ";".join(words.get(part, part) for part in (said.split(";") if column.many else [said]))


def word(sheet: Any, words: str) -> Any:
    """A word that begins with = is no formula, and one that looks like a failed one is none."""
    cell = Cell(sheet, row=1, column=1, value=words or None)
    if words:
        cell.data_type = "s"
    return cell


def paint(cells: Any, provenance: Provenance | None) -> None:
    if provenance in FILLS:
        for cell in cells:
            cell.fill = PatternFill("solid", fgColor=FILLS[provenance])
