"""Local times of devices: digits on a wall clock, turned into microseconds UTC by the city's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from liandong.core.values.times import MINUTE, SECOND, to_micros


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
