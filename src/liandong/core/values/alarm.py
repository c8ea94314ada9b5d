"""告警: the internal alarm of one hazard at one asset, after ANSI/ISA-18.2.

Active or not, acknowledged or not, and perhaps held back: shelved, suppressed, out of service, or cleared by
hand. Whatever is held back is told when the hold ends, if it is still there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import AlarmAction, AlarmStage, AnnouncementKind, CaseStage, HoldEnd, Mode
from liandong.core.values.risk import OpenFinding, RiskAssessed
from liandong.core.values.scales import CASE_LEVELS

#: So many raises are remembered to see chatter; a rule for more of them could not be seen.
RAISES_KEPT = 16
replace = msgspec.structs.replace


class AlarmAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """告警动作: a person, as one post, does something about an internal alarm."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str
    grouping: str
    action: AlarmAction
    person: str
    post: str
    version: int  #: If-Match
    until: int | None = None  #: when a hold ends
    reason: VaultRef | None = None


class AlarmHold(msgspec.Struct, frozen=True, kw_only=True):
    """搁置或屏蔽: why nobody is told, by whom, until when."""

    stage: AlarmStage  #: shelved, suppressed, out_of_service or cleared
    since: int
    until: int
    level: str = ""  #: of the risk when the hold began
    by: str = ""  #: announcement; empty = a person
    person: str = ""
    post: str = ""
    reason: VaultRef | None = None


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


class AlertSuppressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报备屏蔽: an announcement explains the risk, so nobody is told. Also told to the announcement."""

    grouping: str
    by: str  #: announcement
    kind: AnnouncementKind
    hold: AlarmHold
    risk: RiskAssessed
    at: int


class AlertHeld(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """搁置、屏蔽、停用或人工解除: a person holds the alarm back, with a reason and an end."""

    grouping: str
    hold: AlarmHold
    risk: RiskAssessed | None  #: what is there now
    timer: Timer


class AlertKept(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """搁置期间的变化: what has become of the risk while the alarm is held back; None = it is gone."""

    grouping: str
    risk: RiskAssessed | None


class AlertReleased(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """恢复提示: the hold is over, and what is still there is told; the announcement behind it learns it."""

    grouping: str
    stage: AlarmStage
    end: HoldEnd
    by: str = ""  #: announcement
    person: str = ""
    post: str = ""
    there: bool  #: the risk is still there
    at: int


class AlertAcknowledged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """告警已确认."""

    grouping: str
    episode: int
    person: str
    post: str
    at: int


class AcknowledgementTakenBack(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """确认已撤回: whoever acknowledged was wrong; the alarm is unacknowledged again."""

    grouping: str
    episode: int
    person: str
    post: str
    acknowledged_by: str
    at: int


class AlertChattered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """抖动: the alarm comes and goes too often; it stays one alarm until it has been calm for a while."""

    grouping: str
    raised: bool  #: it came; else it went
    count: int  #: raises of this chatter so far
    detail: OpenFinding | None = None
    timers: tuple[Timer, ...] = ()


class RiskPassed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险放行: nothing at the alarm itself holds this new risk back. Message to warn, which looks for causes
    and counts it by area."""

    risk: RiskAssessed


class SuppressionEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报备屏蔽结束: an announcement is over; what it holds back is told if it is still there."""

    grouping: str
    by: str
    at: int
    mode: Mode


class AlarmState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of the alert events."""

    grouping: str = ""
    hazard: str = ""
    asset: str = ""
    area_path: str = "/"
    mode: Mode = Mode.REAL
    active: bool = False
    acknowledged: bool = False
    acknowledged_by: str = ""
    acknowledged_at: int = 0
    episode: int = 0
    level: str = ""
    place: str = ""  #: grouping of the case that many alarms share
    inhibited_by: str = ""
    risk: RiskAssessed | None = None  #: of one that is inhibited or held back, the newest
    detail: OpenFinding | None = None  #: finding that raised or changed it last
    since: int = 0  #: event time of the raise
    hold: AlarmHold | None = None
    raises: tuple[int, ...] = ()  #: event times of the newest raises
    chatter: int = 0  #: raises of a chatter that goes on
    retold: bool = False  #: what is told next was there before a hold, and has not come again
    gone: bool = False  #: the condition is away for the moment, while it chatters
    timers: dict[str, Timer] = {}
    version: int = 0

    @property
    def stage(self) -> AlarmStage:
        """Where it stands on the list of alarms."""
        if self.hold is not None:
            return self.hold.stage
        if self.inhibited_by:
            return AlarmStage.SUPPRESSED
        if self.active:
            return AlarmStage.ACKNOWLEDGED if self.acknowledged else AlarmStage.UNACKNOWLEDGED
        return AlarmStage.NORMAL if self.acknowledged or not self.episode else AlarmStage.RETURNED


def stage_on_list(stored: str, case: str) -> AlarmStage:
    """Where an alarm stands on the list, given the stage of its case (empty = none).

    To judge a case is to have seen its alarm, so nobody has to acknowledge twice.
    """
    if not case or case == CaseStage.OPENED:
        return AlarmStage(stored)
    if stored == AlarmStage.UNACKNOWLEDGED:
        return AlarmStage.ACKNOWLEDGED
    return AlarmStage.NORMAL if stored == AlarmStage.RETURNED else AlarmStage(stored)


def evolve_alarm(state: AlarmState, event: Any) -> AlarmState:
    """Apply one event; chooses nothing."""
    after: AlarmState = _APPLY[type(event)](state, event)
    return replace(after, grouping=state.grouping or _grouping_of(event), version=state.version + 1)


def _grouping_of(event: Any) -> str:
    grouping: str = event.risk.grouping if isinstance(event, RiskPassed) else event.grouping
    return grouping


def _risk(s: AlarmState, risk: RiskAssessed | None, **more: Any) -> AlarmState:
    """With the risk that is kept while nobody is told; of one that is gone, what it was of is kept."""
    if risk is None:
        return replace(s, risk=None, **more)
    return replace(
        s, risk=risk, hazard=risk.hazard, asset=risk.asset, area_path=risk.area_path, mode=risk.mode,
        detail=risk.detail or s.detail, **more,
    )  # fmt: skip


def _raised(s: AlarmState, e: AlertRaised) -> AlarmState:
    # A gathered alarm speaks of the area of its storm; its own came with the risk before it.
    path = s.area_path if e.place and s.hazard else e.area_path
    # Told again is not come again: it makes no chatter.
    again = s.active or s.retold or s.raises[-1:] == (e.detail.raised,)
    return AlarmState(
        grouping=s.grouping, hazard=e.hazard, asset=e.asset, area_path=path, mode=e.mode, active=True,
        episode=e.episode, level=e.level, place=e.place, detail=e.detail, since=e.detail.raised,
        raises=s.raises if again else (*s.raises, e.detail.raised)[-RAISES_KEPT:], version=s.version,
    )  # fmt: skip


def _changed(s: AlarmState, e: AlertChanged) -> AlarmState:
    worse = bool(s.level) and CASE_LEVELS[e.level].worse_than(CASE_LEVELS[s.level])
    return replace(
        s, active=True, level=e.level, detail=e.detail or s.detail, inhibited_by="", risk=None,
        acknowledged=s.acknowledged and not worse,
    )  # fmt: skip


def _cleared(s: AlarmState, e: AlertCleared) -> AlarmState:
    timers = s.timers if s.hold is not None else {}
    return replace(
        s, active=False, level="", inhibited_by="", risk=None, chatter=0, gone=False, timers=timers
    )  # fmt: skip


def _chattered(s: AlarmState, e: AlertChattered) -> AlarmState:
    raises = (*s.raises, e.detail.raised)[-RAISES_KEPT:] if e.raised and e.detail else s.raises
    return replace(
        s, chatter=e.count, gone=not e.raised, detail=e.detail or s.detail, raises=raises,
        timers={t.id: t for t in e.timers},
    )  # fmt: skip


_APPLY: dict[type, Any] = {
    AlertRaised: _raised,
    AlertChanged: _changed,
    AlertCleared: _cleared,
    AlertInhibited: lambda s, e: _risk(s, e.risk, inhibited_by=e.by),
    AlertSuppressed: lambda s, e: _risk(s, e.risk, hold=e.hold, inhibited_by=""),
    AlertHeld: lambda s, e: _risk(
        s, e.risk, hold=e.hold, timers={e.timer.id: e.timer}, chatter=0, gone=False, acknowledged=True,
        acknowledged_by=e.hold.person, acknowledged_at=e.hold.since,
    ),
    AlertKept: lambda s, e: _risk(s, e.risk),
    AlertReleased: lambda s, e: replace(s, hold=None, risk=None, timers={}, retold=e.there),
    AlertAcknowledged: lambda s, e: replace(
        s, acknowledged=True, acknowledged_by=e.person, acknowledged_at=e.at
    ),
    AcknowledgementTakenBack: lambda s, e: replace(
        s, acknowledged=False, acknowledged_by="", acknowledged_at=0
    ),
    AlertChattered: _chattered,
    RiskPassed: lambda s, e: replace(_risk(s, e.risk), risk=None),
}  # fmt: skip
#: Events of this module that are new with holds; the others are named where they have versions.
ALARM_EVENTS = (
    AlertSuppressed, AlertHeld, AlertKept, AlertReleased, AlertAcknowledged, AcknowledgementTakenBack,
    AlertChattered, RiskPassed, SuppressionEnded,
)  # fmt: skip
