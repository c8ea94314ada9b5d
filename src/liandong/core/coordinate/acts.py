"""人的动作: what a person does to a case, allowed by the rows or refused with what would be needed."""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.coordinate import duty, help_requests, records, reporting
from liandong.core.coordinate.calls import answered, ringing_for
from liandong.core.coordinate.time_limits import resume
from liandong.core.coordinate.transfers import approve, pause, transfer
from liandong.core.mechanism.authority import dependence, next_actions, stale, step_order
from liandong.core.mechanism.clocks import stop_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.duty import barred
from liandong.core.mechanism.orders import (
    cancel_rest,
    end_order,
    finish_step,
    issue_next,
    verification,
    working_lines,
)
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.mechanism.transfers import permit, take
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.case_events import (
    CaseJudged,
    CaseLevelChanged,
    CaseReopened,
    CaseReviewed,
    StepsUndone,
)
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, Capability, OrderStatus, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.scales import CASE_LEVELS

#: What has to be done again after a failed review.
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
    known = _ACTS.get(act.action)
    if known is None:
        # Warnings, responses and shifts have doors of their own.
        return refuse("act.not_allowed", action=act.action, stage=state.stage, needed=next_actions(state))
    return known(Draft(policy, state, now), act)


def _step(draft: Draft, act: Act) -> Decision:
    """A plain step: acknowledge, arrive, check, handle, feed back."""
    order = step_order(draft.policy, draft.case, act, draft.now)
    return order if isinstance(order, Decision) else _plain(draft, order, act)


def _plain(draft: Draft, order: Order, act: Act) -> Decision:
    finish_step(draft, order, act)
    issue_next(draft)
    return draft.done(f"act.{act.action.value}", post=act.post)


def _judge(draft: Draft, act: Act) -> Decision:
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if order.line:
        return _plain(draft, order, act)
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
    reporting.owe(draft)
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
    if order.line:
        return _plain(draft, order, act)
    if act.to and (act.to not in draft.policy.city.units or act.to in barred(draft.case)):
        return refuse("act.bad_recipient", to=act.to)
    finish_step(draft, order, act)
    to = act.to or _wished(draft.case)
    issue_next(draft, unit=to or "lead")
    return draft.done("act.push", to=to or unit_of_role(draft.policy, draft.case, "lead"))


def _wished(case: CaseState) -> str:
    """The unit that whoever split the case off wanted to lead it, as long as nobody has led it yet."""
    led = any(order.role == "lead" for order in case.orders.values())
    return case.lead if case.parents and not led else ""


def _review(draft: Draft, act: Act) -> Decision:
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if order.line:
        return _plain(draft, order, act)
    if act.passed is None:
        return refuse("act.missing_field", field="passed", action=act.action)
    ahead = _ahead_of_review(draft, order)
    if ahead:
        return refuse("act.not_allowed", action=act.action, stage=draft.case.stage, needed=ahead)
    why = dependence(draft.policy, draft.case, order.unit, act.person, verification(draft.policy, draft.case))
    if why:
        return refuse("act.not_independent", why=why)
    finish_step(draft, order, act)
    draft.add(CaseReviewed(case=draft.case.id, passed=act.passed, person=act.person))
    if not act.passed:
        _undo(draft, _AFTER_FAILED_REVIEW, act)
    issue_next(draft)
    return draft.done("act.review", passed=str(act.passed).lower())


def _ahead_of_review(draft: Draft, order: Order) -> str:
    """Steps before the review that another order still holds: after a level was raised, or a linked one."""
    case = draft.case
    rows = draft.policy.routing.steps(case.hazard, case.level)
    at = next((row.order for row in rows if row.action == Action.REVIEW), None)
    before = [row.action for row in rows if at is not None and row.order < at]
    held = [a for a in before if (other := case.order_for(a)) and other.id != order.id]
    lines = working_lines(draft.policy, case, at or 0)
    waiting = [o for o in case.orders.values() if o.line in lines and o.status in LIVE]
    left = (next(s.action for s in o.steps if s.action not in o.done) for o in waiting)
    return ", ".join(dict.fromkeys((*held, *left)))


def _undo(draft: Draft, actions: tuple[Action, ...], act: Act) -> None:
    undone = tuple(a for a in actions if a in draft.case.done)
    draft.add(StepsUndone(case=draft.case.id, undone=undone, why=act.action, person=act.person, at=draft.now))


def _reopen(draft: Draft, act: Act) -> Decision:
    case = draft.case
    row = _reopens(draft, act)
    if isinstance(row, Decision):
        return row
    if not case.over:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    take(draft, act, None, row)
    cancel_rest(draft, act)
    kept = (Action.JUDGE, Action.PUSH) if case.verdict in (Verdict.REAL, Verdict.LOOK) else ()
    undone = tuple(a for a in case.done if a not in kept)
    draft.add(CaseReopened(case=case.id, person=act.person, at=draft.now, undone=undone, text=act.text))
    if not kept:
        # Judged false and yet reopened: it has to be judged again before anybody is sent.
        draft.add(CaseJudged(case=case.id, verdict=Verdict.LOOK, person=act.person))
    issue_next(draft)
    return draft.done("act.reopen", post=act.post)


def _reopens(draft: Draft, act: Act) -> str | Decision:
    """The row that lets the actor reopen, or the standing right to do so; else the refusal."""
    rows = draft.policy.routing.transfers(draft.case.hazard, draft.case.level, Action.REOPEN)
    if rows:
        row = permit(draft, act, None)
        if not isinstance(row, Decision):
            return row.key
        if row.reason.key != "act.not_yours":
            return row
    if records.may(draft, act, Capability.CASE_REOPEN):
        return f"permission.{Capability.CASE_REOPEN}"
    return refuse("act.not_yours", action=act.action, needed=Capability.CASE_REOPEN)


def _answer_call(draft: Draft, act: Act) -> Decision:
    """应答: by whoever is rung, or holds the post that is."""
    case = draft.case
    order = act.order or ringing_for(draft, act.person) or ringing_for(draft, act.post)
    call = case.ringing.get(order)
    if call is None:
        return refuse("call.none", needed=next_actions(case))
    if act.person != call.person and not (
        act.post == call.post and draft.policy.city.holds(act.person, act.post, draft.now)
    ):
        return refuse("act.not_yours", action=act.action, needed=call.post)
    take(draft, act, case.orders[order], call.row)
    answered(draft, order, act.person, act.post, by=act.person)
    return draft.done("act.answer_call", post=act.post)


_ACTS: dict[Action, Callable[[Draft, Act], Decision]] = {
    Action.JUDGE: _judge,
    Action.PUSH: _push,
    Action.ACKNOWLEDGE: _step,
    Action.ARRIVE: _step,
    Action.CHECK: _step,
    Action.HANDLE: _step,
    Action.FEED_BACK: _step,
    Action.REVIEW: _review,
    Action.TRACK: _step,
    Action.SUPPORT: _step,
    Action.SELF_CORRECT: _step,
    Action.PERSUADE: _step,
    Action.ENFORCE: _step,
    Action.RETURN: duty.give_back,
    Action.DECIDE_DUTY: duty.decide_duty,
    Action.HAND_OVER: transfer,
    Action.EXTEND: transfer,
    Action.DEFER: transfer,
    Action.MERGE: transfer,
    Action.SPLIT: transfer,
    Action.TAKE_OVER: transfer,
    Action.CANCEL: transfer,
    Action.UNDO: transfer,
    Action.URGE: transfer,
    Action.SUPERVISE: transfer,
    Action.ASK_HELP: transfer,
    Action.ANSWER_HELP: help_requests.answer,
    Action.APPROVE: approve,
    Action.REFUSE: approve,
    Action.PAUSE: pause,
    Action.RESUME: resume,
    Action.REOPEN: _reopen,
    Action.ANSWER_CALL: _answer_call,
    Action.NOTE: records.note,
    Action.CALL: records.call,
    Action.REPORT: reporting.report,
    Action.SIGN: reporting.sign,
    Action.RECEIVE: reporting.receive,
}
