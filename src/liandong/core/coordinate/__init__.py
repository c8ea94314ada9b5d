"""联动处置: cases, orders, clocks and what people do; acts and ticks enter by the same door as sensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.core.coordinate import (
    acts,
    alerts,
    deliveries,
    joining,
    publication,
    reporting,
    resources,
    responses,
    rosters,
    shifts,
    timers,
    warnings,
)
from liandong.core.mechanism.bridges import report, with_pushes
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import CaseState
from liandong.core.values.decision import Decision, because
from liandong.core.values.matter import DecisionDue, DecisionNoted, DecisionTaken
from liandong.core.values.messages import Act, DeliveryReported, OrderReported, TimerFired
from liandong.core.values.public_warning import ExternalWarning, WarningAct, WarningState
from liandong.core.values.publication import DraftState
from liandong.core.values.report_fold import CLOCK
from liandong.core.values.resource import ResourceAct, ResourceState
from liandong.core.values.response import ResponseAct, ResponseState
from liandong.core.values.roster_events import AnswerProposal, ProposeMove, ProposeSwap, ReportRing
from liandong.core.values.shift import HandOver, TakeOver

#: Messages about warnings, responses and resources; a decision also goes back to the stream that asked.
MATTERS = (WarningAct, ExternalWarning, ResponseAct, ResourceAct, DecisionDue, DecisionTaken)
_BY_STATE: dict[type, Callable[[Policy, Any, Any, int], Decision]] = {
    WarningState: warnings.decide,
    ResponseState: responses.decide,
    ResourceState: resources.decide,
    DraftState: publication.decide,
}


def decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    """One decision about one case, or about one post's shift, and what it means to units elsewhere."""
    return with_pushes(policy, state, _decide(policy, state, message, now), now)


def _decide(policy: Policy, state: Any, message: Any, now: int) -> Decision:
    beside = _BY_STATE.get(type(state))
    if beside is not None:
        return beside(policy, state, message, now)
    if isinstance(message, DecisionTaken):
        return _note_decision(state, message)
    if isinstance(message, OrderReported):
        return report(policy, state, message, now, acts.decide)
    if isinstance(message, Act):
        return acts.decide(policy, state, message, now)
    if isinstance(message, joining.Joining):
        return joining.decide(policy, state, message, now)
    if isinstance(message, TimerFired):
        if _of_report(state, message):
            return reporting.fire(policy, state, message, now)
        return timers.decide(policy, state, message, now)
    if isinstance(message, DeliveryReported):
        return deliveries.decide(policy, state, message, now)
    if isinstance(message, (HandOver, TakeOver)):
        return shifts.decide(policy, state, message, now)
    if isinstance(message, (ProposeSwap, ProposeMove, AnswerProposal, ReportRing)):
        return rosters.decide(policy, state, message, now)
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


def case_meant(message: joining.Joining) -> str:
    """The case to which an event of another case is a message."""
    return joining.target(message)


def stream_of(policy: Policy, message: Any) -> str:
    """The stream that a message about a warning, a response or a resource decides about."""
    if isinstance(message, WarningAct):
        return f"warning:{message.warning}"
    if isinstance(message, ExternalWarning):
        return f"warning:{warnings.external_id(policy, message)}"
    if isinstance(message, ResponseAct):
        return f"response:{message.response}"
    if isinstance(message, ResourceAct):
        return f"resource:{message.request}"
    if isinstance(message, DecisionDue):
        return f"response:{responses.id_of(policy, message.mode, message.hazard, message.area)}"
    assert isinstance(message, DecisionTaken)
    return message.source


def _note_decision(case: CaseState, taken: DecisionTaken) -> Decision:
    """The case that asked keeps what was decided."""
    event: DecisionNoted = warnings.noted(f"case:{case.id}", taken)
    return Decision((event,), (), because("case.decision_noted", start=str(taken.start).lower()))


def _of_report(case: CaseState, message: TimerFired) -> bool:
    """Whether a moment belongs to an upward report and not to an order."""
    timer = case.timers.get(message.timer)
    return timer is not None and timer.clock.startswith(CLOCK)
