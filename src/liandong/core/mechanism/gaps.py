"""未规定: what a mechanism leaves open. Not a fault; it is listed, and the evaluation leaves it out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from liandong.core.mechanism.routing import ANY, Routing
from liandong.core.values.lists import Participation, Provenance
from liandong.core.values.rows import Mechanism
from liandong.core.values.scales import CASE_LEVELS


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that no row says: `what` it is, of which flow and level, at which row where there is one."""

    what: str  #: limit, origin, escalation, lead, verifier, contact, signer, hazards
    flow: str
    level: str
    row: str = ""
    action: str = ""


def gaps(mechanism: Mechanism) -> tuple[Gap, ...]:
    """Everything that the rows leave open, in the order of the flows, mildest level first."""
    return tuple(
        gap
        for part in (_clauses, _parts, _contacts, _signers, _flows)
        for gap in part(mechanism, Routing(mechanism))
    )


def provenances(mechanism: Mechanism) -> dict[Provenance, int]:
    """How many rows come from the document, are ours, or show where the document is silent."""
    counted = dict.fromkeys(Provenance, 0)
    for field in msgspec.structs.fields(mechanism):
        rows = getattr(mechanism, field.name)
        for row in rows if isinstance(rows, tuple) else ():
            counted[row.provenance] += 1
    return counted


def _clauses(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Steps without a limit; limits without an origin in the document, or with nothing when they pass."""
    for row in sorted(mechanism.steps, key=lambda row: (row.flow, _rank(row.level), row.order, row.key)):
        said = {"flow": row.flow, "level": row.level, "row": row.key, "action": row.action.value}
        if row.limit_s is None:
            yield Gap(what="limit", **said)
            continue
        if not row.origin_stated:
            yield Gap(what="origin", **said)
        level = row.level if row.level != ANY else next(iter(CASE_LEVELS))
        if not routing.escalations(row.flow, level, row.action):
            yield Gap(what="escalation", **said)


def _parts(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Flows and levels without a lead, and those with a review that no row gives to anybody."""
    cells = [(flow, level) for flow in (*(row.key for row in mechanism.flows), ANY) for level in CASE_LEVELS]
    for flow, level in cells:
        if routing.role(flow, level, Participation.LEAD) is None:
            yield Gap(what="lead", flow=flow, level=level)
    if not any(row.part == Participation.VERIFY and row.role for row in mechanism.roles):
        yield Gap(what="verifier", flow=ANY, level=ANY)
        return
    for flow, level in cells:
        reviewed = any(step.role == "verifier" for step in routing.steps(flow, level))
        if reviewed and routing.role(flow, level, Participation.VERIFY) is None:
            yield Gap(what="verifier", flow=flow, level=level)


def _contacts(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    for row in mechanism.contacts:
        if not row.post:
            yield Gap(what="contact", flow=row.flow, level=ANY, row=row.key)


def _signers(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    for row in mechanism.reports:
        if not row.signer:
            yield Gap(what="signer", flow=row.flow, level=row.level, row=row.key)


def _flows(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Flows that no hazard takes, neither directly nor through a flow within them."""
    used = {name for flow in mechanism.flows for hazard in flow.hazards for name in routing.flows(hazard)}
    for flow in mechanism.flows:
        if flow.key not in used:
            yield Gap(what="hazards", flow=flow.key, level=ANY, row=flow.key)


def _rank(level: str) -> int:
    return CASE_LEVELS[level].rank if level in CASE_LEVELS else 0
