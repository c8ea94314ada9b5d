"""Folding a case's events into its state. Applies, and chooses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.core.values.case import LIVE, STAGE_OF, CaseState, Clock, Order, Participant
from liandong.core.values.case_events import (
    CallLogged,
    CaseArchived,
    CaseClosed,
    CaseFindingChanged,
    CaseFindingSettled,
    CaseGathered,
    CaseJudged,
    CaseLevelChanged,
    CaseNoted,
    CaseOpened,
    CaseReopened,
    CaseReviewed,
    ClockOverdue,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockStopped,
    DeliveryRecorded,
    Escalated,
    OrderHeard,
    OrderIssued,
    OrderNumbered,
    OrderStatusChanged,
    ParticipantJoined,
    ParticipantLeft,
    StepDone,
    StepsUndone,
    TimerSpent,
)
from liandong.core.values.folding import replace, settle_pause, touched, with_, without
from liandong.core.values.lists import Action, CaseStage, OrderStatus
from liandong.core.values.report_fold import UPWARD
from liandong.core.values.side_fold import SIDE, order_ended, with_channels

#: Work on site: who did it cannot verify it.
HANDLING = (
    Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK, Action.SELF_CORRECT, Action.PERSUADE,
    Action.ENFORCE,
)  # fmt: skip


def _opened(s: CaseState, e: CaseOpened) -> CaseState:
    return CaseState(
        version=s.version + 1,
        id=e.case, grouping=e.grouping, ordinal=e.ordinal, parents=e.parents, hazard=e.hazard, asset=e.asset,
        area=e.area, area_path=e.area_path, level=e.level, mode=e.mode, opened=e.opened,
        onset=e.detail.onset, alarmed=e.alarmed,
        findings={e.finding: e.detail}, seen=(e.finding,), rules=(e.detail.rule,),
        channels=with_channels((), e.detail), alarm_active=True, lead=e.lead,
    )  # fmt: skip


def _finding_changed(s: CaseState, e: CaseFindingChanged) -> CaseState:
    findings = dict(s.findings)
    if e.detail is None:
        findings.pop(e.finding, None)
    else:
        findings[e.finding] = e.detail
    seen = s.seen if e.finding in s.seen else (*s.seen, e.finding)
    rules = s.rules if e.detail is None or e.detail.rule in s.rules else (*s.rules, e.detail.rule)
    channels = s.channels if e.detail is None else with_channels(s.channels, e.detail)
    return touched(
        s, findings=findings, seen=seen, rules=rules, channels=channels, alarm_active=e.alarm_active
    )


def _gathered(s: CaseState, e: CaseGathered) -> CaseState:
    return replace(s, members=e.members, alarm_active=e.active)


def _settled(s: CaseState, e: CaseFindingSettled) -> CaseState:
    found = s.findings.get(e.finding)
    return s if found is None else replace(s, findings=s.findings | {e.finding: replace(found, settled=True)})


def _level_changed(s: CaseState, e: CaseLevelChanged) -> CaseState:
    return touched(s, level=e.after)


def _judged(s: CaseState, e: CaseJudged) -> CaseState:
    return touched(s, verdict=e.verdict)


def _issued(s: CaseState, e: OrderIssued) -> CaseState:
    order = Order(
        id=e.order, role=e.role, unit=e.unit, post=e.post, person=e.person, deputy=e.deputy, round=e.round,
        steps=e.steps, issued=e.issued, row=e.row, line=e.line, others=e.others,
    )  # fmt: skip
    clocks = s.clocks
    if e.replaces:
        clocks = {
            key: replace(clock, order=e.order)
            if clock.order == e.replaces and clock.stopped is None
            else clock
            for key, clock in clocks.items()
        }
    lead = e.unit if e.role == "lead" and not e.line else s.lead
    return touched(s, orders=s.orders | {e.order: order}, round=e.round, clocks=clocks, lead=lead)


def _status(s: CaseState, e: OrderStatusChanged) -> CaseState:
    after = touched(s, orders=s.orders | {e.order: replace(s.orders[e.order], status=e.status)})
    return after if e.status in LIVE else order_ended(after, e.order)


def _joined(s: CaseState, e: ParticipantJoined) -> CaseState:
    added = Participant(part=e.part, unit=e.unit, post=e.post, since=e.since)
    return touched(s, participants=(*s.participants, added))


def _left(s: CaseState, e: ParticipantLeft) -> CaseState:
    left = tuple(
        replace(p, until=e.until) if (p.part, p.unit, p.post, p.until) == (e.part, e.unit, e.post, 0) else p
        for p in s.participants
    )
    return touched(s, participants=left)


def _step_done(s: CaseState, e: StepDone) -> CaseState:
    order = s.orders[e.order]
    order = replace(order, done=(*order.done, e.action), status=OrderStatus.ACTIVE)
    handlers = s.handlers
    if e.action in HANDLING:
        handlers = handlers if (e.person, e.unit) in handlers else (*handlers, (e.person, e.unit))
    # A step done is a sign of life: nobody is waited for or rung any more.
    waits = (f"{e.order}/{e.action}", f"{e.order}/answer", f"{e.order}/call")
    left = without(s.timers, *waits)
    done = s.done_of(order.line) | {e.action: e.at}
    changes: dict[str, Any] = (
        {"line_done": s.line_done | {order.line: done}} if order.line else {"done": done}
    )
    if e.passed is False and e.action != Action.REVIEW:
        failed = (*s.failed.get(order.line, ()), e.action)
        changes["failed"] = s.failed | {order.line: failed}
    return touched(
        s,
        orders=s.orders | {e.order: order},
        stage=s.stage if e.stage is None else e.stage,
        handlers=handlers,
        ringing={key: ring for key, ring in s.ringing.items() if key != e.order},
        timers=left if len(left) < len(s.timers) else s.timers,
        **changes,
    )


def _clock_started(s: CaseState, e: ClockStarted) -> CaseState:
    clock = Clock(
        key=e.clock, clause=e.clause, round=e.round, order=e.order, action=e.action, unit=e.unit,
        origin=e.origin, started=e.started, limit_us=e.limit_us, due=e.due,
    )  # fmt: skip
    return touched(s, clocks=s.clocks | {e.clock: clock}, timers=with_(s.timers, e.timers))


def _clock_paused(s: CaseState, e: ClockPaused) -> CaseState:
    clock = replace(s.clocks[e.clock], paused_at=e.at, pause_reason=e.reason, charged_to=e.charged_to)
    # What was due before the pause is due all the same, even if the tick comes after it.
    timers = {key: t for key, t in s.timers.items() if t.clock != e.clock or t.due <= e.at}
    return touched(s, clocks=s.clocks | {e.clock: clock}, timers=with_(timers, (e.timer,)))


def _clock_resumed(s: CaseState, e: ClockResumed) -> CaseState:
    clock = replace(settle_pause(s.clocks[e.clock], e.at), due=e.due, pause_reason="", charged_to="")
    timers = {key: t for key, t in s.timers.items() if (t.clock, t.moment) != (e.clock, "pause_end")}
    return touched(s, clocks=s.clocks | {e.clock: clock}, timers=with_(timers, e.timers))


def _clock_overdue(s: CaseState, e: ClockOverdue) -> CaseState:
    return touched(s, clocks=s.clocks | {e.clock: replace(s.clocks[e.clock], overdue=True)})


def _clock_stopped(s: CaseState, e: ClockStopped) -> CaseState:
    clock = replace(settle_pause(s.clocks[e.clock], e.at), stopped=e.at, void=e.void)
    return touched(s, clocks=s.clocks | {e.clock: clock}, timers=without(s.timers, e.clock))


def _escalated(s: CaseState, e: Escalated) -> CaseState:
    return touched(s, escalations=s.escalations + 1)


def _timer_spent(s: CaseState, e: TimerSpent) -> CaseState:
    return replace(s, timers={key: timer for key, timer in s.timers.items() if key != e.timer})


def _reviewed(s: CaseState, e: CaseReviewed) -> CaseState:
    return touched(s, reviewed=e.passed)


def _undone(s: CaseState, e: StepsUndone | CaseReopened) -> CaseState:
    done = {action: at for action, at in s.done.items() if action not in e.undone}
    reached = [stage for action, stage in STAGE_OF.items() if action in done]
    # What failed its review is reviewed again, whatever a new draw would say.
    drawn = s.drawn if isinstance(e, StepsUndone) and e.why == Action.REVIEW else None
    failed = {
        line: tuple(a for a in actions if line or a not in e.undone) for line, actions in s.failed.items()
    }
    return touched(
        s,
        done=done,
        stage=reached[-1] if reached else CaseStage.OPENED,
        reviewed=None,
        drawn=drawn,
        failed=failed,
    )


def _reopened(s: CaseState, e: CaseReopened) -> CaseState:
    return replace(_undone(s, e), cause=None, closed=0, line_done={}, failed={}, merged_into="", passed_on={})


def _closed(s: CaseState, e: CaseClosed) -> CaseState:
    left = without(s.timers, "case")
    return touched(s, cause=e.cause, closed=e.closed, stage=CaseStage.CLOSED, deferred=0, timers=left)


def _archived(s: CaseState, e: CaseArchived) -> CaseState:
    return touched(s, stage=CaseStage.ARCHIVED)


def _delivered(s: CaseState, e: DeliveryRecorded) -> CaseState:
    return replace(s, deliveries=s.deliveries | {e.order: e.outcome.value})


def _noted(s: CaseState, e: CaseNoted) -> CaseState:
    return touched(s)


def _called(s: CaseState, e: CallLogged) -> CaseState:
    return touched(s, calls=s.calls + 1)


def _order(s: CaseState, order: str, **changes: Any) -> CaseState:
    """One order changed; what other systems say of it makes no act stale."""
    return replace(s, orders=s.orders | {order: replace(s.orders[order], **changes)})


def _numbered(s: CaseState, e: OrderNumbered) -> CaseState:
    return _order(s, e.order, numbers=(*s.orders[e.order].numbers, (e.system, e.number)))


def _heard(s: CaseState, e: OrderHeard) -> CaseState:
    return _order(s, e.order, their_status=e.status, their_at=e.device_at, heard_at=e.at)


_APPLY: dict[type, Callable[[CaseState, Any], CaseState]] = {
    CaseOpened: _opened,
    CaseFindingChanged: _finding_changed,
    CaseFindingSettled: _settled,
    CaseGathered: _gathered,
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
    CaseNoted: _noted,
    CallLogged: _called,
    CaseClosed: _closed,
    CaseArchived: _archived,
    DeliveryRecorded: _delivered,
    OrderNumbered: _numbered,
    OrderHeard: _heard,
}
_APPLY |= SIDE | UPWARD
CASE_EVENTS = tuple(_APPLY)


def evolve_case(state: CaseState, event: Any) -> CaseState:
    """Apply one event; chooses nothing."""
    return _APPLY[type(event)](state, event)
