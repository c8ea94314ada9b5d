"""到时: what happens when a moment comes and what was waited for has not happened."""

from __future__ import annotations

from liandong.core.coordinate.calls import AGAIN, ring
from liandong.core.coordinate.deferral import end_deferral
from liandong.core.coordinate.escalations import escalate, receiver
from liandong.core.mechanism.clocks import resume_clock
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState, Order, Timer
from liandong.core.values.case_events import ClockOverdue, TimerSpent
from liandong.core.values.decision import Decision, nothing
from liandong.core.values.messages import TimerFired
from liandong.core.values.urging_events import CallUnanswered


def decide(policy: Policy, state: CaseState, message: TimerFired, now: int) -> Decision:
    """Overdue, the end of a pause or deferral, a call that nobody answered, or an escalation by its row."""
    timer = state.timers.get(message.timer)
    if timer is None:
        return nothing("timer.gone", timer=message.timer)
    draft = Draft(policy, state, now)
    draft.add(TimerSpent(case=state.id, timer=timer.id))
    if timer.moment == "review_date":
        end_deferral(draft, by="timer", at=min(now, timer.due))
        return draft.done("timer.deferral_ended")
    clock = state.clocks.get(timer.clock)
    if clock is not None and timer.moment == "due":
        draft.add(ClockOverdue(case=state.id, clock=clock.key, due=timer.due, at=now))
        return draft.done("timer.overdue", clause=clock.clause)
    if clock is not None and timer.moment == "pause_end":
        # At the moment that the row allows, not at the tick that noticed it: after an outage they differ.
        resume_clock(draft, clock, by="timer", at=min(now, timer.due))
        return draft.done("timer.pause_ended", clause=clock.clause)
    order = state.orders[clock.order if clock else timer.clock.partition("/")[0]]
    if timer.moment.startswith(AGAIN):
        return _unanswered(draft, order, timer)
    return _moment(draft, order, timer)


def _moment(draft: Draft, order: Order, timer: Timer) -> Decision:
    row = draft.policy.routing.escalation(timer.moment)
    if row is None:
        return draft.done("timer.row_gone", row=timer.moment)
    return escalate(draft, draft.case.clocks.get(timer.clock), order, row)


def _unanswered(draft: Draft, order: Order, timer: Timer) -> Decision:
    """Nobody has answered: ring again, by turns; as often as the row says, then the next row at once."""
    key, _, turn = timer.moment.removeprefix(AGAIN).rpartition(":")
    row = draft.policy.routing.escalation(key)
    if row is None:
        return draft.done("timer.row_gone", row=key)
    if int(turn) < row.repeats:
        ring(draft, order, row, int(turn) + 1, receiver(draft, order, row.role or "actor"))
        return draft.done("escalation.call", clause=_clause(order, row.key), row=key)
    draft.add(CallUnanswered(case=draft.case.id, order=order.id, row=key, turns=int(turn), at=draft.now))
    following = _next(draft, order)
    if following is None:
        return draft.done("escalation.unanswered", row=key)
    draft.add(TimerSpent(case=draft.case.id, timer=following.id))
    return _moment(draft, order, following)


def _clause(order: Order, key: str) -> str:
    return next((step.clause for step in order.steps if step.action not in order.done), key)


def _next(draft: Draft, order: Order) -> Timer | None:
    """The escalation of this order that would come next by itself."""
    case = draft.case
    owners = {clock.key for clock in case.clocks.values() if clock.order == order.id}
    owners |= {f"{order.id}/answer", *(f"{order.id}/{step.action}" for step in order.steps)}
    waiting = [
        timer
        for timer in case.timers.values()
        if timer.clock in owners and draft.policy.routing.escalation(timer.moment) is not None
    ]
    return min(waiting, key=lambda timer: (timer.due, timer.id), default=None)
