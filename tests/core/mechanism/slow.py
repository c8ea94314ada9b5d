"""The slow, obvious reading of a mechanism's rows: nothing compiled, one cell at a time, word by word."""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.routing import Situation
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism

SENTENCE = {"calendar": ("days", "season", "hours")}


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(";")]


def flows_of(mechanism: Mechanism, hazard: str) -> list[str]:
    """The hazard, its flow, the flows around it, and `*`."""
    chain = [hazard]
    here = next((f for f in mechanism.flows if hazard in f.hazards), None) or next(
        (f for f in mechanism.flows if f.key == hazard), None
    )
    while here is not None and here.key not in chain[1:]:
        if here.key != hazard:
            chain.append(here.key)
        here = next((f for f in mechanism.flows if f.key == here.within), None)
        if here is not None and here.key == hazard:
            break
    return [*chain, "*"]


def lies_in(city: CityIndex | None, area: str, territory: str) -> bool:
    if city is None:
        return area == territory
    while area:
        if area == territory:
            return True
        area = city.areas[area].parent if area in city.areas else ""
    return False


def at_hour(text: str, minute: int) -> bool:
    for part in words(text):
        start, end = (int(h[:2]) * 60 + int(h[3:]) for h in part.split("-"))
        if start <= minute < end if start < end else minute >= start or minute < end:
            return True
    return False


def holds(row: Any, city: CityIndex | None, level: str, at: Situation) -> bool:
    """Whether every axis of a row holds."""

    def said(axis: str) -> str:
        return str(getattr(row, axis, "*"))

    plain = {"level": level, "kind": at.kind, "stage": at.stage, "tier": at.tier, "phase": at.phase}
    return (
        all(said(axis) == "*" or word in words(said(axis)) for axis, word in plain.items())
        and (said("days") == "*" or at.day.value in words(said("days")))
        and (said("season") == "*" or any(season in words(said("season")) for season in at.seasons))
        and (said("hours") == "*" or at_hour(said("hours"), at.minute))
        and (said("territory") == "*" or any(lies_in(city, at.area, t) for t in words(said("territory"))))
    )


def highest(mechanism: Mechanism, flow_chain: list[str], row: Any) -> int:
    """The place in the flow's sentence of the highest axis that the row narrows."""
    sentence = next((s for flow in flow_chain for s in mechanism.precedence if s.flow == flow), None)
    axes = sentence.axes if sentence else ()
    for place, axis in enumerate(axes):
        if any(getattr(row, name, "*") != "*" for name in SENTENCE.get(axis, (axis,))):
            return place
    return len(axes)


def names_over(
    mechanism: Mechanism,
    city: CityIndex | None,
    chain: list[str],
    one: Any,
    other: Any,
    level: str,
    at: Situation,
) -> bool:
    """Whether one row overrides another by name here."""
    if other.key in words(getattr(one, "overrides", "")):
        return True
    return any(
        o.row == one.key and o.over == other.key and o.flow in chain and holds(o, city, level, at)
        for o in mechanism.overrides
    )


def speaking(
    mechanism: Mechanism, city: CityIndex | None, rows: Any, hazard: str, level: str, at: Situation
) -> set[str]:
    """Keys of the rows that speak in one place and moment."""
    chain = flows_of(mechanism, hazard)
    here = [row for row in rows if row.flow in chain and holds(row, city, level, at)]

    def beats(one: Any, other: Any) -> bool:
        if names_over(mechanism, city, chain, one, other, level, at):
            return True
        if names_over(mechanism, city, chain, other, one, level, at):
            return False
        near, far = chain.index(one.flow), chain.index(other.flow)
        if near != far:
            return near < far
        rest = chain[near:]
        return highest(mechanism, rest, one) < highest(mechanism, rest, other)

    return {row.key for row in here if not any(beats(other, row) for other in here if other is not row)}
