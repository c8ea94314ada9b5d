"""Compiling: the rows of a mechanism become groups of candidates with boxes, layers and named pairs.

A group is a set of rows of which one at most may speak in a cell: the leads, the steps of one action, the
reminders of one clause … What is compiled here is what is proven and what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from liandong.core.mechanism.precedence import Box, Layer, Named, axes_of, height, sentence_of
from liandong.core.mechanism.space import AXES, Cell, Space
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.city import CityIndex
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.lists import Participation
from liandong.core.values.rows import ANY, EscalationRow, RoleRow, Row, Ruling, Where

#: Parts that exactly one role takes; any number may take the others.
SINGLE = (Participation.LEAD, Participation.VERIFY)

#: Table → what rows must share to be one group, of which one row at most may speak; of escalations one
#: per moment.
GROUPS: dict[str, Callable[[Any], Hashable]] = {
    "grading": lambda row: row.severity,
    "steps": lambda row: (row.line, row.action),
    "escalations": lambda row: (row.line, row.action, row.kind),
    "transfers": lambda row: (row.action, row.role),
    "verifications": lambda row: row.causes,
    "reports": lambda row: (row.kind, row.recipient, row.grade),
    "gatherings": lambda row: "",
}


def moment(row: EscalationRow) -> tuple[int, float]:
    """When an escalation comes, to sort by: fractions of the limit, times after, times without answer."""
    for place, value in enumerate((row.fraction, row.after_s, row.no_answer_s)):
        if value is not None:
            return place, value
    return 3, 0.0


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One row wins over another, and why: `named`, `flow` (it lies nearer) or `sentence`."""

    winner: str
    loser: str
    by: str


class Candidate:
    """A row within a group: its box, and the layer that says whom it wins over."""

    __slots__ = ("box", "layer", "row")

    def __init__(self, row: Row, box: Box, layer: Layer) -> None:
        self.row = row
        self.box = box
        self.layer = layer

    def holds(self, cell: Cell) -> bool:
        """Whether the row holds in a cell."""
        return within(cell, self.box)

    def meets(self, other: Candidate) -> bool:
        """Whether both hold together in some cell."""
        return all(a & b for a, b in zip(self.box, other.box, strict=True))


def within(cell: Cell, box: Box) -> bool:
    """Whether a cell lies in a box."""
    return all(mask >> atom & 1 for mask, atom in zip(box, cell, strict=True))


class Group:
    """Rows that meet one hazard and of which one at most may speak in a cell."""

    def __init__(
        self, hazard: str, candidates: list[Candidate], named: dict[tuple[int, int], list[Box | None]]
    ):
        self.hazard = hazard
        self.candidates = candidates
        #: (winner, loser) → boxes in which one overrides the other by name; None = wherever both hold.
        self.named = named
        self._cells: dict[Cell, tuple[Row, ...]] = {}
        self._held: dict[Cell, tuple[Row, ...]] = {}

    def holding(self, cell: Cell) -> tuple[Row, ...]:
        """Every row that holds in a cell, nearest flow first."""
        found = self._held.get(cell)
        if found is None:
            held = tuple(candidate.row for candidate in self.candidates if candidate.holds(cell))
            found = self._held[cell] = held
        return found

    def speaking(self, cell: Cell) -> tuple[Row, ...]:
        """The rows that speak in a cell: one, none, or, where the mechanism is at fault, several."""
        found = self._cells.get(cell)
        if found is None:
            holding = [i for i, candidate in enumerate(self.candidates) if candidate.holds(cell)]
            found = self._cells[cell] = tuple(
                self.candidates[j].row
                for j in holding
                if not any(self.beats(i, j, cell) for i in holding if i != j)
            )
        return found

    def beats(self, one: int, other: int, cell: Cell) -> bool:
        """Whether a row wins over another where both hold."""
        if self.overrides(one, other, cell):
            return True
        return self.candidates[one].layer < self.candidates[other].layer and not self.overrides(
            other, one, cell
        )

    def overrides(self, one: int, other: int, cell: Cell) -> bool:
        """Whether a row overrides another by name in a cell."""
        boxes = self.named.get((one, other), ())
        return any(box is None or within(cell, box) for box in boxes)

    def pairs(self) -> Iterator[Pair]:
        """Every pair that decides somewhere in this group: the sentence and the flows, expanded."""
        for i, one in enumerate(self.candidates):
            for j, other in enumerate(self.candidates):
                if i == j or not one.meets(other):
                    continue
                if (i, j) in self.named:
                    yield Pair(winner=one.row.key, loser=other.row.key, by="named")
                elif one.layer < other.layer and None not in self.named.get((j, i), ()):
                    by = "flow" if one.layer[0] < other.layer[0] else "sentence"
                    yield Pair(winner=one.row.key, loser=other.row.key, by=by)


class Compiled:
    """A mechanism as it is proven and as it runs."""

    def __init__(self, mechanism: Mechanism, city: CityIndex | None = None) -> None:
        self.mechanism = mechanism
        self.space = Space(mechanism, city)
        self._flow_by_key = {row.key: row for row in mechanism.flows}
        self._flow_of = {hazard: row for row in mechanism.flows for hazard in row.hazards}
        self._flows: dict[str, tuple[str, ...]] = {}
        self._named = Named(mechanism, self.space, all_rows(mechanism))
        self._roles: dict[tuple[str, Participation], Group] = {}

    @property
    def digest(self) -> str:
        """Digest of what was compiled; the proofs of a document are bound to it."""
        return sha256(canonical_bytes(msgspec.structs.replace(self.mechanism, version=0)))

    def flows(self, hazard: str) -> tuple[str, ...]:
        """What a row may call this hazard, nearest first: itself, its flow, the flows around it, `*`."""
        if hazard not in self._flows:
            names = [hazard]
            row = self._flow_of.get(hazard) or self._flow_by_key.get(hazard)
            while row is not None:
                names += [row.key] if row.key not in names else []
                row = self._flow_by_key.get(row.within) if row.within not in names else None
            self._flows[hazard] = (*names, ANY)
        return self._flows[hazard]

    def hazards(self) -> tuple[str, ...]:
        """Everything for which rows may speak: hazards, and flows that no hazard takes yet."""
        taken = {
            name for row in self.mechanism.flows for hazard in row.hazards for name in self.flows(hazard)
        }
        named = [hazard for row in self.mechanism.flows for hazard in (row.hazards or (row.key,))]
        named += [row.key for row in self.mechanism.flows if row.key not in taken]
        named += [
            row.flow
            for row in chain(self.mechanism.roles, self.mechanism.scope)
            if row.flow != ANY and row.flow not in taken and row.flow not in self._flow_by_key
        ]
        within_others = {row.within for row in self.mechanism.flows}
        return tuple(
            dict.fromkeys(name for name in named if name not in within_others or name in self._flow_of)
        )

    def group(self, hazard: str, rows: Iterable[Row]) -> Group:
        """The rows of one group that meet a hazard."""
        names = self.flows(hazard)
        met: list[Candidate] = []
        for row in rows:
            flow = str(getattr(row, "flow", ANY))
            if flow in names:
                distance = names.index(flow)
                axes = axes_of(sentence_of(self.mechanism, names[distance:-1]))
                met.append(Candidate(row, self.box(row), (distance, height(row, axes))))
        met.sort(key=lambda candidate: (candidate.layer, candidate.row.key))
        place = {candidate.row.key: number for number, candidate in enumerate(met)}
        named = {
            (place[winner], place[loser]): [box for flow, box in regions if flow in names]
            for (winner, loser), regions in self._named.pairs.items()
            if winner in place and loser in place and any(flow in names for flow, _ in regions)
        }
        return Group(hazard, met, named)

    def groups(self, table: str, hazard: str) -> Iterator[Group]:
        """The groups of a table whose rows know flow and level only."""
        made: dict[Hashable, list[Row]] = {}
        for row in getattr(self.mechanism, table):
            made.setdefault(GROUPS[table](row), []).append(row)
        for rows in made.values():
            yield self.group(hazard, rows)

    def roles(self, hazard: str, part: Participation = Participation.LEAD) -> Group:
        """The rows that name a role for a part, as far as they meet a hazard."""
        key = (hazard, part)
        if key not in self._roles:
            rows = (row for row in self.mechanism.roles if row.part == part and row.role)
            self._roles[key] = self.group(hazard, rows)
        return self._roles[key]

    def holding(self, hazard: str, part: Participation, cell: Cell) -> tuple[RoleRow, ...]:
        """Every row for a part that any number of roles may take, nearest flow first."""
        return tuple(row for row in self.roles(hazard, part).holding(cell) if isinstance(row, RoleRow))

    def box(self, row: Row) -> Box:
        """A row's atoms on every axis; one that knows no place or time holds at any."""
        if isinstance(row, Where):
            return self.space.box(row)
        level = row.level if isinstance(row, Ruling) else ANY
        return tuple(self.space.mask(axis, level if axis == "level" else ANY) for axis in AXES)


def all_rows(mechanism: Mechanism) -> Iterator[Row]:
    """Every row of every table."""
    for table in KINDS:
        yield from getattr(mechanism, table)
