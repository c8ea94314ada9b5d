"""The reorder window: every accepted reading that late data may still come before, per channel.

Readings hang in one pool of 32-byte nodes, each channel a list from oldest to newest. `take` judges the
rows of a batch in arrival order, so that how a batch is cut changes nothing. What the frontier has
passed leaves the window for the settled checkpoint when its channel is next touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.detect import intake
from liandong.core.detect.intake import CHANNEL, NODE
from liandong.core.detect.kernel import NEVER
from liandong.core.detect.layout import Layout
from liandong.core.values.readings import ReadingBatch

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings by channel (not registry number), each channel's in time order.

    A value that is not a number stands for a reading out of range, where a rule counts those.
    """

    channel: npt.NDArray[np.int32]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.uint32]

    def take(self, rows: Array) -> Columns:
        """Some rows."""
        return Columns(self.channel[rows], self.time[rows], self.value[rows], self.quality[rows])


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch."""

    quality: npt.NDArray[np.uint32]  #: per row, ours added to what came
    counts: tuple[int, ...]  #: accepted, duplicate, conflict, too late, unusable
    heard: bool  #: whether any row says something, be it that its value is out of range
    watermark: int  #: of the source, after the last row
    passed: Columns  #: left the window: for the settled checkpoint; holds until the next batch
    fresh: Columns  #: came in order: for the provisional state
    disturbed: npt.NDArray[np.int32]  #: channels to be run again, ascending
    guested: npt.NDArray[np.int32]  #: groups fed by this source without owning the channel


class Window:
    """The readings of all channels that are not settled yet."""

    def __init__(self, layout: Layout) -> None:
        self.channels = np.zeros(len(layout.channels), dtype=CHANNEL)
        limits = [(row.low, row.high) for row in layout.channels]
        self.channels["low"] = [-np.inf if low is None else low for low, _ in limits]
        self.channels["high"] = [np.inf if high is None else high for _, high in limits]
        self.channels["last_time"] = self.channels["floor"] = NEVER
        self.channels["owner"], self.channels["group"] = layout.owner, layout.group_of
        self.channels["newest"] = self.channels["oldest"] = -1
        self.channels["odd"] = layout.odd
        self._lookup = layout.lookup
        self._nodes = np.zeros(0, dtype=NODE)
        self._free = np.zeros(0, dtype=np.int32)
        self._free_count = 0
        self._zeros = np.zeros(0, dtype=np.uint32)
        # As much room as the pool, because all of it may leave at once; made anew for every batch it
        # left the heap in pieces.
        self._passed = _empty_columns(0)

    def take(
        self,
        batch: ReadingBatch,
        source: int,
        lateness: int,
        revision: int,
        reached: Array,
        watermark: Array,
        sent: Array,
    ) -> Taken:
        """Judge every row, keep what counts, and say what is to be evaluated. Changes the window, and what
        the `Taken` before it says of `passed`."""
        rows = len(batch)
        self._reserve(rows)
        quality, value = batch.quality.copy(), np.ascontiguousarray(batch.value)
        passed = self._passed
        fresh = _empty_columns(rows)
        disturbed, guested = np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int32)
        counts = np.zeros(6, dtype=np.int64)
        self._free_count, moved, n_passed, n_fresh, n_disturbed, n_guested = intake.take(
            np.ascontiguousarray(batch.channel),
            np.ascontiguousarray(batch.event_time),
            value,
            value.view(np.uint64),
            quality,
            self._lookup,
            self.channels,
            self._nodes,
            self._free,
            self._free_count,
            source,
            lateness,
            revision,
            reached,
            watermark,
            sent,
            passed,
            fresh,
            disturbed,
            guested,
            counts,
        )
        return Taken(
            quality=quality,
            counts=tuple(counts[:5].tolist()),
            heard=bool(counts[:3].any() or counts[5]),
            watermark=moved,
            passed=self._columns(passed, n_passed),
            fresh=self._columns(fresh, n_fresh),
            disturbed=np.sort(disturbed[:n_disturbed]),
            guested=np.unique(guested[:n_guested]),
        )

    def gather(self, channels: Array) -> Columns:
        """All readings in the window of some channels, oldest first within each."""
        count = intake.count(channels, self.channels, self._nodes)
        out = _empty_columns(count)
        revision = np.empty(count, dtype=np.int64)
        intake.gather(channels, self.channels, self._nodes, out[0], out[1], out[2], revision)
        return self._columns(out, count)

    def frontiers(self, channels: Array, reached: Array, watermark: Array, sent: Array) -> Array:
        """The moment before which each of some channels is settled (int64 microseconds)."""
        out = np.empty(len(channels), dtype=np.int64)
        intake.frontiers(channels, self.channels, reached, watermark, sent, out)
        return out

    def begin(self, source: int, reached: Array) -> None:
        """A source is about to send for the first time: what guests settled on its channels stays."""
        touched = (self.channels["owner"] == source) & (self.channels["last_time"] != NEVER)
        self.channels["floor"][touched] = reached[self.channels["group"][touched]]

    def dump(self) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes]:
        """Channel heads (last time, value, floor) and all nodes in order: (channel, time, bits, revision)."""
        every = np.arange(len(self.channels))
        count = intake.count(every, self.channels, self._nodes)
        channel, time, bits, revision = *_empty_columns(count), np.empty(count, dtype=np.int64)
        intake.gather(every, self.channels, self._nodes, channel, time, bits, revision)
        heads = np.stack([self.channels["last_time"], self.channels["floor"]])
        values = self.channels["last_value"]
        return tuple(part.tobytes() for part in (heads, values, channel, time, bits, revision))  # type: ignore[return-value]  # six of six

    def restore(self, parts: tuple[bytes, bytes, bytes, bytes, bytes, bytes]) -> None:
        """The exact opposite of `dump` on a fresh window of the same layout."""
        heads = np.frombuffer(parts[0], dtype=np.int64).reshape(2, -1)
        self.channels["last_time"], self.channels["floor"] = heads
        self.channels["last_value"] = np.frombuffer(parts[1], dtype=np.float64)
        self.channels["newest"] = self.channels["oldest"] = -1
        channel = np.frombuffer(parts[2], dtype=np.int32)
        self._nodes, self._free = np.zeros(0, dtype=NODE), np.zeros(0, dtype=np.int32)
        self._free_count = 0
        self._reserve(len(channel))
        time, bits, revision = (
            np.frombuffer(part, dtype=dtype)
            for part, dtype in zip(parts[3:], (np.int64, np.uint64, np.int64), strict=True)
        )
        self._free_count = intake.hang(
            channel, time, bits, revision, self.channels, self._nodes, self._free, self._free_count
        )

    def _reserve(self, rows: int) -> None:
        """Make room for one node per row before the kernel starts, because it cannot grow the pool."""
        if self._free_count >= rows:
            return
        old = len(self._nodes)
        size = max(2 * old, old + rows, 1024)
        self._nodes = np.concatenate([self._nodes, np.zeros(size - old, dtype=NODE)])
        free = np.empty(size, dtype=np.int32)
        free[: self._free_count] = self._free[: self._free_count]
        free[self._free_count : self._free_count + size - old] = np.arange(size - 1, old - 1, -1)
        self._free, self._free_count = free, self._free_count + size - old
        self._passed = _empty_columns(size)

    def _columns(self, parts: tuple[Array, Array, Array], count: int) -> Columns:
        if len(self._zeros) < count:
            self._zeros = np.zeros(2 * count, dtype=np.uint32)
        channel, time, bits = parts
        return Columns(channel[:count], time[:count], bits[:count].view(np.float64), self._zeros[:count])


def _empty_columns(rows: int) -> tuple[Array, Array, Array]:
    return np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.uint64)
