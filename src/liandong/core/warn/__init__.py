"""风险提示: whether those who must act are told, and if not, why not.

Owns the internal alarm, and whether an alarm gets a case of its own or joins that of a storm. A
statutory public warning is human work and belongs to coordinate.
"""

from __future__ import annotations

from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertCleared
from liandong.core.values.decision import Decision
from liandong.core.values.gathering import GatherState
from liandong.core.values.risk import RiskAssessed
from liandong.core.warn import alarm, gather


def decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    """One decision about one alarm, or about the gathering of one hazard in one area."""
    if isinstance(state, GatherState):
        assert isinstance(message, (RiskAssessed, AlertCleared))
        return gather.decide(policy, state, message, now)
    return alarm.decide(policy, state, message, now)
