"""评价: what a closed case tells of units and rules. Replaced when the case is closed again."""

from __future__ import annotations

import msgspec

from liandong.core.values.case_events import ClauseResult
from liandong.core.values.lists import Cause, Mode


class CaseScored(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A case's clauses and the verdict on the rules that raised it."""

    case: str
    hazard: str
    level: str
    area_path: str
    lead: str
    mode: Mode
    cause: Cause
    real: bool | None  #: None = does not count for the rules' precision (test, drill, duplicate, maintenance)
    rules: tuple[str, ...]
    onset: int
    opened: int
    closed: int
    escalations: int
    clauses: tuple[ClauseResult, ...]


class ScoreState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest score of a case."""

    score: CaseScored | None = None
    version: int = 0


def evolve_score(state: ScoreState, event: CaseScored) -> ScoreState:
    """Apply one event; chooses nothing."""
    return ScoreState(score=event, version=state.version + 1)
