"""What happens in the demonstration: what is real, what only looks like it, and when.

The story is the truth that simulated people later find on site; devices only measure it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Cause
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND
from liandong.sim.chance import between, shuffled

#: China has one zone and no summer time.
LOCAL = 8 * HOUR
#: A story squeezed into fewer hours than this gets shorter episodes, down to a quarter.
FULL_LENGTH = 12 * HOUR


class Kind(StrEnum):
    """What an episode is."""

    LEAK = "leak"
    TOXIC = "toxic"
    WATER = "water"
    SETTLING = "settling"  #: a bearing sinks: the displacement drifts, slowly and for good
    FIRE = "fire"  #: smoke, and a panel that says so
    POWER = "power"  #: the panel's main power is gone
    BIOGAS = "biogas"  #: rises and falls by itself, over the first alarm
    SPIKE = "spike"  #: one reading only: the hold must ignore it
    CHATTER = "chatter"  #: around the threshold: hysteresis must keep it one finding
    CALIBRATION = "calibration"  #: a step that stays until somebody sets the zero again
    DEAD = "dead"  #: the sensor says nothing any more
    NUISANCE = "nuisance"  #: a smoke detector that smells a kitchen


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happens at one asset. The first channel feels all of it, the others half."""

    kind: Kind
    hazard: str
    asset: str
    channels: tuple[str, ...]
    begin: int
    end: int
    peak: float
    cause: Cause  #: what a person finds on site

    @property
    def real(self) -> bool:
        """True where something is really wrong."""
        return self.cause == Cause.REAL


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How an episode looks: how long, how high, and what it turns out to be."""

    quantity: str
    hazard: str
    minutes: int
    peaks: tuple[float, ...]  #: one episode each; where there are more, again from the first
    cause: Cause
    clock: tuple[int, int] | None = None  #: local hour and minute, where it matters
    per_1000: float = 0.0  #: so many more a day for every thousand sensors of the city
    device: str = ""  #: only at a channel of this protocol, where the city has one


_LEAK, _TOXIC, _FIRE = "gas_leak", "toxic_gas", "fire"
_SHAPES = {
    Kind.LEAK: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=150, peaks=(93.0,), cause=Cause.REAL, clock=(2, 10)
    ),
    Kind.TOXIC: _Shape(
        quantity="h2s", hazard=_TOXIC, minutes=50, peaks=(26.0,), cause=Cause.REAL, clock=(10, 20),
        device="hj212",
    ),
    Kind.WATER: _Shape(
        quantity="water_level", hazard="waterlogging", minutes=180, peaks=(0.33,), cause=Cause.REAL,
        clock=(15, 30),
    ),
    Kind.SETTLING: _Shape(
        quantity="displacement_mean", hazard="structure_shifted", minutes=360, peaks=(22.0,), cause=Cause.REAL
    ),
    Kind.FIRE: _Shape(
        quantity="fire_alarm", hazard=_FIRE, minutes=40, peaks=(1.0,), cause=Cause.REAL, clock=(3, 40)
    ),
    Kind.POWER: _Shape(
        quantity="fire_power", hazard="fire_power_lost", minutes=90, peaks=(1.0,), cause=Cause.DEVICE_FAULT
    ),
    Kind.BIOGAS: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=120, peaks=(33.0, 36.0, 31.0), cause=Cause.FALSE_BIOGAS,
        per_1000=6.0,
    ),
    Kind.SPIKE: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=0, peaks=(42.0, 61.0, 35.0),
        cause=Cause.FALSE_INTERFERENCE, per_1000=6.0,
    ),
    Kind.CHATTER: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=100, peaks=(26.0, 26.0), cause=Cause.FALSE_RULE,
        per_1000=2.0,
    ),
    Kind.CALIBRATION: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=140, peaks=(29.0,), cause=Cause.FALSE_CALIBRATION,
        per_1000=2.0,
    ),
    Kind.DEAD: _Shape(
        quantity="ch4_lel", hazard=_LEAK, minutes=180, peaks=(0.0,), cause=Cause.DEVICE_FAULT, per_1000=3.0
    ),
    Kind.NUISANCE: _Shape(
        quantity="fire_alarm", hazard=_FIRE, minutes=15, peaks=(1.0,), cause=Cause.FALSE_INTERFERENCE,
        per_1000=1.5,
    ),
}  # fmt: skip


def device_story(
    seed: int, folder: CityFolder, start: int, hours: float, period_s: int = 300
) -> tuple[Episode, ...]:
    """Every episode of the period, by its beginning; a new set for every day that has begun."""
    found: list[Episode] = []
    end = start + round(hours * HOUR)
    for day, begin in enumerate(range(start, end, DAY)):
        # What is left of a last day may be too short to hold anything.
        if day == 0 or end - begin >= 6 * HOUR:
            found += _Day(seed, folder.city, day, begin, min(begin + DAY, end), period_s * SECOND).episodes()
    return tuple(sorted(found, key=lambda e: (e.begin, e.asset, e.channels)))


class _Day:
    """One day's episodes, each at an asset of its own as long as there are assets.

    A fire panel is one asset with many detectors: there each episode has a detector of its own.
    """

    def __init__(self, seed: int, city: City, day: int, begin: int, end: int, period: int) -> None:
        self.seed, self.day, self.begin, self.end, self.period = seed, day, begin, end, period
        self.size = len(city.sensors)
        assets = {sensor.key: sensor.asset for sensor in city.sensors}
        protocol = {source.key: source.protocol for source in city.sources}
        self._places: dict[str, dict[str, list[str]]] = {}
        self._special: dict[str, str] = {}
        self._asset: dict[str, str] = {}
        for channel in city.channels:
            asset = assets[channel.sensor]
            own = channel.key if channel.quantity.startswith("fire_") else asset
            self._asset[own] = asset
            places = self._places.setdefault(channel.quantity, {})
            # The channel that is special for its protocol is the one that feels all of it.
            if protocol.get(channel.source) != "http" and own not in places:
                self._special.setdefault(f"{channel.quantity}/{protocol.get(channel.source)}", own)
                places.setdefault(own, []).insert(0, channel.key)
            else:
                places.setdefault(own, []).append(channel.key)
        self._free = {
            quantity: iter(shuffled(sorted(places), seed, "story", day, quantity))
            for quantity, places in self._places.items()
        }
        self._taken: set[str] = set()

    def episodes(self) -> list[Episode]:
        """All of them, kind by kind: the real ones choose first."""
        found = []
        for kind, shape in _SHAPES.items():
            for number in range(max(len(shape.peaks), round(shape.per_1000 * self.size / 1000))):
                place = self._place(shape)
                if place:
                    found.append(self._episode(kind, shape, number, place))
        return found

    def _place(self, shape: _Shape) -> str:
        """An asset, or detector, at which nothing else happens; empty where there is none left."""
        special = self._special.get(f"{shape.quantity}/{shape.device}", "") if shape.device else ""
        if special and special not in self._taken:
            self._taken.add(special)
            return special
        for place in self._free.get(shape.quantity, ()):
            if place not in self._taken:
                self._taken.add(place)
                return place
        return ""

    def _episode(self, kind: Kind, shape: _Shape, number: int, place: str) -> Episode:
        first, last = self._when(kind, shape, number)
        return Episode(
            kind=kind,
            hazard=shape.hazard,
            asset=self._asset[place],
            channels=tuple(self._places[shape.quantity][place]),
            begin=first,
            end=last,
            peak=shape.peaks[number % len(shape.peaks)],
            cause=shape.cause,
        )

    def _when(self, kind: Kind, shape: _Shape, number: int) -> tuple[int, int]:
        """Begin and end, on the beat of the devices; at its hour where that lies within the period."""
        begin, end, period = self.begin, self.end, self.period
        scale = min(1.0, max(0.25, (end - begin) / FULL_LENGTH))
        length = max(period, round(shape.minutes * MINUTE * scale) // period * period)
        room = end - begin - length - 2 * period
        first = (
            begin
            + period
            + round(max(0, room) * between(0.0, 1.0, self.seed, "when", self.day, number, kind))
        )
        if shape.clock is not None:
            hour, minute = shape.clock
            wanted = (begin + LOCAL) // DAY * DAY + hour * HOUR + minute * MINUTE - LOCAL
            wanted += DAY if wanted < begin else 0
            first = wanted if wanted + length + period <= end else first
        first -= first % period
        return first, first + length


def level_of(episode: Episode, channel: str, at: int, period: int) -> float:
    """What an episode adds at a channel at a moment; 0 outside it."""
    if not episode.begin <= at < episode.end or channel not in episode.channels:
        return 0.0
    share = 1.0 if channel == episode.channels[0] else 0.5
    x = (at - episode.begin) / (episode.end - episode.begin)
    if episode.kind in (Kind.SPIKE, Kind.CALIBRATION, Kind.FIRE, Kind.POWER, Kind.NUISANCE):
        level = episode.peak
    elif episode.kind == Kind.BIOGAS:
        level = episode.peak * 4 * x * (1 - x)
    elif episode.kind == Kind.CHATTER:
        # Two over the limit, one under it but over the value at which the rule clears.
        level = episode.peak if (at - episode.begin) // period % 3 != 2 else episode.peak - 2.5
    elif episode.kind == Kind.SETTLING:
        level = episode.peak * x
    else:
        level = episode.peak * (min(1.0, x / 0.25) if x < 0.7 else (1 - x) / 0.3)
    return share * level


def silent(episode: Episode, channel: str, at: int) -> bool:
    """True while a sensor is dead."""
    return episode.kind == Kind.DEAD and channel in episode.channels and episode.begin <= at < episode.end
