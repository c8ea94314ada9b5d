"""From a role to a unit, a post and the person on duty.

A role that cannot be resolved never blocks: it goes to the monitoring centre's duty post, and the
reason is kept as `fallback` (MECHANISM 3).
"""

from __future__ import annotations

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.city import Asset
from liandong.core.values.lists import Participation, UnitKind


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is. `fallback` says why it is the centre instead."""

    unit: str
    post: str
    person: str
    deputy: str = ""
    fallback: str = ""


def unit_of_role(policy: Policy, case: CaseState, role: str) -> str:
    """The unit a role means for this case, empty where there is none."""
    city = policy.city
    if role in city.units:
        return role
    if role == "centre":
        return policy.routing.mechanism.centre
    if role in ("lead", "verifier"):
        part = Participation.LEAD if role == "lead" else Participation.VERIFY
        row = policy.routing.role(case.hazard, case.level, part)
        return unit_of_role(policy, case, row.role) if row and row.role != role else ""
    asset = city.assets.get(case.asset)
    if asset is None:
        return ""
    if role == "territorial":
        return _territorial(policy, asset)
    return {
        "owner": asset.owner,
        "operator": asset.operator or asset.owner,
        "regulator": asset.regulator,
    }.get(role, "")


def _territorial(policy: Policy, asset: Asset) -> str:
    """The town government on whose ground the asset stands."""
    path = policy.city.area_path(asset.area)
    towns = [
        unit
        for unit in policy.city.units.values()
        if unit.kind == UnitKind.TOWN and unit.area and path.startswith(policy.city.area_path(unit.area))
    ]
    return max(towns, key=lambda unit: len(policy.city.area_path(unit.area))).key if towns else ""


def person_for(policy: Policy, unit: str, now: int, leader: bool = False) -> Resolved | None:
    """The person on duty for a unit, or its leader on duty; None where nobody is."""
    post = policy.city.leader_post(unit) if leader else policy.city.duty_post(unit)
    duty = policy.city.on_duty(post.key, now) if post else None
    if post is None or duty is None:
        return None
    return Resolved(unit=unit, post=post.key, person=duty.person, deputy=duty.deputy)


def resolve(policy: Policy, case: CaseState, role: str, now: int, leader: bool = False) -> Resolved:
    """Who must act for a role now; the centre, with the reason, where nobody can be found."""
    unit = unit_of_role(policy, case, role)
    found = person_for(policy, unit, now, leader) if unit else None
    if found is not None:
        return found
    why = f"nobody on duty: {unit}" if unit else f"no unit for role: {role}"
    centre = policy.routing.mechanism.centre
    instead = person_for(policy, centre, now)
    if instead is None:
        # Whoever comes on duty at this post next can act, so the order waits but is not lost.
        post = policy.city.duty_post(centre)
        return Resolved(
            unit=centre, post=post.key if post else "", person="",
            fallback=f"{why}; nobody at the centre either",
        )  # fmt: skip
    return msgspec.structs.replace(instead, fallback=why)
