"""Readings as Observations: read by windows of time, so that a page costs what it shows.

The id of an observation is `<channel number>.<microseconds UTC>`: a channel has one value at a moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from liandong.adapters.sensorthings.catalogue import Catalogue, Entity
from liandong.adapters.sensorthings.filters import Look, Unknown, bad, holds, may_hold, time_bounds
from liandong.adapters.sensorthings.options import Options
from liandong.app.platform import Platform
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.times import EARLIEST, HOUR, LATEST, SECOND, format_time

#: Rows that one question may look at.
MOST_ROWS = 5_000_000
#: Channels whose last hour is read first; of more of them, less than an hour.
_CHANNELS_AN_HOUR = 50
#: How much longer each window is than the one before.
_WIDER = 8


class Rows(NamedTuple):
    """Equally long columns."""

    number: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]  #: microseconds UTC
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int64]

    def take(self, index: Any) -> Rows:
        """Rows of an index or mask."""
        return Rows(*(column[index] for column in self))

    def __bool__(self) -> bool:
        return len(self.number) > 0


class Page(NamedTuple):
    """Observations in their order, whether there are more, and how many there are, where that was asked."""

    rows: Rows
    more: bool
    total: int | None


_NONE = Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))


def join(parts: Sequence[Rows]) -> Rows:
    """One behind the other."""
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True))) if parts else _NONE


class Observations:
    """Answers questions about the observations of some channels."""

    def __init__(self, platform: Platform, catalogue: Catalogue, look_of: Any) -> None:
        """`look_of(channel key)` looks up what an observation's Datastream or FeatureOfInterest says."""
        self._platform, self._catalogue, self._look_of = platform, catalogue, look_of

    def page(self, channels: Sequence[str], asked: Options) -> Page:
        """Observations of channels: newest first unless an order is asked for."""
        keys = [key for key in channels if self._may(key, asked)]
        low, high = time_bounds(asked.filter, EARLIEST, LATEST)
        if not keys or low >= high:
            return Page(_NONE, False, 0 if asked.count else None)
        numbers = [self._catalogue.channels[key].number for key in keys]
        count = None
        if asked.count:
            count = sum(len(part.number) for part in self._windows(numbers, low, high, asked))
        order = asked.orderby or ((("phenomenonTime",), True),)
        if len(order) == 1 and order[0][0] == ("phenomenonTime",):
            rows, more = self._by_time(numbers, low, high, asked, order[0][1])
        else:
            found = join(list(self._windows(numbers, low, high, asked)))
            rows, more = _cut(found.take(self._order(found, order)), asked)
        return Page(rows, more, count)

    def one(self, id: str) -> Rows | None:
        """The observation of an id that the asker may see."""
        number, _, moment = id.partition(".")
        if not (number.isascii() and number.isdigit() and moment.isascii() and moment.isdigit()):
            return None
        if len(number) > 10 or len(moment) > 18 or int(number) not in self._catalogue.by_number:
            return None
        rows = self._read([int(number)], int(moment), int(moment) + 1)
        return rows if rows else None

    def entity(self, rows: Rows, at: int) -> Entity:
        """One observation's own properties."""
        channel = self._catalogue.by_number[int(rows.number[at])]
        quality, value = int(rows.quality[at]), float(rows.value[at])
        result: float | int | None = value
        if quality & Quality.NAN:
            result = None
        elif value.is_integer() and self._platform.handler.policy.city.quantities[channel.quantity].codes:
            result = int(value)
        flags = [str(bit.name).lower() for bit in Quality if bit and quality & bit]
        return {
            "phenomenonTime": format_time(int(rows.time[at])), "resultTime": None, "result": result,
            "resultQuality": flags or ["good"],
        }  # fmt: skip

    def id_of(self, rows: Rows, at: int) -> str:
        """Its id."""
        return f"{int(rows.number[at])}.{int(rows.time[at])}"

    # Reading.

    def _read(self, numbers: Sequence[int], low: int, high: int) -> Rows:
        found = self._platform.archive.rows(numbers, low, high)
        return Rows(
            found["number"].astype(np.int64), found["event_time"].astype(np.int64),
            found["value"].astype(np.float64), found["quality"].astype(np.int64),
        )  # fmt: skip

    def _windows(
        self, numbers: Sequence[int], low: int, high: int, asked: Options, rising: bool = False
    ) -> Iterator[Rows]:
        """What a filter leaves of [low, high), window by window, each longer than the one before.

        Raises BadInput where too much would have to be looked at.
        """
        seen = 0
        for start, end in self._spans(numbers, low, high, rising):
            rows = self._read(numbers, start, end)
            seen += len(rows.number)
            if seen > MOST_ROWS:
                raise BadInput("sensorthings.too_much", limit=MOST_ROWS)
            rows = self._filtered(rows, asked)
            if rows:
                yield rows

    def _spans(self, numbers: Sequence[int], low: int, high: int, rising: bool) -> Iterator[tuple[int, int]]:
        newest = [self._platform.lookups.newest(self._catalogue.by_number[n].key) for n in numbers]
        last = max((found[0] for found in newest if found is not None), default=None)
        if last is None or last < low:
            yield low, high
            return
        width = max(HOUR * _CHANNELS_AN_HOUR // max(len(numbers), _CHANNELS_AN_HOUR), SECOND)
        at = low if rising else min(last, high)
        while low < high:
            at = at + width if rising else at - width
            at = min(max(at, low), high) if not rising or at <= last else high
            yield (low, at) if rising else (at, high)
            low, high = (at, high) if rising else (low, at)
            width *= _WIDER

    def _filtered(self, rows: Rows, asked: Options) -> Rows:
        if asked.filter is None or not rows:
            return rows
        kept = np.ones(len(rows.number), bool)
        for number in np.unique(rows.number):
            mine = rows.number == number
            part = rows.take(mine)
            kept[mine] = holds(asked.filter, self._look(part, int(number)))
        return rows.take(kept)

    def _may(self, channel: str, asked: Options) -> bool:
        """Whether a channel can have anything for a filter, before any reading is read."""
        if asked.filter is None:
            return True
        look = self._look_of(channel)

        def only_outside(names: tuple[str, ...]) -> Any:
            if names[0] in ("Datastream", "FeatureOfInterest"):
                return look(names)
            raise Unknown

        return may_hold(asked.filter, only_outside)

    def _look(self, rows: Rows, number: int) -> Look:
        outside = self._look_of(self._catalogue.by_number[number].key)
        known: dict[tuple[str, ...], Any] = {}

        def look(names: tuple[str, ...]) -> Any:
            if names == ("phenomenonTime",):
                return rows.time.astype("datetime64[us]")
            if names == ("result",):
                return np.where(rows.quality & Quality.NAN, np.nan, rows.value)
            if names in (("id",), ("@iot.id",)):
                return np.array([self.id_of(rows, at) for at in range(len(rows.number))], dtype=np.str_)
            if names == ("resultTime",):
                return None
            if names[0] not in ("Datastream", "FeatureOfInterest"):
                raise bad(f"Observation: {'/'.join(names)}")
            if names not in known:
                known[names] = outside(names)
            return known[names]

        return look

    # Order.

    def _by_time(
        self, numbers: Sequence[int], low: int, high: int, asked: Options, falling: bool
    ) -> tuple[Rows, bool]:
        after = asked.after
        if after is not None:
            low, high = (low, min(high, after[0] + 1)) if falling else (max(low, after[0]), high)
        # Where nothing says when the first reading was, looking for it has read everything already.
        known_start = falling or low > EARLIEST
        parts: list[Rows] = []
        have = 0
        for rows in self._windows(numbers, low, high, asked, rising=not falling and known_start):
            ordered = rows.take(np.lexsort((rows.number, -rows.time if falling else rows.time)))
            if after is not None:
                number, time = ordered.number, ordered.time
                past = (time < after[0]) if falling else (time > after[0])
                ordered = ordered.take(past | ((time == after[0]) & (number > after[1])))
            parts.append(ordered)
            have += len(ordered.number)
            if known_start and have > asked.skip + asked.top:
                break
        return _cut(join(parts if known_start else parts[::-1]), asked)

    def _order(self, rows: Rows, order: tuple[tuple[tuple[str, ...], bool], ...]) -> npt.NDArray[np.int64]:
        """Places of rows in an order that is not only of time."""
        keys: list[Any] = [rows.number, rows.time]
        for path, falling in reversed(order):
            column = self._column(rows, path)
            keys.append(-column if falling else column)
        return np.lexsort(keys)

    def _column(self, rows: Rows, path: tuple[str, ...]) -> npt.NDArray[Any]:
        if path == ("phenomenonTime",):
            return rows.time
        if path == ("result",):
            return rows.value
        if path in (("id",), ("@iot.id",)):
            return rows.number
        raise bad(f"$orderby={'/'.join(path)}")


def _cut(rows: Rows, asked: Options) -> tuple[Rows, bool]:
    end = asked.skip + asked.top
    return rows.take(slice(asked.skip, end)), len(rows.number) > end
