"""Every event that can befall a case. Each carries every number it needs, so that folding chooses nothing."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import PlannedStep, Timer, VaultRef
from liandong.core.values.lists import (
    Action,
    CaseStage,
    Cause,
    ClockOrigin,
    EscalationKind,
    Mode,
    OrderStatus,
    Outcome,
    Participation,
    Verdict,
)
from liandong.core.values.risk import OpenFinding


class CaseOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """立案."""

    case: str
    grouping: str
    ordinal: int
    hazard: str
    asset: str
    area: str
    area_path: str
    level: str
    mode: Mode
    finding: str
    detail: OpenFinding
    alarmed: int  #: when the finding was raised, never after `opened`
    opened: int
    parents: tuple[str, ...] = ()
    lead: str = ""  #: unit that is to lead it, where a person has said so


class CaseFindingChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A finding joined, was revised, settled, ended, reopened or retracted."""

    case: str
    change: str
    finding: str
    detail: OpenFinding | None
    alarm_active: bool


class CaseGathered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """警情归集: so many alarms share this case by now."""

    case: str
    members: int
    active: bool  #: one of them at least has not cleared


class CaseFindingSettled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """发现已确定: no late datum can change its onset any more. Makes no act stale."""

    case: str
    finding: str


class CaseLevelChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """级别变更."""

    case: str
    before: str
    after: str
    by: str  #: finding, or person who judged


class CaseJudged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """研判结论."""

    case: str
    verdict: Verdict
    person: str


class OrderIssued(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """派发: an order to a named person on duty."""

    case: str
    order: str
    role: str
    unit: str
    post: str
    person: str
    deputy: str
    round: int
    steps: tuple[PlannedStep, ...]
    issued: int
    row: str
    replaces: str = ""  #: order whose running clocks it takes over
    fallback: str = ""  #: why it went to the centre instead of the role
    line: str = ""  #: linked order beside the main line
    others: tuple[str, ...] = ()  #: further persons to whom it goes by name


class OrderStatusChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """工单状态变更."""

    case: str
    order: str
    status: OrderStatus
    at: int
    person: str = ""
    text: VaultRef | None = None


class ParticipantJoined(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """参与."""

    case: str
    part: Participation
    unit: str
    post: str
    since: int


class ParticipantLeft(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """退出."""

    case: str
    part: Participation
    unit: str
    post: str
    until: int


class StepDone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """动作完成: who, as which post, in whose name, when by both clocks, with what evidence."""

    case: str
    order: str
    action: Action
    stage: CaseStage | None  #: the stage the case has now reached
    person: str
    post: str
    unit: str
    in_name_of: str
    at: int
    device_at: int | None = None
    client_seq: int | None = None
    text: VaultRef | None = None
    evidence: tuple[str, ...] = ()
    row: str = ""
    passed: bool | None = None  #: False = tried, and it did not succeed
    reason: str = ""


class ClockStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """计时开始."""

    case: str
    clock: str
    clause: str
    round: int
    order: str
    action: Action
    unit: str
    origin: ClockOrigin
    origin_assumed: bool  #: the document does not state the origin
    started: int
    limit_us: int
    due: int
    timers: tuple[Timer, ...]


class ClockPaused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """暂停计时."""

    case: str
    clock: str
    reason: str
    row: str
    charged_to: str
    at: int
    timer: Timer  #: ends the pause at the latest


class ClockResumed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """恢复计时."""

    case: str
    clock: str
    at: int
    due: int
    by: str  #: person, or `timer`
    timers: tuple[Timer, ...]


class ClockOverdue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """超时."""

    case: str
    clock: str
    due: int
    at: int


class ClockStopped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """计时结束; `late_us` is negative where time was left."""

    case: str
    clock: str
    at: int
    late_us: int
    void: bool = False


class Escalated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """提醒、催办、督办、提级."""

    case: str
    clock: str
    kind: EscalationKind
    row: str
    unit: str
    post: str
    person: str
    fallback: str = ""
    order: str = ""


class TimerSpent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """定时已触发."""

    case: str
    timer: str


class CaseReviewed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """复核结论."""

    case: str
    passed: bool
    person: str


class StepsUndone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """退回重做: main steps that have to be done again, after a return or a failed review."""

    case: str
    undone: tuple[Action, ...]
    why: Action  #: return or review
    person: str
    at: int


class CaseReopened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """重开."""

    case: str
    person: str
    at: int
    undone: tuple[Action, ...]  #: main steps that have to be done again
    text: VaultRef | None = None


class CaseNoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """备注."""

    case: str
    person: str
    at: int
    text: VaultRef | None = None
    evidence: tuple[str, ...] = ()


class CallLogged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """通话记录: who was rung, whether somebody answered, and, sealed, what was agreed."""

    case: str
    person: str  #: who rang
    post: str
    at: int
    to: str = ""  #: person, post or unit that was rung, where the city knows it
    number: VaultRef | None = None
    answered: bool
    rung_at: int
    device_at: int | None = None
    client_seq: int | None = None
    text: VaultRef | None = None


class ReportOwed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """上报计时开始: a row asks for an upward report."""

    case: str
    row: str
    to: str
    started: int
    limit_us: int | None
    due: int | None
    timers: tuple[Timer, ...] = ()


class CaseReported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已上报: one version of an upward report, its words sealed; `late_us` < 0 where time was left."""

    case: str
    row: str
    to: str
    number: int  #: version, from 1; a correction is the next one
    kind: str  #: first, next, final or correction
    person: str
    post: str
    signer: str = ""  #: person who signs it, as the row asks
    at: int
    late_us: int | None = None  #: None where nothing was due
    due: int | None = None  #: when the next version is due
    text: VaultRef | None = None
    signer_post: str = ""
    drafted: int = 0  #: when it was drafted, where somebody else signed it
    order: str = ""  #: under which it is delivered
    informed: tuple[str, ...] = ()  #: units of the levels that a direct report passed
    unresolved: tuple[str, ...] = ()  #: roles that had to get it and that nobody fills
    timers: tuple[Timer, ...] = ()


class ClauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one clause went."""

    clause: str
    round: int
    action: Action
    unit: str
    origin: ClockOrigin
    limit_us: int
    taken_us: int  #: without pauses
    paused_us: int
    charges: dict[str, int] = {}
    outcome: str  #: met, late or void
    extended_us: int = 0  #: by approved extensions


class CaseClosed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """办结: event of close and message to evaluate."""

    case: str
    hazard: str
    level: str
    area_path: str
    lead: str
    mode: Mode
    verdict: Verdict | None
    cause: Cause
    rules: tuple[str, ...]
    opened: int
    onset: int
    closed: int
    escalations: int
    clauses: tuple[ClauseResult, ...]


class CaseArchived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """归档."""

    case: str
    at: int


class DeliveryRecorded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """送达记录: one attempt and what came of it."""

    case: str
    order: str
    attempt: str
    number: int
    recipient: str
    channel: str
    outcome: Outcome
    at: int
    by: str = ""  #: who took it, where the channel knows


class OrderNumbered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """对方编号: the receiver's own system calls the order so."""

    case: str
    order: str
    system: str
    number: str
    at: int


class OrderHeard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """对方回报: what the receiver's own system says of an order, by both clocks."""

    case: str
    order: str
    bridge: str
    event: str  #: that system's own id of what it reported
    status: str  #: its word
    actions: str = ""  #: what the word means to us, by the bridge's row; empty = nothing to do
    at: int
    device_at: int | None = None  #: by its own clock
    user: VaultRef | None = None  #: who did it there
