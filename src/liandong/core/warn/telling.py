"""What is said of a risk: to the case, to causes and gathering, or, where an announcement explains it, to
nobody."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import (
    AlarmHold,
    AlarmState,
    AlertChanged,
    AlertCleared,
    AlertRaised,
    AlertSuppressed,
    RiskPassed,
    replace,
)
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.gathering import RiskPlaced
from liandong.core.values.lists import AlarmStage, AnnouncementKind, Mode
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import causes, gather


def changed(state: AlarmState, message: RiskAssessed) -> AlertChanged:
    """What the case is told of a change."""
    return AlertChanged(
        grouping=message.grouping, hazard=message.hazard, asset=message.asset, area=message.area,
        area_path=message.area_path, change=message.change, level=message.level, episode=state.episode,
        finding=message.finding, detail=message.detail, mode=message.mode, place=state.place,
    )  # fmt: skip


def clear(policy: Policy, state: AlarmState, message: RiskAssessed) -> Decision:
    """The risk is over."""
    event = cleared(policy, state, message.finding, message.mode, message.change == "retracted")
    return Decision((event,), (), because("warn.cleared", change=message.change))


def cleared(
    policy: Policy, state: AlarmState, finding: str, mode: Mode, retracted: bool = False
) -> AlertCleared:
    """The end of an active alarm. A risk that may explain others is let go of first where those are known."""
    place = state.place or (state.grouping if causes.key_of(policy, state.grouping) else "")
    return AlertCleared(grouping=state.grouping, finding=finding, retracted=retracted, mode=mode, place=place)


def new_risk(
    policy: Policy, state: AlarmState, message: RiskAssessed, now: int, *, but: str = "", alone: bool = False
) -> Decision:
    """A risk of which nobody has been told: an announcement explains it, or it is told.

    `but` is an announcement that no longer counts; `alone` leaves causes and gathering out.
    """
    if message.detail is not None and message.detail.shadow:
        return nothing("warn.shadow", rule=message.detail.rule)
    if not message.level or message.detail is None:
        return nothing("warn.no_risk", change=message.change)
    suppressed = _suppressed(policy, message, now, but)
    if suppressed is not None:
        return suppressed
    fresh = message if gather.is_new(message) else replace(message, level_before="")
    if not alone and (causes.key_of(policy, message.grouping) or gather.key_of(policy, fresh)):
        return Decision((RiskPassed(risk=fresh),), (), because("warn.passed", level=message.level))
    return start(state, message, None)


def _suppressed(policy: Policy, risk: RiskAssessed, now: int, but: str) -> Decision | None:
    """报备: the owner has said so beforehand, and the level allows to believe it."""
    if not policy.announcements or not policy.alarm_terms.may_hold(risk.hazard, risk.level):
        return None
    found = policy.announced.covers(risk, now, but)
    if found is None:
        return None
    out = found.kind == AnnouncementKind.MAINTENANCE
    hold = AlarmHold(
        stage=AlarmStage.OUT_OF_SERVICE if out else AlarmStage.SUPPRESSED, since=now, until=found.until,
        level=risk.level, by=found.id,
    )  # fmt: skip
    event = AlertSuppressed(
        grouping=risk.grouping, by=found.id, kind=found.kind, hold=hold, risk=risk, at=now
    )
    return Decision((event,), (), because("warn.suppressed", by=found.id, kind=found.kind.value))


def start(state: AlarmState, message: RiskAssessed, placed: RiskPlaced | None) -> Decision:
    """Tell a risk of which nobody knows."""
    if message.detail is not None and message.detail.shadow:
        return nothing("warn.shadow", rule=message.detail.rule)
    if not message.level or message.detail is None:
        return nothing("warn.no_risk", change=message.change)
    gathered = placed is not None and placed.place != ""
    event = AlertRaised(
        grouping=message.grouping, hazard=message.hazard, asset=message.asset,
        area=placed.area if placed and gathered else message.area,
        area_path=placed.area_path if placed and gathered else message.area_path,
        level=message.level, episode=state.episode + 1,
        finding=message.finding, detail=message.detail, mode=message.mode,
        place=placed.place if placed else "", members=placed.members if placed else 0,
    )  # fmt: skip
    return Decision((event,), (), because("warn.raised", level=message.level))
