"""风险提示: whether those who must act are told, and if not, why not.

Owns the internal alarm, what people do about it, announcements that explain it, and whether an alarm gets a
case of its own or joins that of a storm. A statutory public warning is human work and belongs to coordinate.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import (
    AlarmAct,
    AlertCleared,
    AlertReleased,
    AlertSuppressed,
    RiskPassed,
    SuppressionEnded,
)
from liandong.core.values.announcement import AnnouncementAct, AnnouncementState
from liandong.core.values.decision import Decision
from liandong.core.values.gathering import GatherState, InhibitionEnded, RiskPlaced, RiskUncaused
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import alarm, announcements, causes, gather


def decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    """One decision about one alarm, an announcement, a gathering in an area, or about causes and effects."""
    if isinstance(state, AnnouncementState):
        return announcements.decide(policy, state, message, now)
    if not isinstance(state, GatherState):
        return alarm.decide(policy, state, message, now)
    if isinstance(message, RiskPassed):
        if causes.key_of(policy, message.risk.grouping):
            return causes.decide(policy, state, message, now)
        return gather.decide(policy, state, message, now)
    if isinstance(message, AlertCleared) and "#" not in message.place:
        return causes.decide(policy, state, message, now)
    assert isinstance(message, (AlertCleared, RiskUncaused))
    return gather.decide(policy, state, message, now)


def stream_of(policy: Policy, message: Any) -> str:
    """The stream in which warn decides about a message: the alarm first, then causes, then the area."""
    if isinstance(message, RiskPlaced):
        return f"alarm:{message.risk.grouping}"
    if isinstance(message, (RiskAssessed, InhibitionEnded, SuppressionEnded, AlarmAct)):
        return f"alarm:{message.grouping}"
    if isinstance(message, AnnouncementAct):
        return f"announcement:{message.announcement}"
    if isinstance(message, (AlertSuppressed, AlertReleased)):
        return f"announcement:{message.by}"
    if isinstance(message, AlertCleared):
        place = message.place
        return f"gather:{gather.key_of_place(place) if '#' in place else causes.key_of(policy, place)}"
    key = gather.key_of(policy, message.risk)
    if isinstance(message, RiskPassed):
        key = causes.key_of(policy, message.risk.grouping) or key
    return f"gather:{key}" if key else f"alarm:{message.risk.grouping}"
