"""Where assets lay and since when, by the versions of the city; and the periods of what was observed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from liandong.app.platform import Platform
from liandong.app.policies import history
from liandong.core.values.times import MINUTE, format_time

#: How long the beginning of a channel's observations is believed; late ones may come before it.
_BELIEVED = 5 * MINUTE


class Move(NamedTuple):
    """An asset lies here from then on."""

    since: int  #: microseconds UTC: when the version of the city came into force
    lon: float  #: degrees, EPSG:4490
    lat: float


class _Asset(msgspec.Struct):
    key: str
    lon: float | None = None
    lat: float | None = None


class _City(msgspec.Struct):
    """Of a stored version only what is asked for; the rest is skipped while reading."""

    assets: tuple[_Asset, ...] = ()


class Places:
    """Every place of every asset; each version is read once."""

    def __init__(self, platform: Platform) -> None:
        self._store = platform.store
        self._read: set[int] = set()
        self._moves: dict[str, list[Move]] = defaultdict(list)

    def moves(self) -> Mapping[str, Sequence[Move]]:
        """Asset → its places, the oldest first."""
        last = ""
        for since, message in history(self._store):
            changed, last = message.city_digest != last, message.city_digest
            if since in self._read:
                continue
            body = self._store.dataset(message.city_digest) if changed else None
            for asset in msgspec.json.decode(body, type=_City).assets if body else ():
                if asset.lon is not None and asset.lat is not None:
                    self._put(asset.key, Move(since, asset.lon, asset.lat))
            self._read.add(since)
        return self._moves

    def _put(self, asset: str, move: Move) -> None:
        known = self._moves[asset]
        if not known or known[-1][1:] != move[1:]:
            known.append(move)


class Periods:
    """From when to when there are observations of a channel."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._first: dict[int, tuple[int, int]] = {}  #: number → (when it was looked up, oldest event time)

    def of(self, channels: Mapping[str, int]) -> dict[str, str]:
        """Channel → period as ISO 8601 has it, of those (key → number) that have observations.

        The end is known to the detector; the beginning is looked up, of all that are asked for at once.
        """
        now = self._platform.clock.read().now
        newest = {key: found[0] for key in channels if (found := self._platform.lookups.newest(key))}
        asked = [channels[key] for key in newest if not self._believed(channels[key], now)]
        if asked:
            for number, first in self._platform.archive.first(asked).items():
                self._first[number] = (now, first)
        made = {}
        for key, last in newest.items():
            known = self._first.get(channels[key])
            if known is not None:
                made[key] = f"{format_time(min(known[1], last))}/{format_time(last)}"
        return made

    def _believed(self, number: int, now: int) -> bool:
        known = self._first.get(number)
        return known is not None and now - known[0] <= _BELIEVED
