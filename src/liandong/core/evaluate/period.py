"""A period: per unit, level and clause how much was in time; per rule how much was a false alarm.

Everything is read from the cases' clocks, so that open orders count as what they are: not yet late, or
late already and still open. Tests, drills, duplicates and maintenance say nothing about a rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from liandong.core.evaluate.shares import Curve, Share, curve, share
from liandong.core.values.case import CaseState, Clock
from liandong.core.values.lists import Action, CaseStage, Cause, ClockOrigin, Mode
from liandong.core.values.score import CaseScored
from liandong.core.values.times import SECOND

#: False alarms of every kind; a device fault is no event either, but it is the device's.
FALSE = (Cause.FALSE_BIOGAS, Cause.FALSE_CALIBRATION, Cause.FALSE_INTERFERENCE, Cause.FALSE_RULE)


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """One clause of one case, as far as it has gone."""

    case: str
    unit: str
    level: str
    clause: str
    action: Action
    origin: ClockOrigin
    limit_s: float
    taken_s: float  #: without pauses
    paused_s: float
    open: bool

    @property
    def late(self) -> bool:
        """Over its limit, whether done or not."""
        return self.taken_s > self.limit_s


class ClauseLine(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit kept one clause at one level."""

    unit: str
    level: str
    clause: str
    action: Action
    origin: ClockOrigin
    limit_s: float
    on_time: Share  #: of those decided: done, or late while open
    undecided: int  #: open and not yet late
    curve: Curve


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule was right."""

    rule: str
    false: Share  #: of the closed cases that say something about it
    causes: dict[str, int]


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The evaluation of [since, until), in one mode."""

    since: int
    until: int
    mode: Mode
    opened: int
    closed: int
    live: int
    by_level: dict[str, int]
    by_hazard: dict[str, int]
    by_cause: dict[str, int]
    escalations: int
    clauses: tuple[ClauseLine, ...]
    rules: tuple[RuleLine, ...]


def evaluate(
    cases: Iterable[CaseState], scores: Iterable[CaseScored], since: int, until: int, mode: Mode
) -> Period:
    """Evaluate the cases opened in the period, as they stand at its end, and the scores closed in it."""
    mine = [case for case in cases if case.mode == mode and since <= case.opened < until]
    closed = [score for score in scores if score.mode == mode and since <= score.closed < until]
    timed = [line for case in mine for line in timed_of(case, until)]
    return Period(
        since=since, until=until, mode=mode, opened=len(mine), closed=len(closed),
        live=sum(not case.over and case.stage != CaseStage.CANCELLED for case in mine),
        by_level=_count(case.level for case in mine),
        by_hazard=_count(case.hazard for case in mine),
        by_cause=_count(score.cause.value for score in closed),
        escalations=sum(case.escalations for case in mine),
        clauses=clause_lines(timed), rules=rule_lines(closed),
    )  # fmt: skip


def timed_of(case: CaseState, now: int) -> list[Timed]:
    """Every clock that says something about its unit; a void one was stopped by others."""
    return [_timed(case, clock, now) for _, clock in sorted(case.clocks.items()) if not clock.void]


def _timed(case: CaseState, clock: Clock, now: int) -> Timed:
    open_ = clock.stopped is None or clock.stopped > now  # what ended later had not ended by then
    end = now if open_ else clock.stopped or now
    running = 0 if clock.paused_at is None else max(0, end - clock.paused_at)
    paused = clock.paused_us + running
    return Timed(
        case=case.id, unit=clock.unit, level=case.level, clause=clock.clause, action=clock.action,
        origin=clock.origin, limit_s=(clock.limit_us + clock.extended_us) / SECOND,
        taken_s=max(0, end - clock.started - paused) / SECOND, paused_s=paused / SECOND,
        open=open_,
    )  # fmt: skip


def clause_lines(timed: Iterable[Timed]) -> tuple[ClauseLine, ...]:
    """One line per (unit, level, clause, limit), ordered."""
    groups: dict[tuple[str, str, str, float], list[Timed]] = defaultdict(list)
    for one in timed:
        groups[one.unit, one.level, one.clause, one.limit_s].append(one)
    return tuple(_clause_line(group) for _, group in sorted(groups.items()))


def _clause_line(group: list[Timed]) -> ClauseLine:
    first = group[0]
    decided = [one for one in group if not one.open or one.late]
    return ClauseLine(
        unit=first.unit, level=first.level, clause=first.clause, action=first.action, origin=first.origin,
        limit_s=first.limit_s, on_time=share(sum(not one.late for one in decided), len(decided)),
        undecided=len(group) - len(decided),
        curve=curve([o.taken_s for o in group if not o.open], [o.taken_s for o in group if o.open]),
    )  # fmt: skip


def rule_lines(scores: Iterable[CaseScored]) -> tuple[RuleLine, ...]:
    """One line per rule that raised a closed case."""
    causes: dict[str, Counter[str]] = defaultdict(Counter)
    counted: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for score in scores:
        for rule in score.rules:
            causes[rule][score.cause.value] += 1
            if score.real is not None:
                counted[rule] += 1
                false[rule] += score.cause in FALSE
    return tuple(
        RuleLine(
            rule=rule, false=share(false[rule], counted[rule]), causes=dict(sorted(causes[rule].items()))
        )
        for rule in sorted(causes)
    )


def _count(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
