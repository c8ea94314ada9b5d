"""到时: what happens when a clock's moment comes and its step is not done."""

from __future__ import annotations

import msgspec

from liandong.core.mechanism.authority import dependence
from liandong.core.mechanism.clocks import resume_clock
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import end_order, issue, join
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, person_for, resolve
from liandong.core.values.case import CaseState, Clock, Order, PlannedStep
from liandong.core.values.case_events import ClockOverdue, Escalated, TimerSpent
from liandong.core.values.decision import Decision, nothing
from liandong.core.values.lists import Action, EscalationKind, OrderStatus, Participation
from liandong.core.values.messages import TimerFired
from liandong.core.values.rows import EscalationRow


def decide(policy: Policy, state: CaseState, message: TimerFired, now: int) -> Decision:
    """Overdue, the end of a pause, or an escalation by its row."""
    timer = state.timers.get(message.timer)
    if timer is None:
        return nothing("timer.gone", timer=message.timer)
    draft = Draft(policy, state, now)
    draft.add(TimerSpent(case=state.id, timer=timer.id))
    clock = state.clocks[timer.clock]
    if timer.moment == "due":
        draft.add(ClockOverdue(case=state.id, clock=clock.key, due=timer.due, at=now))
        return draft.done("timer.overdue", clause=clock.clause)
    if timer.moment == "pause_end":
        # At the moment that the row allows, not at the tick that noticed it: after an outage they differ.
        resume_clock(draft, clock, by="timer", at=min(now, timer.due))
        return draft.done("timer.pause_ended", clause=clock.clause)
    row = policy.routing.escalation(timer.moment)
    if row is None:
        return draft.done("timer.row_gone", row=timer.moment)
    return _escalate(draft, clock, state.orders[clock.order], row)


def _escalate(draft: Draft, clock: Clock, order: Order, row: EscalationRow) -> Decision:
    """Tell whom the row names; supervision and take-over also change who takes part."""
    to = _receiver(draft, order, row.role)
    draft.add(
        Escalated(
            case=draft.case.id,
            clock=clock.key,
            kind=row.kind,
            row=row.key,
            unit=to.unit,
            post=to.post,
            person=to.person,
            fallback=to.fallback,
        )
    )
    draft.tell(
        order.id, to.person, f"tell.{row.kind.value}", only=row.channel, clause=clock.clause,
        action=clock.action,
        due=clock.due, unit=order.unit, asset=draft.case.asset,
    )  # fmt: skip
    if row.kind == EscalationKind.SUPERVISE:
        join(draft, Participation.SUPERVISE, to.unit, to.post)
    steps = tuple(s for s in order.steps if s.action not in order.done)
    if row.kind == EscalationKind.TAKE_OVER and _may_take(draft, order, steps, to):
        end_order(draft, order, OrderStatus.TAKEN_OVER)
        issue(draft, order.role, steps, to, row.key, replaces=order.id)
    return draft.done(f"escalation.{row.kind.value}", clause=clock.clause, row=row.key)


def _may_take(draft: Draft, order: Order, steps: tuple[PlannedStep, ...], to: Resolved) -> bool:
    """Somebody at another post, not below the unit that is late, by whom a review stays independent."""
    if not to.person or to.post == order.post or draft.policy.city.is_superior(order.unit, to.unit):
        return False
    reviews = any(step.action == Action.REVIEW for step in steps)
    return not reviews or not dependence(draft.policy, draft.case, to.unit)


def _receiver(draft: Draft, order: Order, role: str) -> Resolved:
    """Whom an escalation reaches: inside the unit that is late, above it, or a role of the rows."""
    actor = Resolved(unit=order.unit, post=order.post, person=order.person, deputy=order.deputy)
    if role == "actor":
        return actor
    if role == "deputy":
        duty = draft.policy.city.on_duty(order.post, draft.now)
        deputy = order.deputy or (duty.deputy if duty else "")
        return Resolved(unit=order.unit, post=order.post, person=deputy or order.person)
    if role == "leader":
        leader = person_for(draft.policy, order.unit, draft.now, leader=True)
        return leader or msgspec.structs.replace(actor, fallback=f"no leader on duty: {order.unit}")
    if role == "superior":
        above = draft.policy.city.superior(order.unit)
        found = person_for(draft.policy, above, draft.now) if above else None
        if found is not None:
            return found
        why = f"nobody on duty: {above}" if above else f"no superior: {order.unit}"
        centre = resolve(draft.policy, draft.case, "centre", draft.now)
        return msgspec.structs.replace(centre, fallback=why)
    return resolve(draft.policy, draft.case, role, draft.now)
