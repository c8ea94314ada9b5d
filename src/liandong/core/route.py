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
from liandong.core.values.alarm import (
    AlarmAct,
    AlertChanged,
    AlertCleared,
    AlertRaised,
    AlertReleased,
    AlertSuppressed,
    RiskPassed,
    SuppressionEnded,
)
from liandong.core.values.announcement import AnnouncementAct
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
from liandong.core.values.gathering import GatheringEnded, InhibitionEnded, RiskPlaced, RiskUncaused
from liandong.core.values.graded import GradedFinding, GradedLeft, GradedTaken
from liandong.core.values.ids import case_id
from liandong.core.values.lists import Action, Step
from liandong.core.values.matter import DecisionDue, DecisionTaken
from liandong.core.values.messages import Act, DeliveryReported, OrderReported, TimerFired
from liandong.core.values.public_warning import ExternalWarning, WarningAct
from liandong.core.values.publication import MechanismAct
from liandong.core.values.resource import ResourceAct
from liandong.core.values.response import ResponseAct
from liandong.core.values.risk import RiskAssessed
from liandong.core.values.roster_events import AnswerProposal, ProposeMove, ProposeSwap, ReportRing
from liandong.core.values.shift import HandOver, TakeOver
from liandong.core.values.transfer_events import CaseAbsorbed, CasePartSplit, FindingPassedOn, MergeAsked

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
    GradedFinding: Step.ASSESS,
    GradedTaken: Step.ASSESS,
    GradedLeft: Step.ASSESS,
    RiskAssessed: Step.WARN,
    RiskPassed: Step.WARN,
    RiskPlaced: Step.WARN,
    RiskUncaused: Step.WARN,
    InhibitionEnded: Step.WARN,
    AlarmAct: Step.WARN,
    AlertSuppressed: Step.WARN,
    SuppressionEnded: Step.WARN,
    AnnouncementAct: Step.WARN,
    AlertRaised: Step.COORDINATE,
    AlertChanged: Step.COORDINATE,
    AlertCleared: Step.COORDINATE,
    GatheringEnded: Step.COORDINATE,
    Act: Step.COORDINATE,
    OrderReported: Step.COORDINATE,
    TimerFired: Step.COORDINATE,
    DeliveryReported: Step.COORDINATE,
    HandOver: Step.COORDINATE,
    TakeOver: Step.COORDINATE,
    ProposeSwap: Step.COORDINATE,
    ProposeMove: Step.COORDINATE,
    AnswerProposal: Step.COORDINATE,
    ReportRing: Step.COORDINATE,
    MechanismAct: Step.COORDINATE,
    WarningAct: Step.COORDINATE,
    ExternalWarning: Step.COORDINATE,
    ResponseAct: Step.COORDINATE,
    ResourceAct: Step.COORDINATE,
    DecisionDue: Step.COORDINATE,
    DecisionTaken: Step.COORDINATE,
    MergeAsked: Step.COORDINATE,
    CaseAbsorbed: Step.COORDINATE,
    CasePartSplit: Step.COORDINATE,
    FindingPassedOn: Step.COORDINATE,
    CaseClosed: Step.EVALUATE,
}
#: Closing is proven by its own step; every other act is coordination.
CLOSING_ACTS = (Action.CLOSE, Action.ARCHIVE, Action.DISPOSAL_REPORT)
#: Types whose step also goes by what they say.
_BY_CONTENT = frozenset({Act, OrderReported, AlertCleared, AlertReleased, TimerFired})
#: Streams of warn that wait for moments.
WARN_TIMERS = ("alarm", "announcement")


def owner_of(message: Any) -> Step | None:
    """The step that handles a message, None where no step does."""
    kind = type(message)
    if kind in _BY_CONTENT:
        if isinstance(message, Act) and message.action in CLOSING_ACTS:
            return Step.CLOSE
        if isinstance(message, AlertCleared) and message.place:
            return Step.WARN  # the last one to clear tells the case
        if isinstance(message, AlertReleased):
            return Step.WARN if message.by else None  # the announcement that held it back
        if isinstance(message, TimerFired) and message.case.partition(":")[0] in WARN_TIMERS:
            return Step.WARN
    return OWNERS.get(kind)


def stream_of(policy: Policy, message: Any, latest: Callable[[str], CaseState | None]) -> tuple[str, Any]:
    """The stream a message decides about, and the state that an empty stream begins with.

    `latest(grouping)` is the newest case of a grouping, None where there is none.
    """
    if isinstance(message, (TimerFired, DeliveryReported)) and ":" in message.case:
        return message.case, None  # of a warning, a response or a resource, whose stream is named whole
    if isinstance(message, (Act, TimerFired, DeliveryReported)):
        return f"case:{message.case}", None
    if isinstance(message, coordinate.MATTERS):
        return coordinate.stream_of(policy, message), None
    if isinstance(message, (MergeAsked, CaseAbsorbed, CasePartSplit, FindingPassedOn)):
        return f"case:{coordinate.case_meant(message)}", CaseState(ordinal=1, mode=policy.mode)
    if isinstance(message, (HandOver, TakeOver)):
        return f"shift:{message.post}", None
    if isinstance(message, (ProposeSwap, ProposeMove, AnswerProposal, ReportRing)):
        return f"roster:{message.unit}", None
    if isinstance(message, MechanismAct):
        return f"mechanism:{message.draft}", None
    if owner_of(message) == Step.WARN:
        return warn.stream_of(policy, message), None
    if isinstance(message, CaseClosed):
        return f"score:{message.case}", None
    if isinstance(message, (AlertRaised, AlertChanged, AlertCleared, GatheringEnded)):
        grouping = coordinate.grouping_of(message)
        ordinal = coordinate.ordinal_for(latest(grouping), message)
        case = case_id(policy.city.key, message.mode, grouping, ordinal)
        return f"case:{case}", CaseState(ordinal=ordinal, mode=message.mode)
    return assess.stream_of(policy, message), None
