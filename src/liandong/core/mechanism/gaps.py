"""未规定: what a mechanism leaves open. Not a fault; it is listed, and the evaluation leaves it out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from liandong.core.mechanism.routing import Routing
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Participation, Provenance
from liandong.core.values.rows import ANY, says, words
from liandong.core.values.scales import CASE_LEVELS


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that no row says: `what` it is, of which flow and level, at which row where there is one."""

    #: limit, origin, escalation, lead, verifier, contact, signer, hazards, drafter, approver, lifter,
    #: decider, releaser
    what: str
    flow: str
    level: str
    row: str = ""
    action: str = ""


def gaps(mechanism: Mechanism) -> tuple[Gap, ...]:
    """Everything that the rows leave open, in the order of the flows, mildest level first."""
    return tuple(
        gap
        for part in (_clauses, _parts, _contacts, _signers, _warnings, _authority, _flows)
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
        level = next(iter(words(row.level) or CASE_LEVELS))
        if not routing.escalations(row.flow, level, row.action):
            yield Gap(what="escalation", **said)


def _parts(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Flows and levels without a lead, and those with a review that no row gives to anybody."""
    flows = (*(row.key for row in mechanism.flows), ANY)
    cells = [
        (flow, level) for flow in flows for level in CASE_LEVELS if _claimed(mechanism, routing, flow, level)
    ]
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


def _warnings(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Who drafts, approves and lifts a public warning; of a document without such rows, once."""
    for what in ("drafter", "approver", "lifter"):
        if not mechanism.warnings:
            yield Gap(what=what, flow=ANY, level=ANY)
        for row in mechanism.warnings:
            if not getattr(row, what):
                yield Gap(what=what, flow=row.flow, level=ANY, row=row.key)


def _authority(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Decisions that nobody has to make in time, and resources that nobody releases."""
    for row in mechanism.decisions:
        if not row.decider or row.limit_s is None:
            yield Gap(what="decider", flow=row.flow, level=ANY, row=row.key)
    for stock in mechanism.resources:
        if not stock.releaser:
            yield Gap(what="releaser", flow=ANY, level=stock.level, row=stock.key)


def _claimed(mechanism: Mechanism, routing: Routing, flow: str, level: str) -> bool:
    """Whether the document claims to settle a flow at a level; without a scope row it claims all."""
    names = routing.flows(flow)
    rows = mechanism.scope
    return not rows or any(row.flow in names and says(row.level, level) for row in rows)


def _flows(mechanism: Mechanism, routing: Routing) -> Iterator[Gap]:
    """Flows that no hazard takes, neither directly nor through a flow within them."""
    used = {name for flow in mechanism.flows for hazard in flow.hazards for name in routing.flows(hazard)}
    for flow in mechanism.flows:
        if flow.key not in used:
            yield Gap(what="hazards", flow=flow.key, level=ANY, row=flow.key)


def _rank(level: str) -> int:
    return max((CASE_LEVELS[word].rank for word in words(level) if word in CASE_LEVELS), default=0)
