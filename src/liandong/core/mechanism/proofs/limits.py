"""P7: limits fit inside one another by their origins, and what protects a limit comes before it.

The worst that keeps every earlier limit decides: each step with a limit takes all of it, one without takes
no longer than its work is known to need. What is found missing is therefore missing for certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, moment_s, once
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, ReportKind
from liandong.core.values.rows import EscalationRow, StepRow

START = "start"
_EVENT_STEP = {
    ClockOrigin.PUSHED: Action.PUSH,
    ClockOrigin.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    ClockOrigin.ARRIVED: Action.ARRIVE,
}
#: Mildest first; a stronger one does not come before a milder one.
_LADDER = (
    EscalationKind.REMIND, EscalationKind.URGE, EscalationKind.SUPERVISE, EscalationKind.TAKE_OVER,
)  # fmt: skip
#: What is meant to save the limit has to come while it can be saved.
_BEFORE = (EscalationKind.REMIND, EscalationKind.CALL)
_EPSILON = 1e-6


class Course:
    """The steps of one flow and level as a course of time; all times in seconds."""

    def __init__(self, steps: tuple[StepRow, ...]) -> None:
        self.steps = {row.key: row for row in steps}
        main = [row for row in steps if not row.line]
        self._before = {row.key: self._directly_before(row, steps, main) for row in steps}
        self._issued = {row.key: self._issue(row, steps, main) for row in steps}

    @staticmethod
    def _directly_before(row: StepRow, steps: tuple[StepRow, ...], main: list[StepRow]) -> tuple[str, ...]:
        own = main if not row.line else [s for s in steps if s.line == row.line]
        at = own.index(row)
        found = [own[at - 1].key] if at else []
        if row.line and not at:
            found = [s.key for s in main if s.order < row.order][-1:]
        if not row.line and row.action == Action.CLOSE:
            # Closing waits for every linked order that has begun by then.
            begun = {s.line for s in steps if s.line and s.order <= row.order}
            found += {s.line: s.key for s in steps if s.line in begun}.values()
        return tuple(found) or (START,)

    def _issue(self, row: StepRow, steps: tuple[StepRow, ...], main: list[StepRow]) -> str:
        """The step whose end issues the order that a step belongs to."""
        own = main if not row.line else [s for s in steps if s.line == row.line]
        at = own.index(row)
        while at and own[at - 1].role == row.role:
            at -= 1
        if at:
            return own[at - 1].key
        return self._before[own[0].key][0]

    def before(self, key: str) -> tuple[str, ...]:
        """Steps that have to be done just before one."""
        return self._before[key]

    def origin(self, row: StepRow) -> str | None:
        """The event from which a clause counts: a step or the start; None where it never happens."""
        if row.origin in (ClockOrigin.FINDING, ClockOrigin.OPENED):
            return START
        if row.origin == ClockOrigin.ISSUED:
            return self._issued[row.key]
        if row.origin == ClockOrigin.PREVIOUS:
            return self._before[row.key][0]
        wanted = (_EVENT_STEP[row.origin], row.line)
        return next((s.key for s in self.steps.values() if (s.action, s.line) == wanted), None)

    def least(self, since: str, key: str) -> float:
        """The shortest time from one event to a later one, by what the work needs; -inf where it is none."""
        if key == since:
            return 0.0
        if key == START:
            return -inf
        return max(self.least(since, b) for b in self._before[key]) + (self.steps[key].needs_s or 0.0)

    def most(self, since: str, key: str) -> tuple[float, tuple[str, ...]]:
        """The longest time between two events that keeps every limit, and the clauses that allow it."""
        ahead = self.least(key, since)
        if ahead > -inf:
            return -ahead, ()
        row = self.steps[key]
        origin = self.origin(row)
        if row.limit_s is not None and origin is not None and not self.comes_before(key, origin):
            took, chain = self.most(since, origin)
            return took + row.limit_s, (*chain, key)
        took, chain = max(self.most(since, b) for b in self._before[key])
        return took + (row.needs_s or 0.0), chain

    def comes_before(self, key: str, other: str) -> bool:
        """Whether a step is done before another event, or is that event."""
        return self.least(key, other) > -inf

    def left(self, row: StepRow) -> tuple[float, tuple[str, ...]] | None:
        """Seconds left for a step's own work in the worst case, and the clauses that leave no more."""
        origin = self.origin(row)
        if row.limit_s is None or origin is None or self.comes_before(row.key, origin):
            return None
        took, chain = max(self.most(origin, b) for b in self._before[row.key])
        return row.limit_s - took, chain


def prove(ground: Ground) -> Iterator[Fault]:
    """P7 over every flow and level that is claimed."""
    yield from _moments(ground)
    yield from once(_cells(ground))
    yield from _idle(ground)


def _cells(ground: Ground) -> Iterator[Fault]:
    seen = set()
    for flow, level in ground.cells:
        steps = ground.steps(flow, level)
        course = Course(steps)
        if tuple(row.key for row in steps) not in seen:
            seen.add(tuple(row.key for row in steps))
            for row in steps:
                yield from _clause(course, row, flow, level)
        for row in steps:
            yield from _ladder(ground.escalations(flow, level, row), row, flow, level)
        yield from _reports(ground, course, flow, level)


def _clause(course: Course, row: StepRow, flow: str, level: str) -> Iterator[Fault]:
    if row.limit_s is None:
        return
    said = {"flow": flow, "level": level, "action": row.action.value, "origin": row.origin.value}
    origin = course.origin(row)
    if origin is None:
        yield Fault(proof="P7", kind="origin_never", rows=(row.key,), witness=said)
        return
    if course.comes_before(row.key, origin):
        yield Fault(proof="P7", kind="origin_after_step", rows=(row.key,), witness=said)
        return
    left, chain = course.left(row) or (0.0, ())
    needs = row.needs_s or 0.0
    if left + _EPSILON < needs:
        kind = "limits_collide" if chain else "limit_below_needs"
        yield Fault(
            proof="P7", kind=kind, rows=(*chain, row.key),
            witness={
                **said, "limit": _minutes(row.limit_s), "left": _minutes(left), "needs": _minutes(needs),
                "missing": _minutes(needs - left), "chain": " → ".join((*chain, row.key)),
            },
        )  # fmt: skip


def _moments(ground: Ground) -> Iterator[Fault]:
    """A row of escalation names exactly one moment; one that says there is none names none."""
    for row in ground.mechanism.escalations:
        named = [m for m in (row.fraction, row.after_s, row.no_answer_s) if m is not None]
        if len(named) != (row.kind != EscalationKind.NONE):
            yield Fault(
                proof="P7", kind="moment_unclear", rows=(row.key,),
                witness={"flow": row.flow, "level": row.level, "action": row.action.value,
                         "count": len(named)},
            )  # fmt: skip


def _ladder(rows: tuple[EscalationRow, ...], step: StepRow, flow: str, level: str) -> Iterator[Fault]:
    """Reminders and calls before the limit; stronger means not before milder ones."""
    if step.limit_s is None:
        return
    said = {"flow": flow, "level": level, "action": step.action.value, "limit": _minutes(step.limit_s)}
    for row in rows:
        moment = moment_s(row, step.limit_s)
        if moment is None:
            continue
        last = moment + (row.repeat_s or 0.0) * (row.repeats - 1)
        late = last >= step.limit_s if row.kind in _BEFORE else False
        if late or (row.kind == EscalationKind.URGE and moment > step.limit_s):
            yield Fault(
                proof="P7", kind="protects_too_late", rows=(row.key, step.key),
                witness={**said, "escalation": row.kind.value, "moment": _minutes(last)},
            )  # fmt: skip
    ranked = [(moment_s(r, step.limit_s), r) for kind in _LADDER for r in rows if r.kind == kind]
    for (soon, milder), (late_, stronger) in pairwise(ranked):
        if soon is not None and late_ is not None and late_ < soon and milder.kind != stronger.kind:
            yield Fault(
                proof="P7", kind="ladder_reversed", rows=(stronger.key, milder.key),
                witness={**said, "escalation": stronger.kind.value, "milder": milder.kind.value,
                         "moment": _minutes(late_)},
            )  # fmt: skip


def _reports(ground: Ground, course: Course, flow: str, level: str) -> Iterator[Fault]:
    """Reports fit inside one another, and the first one inside the limit of what it reports on."""
    by_action = {row.action: row for row in course.steps.values() if not row.line}
    judge = by_action.get(Action.JUDGE)
    for row in ground.reports(flow, level):
        said = {"flow": flow, "level": level, "recipient": row.recipient}
        first, final = row.first_s, row.final_s
        if row.kind == ReportKind.CLOSING and Action.DISPOSAL_REPORT not in by_action:
            yield Fault(proof="P7", kind="report_without_step", rows=(row.key,), witness=said)
        if first is not None and final is not None and first > final:
            yield Fault(
                proof="P7", kind="report_order", rows=(row.key,),
                witness={**said, "first": _minutes(first), "final": _minutes(final)},
            )  # fmt: skip
        works = [by_action[a] for a in (Action.HANDLE, Action.FEED_BACK, Action.CLOSE) if a in by_action]
        work = next((w for w in works if w.limit_s is not None), None)
        if row.kind == ReportKind.UPWARD and first is not None and judge and work:
            ends, _ = course.most(judge.key, work.key)
            if first > ends + _EPSILON:
                yield Fault(
                    proof="P7", kind="report_after_end", rows=(row.key, work.key),
                    witness={**said, "first": _minutes(first), "left": _minutes(ends),
                             "action": work.action.value},
                )  # fmt: skip


def _idle(ground: Ground) -> Iterator[Fault]:
    """A fraction of a limit that no step has, anywhere, is a moment that never comes."""
    for row in ground.mechanism.escalations:
        if row.fraction is None:
            continue
        met = [
            step
            for flow, level in ground.cells
            if ground.holds(row, flow, level)
            for step in ground.steps(flow, level)
            if (step.action, step.line) == (row.action, row.line)
        ]
        if met and all(step.limit_s is None for step in met):
            yield Fault(
                proof="P7", kind="fraction_of_nothing", rows=(row.key,),
                witness={"flow": row.flow, "level": row.level, "action": row.action.value},
            )  # fmt: skip


def _minutes(seconds: float) -> float:
    return round(seconds / 60, 2)
