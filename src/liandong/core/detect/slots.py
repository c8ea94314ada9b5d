"""The slots of a shard at one moment of event time: their records, and what their statistics remember."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from liandong.core.detect import kernel
from liandong.core.detect.kernel import SLOT, TRANSITION, Array
from liandong.core.detect.layout import Layout
from liandong.core.detect.statistics import MEMORY, Memory, make_memory
from liandong.core.detect.window import Columns


class Slots:
    """State of every rule on every channel it looks at: 64 bytes a slot, more where it remembers more."""

    def __init__(self, layout: Layout, records: Array, memory: Memory) -> None:
        self._layout = layout
        self.records, self._memory = records, memory

    @classmethod
    def fresh(cls, layout: Layout) -> Slots:
        """Nothing has been read yet."""
        of_slot = layout.slot_rule[: layout.offsets[-1]]
        return cls(layout, kernel.make_slots(layout.rules)[of_slot], make_memory(layout.rules, of_slot))

    def run(self, columns: Columns) -> Array:
        """Evaluate readings, changing the state; returns the transitions."""
        return kernel.run(
            self.records, self._layout.offsets, columns.channel, columns.time, columns.value, columns.quality,
            room=256, plain_to=self._layout.plain_to, memory=self._memory,
        )  # fmt: skip

    def expire(self, slots: Array, until: npt.NDArray[np.int64]) -> Array:
        """What silence alone changes in some timed slots, each heard no more before `until`; transitions."""
        out = np.empty(len(slots), dtype=TRANSITION)
        return out[: kernel.expire(self.records, *self._memory, slots, until, out)]

    def deadlines(self, groups: Array, out: npt.NDArray[np.int64]) -> None:
        """Put the earliest deadline of each of `groups` at its place in `out`."""
        timed, timed_at = self._layout.timed, self._layout.timed_at
        kernel.deadlines(self.records, *self._memory, groups, timed, timed_at, out)

    def copy_from(self, other: Slots, slots: Array) -> None:
        """Put another state of the same layout in place of this one, for some slots."""
        self.records[slots] = other.records[slots]
        places = self._memory.at[slots]
        places = places[places >= 0]
        self._memory.records[places] = other._memory.records[places]
        if len(self._memory.pool):
            starts = self._memory.records["place"]
            ends = np.append(starts[1:], len(self._memory.pool))
            _copy_stretches(self._memory.pool, other._memory.pool, starts[places], ends[places])

    def dump(self) -> tuple[bytes, bytes, bytes]:
        """Records, memories and pool, exact."""
        return self.records.tobytes(), self._memory.records.tobytes(), self._memory.pool.tobytes()

    def restore(self, parts: tuple[bytes, bytes, bytes]) -> None:
        """The exact opposite of `dump` on the same layout."""
        self.records = np.frombuffer(parts[0], dtype=SLOT).copy()
        self._memory = self._memory._replace(
            records=np.frombuffer(parts[1], dtype=MEMORY).copy(),
            pool=np.frombuffer(parts[2], dtype=np.float64).copy(),
        )


@njit(nogil=True, cache=True)
def _copy_stretches(to, of, starts, ends):  # type: ignore[no-untyped-def]  # Numba infers the types
    for i in range(starts.shape[0]):
        to[starts[i] : ends[i]] = of[starts[i] : ends[i]]
