"""What one version of a mechanism changes against another, for each unit: duties gained, lost and altered.

A duty is something that a role has to do, or gets, under a hazard and a level. The steps of the lead are
duties of whoever leads, so that a change of the lead shows as what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import msgspec

from liandong.core.mechanism.proofs.ground import Facts, Ground
from liandong.core.mechanism.proofs.units import Roles
from liandong.core.mechanism.routing import Routing
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import AreaKind, Participation
from liandong.core.values.rows import ANY, RoleRow, StepRow
from liandong.core.values.scales import CASE_LEVELS

#: (who, topic, what) → (value in words, rows)
Duties = dict[tuple[str, str, str], tuple[str, tuple[str, ...]]]
_WHERE = ("kind", "stage", "tier", "territory", "phase", "days", "season", "hours")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change for one unit or role, with every flow and level in which it is the same."""

    who: str  #: unit, or role where no unit can be named
    change: str  #: gained, lost or altered
    topic: str  #: part, step, escalation, report, warning, decision, measure, resource
    what: str  #: e.g. `lead`, `arrive`, `supervise arrive`
    before: str = ""
    after: str = ""
    flows: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()  #: rows of either version that say so
    units: tuple[str, ...] = ()  #: whom `who` can mean in the city, where these rows hold


def changes(
    before: Mechanism, after: Mechanism, city: CityIndex | None = None, facts: Facts | None = None
) -> tuple[Change, ...]:
    """Everything that differs, by unit; empty where nobody's duties differ.

    With the facts of what live rules can open, an owner is concerned only by what can happen to its assets.
    """
    old, new = Ground(before, city), Ground(after, city, facts)
    hazards = dict.fromkeys((*old.compiled.hazards(), *new.compiled.hazards()))
    merged: dict[tuple[str, ...], tuple[list[str], list[str], list[str]]] = {}
    for hazard in hazards:
        for level in CASE_LEVELS:
            left, right = _duties(old, hazard, level, city), _duties(new, hazard, level, city)
            for key in dict.fromkeys((*left, *right)):
                was, now = left.get(key, ("", ())), right.get(key, ("", ()))
                if key in left and key in right and was[0] == now[0]:
                    continue
                change = "gained" if key not in left else "lost" if key not in right else "altered"
                flows, levels, rows = merged.setdefault((*key, change, was[0], now[0]), ([], [], []))
                flows += [hazard] if hazard not in flows else []
                levels += [level] if level not in levels else []
                rows += [row for row in dict.fromkeys((*was[1], *now[1])) if row not in rows]
    reach = _Reach(before, after, new, city)
    found = [
        Change(
            who=who, change=change, topic=topic, what=what, before=was, after=now, flows=tuple(flows),
            levels=tuple(levels), rows=tuple(rows), units=reach.units(who, rows, flows, levels),
        )
        for (who, topic, what, change, was, now), (flows, levels, rows) in merged.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: (c.who, c.topic, c.what, c.change, c.flows, c.levels)))


class _Reach:
    """Units that a role can mean, over the assets and places for which the rows in question hold."""

    def __init__(self, before: Mechanism, after: Mechanism, ground: Ground, city: CityIndex | None) -> None:
        self._ground = ground
        self._roles = Roles(ground, city) if city is not None else None
        self._rows = (*before.roles, *after.roles)

    def units(
        self, role: str, keys: Iterable[str], flows: Iterable[str], levels: Iterable[str]
    ) -> tuple[str, ...]:
        """By key; none where no city is known. Rows that name no place hold everywhere."""
        roles = self._roles
        if roles is None:
            return ()
        named = set(keys)
        rows = [row for row in self._rows if row.key in named and row.role == role]
        cases = [*product(flows, levels)]
        found = {""}
        for site in roles.where(role):
            holds = not rows or any(roles.covers(row, site) for row in rows)
            if holds and (
                not site.asset or any(self._ground.opens(flow, site.kind, level) for flow, level in cases)
            ):
                found.add(roles.unit(role, site))
        return tuple(sorted(found - {""}))


def who_of(role: str, city: CityIndex | None) -> str:
    """The unit that a role always means in this city; the role itself where it depends on the place."""
    if city is None or role in city.units:
        return role
    if role in city.bodies:
        return city.bodies[role].office or role
    kind, _, function = role.partition(":")
    if kind == AreaKind.CITY and function:
        for area in city.areas.values():
            units = city.units_for(function, area.key) if area.kind == AreaKind.CITY else ()
            if units:
                return units[0]
    return role


def _duties(ground: Ground, hazard: str, level: str, city: CityIndex | None) -> Duties:
    found: Duties = {}
    routing = ground.routing
    leads = ground.parts(hazard, level, Participation.LEAD)
    for part in Participation:
        for row in ground.parts(hazard, level, part):
            _add(found, who_of(row.role, city), "part", part.value, _where(row), row.key)
    for step in _steps(routing, hazard, level):
        doers = [(row.role, (row.key,)) for row in leads] if step.role == "lead" else [(step.role, ())]
        for role, led in doers:
            _add(found, who_of(role, city), "step", _named(step), _clause(step), step.key, *led)
        for urged in routing.escalations(hazard, level, step.action, step.line):
            what = f"{urged.kind} {step.action}"
            _add(found, who_of(urged.role, city), "escalation", what, _moment(urged), urged.key)
    for report in routing.reports(hazard, level):
        limits = f"{report.first_s or '-'}/{report.next_s or '-'}/{report.final_s or '-'}"
        _add(found, who_of(report.recipient, city), "report", f"{report.kind} to", limits, report.key)
        if report.signer:
            _add(found, who_of(report.signer, city), "report", f"{report.kind} signed", limits, report.key)
    for who, topic, what, value, key in _authority(routing, hazard, level):
        _add(found, who_of(who, city), topic, what, value, key)
    return found


def _add(found: Duties, who: str, topic: str, what: str, value: str, *rows: str) -> None:
    """A duty that several rows give, each with its own words, is one with all of their words."""
    said, known = found.get((who, topic, what), ("", ()))
    words = " | ".join(dict.fromkeys([*(said.split(" | ") if known else ()), value]))
    found[who, topic, what] = (words, (*known, *(row for row in rows if row not in known)))


def _steps(routing: Routing, hazard: str, level: str) -> Iterator[StepRow]:
    yield from routing.steps(hazard, level)
    for rows in routing.lines(hazard, level).values():
        yield from rows


def _authority(routing: Routing, hazard: str, level: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Who decides, warns and releases: (role, topic, what, value, row)."""
    mechanism, names = routing.mechanism, routing.flows(hazard)
    for warning in mechanism.warnings:
        if warning.flow in names:
            for duty in ("drafter", "approver", "publisher", "raiser", "lowerer", "lifter"):
                if role := getattr(warning, duty):
                    yield role, "warning", f"{duty} {warning.colour}", warning.territory, warning.key
    for decision in mechanism.decisions:
        if decision.flow in names:
            yield (
                decision.decider,
                "decision",
                f"{decision.scale} {decision.code}",
                f"{decision.limit_s or '-'}",
                decision.key,
            )
    for measure in mechanism.measures:
        if measure.flow in names and measure.role:
            yield measure.role, "measure", f"{measure.code} {measure.title_zh}", measure.kind, measure.key
    for stock in mechanism.resources:
        for duty in ("requester", "releaser", "requisitioner", "payer", "decides"):
            if (role := getattr(stock, duty)) and stock.level in (ANY, level):
                yield role, "resource", f"{duty} {stock.resource}", stock.owner, stock.key


def _named(step: StepRow) -> str:
    return f"{step.line}: {step.action}" if step.line else step.action.value


def _clause(step: StepRow) -> str:
    """Limit, origin and evidence of a step, as one value that either differs or not."""
    limit = "unset" if step.limit_s is None else f"{step.limit_s:g} s"
    return f"{limit}, {step.origin}{', evidence' if step.evidence else ''}"


def _moment(row: object) -> str:
    for name in ("fraction", "after_s", "no_answer_s"):
        value = getattr(row, name)
        if value is not None:
            return f"{name} {value:g}"
    return "-"


def _where(row: RoleRow) -> str:
    """The axes that a row narrows besides flow and level."""
    said = [f"{axis} {getattr(row, axis)}" for axis in _WHERE if getattr(row, axis) != ANY]
    name = [f"in the name of {row.in_name_of}"] if row.in_name_of else []
    return ", ".join((*said, *name))
