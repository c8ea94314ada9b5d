"""风险: what assess holds of one hazard at one asset: open findings, level and its basis."""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Mode


class OpenFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that counts towards a risk."""

    id: str
    rule: str
    severity: str
    level: str  #: case level by the grading row; empty where no row grades it
    channel: str
    onset: int
    raised: int
    value: float
    evidence: str = ""
    shadow: bool = False
    settled: bool = False
    ended: bool = False  #: back to normal, though late data may still say otherwise


class RiskAssessed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险已评定: event of assess and message to warn."""

    grouping: str  #: hazard|asset: one risk, one alarm, one open case
    hazard: str
    asset: str
    area: str
    area_path: str
    change: str  #: raised, revised, settled, ended, reopened, retracted or dropped
    finding: str  #: the finding that changed it
    detail: OpenFinding | None  #: the finding as it now is; None once it left
    level_before: str  #: case level, empty = no risk
    level: str
    basis: str  #: key of the row that gave the level
    mode: Mode


class RiskState(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of RiskAssessed."""

    grouping: str = ""
    hazard: str = ""
    asset: str = ""
    level: str = ""
    findings: dict[str, OpenFinding] = {}
    version: int = 0


replace = msgspec.structs.replace


def evolve_risk(state: RiskState, event: RiskAssessed) -> RiskState:
    """Apply one event; chooses nothing."""
    findings = dict(state.findings)
    if event.detail is None:
        findings.pop(event.finding, None)
    else:
        findings[event.finding] = event.detail
    return RiskState(
        grouping=event.grouping,
        hazard=event.hazard,
        asset=event.asset,
        level=event.level,
        findings=findings,
        version=state.version + 1,
    )
