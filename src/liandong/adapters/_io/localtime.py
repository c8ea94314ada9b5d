"""Local times of devices: digits on a wall clock, turned into microseconds UTC by the city's zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from liandong.core.values.times import DAY, EARLIEST, LATEST, MINUTE, SECOND, to_datetime, to_micros


class LocalTime:
    """Conversion both ways; an hour that a zone has twice is taken as the first of the two."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        # Devices send times of now: nearly every frame falls into an hour that was looked up before.
        self._hour = lru_cache(maxsize=4096)(self._look_up)

    def _look_up(self, year: int, month: int, day: int, hour: int) -> int:
        return to_micros(datetime(year, month, day, hour, tzinfo=self._zone).astimezone(UTC))

    def micros(self, year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
        """Microseconds UTC. Raises ValueError where no such moment exists on a calendar or clock."""
        if not (0 <= minute < 60 and 0 <= second < 60):
            raise ValueError("minute or second")
        return self._hour(year, month, day, hour) + minute * MINUTE + second * SECOND

    def local(self, at: int) -> datetime:
        """What a wall clock shows at a moment, to the second."""
        return datetime.fromtimestamp(at // SECOND, self._zone)


_WEEK = 7 * DAY


@lru_cache(maxsize=64)
def offsets_of(zone: tzinfo) -> tuple[tuple[int, int], ...]:
    """What a zone means, as the core wants it: (from µs UTC, seconds east of UTC), in order, 2000 to 2100.

    The first one holds for all time before it, too. A change that is taken back within a week is not seen.
    """
    found = [(0, _east(zone, EARLIEST))]
    for before, after in pairwise(range(EARLIEST, LATEST + _WEEK, _WEEK)):
        while _east(zone, after) != found[-1][1]:
            last, east = found[-1]
            found.append(_next_change(zone, max(before, last), after, east))
    return tuple(found)


def _next_change(zone: tzinfo, low: int, high: int, east: int) -> tuple[int, int]:
    """The first second between two moments at which the offset is no longer what it was."""
    low, high = low // SECOND, high // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _east(zone, middle * SECOND) == east:
            low = middle
        else:
            high = middle
    return high * SECOND, _east(zone, high * SECOND)


def _east(zone: tzinfo, at: int) -> int:
    offset = to_datetime(at).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
