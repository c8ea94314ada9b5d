"""P12: nobody verifies or approves their own work, and a contractor does nothing that needs an official."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.mechanism.proofs.steps import WORK
from liandong.core.mechanism.proofs.units import RELATIVE, Roles
from liandong.core.values.lists import Action, Participation, Provenance, UnitKind

_HANDLER, _SUPERIOR = "handler", "superior"


def prove(ground: Ground) -> Iterator[Fault]:
    """P12, by the roles' names; with a city also by the units that they mean."""
    yield from once(_verifiers(ground))
    yield from _approvals(ground)
    yield from _resources(ground)
    if ground.city:
        roles = Roles(ground, ground.city)
        yield from once(_verifying_units(ground, roles))
        yield from once(_approving_units(ground, roles))
        yield from once(_contractors(ground, roles))


def _verifiers(ground: Ground) -> Iterator[Fault]:
    for flow, level in ground.cells:
        said = {"flow": flow, "level": level}
        steps = ground.steps(flow, level)
        working = {role for s in steps if s.action in WORK for role in ground.actors(flow, level, s.role)}
        for row in ground.verifications(flow, level):
            if _HANDLER not in row.never:
                yield _fault("verifier_may_be_handler", (row.key,), said)
        for step in steps:
            if step.action != Action.REVIEW:
                continue
            if step.role == "lead":
                yield _fault("verifier_is_handler", (step.key,), {**said, "role": step.role})
            for role in ground.actors(flow, level, step.role):
                if role in working and step.role != "lead":
                    rows = [r.key for r in ground.parts(flow, level, Participation.VERIFY) if r.role == role]
                    rows += [r.key for r in ground.verifications(flow, level) if r.role == role]
                    yield _fault("verifier_is_handler", (*rows, step.key), {**said, "role": role})


def _verifying_units(ground: Ground, roles: Roles) -> Iterator[Fault]:
    """The unit that leads and the one that verifies, at every site where both may be asked."""
    checked = set()
    for flow, level in ground.cells:
        reviews = [s for s in ground.steps(flow, level) if s.action == Action.REVIEW]
        never = {word for row in ground.verifications(flow, level) for word in row.never} or {_SUPERIOR}
        verifiers = [v for s in reviews for v in ground.actors(flow, level, s.role)]
        for lead in ground.parts(flow, level, Participation.LEAD):
            for verifier in verifiers:
                if verifier == lead.role:
                    continue
                asked = lead.role if roles.asks_asset(lead.role) else verifier
                for site in roles.where(asked, lead):
                    one, two = roles.unit(lead.role, site), roles.unit(verifier, site)
                    key = (lead.key, verifier, one, two)
                    if not one or not two or key in checked or not roles.claimed(flow, level, site):
                        continue
                    checked.add(key)
                    said = {
                        "flow": flow,
                        "level": level,
                        "unit": two,
                        "other": one,
                        "place": roles.place(site),
                    }
                    if one == two:
                        yield _fault("verifier_same_unit", (lead.key, reviews[0].key), said)
                    elif _SUPERIOR in never and roles.city.is_superior(two, one):
                        yield _fault("verifier_is_superior", (lead.key, reviews[0].key), said)


def _approvals(ground: Ground) -> Iterator[Fault]:
    """Drafting and approving, asking and agreeing: two roles."""
    for warning in ground.mechanism.warnings:
        if warning.drafter and warning.drafter == warning.approver:
            said = {"flow": warning.flow, "colour": warning.colour, "role": warning.drafter}
            yield _fault("drafter_is_approver", (warning.key,), said)
    for transfer in ground.mechanism.transfers:
        said = {"flow": transfer.flow, "level": transfer.level, "action": transfer.action.value,
                "role": transfer.role}  # fmt: skip
        holds = {transfer.role} | ({"lead", "holder"} if transfer.role in ("lead", "holder") else set())
        if transfer.approver in holds:
            yield _fault("transfer_self_approved", (transfer.key,), said)
        if transfer.decides and transfer.decides in holds:
            yield _fault("duty_self_decided", (transfer.key,), said)
    for pause in ground.mechanism.pauses:
        actors = {
            role
            for flow, level in ground.cells
            if ground.holds(pause, flow)
            for step in ground.steps(flow, level)
            if step.action in pause.actions
            for role in (step.role, *ground.actors(flow, level, step.role))
        } | {"holder"}
        if pause.approver in actors:
            said = {"flow": pause.flow, "reason": pause.reason, "role": pause.approver}
            yield _fault("pause_self_approved", (pause.key,), said)


def _resources(ground: Ground) -> Iterator[Fault]:
    for row in ground.mechanism.resources:
        said = {"resource": row.resource, "level": row.level, "role": row.requester}
        if not row.requester:
            continue
        if row.requester in (row.releaser, *row.approvals):
            yield _fault("request_self_approved", (row.key,), said)
        if row.requester == row.decides:
            yield _fault("request_self_decided", (row.key,), said)


def _approving_units(ground: Ground, roles: Roles) -> Iterator[Fault]:
    """Two roles by name that one unit fills."""
    for row in ground.mechanism.warnings:
        for site in roles.leaves:
            one, two = roles.unit(row.drafter, site), roles.unit(row.approver, site)
            if one and one == two and row.drafter != row.approver:
                said = {"flow": row.flow, "colour": row.colour, "role": row.approver, "unit": one}
                yield _fault("drafter_approves", (row.key,), {**said, "place": roles.place(site)})
    for res in ground.mechanism.resources:
        for site in roles.leaves:
            one = roles.unit(res.requester, site)
            for role in (res.releaser, *res.approvals):
                if one and role != res.requester and roles.unit(role, site) == one:
                    said = {"resource": res.resource, "level": res.level, "role": role, "unit": one}
                    yield _fault("requester_approves", (res.key,), {**said, "place": roles.place(site)})


def _contractors(ground: Ground, roles: Roles) -> Iterator[Fault]:
    """Publishing, requisition and deciding a level need an official; a contractor needs a principal."""
    m = ground.mechanism
    official: list[tuple[Any, str, str]] = [
        (row, "publish", role) for row in m.warnings for role in (row.publisher, row.approver)
    ]
    official += [(row, "requisition", row.requisitioner) for row in m.resources]
    official += [(row, "decide", role) for row in m.decisions for role in (row.decider, row.otherwise)]
    official += [(row, "decide", row.role) for row in m.steps if row.action == Action.JUDGE]
    for row, what, role in official:
        for unit, place in _contracted(roles, role):
            said = {"what": what, "role": role, "unit": unit, "place": place}
            yield _fault("contractor_decides", (row.key,), said)
    for lead in (row for row in m.roles if row.role and row.provenance != Provenance.UNSET):
        for unit, place in _contracted(roles, lead.role):
            if not roles.city.units[unit].principal:
                said = {"role": lead.role, "unit": unit, "place": place}
                yield _fault("contractor_without_principal", (lead.key,), said)


def _contracted(roles: Roles, role: str) -> Iterator[tuple[str, str]]:
    """Contractors that a role means anywhere, each once with a place."""
    if role in RELATIVE:
        return
    seen = set()
    for site in roles.where(role):
        unit = roles.unit(role, site)
        if unit and unit not in seen and roles.city.units[unit].kind == UnitKind.CONTRACTOR:
            seen.add(unit)
            yield unit, roles.place(site)


def _fault(kind: str, rows: tuple[str, ...], witness: dict[str, str]) -> Fault:
    return Fault(proof="P12", kind=kind, rows=rows, witness=dict(witness))
