"""警情: a case, its orders, its clocks, and every event that can befall them.

Events carry every number they need; `evolve_case` applies them and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

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

replace = msgspec.structs.replace


class VaultRef(msgspec.Struct, frozen=True):
    """A person's words: where the vault keeps them, and a salted digest that proves them."""

    id: str
    digest: str


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an order as it was when the order was issued."""

    action: Action
    clause: str  #: key of the step row
    limit_us: int | None  #: None = 未规定
    origin: ClockOrigin
    evidence: bool = False


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A moment at which the case wants to be woken."""

    id: str
    clock: str  #: clock it belongs to
    moment: str  #: escalation row key, `due` or `pause_end`
    due: int


class Clock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One clause running for one round."""

    key: str  #: clause#round
    clause: str
    round: int
    order: str
    action: Action
    unit: str  #: who is measured by it
    origin: ClockOrigin
    started: int
    limit_us: int
    due: int
    paused_at: int | None = None
    pause_reason: str = ""
    charged_to: str = ""
    paused_us: int = 0
    charges: dict[str, int] = {}  #: unit → microseconds of pause charged to it
    overdue: bool = False
    stopped: int | None = None
    void: bool = False  #: stopped without being met, e.g. because the order was returned


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """工单: steps that one unit's person on duty has to do."""

    id: str
    role: str
    unit: str
    post: str
    person: str
    deputy: str
    round: int
    steps: tuple[PlannedStep, ...]
    done: tuple[Action, ...] = ()
    status: OrderStatus = OrderStatus.ISSUED
    issued: int = 0
    row: str = ""  #: key of the row that sent it there


class Participant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may see the case, as what, from when, until when (0 = open)."""

    part: Participation
    unit: str
    post: str
    since: int
    until: int = 0


class CaseState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of the case events."""

    id: str = ""
    grouping: str = ""
    ordinal: int = 0
    parents: tuple[str, ...] = ()
    hazard: str = ""
    asset: str = ""
    area: str = ""
    area_path: str = ""
    level: str = ""
    mode: Mode = Mode.REAL
    opened: int = 0
    onset: int = 0
    alarmed: int = 0
    stage: CaseStage = CaseStage.OPENED
    verdict: Verdict | None = None
    cause: Cause | None = None
    round: int = 0  #: raised by every issue of an order
    version: int = 0  #: raised by every decision that people see; for If-Match
    lead: str = ""  #: unit that leads
    done: dict[Action, int] = {}  #: main steps done → when
    findings: dict[str, OpenFinding] = {}
    seen: tuple[str, ...] = ()  #: every finding that ever belonged to it
    rules: tuple[str, ...] = ()  #: every rule whose finding ever belonged to it
    alarm_active: bool = False
    orders: dict[str, Order] = {}
    clocks: dict[str, Clock] = {}
    timers: dict[str, Timer] = {}
    participants: tuple[Participant, ...] = ()
    handlers: tuple[tuple[str, str], ...] = ()  #: (person, unit) that acted on site
    reviewed: bool | None = None
    escalations: int = 0
    deliveries: dict[str, str] = {}  #: order → outcome of its newest attempt
    numbers: tuple[tuple[str, str], ...] = ()  #: pairs (system, number)
    closed: int = 0

    @property
    def over(self) -> bool:
        """No more work: a new alarm of the same grouping opens a new case."""
        return self.stage in (CaseStage.CLOSED, CaseStage.ARCHIVED, CaseStage.CANCELLED)

    def order_for(self, action: Action) -> Order | None:
        """The live order of which this action is a step still to do."""
        for order in self.orders.values():
            if order.status in LIVE and action not in order.done:
                if any(step.action == action for step in order.steps):
                    return order
        return None


#: The stage a case reaches with each main step, in the order of the main line.
STAGE_OF: dict[Action, CaseStage] = {
    Action.JUDGE: CaseStage.JUDGED,
    Action.PUSH: CaseStage.PUSHED,
    Action.ACKNOWLEDGE: CaseStage.ACKNOWLEDGED,
    Action.ARRIVE: CaseStage.ON_SITE,
    Action.HANDLE: CaseStage.HANDLED,
    Action.FEED_BACK: CaseStage.FED_BACK,
    Action.REVIEW: CaseStage.REVIEWED,
    Action.CLOSE: CaseStage.CLOSED,
    Action.ARCHIVE: CaseStage.ARCHIVED,
}

LIVE = (OrderStatus.ISSUED, OrderStatus.ACTIVE)


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


class CaseFindingChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A finding joined, was revised, settled, ended, reopened or retracted."""

    case: str
    change: str
    finding: str
    detail: OpenFinding | None
    alarm_active: bool


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


def _without(timers: dict[str, Timer], clock: str) -> dict[str, Timer]:
    return {key: timer for key, timer in timers.items() if timer.clock != clock}


def _with(timers: dict[str, Timer], added: tuple[Timer, ...]) -> dict[str, Timer]:
    return timers | {timer.id: timer for timer in added}


def _opened(s: CaseState, e: CaseOpened) -> CaseState:
    return CaseState(
        id=e.case, grouping=e.grouping, ordinal=e.ordinal, parents=e.parents, hazard=e.hazard, asset=e.asset,
        area=e.area, area_path=e.area_path, level=e.level, mode=e.mode, opened=e.opened, onset=e.detail.onset, alarmed=e.alarmed,
        findings={e.finding: e.detail}, seen=(e.finding,), rules=(e.detail.rule,),
        alarm_active=True,
    )  # fmt: skip


def _finding_changed(s: CaseState, e: CaseFindingChanged) -> CaseState:
    findings = dict(s.findings)
    if e.detail is None:
        findings.pop(e.finding, None)
    else:
        findings[e.finding] = e.detail
    seen = s.seen if e.finding in s.seen else (*s.seen, e.finding)
    rules = s.rules if e.detail is None or e.detail.rule in s.rules else (*s.rules, e.detail.rule)
    return replace(s, findings=findings, seen=seen, rules=rules, alarm_active=e.alarm_active)


def _level_changed(s: CaseState, e: CaseLevelChanged) -> CaseState:
    return replace(s, level=e.after)


def _judged(s: CaseState, e: CaseJudged) -> CaseState:
    return replace(s, verdict=e.verdict)


def _issued(s: CaseState, e: OrderIssued) -> CaseState:
    order = Order(
        id=e.order, role=e.role, unit=e.unit, post=e.post, person=e.person, deputy=e.deputy, round=e.round,
        steps=e.steps, issued=e.issued, row=e.row,
    )  # fmt: skip
    clocks = s.clocks
    if e.replaces:
        clocks = {
            key: replace(clock, order=e.order)
            if clock.order == e.replaces and clock.stopped is None
            else clock
            for key, clock in clocks.items()
        }
    lead = e.unit if e.role == "lead" else s.lead
    return replace(s, orders=s.orders | {e.order: order}, round=e.round, clocks=clocks, lead=lead)


def _status(s: CaseState, e: OrderStatusChanged) -> CaseState:
    return replace(s, orders=s.orders | {e.order: replace(s.orders[e.order], status=e.status)})


def _joined(s: CaseState, e: ParticipantJoined) -> CaseState:
    added = Participant(part=e.part, unit=e.unit, post=e.post, since=e.since)
    return replace(s, participants=(*s.participants, added))


def _left(s: CaseState, e: ParticipantLeft) -> CaseState:
    left = tuple(
        replace(p, until=e.until) if (p.part, p.unit, p.post, p.until) == (e.part, e.unit, e.post, 0) else p
        for p in s.participants
    )
    return replace(s, participants=left)


def _step_done(s: CaseState, e: StepDone) -> CaseState:
    order = s.orders[e.order]
    order = replace(order, done=(*order.done, e.action), status=OrderStatus.ACTIVE)
    handlers = s.handlers
    if e.action in (Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK):
        handlers = handlers if (e.person, e.unit) in handlers else (*handlers, (e.person, e.unit))
    return replace(
        s,
        orders=s.orders | {e.order: order},
        done=s.done | {e.action: e.at},
        stage=s.stage if e.stage is None else e.stage,
        handlers=handlers,
    )


def _clock_started(s: CaseState, e: ClockStarted) -> CaseState:
    clock = Clock(
        key=e.clock, clause=e.clause, round=e.round, order=e.order, action=e.action, unit=e.unit,
        origin=e.origin, started=e.started, limit_us=e.limit_us, due=e.due,
    )  # fmt: skip
    return replace(s, clocks=s.clocks | {e.clock: clock}, timers=_with(s.timers, e.timers))


def _clock_paused(s: CaseState, e: ClockPaused) -> CaseState:
    clock = replace(s.clocks[e.clock], paused_at=e.at, pause_reason=e.reason, charged_to=e.charged_to)
    # What was due before the pause is due all the same, even if the tick comes after it.
    timers = {key: t for key, t in s.timers.items() if t.clock != e.clock or t.due <= e.at}
    return replace(s, clocks=s.clocks | {e.clock: clock}, timers=_with(timers, (e.timer,)))


def _settle_pause(clock: Clock, at: int) -> Clock:
    """Book a running pause up to `at`; no-op where none runs."""
    if clock.paused_at is None:
        return clock
    paused = at - clock.paused_at
    charges = clock.charges | {clock.charged_to: clock.charges.get(clock.charged_to, 0) + paused}
    return replace(clock, paused_at=None, paused_us=clock.paused_us + paused, charges=charges)


def _clock_resumed(s: CaseState, e: ClockResumed) -> CaseState:
    clock = replace(_settle_pause(s.clocks[e.clock], e.at), due=e.due, pause_reason="", charged_to="")
    timers = {key: t for key, t in s.timers.items() if (t.clock, t.moment) != (e.clock, "pause_end")}
    return replace(s, clocks=s.clocks | {e.clock: clock}, timers=_with(timers, e.timers))


def _clock_overdue(s: CaseState, e: ClockOverdue) -> CaseState:
    return replace(s, clocks=s.clocks | {e.clock: replace(s.clocks[e.clock], overdue=True)})


def _clock_stopped(s: CaseState, e: ClockStopped) -> CaseState:
    clock = replace(_settle_pause(s.clocks[e.clock], e.at), stopped=e.at, void=e.void)
    return replace(s, clocks=s.clocks | {e.clock: clock}, timers=_without(s.timers, e.clock))


def _escalated(s: CaseState, e: Escalated) -> CaseState:
    return replace(s, escalations=s.escalations + 1)


def _timer_spent(s: CaseState, e: TimerSpent) -> CaseState:
    return replace(s, timers={key: timer for key, timer in s.timers.items() if key != e.timer})


def _reviewed(s: CaseState, e: CaseReviewed) -> CaseState:
    return replace(s, reviewed=e.passed)


def _undone(s: CaseState, e: StepsUndone | CaseReopened) -> CaseState:
    done = {action: at for action, at in s.done.items() if action not in e.undone}
    reached = [stage for action, stage in STAGE_OF.items() if action in done]
    return replace(s, done=done, stage=reached[-1] if reached else CaseStage.OPENED, reviewed=None)


def _reopened(s: CaseState, e: CaseReopened) -> CaseState:
    return replace(_undone(s, e), cause=None, closed=0)


def _closed(s: CaseState, e: CaseClosed) -> CaseState:
    return replace(s, cause=e.cause, closed=e.closed, stage=CaseStage.CLOSED)


def _archived(s: CaseState, e: CaseArchived) -> CaseState:
    return replace(s, stage=CaseStage.ARCHIVED)


def _delivered(s: CaseState, e: DeliveryRecorded) -> CaseState:
    return replace(s, deliveries=s.deliveries | {e.order: e.outcome.value})


def _same(s: CaseState, e: Any) -> CaseState:
    return s


_APPLY: dict[type, Callable[[CaseState, Any], CaseState]] = {
    CaseOpened: _opened,
    CaseFindingChanged: _finding_changed,
    CaseLevelChanged: _level_changed,
    CaseJudged: _judged,
    OrderIssued: _issued,
    OrderStatusChanged: _status,
    ParticipantJoined: _joined,
    ParticipantLeft: _left,
    StepDone: _step_done,
    ClockStarted: _clock_started,
    ClockPaused: _clock_paused,
    ClockResumed: _clock_resumed,
    ClockOverdue: _clock_overdue,
    ClockStopped: _clock_stopped,
    Escalated: _escalated,
    TimerSpent: _timer_spent,
    CaseReviewed: _reviewed,
    StepsUndone: _undone,
    CaseReopened: _reopened,
    CaseNoted: _same,
    CaseClosed: _closed,
    CaseArchived: _archived,
    DeliveryRecorded: _delivered,
}
CASE_EVENTS = tuple(_APPLY)
#: Events that leave the version alone, so that a delivery report never makes a person's act stale.
_QUIET = (DeliveryRecorded, TimerSpent)


def evolve_case(state: CaseState, event: Any) -> CaseState:
    """Apply one event; chooses nothing."""
    after = _APPLY[type(event)](state, event)
    return after if isinstance(event, _QUIET) else replace(after, version=state.version + 1)
