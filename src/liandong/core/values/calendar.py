"""日历: which day is a working day, which season it is, and what a clock on the wall shows.

All three are data of the city, because the core reads neither a clock nor zone files. Working days follow
the arrangement that is announced each year (国务院办公厅关于某年部分节假日安排的通知): Monday to Friday work,
and every row is an exception to that, a holiday as well as a working Saturday (调休).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from liandong.core.values.lists import DayKind
from liandong.core.values.times import DAY, MINUTE, SECOND

#: (from, microseconds UTC; seconds east of UTC), in order. China has had one offset since 1991.
CHINA: tuple[tuple[int, int], ...] = ((0, 28_800),)
_EPOCH = date(1970, 1, 1)
#: Longest search for a working day. Two years without one are a table gone wrong.
_LONGEST = 731


class CalendarDay(msgspec.Struct, frozen=True, kw_only=True):
    """日历例外: a day that is not what its day of the week says."""

    date: str  #: YYYY-MM-DD, on the city's clock
    kind: DayKind
    name_zh: str = ""  #: of which holiday, e.g. 春节; of a working Saturday, for which it is worked

    def __post_init__(self) -> None:
        if date.fromisoformat(self.date).isoformat() != self.date:
            raise ValueError(f"calendar day {self.date}")


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """时段: a part of the year with a name, e.g. 汛期; both ends belong to it, and it may wrap the year."""

    key: str
    title_zh: str
    title_en: str = ""
    start: str  #: MM-DD
    end: str  #: MM-DD

    def __post_init__(self) -> None:
        for day in (self.start, self.end):
            # A leap year, so that a season may end on 29 February.
            if date.fromisoformat(f"2000-{day}").isoformat() != f"2000-{day}":
                raise ValueError(f"season {self.key}: {day}")

    def holds(self, day: str) -> bool:
        """Whether a date, YYYY-MM-DD, lies in the season."""
        part = day[5:]
        if self.start <= self.end:
            return self.start <= part <= self.end
        return part >= self.start or part <= self.end


class LocalMoment(msgspec.Struct, frozen=True, kw_only=True):
    """A moment as the city's clock and calendar show it."""

    date: str  #: YYYY-MM-DD
    day: DayKind
    seasons: tuple[str, ...]  #: keys, in the order of the table
    minute: int  #: of the day, 0 to 1439


class Calendar:
    """Look-ups over a city's days, seasons and offsets. Moments are microseconds UTC."""

    def __init__(
        self,
        days: tuple[CalendarDay, ...] = (),
        seasons: tuple[Season, ...] = (),
        offsets: tuple[tuple[int, int], ...] = CHINA,
    ) -> None:
        self._days = {row.date: row for row in days}
        self._years = frozenset(row.date[:4] for row in days)
        self._seasons = seasons
        self._from = [start for start, _ in offsets]
        self._east = [east * SECOND for _, east in offsets]
        self._of_day = lru_cache(maxsize=4096)(self._look_up)

    def at(self, us: int) -> LocalMoment:
        """What the calendar says of a moment."""
        number, rest = divmod(us + self._offset(us), DAY)
        day, kind, seasons = self._of_day(number)
        return LocalMoment(date=day, day=kind, seasons=seasons, minute=rest // MINUTE)

    def shown(self, us: int) -> str:
        """A moment as people write it, `2026-12-05 20:00`, on the city's clock."""
        at = self.at(us)
        return f"{at.date} {at.minute // 60:02d}:{at.minute % 60:02d}"

    def kind(self, day: str) -> DayKind:
        """What a date, YYYY-MM-DD, is. Raises ValueError where it is none."""
        return self._of_day(_number(day))[1]

    def name(self, day: str) -> str:
        """Which holiday a date belongs to, or which one it is worked for; empty for an ordinary day."""
        row = self._days.get(day)
        return row.name_zh if row else ""

    def covers(self, day: str) -> bool:
        """Whether any exception of that year is known: without one, its holidays were not yet announced."""
        return day[:4] in self._years

    def start_of(self, day: str) -> int:
        """The first moment of a date, YYYY-MM-DD. Raises ValueError where it is none."""
        wall = _number(day) * DAY
        for place, east in enumerate(self._east):
            moment = wall - east
            after = self._from[place + 1] if place + 1 < len(self._from) else None
            # Where the clock was put forward over midnight, the day begins when it was put.
            begins = self._from[place] if place else moment
            if after is None or moment < after:
                return max(moment, begins)
        raise AssertionError("the last offset has no end")

    def next_day(self, us: int) -> int:
        """The first moment of the day after the one of this moment."""
        number = (us + self._offset(us)) // DAY
        return self.start_of(_name(number + 1))

    def workdays_between(self, a: int, b: int) -> int:
        """Working days after the day of `a`, up to and including the day of `b`; 0 where b is not later.

        The day on which something happens is not counted (民法典 第二百零一条).
        """
        first = (a + self._offset(a)) // DAY
        last = (b + self._offset(b)) // DAY
        return sum(self._of_day(day)[1] == DayKind.WORKDAY for day in range(first + 1, last + 1))

    def add_workdays(self, us: int, count: int) -> int:
        """The end of the `count`-th working day after the day of a moment: the first moment not in it.

        A period of days ends when its last day ends (民法典 第二百零一条、第二百零三条).
        Raises ValueError for less than one day, and where the calendar holds no working day within two years.
        """
        if count < 1:
            raise ValueError(f"{count} working days")
        number = (us + self._offset(us)) // DAY
        since = number
        while count:
            number += 1
            if self._of_day(number)[1] == DayKind.WORKDAY:
                count, since = count - 1, number
            elif number - since > _LONGEST:
                raise ValueError("no working day within two years")
        return self.start_of(_name(number + 1))

    def ahead(self, us: int) -> int:
        """Microseconds that the city's clock is ahead of UTC at a moment."""
        return self._offset(us)

    def _offset(self, us: int) -> int:
        """Microseconds that the city's clock is ahead of UTC."""
        return self._east[max(bisect_right(self._from, us) - 1, 0)]

    def _look_up(self, number: int) -> tuple[str, DayKind, tuple[str, ...]]:
        day = _EPOCH + timedelta(days=number)
        name = day.isoformat()
        row = self._days.get(name)
        usual = DayKind.WORKDAY if day.weekday() < 5 else DayKind.RESTDAY
        seasons = tuple(season.key for season in self._seasons if season.holds(name))
        return name, row.kind if row else usual, seasons


def _number(day: str) -> int:
    return (date.fromisoformat(day) - _EPOCH).days


def _name(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()
