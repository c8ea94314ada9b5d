"""Rules over groups: several channels become one score, and the score is judged like a reading.

An operator works on instants, the distinct event times of its members' readings. At each it sees every
member's newest value, unless that is older than the rule's `window_s`. An instant is evaluated once every
member has reported for it, or a later instant is seen, or the frontier has passed it; late data send the
operator back to its checkpoint at the frontier. What it settles is a function of the readings accepted
before the frontier of its members had passed them. (A source that begins to send late may bring readings
older than that; the operator does not go back for them.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.detect import kernel
from liandong.core.detect.kernel import ALWAYS, NEVER, Array
from liandong.core.detect.layout import Place
from liandong.core.detect.scorers import Scorer
from liandong.core.detect.window import Columns
from liandong.core.values.rules import Rule

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_ONE = np.array([0, 1], dtype=np.int64)


@dataclass(slots=True)
class _State:
    """An operator at one moment of event time."""

    held_time: Ints  # newest reading of each member, NEVER before the first
    held_value: Floats
    memory: Floats  # the scorer's
    slot: Array  # one `SLOT`
    score: Floats  # the newest one that is a number, NaN before

    def copy(self) -> _State:
        return _State(*(getattr(self, name).copy() for name in self.__slots__))

    def dump(self) -> tuple[bytes, ...]:
        return tuple(getattr(self, name).tobytes() for name in self.__slots__)

    def restored(self, parts: tuple[bytes, ...]) -> _State:
        """Another state of the same shape."""
        made = self.copy()
        for name, part in zip(self.__slots__, parts, strict=True):
            column = getattr(made, name)
            setattr(made, name, np.frombuffer(part, dtype=column.dtype).copy())
        return made


@dataclass(frozen=True, slots=True)
class _Readings:
    """Readings of members, by time."""

    member: Ints
    time: Ints
    value: Floats

    def take(self, wanted: npt.NDArray[Any]) -> _Readings:
        """The rows of an index or mask, in that order."""
        return _Readings(self.member[wanted], self.time[wanted], self.value[wanted])

    def and_more(self, other: _Readings) -> _Readings:
        return _Readings(
            np.concatenate([self.member, other.member]),
            np.concatenate([self.time, other.time]),
            np.concatenate([self.value, other.value]),
        )


class Operator:
    """One rule on one group; see the module."""

    def __init__(self, place: Place, rule: Rule, scorer: Scorer) -> None:
        self.place = place
        self.members = np.array(place.members, dtype=np.int32)
        self._window_us, self._scorer = rule.window_us, scorer
        self._settled = _State(
            np.full(len(place.members), NEVER), np.full(len(place.members), np.nan), scorer.fresh(),
            kernel.make_slots([rule]), np.full(1, np.nan),
        )  # fmt: skip
        self._provisional = self._settled.copy()
        self.reached = NEVER  #: the checkpoint has seen all before this
        self._left = _Readings(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
        self.broken = ""  #: what the scorer raised; it is not asked again before the next start
        #: The newest instant, while it waits to be evaluated; ALWAYS when none does.
        self.awaits = ALWAYS

    def keep(self, passed: Columns) -> None:
        """Readings that leave the window: the members' are kept until the checkpoint has seen them."""
        mine = np.isin(passed.channel, self.members)
        if mine.any():
            self._left = self._left.and_more(self._of(passed, mine))

    def evaluate(self, window: Columns, frontier: int) -> Array:
        """Run on from the checkpoint over all that is known, move it to `frontier`; the transitions.

        `window` holds the members' readings that are not settled yet.
        """
        frontier = max(frontier, self.reached)
        known = self._left.and_more(self._of(window, np.ones(len(window.time), dtype=np.bool_)))
        known = known.take((known.time >= self.reached) & ~np.isnan(known.value))
        known = known.take(np.lexsort((known.member, known.time)))
        state = self._settled
        first = self._walk(state, known.take(known.time < frontier))
        self._settled, self.reached = state, frontier
        self._left = self._left.take(self._left.time >= frontier)
        rest = known.take(known.time >= frontier)
        newest = int(rest.time[-1]) if len(rest.time) else NEVER
        waits = newest != NEVER and len(np.unique(rest.member[rest.time == newest])) < len(self.members)
        self.awaits = newest if waits else ALWAYS
        self._provisional = state.copy()
        second = self._walk(self._provisional, rest.take(rest.time < newest) if waits else rest)
        return np.concatenate([first, second])

    def explain(self) -> tuple[Any, Any, float | None, list[tuple[int, int | None, float | None]]]:
        """(provisional slot, settled slot, newest score, (member channel, its time, its value) each)."""
        state = self._provisional
        seen = [
            (channel, None, None) if at == NEVER else (channel, at, value)
            for channel, at, value in zip(
                self.place.members, state.held_time.tolist(), state.held_value.tolist(), strict=True
            )
        ]
        score = float(state.score[0])
        return state.slot[0], self._settled.slot[0], None if np.isnan(score) else score, seen

    def dump(self) -> tuple[bytes, ...]:
        """The whole state, exact."""
        left, moments = self._left, np.array([self.reached, self.awaits])
        own = tuple(column.tobytes() for column in (moments, left.member, left.time, left.value))
        return (*own, *self._settled.dump(), *self._provisional.dump())

    def restore(self, parts: tuple[bytes, ...]) -> None:
        """The exact opposite of `dump` for the same rule and members."""
        self.reached, self.awaits = np.frombuffer(parts[0], dtype=np.int64).tolist()
        self._left = _Readings(
            np.frombuffer(parts[1], dtype=np.int64), np.frombuffer(parts[2], dtype=np.int64),
            np.frombuffer(parts[3], dtype=np.float64),
        )  # fmt: skip
        size = len(_State.__slots__)
        self._settled = self._settled.restored(parts[4 : 4 + size])
        self._provisional = self._provisional.restored(parts[4 + size :])

    def _of(self, columns: Columns, mine: npt.NDArray[np.bool_]) -> _Readings:
        order = np.argsort(self.members)
        member = order[np.searchsorted(self.members, columns.channel[mine], sorter=order)]
        return _Readings(member.astype(np.int64), columns.time[mine], columns.value[mine])

    def _walk(self, state: _State, readings: _Readings) -> Array:
        """Evaluate every instant of some readings, changing the state; the transitions."""
        if not len(readings.time):
            return np.zeros(0, dtype=kernel.TRANSITION)
        instants = np.unique(readings.time)
        values = self._hold(state, readings, instants)
        scores = self._score(state.memory, instants, values)
        said = scores[~np.isnan(scores)]
        if len(said):
            state.score[0] = said[-1]
        zeros = np.zeros(len(instants), dtype=np.int32)
        return kernel.run(
            state.slot, _ONE, zeros, instants, np.ascontiguousarray(scores), zeros.view(np.uint32), room=16
        )

    def _score(self, memory: Floats, instants: Ints, values: Floats) -> Floats:
        """The scorer's word; nothing any more once it has raised, because its state may be half changed."""
        if not self.broken:
            try:
                scores = np.asarray(self._scorer.score(memory, instants, values), dtype=np.float64)
                if scores.shape == instants.shape:
                    return scores
                self.broken = f"{scores.shape} scores for {len(instants)} rows"
            except Exception as error:  # a third party's code may raise anything
                self.broken = repr(error)
        return np.full(len(instants), np.nan)

    def _hold(self, state: _State, readings: _Readings, instants: Ints) -> Floats:
        """What each member last said at each instant, NaN where nothing or too long ago."""
        values = np.full((len(instants), len(self.members)), np.nan)
        for member in range(len(self.members)):
            mine = readings.member == member
            times = np.concatenate([state.held_time[member : member + 1], readings.time[mine]])
            said = np.concatenate([state.held_value[member : member + 1], readings.value[mine]])
            at = np.searchsorted(times, instants, side="right") - 1
            values[:, member] = said[at]
            if self._window_us:
                values[instants - times[at] > self._window_us, member] = np.nan
            state.held_time[member], state.held_value[member] = times[-1], said[-1]
        return values
