"""How far time is settled: a watermark per source, a frontier per group.

A source's watermark is its newest event time less its lateness; a reading before it is too late, a
reading at it is not. A group is settled before the smallest watermark among those of its sources that
have sent anything; what was reached stays reached, also when a further source begins later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from liandong.core.detect.kernel import ALWAYS, NEVER
from liandong.core.detect.layout import Layout

Ints = npt.NDArray[np.int64]


class Frontier:
    """Watermarks of sources, frontiers of groups, and which group waits for which moment."""

    def __init__(self, layout: Layout) -> None:
        self._lateness = np.array([source.lateness_us for source in layout.sources], dtype=np.int64)
        self._idle = np.array([source.idle_us for source in layout.sources], dtype=np.int64)
        self.watermark = np.full(len(layout.sources), NEVER, dtype=np.int64)
        self.sent = np.zeros(len(layout.sources), dtype=np.bool_)
        self.reached = np.full(len(layout.groups), NEVER, dtype=np.int64)
        #: Earliest moment in the group that some finding waits for; ALWAYS when none waits.
        self.awaited = np.full(len(layout.groups), ALWAYS, dtype=np.int64)
        #: Earliest moment after which silence alone changes something in the group; ALWAYS for none.
        self.timers = np.full(len(layout.groups), ALWAYS, dtype=np.int64)
        self._waiting: dict[int, dict[int, int]] = {}
        self._due = np.zeros(len(layout.groups), dtype=np.int32)
        own = np.stack([layout.owner, layout.group_of], axis=1) if len(layout.owner) else np.zeros((0, 2))
        self.set_members(np.unique(own.astype(np.int32), axis=0))

    def set_members(self, pairs: npt.NDArray[np.int32]) -> None:
        """Which sources feed which groups: sorted unique rows of (source, group)."""
        self.members = pairs
        by_group = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
        self._sources = np.ascontiguousarray(by_group[:, 0])
        self._sources_at = np.searchsorted(by_group[:, 1], np.arange(len(self.reached) + 1))
        self._groups = np.ascontiguousarray(pairs[:, 1])
        self._groups_at = np.searchsorted(pairs[:, 0], np.arange(len(self.watermark) + 1))
        shared = np.diff(self._sources_at)[pairs[:, 1]] > 1
        self._shared = np.zeros(len(self.watermark), dtype=np.bool_)
        self._shared[pairs[shared, 0]] = True

    def join(self, source: int, groups: npt.NDArray[np.int32]) -> None:
        """A source has sent to channels that it does not own: from now on these groups wait for it too."""
        new = np.stack([np.full(len(groups), source, dtype=np.int32), groups.astype(np.int32)], axis=1)
        self.set_members(np.unique(np.concatenate([self.members, new]), axis=0))

    def move(self, source: int, watermark: int, sent: bool) -> list[int]:
        """Move a watermark (never back); the groups in which something waited for has come."""
        self.watermark[source] = max(int(self.watermark[source]), watermark)
        self.sent[source] |= sent
        fed = self._groups[self._groups_at[source] : self._groups_at[source + 1]]
        count = _lift(
            fed,
            self._sources_at,
            self._sources,
            self.watermark,
            self.sent,
            self.reached,
            self.awaited,
            self.timers,
            self._due,
        )
        due: list[int] = self._due[:count].tolist()
        return due

    def wait(self, group: int, slot: int, moment: int) -> None:
        """The next moment a slot waits for; ALWAYS when for none."""
        slots = self._waiting.setdefault(group, {})
        before = slots.pop(slot, ALWAYS)
        if moment != ALWAYS:
            slots[slot] = moment
        if moment < self.awaited[group]:
            self.awaited[group] = moment
        elif before == self.awaited[group]:
            self.awaited[group] = min(slots.values(), default=ALWAYS)
        if not slots:
            del self._waiting[group]

    def waiting(self, group: int) -> list[int]:
        """The slots of a group that wait for something, ascending."""
        return sorted(self._waiting.get(group, ()))

    def due_advances(self, now: int) -> list[tuple[int, int]]:
        """(source, watermark) of each silent source whose move would settle something or free a window."""
        target = np.where(self.sent, now - self._lateness - self._idle, NEVER)
        silent = target > self.watermark
        if not silent.any():
            return []
        chosen = self._settling(np.maximum(self.watermark, target), now) | self._holding_back(silent, target)
        return [(source, int(target[source])) for source in sorted(chosen)]

    def _settling(self, after: Ints, now: int) -> set[int]:
        """Silent sources that together hold back what their move would settle, or a timer."""
        chosen: set[int] = set()
        moments = np.minimum(self.awaited, self.timers)
        for group in np.flatnonzero(moments < now).tolist():
            members = self._sent_to(group)
            blocking = members[self.watermark[members] <= moments[group]]
            if len(blocking) and after[blocking].min() > moments[group]:
                chosen.update(blocking.tolist())
        return chosen

    def _holding_back(self, silent: npt.NDArray[np.bool_], target: Ints) -> set[int]:
        """Silent sources behind a talking one: its window would grow for ever; one move per idle time."""
        overdue = np.flatnonzero(silent & self._shared & (target - self.watermark >= self._idle))
        chosen = set()
        for source in overdue.tolist():
            for group in self._groups[self._groups_at[source] : self._groups_at[source + 1]].tolist():
                members = self._sent_to(group)
                if (~silent[members] & (self.watermark[members] > self.watermark[source])).any():
                    chosen.add(source)
                    break
        return chosen

    def _sent_to(self, group: int) -> npt.NDArray[Any]:
        members = self._sources[self._sources_at[group] : self._sources_at[group + 1]]
        return members[self.sent[members]]


@njit(nogil=True, cache=True)
def _lift(fed, sources_at, sources, watermark, sent, reached, awaited, timers, due):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Recompute the frontier of each group fed; fills `due` with those past their awaited moment."""
    count = 0
    for group in fed:
        lowest = ALWAYS
        for k in range(sources_at[group], sources_at[group + 1]):
            if sent[sources[k]]:
                lowest = min(lowest, watermark[sources[k]])
        if lowest != ALWAYS and lowest > reached[group]:
            reached[group] = lowest
        if min(awaited[group], timers[group]) < reached[group]:
            due[count] = group
            count += 1
    return count
