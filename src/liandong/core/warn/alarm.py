"""The internal alarm of one hazard at one asset: raised, changed, held back, cleared.

Whatever becomes of a risk comes here first. A new risk that nothing at the alarm holds back goes on to causes
and gathering, and comes back from there.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlarmAct, AlarmState, AlertCleared, AlertInhibited, SuppressionEnded
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.gathering import InhibitionEnded, RiskPlaced, RiskUncaused
from liandong.core.values.messages import TimerFired
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import acts, chatter, holds
from liandong.core.warn.telling import changed, clear, new_risk, start

#: Changes of a finding of which the case need not know while the level stays.
_SILENT = ("dropped",)


def decide(policy: Policy, state: AlarmState, message: Any, now: int) -> Decision:
    """Raise, change, hold back, tell again or clear the alarm of this grouping."""
    if isinstance(message, AlarmAct):
        return acts.decide(policy, state, message, now)
    if isinstance(message, TimerFired):
        return _fired(policy, state, message, now)
    if isinstance(message, SuppressionEnded):
        return holds.announcement_over(policy, state, message, now)
    if isinstance(message, InhibitionEnded):
        return _released(policy, state, now)
    if isinstance(message, RiskAssessed):
        return _assessed(policy, state, message, now)
    placed = message if isinstance(message, RiskPlaced) else None
    assert placed is not None or isinstance(message, RiskUncaused)
    if placed is not None and placed.inhibited_by:
        return _inhibited(state, message.risk, placed.inhibited_by)
    return start(state, message.risk, placed)


def _assessed(policy: Policy, state: AlarmState, message: RiskAssessed, now: int) -> Decision:
    if state.inhibited_by:
        return _inhibited(state, message, state.inhibited_by)
    if state.hold is not None:
        return holds.word(policy, state, message, now)
    if not state.active:
        return new_risk(policy, state, message, now)
    if chatter.goes_on(policy, state, message):
        return chatter.decide(policy, state, message, now)
    return clear(policy, state, message) if not message.level else _change(state, message)


def _change(state: AlarmState, message: RiskAssessed) -> Decision:
    if message.change in _SILENT and message.level == state.level:
        return nothing("warn.nothing_new", change=message.change)
    if message.detail is not None and message.detail.shadow:
        return nothing("warn.shadow", rule=message.detail.rule)
    if state.place and message.level == state.level:
        return nothing("warn.gathered", place=state.place, change=message.change)
    return Decision(
        (changed(state, message),), (), because("warn.changed", level=message.level, change=message.change)
    )


def _inhibited(state: AlarmState, message: RiskAssessed, by: str) -> Decision:
    """Another risk explains this one: nobody is told while that one lasts."""
    if message.detail is not None and message.detail.shadow:
        return nothing("warn.shadow", rule=message.detail.rule)
    if not message.level:
        event = AlertCleared(
            grouping=message.grouping, finding=message.finding, retracted=message.change == "retracted",
            mode=message.mode,
        )  # fmt: skip
        return Decision((event,), (), because("warn.cleared", change=message.change))
    held = AlertInhibited(grouping=message.grouping, by=by, risk=message)
    return Decision((held,), (), because("warn.held", by=by))


def _released(policy: Policy, state: AlarmState, now: int) -> Decision:
    """What explained it is over: it is told now, if it is still there."""
    if not state.inhibited_by or state.risk is None:
        return nothing("warn.no_risk", change="released")
    return new_risk(policy, state, state.risk, now, alone=True)


def _fired(policy: Policy, state: AlarmState, message: TimerFired, now: int) -> Decision:
    timer = state.timers.get(message.timer)
    if timer is None:
        return nothing("timer.gone", timer=message.timer)
    return holds.expired(policy, state, now) if timer.clock == holds.CLOCK else chatter.calm(policy, state)
