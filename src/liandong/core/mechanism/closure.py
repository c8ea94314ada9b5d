"""What a closure says of the clauses of a case."""

from __future__ import annotations

from liandong.core.values.case import CaseState, Clock
from liandong.core.values.case_events import CaseClosed, ClauseResult
from liandong.core.values.lists import Cause


def result_of(clock: Clock, now: int) -> ClauseResult:
    """How a clause went, as far as it went; an approved extension counts as time given."""
    end = clock.stopped if clock.stopped is not None else now
    paused = clock.paused_us + (0 if clock.paused_at is None else end - clock.paused_at)
    taken = end - clock.started - paused
    late = taken > clock.limit_us + clock.extended_us
    return ClauseResult(
        clause=clock.clause, round=clock.round, action=clock.action, unit=clock.unit, origin=clock.origin,
        limit_us=clock.limit_us, taken_us=taken, paused_us=paused, charges=clock.charges,
        outcome="void" if clock.void else "late" if late else "met", extended_us=clock.extended_us,
    )  # fmt: skip


def _results(case: CaseState, now: int) -> tuple[ClauseResult, ...]:
    """Clauses that are over, and those that run on but are late already: nothing is called met too soon."""
    results = [(clock, result_of(clock, now)) for _, clock in sorted(case.clocks.items())]
    return tuple(r for clock, r in results if clock.stopped is not None or r.outcome == "late")


def closure(case: CaseState, cause: Cause, now: int) -> CaseClosed:
    """办结 with everything that the score needs."""
    return CaseClosed(
        case=case.id, hazard=case.hazard, level=case.level, area_path=case.area_path, lead=case.lead,
        mode=case.mode, verdict=case.verdict, cause=cause, rules=case.rules, opened=case.opened,
        onset=case.onset, closed=now, escalations=case.escalations,
        clauses=_results(case, now),
    )  # fmt: skip
