"""Which row lets somebody do an act that is no step: return, hand over, extend, defer, merge, split …

Where a mechanism says nothing of an act that no order can do without, a row of the project's own speaks
(`default.…`, assumed); everything else needs a row and is refused with the one that would be needed.
"""

from __future__ import annotations

from liandong.core.mechanism.authority import acts_for, next_actions
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.resolve import centre_of, name_for, unit_of_role
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import ANY, TransferRow
from liandong.core.values.transfer_events import ActTaken

#: Nobody urges, supervises or takes over from themselves.
_AT_OTHERS = (Action.URGE, Action.SUPERVISE, Action.TAKE_OVER)


def _default(action: Action, role: str) -> TransferRow:
    return TransferRow(key=f"default.{action}.{role}", flow=ANY, action=action, role=role)


DEFAULTS: dict[Action, tuple[TransferRow, ...]] = {
    Action.RETURN: (_default(Action.RETURN, "holder"),),
    Action.HAND_OVER: (_default(Action.HAND_OVER, "holder"),),
    Action.UNDO: (_default(Action.UNDO, "holder"),),
    Action.URGE: tuple(_default(Action.URGE, role) for role in ("centre", "lead", "supervise")),
}


def is_default(row: TransferRow) -> bool:
    """Whether the mechanism is silent and the project's own row speaks."""
    return row.key.startswith("default.")


def rows_for(draft: Draft, action: Action) -> tuple[TransferRow, ...]:
    """The rows that allow an act in this case."""
    case = draft.case
    rows = draft.policy.routing.transfers(case.hazard, case.level, action)
    return rows or DEFAULTS.get(action, ())


def permit(draft: Draft, act: Act, order: Order | None) -> TransferRow | Decision:
    """The row that allows the act, or the refusal with the row that would be needed."""
    case = draft.case
    # Within a post it is the unit's own affair; rows speak of what goes to another unit.
    inside = act.action == Action.HAND_OVER and act.to not in draft.policy.city.units
    rows = DEFAULTS[act.action] if inside else rows_for(draft, act.action)
    if not rows:
        return refuse("transfer.no_row", action=act.action, flow=case.hazard, level=case.level)
    row = next((row for row in rows if fits(draft, act, row.role, order)), None)
    if row is None:
        return refuse("act.not_yours", action=act.action, needed=", ".join(row.role for row in rows))
    if row.at_most is not None and times(case, row.key) >= row.at_most:
        return refuse("transfer.too_often", action=act.action, most=row.at_most, row=row.key)
    return row


def times(case: CaseState, row: str) -> int:
    """How often a row was used in this case; what was asked for and not granted does not count."""
    refused = sum(request.row == row and request.granted is False for request in case.requests.values())
    return case.acts.get(row, 0) - refused


def fits(draft: Draft, act: Act, role: str, order: Order | None) -> bool:
    """Whether the actor is what the row asks for."""
    policy, case, now = draft.policy, draft.case, draft.now
    if role == "holder":
        return order is not None and order.status in LIVE and acts_for(policy, case, order, act, now)
    if not policy.city.holds(act.person, act.post, now):
        return False
    unit = policy.city.posts[act.post].unit if act.post in policy.city.posts else ""
    if not unit:
        return False
    if role == "lead":
        return unit == case.lead
    if role == "centre":
        return unit == centre_of(policy)
    if role == "superior":
        return order is not None and policy.city.is_superior(unit, order.unit)
    if role in list(Participation):
        return any(p.part == role and p.unit == unit and not p.until for p in case.participants)
    return unit == unit_of_role(policy, case, role, now)


def order_meant(draft: Draft, act: Act) -> Order | Decision | None:
    """The live order that an act speaks of: the one it names, the actor's own, or the lead's.

    Refuses an order of another case, or one that has ended: what a client names is never taken on trust.
    """
    orders = draft.case.orders
    if act.order:
        found = orders.get(act.order)
        if found is None or found.status not in LIVE:
            return refuse("act.no_such_order", order=act.order, needed=next_actions(draft.case))
        return found
    live = [order for order in orders.values() if order.status in LIVE]
    mine = [o for o in live if acts_for(draft.policy, draft.case, o, act, draft.now)]
    meant = [o for o in live if o not in mine] if act.action in _AT_OTHERS else mine or live
    ranked = sorted(meant, key=lambda order: (bool(order.line), order.role != "lead"))
    return ranked[0] if ranked else None


def take(draft: Draft, act: Act, order: Order | None, row: str) -> None:
    """Record the act itself: who, as which post, in whose name, why, on what evidence, by which row."""
    policy = draft.policy
    post = policy.city.posts.get(act.post)
    unit = policy.city.units.get(post.unit) if post else None
    name = unit.principal if unit and unit.principal else unit.key if unit else ""
    if order is not None and acts_for(policy, draft.case, order, act, draft.now):
        name = name_for(policy, draft.case, order)
    draft.add(
        ActTaken(
            case=draft.case.id, action=act.action, order=order.id if order else "", person=act.person,
            post=act.post, unit=unit.key if unit else "", in_name_of=name, at=draft.now, row=row,
            reason=act.reason, to=act.to, until=act.until, text=act.text, evidence=act.evidence,
            device_at=act.device_at, client_seq=act.client_seq,
        )
    )  # fmt: skip


def unit_of(draft: Draft, post: str) -> str:
    """The unit to which a post belongs; empty where there is no such post."""
    found = draft.policy.city.posts.get(post)
    return found.unit if found else ""
