"""What a person does about an alarm: acknowledge, take that back, hold back with reason and end, release."""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import (
    AcknowledgementTakenBack,
    AlarmAct,
    AlarmHold,
    AlarmState,
    AlertAcknowledged,
    AlertHeld,
)
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, because, refuse
from liandong.core.values.ids import make_id
from liandong.core.values.lists import AlarmAction, AlarmStage, HoldEnd
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.times import SECOND
from liandong.core.warn import holds
from liandong.core.warn.telling import cleared

#: Acts that hold an alarm back, and the state that each leads to.
HOLDS = {
    AlarmAction.SHELVE: AlarmStage.SHELVED,
    AlarmAction.SUPPRESS: AlarmStage.SUPPRESSED,
    AlarmAction.TAKE_OUT: AlarmStage.OUT_OF_SERVICE,
    AlarmAction.CLEAR: AlarmStage.CLEARED,
}


def decide(policy: Policy, state: AlarmState, act: AlarmAct, now: int) -> Decision:
    """One act, or its refusal with what would be needed."""
    if not state.grouping:
        return refuse("alarm.unknown", alarm=act.grouping)
    if act.version != state.version:
        return refuse("power.stale", version=act.version, current=state.version)
    if not policy.city.holds(act.person, act.post, now):
        return refuse("power.not_yours", action=act.action.value, needed=act.post)
    if act.action == AlarmAction.ACKNOWLEDGE:
        return _acknowledge(state, act, now)
    if act.action == AlarmAction.TAKE_BACK:
        return _take_back(state, act, now)
    if act.action == AlarmAction.RELEASE:
        return _release(policy, state, act, now)
    return _hold(policy, state, act, now)


def _acknowledge(state: AlarmState, act: AlarmAct, now: int) -> Decision:
    if state.stage not in (AlarmStage.UNACKNOWLEDGED, AlarmStage.RETURNED):
        return refuse("alarm.nothing_to_acknowledge", state=state.stage.value)
    return Decision((_seen(state, act, now),), (), because("alarm.acknowledged", episode=state.episode))


def _seen(state: AlarmState, act: AlarmAct, now: int) -> AlertAcknowledged:
    return AlertAcknowledged(
        grouping=state.grouping, episode=state.episode, person=act.person, post=act.post, at=now
    )


def _take_back(state: AlarmState, act: AlarmAct, now: int) -> Decision:
    if state.stage != AlarmStage.ACKNOWLEDGED:
        return refuse("alarm.not_acknowledged", state=state.stage.value)
    event = AcknowledgementTakenBack(
        grouping=state.grouping, episode=state.episode, person=act.person, post=act.post,
        acknowledged_by=state.acknowledged_by, at=now,
    )  # fmt: skip
    return Decision((event,), (), because("alarm.taken_back", episode=state.episode))


def _release(policy: Policy, state: AlarmState, act: AlarmAct, now: int) -> Decision:
    if state.hold is None:
        return refuse("alarm.not_held", state=state.stage.value)
    return holds.release(policy, state, HoldEnd.BY_HAND, now, person=act.person, post=act.post)


def _hold(policy: Policy, state: AlarmState, act: AlarmAct, now: int) -> Decision:
    terms = policy.alarm_terms
    if state.hold is not None or state.inhibited_by:
        return refuse("alarm.already_held", state=state.stage.value)
    if act.reason is None:
        return refuse("power.no_reason", action=act.action.value)
    if not terms.may_hold(state.hazard, state.level):
        return refuse("alarm.never_held", level=state.level or "-", hazard=state.hazard)
    if act.action == AlarmAction.CLEAR:
        if not state.active:
            return refuse("alarm.not_active", state=state.stage.value)
        return _put(policy, state, act, now + round(terms.rearm_s * SECOND), now)
    longest = terms.shelf_longest_s if act.action == AlarmAction.SHELVE else terms.out_longest_s
    if act.until is None or not now < act.until <= now + round(longest * SECOND):
        return refuse("alarm.bad_until", hours=round(longest / 3600, 1))
    return _put(policy, state, act, act.until, now)


def _put(policy: Policy, state: AlarmState, act: AlarmAct, until: int, now: int) -> Decision:
    stage = HOLDS[act.action]
    name = f"alarm:{state.grouping}"
    made = make_id("tmr", policy.city.key, policy.mode, name, holds.CLOCK, until, state.version)
    risk = _risk_of(policy, state)
    hold = AlarmHold(
        stage=stage, since=now, until=until, level=state.level if risk else "", person=act.person,
        post=act.post, reason=act.reason,
    )  # fmt: skip
    over: list[Any] = []
    if state.active and (act.action == AlarmAction.CLEAR or state.gone):
        # What is cleared by hand is over for the case; what only chatters while it is away, too.
        over.append(cleared(policy, state, state.detail.id if state.detail else "", state.mode))
    if act.action == AlarmAction.CLEAR and risk is None:
        # Nothing is there that could come back by itself: whoever cleared it has seen it.
        return Decision((*over, _seen(state, act, now)), (), because("warn.cleared", change="by_hand"))
    held = AlertHeld(
        grouping=state.grouping, hold=hold, risk=risk,
        timer=Timer(id=made, clock=holds.CLOCK, moment="due", due=until),
    )  # fmt: skip
    return Decision((*over, held), (), because("alarm.held", state=stage.value))


def _risk_of(policy: Policy, state: AlarmState) -> RiskAssessed | None:
    """The risk of an active alarm, as it would be told anew; None where nothing is there."""
    if not state.active or state.gone or state.detail is None:
        return None
    asset = policy.city.assets.get(state.asset)
    return RiskAssessed(
        grouping=state.grouping, hazard=state.hazard, asset=state.asset, area=asset.area if asset else "",
        area_path=state.area_path, change="raised", finding=state.detail.id, detail=state.detail,
        level_before="", level=state.level, basis="", mode=state.mode,
    )  # fmt: skip
