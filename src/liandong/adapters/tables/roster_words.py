"""Words of a month sheet: hours, dates, watches, names of people; the same for writing and for reading."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Watch
from liandong.core.values.times import to_micros
from liandong.texts import label

UNIT, POST, WATCH, HOURS, DATE, WEEKDAY = "单位", "岗位", "班次", "时间", "日期", "星期"
HEADS = frozenset({UNIT, POST, WATCH, HOURS, DATE})
#: Columns that are for people only.
NOTES = frozenset({"", WEEKDAY, DATE, "备注", "节日"})
DAYS = "一二三四五六日"
USUAL = "08:00-08:00"
A_DAY = 24 * 60
_SPAN = re.compile(
    r"(\d{1,2})[:：](\d{2})\s*(?:-|–|—|~|～|至|到)\s*(次日)?\s*(\d{1,2})[:：](\d{2})(?:\s*\+\s*(\d{1,2}))?"
)
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class RosterErrors(BadInput):
    """All that is wrong with a workbook at once."""

    def __init__(self, file: str, errors: list[BadInput]) -> None:
        super().__init__("roster.sheet_errors", file=file, count=len(errors))
        self.errors = errors


@dataclass(frozen=True, order=True)
class Column:
    """One watch: of a post, at hours that are minutes after midnight of its day."""

    post: str
    watch: Watch
    start: int
    end: int


def hours_of(column: Column) -> str:
    """`20:00-08:00`, `00:00-24:00`, `08:00-10:00+1`."""
    days, rest = divmod(column.end, A_DAY)
    if rest == 0:
        days, rest = days - 1, A_DAY
    plain = days == 0 or (days == 1 and rest <= column.start)
    start, end = (f"{at // 60:02d}:{at % 60:02d}" for at in (column.start, rest))
    return f"{start}-{end}" if plain else f"{start}-{end}+{days}"


def moments(day: date, column: Column, zone: tzinfo) -> tuple[int, int]:
    """Beginning and end, microseconds UTC, of a watch that begins on this day."""
    midnight = datetime(day.year, day.month, day.day)
    start, end = (
        to_micros((midnight + timedelta(minutes=at)).replace(tzinfo=zone))
        for at in (column.start, column.end)
    )
    return start, end


class Names:
    """Names of people, as far as one name means one person: first among the unit's, then among all."""

    def __init__(self, folder: CityFolder, unit: str) -> None:
        posts = {post.key for post in folder.city.posts if post.unit == unit}
        mine = {holding.person for holding in folder.city.holdings if holding.post in posts}
        self._keys = {record.key: record.name for record in folder.persons}
        self._of: dict[str, list[str]] = defaultdict(list)
        self._mine: dict[str, list[str]] = defaultdict(list)
        for record in folder.persons:
            self._of[record.name].append(record.key)
            if record.key in mine:
                self._mine[record.name].append(record.key)

    def found(self, said: str) -> str | None:
        """The person of a name or a key; None for nobody, and for several."""
        if said in self._keys:
            return said
        for names in (self._mine, self._of):
            keys = names.get(said, [])
            if keys:
                return keys[0] if len(keys) == 1 else None
        return None

    def shown(self, person: str) -> str:
        """The name, where it leads back to this person, else the key."""
        name = self._keys.get(person, "")
        plain = name == name.strip() and not set(name) & set("/／")
        return name if plain and self.found(name) == person else person


def watch_of(said: str) -> Watch | None:
    """A watch by its word or code; main where nothing is said; None for another word."""
    words = {label("watch", watch, "zh"): watch for watch in Watch} | {watch.value: watch for watch in Watch}
    return words.get(said) if said else Watch.MAIN


def span_of(said: str) -> tuple[int, int] | None:
    """`20:00-08:00` → minutes after midnight of the day on which it begins; None for what is none."""
    found = _SPAN.fullmatch(said or USUAL)
    if found is None:
        return None
    hour, minute, tomorrow, end_hour, end_minute, later = found.groups()
    start, end = int(hour) * 60 + int(minute), int(end_hour) * 60 + int(end_minute)
    if start >= A_DAY or end > A_DAY or int(minute) > 59 or int(end_minute) > 59:
        return None
    if later:
        end += int(later) * A_DAY
    elif tomorrow or end <= start:
        end += A_DAY
    return (start, end) if end > start else None


def date_of(cell: Any) -> date | None:
    """A cell's date; None for anything else, and for a year in which nobody is on duty."""
    found = _DATE.fullmatch(words_of(cell))
    try:
        if isinstance(cell, (date, datetime)):
            day = date(cell.year, cell.month, cell.day)
        elif found is not None:
            day = date(int(found[1]), int(found[2]), int(found[3]))
        else:
            return None
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def words_of(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def zone_of(city: City) -> tzinfo:
    try:
        return ZoneInfo(city.zone)
    except (KeyError, ValueError, OSError):
        return UTC
