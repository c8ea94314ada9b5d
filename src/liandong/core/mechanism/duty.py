"""职责争议: who decides whose duty it is, and whom a case may no longer be given to."""

from __future__ import annotations

from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.resolve import Resolved, resolve, unit_of_role
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.lists import Action
from liandong.core.values.sidelines import DutyQuestion

#: Levels at which nobody may wait for a decision: the centre acts meanwhile.
LIFE_AT_STAKE = ("II", "I")


def barred(case: CaseState, line: str = "") -> set[str]:
    """Units of which it was decided that a line is not their duty: they are not asked a second time."""
    asked = (question for question in case.questions.values() if question.line == line)
    return {question.unit for question in asked if question.decided not in ("", question.unit)}


def settled(case: CaseState, line: str = "") -> set[str]:
    """Units of which it was decided that a line is their duty: they do not ask a second time."""
    return {q.decided for q in case.questions.values() if q.line == line and q.decided}


def on_duty(draft: Draft, role: str, line: str = "") -> Resolved:
    """Who acts for a role on a line, never a unit of which it was decided that it is not its duty, as long
    as there is another: else the unit that was decided on last, else whoever the rows say leads."""
    case = draft.case
    first = resolve(draft.policy, case, role, draft.now)
    never = barred(case, line)
    if first.unit not in never:
        return first
    decided = [q.decided for q in case.questions.values() if q.line == line and q.decided]
    others = (resolve(draft.policy, case, one, draft.now) for one in (*decided[-1:], "lead"))
    return next((to for to in others if to.unit not in never), first)


def may_hold(case: CaseState, order: Order, unit: str) -> bool:
    """Whether an order may go to a unit as far as duty questions have been decided."""
    return not in_question(order) or unit not in barred(case, order.line)


def in_question(order: Order) -> bool:
    """Whether a duty question can be about an order: a line's, or on the main line the lead's."""
    return bool(order.line) or order.role == "lead"


def waiting(case: CaseState, line: str) -> bool:
    """Whether somebody still has to decide about a line."""
    return any(
        not question.decided and question.line == line and case.order_for(Action.DECIDE_DUTY, key)
        for key, question in case.questions.items()
    )


def decider(draft: Draft, role: str, asker: str) -> tuple[str, Resolved]:
    """Who decides: the role of the row, else the body or unit that issued the mechanism, else the centre,
    else who stands over the unit that asks; never that unit itself, as long as there is anybody else."""
    policy, case = draft.policy, draft.case
    roles = (role, policy.routing.mechanism.issuer, "centre", policy.city.superior(asker))
    known = [one for one in roles if one and unit_of_role(policy, case, one, draft.now)]
    for one in known:
        found = resolve(policy, case, one, draft.now)
        if found.unit != asker and not found.fallback:
            return one, found
    return "centre", resolve(policy, case, "centre", draft.now)


def held_in(case: CaseState, question: DutyQuestion) -> tuple[Order, ...]:
    """The live orders that are in question: the one given back, or what replaced it, and any beside it."""
    role = case.orders[question.order].role
    return tuple(
        order
        for order in case.orders.values()
        if order.status in LIVE and order.line == question.line and order.role == role
    )
