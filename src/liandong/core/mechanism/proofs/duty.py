"""P5: a post, a person on duty and a working channel, at every moment of the days ahead."""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.mechanism.proofs.units import RELATIVE, Roles
from liandong.core.mechanism.rosters import Hole, holes
from liandong.core.values.lists import HoleKind, Participation
from liandong.core.values.rows import Row, Where
from liandong.core.values.times import MINUTE

#: What leaves a post without an answer; the rest is worth knowing but breaks no promise.
_UNANSWERED = (HoleKind.NO_POST, HoleKind.NOBODY, HoleKind.LEAVE, HoleKind.GONE, HoleKind.NO_CHANNEL)


def acting_units(ground: Ground, roles: Roles) -> dict[str, tuple[str, str]]:
    """Units that must act: those that lead, take a step, or are reached by an escalation → (row, place)."""
    found: dict[str, tuple[str, str]] = {}
    m = ground.mechanism
    leads = [row for row in m.roles if row.part in (Participation.LEAD, Participation.VERIFY)]
    acting: list[tuple[Row, str]] = [(row, row.role) for row in leads]
    acting += [(row, row.role) for row in m.steps]
    acting += [(row, row.role) for row in m.escalations]
    for row, role in acting:
        if role in RELATIVE:
            continue
        for site in roles.where(role, row if isinstance(row, Where) else None):
            unit = roles.unit(role, site)
            if unit:
                found.setdefault(unit, (row.key, roles.place(site)))
    if roles.centre:
        found.setdefault(roles.centre, ("", ""))
    return found


def prove(ground: Ground) -> Iterator[Fault]:
    """P5: a post, a person on duty and a working channel, at every moment that the facts name."""
    if ground.city is None or ground.facts is None:
        return
    yield from _channels(ground)
    roles, facts = Roles(ground, ground.city), ground.facts
    units = acting_units(ground, roles)
    seen: set[tuple[str, str]] = set()
    for hole in holes(ground.city, units, facts.since, facts.until, facts.contacts):
        key = (hole.unit, hole.why)
        if hole.why in _UNANSWERED and key not in seen and _answers(ground, hole) and _alone(ground, hole):
            seen.add(key)
            row, place = units[hole.unit]
            yield Fault(
                proof="P5", kind=f"duty_{hole.why.value}", rows=(row,) if row else (),
                witness={"unit": hole.unit, "post": hole.post, "time": hole.start, "until": hole.end,
                         "minutes": (hole.end - hole.start) // MINUTE, "person": hole.person, "place": place},
            )  # fmt: skip


def _channels(ground: Ground) -> Iterator[Fault]:
    """Messages need a way out, and a row that names one needs that one."""
    known = ground.facts.channels if ground.facts is not None else None
    if known is None:
        return
    if not known:
        yield Fault(proof="P5", kind="no_channels")
    for row in ground.mechanism.escalations if known else ():
        if row.channel and row.channel not in known:
            yield Fault(
                proof="P5", kind="channel_missing", rows=(row.key,),
                witness={"flow": row.flow, "action": row.action.value, "channel": row.channel},
            )  # fmt: skip


def _answers(ground: Ground, hole: Hole) -> bool:
    """Whether a post is the one that answers for its unit, or its leader's where a row calls a leader."""
    if ground.city is None or not hole.post:
        return True
    posts = [ground.city.duty_post(hole.unit)]
    if any(row.role == "leader" for row in ground.mechanism.escalations):
        posts.append(ground.city.leader_post(hole.unit))
    return hole.post in {post.key for post in posts if post is not None}


def _alone(ground: Ground, hole: Hole) -> bool:
    """Somebody on leave, gone or without a channel leaves a hole only where nobody else answers then."""
    if hole.why in (HoleKind.NO_POST, HoleKind.NOBODY) or ground.city is None:
        return True
    duty = ground.city.on_duty(hole.post, hole.start)
    people = {duty.person, duty.deputy} if duty else set()
    reach = None
    if ground.facts is not None and ground.facts.contacts is not None:
        reach = {c.person for c in ground.facts.contacts if c.works}
    others = people - {"", hole.person}
    return not any(reach is None or person in reach for person in others)
