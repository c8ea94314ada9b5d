"""联动处置: cases, orders, clocks and what people do; acts and ticks enter by the same door as sensors."""

from __future__ import annotations

from typing import Any

from liandong.core.coordinate import acts, alerts, deliveries, shifts, timers
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.decision import Decision
from liandong.core.values.messages import Act, DeliveryReported, TimerFired
from liandong.core.values.shift import HandOver, TakeOver


def decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    """One decision about one case, or about one post's shift."""
    if isinstance(message, Act):
        return acts.decide(policy, state, message, now)
    if isinstance(message, TimerFired):
        return timers.decide(policy, state, message, now)
    if isinstance(message, DeliveryReported):
        return deliveries.decide(policy, state, message, now)
    if isinstance(message, (HandOver, TakeOver)):
        return shifts.decide(policy, state, message, now)
    assert isinstance(message, alerts.Alert)
    return alerts.decide(policy, state, message, now)


def grouping_of(message: alerts.Alert) -> str:
    """The grouping of the case that an alert speaks to: its own, or that of a storm."""
    return alerts.grouping_of(message)


def ordinal_for(latest: CaseState | None, message: alerts.Alert) -> int:
    """Which episode of its grouping an alert belongs to: the case at hand, or the next one."""
    if latest is None:
        return 1
    return latest.ordinal + 1 if latest.over and alerts.opens_anew(latest, message) else latest.ordinal
