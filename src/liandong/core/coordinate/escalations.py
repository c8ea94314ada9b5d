"""催督: what a row makes happen when its moment comes: remind, urge, ring, supervise, take over, notify."""

from __future__ import annotations

import msgspec

from liandong.core.coordinate.calls import ring
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.duty import may_hold
from liandong.core.mechanism.orders import end_order, issue, join, may_review
from liandong.core.mechanism.resolve import Resolved, person_for, resolve
from liandong.core.values.case import Clock, Order
from liandong.core.values.case_events import Escalated, ParticipantLeft
from liandong.core.values.decision import Decision
from liandong.core.values.lists import EscalationKind, OrderStatus, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import EscalationRow
from liandong.core.values.urging_events import SupervisionStarted

replace = msgspec.structs.replace


def escalate(draft: Draft, clock: Clock | None, order: Order, row: EscalationRow) -> Decision:
    """One row's moment has come; without a clock where the clause has no limit, or nobody answered."""
    clause = clock.clause if clock else next((s.clause for s in order.steps if s.action == row.action), "")
    to = receiver(draft, order, row.role or "actor")
    if row.kind == EscalationKind.CALL:
        ring(draft, order, row, 1, to)
        return draft.done("escalation.call", clause=clause, row=row.key)
    draft.add(
        Escalated(
            case=draft.case.id,
            clock=clock.key if clock else f"{clause}#{order.round}",
            kind=row.kind,
            row=row.key,
            unit=to.unit,
            post=to.post,
            person=to.person,
            fallback=to.fallback,
            order=order.id,
        )
    )
    draft.tell(
        order.id, to.person, f"tell.{row.kind.value}", only=row.channel, clause=clause, action=row.action,
        due=clock.due if clock else draft.now, unit=order.unit, asset=draft.case.asset,
    )  # fmt: skip
    if row.kind == EscalationKind.SUPERVISE:
        supervise(draft, order, to, row.key)
    elif row.kind == EscalationKind.NOTIFY:
        join(draft, Participation.INFORM, to.unit, to.post)
    elif row.kind == EscalationKind.TAKE_OVER and may_take(draft, order, to):
        take_over(draft, order, to, row.key)
    return draft.done(f"escalation.{row.kind.value}", clause=clause, row=row.key)


def supervise(draft: Draft, order: Order, to: Resolved, row: str) -> None:
    """督办: the post takes part and is told of every step until the case is done, once."""
    join(draft, Participation.SUPERVISE, to.unit, to.post)
    if to.person and all(one.post != to.post for one in draft.case.supervisors):
        draft.add(
            SupervisionStarted(
                case=draft.case.id, order=order.id, unit=to.unit, post=to.post, person=to.person, row=row,
                at=draft.now,
            )
        )  # fmt: skip


def may_take(draft: Draft, order: Order, to: Resolved) -> bool:
    """Somebody at another post, not below the unit that is late, whose duty it was not decided not to be,
    and by whom a review stays independent."""
    if not to.person or to.post == order.post or draft.policy.city.is_superior(order.unit, to.unit):
        return False
    return may_hold(draft.case, order, to.unit) and may_review(draft, order, to.unit)


def take_over(draft: Draft, order: Order, to: Resolved, row: str, act: Act | None = None) -> None:
    """提级办理: the superior's order replaces this one, its clocks run on, and who held it only assists."""
    steps = tuple(step for step in order.steps if step.action not in order.done)
    end_order(draft, order, OrderStatus.TAKEN_OVER, act)
    if order.role == "lead" and not order.line and to.unit != order.unit:
        draft.add(
            ParticipantLeft(
                case=draft.case.id, part=Participation.LEAD, unit=order.unit, post=order.post, until=draft.now
            )
        )
        join(draft, Participation.ASSIST, order.unit, order.post)
    issue(draft, order.role, steps, to, row, replaces=order.id, line=order.line)


def receiver(draft: Draft, order: Order, role: str) -> Resolved:
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
        return leader or replace(actor, fallback=f"no leader on duty: {order.unit}")
    if role == "superior":
        above = draft.policy.city.superior(order.unit)
        found = person_for(draft.policy, above, draft.now) if above else None
        if found is not None:
            return found
        why = f"nobody on duty: {above}" if above else f"no superior: {order.unit}"
        centre = resolve(draft.policy, draft.case, "centre", draft.now)
        return replace(centre, fallback=why)
    return resolve(draft.policy, draft.case, role, draft.now)
