"""The compiled form of a mechanism: which row speaks for a hazard and a level.

The most specific row wins: an exact level before `*`, then the nearest flow: the hazard itself, the
flow that it takes, the wider flow that this one lies within, `*`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

from liandong.core.values.lists import Action, Participation, ReportKind
from liandong.core.values.rows import (
    ContactRow,
    EscalationRow,
    GatherRow,
    GradingRow,
    Mechanism,
    PauseRow,
    ReportRow,
    RoleRow,
    StepRow,
)

ANY = "*"


Row = TypeVar("Row", RoleRow, StepRow, EscalationRow, ReportRow)
OfFlow = TypeVar("OfFlow", GradingRow, PauseRow, GatherRow)
#: How specific a row is: level, flow; of a role also tier and stage.
Rank = tuple[int, ...]


class Routing:
    """Answers from the rows, computed once per (flow, level) and kept."""

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self._flow_by_key = {row.key: row for row in mechanism.flows}
        self._flow_of = {hazard: row for row in mechanism.flows for hazard in row.hazards}
        self._flows: dict[str, tuple[str, ...]] = {}
        self._steps: dict[tuple[str, str], tuple[StepRow, ...]] = {}
        self._roles: dict[tuple[str, str, Participation, str, str], list[tuple[Rank, RoleRow]]] = {}
        self._assignments: dict[tuple[str, str], list[tuple[str, tuple[StepRow, ...]]]] = {}
        self._escalations: dict[tuple[str, str, Action], tuple[EscalationRow, ...]] = {}
        self._step_by_key = {row.key: row for row in mechanism.steps}
        self._escalation_by_key = {row.key: row for row in mechanism.escalations}

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

    def _matching(self, rows: Iterable[Row], hazard: str, level: str) -> list[tuple[Rank, Row]]:
        """Rows that cover (hazard, level), each with its specificity."""
        names = self.flows(hazard)
        return [
            ((row.level == level, -names.index(row.flow)), row)
            for row in rows
            if row.flow in names and row.level in (level, ANY)
        ]

    def _nearest(self, rows: Iterable[OfFlow], hazard: str) -> OfFlow | None:
        """Of rows that know no level, the one of the nearest flow."""
        names = self.flows(hazard)
        speaking = (row for row in rows if row.flow in names)
        return min(speaking, key=lambda row: names.index(row.flow), default=None)

    def grade(self, flow: str, severity: str) -> GradingRow | None:
        """The row that turns a severity into a case level."""
        return self._nearest((row for row in self.mechanism.grading if row.severity == severity), flow)

    def role(
        self, flow: str, level: str, part: Participation, tier: str = "", stage: str = ""
    ) -> RoleRow | None:
        """The row that names the role taking this part; of several the most specific."""
        ranked = self._ranked(flow, level, part, tier, stage)
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def parts(
        self, flow: str, level: str, part: Participation, tier: str = "", stage: str = ""
    ) -> tuple[RoleRow, ...]:
        """All rows for a part that any number of roles may take."""
        return tuple(row for _, row in self._ranked(flow, level, part, tier, stage))

    def _ranked(
        self, flow: str, level: str, part: Participation, tier: str, stage: str
    ) -> list[tuple[Rank, RoleRow]]:
        key = (flow, level, part, tier, stage)
        if key not in self._roles:
            rows = (
                row
                for row in self.mechanism.roles
                if row.part == part and row.role and row.tier in (tier, ANY) and row.stage in (stage, ANY)
            )
            self._roles[key] = [
                ((*rank, row.tier != ANY, row.stage != ANY), row)
                for rank, row in self._matching(rows, flow, level)
            ]
        return self._roles[key]

    def steps(self, flow: str, level: str) -> tuple[StepRow, ...]:
        """The steps of a flow at a level, one row per action, in order."""
        key = (flow, level)
        if key not in self._steps:
            best: dict[Action, tuple[Rank, StepRow]] = {}
            for rank, row in self._matching(self.mechanism.steps, flow, level):
                if row.action not in best or rank > best[row.action][0]:
                    best[row.action] = (rank, row)
            self._steps[key] = tuple(
                sorted((row for _, row in best.values()), key=lambda r: (r.order, r.key))
            )
        return self._steps[key]

    def assignments(self, flow: str, level: str) -> list[tuple[str, tuple[StepRow, ...]]]:
        """Consecutive steps of one role: each is one order."""
        key = (flow, level)
        if key not in self._assignments:
            grouped = groupby(self.steps(flow, level), key=lambda row: row.role)
            self._assignments[key] = [(role, tuple(rows)) for role, rows in grouped]
        return self._assignments[key]

    def escalations(self, flow: str, level: str, action: Action) -> tuple[EscalationRow, ...]:
        """Escalation rows of a clause, mildest kind once each, in order of their moment."""
        key = (flow, level, action)
        if key not in self._escalations:
            best: dict[str, tuple[Rank, EscalationRow]] = {}
            for rank, row in self._matching(
                (r for r in self.mechanism.escalations if r.action == action), flow, level
            ):
                if row.kind not in best or rank > best[row.kind][0]:
                    best[row.kind] = (rank, row)
            rows = sorted((row for _, row in best.values()), key=lambda r: (r.fraction, r.key))
            self._escalations[key] = tuple(rows)
        return self._escalations[key]

    def step(self, key: str) -> StepRow | None:
        """A step row by its key, which is also its clause's."""
        return self._step_by_key.get(key)

    def escalation(self, key: str) -> EscalationRow | None:
        """An escalation row by its key."""
        return self._escalation_by_key.get(key)

    def gather(self, flow: str) -> GatherRow | None:
        """The row that says from when alarms of a flow share a case."""
        return self._nearest(self.mechanism.gatherings, flow)

    def contacts(self, flow: str, matter: str = "") -> tuple[ContactRow, ...]:
        """Who answers for a flow, or for one matter of it; the nearest flow first."""
        names = self.flows(flow)
        rows = [row for row in self.mechanism.contacts if row.flow in names and row.matter == matter]
        return tuple(sorted(rows, key=lambda row: names.index(row.flow)))

    def reports(self, flow: str, level: str) -> tuple[ReportRow, ...]:
        """What is reported on a case: of one kind and recipient the most specific row."""
        best: dict[tuple[ReportKind, str], tuple[Rank, ReportRow]] = {}
        for rank, row in self._matching(self.mechanism.reports, flow, level):
            key = (row.kind, row.recipient)
            if key not in best or rank > best[key][0]:
                best[key] = (rank, row)
        return tuple(row for _, row in best.values())

    def pause(self, flow: str, reason: str, action: Action) -> PauseRow | None:
        """The row that lets this reason stop this action's clock."""
        rows = (r for r in self.mechanism.pauses if r.reason == reason and action in r.actions)
        return self._nearest(rows, flow)
