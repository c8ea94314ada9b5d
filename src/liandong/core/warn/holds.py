"""搁置、屏蔽与停用: what happens to an alarm while nobody is told, and when that ends.

A hold ends at its time, by hand, with its announcement, or at once where the risk becomes one that must be
told. What is still there then is told: again, if it was told before.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import (
    AlarmState,
    AlertKept,
    AlertRaised,
    AlertReleased,
    SuppressionEnded,
    evolve_alarm,
)
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.lists import AlarmStage, HoldEnd
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.warn.telling import clear, new_risk

#: Clock of the timer that ends a hold.
CLOCK = "hold"
#: Changes that add a finding: an announcement has to cover each of them.
_ADDS = ("raised", "reopened")


def word(policy: Policy, state: AlarmState, risk: RiskAssessed, now: int) -> Decision:
    """A change of the risk while the alarm is held back."""
    if risk.detail is not None and risk.detail.shadow:
        return nothing("warn.shadow", rule=risk.detail.rule)
    if not risk.level:
        return _gone(policy, state, risk, now)
    end = _must_end(policy, state, risk, now)
    if end is not None:
        return release(policy, state, end, now, risk=risk)
    kept = AlertKept(grouping=state.grouping, risk=risk)
    return Decision((kept,), (), because("warn.kept", level=risk.level, change=risk.change))


def _must_end(policy: Policy, state: AlarmState, risk: RiskAssessed, now: int) -> HoldEnd | None:
    """Why the hold does not stand for what the risk is now; None where it does."""
    hold = state.hold
    assert hold is not None
    if not policy.alarm_terms.may_hold(risk.hazard, risk.level):
        return HoldEnd.WORSE
    worse = hold.level and CASE_LEVELS[risk.level].worse_than(CASE_LEVELS[hold.level])
    if hold.stage == AlarmStage.CLEARED and worse:
        return HoldEnd.WORSE
    if hold.by and risk.change in _ADDS:
        found = policy.announced.covers(risk, now)
        return None if found is not None else HoldEnd.UNCOVERED
    return None


def _gone(policy: Policy, state: AlarmState, risk: RiskAssessed, now: int) -> Decision:
    """The risk is over. A shelf stays for its time; what held back just this one risk ends with it."""
    hold = state.hold
    assert hold is not None
    if state.active:
        return clear(policy, state, risk)
    if hold.by or hold.stage == AlarmStage.CLEARED:
        return _ended(state, HoldEnd.RETURNED, now, there=False)
    return Decision(
        (AlertKept(grouping=state.grouping, risk=None),), (), because("warn.cleared", change=risk.change)
    )


def _ended(
    state: AlarmState, end: HoldEnd, now: int, there: bool, person: str = "", post: str = ""
) -> Decision:
    hold = state.hold
    assert hold is not None
    event = AlertReleased(
        grouping=state.grouping, stage=hold.stage, end=end, by=hold.by, person=person, post=post, there=there,
        at=now,
    )  # fmt: skip
    return Decision((event,), (), because("warn.released", end=end.value, state=hold.stage.value))


def release(
    policy: Policy, state: AlarmState, end: HoldEnd, now: int, *, risk: RiskAssessed | None = None,
    person: str = "", post: str = "",
) -> Decision:  # fmt: skip
    """End the hold, and tell what is still there; `risk` is it where it is news."""
    hold, risk = state.hold, risk or state.risk
    assert hold is not None
    ended = _ended(state, end, now, risk is not None, person, post)
    if risk is None:
        return ended
    after: Any = evolve_alarm(state, ended.events[0])
    told = _again(state, risk) if state.active else new_risk(policy, after, risk, now, but=hold.by)
    return Decision((*ended.events, *told.events), told.effects, ended.reason)


def _again(state: AlarmState, risk: RiskAssessed) -> Decision:
    """An alarm that was told before the hold, and has a case: told again, as one more episode."""
    assert risk.detail is not None
    event = AlertRaised(
        grouping=risk.grouping, hazard=risk.hazard, asset=risk.asset, area=risk.area,
        area_path=risk.area_path, level=risk.level, episode=state.episode + 1, finding=risk.finding,
        detail=risk.detail, mode=risk.mode, place=state.place,
    )  # fmt: skip
    return Decision((event,), (), because("warn.raised", level=risk.level))


def expired(policy: Policy, state: AlarmState, now: int) -> Decision:
    """The hold's time has come, without any message about the risk."""
    return release(policy, state, HoldEnd.EXPIRED, now)


def announcement_over(policy: Policy, state: AlarmState, message: SuppressionEnded, now: int) -> Decision:
    """The announcement that holds this alarm back is over."""
    if state.hold is None or state.hold.by != message.by:
        return nothing("warn.not_held", by=message.by)
    return release(policy, state, HoldEnd.ANNOUNCEMENT_OVER, now)
