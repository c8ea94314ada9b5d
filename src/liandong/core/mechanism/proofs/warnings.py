"""P13: every colour has a drafter, an approver and a lifter, and none that is grave passes undecided.

Which colours a domain produces is what its rows name: `*` of a warning row is blue, yellow, orange and red;
white exists for typhoons alone and only where it is named. Zhengzhou, 20 July 2021: five red warnings and no
recorded decision.
"""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.mechanism.proofs.units import Roles, Site
from liandong.core.mechanism.rosters import Hole, holes
from liandong.core.values.authority_rows import DecisionRow, MeasureRow, WarningRow
from liandong.core.values.lists import AreaKind, HoleKind
from liandong.core.values.rows import ANY, says, words
from liandong.core.values.scales import WARNING_COLOURS, Scale

COLOURS = tuple(colour for colour in WARNING_COLOURS if colour != "white")
#: From here nobody may look away.
GRAVE = ("orange", "red")
WORST_LEVEL = "I"
_ROLES = ("drafter", "approver", "lifter")


def prove(ground: Ground) -> Iterator[Fault]:
    """P13."""
    yield from once(_warnings(ground))
    yield from once(_decisions(ground))


def colours(ground: Ground, flow: str) -> tuple[str, ...]:
    """Colours that a flow's rows speak of, mildest first; none where it has nothing to do with warnings."""
    m = ground.mechanism
    named: set[str] = set()
    for row in (r for r in m.warnings if ground.holds(r, flow)):
        named.update(COLOURS if row.colour == ANY else words(row.colour))
    grave: tuple[DecisionRow | MeasureRow, ...] = (*m.decisions, *m.measures)
    for other in grave:
        if other.scale == Scale.WARNING_COLOUR and ground.holds(other, flow):
            named.update(COLOURS if other.code == ANY else words(other.code))
    return tuple(colour for colour in WARNING_COLOURS if colour in named)


def rows_of(ground: Ground, flow: str, colour: str) -> tuple[WarningRow, ...]:
    """The rows that say who deals with a colour: nearest flow, named colour before `*`, one per territory."""
    held = [row for row in ground.mechanism.warnings if says(row.colour, colour)]
    found = ground.nearest(held, flow, lambda row: row.territory)
    return tuple(
        row
        for row in found
        if row.colour != ANY or not any(o.colour != ANY and o.territory == row.territory for o in found)
    )


def _warnings(ground: Ground) -> Iterator[Fault]:
    for flow in ground.flows:
        for colour in colours(ground, flow):
            said = {"flow": flow, "colour": colour}
            rows = rows_of(ground, flow, colour)
            if not rows:
                yield Fault(proof="P13", kind="colour_without_row", witness=said)
            for row in rows:
                for what in _ROLES:
                    if not getattr(row, what):
                        witness = {**said, "territory": row.territory}
                        yield Fault(proof="P13", kind=f"no_{what}", rows=(row.key,), witness=witness)


def _decisions(ground: Ground) -> Iterator[Fault]:
    """Orange, red and level I force a named person to decide, in time, with somebody behind."""
    for flow in ground.flows:
        for colour in colours(ground, flow):
            if colour in GRAVE:
                yield from _decision(ground, flow, Scale.WARNING_COLOUR, colour)
        if ground.mechanism.scope and (flow, WORST_LEVEL) in ground.cells:
            yield from _decision(ground, flow, Scale.CASE_LEVEL, WORST_LEVEL)


def decision(ground: Ground, flow: str, scale: Scale, code: str) -> tuple[DecisionRow, ...]:
    """The rows of the nearest flow that force a decision under a colour or level."""
    rows = (r for r in ground.mechanism.decisions if r.scale == scale and says(r.code, code))
    return ground.nearest(rows, flow, lambda row: row.scale)


def _decision(ground: Ground, flow: str, scale: Scale, code: str) -> Iterator[Fault]:
    said = {"flow": flow, "scale": scale.value, "code": code}
    rows = decision(ground, flow, scale, code)
    if not rows:
        yield Fault(proof="P13", kind="no_decision", witness=said)
    for row in rows:
        if not row.decider:
            yield Fault(proof="P13", kind="no_decider", rows=(row.key,), witness=said)
        if row.limit_s is None:
            yield Fault(proof="P13", kind="decision_unlimited", rows=(row.key,), witness=said)
        if not row.otherwise:
            yield Fault(proof="P13", kind="nobody_otherwise", rows=(row.key,), witness=said)
        elif row.otherwise == row.decider:
            witness = {**said, "role": row.decider}
            yield Fault(proof="P13", kind="otherwise_the_same", rows=(row.key,), witness=witness)


def prove_deputies(ground: Ground) -> Iterator[Fault]:
    """P13: who drafts, approves and lifts has somebody to stand in, at every moment of the days ahead."""
    if ground.city is None or ground.facts is None:
        return
    roles, facts = Roles(ground, ground.city), ground.facts
    asked: dict[str, tuple[WarningRow, str, str, str, Site]] = {}
    for flow in ground.flows:
        for colour in colours(ground, flow):
            for row in rows_of(ground, flow, colour):
                for what in _ROLES:
                    for site in roles.leaves:
                        asked.setdefault(
                            roles.unit(getattr(row, what), site), (row, what, flow, colour, site)
                        )
    asked.pop("", None)
    yield from once(_alone(roles, asked, holes(ground.city, asked, facts.since, facts.until)))


def _alone(
    roles: Roles, asked: dict[str, tuple[WarningRow, str, str, str, Site]], found: list[Hole]
) -> Iterator[Fault]:
    for hole in found:
        post = roles.city.duty_post(hole.unit)
        if hole.why == HoleKind.NO_DEPUTY and post is not None and post.key == hole.post:
            row, what, flow, colour, site = asked[hole.unit]
            kind = next((k for k in AreaKind if k in words(row.territory)), AreaKind.CITY)
            yield Fault(
                proof="P13", kind="no_deputy", rows=(row.key,),
                witness={"flow": flow, "colour": colour, "what": what, "unit": hole.unit,
                         "place": roles.city.area_above(site.area, kind) or site.area, "time": hole.start},
            )  # fmt: skip
