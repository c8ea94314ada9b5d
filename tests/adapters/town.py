"""One running city with its doors, shared by the conformance tests of a module; each has its own hour."""

from __future__ import annotations

from pathlib import Path

from liandong.app.settings import load_settings
from liandong.core.values.times import MINUTE
from tests.adapters.frame_city import doors_of, frame_city, readings
from tests.app.running import OPERATOR, City


class Town:
    """A city, its doors, and lines to them."""

    def __init__(self, data: Path) -> None:
        self.city = City(data, frame_city())
        self.platform = self.city.platform
        self.doors = doors_of(self.platform, load_settings({"data": data}, {}))
        self._seen = 0

    @property
    def now(self) -> int:
        return self.city.now

    def next_hour(self) -> None:
        """What was taken and refused before does not count any more."""
        self.city.virtual.set(self.now + 60 * MINUTE)
        self.city.tick()
        self.refused()

    def refused(self) -> list[tuple[str, str]]:
        """(source, key) of what was refused since this was last asked, in order of name."""
        self.city.settle()
        scope = self.platform.access.scope(self.city.session(OPERATOR))
        rows, _ = self.platform.questions.rejected(scope, limit=200)
        new, self._seen = rows[: len(rows) - self._seen], len(rows)
        return sorted((row.source, row.key) for row in new)

    def taken(self) -> list[tuple[str, float]]:
        """(channel, value) of this hour, in the order of the log."""
        return [(c, v) for c, t, v, _ in readings(self.platform) if t > self.now - 30 * MINUTE]

    def stop(self) -> None:
        self.doors.stop()
        assert self.platform.accounting.check() == []
        self.city.stop()
