"""Which announcement explains a risk: looked up by asset, sensor and area, not by going through all.

An owner speaks for its own assets only, so that nobody can silence what belongs to another; the monitoring
centre may speak for all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from liandong.core.values.announcement import ActiveAnnouncement
from liandong.core.values.city import CityIndex
from liandong.core.values.risk import RiskAssessed


class Announced:
    """Announcements that hold now or will, by the place they name.

    A lookup costs as much as the announcements at the very asset, sensor and areas above, however many
    there are elsewhere; `looked_at` counts them.
    """

    def __init__(self, rows: Iterable[ActiveAnnouncement], city: CityIndex) -> None:
        self._city = city
        self._at: dict[tuple[str, str], list[ActiveAnnouncement]] = defaultdict(list)
        self.looked_at = 0
        for row in rows:
            for asset in row.assets:
                self._at["asset", asset].append(row)
            for sensor in row.sensors:
                self._at["sensor", sensor].append(row)
            if row.area_path:
                self._at["area", row.area_path].append(row)

    def covers(self, risk: RiskAssessed, now: int, but: str = "") -> ActiveAnnouncement | None:
        """The announcement that explains a risk now, of several the one that lasts longest; not `but`."""
        if not self._at:
            return None
        fits = [row for row in self._near(risk) if row.id != but and self._fits(row, risk, now)]
        return max(fits, key=lambda row: (row.until, row.id), default=None)

    def _near(self, risk: RiskAssessed) -> Iterator[ActiveAnnouncement]:
        channel = self._city.channels.get(risk.detail.channel) if risk.detail else None
        yield from self._at.get(("asset", risk.asset), ())
        yield from self._at.get(("sensor", channel.sensor), ()) if channel else ()
        end = risk.area_path.find("/", 1)
        while end > 0:
            yield from self._at.get(("area", risk.area_path[: end + 1]), ())
            end = risk.area_path.find("/", end + 1)

    def _fits(self, row: ActiveAnnouncement, risk: RiskAssessed, now: int) -> bool:
        self.looked_at += 1
        rule = risk.detail.rule if risk.detail else ""
        return (
            row.since <= now < row.until
            and (not row.hazards or risk.hazard in row.hazards)
            and (not row.rules or rule in row.rules)
            and (row.any_owner or belongs(self._city, row.unit, risk.asset))
        )


def belongs(city: CityIndex, unit: str, asset: str) -> bool:
    """Whether a unit owns or operates an asset."""
    found = city.assets.get(asset)
    return found is not None and unit != "" and unit in (found.owner, found.operator)
