"""The compiled form of a mechanism: which row speaks for a flow and a level.

The most specific row wins: an exact level before `*`, then an exact flow before `*`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

from liandong.core.values.lists import Action, Participation
from liandong.core.values.rows import EscalationRow, GradingRow, Mechanism, PauseRow, RoleRow, StepRow

ANY = "*"


Row = TypeVar("Row", RoleRow, StepRow, EscalationRow)


def _matching(rows: Iterable[Row], flow: str, level: str) -> list[tuple[tuple[bool, bool], Row]]:
    """Rows that cover (flow, level), each with its specificity."""
    return [
        ((row.level == level, row.flow == flow), row)
        for row in rows
        if row.flow in (flow, ANY) and row.level in (level, ANY)
    ]


class Routing:
    """Answers from the rows, computed once per (flow, level) and kept."""

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self._steps: dict[tuple[str, str], tuple[StepRow, ...]] = {}
        self._roles: dict[tuple[str, str, Participation], list[tuple[tuple[bool, bool], RoleRow]]] = {}
        self._assignments: dict[tuple[str, str], list[tuple[str, tuple[StepRow, ...]]]] = {}
        self._escalations: dict[tuple[str, str, Action], tuple[EscalationRow, ...]] = {}
        self._step_by_key = {row.key: row for row in mechanism.steps}
        self._escalation_by_key = {row.key: row for row in mechanism.escalations}

    def grade(self, flow: str, severity: str) -> GradingRow | None:
        """The row that turns a severity into a case level."""
        rows = [row for row in self.mechanism.grading if row.flow in (flow, ANY) and row.severity == severity]
        return max(rows, key=lambda row: row.flow == flow, default=None)

    def role(self, flow: str, level: str, part: Participation) -> RoleRow | None:
        """The row that names the role taking this part; of several the most specific."""
        ranked = self._ranked(flow, level, part)
        return max(ranked, key=lambda pair: pair[0])[1] if ranked else None

    def parts(self, flow: str, level: str, part: Participation) -> tuple[RoleRow, ...]:
        """All rows for a part that any number of roles may take."""
        return tuple(row for _, row in self._ranked(flow, level, part))

    def _ranked(self, flow: str, level: str, part: Participation) -> list[tuple[tuple[bool, bool], RoleRow]]:
        key = (flow, level, part)
        if key not in self._roles:
            self._roles[key] = _matching((r for r in self.mechanism.roles if r.part == part), flow, level)
        return self._roles[key]

    def steps(self, flow: str, level: str) -> tuple[StepRow, ...]:
        """The steps of a flow at a level, one row per action, in order."""
        key = (flow, level)
        if key not in self._steps:
            best: dict[Action, tuple[tuple[bool, bool], StepRow]] = {}
            for rank, row in _matching(self.mechanism.steps, flow, level):
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
            best: dict[str, tuple[tuple[bool, bool], EscalationRow]] = {}
            for rank, row in _matching(
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

    def pause(self, flow: str, reason: str, action: Action) -> PauseRow | None:
        """The row that lets this reason stop this action's clock."""
        rows = [
            row
            for row in self.mechanism.pauses
            if row.flow in (flow, ANY) and row.reason == reason and action in row.actions
        ]
        return max(rows, key=lambda row: row.flow == flow, default=None)
