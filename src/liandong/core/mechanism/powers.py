"""Rows of authority: which row speaks for a public warning, a decision, a measure, a resource.

Of the rows that hold, those of the nearest flow remain; of those, the row that narrows the colour or level
wins over one that does not, then the row that narrows the territory. Two rows that still stand beside one
another are a fault of the document (P2); until it is mended the first by key speaks. Measures are no such
group: all that hold are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from liandong.core.values.authority_rows import DecisionRow, MeasureRow, ResourceRow, WarningRow
from liandong.core.values.document import Mechanism
from liandong.core.values.rows import ANY, Row, says
from liandong.core.values.scales import Scale

_Row = TypeVar("_Row", bound=Row)
_OfFlow = TypeVar("_OfFlow", WarningRow, DecisionRow, MeasureRow)


class Powers:
    """Answers from the rows of authority. `flows` gives what a row may call a hazard, nearest first."""

    def __init__(self, mechanism: Mechanism, flows: Callable[[str], tuple[str, ...]]) -> None:
        self._mechanism, self._flows = mechanism, flows

    def warning(self, hazard: str, colour: str, territory: str) -> WarningRow | None:
        """Who drafts, approves, publishes, raises, lowers and lifts; `territory` is a level of the tree."""
        rows = [
            row
            for row in self._mechanism.warnings
            if says(row.colour, colour) and says(row.territory, territory)
        ]
        return _first(self._nearest(rows, hazard), lambda row: (row.colour == ANY, row.territory == ANY))

    def decision(self, hazard: str, scale: Scale, code: str) -> DecisionRow | None:
        """Who has to decide under a colour or a level; None where no row forces anybody."""
        rows = [row for row in self._mechanism.decisions if row.scale == scale and says(row.code, code)]
        return _first(self._nearest(rows, hazard), lambda row: row.code == ANY)

    def deciders(self, hazard: str) -> tuple[str, ...]:
        """Roles that decide about this hazard at all, those of the nearest flow first."""
        return tuple(dict.fromkeys(row.decider for row, _ in self._named(self._mechanism.decisions, hazard)))

    def measures(self, hazard: str, scale: Scale, code: str) -> tuple[MeasureRow, ...]:
        """What has to be taken, or not taken with a reason, under a colour or a response level: all rows
        that hold, those of the nearest flow first."""
        rows = [row for row in self._mechanism.measures if row.scale == scale and says(row.code, code)]
        return tuple(row for row, _ in self._named(rows, hazard))

    def resource(self, resource: str, level: str, owner: str = "") -> ResourceRow | None:
        """Who may ask for, release, requisition and pay for a kind of resource at a level of the case.

        `owner` is a role of the rows; without it the first row that speaks for the level.
        """
        rows = [
            row
            for row in self._mechanism.resources
            if row.resource == resource and says(row.level, level) and owner in ("", row.owner)
        ]
        return _first(rows, lambda row: row.level == ANY)

    def resource_row(self, key: str) -> ResourceRow | None:
        """A resource row by its key."""
        return next((row for row in self._mechanism.resources if row.key == key), None)

    def _nearest(self, rows: Iterable[_OfFlow], hazard: str) -> list[_OfFlow]:
        """Of rows that name this hazard, its flow or a wider one, those of the nearest."""
        named = self._named(rows, hazard)
        return [row for row, rank in named if rank == named[0][1]]

    def _named(self, rows: Iterable[_OfFlow], hazard: str) -> list[tuple[_OfFlow, int]]:
        """Rows that name this hazard, its flow or a wider one, each with how far that is, nearest first."""
        names = self._flows(hazard)
        found = [(row, [names.index(f) for f in _flows_of(row.flow) if f in names]) for row in rows]
        return sorted(((row, min(ranks)) for row, ranks in found if ranks), key=lambda pair: pair[1])


def _flows_of(axis: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in axis.split(";"))


def _first(rows: list[_Row], rank: Callable[[_Row], tuple[bool, ...] | bool]) -> _Row | None:
    return min(rows, key=lambda row: (rank(row), row.key), default=None)
