"""Asking the compiled mechanism: which row speaks for a hazard and a level, in a situation.

What is answered here is what was proven: every answer comes from the groups of `compile`.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec

from liandong.core.mechanism.compile import SINGLE, Compiled, moment
from liandong.core.mechanism.space import PHASES, Cell
from liandong.core.values.city import CityIndex
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, Cause, DayKind, EscalationKind, Participation
from liandong.core.values.rows import (
    ContactRow,
    EscalationRow,
    GatherRow,
    GradingRow,
    PauseRow,
    ReportRow,
    RoleRow,
    StepRow,
    TransferRow,
    VerificationRow,
)
from liandong.core.values.scales import CASE_LEVELS

_SOME_LEVEL = next(iter(CASE_LEVELS))
_MOST_KEPT = 50_000


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What lead and part rows may look at besides hazard and level."""

    kind: str = ""
    stage: str = ""
    tier: str = ""
    area: str = ""
    phase: str = PHASES[0]
    day: DayKind = DayKind.WORKDAY
    seasons: tuple[str, ...] = ()
    minute: int = 720  #: of the local day


NOWHERE = Situation()


class Routing:
    """Answers from the rows, computed once and kept."""

    def __init__(self, mechanism: Mechanism, city: CityIndex | None = None) -> None:
        self.mechanism = mechanism
        self.compiled = Compiled(mechanism, city)
        self._cells: dict[tuple[str, Situation], Cell] = {}
        self._urged: dict[tuple[str, str, Action, str], tuple[EscalationRow, ...]] = {}
        self._kept: dict[tuple[str, str, str], tuple[Any, ...]] = {}
        self._assignments: dict[tuple[str, str], list[tuple[str, tuple[StepRow, ...]]]] = {}
        self._waits: dict[tuple[str, str, Action, str], tuple[EscalationRow, ...]] = {}
        self._steps: dict[tuple[str, str], tuple[StepRow, ...]] = {}
        self._lines: dict[tuple[str, str], dict[str, tuple[StepRow, ...]]] = {}
        self._contacts: dict[tuple[str, str], tuple[ContactRow, ...]] = {}
        self._step_by_key = {row.key: row for row in mechanism.steps}
        self._escalation_by_key = {row.key: row for row in mechanism.escalations}

    def flows(self, hazard: str) -> tuple[str, ...]:
        """What a row may call this hazard, nearest first: itself, its flow, the flows around it, `*`."""
        return self.compiled.flows(hazard)

    def _speaking(self, table: str, hazard: str, level: str, several: bool = False) -> tuple[Any, ...]:
        """Of each group of a table that knows flow and level only, the row that speaks; where `several`
        may, as of the moments of one reminder, all that do."""
        key = (table, hazard, level)
        if key not in self._kept:
            cell = self.compiled.space.cell(level or _SOME_LEVEL)
            spoken = (group.speaking(cell) for group in self.compiled.groups(table, hazard))
            self._kept[key] = tuple(row for rows in spoken for row in (rows if several else rows[:1]))
        return self._kept[key]

    # Who.

    def cell(self, level: str, situation: Situation) -> Cell:
        """The cell of a situation; a response or a warning has no level of a case."""
        level = level or _SOME_LEVEL
        found = self._cells.get((level, situation))
        if found is None:
            if len(self._cells) >= _MOST_KEPT:
                self._cells.clear()
            found = self._cells[level, situation] = self.compiled.space.cell(
                level, kind=situation.kind, stage=situation.stage, tier=situation.tier, area=situation.area,
                phase=situation.phase, day=situation.day, seasons=situation.seasons, minute=situation.minute,
            )  # fmt: skip
        return found

    def role(
        self, flow: str, level: str, part: Participation, situation: Situation = NOWHERE
    ) -> RoleRow | None:
        """The row that names the role taking this part, lead or verify; None where no row does."""
        rows = self.compiled.roles(flow, part).speaking(self.cell(level, situation))
        return rows[0] if rows and isinstance(rows[0], RoleRow) else None

    def parts(
        self, flow: str, level: str, part: Participation, situation: Situation = NOWHERE
    ) -> tuple[RoleRow, ...]:
        """All rows for a part that any number of roles may take, nearest flow first."""
        if part in SINGLE:
            row = self.role(flow, level, part, situation)
            return () if row is None else (row,)
        return self.compiled.holding(flow, part, self.cell(level, situation))

    # What, and by when.

    def grade(self, flow: str, severity: str) -> GradingRow | None:
        """The row that turns a severity into a case level."""
        rows: tuple[GradingRow, ...] = self._speaking("grading", flow, "")
        return next((row for row in rows if row.severity == severity), None)

    def steps(self, flow: str, level: str) -> tuple[StepRow, ...]:
        """The steps of the main line at a level, one row per action, in order."""
        key = (flow, level)
        if key not in self._steps:
            self._steps[key] = tuple(row for row in self._all_steps(flow, level) if not row.line)
        return self._steps[key]

    def lines(self, flow: str, level: str) -> dict[str, tuple[StepRow, ...]]:
        """The steps of every linked order beside the main line, by its name, in order."""
        key = (flow, level)
        if key not in self._lines:
            found: dict[str, list[StepRow]] = {}
            for row in self._all_steps(flow, level):
                if row.line:
                    found.setdefault(row.line, []).append(row)
            self._lines[key] = {line: tuple(rows) for line, rows in found.items()}
        return self._lines[key]

    def _all_steps(self, flow: str, level: str) -> tuple[StepRow, ...]:
        rows: tuple[StepRow, ...] = self._speaking("steps", flow, level)
        return tuple(sorted(rows, key=lambda row: (row.order, row.key)))

    def assignments(self, flow: str, level: str) -> list[tuple[str, tuple[StepRow, ...]]]:
        """Consecutive steps of one role on the main line: each is one order."""
        key = (flow, level)
        if key not in self._assignments:
            grouped = groupby(self.steps(flow, level), key=lambda row: row.role)
            self._assignments[key] = [(role, tuple(rows)) for role, rows in grouped]
        return self._assignments[key]

    def escalations(self, flow: str, level: str, action: Action, line: str = "") -> tuple[EscalationRow, ...]:
        """Escalation rows of a clause, in order of their moment; none where a row says that there is none."""
        key = (flow, level, action, line)
        if key not in self._urged:
            self._urged[key] = self._escalations(flow, level, action, line)
        return self._urged[key]

    def waits(self, flow: str, level: str, action: Action, line: str = "") -> tuple[EscalationRow, ...]:
        """Those of the escalation rows whose moment does not hang on a limit."""
        key = (flow, level, action, line)
        if key not in self._waits:
            rows = self.escalations(flow, level, action, line)
            self._waits[key] = tuple(r for r in rows if r.no_answer_s is not None or r.after_s is not None)
        return self._waits[key]

    def _escalations(self, flow: str, level: str, action: Action, line: str) -> tuple[EscalationRow, ...]:
        rows: tuple[EscalationRow, ...] = self._speaking("escalations", flow, level, several=True)
        mine = [row for row in rows if row.action == action and row.line in (line, "")]
        own = [row for row in mine if row.line == line] or mine
        if any(row.kind == EscalationKind.NONE for row in own):
            return ()
        return tuple(sorted(own, key=lambda row: (moment(row), row.key)))

    def reports(self, flow: str, level: str) -> tuple[ReportRow, ...]:
        """What is reported on a case: one row per kind, recipient and grade."""
        return self._speaking("reports", flow, level)

    def pause(self, flow: str, reason: str, action: Action) -> PauseRow | None:
        """The row that lets this reason stop this action's clock."""
        names = self.flows(flow)
        rows = [
            row
            for row in self.mechanism.pauses
            if row.reason == reason and action in row.actions and row.flow in names
        ]
        return min(rows, key=lambda row: names.index(row.flow), default=None)

    def gather(self, flow: str) -> GatherRow | None:
        """The row that says from when alarms of a flow share a case."""
        return next(iter(self._speaking("gatherings", flow, "")), None)

    def transfers(self, flow: str, level: str, action: Action) -> tuple[TransferRow, ...]:
        """Who may return, hand over, extend, defer …: one row per role."""
        rows: tuple[TransferRow, ...] = self._speaking("transfers", flow, level)
        return tuple(row for row in rows if row.action == action)

    def verification(self, flow: str, level: str, cause: Cause | None = None) -> VerificationRow | None:
        """The row that says how many closures of this cause are verified, and who never can."""
        rows: tuple[VerificationRow, ...] = self._speaking("verifications", flow, level)
        named = [row for row in rows if row.causes and cause in row.causes]
        return next(iter(named or [row for row in rows if not row.causes]), None)

    def contacts(self, flow: str, matter: str = "") -> tuple[ContactRow, ...]:
        """Who answers for a flow, or for one matter of it; the nearest flow first."""
        key = (flow, matter)
        if key not in self._contacts:
            names = self.flows(flow)
            rows = [row for row in self.mechanism.contacts if row.flow in names and row.matter == matter]
            self._contacts[key] = tuple(sorted(rows, key=lambda row: names.index(row.flow)))
        return self._contacts[key]

    # By key.

    def step(self, key: str) -> StepRow | None:
        """A step row by its key, which is also its clause's."""
        return self._step_by_key.get(key)

    def escalation(self, key: str) -> EscalationRow | None:
        """An escalation row by its key."""
        return self._escalation_by_key.get(key)
