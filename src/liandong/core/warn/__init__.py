"""风险提示: whether those who must act are told, and if not, why not.

Owns the internal alarm, and whether an alarm gets a case of its own or joins that of a storm. A
statutory public warning is human work and belongs to coordinate.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertCleared
from liandong.core.values.decision import Decision
from liandong.core.values.gathering import GatherState, InhibitionEnded, RiskPlaced, RiskUncaused
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import alarm, causes, gather


def decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    """One decision about one alarm, about a gathering in an area, or about causes and effects."""
    if not isinstance(state, GatherState):
        return alarm.decide(policy, state, message, now)
    if isinstance(message, RiskAssessed) or (isinstance(message, AlertCleared) and "#" not in message.place):
        return causes.decide(policy, state, message, now) if _may_be_caused(policy, message) else (
            gather.decide(policy, state, message, now)
        )  # fmt: skip
    assert isinstance(message, (AlertCleared, RiskUncaused))
    return gather.decide(policy, state, message, now)


def _may_be_caused(policy: Policy, message: RiskAssessed | AlertCleared) -> bool:
    return isinstance(message, AlertCleared) or bool(causes.key_of(policy, message.grouping))


def stream_of(policy: Policy, message: Any) -> str:
    """The stream in which warn decides about a message: causes first, then the area, then the alarm."""
    if isinstance(message, RiskPlaced):
        return f"alarm:{message.risk.grouping}"
    if isinstance(message, InhibitionEnded):
        return f"alarm:{message.grouping}"
    if isinstance(message, AlertCleared):
        place = message.place
        return f"gather:{gather.key_of_place(place) if '#' in place else causes.key_of(policy, place)}"
    risk = message.risk if isinstance(message, RiskUncaused) else message
    key = gather.key_of(policy, risk)
    if isinstance(message, RiskAssessed) and gather.is_new(message):
        key = causes.key_of(policy, message.grouping) or key
    return f"gather:{key}" if key else f"alarm:{risk.grouping}"
