"""告警: the internal alarm of one hazard at one asset (active × acknowledged, after ISA-18.2)."""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Mode
from liandong.core.values.risk import OpenFinding, RiskAssessed


class AlertRaised(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险提示: to those who must act. Event of warn and message to coordinate."""

    grouping: str
    hazard: str
    asset: str
    area: str
    area_path: str
    level: str
    episode: int  #: ordinal of the alarm's episode
    finding: str
    detail: OpenFinding
    mode: Mode
    place: str = ""  #: grouping of the case that many alarms share; empty = its own
    members: int = 0  #: which one of the storm it is


class AlertChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险提示变更: level or findings changed while the alarm is active."""

    grouping: str
    hazard: str
    asset: str
    area: str
    area_path: str
    change: str  #: as in RiskAssessed
    level: str
    episode: int
    finding: str
    detail: OpenFinding | None
    mode: Mode
    place: str = ""


class AlertCleared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险提示解除: no finding is left; `retracted` says that none was ever right."""

    grouping: str
    finding: str
    retracted: bool
    mode: Mode
    place: str = ""


class AlertInhibited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """抑制: another risk explains this one, so nobody is told while that one lasts."""

    grouping: str
    by: str  #: grouping of what explains it
    risk: RiskAssessed  #: as it now is; told when what explains it is over


class AlarmState(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of the alert events."""

    grouping: str = ""
    active: bool = False
    acknowledged: bool = False
    episode: int = 0
    level: str = ""
    place: str = ""  #: grouping of the case that many alarms share
    inhibited_by: str = ""
    risk: RiskAssessed | None = None  #: of an inhibited one, the newest
    version: int = 0


AlarmEvent = AlertRaised | AlertChanged | AlertCleared | AlertInhibited


def evolve_alarm(state: AlarmState, event: AlarmEvent) -> AlarmState:
    """Apply one event; chooses nothing."""
    if isinstance(event, AlertInhibited):
        return msgspec.structs.replace(
            state, grouping=event.grouping, inhibited_by=event.by, risk=event.risk, version=state.version + 1
        )
    if isinstance(event, AlertRaised):
        return AlarmState(
            grouping=event.grouping,
            active=True,
            acknowledged=False,
            episode=event.episode,
            level=event.level,
            place=event.place,
            version=state.version + 1,
        )
    level = event.level if isinstance(event, AlertChanged) else ""
    return msgspec.structs.replace(
        state, active=isinstance(event, AlertChanged), level=level, inhibited_by="", risk=None,
        version=state.version + 1,
    )  # fmt: skip
