"""级联: an alarm that another one explains joins its case, or is held back while that one lasts.

Which risks may have to do with each other is the city's topology and the cascade rows of its packs; all
that do share one stream, so that what comes first never matters twice. What explains a risk may come
after it: then the risk has its own case already, and keeps it.
"""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertCleared, RiskPassed
from liandong.core.values.cascade import Effect
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.gathering import (
    GatheringEnded,
    GatheringLeft,
    GatherState,
    InhibitionEnded,
    RiskPlaced,
    RiskUncaused,
)


def key_of(policy: Policy, grouping: str) -> str:
    """`cause|asset` of the component that a risk belongs to; empty where nothing can explain anything."""
    hazard, _, asset = grouping.partition("|")
    root = policy.city.topology.component(hazard, asset)
    return f"cause|{root}" if root else ""


def decide(policy: Policy, state: GatherState, message: RiskPassed | AlertCleared, now: int) -> Decision:
    """Look for what explains a new risk, or let go of what a risk has explained."""
    if isinstance(message, AlertCleared):
        return _cleared(state, message)
    risk = message.risk
    for cause in policy.city.topology.causes(risk.hazard, risk.asset):
        if cause.grouping not in state.open or cause.grouping == risk.grouping:
            continue
        mutes = cause.effect == Effect.MUTES
        placed = RiskPlaced(
            risk=risk, key=key_of(policy, risk.grouping), place="" if mutes else cause.grouping,
            area=risk.area, area_path=risk.area_path, storms=0, since=now, raised=1,
            members=0 if mutes else state.active.get(cause.grouping, 0) + 2, at=now, row=cause.basis,
            inhibited_by=cause.grouping if mutes else "",
        )  # fmt: skip
        why = "warn.inhibited" if mutes else "warn.explained"
        return Decision((placed,), (), because(why, by=cause.grouping, row=cause.basis))
    event = RiskUncaused(risk=risk, key=key_of(policy, risk.grouping))
    return Decision((event,), (), because("warn.uncaused"))


def _cleared(state: GatherState, message: AlertCleared) -> Decision:
    if message.place != message.grouping:
        return _effect_cleared(state, message)
    released = tuple(
        InhibitionEnded(grouping=grouping, by=message.grouping, mode=message.mode)
        for grouping, by in state.held.items()
        if by == message.grouping
    )
    effects = state.active.get(message.grouping, 0)
    if effects:
        # Its case lives on with the alarms that it explains; what it explains no longer counts as its own.
        left = GatheringLeft(place=message.grouping, active=effects, cause=message.grouping)
        return Decision((left, *released), (), because("warn.cause_over", active=effects))
    over = AlertCleared(
        grouping=message.grouping, finding=message.finding, retracted=message.retracted, mode=message.mode
    )
    return Decision((over, *released), (), because("warn.cleared", change="cleared"))


def _effect_cleared(state: GatherState, message: AlertCleared) -> Decision:
    left = state.active.get(message.place, 0) - 1
    if left < 0:
        return nothing("warn.nothing_new", change="cleared")
    if left or message.place in state.open:
        event = GatheringLeft(place=message.place, active=left)
        return Decision((event,), (), because("warn.storm_left", active=left))
    ended = GatheringEnded(place=message.place, mode=message.mode)
    return Decision((ended,), (), because("warn.storm_over", place=message.place))
