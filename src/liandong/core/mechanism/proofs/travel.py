"""P8: no limit is shorter than the way to the place, nor than the longest gap between duties."""

from __future__ import annotations

from collections.abc import Iterator
from math import asin, cos, radians, sin, sqrt

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.duty import acting_units
from liandong.core.mechanism.proofs.ground import Facts, Ground, once
from liandong.core.mechanism.proofs.limits import Course
from liandong.core.mechanism.proofs.units import Roles, Site
from liandong.core.mechanism.rosters import Hole, holes
from liandong.core.values.lists import Action, HoleKind
from liandong.core.values.rows import StepRow
from liandong.core.values.times import MINUTE

_EARTH_KM = 6371.0


def prove(ground: Ground) -> Iterator[Fault]:
    """P8: no limit is shorter than the way, nor than the longest gap between duties."""
    if ground.city is None or ground.facts is None:
        return
    yield from once(_travel(ground, Roles(ground, ground.city), ground.facts))
    yield from once(_gaps(ground, Roles(ground, ground.city), ground.facts))


def _travel(ground: Ground, roles: Roles, facts: Facts) -> Iterator[Fault]:
    for flow, level in ground.cells:
        steps = ground.steps(flow, level)
        course = Course(steps)
        for step in (s for s in steps if s.action == Action.ARRIVE and s.limit_s is not None):
            left = course.left(step)
            for actor in ground.actors(flow, level, step.role) if left else ():
                fault = _longest_way(roles, facts, actor, step, left[0] / 60 if left else 0.0, flow, level)
                if fault:
                    yield fault


def _longest_way(
    roles: Roles, facts: Facts, actor: str, step: StepRow, left: float, flow: str, level: str
) -> Fault | None:
    """The place that is farthest from where the actor is based, where it cannot be reached in time."""
    worst: tuple[float, Site, str] | None = None
    # Assets of one town lie apart: where ways are measured from a base, each of them counts.
    for site in roles.every_asset() if facts.bases else roles.where(actor):
        unit = roles.unit(actor, site)
        needs = travel_minutes(roles, facts, unit, site)
        if needs is None or needs <= left or (worst is not None and needs <= worst[0]):
            continue
        if roles.claimed(flow, level, site):
            worst = (needs, site, unit)
    if worst is None:
        return None
    needs, site, unit = worst
    return Fault(
        proof="P8", kind="limit_below_travel", rows=(step.key,),
        witness={"flow": flow, "level": level, "action": step.action.value, "unit": unit,
                 "place": roles.place(site), "asset": site.asset, "needs": round(needs, 1),
                 "left": round(left, 1), "limit": round((step.limit_s or 0.0) / 60, 2)},
    )  # fmt: skip


def travel_minutes(roles: Roles, facts: Facts, unit: str, site: Site) -> float | None:
    """Minutes from a unit's base to a site: as given, else by the straight line; None where unknown."""
    known = facts.minutes.get((unit, site.area))
    if known is None:
        known = facts.minutes.get((unit, roles.place(site)))
    if known is not None:
        return known
    asset, base = roles.city.assets.get(site.asset), facts.bases.get(unit)
    if base is None or asset is None or asset.lon is None or asset.lat is None:
        return None
    return distance_km(base, (asset.lon, asset.lat)) * facts.detour / facts.speed_kmh * 60


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Kilometres on the great circle between two places in degrees (haversine)."""
    (lon1, lat1), (lon2, lat2) = ((radians(x), radians(y)) for x, y in (a, b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(h))


def _gaps(ground: Ground, roles: Roles, facts: Facts) -> Iterator[Fault]:
    """A limit that is over before the next person comes on duty, once per clause with the longest gap."""
    longest: dict[str, Hole] = {}
    for hole in holes(roles.city, acting_units(ground, roles), facts.since, facts.until):
        post = roles.city.duty_post(hole.unit)
        if hole.why != HoleKind.NOBODY or post is None or post.key != hole.post:
            continue
        known = longest.get(hole.unit)
        if known is None or hole.end - hole.start > known.end - known.start:
            longest[hole.unit] = hole
    for flow, level in ground.cells if longest else ():
        for step in (s for s in ground.steps(flow, level) if s.limit_s is not None):
            actors = ground.actors(flow, level, step.role)
            units = {roles.unit(actor, site) for actor in actors for site in roles.where(actor)}
            gaps = sorted(
                (longest[u] for u in units if u in longest), key=lambda h: (h.start - h.end, h.unit)
            )
            minutes = (gaps[0].end - gaps[0].start) / MINUTE if gaps else 0.0
            if gaps and minutes > (step.limit_s or 0.0) / 60:
                yield Fault(
                    proof="P8", kind="limit_below_gap", rows=(step.key,),
                    witness={"flow": flow, "level": level, "action": step.action.value, "unit": gaps[0].unit,
                             "post": gaps[0].post, "time": gaps[0].start, "needs": round(minutes, 1),
                             "limit": round((step.limit_s or 0.0) / 60, 2), "count": len(gaps)},
                )  # fmt: skip
