"""办结归档: finished means proven, not clicked. Closing needs feedback, review and a cause."""

from __future__ import annotations

from liandong.core.mechanism.authority import next_actions, stale, step_order
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import cancel_rest, finish_step, issue_next
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.reports import disposal_reports
from liandong.core.values.case import CaseState, Clock
from liandong.core.values.case_events import CaseArchived, CaseClosed, ClauseResult
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, CaseStage, Cause, Verdict
from liandong.core.values.messages import Act

_NOT_REAL = frozenset(Cause) - {Cause.REAL}
#: Closing acts that follow the closing itself → the stage in which each may be done.
_AFTER = {Action.ARCHIVE: CaseStage.CLOSED, Action.DISPOSAL_REPORT: CaseStage.ARCHIVED}


def decide(policy: Policy, state: CaseState, act: Act, now: int) -> Decision:
    """Close or archive a case, issue its disposal report, or say what is still missing."""
    if not state.id:
        return refuse("case.unknown", case=act.case)
    refused = stale(state, act)
    if refused is not None:
        return refused
    ended = state.stage in (CaseStage.ARCHIVED, CaseStage.REPORTED, CaseStage.CANCELLED)
    if ended if act.action == Action.CLOSE else state.stage != _AFTER[act.action]:
        needed = next_actions(state, none=Action.REOPEN if ended else "-")
        return refuse("act.not_allowed", action=act.action, stage=state.stage, needed=needed)
    order = step_order(policy, state, act, now)
    if isinstance(order, Decision):
        return order
    draft = Draft(policy, state, now)
    if act.action == Action.ARCHIVE:
        finish_step(draft, order, act)
        cancel_rest(draft, act, keep=(Action.DISPOSAL_REPORT,))
        draft.add(CaseArchived(case=state.id, at=now))
        issue_next(draft)
        return draft.done("close.archived", post=act.post)
    if act.action == Action.DISPOSAL_REPORT:
        finish_step(draft, order, act)
        _send_round(draft, order.id)
        return draft.done("close.reported", post=act.post)
    missing = missing_for(policy, state, act)
    if missing:
        return refuse("close.missing", missing=", ".join(missing), needed=next_actions(state))
    finish_step(draft, order, act)
    cancel_rest(draft, act, keep=tuple(_AFTER))
    draft.add(_closure(policy, draft.case, Cause(act.cause), now))
    issue_next(draft)
    return draft.done("close.closed", cause=act.cause, post=act.post)


def _send_round(draft: Draft, order: str) -> None:
    """Everybody whom the rows name is told that the disposal report is there, each person once."""
    case = draft.case
    told: set[str] = set()
    for report in disposal_reports(draft.policy, case, draft.now):
        for to in report.to:
            if to.person not in told:
                told.add(to.person)
                draft.tell(
                    order, to.person, "notice.disposal_report", only=report.channel,
                    asset=case.asset, hazard=case.hazard, level=case.level,
                )  # fmt: skip


def missing_for(policy: Policy, case: CaseState, act: Act) -> list[str]:
    """What the closure still lacks."""
    if act.cause not in list(Cause):
        return ["cause"]
    cause = Cause(act.cause)
    if case.verdict in (Verdict.FALSE, Verdict.TEST):
        return ["cause other than real"] if cause not in _NOT_REAL else []
    steps = {row.action for row in policy.routing.steps(case.hazard, case.level)}
    missing = [
        action.value
        for action in (Action.HANDLE, Action.FEED_BACK)
        if action in steps and action not in case.done
    ]
    if Action.REVIEW in steps and case.reviewed is not True:
        missing.append(Action.REVIEW.value)
    return missing


def result_of(clock: Clock, now: int) -> ClauseResult:
    """How a clause went, as far as it went."""
    end = clock.stopped if clock.stopped is not None else now
    paused = clock.paused_us + (0 if clock.paused_at is None else end - clock.paused_at)
    taken = end - clock.started - paused
    outcome = "void" if clock.void else "late" if taken > clock.limit_us else "met"
    return ClauseResult(
        clause=clock.clause, round=clock.round, action=clock.action, unit=clock.unit, origin=clock.origin,
        limit_us=clock.limit_us, taken_us=taken, paused_us=paused, charges=clock.charges, outcome=outcome,
    )  # fmt: skip


def _results(case: CaseState, now: int) -> tuple[ClauseResult, ...]:
    """Clauses that are over, and those that run on but are late already: nothing is called met too soon."""
    results = [(clock, result_of(clock, now)) for _, clock in sorted(case.clocks.items())]
    return tuple(r for clock, r in results if clock.stopped is not None or r.outcome == "late")


def _closure(policy: Policy, case: CaseState, cause: Cause, now: int) -> CaseClosed:
    return CaseClosed(
        case=case.id, hazard=case.hazard, level=case.level, area_path=case.area_path, lead=case.lead,
        mode=case.mode, verdict=case.verdict, cause=cause, rules=case.rules, opened=case.opened,
        onset=case.onset, closed=now, escalations=case.escalations,
        clauses=_results(case, now),
    )  # fmt: skip
