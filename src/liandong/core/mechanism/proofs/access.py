"""P15: who is told can see what they are told, and who has to act can see the case."""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.mechanism.proofs.units import RELATIVE, Roles, Site
from liandong.core.values.access import Session, scope_of
from liandong.core.values.lists import Capability, EscalationKind, Mode, Participation, ReportKind
from liandong.core.values.rows import says
from liandong.core.values.scales import Scale

#: Who is reached by these learns of a case without taking part in it.
_TELLS = (EscalationKind.NOTIFY, EscalationKind.URGE, EscalationKind.REMIND, EscalationKind.CALL)


def prove(ground: Ground) -> Iterator[Fault]:
    """P15: who is told can see what they are told, and who has to act can see the case.

    Whoever takes part in a case sees it by that; everybody else needs a standing right.
    """
    if ground.city is None or ground.facts is None:
        return
    yield from once(_access(ground, Roles(ground, ground.city), ground.facts.since))


def _access(ground: Ground, roles: Roles, now: int) -> Iterator[Fault]:
    checked: set[tuple[str, str, str, str]] = set()
    for flow, level in ground.cells:
        joined = {row.role for part in Participation for row in ground.parts(flow, level, part)}
        steps = ground.steps(flow, level)
        joined |= {role for step in steps for role in ground.actors(flow, level, step.role)}
        asked = [("cannot_see", key, role) for key, role in _told(ground, flow, level)]
        asked += [("actor_cannot_see", key, role) for key, role in _acting(ground, flow, level)]
        for kind, key, role in asked:
            if role in RELATIVE or role in joined:
                continue
            for site in roles.where(role):
                unit = roles.unit(role, site)
                mark = (key, unit, roles.place(site), flow)
                if not unit or mark in checked or not roles.claimed(flow, level, site):
                    continue
                checked.add(mark)
                takes_part = any(roles.unit(other, site) == unit for other in joined)
                if not takes_part and not _may_read(roles, unit, flow, site, now):
                    yield Fault(
                        proof="P15", kind=kind, rows=(key,),
                        witness={"flow": flow, "level": level, "role": role, "unit": unit,
                                 "place": roles.place(site), "capability": Capability.CASE_READ.value},
                    )  # fmt: skip


def _told(ground: Ground, flow: str, level: str) -> Iterator[tuple[str, str]]:
    """Row and role of what tells somebody of a case without letting them take part in it."""
    for step in ground.steps(flow, level):
        for row in ground.escalations(flow, level, step):
            if row.kind in _TELLS:
                yield row.key, row.role
    for report in ground.reports(flow, level):
        if report.kind == ReportKind.UPWARD:
            yield report.key, report.recipient


def _acting(ground: Ground, flow: str, level: str) -> Iterator[tuple[str, str]]:
    """Row and role of who may have to decide about a case of which others do the steps."""
    for row in ground.transfers(flow, level):
        yield from ((row.key, role) for role in (row.role, row.approver, row.decides))
    for pause in ground.mechanism.pauses:
        if ground.holds(pause, flow):
            yield pause.key, pause.approver
    for decision in ground.mechanism.decisions:
        held = decision.scale == Scale.CASE_LEVEL and says(decision.code, level)
        if held and ground.holds(decision, flow):
            yield from ((decision.key, role) for role in (decision.decider, decision.otherwise))


def _may_read(roles: Roles, unit: str, flow: str, site: Site, now: int) -> bool:
    """Whether any post of a unit that answers has a standing right to see the site's cases."""
    path = roles.city.area_path(site.area)
    posts = [post for post in roles.city.posts.values() if post.unit == unit]
    scopes = (scope_of(roles.city, Session(post=post.key), now) for post in posts)
    return any(scope.covers(Capability.CASE_READ, flow, path, Mode.REAL) for scope in scopes)
