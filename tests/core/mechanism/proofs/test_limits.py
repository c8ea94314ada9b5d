"""P7 against trying every history: how long may each step take, and is there always time left?"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.limits import Course, prove
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, ClockOrigin
from liandong.core.values.rows import FlowRow, StepRow

_MAIN = (Action.JUDGE, Action.PUSH, Action.ACKNOWLEDGE, Action.ARRIVE, Action.CLOSE)
_ASIDE = (Action.ACKNOWLEDGE, Action.ARRIVE)
_EVENTS = {
    ClockOrigin.PUSHED: Action.PUSH,
    ClockOrigin.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    ClockOrigin.ARRIVED: Action.ARRIVE,
}


@st.composite
def orders(draw: st.DrawFn) -> tuple[StepRow, ...]:
    """A few steps with small whole numbers of seconds, perhaps with a linked order."""

    def step(number: int, action: Action, line: str) -> StepRow:
        return StepRow(
            key=f"{line or 'main'}.{action.value}", flow="*", order=number, action=action, line=line,
            role=draw(st.sampled_from(("a", "b"))),
            limit_s=draw(st.none() | st.integers(1, 6)),
            origin=draw(st.sampled_from(ClockOrigin)),
            needs_s=draw(st.sampled_from((None, 1, 2))),
        )  # fmt: skip

    actions = [a for a in _MAIN if draw(st.integers(0, 3))] or [Action.JUDGE]
    rows = [step(number, action, "") for number, action in enumerate(actions, start=1)]
    if draw(st.booleans()):
        at = draw(st.integers(1, len(actions)))
        rows += [step(at, action, "road") for action in _ASIDE if draw(st.booleans())]
    return tuple(rows)


class History:
    """Every history of some steps in which each keeps its limit, tried one by one."""

    def __init__(self, steps: tuple[StepRow, ...]) -> None:
        self.steps = {row.key: row for row in steps}
        self.before = {row.key: self._before(row) for row in steps}
        self.order = self._sorted()

    def _before(self, row: StepRow) -> list[str]:
        """Steps that are done directly before a step."""
        of_line = [s for s in self.steps.values() if s.line == row.line]
        place = of_line.index(row)
        found = [of_line[place - 1].key] if place else []
        main = [s for s in self.steps.values() if not s.line]
        if row.line and not place:
            found += [s.key for s in main if s.order < row.order][-1:]
        if row.action == Action.CLOSE and not row.line:
            found += [s.key for s in self.steps.values() if s.line and s.order <= row.order][-1:]
        return found

    def _sorted(self) -> list[str]:
        done: list[str] = []
        while len(done) < len(self.steps):
            done += [k for k in self.steps if k not in done and all(b in done for b in self.before[k])][:1]
        return done

    def ancestors(self, key: str) -> set[str]:
        """Everything that is done before a step."""
        found = set(self.before[key])
        return found.union(*(self.ancestors(one) for one in self.before[key]))

    def origin(self, row: StepRow) -> str | None:
        """The step from whose end a clause counts; `start`, or None where it is no clause."""
        if row.limit_s is None:
            return None
        if row.origin in (ClockOrigin.FINDING, ClockOrigin.OPENED):
            return "start"
        if row.origin == ClockOrigin.PREVIOUS:
            return (self.before[row.key] or ["start"])[0]
        if row.origin == ClockOrigin.ISSUED:
            of_line = [s for s in self.steps.values() if s.line == row.line]
            same = of_line[: of_line.index(row)][::-1]
            other = next((s.key for s in same if s.role != row.role), None)
            if other is not None:
                return other
            return (self.before[of_line[0].key] or ["start"])[0]
        own = [s.key for s in self.steps.values() if s.line == row.line and s.action == _EVENTS[row.origin]]
        if not own or own[0] == row.key or row.key in self.ancestors(own[0]):
            return None
        return own[0]

    def broken(self) -> str | None:
        """The first step that may be left too little time although every earlier limit is kept."""
        histories = [{"start": 0}]
        for key in self.order:
            row = self.steps[key]
            if any(self._late(row, one) for one in histories):
                return key
            histories = [{**one, key: t} for one in histories for t in self._times(row, one)]
        return None

    def _earliest(self, row: StepRow, done: dict[str, int]) -> int:
        return max((done[b] for b in self.before[row.key]), default=0) + int(row.needs_s or 0)

    def _due(self, row: StepRow, done: dict[str, int]) -> int | None:
        origin = self.origin(row)
        return None if origin is None else done[origin] + int(row.limit_s or 0)

    def _late(self, row: StepRow, done: dict[str, int]) -> bool:
        due = self._due(row, done)
        return due is not None and due < self._earliest(row, done)

    def _times(self, row: StepRow, done: dict[str, int]) -> Iterator[int]:
        """With a limit any time up to it; without one as soon as the work allows."""
        first, due = self._earliest(row, done), self._due(row, done)
        yield from range(first, (first if due is None else due) + 1)


@settings(max_examples=800, deadline=None)
@given(orders())
def test_a_step_is_short_of_time_just_where_some_history_is(steps: tuple[StepRow, ...]) -> None:
    tried = History(steps)
    course = Course(steps)
    short = [
        key
        for key in tried.order
        if (left := course.left(course.steps[key])) is not None
        and left[0] < (course.steps[key].needs_s or 0.0)
    ]
    assert (short[0] if short else None) == tried.broken()


def _foshan(arrive_s: float, needs_s: float | None = None) -> Ground:
    rows = (
        StepRow(key="judge", flow="*", order=1, action=Action.JUDGE, role="centre", limit_s=3600.0),
        StepRow(
            key="arrive", flow="*", order=2, action=Action.ARRIVE, role="lead", limit_s=arrive_s,
            needs_s=needs_s,
        ),
        StepRow(key="handle", flow="*", order=3, action=Action.HANDLE, role="lead", limit_s=7200.0),
    )  # fmt: skip
    return Ground(Mechanism(key="foshan", flows=(FlowRow(key="gas"),), steps=rows))


def test_judgement_in_60_and_arrival_in_70_minutes_leave_ten() -> None:
    """Foshan's first version, level III, if both run from the alarm."""
    ground = _foshan(4200.0)
    course = Course(ground.steps("gas", "III"))
    assert course.left(course.steps["arrive"]) == (600.0, ("judge",))
    assert not list(prove(ground))
    (fault, *_) = prove(_foshan(4200.0, needs_s=900.0))
    assert (fault.kind, fault.rows, fault.witness["missing"]) == ("limits_collide", ("judge", "arrive"), 5.0)


def test_a_limit_from_the_step_before_adds_up() -> None:
    rows = (
        StepRow(key="judge", flow="*", order=1, action=Action.JUDGE, role="centre", limit_s=3600.0),
        StepRow(
            key="push", flow="*", order=2, action=Action.PUSH, role="centre", limit_s=600.0,
            origin=ClockOrigin.PREVIOUS,
        ),
        StepRow(key="arrive", flow="*", order=3, action=Action.ARRIVE, role="lead", limit_s=4000.0),
    )  # fmt: skip
    (fault,) = prove(Ground(Mechanism(key="m", flows=(FlowRow(key="gas"),), steps=rows)))
    assert (fault.rows, fault.witness["missing"]) == (("judge", "push", "arrive"), 3.33)
