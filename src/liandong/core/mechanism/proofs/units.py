"""Which unit a role means, over every asset and place of a city that it can meet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from liandong.core.mechanism.compile import all_rows
from liandong.core.mechanism.proofs.ground import Ground
from liandong.core.values.city import CityIndex
from liandong.core.values.lists import AreaKind, UnitKind
from liandong.core.values.rows import ANY, Where, says, words

#: Roles that mean nobody in particular before an order is out.
RELATIVE = ("actor", "deputy", "leader", "superior", "holder", "lead", "verifier", "participants", "")
_AUTHORITIES = (UnitKind.DEPARTMENT, UnitKind.TOWN)
_PRIVATE = (UnitKind.FIRM, UnitKind.CONTRACTOR, UnitKind.VOLUNTEER)
_DEPTH = {AreaKind.CITY: 3, AreaKind.DISTRICT: 2, AreaKind.TOWN: 1, AreaKind.GRID: 0}


class Site(NamedTuple):
    """Assets that no role can tell apart: one of them, and what roles ask of it. Without one, a bare area."""

    asset: str
    area: str
    kind: str
    stage: str
    tier: str
    owner: str
    operator: str
    regulator: str


class Roles:
    """Roles of one mechanism in one city."""

    def __init__(self, ground: Ground, city: CityIndex) -> None:
        self._ground = ground
        self.city = city
        self.bodies = {body.key: body for body in city.city.bodies}
        self._areas = [(a.key, a.path) for a in city.city.areas]

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Every kind of asset in every area, once, and every area that has no finer one."""
        found: dict[tuple[str, ...], Site] = {}
        coarse = {area: self._coarse(area) for area in self.city.areas}
        for row in self.every_asset():
            found.setdefault((coarse.get(row.area, row.area), *row[2:]), row)
        return (*found.values(), *self.leaves)

    def every_asset(self) -> Iterator[Site]:
        """Every asset as a site of its own."""
        for a in self.city.city.assets:
            yield Site(a.key, a.area, a.kind, a.stage, a.tier, a.owner, a.operator, a.regulator)

    def _coarse(self, area: str) -> str:
        """The town of an area: nothing below it matters, unless a row or a role speaks of it."""
        return area if self._fine else self.city.area_above(area, AreaKind.TOWN) or area

    @cached_property
    def _fine(self) -> bool:
        """Whether any row tells grids apart, by its territory or by its role."""
        grids = {area.key for area in self.city.city.areas if area.kind == AreaKind.GRID}
        for row in all_rows(self._ground.mechanism):
            named = [getattr(row, name, "") for name in ("role", "approver", "recipient", "charged_to")]
            if any(str(role).startswith("grid:") for role in named):
                return True
            if grids.intersection(words(str(getattr(row, "territory", ANY)))):
                return True
        return False

    @cached_property
    def leaves(self) -> tuple[Site, ...]:
        """Areas that have no finer one that matters: something may happen there with no asset of ours."""
        parents = {area.parent for area in self.city.city.areas}
        keys = dict.fromkeys(self._coarse(a.key) for a in self.city.city.areas if a.key not in parents)
        return tuple(Site("", key, "", "", "", "", "", "") for key in keys)

    def unit(self, role: str, site: Site) -> str:
        """The unit that a role means there, empty where there is none. A body acts through its office."""
        if role in self.city.units:
            return role
        if role in self.bodies:
            return self.bodies[role].office if self.bodies[role].office in self.city.units else ""
        if role == "centre":
            return self.centre
        kind, _, function = role.partition(":")
        if role in ("territorial", "town"):
            kind, function = AreaKind.TOWN, "town"
        if function:
            if kind not in list(AreaKind):
                return ""
            above = self.city.area_above(site.area, AreaKind(kind))
            return next(iter(self.city.units_for(function, above)), "") if above else ""
        named = {
            "owner": site.owner, "operator": site.operator or site.owner, "regulator": site.regulator,
        }.get(role, "")  # fmt: skip
        return named if named in self.city.units else ""

    @cached_property
    def centre(self) -> str:
        """The monitoring centre's unit."""
        centre = self._ground.mechanism.centre
        kind, _, function = centre.partition(":")
        if centre in self.city.units or kind not in list(AreaKind):
            return centre if centre in self.city.units else ""
        areas = (area.key for area in self.city.city.areas if area.kind == kind)
        return next((unit for area in areas for unit in self.city.units_for(function, area)), "")

    def asks_asset(self, role: str) -> bool:
        """Whether a role needs an asset to mean anybody."""
        return role in ("owner", "operator", "regulator")

    def where(self, role: str, row: Where | None = None) -> Iterator[Site]:
        """The sites at which a role is asked for, of a row those that it covers."""
        for site in self.sites:
            if not site.asset and self.asks_asset(role):
                continue
            if row is None or self.covers(row, site):
                yield site

    def covers(self, row: Where, site: Site) -> bool:
        """Whether a row holds for the assets of a site; a bare area has no kind of its own."""
        narrow = (row.kind, site.kind), (row.stage, site.stage), (row.tier, site.tier)
        if any(not says(axis, word) for axis, word in narrow):
            return False
        return row.territory == ANY or self.within(site.area, row.territory)

    def within(self, area: str, axis: str) -> bool:
        """Whether an area lies in one of those that an axis names."""
        path = self.city.area_path(area)
        return any(w in self.city.areas and path.startswith(self.city.area_path(w)) for w in words(axis))

    def claimed(self, flow: str, level: str, site: Site) -> bool:
        """Whether the mechanism claims the site for a flow and level, and a case can open there."""
        if site.asset and not self._ground.opens(flow, site.kind, level):
            return False
        scope = self._ground.mechanism.scope
        held = (row for row in scope if self._ground.holds(row, flow, level))
        return not scope or any(self.covers(row, site) for row in held)

    def place(self, site: Site) -> str:
        """What a person is told the site is: its town, else its area."""
        return self.city.area_above(site.area, AreaKind.TOWN) or site.area

    def above(self, over: str, under: str) -> bool:
        """Whether a unit has authority over another: in its line, as a department over a firm, or as one of
        the wider area over one of an area within."""
        if self.city.is_superior(over, under):
            return True
        a, b = self.city.units.get(over), self.city.units.get(under)
        if a is None or b is None or a.kind not in _AUTHORITIES:
            return False
        return b.kind in _PRIVATE or self.depth(over) > self.depth(under)

    def depth(self, unit: str) -> int:
        """How wide the area is that a unit answers for: 3 city … 0 grid."""
        found = self.city.units.get(unit)
        area = self.city.areas.get(found.area) if found else None
        return _DEPTH[area.kind] if area else 0

    def share_body(self, body: str, unit: str) -> bool:
        """Whether a unit, or one above it, is a member of a body."""
        found = self.bodies.get(body)
        members = found.members if found else ()
        return any(unit == member or self.city.is_superior(member, unit) for member in members)


def rank_of(role: str) -> float | None:
    """How high a role stands by its name alone; None where the name does not say it."""
    kind, _, function = role.partition(":")
    if role in ("owner", "operator"):
        return 0.0
    if role in ("territorial", "town"):
        return 1.0
    if kind == "body" and function:
        return 9.0
    if function and kind in list(AreaKind):
        return _DEPTH[AreaKind(kind)] + (0.5 if function == "government" else 0.0)
    return None
