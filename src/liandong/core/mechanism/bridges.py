"""工单互通: what a receiver's own system is told of its orders, and what it may report on them.

Whatever a decision changes at an order of such a unit is pushed, found by comparing the case before and
after: no place that changes an order can forget to say so.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from liandong.core.mechanism.authority import held_order
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.case_events import OrderHeard, OrderNumbered
from liandong.core.values.case_fold import evolve_case
from liandong.core.values.city import Bridge
from liandong.core.values.decision import Decision, Deliver, refuse
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Action
from liandong.core.values.messages import Act, OrderReported

replace = msgspec.structs.replace
Decide = Callable[[Policy, CaseState, Act, int], Decision]
#: Acts that need the order to be live, and the order that the actor holds.
_HELD = (Action.RETURN, Action.PAUSE, Action.RESUME)
#: Where the argument of a word goes: `return:wrong_duty` gives the reason.
_ARGUMENT = {Action.CLOSE: "cause", Action.JUDGE: "verdict", Action.REVIEW: "passed"}


class Readiness(StrEnum):
    """Whether an order can take an action that another system reports."""

    READY = "ready"
    DONE = "done"  #: it was done before
    EARLY = "early"  #: another step comes first
    OVER = "over"  #: the order has ended


class Meant(msgspec.Struct, frozen=True):
    """One action that a word of another system means, and the fields of the act that the word gives."""

    action: Action
    given: dict[str, Any] = {}


def bridge_of(policy: Policy, unit: str, now: int) -> Bridge | None:
    """The bridge to a unit's own system that is in force now."""
    return next((b for b in policy.city.bridges.values() if b.unit == unit and b.covers(now)), None)


def meaning_of(bridge: Bridge, word: str) -> str | None:
    """What a bridge's row makes of a word; None where it does not know the word."""
    return dict(bridge.statuses).get(word)


def actions_of(meaning: str) -> tuple[Meant, ...]:
    """`check+handle` → the two; `-` → none. Raises BadInput("bridge.bad_meaning")."""
    if meaning.strip() in ("", "-"):
        return ()
    return tuple(_meant(part.strip()) for part in meaning.split("+"))


def _meant(part: str) -> Meant:
    name, _, argument = part.partition(":")
    if name not in list(Action):
        raise BadInput("bridge.bad_meaning", meaning=part[:64], known=", ".join(Action))
    action = Action(name)
    if not argument:
        return Meant(action)
    field = _ARGUMENT.get(action, "reason")
    return Meant(action, {field: argument == "yes" if field == "passed" else argument})


def readiness(policy: Policy, case: CaseState, order: Order, act: Act, now: int) -> Readiness:
    """Whether this very order can take the action now."""
    if act.action in _HELD:
        held = held_order(policy, case, act, now, role=order.role)
        return Readiness.READY if isinstance(held, Order) and held.id == order.id else Readiness.OVER
    if all(step.action != act.action for step in order.steps):
        return Readiness.READY  # no step of it: the rows say what is needed
    if act.action in order.done:
        return Readiness.DONE
    if order.status not in LIVE:
        return Readiness.OVER
    holder = case.order_for(act.action, order.line)
    if holder is None or holder.id != order.id:
        return Readiness.OVER
    first = next(step for step in order.steps if step.action not in order.done)
    return Readiness.READY if first.action == act.action else Readiness.EARLY


def acting(policy: Policy, state: CaseState, message: OrderReported, now: int) -> OrderReported:
    """The report with who acts: the person that the row names for that system's user, where that person
    holds the order's post; else whoever is on duty there; else whom the order names."""
    order = state.orders[message.order]
    person = message.person
    if not policy.city.holds(person, order.post, now):
        duty = policy.city.on_duty(order.post, now)
        person = duty.person if duty else order.person
    return replace(message, person=person, post=order.post, version=state.version)


def report(policy: Policy, state: CaseState, message: OrderReported, now: int, decide: Decide) -> Decision:
    """What another system says has been done to an order of its unit; the rows decide as for a person."""
    order = state.orders.get(message.order)
    if order is None or order.unit != message.unit:
        return refuse("bridge.not_your_order", order=message.order, unit=message.unit)
    act = acting(policy, state, message, now)
    draft = _heard(Draft(policy, state, now), order, message)
    heard = draft.done("bridge.heard", status=message.status)
    if message.plain:
        return heard
    ready = readiness(policy, state, order, act, now)
    if ready == Readiness.DONE:
        return draft.done("bridge.done_before", status=message.status, action=message.action)
    if ready != Readiness.READY:
        left = [step.action for step in order.steps if step.action not in order.done]
        key = "bridge.too_early" if ready == Readiness.EARLY else "bridge.order_over"
        return refuse(key, action=message.action, status=order.status, needed=", ".join(left[:1]) or "-")
    made = decide(policy, draft.case, replace(act, version=draft.case.version), now)
    return made if made.refused else replace(made, events=(*heard.events, *made.events))


def _heard(draft: Draft, order: Order, message: OrderReported) -> Draft:
    """Their number, once, and their word with both clocks, once for all actions that it means."""
    bridge = draft.policy.city.bridges.get(message.bridge)
    system = bridge.system if bridge else message.bridge
    case, at = draft.case.id, draft.now
    if message.theirs and (system, message.theirs) not in order.numbers:
        draft.add(OrderNumbered(case=case, order=order.id, system=system, number=message.theirs, at=at))
    if message.part == 0:
        draft.add(
            OrderHeard(
                case=case, order=order.id, bridge=message.bridge, event=message.event, status=message.status,
                actions=message.meaning, at=at, device_at=message.device_at, user=message.user,
            )
        )  # fmt: skip
    return draft


def with_pushes(policy: Policy, state: Any, decision: Decision, now: int) -> Decision:
    """The decision, and a push for every order of a bridged unit that it changes or speaks of."""
    if not policy.city.bridges or not isinstance(state, CaseState):
        return decision
    after = decision.after
    if after is None:
        after = state
        for event in decision.events:
            after = evolve_case(after, event)
    pushes = []
    for order in after.orders.values():
        bridge = bridge_of(policy, order.unit, now)
        kind = _changed(state, after, order, decision) if bridge else ""
        if bridge and kind:
            pushes.append(
                Deliver(
                    order=order.id, case=after.id, recipient=order.person or order.post, channel=bridge.key,
                    template=f"bridge.{kind}", params={"system": bridge.system, "version": after.version},
                )
            )  # fmt: skip
    return replace(decision, effects=(*decision.effects, *pushes)) if pushes else decision


def _changed(before: CaseState, after: CaseState, order: Order, decision: Decision) -> str:
    """What a decision means to an order, in one word; empty where it means nothing to it."""
    old = before.orders.get(order.id)
    if old is None:
        return "issued"
    if before.over != after.over:
        return "closed" if after.over else "reopened"
    if old.status != order.status and order.status not in LIVE and len(order.done) < len(order.steps):
        return "withdrawn"
    if before.level != after.level and order.status in LIVE:
        return "level"
    told = any(e.order == order.id and e.template.startswith("tell.") for e in decision.effects)
    if told:
        return "urged"
    return "changed" if _view(before, old) != _view(after, order) else ""


def _view(case: CaseState, order: Order) -> Any:
    """What the other system shows of an order."""
    running = (c for c in case.clocks.values() if c.order == order.id and c.stopped is None)
    return order.status, order.done, sorted((c.key, c.due, c.paused_at is None) for c in running)
