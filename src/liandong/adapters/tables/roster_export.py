"""Rosters out, as month sheets: a sheet a unit, a row a date, a column a watch, a name a cell."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from liandong.adapters.tables.roster_words import (
    A_DAY,
    DAYS,
    HOURS,
    POST,
    UNIT,
    WATCH,
    WEEKDAY,
    Column,
    Names,
    RosterErrors,
    hours_of,
    moments,
    zone_of,
)
from liandong.core.values.city import Unit
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Watch
from liandong.core.values.roster import Duty
from liandong.core.values.times import to_datetime
from liandong.texts import label


def export_rosters(path: Path, folder: CityFolder, units: Iterable[str] = ()) -> int:
    """Write the rosters of these units, or of all that have one; how many duties were written.

    Raises RosterErrors, and writes nothing, where a duty would not come back as it is.
    """
    city, wanted = folder.city, frozenset(units)
    posts = {post.key: post for post in city.posts}
    by_unit: dict[str, list[Duty]] = defaultdict(list)
    for duty in city.duties:
        by_unit[posts[duty.post].unit].append(duty)
    errors: list[BadInput] = []
    book = Workbook()
    book.remove(book.worksheets[0])
    titles: set[str] = set()
    count = 0
    for unit in city.units:
        duties = by_unit.get(unit.key, [])
        if duties and (not wanted or unit.key in wanted):
            _write(book.create_sheet(_title(unit, titles)), folder, unit, duties, errors)
            count += len(duties)
    if not book.worksheets:
        errors.append(BadInput("roster.nothing_to_export"))
    if errors:
        raise RosterErrors(path.name, errors)
    aside = path.with_name(f"{path.name}.new")
    book.save(aside)
    os.replace(aside, path)
    return count


def _title(unit: Unit, taken: set[str]) -> str:
    """A name that Excel takes for a sheet, and that no other sheet has."""
    name = re.sub(r"[\[\]:*?/\\']", " ", unit.name_zh)[:31].strip() or "值班表"
    made, number = name, 1
    while made.lower() in taken:
        number += 1
        made = f"{name[:27]} {number}"
    taken.add(made.lower())
    return made


def _write(sheet: Any, folder: CityFolder, unit: Unit, duties: list[Duty], errors: list[BadInput]) -> None:
    zone, names = zone_of(folder.city), Names(folder, unit.key)
    titles = Counter(post.title_zh for post in folder.city.posts if post.unit == unit.key)
    shown = {p.key: p.title_zh if titles[p.title_zh] == 1 else p.key for p in folder.city.posts}
    cells: dict[tuple[date, Column], str] = {}
    for duty in duties:
        day, column = _placed(duty, zone)
        if column is None or (day, column) in cells:
            errors.append(BadInput("roster.cannot_export", post=duty.post, at=str(to_datetime(duty.start))))
            continue
        deputy = f"/{names.shown(duty.deputy)}" if duty.deputy else ""
        cells[day, column] = f"{names.shown(duty.person)}{deputy}"
    order = {post.key: place for place, post in enumerate(folder.city.posts)}
    columns = sorted({c for _, c in cells}, key=lambda c: (order[c.post], list(Watch).index(c.watch), c))
    bold = Font(bold=True)
    rows = [
        [UNIT, unit.key, unit.name_zh],
        [POST, WEEKDAY, *(shown[column.post] for column in columns)],
        [WATCH, "", *(label("watch", column.watch, "zh") for column in columns)],
        [HOURS, "", *(hours_of(column) for column in columns)],
    ]
    for day in sorted({day for day, _ in cells}):
        weekday = DAYS[day.weekday()]
        rows.append([day.isoformat(), weekday, *(cells.get((day, column), "") for column in columns)])
    for number, row in enumerate(rows, start=1):
        for place, words in enumerate(row, start=1):
            cell = sheet.cell(number, place, words or None)
            cell.number_format, cell.data_type = "@", "s" if words else "n"
            if number <= 4 or place == 1:
                cell.font = bold
    sheet.freeze_panes = "C5"
    for place in range(1, len(columns) + 3):
        sheet.column_dimensions[get_column_letter(place)].width = 14 if place != 2 else 8


def _placed(duty: Duty, zone: tzinfo) -> tuple[date, Column | None]:
    """The day and the column of a duty; None where hours and minutes do not say it exactly."""
    start, end = (to_datetime(at).astimezone(zone) for at in (duty.start, duty.end))
    days = (end.date() - start.date()).days
    column = Column(
        duty.post, duty.watch, start.hour * 60 + start.minute, days * A_DAY + end.hour * 60 + end.minute
    )
    same = moments(start.date(), column, zone) == (duty.start, duty.end)
    return start.date(), column if same else None
