"""Which terminals the city knows: by number, with the vehicle, the source and the items of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from liandong.app.platform import Platform
from liandong.core.values.city import CityIndex

PROTOCOL = "jt808"
#: Names of a sensor's facts that a registration has to agree with where the city states them.
TERMINAL_FACT, PLATE_FACT = "terminal", "plate"


@dataclass(slots=True)
class Vehicle:
    """A registered terminal."""

    source: str
    asset: str  #: what moves; the object of its positions
    items: set[str] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)


class Fleet:
    """Asked anew for every version of the city."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._city: CityIndex | None = None
        self._vehicles: dict[str, Vehicle] = {}

    def find(self, device: str) -> Vehicle | None:
        """The vehicle of a terminal's number; None where no channel names it."""
        city = self._platform.handler.policy.city
        if city is not self._city:
            self._vehicles, self._city = _vehicles(city), city
        return self._vehicles.get(device)


def _vehicles(index: CityIndex) -> dict[str, Vehicle]:
    city = index.city
    sources = {source.key for source in city.sources if source.protocol == PROTOCOL}
    sensors = {sensor.key: sensor for sensor in city.sensors}
    found: dict[str, Vehicle] = {}
    for channel in sorted(city.channels, key=lambda c: c.number):
        if not channel.device or channel.source not in sources:
            continue
        sensor = sensors.get(channel.sensor)
        one = found.get(channel.device)
        if one is None:
            one = found[channel.device] = Vehicle(channel.source, sensor.asset if sensor else channel.group)
        one.items.add(channel.item)
        if sensor is not None:
            one.facts |= dict(sensor.facts)
    return found
