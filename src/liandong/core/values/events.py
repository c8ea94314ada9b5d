"""Every event type with its version, and the pure upcasters that lift old ones.

A released (type, version) never changes its schema: tests hold the frozen schemas and a sample of
each. To change an event, raise its version here and add an upcaster from the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from liandong.core.values.alarm import (
    ALARM_EVENTS,
    AlarmState,
    AlertChanged,
    AlertCleared,
    AlertInhibited,
    AlertRaised,
    evolve_alarm,
)
from liandong.core.values.announcement import (
    ANNOUNCEMENT_EVENTS,
    AnnouncementState,
    evolve_announcement,
)
from liandong.core.values.case import CaseState
from liandong.core.values.case_fold import CASE_EVENTS, evolve_case
from liandong.core.values.errors import Broken
from liandong.core.values.gathering import (
    GatheringEnded,
    GatheringLeft,
    GatherState,
    InhibitionEnded,
    RiskPlaced,
    RiskUncaused,
    evolve_gather,
)
from liandong.core.values.graded import GradedLeft, GradedNoted, GradedState, GradedTaken, evolve_graded
from liandong.core.values.matter import DecisionTaken, MatterEscalated, MatterReceived, SendingReported
from liandong.core.values.public_warning import WARNING_EVENTS, WarningState, evolve_warning
from liandong.core.values.publication import (
    ConsultationOpened,
    DraftState,
    MechanismCountersigned,
    MechanismDrafted,
    MechanismEnded,
    MechanismInForce,
    MechanismProven,
    MechanismPublished,
    ObjectionDecided,
    OpinionGiven,
    evolve_draft,
)
from liandong.core.values.resource import RESOURCE_EVENTS, ResourceState, evolve_resource
from liandong.core.values.response import RESPONSE_EVENTS, ResponseState, evolve_response
from liandong.core.values.risk import RiskAssessed, RiskState, evolve_risk
from liandong.core.values.roster_events import (
    DutySwapped,
    MoveProposed,
    PostsHandedOver,
    ProposalDropped,
    RingTested,
    RosterState,
    SwapProposed,
    evolve_roster,
)
from liandong.core.values.score import CaseScored, ScoreState, evolve_score
from liandong.core.values.shift import ShiftHandedOver, ShiftState, ShiftTakenOver, evolve_shift

EVENT_TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        GradedTaken, GradedLeft, GradedNoted,
        RiskAssessed, RiskPlaced, RiskUncaused, GatheringLeft, GatheringEnded, InhibitionEnded, AlertRaised,
        AlertChanged, AlertCleared, AlertInhibited, *ALARM_EVENTS, *ANNOUNCEMENT_EVENTS,
        *CASE_EVENTS, CaseScored,
        MechanismDrafted, ConsultationOpened, OpinionGiven, ObjectionDecided, MechanismCountersigned,
        MechanismProven, MechanismPublished, MechanismInForce, MechanismEnded,
        ShiftHandedOver, ShiftTakenOver,
        *WARNING_EVENTS, *RESPONSE_EVENTS, *RESOURCE_EVENTS, DecisionTaken, MatterEscalated, MatterReceived,
        SendingReported, SwapProposed, MoveProposed, ProposalDropped, DutySwapped, PostsHandedOver,
        RingTested,
    )
}  # fmt: skip
_GATHERED = ("AlertRaised", "AlertChanged", "AlertCleared")
#: Those that name an action.
_ACTED = (
    "StepDone", "OrderIssued", "ClockStarted", "CaseClosed", "CaseScored", "CaseReopened", "StepsUndone"
)  # fmt: skip
VERSIONS: dict[str, int] = (
    dict.fromkeys(EVENT_TYPES, 1)
    | dict.fromkeys((*_GATHERED, "RiskPlaced", "GatheringLeft", "ReportOwed", "CaseReported"), 2)
    | dict.fromkeys(("Escalated", "DeliveryRecorded", "CaseOpened", "ExternalWarningTaken"), 2)
    | dict.fromkeys(_ACTED, 3)  # the list of actions has grown twice
)


def _as_it_is(data: dict[str, Any]) -> dict[str, Any]:
    """The next version only adds fields, and their defaults say what was meant before."""
    return data


#: (type, version) → the data of the next version.
UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    (name, version): _as_it_is for name, newest in VERSIONS.items() for version in range(1, newest)
}


class EventRecord(msgspec.Struct, frozen=True):
    """An event as the journal keeps it."""

    type: str
    v: int
    data: msgspec.Raw


_encoder = msgspec.json.Encoder(order="sorted")
_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


def record_event(event: Any) -> EventRecord:
    """An event object → its record, with sorted keys."""
    name = type(event).__name__
    return EventRecord(name, VERSIONS[name], msgspec.Raw(_encoder.encode(event)))


def read_event(record: EventRecord) -> Any:
    """A record → today's event object, through the upcasters. Raises Broken for what it cannot be."""
    cls = EVENT_TYPES.get(record.type)
    if cls is None or not 1 <= record.v <= VERSIONS[record.type]:
        raise Broken("journal.unknown_event", type=record.type, version=record.v)
    try:
        return _decoded(record, cls)
    except msgspec.MsgspecError as error:
        raise Broken("journal.unreadable_body") from error


def _decoded(record: EventRecord, cls: type) -> Any:
    if record.v == VERSIONS[record.type]:
        decoder = _decoders.get(record.type)
        if decoder is None:
            decoder = _decoders[record.type] = msgspec.json.Decoder(cls)
        return decoder.decode(record.data)
    data = msgspec.json.decode(record.data)
    for version in range(record.v, VERSIONS[record.type]):
        data = UPCASTERS[record.type, version](data)
    return msgspec.convert(data, cls)


#: Kind of stream → (empty state, evolve). The kind is the part of a stream's key before the colon.
AGGREGATES: Mapping[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "graded": (GradedState(), evolve_graded),
    "risk": (RiskState(), evolve_risk),
    "gather": (GatherState(), evolve_gather),
    "alarm": (AlarmState(), evolve_alarm),
    "announcement": (AnnouncementState(), evolve_announcement),
    "case": (CaseState(), evolve_case),
    "mechanism": (DraftState(), evolve_draft),
    "score": (ScoreState(), evolve_score),
    "shift": (ShiftState(), evolve_shift),
    "roster": (RosterState(), evolve_roster),
    "warning": (WarningState(), evolve_warning),
    "response": (ResponseState(), evolve_response),
    "resource": (ResourceState(), evolve_resource),
}


def kind_of(stream: str) -> str:
    """`case:…` → `case`."""
    return stream.partition(":")[0]


def evolve(stream: str, state: Any, event: Any) -> Any:
    """Apply one event to the state of its stream."""
    return AGGREGATES[kind_of(stream)][1](state, event)
