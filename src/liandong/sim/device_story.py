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
    BIOGAS = "biogas"  #: rises and falls by itself, over the first alarm
    SPIKE = "spike"  #: one reading only: the hold must ignore it
    CHATTER = "chatter"  #: around the threshold: hysteresis must keep it one finding


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
    peaks: tuple[float, ...]  #: one episode each
    cause: Cause
    clock: tuple[int, int] | None = None  #: local hour and minute, where it matters


_SHAPES = {
    Kind.LEAK: _Shape(
        quantity="ch4_lel", hazard="gas_leak", minutes=150, peaks=(68.0,), cause=Cause.REAL, clock=(2, 10)
    ),
    Kind.TOXIC: _Shape(
        quantity="h2s", hazard="toxic_gas", minutes=50, peaks=(26.0,), cause=Cause.REAL, clock=(10, 20)
    ),
    Kind.WATER: _Shape(
        quantity="water_level", hazard="waterlogging", minutes=180, peaks=(0.33,), cause=Cause.REAL,
        clock=(15, 30),
    ),
    Kind.BIOGAS: _Shape(
        quantity="ch4_lel", hazard="gas_leak", minutes=120, peaks=(33.0, 36.0, 31.0), cause=Cause.FALSE_BIOGAS
    ),
    Kind.SPIKE: _Shape(
        quantity="ch4_lel", hazard="gas_leak", minutes=0, peaks=(42.0, 61.0, 35.0),
        cause=Cause.FALSE_INTERFERENCE,
    ),
    Kind.CHATTER: _Shape(
        quantity="ch4_lel", hazard="gas_leak", minutes=100, peaks=(26.0, 26.0), cause=Cause.FALSE_RULE
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
            found += _day(seed, folder.city, day, begin, min(begin + DAY, end), period_s * SECOND)
    return tuple(sorted(found, key=lambda e: (e.begin, e.asset)))


def _day(seed: int, city: City, day: int, begin: int, end: int, period: int) -> list[Episode]:
    """Each episode at an asset of its own, as long as there are assets."""
    assets = {sensor.key: sensor.asset for sensor in city.sensors}
    free: dict[str, list[str]] = {}
    at_asset: dict[tuple[str, str], list[str]] = {}
    for channel in city.channels:
        at_asset.setdefault((channel.quantity, assets[channel.sensor]), []).append(channel.key)
    for quantity, asset in sorted(at_asset):
        free.setdefault(quantity, []).append(asset)
    order = {quantity: iter(shuffled(rows, seed, "story", day, quantity)) for quantity, rows in free.items()}
    found = []
    for kind, shape in _SHAPES.items():
        for number, peak in enumerate(shape.peaks):
            asset = next(order.get(shape.quantity, iter(())), "")
            if not asset:
                continue
            first, last = _when(seed, kind, shape, (day, number), begin, end, period)
            found.append(
                Episode(
                    kind=kind,
                    hazard=shape.hazard,
                    asset=asset,
                    channels=tuple(at_asset[shape.quantity, asset]),
                    begin=first,
                    end=last,
                    peak=peak,
                    cause=shape.cause,
                )
            )
    return found


def _when(
    seed: int, kind: Kind, shape: _Shape, which: tuple[int, int], begin: int, end: int, period: int
) -> tuple[int, int]:
    """Begin and end, on the beat of the devices; at its hour of the day where that lies within the period."""
    scale = min(1.0, max(0.25, (end - begin) / FULL_LENGTH))
    length = max(period, round(shape.minutes * MINUTE * scale) // period * period)
    room = end - begin - length - 2 * period
    first = begin + period + round(max(0, room) * between(0.0, 1.0, seed, "when", *which, kind))
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
    if episode.kind == Kind.SPIKE:
        level = episode.peak
    elif episode.kind == Kind.BIOGAS:
        level = episode.peak * 4 * x * (1 - x)
    elif episode.kind == Kind.CHATTER:
        # Two over the limit, one under it but over the value at which the rule clears.
        level = episode.peak if (at - episode.begin) // period % 3 != 2 else episode.peak - 2.5
    else:
        level = episode.peak * (min(1.0, x / 0.25) if x < 0.7 else (1 - x) / 0.3)
    return share * level
