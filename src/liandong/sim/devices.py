"""What the gateways of the demonstration city send, byte by byte, good and bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any

import msgspec

from liandong.core.values.city import Channel, Source
from liandong.core.values.dataset import CityFolder
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, to_datetime
from liandong.sim.chance import between, chance, shuffled
from liandong.sim.device_story import Episode, Kind, device_story, level_of

_ZONE = timezone(timedelta(hours=8))
#: A gateway reports every minute from an asset that is in alarm.
ALARM_PERIOD = MINUTE
_BURSTS = (Kind.LEAK, Kind.TOXIC)
#: Base, noise and decimals of a quantity when nothing happens.
_QUIET: dict[str, tuple[float, float, int]] = {
    "ch4_lel": (3.0, 0.8, 1),
    "h2s": (1.2, 0.4, 2),
    "water_level": (0.02, 0.01, 3),
    "strain": (120.0, 6.0, 1),
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
    """One request of one gateway, at the moment at which it is sent."""

    at: int
    source: str
    body: bytes


def device_script(
    seed: int, city: CityFolder, start: int, hours: float, *, period_s: int = 300, dirt: bool = True
) -> tuple[DeviceMessage, ...]:
    """All messages of the period by (at, source); about 1,400 for the full city and 24 hours.

    `dirt` adds messages sent twice and messages that have to be refused.
    """
    script = _Script(seed, city, start, hours, period_s)
    found = [message for source in script.sources for message in script.regular(source)]
    if dirt:
        found += script.repeats(found)
        found += script.rubbish()
    return tuple(sorted(found, key=lambda message: (message.at, message.source, message.body)))


class _Script:
    """The gateways and the story they measure."""

    def __init__(self, seed: int, folder: CityFolder, start: int, hours: float, period_s: int) -> None:
        self.seed = seed
        self.period = period_s * SECOND
        self.end = start + round(hours * HOUR)
        self.first = -(-start // self.period) * self.period
        self.story = device_story(seed, folder, start, hours, period_s)
        self.channels: dict[str, list[Channel]] = {}
        for channel in folder.city.channels:
            self.channels.setdefault(channel.source, []).append(channel)
        # The platform measures itself; nobody sends for it.
        measured = {c.source for c in folder.city.channels if c.quantity in _QUIET}
        self.sources = tuple(s for s in folder.city.sources if s.key in measured)
        self._by_channel: dict[str, list[Episode]] = {}
        for episode in self.story:
            for key in episode.channels:
                self._by_channel.setdefault(key, []).append(episode)
        self._base = {c.key: chance(seed, "base", c.key) for c in folder.city.channels}

    def regular(self, source: Source) -> Iterator[DeviceMessage]:
        """All channels every period, more often from an asset in alarm, late and out of order if it may."""
        channels = self.channels[source.key]
        for number, tick in enumerate(range(self.first, self.end, self.period)):
            delay = self._delay(source, number)
            yield self._message(source, channels, tick, tick + delay)
            if delay > self.period // 2:
                # A sample taken later overtakes the one that is still on its way.
                between_ticks = tick + self.period // 2
                yield self._message(source, channels, between_ticks, between_ticks + 2 * SECOND)
        for episode in self.story:
            if episode.kind in _BURSTS and self.period > ALARM_PERIOD:
                own = [c for c in channels if c.key in episode.channels]
                yield from self._burst(source, own, episode)

    def _burst(self, source: Source, own: list[Channel], episode: Episode) -> Iterator[DeviceMessage]:
        for at in range(episode.begin, episode.end, ALARM_PERIOD):
            if own and at % self.period:
                yield self._message(source, own, at, at + self._latency(source, at))

    def repeats(self, sent: list[DeviceMessage]) -> list[DeviceMessage]:
        """Answers that were lost: the gateway sends the same bytes again."""
        chosen = shuffled(sent, self.seed, "repeats")[: max(3, len(sent) // 150)]
        return [msgspec.structs.replace(message, at=message.at + 4 * SECOND) for message in chosen]

    def rubbish(self) -> list[DeviceMessage]:
        """One message of every bad kind, spread over the period and the gateways, between two beats."""
        ticks = max(1, (self.end - self.first) // self.period)
        found = []
        for number, kind in enumerate(BAD_KINDS):
            source = self.sources[number % len(self.sources)]
            at = self.first + (number * ticks // len(BAD_KINDS)) * self.period + 20 * SECOND
            body = self._bad_body(kind, source, at)
            found.append(DeviceMessage(at=at + 2 * SECOND, source=source.key, body=body))
        return found

    def _bad_body(self, kind: str, source: Source, at: int) -> bytes:
        good = [self._reading(channel, at) for channel in self.channels[source.key][:3]]
        one = dict(good[0])
        stranger = {**one, "channel": f"channel:{source.key.removeprefix('source:')}-9999.unknown"}
        readings: dict[str, list[dict[str, Any]]] = {
            "unknown_channel": [stranger],
            "nan": [{**one, "value": "NaN"}],
            "absurd": [{**one, "value": 99999.0}],
            "too_old": [{**one, "time": _local(0)}],
            "future": [{**one, "time": _local(at + DAY)}],
            "half_good": [good[1], stranger, good[2], {**one, "value": "NaN"}],
            "naive_time": [{**one, "time": _local(at).removesuffix("+08:00")}],
        }
        body = _encode(source, at, readings.get(kind, good))
        if kind == "malformed":
            return body[: len(body) * 2 // 3]
        if kind == "overflow":
            return _encode(source, at, [{**one, "value": "@"}]).replace(b'"@"', b"1e999")
        return body

    def _message(self, source: Source, channels: list[Channel], event: int, at: int) -> DeviceMessage:
        readings = [self._reading(channel, event) for channel in channels]
        return DeviceMessage(at=at, source=source.key, body=_encode(source, event, readings))

    def _reading(self, channel: Channel, at: int) -> dict[str, Any]:
        return {"channel": channel.key, "time": _local(at), "value": self._value(channel, at)}

    def _value(self, channel: Channel, at: int) -> float:
        """The worse of what is always there and what the story brings, with the device's own noise."""
        base, noise, digits = _QUIET[channel.quantity]
        wobble = between(-1.0, 1.0, self.seed, "noise", channel.key, at)
        if channel.quantity == "strain":
            # Warm by day, cold by night: a triangle, because a sine differs in its last bit between machines.
            day = (at % DAY) / DAY
            return round(base * (1 - 4 * abs(day - 0.5)) * self._base[channel.key] + noise * wobble, digits)
        quiet = max(0.0, base * self._base[channel.key] + noise * wobble)
        episodes = self._by_channel.get(channel.key, ())
        level = max((level_of(e, channel.key, at, self.period) for e in episodes), default=0.0)
        return round(max(quiet, level + noise * wobble / 2 if level else 0.0), digits)

    def _delay(self, source: Source, number: int) -> int:
        """Seldom nearly all of the lateness that a source is allowed, else a moment."""
        longest = min(round(source.lateness_s * SECOND), self.period) - 20 * SECOND
        shortest = self.period // 2 + 10 * SECOND
        if number % 8 == 3 and longest > shortest:
            return round(between(shortest, longest, self.seed, "late", source.key, number))
        return self._latency(source, number)

    def _latency(self, source: Source, what: int) -> int:
        return round(between(0.2, 2.5, self.seed, "latency", source.key, what) * SECOND)


def _encode(source: Source, event: int, readings: list[dict[str, Any]]) -> bytes:
    """The envelope of every gateway; its id comes from the beat, so that a repeat has the same one."""
    name = f"{source.key.removeprefix('source:')}-{event // SECOND}"
    return json.dumps({"id": name, "readings": readings}, ensure_ascii=False).encode("utf-8")


def _local(at: int) -> str:
    return to_datetime(at).astimezone(_ZONE).isoformat()
