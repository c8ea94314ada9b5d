"""Who may do which act now. What the rows do not allow is refused with what would be needed."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.messages import Act


def next_actions(case: CaseState, none: str = "-") -> str:
    """The next step of every live order, for a person to read; `none` where there is none."""
    steps = []
    for order in case.orders.values():
        if order.status in LIVE:
            left = [s.action for s in order.steps if s.action not in order.done]
            if left:
                steps.append(f"{left[0]} ({order.post})")
    return ", ".join(steps) or none


def stale(case: CaseState, act: Act) -> Decision | None:
    """Refuse an act made on an older version than the case now has."""
    if act.version != case.version:
        return refuse("act.stale", version=act.version, current=case.version)
    return None


def may_act_for(policy: Policy, order: Order, act: Act, now: int) -> bool:
    """The order's person or deputy, or whoever holds its post now, acting as that post."""
    if not act.person or not act.post or act.post != order.post:
        return False
    return act.person in (order.person, order.deputy) or policy.city.holds(act.person, order.post, now)


def step_order(policy: Policy, case: CaseState, act: Act, now: int) -> Order | Decision:
    """The order of which this act is the next step, or the refusal."""
    order = case.order_for(act.action)
    if order is None:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    left = [s for s in order.steps if s.action not in order.done]
    if left[0].action != act.action:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    if not may_act_for(policy, order, act, now):
        return refuse("act.not_yours", action=act.action, needed=order.post)
    if left[0].evidence and not act.evidence:
        return refuse("act.missing_field", field="evidence", action=act.action)
    return order


def held_order(policy: Policy, case: CaseState, act: Act, now: int, role: str = "") -> Order | Decision:
    """The live order that the actor holds, for acts that are no step of it (return, pause, hand over).

    Of several, one of the role that is asked for.
    """
    held = [o for o in case.orders.values() if o.status in LIVE and may_act_for(policy, o, act, now)]
    if not held:
        return refuse("act.not_yours", action=act.action, needed=next_actions(case))
    return next((order for order in held if order.role == role), held[0])


def dependence(policy: Policy, case: CaseState, unit: str, person: str = "") -> str:
    """Why a review by this unit, or this person, would not be independent; empty where it would be."""
    if person and any(handler == person for handler, _ in case.handlers):
        return "handler"
    if any(unit == other or policy.city.is_superior(unit, other) for _, other in case.handlers):
        return "unit"
    return ""
