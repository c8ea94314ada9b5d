"""What comes through the front door besides findings: acts, timers, deliveries, commits."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef
from liandong.core.values.findings import FindingMessage
from liandong.core.values.graded import GradedFinding
from liandong.core.values.lists import Action, Outcome
from liandong.core.values.public_warning import ExternalWarning, WarningAct
from liandong.core.values.resource import ResourceAct
from liandong.core.values.response import ResponseAct
from liandong.core.values.roster_events import AnswerProposal, ProposeMove, ProposeSwap, ReportRing
from liandong.core.values.shift import HandOver, TakeOver


class Act(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """人的动作: a person, as one post, does something to a case."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str  #: salted by the id; the same key with another body is refused
    action: Action
    case: str
    person: str
    post: str
    version: int  #: If-Match: the version of the case that the person saw
    device_at: int | None = None
    client_seq: int | None = None
    text: VaultRef | None = None
    evidence: tuple[str, ...] = ()
    verdict: str = ""
    level: str = ""
    cause: str = ""
    passed: bool | None = None
    reason: str = ""  #: key of a pause or return reason, from the rows; of a report, its row
    kind: str = ""  #: for report: first, next, final or correction
    to: str = ""  #: unit or person, for push, return and hand over; whom a call or a report goes to
    number: VaultRef | None = None  #: for call: the number that was rung, sealed
    answered: bool | None = None  #: for call
    rung_at: int | None = None  #: for call: when it rang, if not now
    order: str = ""  #: which order, where the person holds several
    until: int | None = None  #: for extend: the new due time; for defer: when it is looked at again
    persons: tuple[str, ...] = ()  #: for hand_over: to several persons of the post by name
    findings: tuple[str, ...] = ()  #: for split: what goes over to the new case


class OrderReported(Act, frozen=True, kw_only=True, tag=True):
    """对方系统回报: an act on one order as the receiver's own system reports it.

    `person` may be empty: then whoever is on duty at the order's post acts. `version` is not looked at,
    because a machine that says what has happened has seen no page; `order` says what it speaks of.
    """

    bridge: str  #: key of the bridge's row
    unit: str  #: whose orders it may speak of
    order: str
    event: str  #: that system's own id of what it reports
    part: int = 0  #: where one word of that system means several actions
    theirs: str = ""  #: that system's number of the order
    status: str = ""  #: its word
    meaning: str = ""  #: what the row makes of the word
    plain: bool = False  #: nothing to do but to note it
    user: VaultRef | None = None  #: who did it there, sealed


class TimerFired(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """定时触发: a timer row whose moment an admitted tick has reached."""

    case: str
    timer: str
    due: int


class DeliveryReported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """送达回报: what one delivery attempt came to."""

    case: str
    order: str
    attempt: str
    number: int
    recipient: str
    channel: str
    outcome: Outcome
    by: str = ""  #: who took it, where the channel knows: person or post, never a number


class PolicyCommitted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """政策生效: a new version of city, rules or mechanism, by its content's digest."""

    city: int
    city_digest: str
    rules: int
    rules_digest: str
    mechanism: int
    mechanism_digest: str
    channels: tuple[str, ...]  #: delivery channels, tried side by side
    author: str
    reason: str


class SubjectErased(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """个人信息已销毁: the key of a subject is gone; the chain stays."""

    subject: str
    by: str
    reason: str


class ClockConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """时钟已确认: a person decided what time it is after a jump."""

    by: str
    accept_wall: bool
    wall: int


Message = (
    FindingMessage
    | GradedFinding
    | Act
    | OrderReported
    | TimerFired
    | DeliveryReported
    | PolicyCommitted
    | SubjectErased
    | ClockConfirmed
    | HandOver
    | TakeOver
    | ProposeSwap
    | ProposeMove
    | AnswerProposal
    | ReportRing
    | WarningAct
    | ExternalWarning
    | ResponseAct
    | ResourceAct
)
