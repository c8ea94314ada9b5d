"""From a role to a unit, a post and the person on duty.

A role that cannot be resolved never blocks: it goes to the monitoring centre's duty post, and the
reason is kept as `fallback` (MECHANISM 3).
"""

from __future__ import annotations

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Situation
from liandong.core.values.case import CaseState, Order, replace
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import RoleRow

#: By its word, because a role may begin with any word.
_AREA_KINDS: dict[str, AreaKind] = {kind.value: kind for kind in AreaKind}


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is. `fallback` says why it is the centre instead."""

    unit: str
    post: str
    person: str
    deputy: str = ""
    fallback: str = ""


def unit_of_role(policy: Policy, case: CaseState, role: str, now: int | None = None) -> str:
    """The unit a role means for this case, empty where there is none; without a moment, as at its alarm."""
    city = policy.city
    if role in city.units:
        return role
    if role == "centre":
        return centre_of(policy)
    if role in ("lead", "verifier"):
        part = Participation.LEAD if role == "lead" else Participation.VERIFY
        row = policy.routing.role(case.hazard, case.level, part, situation(policy, case, now))
        return unit_of_role(policy, case, row.role, now) if row and row.role != role else ""
    if role in policy.city.bodies:
        return policy.city.bodies[role].office
    asset = city.assets.get(case.asset)
    kind, _, function = role.partition(":")
    if function:
        return _in_territory(policy, asset.area if asset else case.area, kind, function)
    if asset is None:
        return ""
    if role in ("territorial", "town"):
        return _in_territory(policy, asset.area, AreaKind.TOWN, "town")
    return {
        "owner": asset.owner,
        "operator": asset.operator or asset.owner,
        "regulator": asset.regulator,
    }.get(role, "")


def parts_of(
    policy: Policy, case: CaseState, part: Participation, now: int | None = None
) -> tuple[RoleRow, ...]:
    """The rows by which units take part in a case."""
    return policy.routing.parts(case.hazard, case.level, part, situation(policy, case, now))


def situation(policy: Policy, case: CaseState, now: int | None = None) -> Situation:
    """What the rows may look at of a case, at a moment or, without one, as at its alarm."""
    asset = policy.city.assets.get(case.asset)
    place = Situation(
        kind=asset.kind if asset else "",
        stage=asset.stage if asset else "",
        tier=asset.tier if asset else "",
        area=asset.area if asset else case.area,
        phase=policy.phase_of(case.hazard, case.area_path),
    )
    if policy.routing.compiled.space.timeless:
        return place
    local = policy.city.calendar.at(case.alarmed if now is None else now)
    return replace(place, day=local.day, seasons=local.seasons, minute=local.minute)


def _in_territory(policy: Policy, area: str, kind: str, function: str) -> str:
    """The unit that answers for a function in the city, district or town in which an area lies."""
    of = _AREA_KINDS.get(kind)
    return policy.city.unit_above(area, of, function) if of is not None else ""


def centre_of(policy: Policy) -> str:
    """The monitoring centre: a unit, or the one with a function, e.g. `city:centre`."""
    centre = policy.routing.mechanism.centre
    kind, _, function = centre.partition(":")
    if centre in policy.city.units or kind not in _AREA_KINDS:
        return centre
    areas = (area.key for area in policy.city.city.areas if area.kind == kind)
    return next((unit for area in areas for unit in policy.city.units_for(function, area)), "")


def name_for(policy: Policy, case: CaseState, order: Order) -> str:
    """In whose name the holder of an order acts: of whom the lead's row names, of its principal, its own."""
    if order.role == "lead":
        row = policy.routing.role(case.hazard, case.level, Participation.LEAD, situation(policy, case))
        if row is not None and row.in_name_of:
            return unit_of_role(policy, case, row.in_name_of) or row.in_name_of
    unit = policy.city.units.get(order.unit)
    return unit.principal if unit and unit.principal else order.unit


def person_for(policy: Policy, unit: str, now: int, leader: bool = False) -> Resolved | None:
    """The person on duty for a unit, or its leader on duty; None where nobody is."""
    post = policy.city.leader_post(unit) if leader else policy.city.duty_post(unit)
    duty = policy.city.on_duty(post.key, now) if post else None
    if post is None or duty is None:
        return None
    return Resolved(unit=unit, post=post.key, person=duty.person, deputy=duty.deputy)


def _contact(policy: Policy, case: CaseState, unit: str, now: int) -> Resolved | None:
    """The post that a unit has named for this flow, or its deputy; None where none is named or there."""
    for row in policy.routing.contacts(case.hazard):
        if not row.post or unit_of_role(policy, case, row.role) != unit:
            continue
        for key in (row.post, row.deputy):
            post = policy.city.posts.get(key)
            duty = policy.city.on_duty(key, now) if post and post.unit == unit else None
            if duty is not None:
                return Resolved(unit=unit, post=key, person=duty.person, deputy=duty.deputy)
    return None


def resolve(policy: Policy, case: CaseState, role: str, now: int, leader: bool = False) -> Resolved:
    """Who must act for a role now; the centre, with the reason, where nobody can be found."""
    unit = unit_of_role(policy, case, role, now)
    found = None if leader or not unit else _contact(policy, case, unit, now)
    found = found or (person_for(policy, unit, now, leader) if unit else None)
    if found is not None:
        return found
    why = f"nobody on duty: {unit}" if unit else f"no unit for role: {role}"
    centre = centre_of(policy)
    instead = person_for(policy, centre, now)
    if instead is None:
        # Whoever comes on duty at this post next can act, so the order waits but is not lost.
        post = policy.city.duty_post(centre)
        return Resolved(
            unit=centre, post=post.key if post else "", person="",
            fallback=f"{why}; nobody at the centre either",
        )  # fmt: skip
    return msgspec.structs.replace(instead, fallback=why)
