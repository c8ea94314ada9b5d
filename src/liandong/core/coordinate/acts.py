"""人的动作: what a person does to a case, allowed by the rows or refused with what would be needed."""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.coordinate import records
from liandong.core.mechanism.authority import (
    dependence,
    held_order,
    next_actions,
    stale,
    step_order,
)
from liandong.core.mechanism.clocks import pause_clock, resume_clock, stop_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import cancel_rest, end_order, finish_step, issue, issue_next
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, unit_of_role
from liandong.core.values.case import CaseState, Order
from liandong.core.values.case_events import (
    CaseJudged,
    CaseLevelChanged,
    CaseReopened,
    CaseReviewed,
    ParticipantLeft,
    StepsUndone,
)
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, Capability, OrderStatus, Participation, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.scales import CASE_LEVELS

#: What has to be done again after the wrong unit was sent, and after a failed review.
_AFTER_RETURN = (
    Action.PUSH,
    Action.ACKNOWLEDGE,
    Action.ARRIVE,
    Action.CHECK,
    Action.HANDLE,
    Action.FEED_BACK,
)
_AFTER_FAILED_REVIEW = (Action.HANDLE, Action.FEED_BACK, Action.REVIEW)


def decide(policy: Policy, state: CaseState, act: Act, now: int) -> Decision:
    """One act of one person as one post."""
    if not state.id:
        return refuse("case.unknown", case=act.case)
    refused = stale(state, act)
    if refused is not None:
        return refused
    if state.over and act.action not in (Action.REOPEN, *records.ALWAYS):
        return refuse("act.not_allowed", action=act.action, stage=state.stage, needed=Action.REOPEN)
    return _ACTS[act.action](Draft(policy, state, now), act)


def _step(draft: Draft, act: Act) -> Decision:
    """A plain step: acknowledge, arrive, check, handle, feed back."""
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    finish_step(draft, order, act)
    issue_next(draft)
    return draft.done(f"act.{act.action.value}", post=act.post)


def _judge(draft: Draft, act: Act) -> Decision:
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if act.verdict not in list(Verdict):
        return refuse("act.missing_field", field="verdict", action=act.action)
    if act.level and act.level not in CASE_LEVELS:
        return refuse("act.missing_field", field="level", action=act.action)
    case = draft.case
    verdict = Verdict(act.verdict)
    draft.add(CaseJudged(case=case.id, verdict=verdict, person=act.person))
    if act.level and act.level != case.level:
        draft.add(CaseLevelChanged(case=case.id, before=case.level, after=act.level, by=act.person))
    finish_step(draft, order, act)
    records.owe(draft)
    nobody_goes = verdict in (Verdict.FALSE, Verdict.TEST)
    if nobody_goes and draft.case.orders[order.id].status == OrderStatus.ACTIVE:
        # What is left of the order ends with the judgement.
        stop_for(draft, order.id, void=True)
        end_order(draft, order, OrderStatus.DONE)
    issue_next(draft)
    return draft.done("act.judge", verdict=verdict, post=act.post)


def _push(draft: Draft, act: Act) -> Decision:
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if act.to and act.to not in draft.policy.city.units:
        return refuse("act.bad_recipient", to=act.to)
    finish_step(draft, order, act)
    issue_next(draft, unit=act.to or "lead")
    return draft.done("act.push", to=act.to or unit_of_role(draft.policy, draft.case, "lead"))


def _review(draft: Draft, act: Act) -> Decision:
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if act.passed is None:
        return refuse("act.missing_field", field="passed", action=act.action)
    ahead = _ahead_of_review(draft, order)
    if ahead:
        return refuse("act.not_allowed", action=act.action, stage=draft.case.stage, needed=ahead)
    why = dependence(draft.policy, draft.case, order.unit, act.person)
    if why:
        return refuse("act.not_independent", why=why)
    finish_step(draft, order, act)
    draft.add(CaseReviewed(case=draft.case.id, passed=act.passed, person=act.person))
    if not act.passed:
        _undo(draft, _AFTER_FAILED_REVIEW, act)
    issue_next(draft)
    return draft.done("act.review", passed=str(act.passed).lower())


def _ahead_of_review(draft: Draft, order: Order) -> str:
    """Steps before the review that another order still holds, as after a level was raised."""
    case = draft.case
    rows = [row.action for row in draft.policy.routing.steps(case.hazard, case.level)]
    before = rows[: rows.index(Action.REVIEW)] if Action.REVIEW in rows else []
    return ", ".join(a for a in before if (other := case.order_for(a)) and other.id != order.id)


def _undo(draft: Draft, actions: tuple[Action, ...], act: Act) -> None:
    undone = tuple(a for a in actions if a in draft.case.done)
    draft.add(StepsUndone(case=draft.case.id, undone=undone, why=act.action, person=act.person, at=draft.now))


def _return(draft: Draft, act: Act) -> Decision:
    """Wrong duty: the order goes back to the centre, which has to send it to somebody else."""
    order = held_order(draft.policy, draft.case, act, draft.now, role="lead")
    if isinstance(order, Decision):
        return order
    if order.role != "lead":
        return refuse("act.not_allowed", action=act.action, stage=draft.case.stage, needed="lead")
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    stop_for(draft, order.id, void=True)
    end_order(draft, order, OrderStatus.RETURNED, act)
    draft.add(
        ParticipantLeft(
            case=draft.case.id, part=Participation.LEAD, unit=order.unit, post=order.post, until=draft.now
        )
    )
    _undo(draft, _AFTER_RETURN, act)
    issue_next(draft, unit="lead")
    return draft.done("act.return", reason=act.reason, unit=order.unit)


def _hand_over(draft: Draft, act: Act) -> Decision:
    """To another person of the same post: clocks run on, the order is a new one."""
    order = held_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if act.to == order.person or not draft.policy.city.holds(act.to, order.post, draft.now):
        return refuse("act.bad_recipient", to=act.to)
    steps = tuple(s for s in order.steps if s.action not in order.done)
    end_order(draft, order, OrderStatus.HANDED_OVER, act)
    to = Resolved(unit=order.unit, post=order.post, person=act.to, deputy=order.person)
    issue(draft, order.role, steps, to, order.row, replaces=order.id)
    return draft.done("act.hand_over", to=act.to)


def _running(draft: Draft, order: Order, paused: bool) -> list[str]:
    return [
        key
        for key, clock in draft.case.clocks.items()
        if clock.order == order.id and clock.stopped is None and (clock.paused_at is not None) == paused
    ]


def _pause(draft: Draft, act: Act) -> Decision:
    order = held_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    stopped = 0
    for key in _running(draft, order, paused=False):
        clock = draft.case.clocks[key]
        row = draft.policy.routing.pause(draft.case.hazard, act.reason, clock.action)
        if row is not None:
            pause_clock(
                draft, clock, row, unit_of_role(draft.policy, draft.case, row.charged_to) or order.unit
            )
            stopped += 1
    if not stopped:
        return refuse("act.pause_not_allowed", reason=act.reason, action=next_actions(draft.case))
    return draft.done("act.pause", reason=act.reason, clocks=stopped)


def _resume(draft: Draft, act: Act) -> Decision:
    order = held_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    keys = _running(draft, order, paused=True)
    if not keys:
        return refuse("act.nothing_paused")
    for key in keys:
        resume_clock(draft, draft.case.clocks[key], by=act.person)
    return draft.done("act.resume", clocks=len(keys))


def _reopen(draft: Draft, act: Act) -> Decision:
    case = draft.case
    if not records.may(draft, act, Capability.CASE_REOPEN):
        return refuse("act.not_yours", action=act.action, needed=Capability.CASE_REOPEN)
    if not case.over:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    cancel_rest(draft, act)
    kept = (Action.JUDGE, Action.PUSH) if case.verdict in (Verdict.REAL, Verdict.LOOK) else ()
    undone = tuple(a for a in case.done if a not in kept)
    draft.add(CaseReopened(case=case.id, person=act.person, at=draft.now, undone=undone, text=act.text))
    if not kept:
        # Judged false and yet reopened: it has to be judged again before anybody is sent.
        draft.add(CaseJudged(case=case.id, verdict=Verdict.LOOK, person=act.person))
    issue_next(draft)
    return draft.done("act.reopen", post=act.post)


_ACTS: dict[Action, Callable[[Draft, Act], Decision]] = {
    Action.JUDGE: _judge,
    Action.PUSH: _push,
    Action.ACKNOWLEDGE: _step,
    Action.ARRIVE: _step,
    Action.CHECK: _step,
    Action.HANDLE: _step,
    Action.FEED_BACK: _step,
    Action.REVIEW: _review,
    Action.RETURN: _return,
    Action.HAND_OVER: _hand_over,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.REOPEN: _reopen,
    Action.NOTE: records.note,
    Action.CALL: records.call,
    Action.REPORT: records.report,
}
