"""P4: every role resolves to a unit, for every asset and every place that it can meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.mechanism.proofs.units import RELATIVE, Roles, Site
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import ANY, PauseRow, RoleRow, Row, Where


class Asked(NamedTuple):
    """A role that a row asks for, and the flow in which it does."""

    row: Row
    role: str
    flow: str


def asked_roles(ground: Ground) -> Iterator[Asked]:
    """Every role that some row expects to be somebody."""
    m = ground.mechanism
    named: list[tuple[Row, str]] = [(row, row.role) for row in m.roles]
    named += [(row, row.role) for row in m.steps]
    named += [(row, row.role) for row in m.escalations]
    named += [(row, role) for row in m.pauses for role in (row.charged_to, row.approver)]
    named += [(row, role) for row in m.transfers for role in (row.role, row.approver, row.decides)]
    named += [(row, row.role) for row in m.verifications]
    named += [(row, row.role) for row in m.contacts]
    named += [(row, row.role) for row in m.measures]
    named += [(row, role) for row in m.reports for role in (row.recipient, row.signer)]
    for warning in m.warnings:
        roles = (warning.drafter, warning.approver, warning.publisher, warning.raiser, warning.lowerer,
                 warning.lifter, *warning.onward)  # fmt: skip
        named += [(warning, role) for role in roles]
    named += [(row, role) for row in m.decisions for role in (row.decider, row.otherwise)]
    for stock in m.resources:
        roles = (stock.requester, stock.releaser, stock.requisitioner, stock.payer, stock.decides,
                 *stock.approvals)  # fmt: skip
        named += [(stock, role) for role in roles]
    for row, role in named:
        if role not in RELATIVE:
            yield Asked(row, role, str(getattr(row, "flow", "*")))


def prove(ground: Ground) -> Iterator[Fault]:
    """P4."""
    if ground.city is None:
        return
    roles = Roles(ground, ground.city)
    if ground.mechanism.centre and not roles.centre:
        yield Fault(proof="P4", kind="no_centre", witness={"role": ground.mechanism.centre})
    yield from once(_resolved(ground, roles))


def _resolved(ground: Ground, roles: Roles) -> Iterator[Fault]:
    asked: dict[tuple[str, tuple[str, ...]], Asked] = {}
    for one in asked_roles(ground):
        # Rows of one role that cover the same sites have the same answer.
        box = tuple(getattr(one.row, axis, ANY) for axis in ("kind", "stage", "tier", "territory"))
        asked.setdefault((one.role, box), one)
    for one in asked.values():
        yield from _unresolved(ground, roles, one)


def _unresolved(ground: Ground, roles: Roles, one: Asked) -> Iterator[Fault]:
    """One fault per place for functions, one in all for assets, with how many more there are."""
    row = one.row if isinstance(one.row, Where) else None
    lost = [site for site in roles.where(one.role, row) if not roles.unit(one.role, site)]
    lost = [site for site in lost if _met(ground, roles, one, site)]
    kind, _, function = one.role.partition(":")
    if one.role in ("town", "territorial"):
        kind, function = AreaKind.TOWN.value, "town"
    if not lost:
        return
    if roles.asks_asset(one.role) or one.role in roles.bodies or not function:
        site = lost[0]
        yield Fault(
            proof="P4", kind="role_unresolved", rows=(one.row.key,),
            witness={"role": one.role, "flow": one.flow, "place": roles.place(site), "asset": site.asset,
                     "count": len(lost)},
        )  # fmt: skip
        return
    if not _acts(one.row):
        # What lies above every town has no town to help or to be told; only who acts must be somebody.
        lost = [site for site in lost if kind in list(AreaKind) and _area_of(roles, site, kind)]
    places = dict.fromkeys(_area_of(roles, site, kind) or site.area for site in lost)
    for place in places:
        yield Fault(
            proof="P4", kind="role_unfilled", rows=(one.row.key,),
            witness={"role": one.role, "flow": one.flow, "place": place},
        )  # fmt: skip


def _met(ground: Ground, roles: Roles, one: Asked, site: Site) -> bool:
    """Whether a case that the row speaks of can open at the site."""
    cells = (cell for cell in ground.cells if ground.holds(one.row, *cell))
    return any(roles.claimed(flow, level, site) for flow, level in cells)


def _area_of(roles: Roles, site: Site, kind: str) -> str:
    """The city, district or town in which a site lies, empty for one above them."""
    wanted = AreaKind(kind) if kind in list(AreaKind) else AreaKind.TOWN
    return roles.city.area_above(site.area, wanted)


def _acts(row: Row) -> bool:
    """Whether a row gives somebody something to do, and not only a hand in it or word of it."""
    helps = (Participation.ASSIST, Participation.INFORM, Participation.SUPERVISE)
    return not isinstance(row, PauseRow) and not (isinstance(row, RoleRow) and row.part in helps)
