"""送达: what became of a delivery is noted at the case; it never makes a person's act stale."""

from __future__ import annotations

from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import DeliveryRecorded
from liandong.core.values.decision import Decision, because, nothing
from liandong.core.values.messages import DeliveryReported


def decide(policy: Policy, state: CaseState, message: DeliveryReported, now: int) -> Decision:
    """Record one attempt."""
    if not state.id:
        return nothing("case.none_open", grouping=message.case)
    event = DeliveryRecorded(
        case=state.id, order=message.order, attempt=message.attempt, number=message.number,
        recipient=message.recipient, channel=message.channel, outcome=message.outcome, at=now, by=message.by,
    )  # fmt: skip
    return Decision((event,), (), because(f"delivery.{message.outcome.value}", channel=message.channel))
