"""暂定补充: rows of ours that fill what a document leaves open, and may not change what it says.

What wins where several rows hold is `precedence`'s: the nearest flow first, then the flow's sentence. Here
it is asked without a city, so that a contradiction is found when the documents are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from liandong.core.mechanism.precedence import axes_of, height, sentence_of
from liandong.core.mechanism.space import intervals
from liandong.core.values.document import KINDS, Mechanism, OverrideRow
from liandong.core.values.lists import EscalationKind, Participation, Provenance
from liandong.core.values.rows import (
    ANY,
    EscalationRow,
    FlowRow,
    GradingRow,
    PauseRow,
    RoleRow,
    StepRow,
    words,
)

replace = msgspec.structs.replace
#: Parts that exactly one role takes.
_ONE = (Participation.LEAD, Participation.VERIFY)
_AXES = ("level", "kind", "stage", "tier", "territory", "phase", "days", "season", "hours", "colour", "grade")
#: What no supplement may fill: where a row holds, what it overrides, and whose it is.
_FIXED = ("key", "flow", "overrides", *_AXES)
_OWN = ("provenance", "place", "mark")
#: Table → what rows have in common of which one at most speaks; tables that are not here have no such rows.
_GROUPS: dict[str, tuple[str, ...]] = {
    "precedence": (),
    "grading": ("severity",),
    "roles": ("part",),
    "steps": ("line", "action"),
    "escalations": ("line", "action", "kind", "fraction", "after_s", "no_answer_s"),
    "pauses": ("reason",),
    "transfers": ("action", "role"),
    "verifications": (),
    "gatherings": (),
    "contacts": ("role", "matter"),
    "reports": ("kind", "recipient"),
    "warnings": (),
    "decisions": ("scale", "code"),
    "resources": ("resource", "owner"),
}


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
    made: dict[str, Any] = {}
    refused: list[Overruled] = []
    for table in KINDS:
        rows, no = _keyed(table, getattr(source, table), getattr(supplement, table))
        made[table] = rows
        refused += no
    merged = replace(source, centre=source.centre or supplement.centre, **made)
    contest, over_by_name = _Contest(merged), _by_name(source)
    for table in KINDS:
        known = {row.key for row in getattr(source, table)}
        stated = _Stated(table, getattr(source, table))
        no = []
        for row in (row for row in made[table] if row.key not in known):
            by = stated.beaten(table, row, contest) or over_by_name(row)
            if by:
                no.append(Overruled(table=table, key=row.key, by=by))
        gone = {o.key for o in no}
        made[table] = tuple(row for row in made[table] if row.key in known or row.key not in gone)
        refused += no
    return replace(merged, **made), tuple(refused)


def include(source: Mechanism, supplement: Mechanism, defaults: Iterable[Mechanism]) -> Mechanism:
    """The supplement, and the rows of default documents that hold where it and the document are silent.

    A default's claim of scope is its own: what a city claims it has to say itself.
    """
    for default in defaults:
        merged, _ = merge(source, supplement)
        contest = _Contest(replace(merged, flows=(*merged.flows, *_new(default.flows, merged.flows))))
        added: dict[str, Any] = {}
        for table in KINDS:
            if table == "scope":
                continue
            said = getattr(merged, table)
            rows = _new(getattr(default, table), said)
            speaking = _Stated(table, said)
            kept = (row for row in rows if not speaking.beaten(table, row, contest))
            added[table] = (*getattr(supplement, table), *kept)
        supplement = replace(supplement, centre=supplement.centre or default.centre, **added)
    return supplement


def _new(rows: Iterable[Any], known: Iterable[Any]) -> list[Any]:
    keys = {row.key for row in known}
    return [row for row in rows if row.key not in keys]


def _keyed(
    table: str, source: Iterable[Any], supplement: Iterable[Any]
) -> tuple[tuple[Any, ...], list[Overruled]]:
    """Rows of both; those of one key filled by the supplement's, where there is something to fill."""
    fill: Callable[[Any, Any], Any] = _FILL.get(table, _fill_any)
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
        if field.name in _OWN:
            continue
        has, gives = getattr(row, field.name), getattr(by, field.name)
        if gives == has or (not field.required and gives == field.default):
            continue
        # A default that is no emptiness says something, unless the whole row shows that nothing is said.
        empty = field.default in (None, "", ()) or not _stated(row)
        if field.required or field.name in _FIXED or has != field.default or not empty:
            return None
        changes[field.name] = gives
    return replace(row, provenance=Provenance.ASSUMED, **changes) if changes else row


def _fill_step(row: StepRow, by: StepRow) -> StepRow | None:
    """A limit where none is said, an origin where none is said; the step itself stays the document's."""
    said = ("flow", "level", "order", "action", "role", "line", "after_failed", "overrides")
    if any(getattr(row, name) != getattr(by, name) for name in said) or by.origin_stated:
        return None
    limit = by.limit_s if by.limit_s is not None else row.limit_s
    if row.limit_s is not None and limit != row.limit_s:
        return None
    if row.origin_stated and by.origin != row.origin:
        return None
    # That the limit is the document's own is what its provenance says; the origin has its own mark.
    provenance = row.provenance if limit == row.limit_s else Provenance.ASSUMED
    more = {
        name: getattr(row, name) or getattr(by, name)
        for name in ("evidence", "needs_s", "title_zh", "title_en")
    }
    return replace(row, limit_s=limit, origin=by.origin, provenance=provenance, **more)


def _fill_flow(row: FlowRow, by: FlowRow) -> FlowRow | None:
    """That there is such a flow stays the document's word; which hazards take it is ours."""
    filled = _fill_any(row, by)
    return filled and replace(filled, provenance=row.provenance)


_FILL: dict[str, Callable[[Any, Any], Any]] = {"steps": _fill_step, "flows": _fill_flow}


def _stated(row: Any) -> bool:
    """Whether the document says something by a row, and does not only show where it is silent."""
    return bool(row.provenance != Provenance.UNSET)


def _by_name(source: Mechanism) -> Callable[[Any], str]:
    """Finds the document's row that a row of ours overrides by name."""
    rows = [row for table in KINDS for row in getattr(source, table)]
    known, stated = {row.key for row in rows}, {row.key for row in rows if _stated(row)}

    def over(row: Any) -> str:
        named = [*words(getattr(row, "overrides", "") or ANY)]
        if isinstance(row, OverrideRow) and row.row not in known:
            named.append(row.over)
        return next((key for key in named if key in stated), "")

    return over


class _Stated:
    """What a table states, found by what rows of one group have in common."""

    def __init__(self, table: str, rows: Iterable[Any]) -> None:
        # A row that there is no escalation concerns every kind and moment of it.
        self._fields = ("line", "action") if table == "escalations" else _GROUPS.get(table, ())
        self._found: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
        for row in rows:
            if _stated(row):
                self._found.setdefault(self._of(row), {}).setdefault(_flow(row), []).append(row)

    def _of(self, row: Any) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in self._fields)

    def beaten(self, table: str, row: Any, contest: _Contest) -> str:
        """The first row that this one would speak in place of; empty where there is none."""
        for flow, rows in self._found.get(self._of(row), {}).items():
            if isinstance(row, FlowRow) or contest.reaches(_flow(row), flow):
                for other in rows:
                    if contest.wins(table, row, other):
                        return str(other.key)
        return ""


class _Contest:
    """Which of two rows would speak where both hold."""

    def __init__(self, mechanism: Mechanism) -> None:
        self._mechanism = mechanism
        self._flow_of = {hazard: row for row in mechanism.flows for hazard in row.hazards}
        self._flow_by_key = {row.key: row for row in mechanism.flows}
        self._hazards = {name for row in mechanism.flows for name in (row.key, *row.hazards)}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._nearness: dict[tuple[str, str], frozenset[int]] = {}
        self._axes: dict[str, list[tuple[str, ...]]] = {}

    def wins(self, table: str, row: Any, stated: Any) -> bool:
        """Whether a row would be chosen, or nobody could say, where the other speaks."""
        if isinstance(row, FlowRow):
            return bool(set(row.hazards) & set(stated.hazards))
        near = self._nearer(_flow(row), _flow(stated))
        if not self.reaches(_flow(row), _flow(stated)) or not _same(table, row, stated):
            return False
        if not all(_meet(axis, row, stated) for axis in _AXES):
            return False
        if isinstance(row, RoleRow) and row.part not in _ONE:
            # Any number may take such a part; where the document names it for the same cells it is said.
            return bool(_said(row) == _said(stated))
        if 1 in near or isinstance(row, GradingRow):
            return True
        axes = self._sentence(_flow(row))
        return height(row, axes) <= height(stated, axes)

    def reaches(self, flow: str, other: str) -> bool:
        """Whether a row of one flow can speak in place of one of the other."""
        return bool({0, 1} & self._nearer(flow, other))

    def _nearer(self, flow: str, other: str) -> frozenset[int]:
        """Over every hazard of which both may speak: 1 where the flow is nearer than the other, 0 where it
        is the same, -1 where it is farther."""
        if (flow, other) not in self._nearness:
            chains = [self._chain(hazard) for hazard in {*self._hazards, flow, other, ""}]
            both = [chain for chain in chains if flow in chain and other in chain]
            places = [(chain.index(flow), chain.index(other)) for chain in both]
            self._nearness[flow, other] = frozenset((far > near) - (far < near) for near, far in places)
        return self._nearness[flow, other]

    def _sentence(self, flow: str) -> list[tuple[str, ...]]:
        """Axes of the sentence that holds for the rows of a flow."""
        if flow not in self._axes:
            self._axes[flow] = axes_of(sentence_of(self._mechanism, self._chain(flow)))
        return self._axes[flow]

    def _chain(self, hazard: str) -> tuple[str, ...]:
        """What a row may call a hazard, nearest first."""
        if hazard not in self._chains:
            names = [hazard] if hazard != ANY else []
            flow = self._flow_of.get(hazard) or self._flow_by_key.get(hazard)
            while flow is not None:
                names += [flow.key] if flow.key not in names else []
                flow = self._flow_by_key.get(flow.within) if flow.within not in names else None
            self._chains[hazard] = (*names, ANY)
        return self._chains[hazard]


def _flow(row: Any) -> str:
    return str(getattr(row, "flow", ANY))


def _said(row: RoleRow) -> tuple[str, ...]:
    return (row.flow, row.role, *(getattr(row, axis) for axis in _AXES if hasattr(row, axis)))


def _same(table: str, row: Any, stated: Any) -> bool:
    """Whether two rows are of one group, of which one at most may speak."""
    if table not in _GROUPS:
        return False
    if isinstance(stated, EscalationRow) and EscalationKind.NONE in (row.kind, stated.kind):
        return (row.line, row.action) == (stated.line, stated.action)
    if isinstance(row, PauseRow) and not set(row.actions) & set(stated.actions):
        return False
    return all(getattr(row, name) == getattr(stated, name) for name in _GROUPS[table])


def _meet(axis: str, row: Any, stated: Any) -> bool:
    """Whether two rows can hold together on an axis. Two named areas are taken for apart: whether one lies
    in the other only a city knows, and then it is a fault (P2) and no silent choice."""
    ours, theirs = (getattr(one, axis, ANY) for one in (row, stated))
    if ANY in (ours, theirs) or isinstance(row, GradingRow):
        return True
    if axis == "hours":
        return any(a < d and c < b for a, b in intervals(ours) for c, d in intervals(theirs))
    return bool(set(words(ours)) & set(words(theirs)))
