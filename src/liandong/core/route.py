"""The route: which step owns which message, and which stream it decides about. Read this first.

    bytes ─► ingest ─► detect ─► assess ─► warn ─► coordinate ─► close ─► evaluate

Arrows go one way per message. An event that a later step owns is that step's next message; what
goes back (a verdict, a policy) comes in again through the front door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.core import assess, close, coordinate, evaluate, warn
from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertChanged, AlertCleared, AlertRaised
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import CaseClosed
from liandong.core.values.decision import Decision
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.gathering import GatheringEnded, RiskPlaced
from liandong.core.values.ids import case_id
from liandong.core.values.lists import Action, Step
from liandong.core.values.messages import Act, DeliveryReported, TimerFired
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.shift import HandOver, TakeOver

Decide = Callable[[Policy, Any, Any, int], Decision]

DECIDE: dict[Step, Decide] = {
    Step.ASSESS: assess.decide,
    Step.WARN: warn.decide,
    Step.COORDINATE: coordinate.decide,
    Step.CLOSE: close.decide,
    Step.EVALUATE: evaluate.decide,
}

#: Message type → the one step that handles it. An `Act` goes by its action, see `owner_of`.
OWNERS: dict[type, Step] = {
    Finding: Step.ASSESS,
    FindingRevised: Step.ASSESS,
    FindingRetracted: Step.ASSESS,
    FindingEnded: Step.ASSESS,
    FindingReopened: Step.ASSESS,
    FindingSettled: Step.ASSESS,
    RiskAssessed: Step.WARN,
    RiskPlaced: Step.WARN,
    AlertRaised: Step.COORDINATE,
    AlertChanged: Step.COORDINATE,
    AlertCleared: Step.COORDINATE,
    GatheringEnded: Step.COORDINATE,
    Act: Step.COORDINATE,
    TimerFired: Step.COORDINATE,
    DeliveryReported: Step.COORDINATE,
    HandOver: Step.COORDINATE,
    TakeOver: Step.COORDINATE,
    CaseClosed: Step.EVALUATE,
}
#: Closing is proven by its own step; every other act is coordination.
CLOSING_ACTS = (Action.CLOSE, Action.ARCHIVE, Action.DISPOSAL_REPORT)


def owner_of(message: Any) -> Step | None:
    """The step that handles a message, None where no step does."""
    if isinstance(message, Act) and message.action in CLOSING_ACTS:
        return Step.CLOSE
    if isinstance(message, AlertCleared) and message.place:
        return Step.WARN  # the last one to clear tells the case
    return OWNERS.get(type(message))


def stream_of(policy: Policy, message: Any, latest: Callable[[str], CaseState | None]) -> tuple[str, Any]:
    """The stream a message decides about, and the state that an empty stream begins with.

    `latest(grouping)` is the newest case of a grouping, None where there is none.
    """
    if isinstance(message, (Act, TimerFired, DeliveryReported)):
        return f"case:{message.case}", None
    if isinstance(message, (HandOver, TakeOver)):
        return f"shift:{message.post}", None
    if isinstance(message, RiskAssessed):
        key = warn.gather.key_of(policy, message)
        return (f"gather:{key}" if key else f"alarm:{message.grouping}"), None
    if isinstance(message, RiskPlaced):
        return f"alarm:{message.risk.grouping}", None
    if isinstance(message, AlertCleared) and message.place:
        return f"gather:{warn.gather.key_of_place(message.place)}", None
    if isinstance(message, CaseClosed):
        return f"score:{message.case}", None
    if isinstance(message, (AlertRaised, AlertChanged, AlertCleared, GatheringEnded)):
        grouping = coordinate.grouping_of(message)
        ordinal = coordinate.ordinal_for(latest(grouping), message)
        case = case_id(policy.city.key, message.mode, grouping, ordinal)
        return f"case:{case}", CaseState(ordinal=ordinal, mode=message.mode)
    return f"risk:{assess.grouping_of(policy, message)}", None
