"""What the proofs stand on: the compiled mechanism asked by flow and level, the city, and the facts.

Every answer comes from the groups that also answer at run time, so that what is proven is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from liandong.core.mechanism.compile import Candidate, Compiled, Group, moment
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.cells import claims
from liandong.core.mechanism.routing import Routing
from liandong.core.mechanism.space import AXES
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Participation
from liandong.core.values.roster import Contact
from liandong.core.values.rows import (
    ANY,
    EscalationRow,
    ReportRow,
    RoleRow,
    Row,
    StepRow,
    TransferRow,
    VerificationRow,
)
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import DAY

AnyRow = TypeVar("AnyRow", bound=Row)
Cell = tuple[str, str]
_LEVEL = AXES.index("level")
_LEVEL_PLACE = {level: place for place, level in enumerate(CASE_LEVELS)}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the standing proofs know besides city and rows."""

    since: int  #: first moment, microseconds UTC
    until: int  #: first moment no longer looked at
    contacts: tuple[Contact, ...] | None = None  #: ways to reach people; None = not known, not asked
    #: what live rules can open, as (hazard, kind of asset, level); None = not known: anything anywhere
    emitted: frozenset[tuple[str, str, str]] | None = None
    channels: tuple[str, ...] | None = None  #: delivery channels that are set up; None = not known
    bases: dict[str, tuple[float, float]] = {}  #: unit → where it sets out from, degrees
    minutes: dict[tuple[str, str], float] = {}  #: (unit, area) → minutes of travel, where they are known
    speed_kmh: float = 30.0  #: where only bases are known: straight line × detour ÷ speed
    detour: float = 1.4


def next_days(since: int, days: int = 30) -> Facts:
    """Facts of the next days with nothing else known."""
    return Facts(since=since, until=since + days * DAY)


class Ground:
    """A mechanism, with the city and the facts where a proof needs them."""

    def __init__(
        self, mechanism: Mechanism, city: CityIndex | None = None, facts: Facts | None = None
    ) -> None:
        self.mechanism = mechanism
        self.city = city
        self.facts = facts
        self.routing = Routing(mechanism, city)
        self.compiled: Compiled = self.routing.compiled
        self.flows = self.compiled.hazards() or (ANY,)
        self.cells = tuple(self._claimed())
        self._emitted = facts.emitted if facts is not None else None
        self._groups: dict[tuple[str, str], tuple[Group, ...]] = {}
        self._spoken: dict[tuple[str, str, str], tuple[Any, ...]] = {}

    def _claimed(self) -> Iterator[Cell]:
        """Flows and levels that the document claims; all of its flows where it claims nothing in words.

        A document without steps and roles says nothing of cases: others include it.
        """
        m = self.mechanism
        if not (m.scope or m.flows or m.steps or m.roles):
            return
        for flow in self.flows:
            boxes = claims(self.compiled, flow)
            for level, place in _LEVEL_PLACE.items():
                if any(all(box) and box[_LEVEL] >> place & 1 for box in boxes):
                    yield flow, level

    def holds(self, row: Row, flow: str, level: str = ANY) -> bool:
        """Whether a row speaks of a flow and, where it knows levels, of a level."""
        if getattr(row, "flow", ANY) not in self.routing.flows(flow):
            return False
        return level == ANY or bool(self.compiled.box(row)[_LEVEL] >> _LEVEL_PLACE[level] & 1)

    def opens(self, flow: str, kind: str, level: str) -> bool:
        """Whether a live rule can open a case of this kind, as far as that is known."""
        return self._emitted is None or (flow, kind, level) in self._emitted

    def speaking(self, table: str, flow: str, level: str) -> tuple[Any, ...]:
        """The rows of a table that speak at a flow and level; two of a kind are P2's matter."""
        key = (table, flow, level)
        if key not in self._spoken:
            cell = self.compiled.space.cell(level)
            if (table, flow) not in self._groups:
                self._groups[table, flow] = tuple(self.compiled.groups(table, flow))
            groups = self._groups[table, flow]
            self._spoken[key] = tuple(row for group in groups for row in group.speaking(cell))
        return self._spoken[key]

    def nearest(
        self, rows: Iterable[AnyRow], flow: str, group: Callable[[AnyRow], Hashable]
    ) -> tuple[AnyRow, ...]:
        """Of rows with a flow, those of the nearest flow for each kind of thing."""
        names = self.routing.flows(flow)
        found: dict[Hashable, list[tuple[int, AnyRow]]] = {}
        for row in rows:
            of = getattr(row, "flow", ANY)
            if of in names:
                found.setdefault(group(row), []).append((names.index(of), row))
        return tuple(row for held in found.values() for far, row in held if far == min(f for f, _ in held))

    def steps(self, flow: str, level: str) -> tuple[StepRow, ...]:
        """The steps of a case in their order, the main line and the linked orders together."""
        aside = [row for rows in self.routing.lines(flow, level).values() for row in rows]
        rows = (*self.routing.steps(flow, level), *aside)
        return tuple(sorted(rows, key=lambda row: (row.order, row.key)))

    def main(self, flow: str, level: str) -> tuple[StepRow, ...]:
        """The steps of the main line."""
        return self.routing.steps(flow, level)

    def lines(self, flow: str, level: str) -> dict[str, tuple[StepRow, ...]]:
        """The linked orders beside the main line, by name."""
        return self.routing.lines(flow, level)

    def escalations(self, flow: str, level: str, step: StepRow) -> tuple[EscalationRow, ...]:
        """What happens to a clause, soonest first; also the row that says that nothing does."""
        rows: list[EscalationRow] = [
            r for r in self.speaking("escalations", flow, level) if r.action == step.action
        ]
        own = [row for row in rows if row.line == step.line] or [row for row in rows if not row.line]
        return tuple(sorted(own, key=lambda row: (moment(row), row.key)))

    def reports(self, flow: str, level: str) -> tuple[ReportRow, ...]:
        """What is reported on a case."""
        return self.routing.reports(flow, level)

    def transfers(self, flow: str, level: str) -> tuple[TransferRow, ...]:
        """Who may return, extend and so on."""
        return self.speaking("transfers", flow, level)

    def verifications(self, flow: str, level: str) -> tuple[VerificationRow, ...]:
        """Who verifies which closures."""
        return self.speaking("verifications", flow, level)

    def parts(self, flow: str, level: str, part: Participation) -> tuple[RoleRow, ...]:
        """Rows that give a part to a role anywhere in the flow and level, whatever else narrows them."""
        place = _LEVEL_PLACE[level]
        held = [c for c in self.compiled.roles(flow, part).candidates if c.box[_LEVEL] >> place & 1]
        single = part in (Participation.LEAD, Participation.VERIFY)
        return tuple(
            c.row
            for c in held
            if isinstance(c.row, RoleRow) and not (single and any(_covers(o, c, place) for o in held))
        )

    def leads(self, flow: str, level: str) -> tuple[str, ...]:
        """Roles that may lead, each once."""
        return tuple(dict.fromkeys(row.role for row in self.parts(flow, level, Participation.LEAD)))

    def verifiers(self, flow: str, level: str) -> tuple[str, ...]:
        """Roles that may verify, each once."""
        rows = [row.role for row in self.verifications(flow, level) if row.role]
        rows += [row.role for row in self.parts(flow, level, Participation.VERIFY)]
        return tuple(dict.fromkeys(rows))

    def actors(self, flow: str, level: str, role: str) -> tuple[str, ...]:
        """The roles that `lead` and `verifier` stand for; another one stands for itself."""
        if role == "lead":
            return self.leads(flow, level)
        return self.verifiers(flow, level) if role == "verifier" else (role,) if role else ()


def _covers(over: Candidate, under: Candidate, level: int) -> bool:
    """Whether a row takes over another one wherever it holds at a level."""
    if over.layer >= under.layer:
        return False
    wider = ((b & ~a) == 0 for axis, a, b in zip(AXES, over.box, under.box, strict=True) if axis != "level")
    return bool(over.box[_LEVEL] >> level & 1) and all(wider)


def moment_s(row: EscalationRow, limit_s: float | None) -> float | None:
    """Seconds after the clause's origin at which a row speaks; None where that cannot be said."""
    if row.after_s is not None:
        return row.after_s
    if row.no_answer_s is not None:
        return row.no_answer_s
    if row.fraction is not None and limit_s is not None:
        return row.fraction * limit_s
    return None


def once(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Each fault once, however many flows and levels show it: the first witness stands for all."""
    seen: set[Any] = set()
    for fault in faults:
        of: Any = fault.rows or sorted(map(str, fault.witness.items()))
        of = tuple(of)
        place = fault.witness.get("place") if fault.kind == "role_unfilled" else None
        key = (fault.kind, of, fault.witness.get("unit"), place)
        if key not in seen:
            seen.add(key)
            yield fault
