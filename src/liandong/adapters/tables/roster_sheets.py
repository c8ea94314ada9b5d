"""A duty roster as people write it in Excel: a sheet a unit, a row a date, a column a watch, a name a cell.

Rows above the dates say what the columns are: 岗位 (a title or a key), 班次 (main watch where it is missing)
and 时间 (`08:00-20:00`; from 8 to 8 where it is missing; an end that is not later is on the next day, `+1`
a day later still). A cell is a name or a person's key, with the deputy after a slash. Whatever is exported
comes back as the very same duties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from liandong.adapters.tables.roster_words import (
    DATE,
    HEADS,
    HOURS,
    NOTES,
    POST,
    UNIT,
    WATCH,
    Column,
    Names,
    RosterErrors,
    date_of,
    moments,
    span_of,
    watch_of,
    words_of,
    zone_of,
)
from liandong.core.values.city import City, Post, Unit
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Watch
from liandong.core.values.roster import Duty
from liandong.core.values.spans import overlaps
from liandong.core.values.times import MINUTE, to_datetime

#: More rows or columns than that are no roster but something else.
_MOST_ROWS, _MOST_COLUMNS = 2_000, 500


@dataclass
class Imported:
    """Duties of a workbook, and which days of which watches they stand for."""

    duties: list[Duty] = field(default_factory=list)
    covered: set[tuple[str, Watch, date]] = field(default_factory=set)


def import_rosters(path: Path, folder: CityFolder) -> Imported:
    """The duties that a workbook says. Raises RosterErrors with every cell that cannot be read."""
    try:
        book = load_workbook(path, read_only=False, data_only=True)
    except Exception as error:  # whatever the library raises for what is no workbook
        raise BadInput("roster.not_a_workbook", file=path.name) from error
    errors: list[BadInput] = []
    made = Imported()
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible" and sheet.max_row and sheet.max_column:
            _Sheet(folder, sheet, made, errors).read()
    if not errors and not made.covered:
        errors.append(BadInput("roster.nothing_to_import"))
    errors += _overlapping(made.duties)
    if errors:
        raise RosterErrors(path.name, errors)
    return made


def merged(city: City, made: Imported) -> tuple[Duty, ...]:
    """The city's duties with those days of those watches replaced that a workbook speaks of.

    Raises RosterErrors where what stays and what is new claim one moment.
    """
    zone = zone_of(city)
    kept = [duty for duty in city.duties if (duty.post, duty.watch, _day(duty, zone)) not in made.covered]
    duties = sorted((*kept, *made.duties), key=lambda duty: (duty.post, duty.watch, duty.start))
    errors = _overlapping(duties)
    if errors:
        raise RosterErrors("duties.csv", errors)
    return tuple(duties)


def _day(duty: Duty, zone: tzinfo) -> date:
    return to_datetime(duty.start).astimezone(zone).date()


def _overlapping(duties: Sequence[Duty]) -> list[BadInput]:
    """Two on one watch of one post, said once a pair."""
    by_watch: dict[tuple[str, Watch], list[Duty]] = defaultdict(list)
    for duty in duties:
        by_watch[duty.post, duty.watch].append(duty)
    return [
        BadInput("roster.sheet_overlap", post=post, at=str(to_datetime(span[0])))
        for (post, _), rows in by_watch.items()
        for _, _, span in overlaps([(duty.start, duty.end) for duty in rows])
    ]


class _Sheet:
    """One sheet: what its columns are, then its dates."""

    def __init__(self, folder: CityFolder, sheet: Any, made: Imported, errors: list[BadInput]) -> None:
        self._folder, self._made, self._errors = folder, made, errors
        self._title = str(sheet.title)
        self._zone = zone_of(folder.city)
        too_many = sheet.max_row > _MOST_ROWS or sheet.max_column > _MOST_COLUMNS
        self._rows = [] if too_many else [list(row) for row in sheet.iter_rows(values_only=True)]
        if too_many:
            self._bad_cell("roster.sheet_too_large", "A1")

    def read(self) -> None:
        heads = {words_of(row[0]): row for row in self._rows if row and words_of(row[0]) in HEADS}
        unit = self._unit(heads.get(UNIT, []))
        head = heads.get(POST) or heads.get(DATE)
        if unit is None or head is None:
            if self._rows:
                self._bad_cell("roster.sheet_no_unit" if unit is None else "roster.sheet_no_posts", "A1")
            return
        names = Names(self._folder, unit.key)
        columns = dict(self._columns(unit, heads, head))
        for number, row in enumerate(self._rows, start=1):
            day = date_of(row[0]) if row else None
            if day is None:
                filled = any(words_of(cell) for place, cell in enumerate(row) if place in columns)
                if filled and words_of(row[0]) not in HEADS:
                    self._bad_cell("roster.sheet_no_date", f"A{number}")
                continue
            for place, column in columns.items():
                said = words_of(row[place]) if place < len(row) else ""
                self._cell(day, column, said, names, f"{get_column_letter(place + 1)}{number}")

    def _unit(self, row: Sequence[Any]) -> Unit | None:
        """The unit that a row 单位 names, else the one whose name or key the sheet bears."""
        said = [words_of(cell) for cell in row[1:] if words_of(cell)] or [self._title.strip()]
        found = [unit for unit in self._folder.city.units if {unit.key, unit.name_zh} & set(said)]
        exact = [unit for unit in found if unit.key in said]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def _columns(
        self, unit: Unit, heads: dict[str, list[Any]], head: Sequence[Any]
    ) -> Iterator[tuple[int, Column]]:
        watches, hours = heads.get(WATCH, []), heads.get(HOURS, [])
        seen: set[Column] = set()
        for place, cell in enumerate(head):
            said = words_of(cell)
            if place == 0 or said in NOTES:
                continue
            at = f"{get_column_letter(place + 1)}"
            watch = watch_of(words_of(watches[place]) if place < len(watches) else "")
            post, meant = _post(self._folder.city, unit.key, said)
            span = span_of(words_of(hours[place]) if place < len(hours) else "")
            if post is None or watch is None or span is None:
                key = "post" if post is None else "watch" if watch is None else "hours"
                self._bad_cell(f"roster.sheet_bad_{key}", at)
                continue
            column = Column(post.key, meant or watch, *span)
            if column in seen:
                self._bad_cell("roster.sheet_column_twice", at)
            seen.add(column)
            yield place, column

    def _cell(self, day: date, column: Column, said: str, names: Names, at: str) -> None:
        self._made.covered.add((column.post, column.watch, day))
        if not said:
            return
        person, sign, deputy = (part.strip() for part in said.replace("／", "/").partition("/"))
        found = [names.found(one) for one in (person, deputy) if one]
        if not person or None in found or (sign and not deputy):
            # Not the cell's words: a name is personal data, and errors are logged.
            self._bad_cell("roster.sheet_unknown_person", at)
            return
        start, end = moments(day, column, self._zone)
        if end - start < MINUTE:
            self._bad_cell("roster.sheet_bad_hours", at)
            return
        self._made.duties.append(
            Duty(
                post=column.post, start=start, end=end, watch=column.watch, person=found[0] or "",
                deputy=(found[1] or "") if len(found) == 2 else "",
            )
        )  # fmt: skip

    def _bad_cell(self, key: str, cell: str) -> None:
        self._errors.append(BadInput(key, sheet=self._title, cell=cell))


def _post(city: City, unit: str, said: str) -> tuple[Post | None, Watch | None]:
    """The post that a head names by key or title; a word for a watch means that watch of the duty post."""
    posts = [post for post in city.posts if post.unit == unit]
    found = [post for post in posts if said in (post.key, post.title_zh)]
    if len(found) == 1:
        return found[0], None
    watch = watch_of(said)
    if found or watch is None:
        return None, None
    leader = watch == Watch.LEADER and any(post.leader for post in posts)
    return next((post for post in posts if (post.leader if leader else post.duty)), None), watch
