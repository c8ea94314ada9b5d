"""Who may do which act now. What the rows do not allow is refused with what would be needed."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.values.case import LIVE, CaseState, Order, PlannedStep
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action
from liandong.core.values.messages import Act
from liandong.core.values.rows import VerificationRow

_NEVER = ("handler", "superior")


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
    named = (order.person, order.deputy, *order.others)
    return act.person in named or policy.city.holds(act.person, order.post, now)


def acts_for(policy: Policy, case: CaseState, order: Order, act: Act, now: int) -> bool:
    """Whoever may act for the order, or a liaison officer of its unit within the limits of that row."""
    return may_act_for(policy, order, act, now) or policy.city.speaks_for(
        act.person, act.post, order.unit, act.action, policy.routing.flows(case.hazard), now
    )


def step_order(policy: Policy, case: CaseState, act: Act, now: int) -> Order | Decision:
    """The order of which this act is the next step, or the refusal.

    Of several, the one that the act names; else one that waits for just this and is the actor's; else the
    main line's.
    """
    open_ = [
        order
        for order in case.orders.values()
        if order.status in LIVE
        and act.action not in order.done
        and any(step.action == act.action for step in order.steps)
        and act.order in ("", order.id)
    ]
    if not open_:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    ready = [order for order in open_ if _next(order).action == act.action]
    order = next((order for order in ready if acts_for(policy, case, order, act, now)), None)
    order = order or next((order for order in open_ if not order.line), open_[0])
    step = _next(order)
    if step.action != act.action:
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed=next_actions(case))
    if not acts_for(policy, case, order, act, now):
        return refuse("act.not_yours", action=act.action, needed=order.post)
    if step.evidence and not act.evidence:
        return refuse("act.missing_field", field="evidence", action=act.action)
    if act.passed is None and _tried(policy, case, order, act.action):
        return refuse("act.missing_field", field="passed", action=act.action)
    return order


def _next(order: Order) -> PlannedStep:
    return next(step for step in order.steps if step.action not in order.done)


def _tried(policy: Policy, case: CaseState, order: Order, action: Action) -> bool:
    """Whether a later step waits to see if this one succeeds, so that it has to be said."""
    routing = policy.routing
    rows = routing.lines(case.hazard, case.level).get(order.line, ()) if order.line else ()
    return any(row.after_failed == action for row in rows or routing.steps(case.hazard, case.level)) and (
        bool(rows) or not order.line
    )


def held_order(policy: Policy, case: CaseState, act: Act, now: int, role: str = "") -> Order | Decision:
    """The live order that the actor holds, for acts that are no step of it (return, pause, hand over).

    Of several, the one that the act names, else one of the role that is asked for, else the main line's.
    """
    held = [
        o
        for o in case.orders.values()
        if o.status in LIVE and act.order in ("", o.id) and acts_for(policy, case, o, act, now)
    ]
    if not held:
        return refuse("act.not_yours", action=act.action, needed=next_actions(case))
    return min(held, key=lambda order: (order.role != role, bool(order.line)))


def dependence(
    policy: Policy, case: CaseState, unit: str, person: str = "", row: VerificationRow | None = None
) -> str:
    """Why a review by this unit, or this person, would not be independent; empty where it would be.

    `row` says who can never verify; without one neither the handler nor a superior can.
    """
    never = row.never if row is not None else _NEVER
    if "handler" in never and person and any(handler == person for handler, _ in case.handlers):
        return "handler"
    units = {other for _, other in case.handlers}
    if "handler" in never and unit in units:
        return "unit"
    if "superior" in never and any(policy.city.is_superior(unit, other) for other in units):
        return "unit"
    roles = (role for role in never if role not in _NEVER)
    return next((role for role in roles if unit_of_role(policy, case, role) == unit), "")
