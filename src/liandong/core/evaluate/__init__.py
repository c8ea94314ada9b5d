"""评价: a closed case becomes scores of its clauses and of the rules that raised it."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case_events import CaseClosed
from liandong.core.values.decision import Decision, because
from liandong.core.values.lists import Cause
from liandong.core.values.score import CaseScored, ScoreState

#: Causes that say nothing for or against the rule that raised the alarm.
_UNCOUNTED = (Cause.TEST, Cause.DRILL, Cause.DUPLICATE, Cause.MAINTENANCE)


def decide(policy: Policy, state: ScoreState, message: CaseClosed, now: int) -> Decision:
    """Score a case; closing it again after a reopening replaces the score."""
    real = None if message.cause in _UNCOUNTED else message.cause == Cause.REAL
    event = CaseScored(
        case=message.case, hazard=message.hazard, level=message.level, area_path=message.area_path,
        lead=message.lead, mode=message.mode, cause=message.cause, real=real, rules=message.rules,
        onset=message.onset, opened=message.opened, closed=message.closed, escalations=message.escalations,
        clauses=message.clauses,
    )  # fmt: skip
    late = sum(clause.outcome == "late" for clause in message.clauses)
    return Decision((event,), (), because("evaluate.scored", clauses=len(message.clauses), late=late))
