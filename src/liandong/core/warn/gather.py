"""归集: from how many new alarms on a hazard in an area is a storm, with one case for all that follow.

The row says how many within what time. Those that came before keep the cases they have; once no new
alarm has come for the quiet time, the next one starts to count anew.
"""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertCleared, RiskPassed
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.gathering import (
    GatheringEnded,
    GatheringLeft,
    GatherState,
    RiskPlaced,
    RiskUncaused,
)
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.times import SECOND


def is_new(message: RiskAssessed) -> bool:
    """Whether there was no risk before and is one now."""
    return not message.level_before and bool(message.level)


def key_of(policy: Policy, message: RiskAssessed) -> str:
    """`hazard|area` under which a new risk is counted; empty where no row gathers it."""
    row = policy.routing.gather(message.hazard)
    if row is None or not is_new(message):
        return ""
    area = policy.city.area_above(message.area, row.area_kind)
    return f"{message.hazard}|{area}" if area else ""


def key_of_place(place: str) -> str:
    """`hazard|area#3` → `hazard|area`."""
    return place.rpartition("#")[0]


def decide(
    policy: Policy, state: GatherState, message: RiskPassed | RiskUncaused | AlertCleared, now: int
) -> Decision:
    """Place a new risk, or count one of a storm as over."""
    if isinstance(message, AlertCleared):
        return _leave(state, message)
    risk = message.risk
    row = policy.routing.gather(risk.hazard)
    assert row is not None
    key = key_of(policy, risk)
    area = key.partition("|")[2]
    quiet = now - state.last > row.quiet_s * SECOND
    storm = "" if quiet else state.place
    fresh = quiet or now - state.since > row.within_s * SECOND
    raised = 1 if fresh else state.raised + 1
    begins = not storm and raised >= row.count
    storms = state.storms + begins
    place = storm or (f"{key}#{storms}" if begins else "")
    event = RiskPlaced(
        risk=risk, key=key, place=place, area=area, area_path=policy.city.area_path(area), storms=storms,
        since=now if fresh else state.since, raised=raised,
        members=(state.members if storm else 0) + 1 if place else 0, at=now, row=row.key,
    )  # fmt: skip
    why = "warn.storm_begins" if begins else "warn.storm_joined" if place else "warn.own_case"
    return Decision((event,), (), because(why, count=event.members or raised, row=row.key))


def _leave(state: GatherState, message: AlertCleared) -> Decision:
    active = state.active.get(message.place, 0) - 1
    if active < 0:
        return nothing("warn.nothing_new", change="cleared")
    if active:
        return Decision(
            (GatheringLeft(place=message.place, active=active),),
            (),
            because("warn.storm_left", active=active),
        )
    ended = GatheringEnded(place=message.place, mode=message.mode)
    return Decision((ended,), (), because("warn.storm_over", place=message.place))
