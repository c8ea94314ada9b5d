"""The internal alarm of one hazard at one asset: raised, changed, cleared."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlarmState, AlertChanged, AlertCleared, AlertInhibited, AlertRaised
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.gathering import InhibitionEnded, RiskPlaced, RiskUncaused
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import causes

#: Changes of a finding of which the case need not know while the level stays.
_SILENT = ("dropped",)


def decide(
    policy: Policy,
    state: AlarmState,
    message: RiskAssessed | RiskPlaced | RiskUncaused | InhibitionEnded,
    now: int,
) -> Decision:
    """Raise, change, hold back or clear the alarm of this grouping."""
    if isinstance(message, InhibitionEnded):
        return _released(state)
    placed = message if isinstance(message, RiskPlaced) else None
    message = message.risk if isinstance(message, (RiskPlaced, RiskUncaused)) else message
    if state.inhibited_by or (placed is not None and placed.inhibited_by):
        return _held(state, message, placed)
    if not state.active:
        return _start(state, message, placed)
    if not message.level:
        # A risk that may explain others is let go of first where those are known.
        place = state.place or (state.grouping if causes.key_of(policy, state.grouping) else "")
        event = AlertCleared(
            grouping=message.grouping, finding=message.finding, retracted=message.change == "retracted",
            mode=message.mode, place=place,
        )  # fmt: skip
        return Decision((event,), (), because("warn.cleared", change=message.change))
    if message.change in _SILENT and message.level == state.level:
        return nothing("warn.nothing_new", change=message.change)
    if message.detail is not None and message.detail.shadow:
        return nothing("warn.shadow", rule=message.detail.rule)
    if state.place and message.level == state.level:
        return nothing("warn.gathered", place=state.place, change=message.change)
    changed = AlertChanged(
        grouping=message.grouping, hazard=message.hazard, asset=message.asset, area=message.area,
        area_path=message.area_path, change=message.change, level=message.level, episode=state.episode,
        finding=message.finding, detail=message.detail, mode=message.mode, place=state.place,
    )  # fmt: skip
    return Decision((changed,), (), because("warn.changed", change=message.change, level=message.level))


def _held(state: AlarmState, message: RiskAssessed, placed: RiskPlaced | None) -> Decision:
    """Something else explains it: kept as it is, and told only if it outlasts that."""
    if not message.level:
        event = AlertCleared(
            grouping=message.grouping, finding=message.finding, retracted=message.change == "retracted",
            mode=message.mode,
        )  # fmt: skip
        return Decision((event,), (), because("warn.cleared", change=message.change))
    by = placed.inhibited_by if placed is not None and placed.inhibited_by else state.inhibited_by
    held = AlertInhibited(grouping=message.grouping, by=by, risk=message)
    return Decision((held,), (), because("warn.held", by=by))


def _released(state: AlarmState) -> Decision:
    """What explained it is over: it is told now, if it is still there."""
    if not state.inhibited_by or state.risk is None:
        return nothing("warn.no_risk", change="released")
    return _start(state, state.risk, None)


def _start(state: AlarmState, message: RiskAssessed, placed: RiskPlaced | None) -> Decision:
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
