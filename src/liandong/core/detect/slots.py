"""The slots of a shard at one moment of event time: their records, and the memories of their statistics."""

from __future__ import annotations

import numpy as np

from liandong.core.detect import kernel
from liandong.core.detect.kernel import SLOT, Array
from liandong.core.detect.layout import Layout
from liandong.core.detect.statistics import MEMORY, make_memory
from liandong.core.detect.window import Columns


class Slots:
    """State of every rule on every channel it looks at: 64 bytes a slot, 128 where it needs a statistic."""

    def __init__(self, layout: Layout, records: Array, memory: Array) -> None:
        self._layout = layout
        self.records, self._memory = records, memory

    @classmethod
    def fresh(cls, layout: Layout) -> Slots:
        """Nothing has been read yet."""
        remembering = layout.slot_rule[layout.memory_of >= 0]
        return cls(
            layout,
            kernel.make_slots(layout.rules)[layout.slot_rule],
            make_memory(layout.rules)[remembering],
        )

    def run(self, columns: Columns) -> Array:
        """Evaluate readings, changing the state; returns the transitions."""
        return kernel.run(
            self.records, self._layout.offsets, columns.channel, columns.time, columns.value, columns.quality,
            room=256, plain_to=self._layout.plain_to, memory=self._memory, memory_of=self._layout.memory_of,
        )  # fmt: skip

    def copy_from(self, other: Slots, slots: Array) -> None:
        """Put another state of the same layout in place of this one, for some slots."""
        self.records[slots] = other.records[slots]
        places = self._layout.memory_of[slots]
        places = places[places >= 0]
        self._memory[places] = other._memory[places]

    def dump(self) -> tuple[bytes, bytes]:
        """Both arrays, exact."""
        return self.records.tobytes(), self._memory.tobytes()

    def restore(self, parts: tuple[bytes, bytes]) -> None:
        """The exact opposite of `dump` on the same layout."""
        self.records = np.frombuffer(parts[0], dtype=SLOT).copy()
        self._memory = np.frombuffer(parts[1], dtype=MEMORY).copy()
