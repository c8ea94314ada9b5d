"""P6 against playing every case: what is never reached, and from where does no way lead to the end?"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.steps import prove
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action
from liandong.core.values.rows import FlowRow, StepRow

_ACTIONS = (
    Action.JUDGE, Action.SELF_CORRECT, Action.PERSUADE, Action.ENFORCE, Action.CLOSE, Action.ARCHIVE,
)  # fmt: skip
_MAY_FAIL = (Action.SELF_CORRECT, Action.PERSUADE, Action.ENFORCE)
_ENDS = (Action.CLOSE, Action.ARCHIVE)
State = tuple[frozenset[str], frozenset[str]]


@st.composite
def steps(draw: st.DrawFn) -> tuple[StepRow, ...]:
    """Steps in any order, some only after a failure, some in a linked order."""
    rows = []
    conditions = draw(st.booleans())
    for line in ("", "road"):
        actions = list(draw(st.permutations(_ACTIONS[:4]) if not line else st.permutations(_MAY_FAIL)))
        actions = actions[: draw(st.integers(0, len(actions)))]
        if not line:
            ends = draw(st.sampled_from((_ENDS, _ENDS[:1])))
            actions = draw(st.sampled_from(([*actions, *ends], [*ends, *actions])))
        for number, action in enumerate(actions, start=1):
            failed = draw(st.sampled_from(("", "", *_MAY_FAIL))) if conditions else ""
            rows.append(
                StepRow(
                    key=f"{line or 'main'}.{action.value}", flow="*", action=action, role="lead", line=line,
                    order=number + (draw(st.integers(0, 4)) if line else 0), after_failed=failed,
                )
            )  # fmt: skip
    return tuple(rows)


class Play:
    """Every case that these steps allow, state by state: what was done, and what of it did not succeed."""

    def __init__(self, rows: tuple[StepRow, ...]) -> None:
        self.rows = tuple(sorted(rows, key=lambda row: (row.order, row.key)))
        self.main = [row for row in self.rows if not row.line]
        self.reached: set[str] = set()
        self.stuck = False
        seen: set[State] = set()
        waiting: list[State] = [(frozenset(), frozenset())]
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            after = self._next(state)
            done = state[0]
            self.stuck |= not after and not self._ended(done)
            waiting += after

    def _ended(self, done: frozenset[str]) -> bool:
        return {row.action for row in self.main if row.key in done} >= set(_ENDS)

    def _asked(self, row: StepRow, state: State) -> bool:
        """Whether a step is to be done in this state, or skipped as nothing failed."""
        if not row.after_failed:
            return True
        failed = state[1]
        earlier = [s for s in self.rows if (s.action, s.line) == (row.after_failed, row.line)]
        return any(s.key in failed and (s.order, s.key) < (row.order, row.key) for s in earlier)

    def _over(self, done: frozenset[str]) -> bool:
        return any(row.key in done and row.action in _ENDS for row in self.main)

    def _next(self, state: State) -> list[State]:
        found: list[State] = []
        for row in self._possible(state):
            self.reached.add(row.key)
            done, failed = state
            found.append((done | {row.key}, failed))
            if row.action in _MAY_FAIL:
                found.append((done | {row.key}, failed | {row.key}))
        return found

    def _possible(self, state: State) -> list[StepRow]:
        done = state[0]
        over = self._over(done)
        found = []
        left = [row for row in self.main if row.key not in done and self._asked(row, state)]
        if over:
            left = [row for row in left if row.action == Action.ARCHIVE]
        lines_left = self._lines_left(state)
        if left and not (left[0].action == Action.CLOSE and lines_left):
            found.append(left[0])
        for row in lines_left[:1] if not over else ():
            first = min(r.order for r in self.rows if r.line)
            if all(s.key in done for s in self.main if s.order < first and self._asked(s, state)):
                found.append(row)
        return found

    def _lines_left(self, state: State) -> list[StepRow]:
        return [row for row in self.rows if row.line and row.key not in state[0] and self._asked(row, state)]


@settings(max_examples=400, deadline=None)
@given(steps())
def test_what_is_proven_can_be_played_to_its_end(rows: tuple[StepRow, ...]) -> None:
    faults = list(prove(Ground(Mechanism(key="m", flows=(FlowRow(key="trade"),), steps=rows))))
    played = Play(rows)
    if not faults:
        assert not played.stuck
        assert played.reached == {row.key for row in rows}


@settings(max_examples=400, deadline=None)
@given(steps())
def test_what_is_refused_is_stuck_or_has_a_step_that_nobody_reaches(rows: tuple[StepRow, ...]) -> None:
    faults = list(prove(Ground(Mechanism(key="m", flows=(FlowRow(key="trade"),), steps=rows))))
    if faults:
        played = Play(rows)
        assert played.stuck or played.reached != {row.key for row in rows}
