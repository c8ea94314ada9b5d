"""办结归档: finished means proven, not clicked. Closing needs feedback, review and a cause."""

from __future__ import annotations

from liandong.core.mechanism.authority import next_actions, stale, step_order
from liandong.core.mechanism.bridges import report as bridge_report
from liandong.core.mechanism.bridges import with_pushes
from liandong.core.mechanism.closure import closure
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import cancel_rest, finish_step, issue_next, open_lines
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.reports import disposal_reports
from liandong.core.mechanism.sampling import draw_review
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import CaseArchived
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, CaseStage, Cause, Verdict
from liandong.core.values.messages import Act, OrderReported

_NOT_REAL = frozenset(Cause) - {Cause.REAL}
#: Closing acts that follow the closing itself → the stage in which each may be done.
_AFTER = {Action.ARCHIVE: CaseStage.CLOSED, Action.DISPOSAL_REPORT: CaseStage.ARCHIVED}


def decide(policy: Policy, state: CaseState, act: Act, now: int) -> Decision:
    """Close or archive a case, issue its disposal report, or say what is still missing."""
    made = bridge_report(policy, state, act, now, _decide) if isinstance(act, OrderReported) else None
    return with_pushes(policy, state, made or _decide(policy, state, act, now), now)


def _decide(policy: Policy, state: CaseState, act: Act, now: int) -> Decision:
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
    if missing == [Action.REVIEW] and _review_issued(draft):
        return draft.done("close.review_issued", needed=next_actions(draft.case))
    if missing:
        return refuse("close.missing", missing=", ".join(missing), needed=next_actions(state))
    if _drawn_by_cause(draft, Cause(act.cause)):
        issue_next(draft)
        return draft.done("close.review_drawn", cause=act.cause, needed=next_actions(draft.case))
    finish_step(draft, order, act)
    cancel_rest(draft, act, keep=tuple(_AFTER))
    draft.add(closure(draft.case, Cause(act.cause), now))
    issue_next(draft)
    return draft.done("close.closed", cause=act.cause, post=act.post)


def _review_issued(draft: Draft) -> bool:
    """Issue the review that is missing, where nobody holds it: else the case could never be closed."""
    if draft.case.order_for(Action.REVIEW) is not None:
        return False
    issue_next(draft)
    return draft.case.order_for(Action.REVIEW) is not None


def _drawn_by_cause(draft: Draft, cause: Cause) -> bool:
    """Whether a row that speaks of this cause has this closure reviewed, which is drawn only now."""
    case, routing = draft.case, draft.policy.routing
    row = routing.verification(case.hazard, case.level, cause)
    reviewed = Action.REVIEW in {row.action for row in routing.steps(case.hazard, case.level)}
    if row is None or not row.causes or not reviewed or case.drawn is not None or case.reviewed is not None:
        return False
    return draw_review(draft, row, cause)


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
    unreviewed = [Action.REVIEW.value] if case.drawn is True and case.reviewed is not True else []
    if case.verdict in (Verdict.FALSE, Verdict.TEST):
        return ["cause other than real"] if cause not in _NOT_REAL else unreviewed
    steps = {row.action for row in policy.routing.steps(case.hazard, case.level)}
    missing = [
        action.value
        for action in (Action.HANDLE, Action.FEED_BACK)
        if action in steps and action not in case.done
    ]
    if Action.REVIEW in steps and case.drawn is not False and case.reviewed is not True:
        missing.append(Action.REVIEW.value)
    return [*missing, *(["open lines"] if open_lines(policy, case) else [])]
