"""What the HTTP gateways of the demonstration city send, byte by byte, good and bad.

Bodies are made when they are sent: a day of 13,120 sensors is some four million readings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any

import msgspec
import numpy as np

from liandong.core.values.city import Channel, Source
from liandong.core.values.dataset import CityFolder
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, to_datetime
from liandong.sim.chance import between, chance, mark, noise, shuffled
from liandong.sim.device_story import Episode, Kind, device_story, level_of, silent

_ZONE = timezone(timedelta(hours=8))
#: A gateway reports every minute from an asset that is in alarm.
ALARM_PERIOD = MINUTE
_BURSTS = (Kind.LEAK, Kind.TOXIC)


class Quiet(msgspec.Struct, frozen=True):
    """A quantity when nothing happens: a level of the sensor's own, its noise, its day, its decimals."""

    base: float
    noise: float
    digits: int
    day: float = 0.0  #: warmer by so much at noon than at midnight
    signed: bool = False


QUIET: dict[str, Quiet] = {
    "ch4_lel": Quiet(3.0, 0.8, 1),
    "h2s": Quiet(1.2, 0.4, 2),
    "water_level": Quiet(0.02, 0.01, 3),
    "strain": Quiet(0.0, 6.0, 1, 120.0, True),
    "strain_mean": Quiet(0.0, 3.0, 1, 80.0, True),
    "bridge_temperature": Quiet(24.0, 0.3, 1, 8.0, True),
    "displacement_mean": Quiet(1.0, 0.2, 2, 1.5, True),
}
#: Every way in which the demonstration sends rubbish, in the order in which it does.
BAD_KINDS = (
    "malformed",
    "unknown_channel",
    "nan",
    "absurd",
    "too_old",
    "future",
    "half_good",
    "naive_time",
    "overflow",
)


class DeviceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one gateway, or one frame of one device, at the moment at which it is sent."""

    at: int
    source: str
    body: bytes
    path: str = "/api/v1/readings"
    protocol: str = "http"
    device: str = ""  #: of a frame: which connection it goes over


class Planned(msgspec.Struct, frozen=True):
    """A message that is still to be made: regular ones by their beat, all others ready."""

    at: int
    source: str
    order: int
    event: int = 0
    asset: str = ""  #: only this asset's channels
    ready: DeviceMessage | None = None
    wave: bool = False  #: windows of fast signals


def device_script(
    seed: int, city: CityFolder, start: int, hours: float, *, period_s: int = 300, dirt: bool = True
) -> tuple[DeviceMessage, ...]:
    """All HTTP messages of the period by (at, source), ready made: for a small city.

    `dirt` adds messages sent twice and messages that have to be refused.
    """
    gateways = Gateways(seed, city, start, hours, period_s)
    return tuple(gateways.make(planned) for planned in gateways.plan(dirt))


class Gateways:
    """The gateways and the story they measure."""

    def __init__(self, seed: int, folder: CityFolder, start: int, hours: float, period_s: int = 300) -> None:
        self.seed = seed
        self.period = period_s * SECOND
        self.end = start + round(hours * HOUR)
        self.first = -(-start // self.period) * self.period
        self.story = device_story(seed, folder, start, hours, period_s)
        self.channels: dict[str, list[Channel]] = {}
        for channel in folder.city.channels:
            if channel.quantity in QUIET and not channel.reducer:
                self.channels.setdefault(channel.source, []).append(channel)
        # The platform measures itself, and devices with a protocol of their own send for themselves.
        self.sources = tuple(
            s for s in folder.city.sources if s.key in self.channels and s.protocol == "http"
        )
        self._by_channel: dict[str, list[Episode]] = {}
        for episode in self.story:
            for key in episode.channels:
                self._by_channel.setdefault(key, []).append(episode)
        self._parts: dict[tuple[str, str], Part] = {}

    def plan(self, dirt: bool = True) -> list[Planned]:
        """What is sent when, in order."""
        found = [planned for source in self.sources for planned in self._regular(source)]
        if dirt:
            found += self._repeats(found)
            found += self._rubbish()
        return sorted(found, key=lambda p: (p.at, p.source, p.order, p.event, p.asset))

    def make(self, planned: Planned) -> DeviceMessage:
        """The message of a plan: always the same bytes."""
        if planned.ready is not None:
            return planned.ready
        part = self._of(planned.source, planned.asset)
        body = part.body(self, planned.event)
        return DeviceMessage(at=planned.at, source=planned.source, body=body)

    def part(self, source: str, channels: list[Channel]) -> Part:
        """Channels that report together."""
        return Part(self.seed, source, channels, self._by_channel)

    def _of(self, source: str, asset: str) -> Part:
        key = (source, asset)
        if key not in self._parts:
            mine = self.channels[source]
            if asset:
                mine = [c for c in mine if c.group == asset]
            self._parts[key] = self.part(source, mine)
        return self._parts[key]

    def _regular(self, source: Source) -> Iterator[Planned]:
        """All channels every period, more often from an asset in alarm, late and out of order if it may."""
        for number, tick in enumerate(range(self.first, self.end, self.period)):
            delay = self._delay(source, number)
            yield Planned(tick + delay, source.key, 0, tick)
            if delay > self.period // 2:
                # A sample taken later overtakes the one that is still on its way.
                between_ticks = tick + self.period // 2
                yield Planned(between_ticks + 2 * SECOND, source.key, 0, between_ticks)
        mine = {c.group for c in self.channels[source.key]}
        for episode in self.story:
            if episode.kind in _BURSTS and self.period > ALARM_PERIOD and episode.asset in mine:
                for at in range(episode.begin, episode.end, ALARM_PERIOD):
                    if at % self.period:
                        yield Planned(at + self._latency(source, at), source.key, 0, at, episode.asset)

    def _repeats(self, sent: list[Planned]) -> list[Planned]:
        """Answers that were lost: the gateway sends the same bytes again."""
        chosen = shuffled(sent, self.seed, "repeats")[: max(3, len(sent) // 150)]
        return [msgspec.structs.replace(planned, at=planned.at + 4 * SECOND, order=1) for planned in chosen]

    def _rubbish(self) -> list[Planned]:
        """One message of every bad kind, spread over the period and the gateways, between two beats."""
        ticks = max(1, (self.end - self.first) // self.period)
        found = []
        for number, kind in enumerate(BAD_KINDS):
            source = self.sources[number % len(self.sources)]
            at = self.first + (number * ticks // len(BAD_KINDS)) * self.period + 20 * SECOND
            body = self._bad_body(kind, source, at)
            message = DeviceMessage(at=at + 2 * SECOND, source=source.key, body=body)
            found.append(Planned(message.at, message.source, 2, at, "", message))
        return found

    def _bad_body(self, kind: str, source: Source, at: int) -> bytes:
        part = self.part(source.key, self.channels[source.key][:3])
        good: list[dict[str, Any]] = json.loads(part.body(self, at))["readings"]
        one = dict(good[0])
        stranger = {**one, "channel": f"channel:{source.key.removeprefix('source:')}-9999.unknown"}
        readings: dict[str, list[dict[str, Any]]] = {
            "unknown_channel": [stranger],
            "nan": [{**one, "value": "NaN"}],
            "absurd": [{**one, "value": 99999.0}],
            "too_old": [{**one, "time": local(0)}],
            "future": [{**one, "time": local(at + DAY)}],
            "half_good": [*good[1:2], stranger, *good[2:3], {**one, "value": "NaN"}],
            "naive_time": [{**one, "time": local(at).removesuffix("+08:00")}],
        }
        body = _encode(source, at, readings.get(kind, good))
        if kind == "malformed":
            return body[: len(body) * 2 // 3]
        if kind == "overflow":
            return _encode(source, at, [{**one, "value": "@"}]).replace(b'"@"', b"1e999")
        return body

    def _delay(self, source: Source, number: int) -> int:
        """Seldom nearly all of the lateness that a source is allowed, else a moment."""
        longest = min(round(source.lateness_s * SECOND), self.period) - 20 * SECOND
        shortest = self.period // 2 + 10 * SECOND
        if number % 8 == 3 and longest > shortest:
            return int(between(shortest, longest, self.seed, "late", source.key, number)) // SECOND * SECOND
        return self._latency(source, number)

    def _latency(self, source: Source, what: int) -> int:
        """Whole seconds, so that many gateways share a moment and the city has fewer of them."""
        return (1 + int(2 * chance(self.seed, "latency", source.key, what))) * SECOND


class Part:
    """Channels of one gateway that report together, ready for many beats."""

    def __init__(
        self, seed: int, source: str, channels: list[Channel], story: dict[str, list[Episode]]
    ) -> None:
        self.seed = seed
        self.source = source
        quiet = [QUIET[c.quantity] for c in channels]
        self._own = np.array([chance(seed, "base", c.key) for c in channels])
        self._base = np.array([q.base for q in quiet])
        self._noise = np.array([q.noise for q in quiet])
        self._day = np.array([q.day for q in quiet])
        self._least = np.array([-np.inf if q.signed else 0.0 for q in quiet])
        self._marks = np.array([mark(c.key) for c in channels], dtype=np.int64)
        self._formats = [
            f'{{"channel":"{c.key}","time":"%s","value":%.{q.digits}f}}'
            for c, q in zip(channels, quiet, strict=True)
        ]
        self._keys = [c.key for c in channels]
        self._told = [(place, key, story[key]) for place, key in enumerate(self._keys) if key in story]
        self._signed = [q.signed for q in quiet]

    def body(self, gateways: Gateways, event: int) -> bytes:
        """The envelope; its id comes from the moment, so that a repeat has the same one."""
        values, dead = self.values(event, gateways.period)
        time = local(event)
        rows = [
            form % (time, value)
            for place, (form, value) in enumerate(zip(self._formats, values, strict=True))
            if place not in dead
        ]
        name = f"{self.source.removeprefix('source:')}-{event // SECOND}"
        return f'{{"id":"{name}","readings":[{",".join(rows)}]}}'.encode()

    def values(self, at: int, period: int) -> tuple[list[float], set[int]]:
        """What each sensor measures, and the places of those that are dead."""
        wobble = noise(self.seed, "noise", self._marks, at)
        # Warm by day, cold by night: a triangle, because a sine differs in its last bit between machines.
        day = 1 - 4 * abs((at % DAY) / DAY - 0.5)
        quiet = self._base * self._own + self._day * self._own * day + self._noise * wobble
        values: list[float] = np.maximum(self._least, quiet).tolist()
        dead: set[int] = set()
        for place, key, episodes in self._told:
            if any(silent(e, key, at) for e in episodes):
                dead.add(place)
            level = max(level_of(e, key, at, period) for e in episodes)
            if level:
                told = level + float(self._noise[place] * wobble[place]) / 2
                values[place] = values[place] + told if self._signed[place] else max(values[place], told)
        return values, dead


def _encode(source: Source, event: int, readings: list[dict[str, Any]]) -> bytes:
    name = f"{source.key.removeprefix('source:')}-{event // SECOND}"
    return json.dumps({"id": name, "readings": readings}, ensure_ascii=False).encode("utf-8")


def local(at: int) -> str:
    """A moment as the gateways write it."""
    return to_datetime(at).astimezone(_ZONE).isoformat()
