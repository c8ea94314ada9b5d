"""A column of times as people and loggers write them → microseconds UTC.

Without an offset the zone given holds. Whether 11/04 is April or November is decided by the column as
a whole, and by a date in the file's name where there is one; what stays open is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from liandong.core.ingest.texttimes import parse_times
from liandong.core.values.errors import BadInput
from liandong.core.values.times import DAY, MINUTE, SECOND

Times = npt.NDArray[np.int64]
_CLOCK = r"(?:[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?"
_YEAR_FIRST = re.compile(r"(\d{4})([-/.年])(\d{1,2})[-/.月](\d{1,2})日?" + _CLOCK)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})" + _CLOCK)
_EPOCH = re.compile(r"-?\d{9,19}(?:\.\d+)?")
_NAMED = re.compile(r"(?<!\d)(20\d\d|19\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)")
#: Seconds, milliseconds, microseconds or nanoseconds since 1970, told by how large the number is.
_EPOCH_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (float("inf"), 1e-3))


class TimeReader:
    """Reads the time column of one table, a piece after the other; decides the order of day and month once.

    `note` says what was corrected.
    """

    def __init__(self, zone: tzinfo, file: str) -> None:
        self._zone, self._file = zone, file
        self._named = dates_in(file)
        self._order: str | None = None  #: of a date with the year last: "day" or "month" first
        self._swap: bool | None = None  #: day and month changed places in the file
        self.note = ""

    def read(self, texts: Sequence[str], line: int, column: str) -> Times:
        """Microseconds UTC; `line` is that of the first text. Raises BadInput naming what cannot be read."""
        if not texts:
            return np.zeros(0, np.int64)
        quick = self._quick(texts)
        if quick is None:
            quick = self._one_by_one(texts, line, column)
        local, aware = quick
        local = self._set_right(local)
        if aware is None:
            return to_utc(local, self._zone)
        return np.where(aware, local, to_utc(local, self._zone))

    def _quick(self, texts: Sequence[str]) -> tuple[Times, npt.NDArray[np.bool_] | None] | None:
        """Texts of one form with the year first and two digits everywhere."""
        first = texts[0]
        if len(first) < 19 or first[4:5] != "-" or first[10:11] not in " T":
            return None
        aware = first.endswith("Z") or first[-6:-5] in ("+", "-")
        ends = "" if aware else "Z"
        got = parse_times([text[:10] + "T" + text[11:] + ends for text in texts])
        if got is None or any(text[10:11] != first[10] for text in texts):
            return None
        return got, np.ones(len(texts), np.bool_) if aware else None

    def _one_by_one(
        self, texts: Sequence[str], line: int, column: str
    ) -> tuple[Times, npt.NDArray[np.bool_]]:
        if self._order is None:
            self._order = self._decide(texts)
        local, aware = np.empty(len(texts), np.int64), np.zeros(len(texts), np.bool_)
        for row, text in enumerate(texts):
            try:
                local[row], aware[row] = self._moment(text.strip())
            except (ValueError, OverflowError) as error:
                key = "file.ambiguous_date" if str(error) == "ambiguous" else "file.bad_time"
                raise BadInput(
                    key, file=self._file, line=line + row, column=column, value=text[:40]
                ) from error
        return local, aware

    def _moment(self, text: str) -> tuple[int, bool]:
        """(microseconds, whether they are UTC already). Raises ValueError."""
        if _EPOCH.fullmatch(text):
            number = float(text)
            return round(number * next(unit for most, unit in _EPOCH_UNITS if abs(number) < most)), True
        match = _YEAR_FIRST.fullmatch(text)
        if match:
            year, month, day = int(match[1]), int(match[3]), int(match[4])
        else:
            match = _YEAR_LAST.fullmatch(text)
            if match is None:
                raise ValueError("form")
            if match[2] != "." and self._order is None:
                raise ValueError("ambiguous")
            day, month, year = int(match[1]), int(match[3]), int(match[4])
            if match[2] != "." and self._order == "month":
                day, month = month, day
        fraction = (match[8] or "").ljust(6, "0")[:6]
        at = datetime(
            year, month, day, int(match[5] or 0), int(match[6] or 0), int(match[7] or 0), int(fraction), UTC
        )
        shift = _shift(match[9])
        micros = round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        return micros - (shift or 0), shift is not None

    def _decide(self, texts: Sequence[str]) -> str | None:
        """Which of the two numbers before a year is the day, where the column or the name tells."""
        firsts, seconds, dates = 0, 0, set()
        for text in texts:
            match = _YEAR_LAST.fullmatch(text.strip())
            if match and match[2] != ".":
                firsts, seconds = max(firsts, int(match[1])), max(seconds, int(match[3]))
                dates.add((int(match[1]), int(match[3]), int(match[4])))
        if firsts > 12 or seconds > 12:
            return "day" if firsts > 12 else "month"
        for named in self._named:
            if (named.day, named.month, named.year) in dates and named.day != named.month:
                return "day"
            if (named.month, named.day, named.year) in dates and named.day != named.month:
                return "month"
        return "day" if dates and all(one == two for one, two, _ in dates) else None

    def _set_right(self, local: Times) -> Times:
        """Put day and month back where the file's name shows that they changed places."""
        if self._swap is None:
            self._swap = self._is_swapped(local)
        if not self._swap:
            return local
        days = local // DAY
        unique, place = np.unique(days, return_inverse=True)
        turned = [_turned(int(day)) for day in unique]
        if any(day is None for day in turned):
            raise BadInput("file.swapped_in_part", file=self._file)
        return np.array(turned, np.int64)[place] * DAY + local % DAY

    def _is_swapped(self, local: Times) -> bool:
        first = _date(int(local[0] // DAY))
        if first is None or first in self._named:
            return False
        turned = _turned(int(local[0] // DAY))
        for named in self._named:
            if turned is not None and _date(turned) == named and first != named:
                self.note = (
                    f"day and month of the times were swapped: {first} in the file, {named} by its name"
                )
                return True
        return False


def _date(day: int) -> date | None:
    try:
        return date(1970, 1, 1) + timedelta(days=day)
    except OverflowError:
        return None


def _turned(day: int) -> int | None:
    """The day with its day and month changed over, as days since 1970."""
    found = _date(day)
    if found is None or found.day > 12:
        return None
    return (date(found.year, found.day, found.month) - date(1970, 1, 1)).days


def _shift(text: str | None) -> int | None:
    if not text:
        return None
    if text == "Z":
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("offset")
    return (hours * 60 + minutes) * MINUTE * (1 if text[0] == "+" else -1)


def dates_in(name: str) -> tuple[date, ...]:
    """Dates that a file's name carries, `2022-04-11` or `20220411`."""
    found = []
    for match in _NAMED.finditer(name):
        try:
            found.append(date(int(match[1]), int(match[2]), int(match[3])))
        except ValueError:
            continue
    return tuple(found)


def to_utc(local: Times, zone: tzinfo) -> Times:
    """Local microseconds → UTC. An hour that happened twice is taken as its first time."""
    quarter = 15 * MINUTE
    unique, place = np.unique(local // quarter, return_inverse=True)
    offsets = np.empty(len(unique), np.int64)
    for index, one in enumerate(unique.tolist()):
        try:
            at = datetime(1970, 1, 1) + timedelta(microseconds=one * quarter)
            offset = zone.utcoffset(at)
        except (OverflowError, ValueError):
            offset = None
        offsets[index] = round((offset or timedelta()).total_seconds()) * SECOND
    return local - offsets[place]
