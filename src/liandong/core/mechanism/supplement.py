"""暂定补充: rows of ours that fill what a document leaves open, and may not change what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import msgspec

from liandong.core.mechanism.routing import ANY, Routing
from liandong.core.values.lists import Participation, Provenance
from liandong.core.values.rows import FlowRow, GradingRow, Mechanism, RoleRow, StepRow

replace = msgspec.structs.replace
#: Parts that exactly one role takes.
_ONE = (Participation.LEAD, Participation.VERIFY)
KINDS = ("flows", "grading", "roles", "steps", "escalations", "pauses", "gatherings", "contacts", "reports")


class Overruled(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the supplement that says other than the document: its table, its key, the document's row."""

    table: str
    key: str
    by: str


def merge(source: Mechanism, supplement: Mechanism) -> tuple[Mechanism, tuple[Overruled, ...]]:
    """The document with what the supplement fills in, and the rows of the supplement that may not stand.

    A row of the same key fills the fields that the document leaves open; a row of its own key stands
    beside the document's, as long as it would win over none of them.
    """
    flows, refused = _keyed("flows", source.flows, supplement.flows, _fill_flow)
    routing = Routing(replace(source, flows=flows))
    made: dict[str, Any] = {"flows": flows}
    for table in KINDS[1:]:
        fill = _FILL.get(table, _fill_any)
        rows, no = _keyed(table, getattr(source, table), getattr(supplement, table), fill)
        known = {row.key for row in getattr(source, table)}
        stated = [row for row in getattr(source, table) if _stated(row)]
        for row in (row for row in rows if row.key not in known):
            by = next((s.key for s in stated if _wins(routing, table, row, s)), "")
            if by:
                no.append(Overruled(table=table, key=row.key, by=by))
        gone = {o.key for o in no}
        made[table] = tuple(row for row in rows if row.key in known or row.key not in gone)
        refused += no
    return replace(source, centre=source.centre or supplement.centre, **made), tuple(refused)


def _keyed(
    table: str, source: Iterable[Any], supplement: Iterable[Any], fill: Callable[[Any, Any], Any]
) -> tuple[tuple[Any, ...], list[Overruled]]:
    """Rows of both; those of one key filled by the supplement's, where there is something to fill."""
    rows = {row.key: row for row in source}
    refused = []
    for row in supplement:
        if row.key not in rows:
            rows[row.key] = row
            continue
        filled = fill(rows[row.key], row)
        if filled is None:
            refused.append(Overruled(table=table, key=row.key, by=row.key))
        else:
            rows[row.key] = filled
    return tuple(rows.values()), refused


def _fill_any(row: Any, by: Any) -> Any | None:
    """Empty fields filled; None where a field that is not empty would be changed."""
    changes = {}
    for field in msgspec.structs.fields(row):
        if field.name in ("key", "provenance", "place"):
            continue
        has, gives = getattr(row, field.name), getattr(by, field.name)
        if gives == has or (not field.required and gives == field.default):
            continue
        if field.required or has != field.default:
            return None
        changes[field.name] = gives
    return replace(row, provenance=Provenance.ASSUMED, **changes) if changes else None


def _fill_step(row: StepRow, by: StepRow) -> StepRow | None:
    """A limit where none is said, an origin where none is said; the step itself stays the document's."""
    said = ("flow", "level", "order", "action", "role")
    if any(getattr(row, name) != getattr(by, name) for name in said) or by.origin_stated:
        return None
    limit = by.limit_s if by.limit_s is not None else row.limit_s
    if row.limit_s is not None and limit != row.limit_s:
        return None
    if row.origin_stated and by.origin != row.origin:
        return None
    # That the limit is the document's own is what its provenance says; the origin has its own mark.
    provenance = row.provenance if limit == row.limit_s else Provenance.ASSUMED
    evidence = row.evidence or by.evidence
    return replace(row, limit_s=limit, origin=by.origin, evidence=evidence, provenance=provenance)


def _fill_flow(row: FlowRow, by: FlowRow) -> FlowRow | None:
    """That there is such a flow stays the document's word; which hazards take it is ours."""
    filled = _fill_any(row, by)
    return filled and replace(filled, provenance=row.provenance)


_FILL: dict[str, Callable[[Any, Any], Any]] = {"steps": _fill_step, "flows": _fill_flow}


def _stated(row: Any) -> bool:
    """Whether the document says something by a row, and does not only show where it is silent."""
    return bool(row.provenance != Provenance.UNSET)


def _wins(routing: Routing, table: str, row: Any, stated: Any) -> bool:
    """Whether a row of the supplement would be chosen where the document's row speaks."""
    same = {
        "grading": ("severity",),
        "roles": ("part",),
        "steps": ("action",),
        "escalations": ("action", "kind"),
        "pauses": ("reason",),
        "contacts": ("role", "matter"),
        "reports": ("kind", "recipient"),
        "gatherings": (),
    }[table]
    if any(getattr(row, name) != getattr(stated, name) for name in same):
        return False
    if isinstance(row, RoleRow) and row.part not in _ONE:
        # Any number may take such a part; only where the document names them for the same cell it is closed.
        return bool((row.flow, row.level, row.role) == (stated.flow, stated.level, stated.role))
    return any(
        (level_row == level, -names.index(row.flow)) >= (level_stated == level, -names.index(stated.flow))
        for names, level, level_row, level_stated in _cells(routing, row, stated)
    )


def _cells(routing: Routing, row: Any, stated: Any) -> Iterable[tuple[tuple[str, ...], str, str, str]]:
    """Cells that both rows cover: names of the flow nearest first, level, and the level each row gives."""
    hazards = {row.flow, stated.flow} - {ANY} | {"" if ANY in (row.flow, stated.flow) else row.flow}
    hazards |= {hazard for flow in routing.mechanism.flows for hazard in (flow.key, *flow.hazards)}
    # The level of a grading row is what it gives, not where it holds.
    of_row, of_stated = (
        ANY if isinstance(one, GradingRow) else getattr(one, "level", ANY) for one in (row, stated)
    )
    levels = {of_row, of_stated} - {ANY} or {"-"}
    for hazard, level in product(sorted(hazards), sorted(levels)):
        names = routing.flows(hazard)
        if row.flow in names and stated.flow in names and {of_row, of_stated} <= {level, ANY}:
            yield names, level, of_row, of_stated
