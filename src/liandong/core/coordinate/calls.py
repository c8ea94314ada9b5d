"""叫应: ringing until somebody answers: the person, after a while the deputy, by turns."""

from __future__ import annotations

from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.resolve import Resolved
from liandong.core.values.case import Order, Timer
from liandong.core.values.ids import timer_id
from liandong.core.values.rows import EscalationRow
from liandong.core.values.times import SECOND
from liandong.core.values.urging_events import CallAnswered, CallPlaced

#: Moment of the timer that rings again: `call:<row>:<turn>`.
AGAIN = "call:"


def ring(draft: Draft, order: Order, row: EscalationRow, turn: int, to: Resolved) -> None:
    """Ring the person at odd turns and the deputy at even ones; without a deputy the person again."""
    person = to.person
    if turn % 2 == 0:
        duty = draft.policy.city.on_duty(to.post, draft.now)
        person = to.deputy or (duty.deputy if duty else "") or to.person
    case = draft.case
    timer = None
    if row.repeat_s is not None:
        owner, moment = f"{order.id}/call", f"{AGAIN}{row.key}:{turn}"
        made = timer_id(*draft.ids, case.id, owner, f"{moment}@{draft.now}", order.round)
        timer = Timer(id=made, clock=owner, moment=moment, due=draft.now + round(row.repeat_s * SECOND))
    draft.add(
        CallPlaced(
            case=case.id, order=order.id, row=row.key, turn=turn, unit=to.unit, post=to.post, person=person,
            at=draft.now, timer=timer, fallback=to.fallback,
        )
    )  # fmt: skip
    draft.tell(
        order.id, person, "tell.call", only=row.channel, asset=case.asset, action=row.action, turn=turn,
        unit=order.unit,
    )  # fmt: skip


def answered(draft: Draft, order: str, person: str, post: str, by: str) -> None:
    """The ringing for an order ends, and with it every wait for an answer."""
    draft.add(CallAnswered(case=draft.case.id, order=order, person=person, post=post, at=draft.now, by=by))


def ringing_for(draft: Draft, to: str) -> str:
    """The order for which this person, post or unit is being rung; empty where there is none."""
    for order, call in draft.case.ringing.items():
        post = draft.policy.city.posts.get(call.post)
        if to and to in (call.person, call.post, post.unit if post else ""):
            return order
    return ""
