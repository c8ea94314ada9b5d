"""交接班: what makes a hand-over whole, and who may take it."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.decision import Decision, because, nothing, refuse
from liandong.core.values.shift import HandOver, ShiftHandedOver, ShiftState, ShiftTakenOver, TakeOver


def decide(policy: Policy, state: ShiftState, message: HandOver | TakeOver, now: int) -> Decision:
    """One signature under one shift, or what is missing for it. A repeat changes nothing."""
    if message.id == state.last:
        return nothing("shift.repeated")
    if not policy.city.holds(message.person, message.post, now):
        return refuse("shift.not_yours", post=message.post)
    if message.version != state.version:
        return refuse("shift.stale", version=message.version, current=state.version)
    if isinstance(message, HandOver):
        return _hand_over(policy, message, now)
    return _take_over(policy, state, message, now)


def _hand_over(policy: Policy, message: HandOver, now: int) -> Decision:
    """Every case that is open for the post has to be named; another one before it is replaced."""
    named = [item.case for item in message.items]
    missing = [case for case in message.open if case not in named]
    foreign = [case for case in named if case not in message.open]
    if missing:
        return refuse("shift.items_missing", missing=", ".join(missing[:20]), count=len(missing))
    if foreign or len(set(named)) != len(named):
        return refuse("shift.items_foreign", case=next(iter(foreign or named)))
    event = ShiftHandedOver(
        post=message.post, person=message.person, at=now, by=message.id, items=message.items,
        expected=_expected(policy, message.post, now), remark=message.remark,
    )  # fmt: skip
    return Decision((event,), (), because("shift.handed_over", post=message.post, count=len(named)))


def _take_over(policy: Policy, state: ShiftState, message: TakeOver, now: int) -> Decision:
    """Two people have to sign, and the second has to have seen every item."""
    pending = state.pending
    if pending is None:
        return refuse("shift.nothing_to_take", post=message.post)
    if pending.person == message.person:
        return refuse("shift.same_person")
    missing = [item.case for item in pending.items if item.case not in message.confirmed]
    if missing:
        return refuse("shift.not_confirmed", missing=", ".join(missing[:20]), count=len(missing))
    event = ShiftTakenOver(
        post=message.post, person=message.person, at=now, by=message.id, handed_by=pending.person,
        handed_at=pending.at, items=tuple(item.case for item in pending.items),
        expected=_expected(policy, message.post, now), remark=message.remark,
    )  # fmt: skip
    return Decision((event,), (), because("shift.taken_over", post=message.post, count=len(event.items)))


def _expected(policy: Policy, post: str, now: int) -> str:
    duty = policy.city.on_duty(post, now)
    return duty.person if duty else ""
