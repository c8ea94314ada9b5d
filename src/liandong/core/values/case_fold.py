"""Folding a case's events into its state. Applies, and chooses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from liandong.core.values.case import STAGE_OF, CaseState, Clock, Order, Participant, Report, Timer
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
    CaseReported,
    CaseReviewed,
    ClockOverdue,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockStopped,
    DeliveryRecorded,
    Escalated,
    OrderIssued,
    OrderStatusChanged,
    ParticipantJoined,
    ParticipantLeft,
    ReportOwed,
    StepDone,
    StepsUndone,
    TimerSpent,
)
from liandong.core.values.lists import Action, CaseStage, OrderStatus

replace = msgspec.structs.replace


def _without(timers: dict[str, Timer], clock: str) -> dict[str, Timer]:
    return {key: timer for key, timer in timers.items() if timer.clock != clock}


def _with(timers: dict[str, Timer], added: tuple[Timer, ...]) -> dict[str, Timer]:
    return timers | {timer.id: timer for timer in added}


def _set(s: CaseState, **changes: Any) -> CaseState:
    """Fields replaced, and the version raised, because people may have to react. What must make no
    act stale (a delivery report, a spent timer, a finding settled) uses `replace`."""
    return replace(s, version=s.version + 1, **changes)


def _opened(s: CaseState, e: CaseOpened) -> CaseState:
    return CaseState(
        version=s.version + 1,
        id=e.case, grouping=e.grouping, ordinal=e.ordinal, parents=e.parents, hazard=e.hazard, asset=e.asset,
        area=e.area, area_path=e.area_path, level=e.level, mode=e.mode, opened=e.opened,
        onset=e.detail.onset, alarmed=e.alarmed,
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
    return _set(s, findings=findings, seen=seen, rules=rules, alarm_active=e.alarm_active)


def _gathered(s: CaseState, e: CaseGathered) -> CaseState:
    return replace(s, members=e.members, alarm_active=e.active)


def _settled(s: CaseState, e: CaseFindingSettled) -> CaseState:
    found = s.findings.get(e.finding)
    return s if found is None else replace(s, findings=s.findings | {e.finding: replace(found, settled=True)})


def _level_changed(s: CaseState, e: CaseLevelChanged) -> CaseState:
    return _set(s, level=e.after)


def _judged(s: CaseState, e: CaseJudged) -> CaseState:
    return _set(s, verdict=e.verdict)


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
    return _set(s, orders=s.orders | {e.order: order}, round=e.round, clocks=clocks, lead=lead)


def _status(s: CaseState, e: OrderStatusChanged) -> CaseState:
    return _set(s, orders=s.orders | {e.order: replace(s.orders[e.order], status=e.status)})


def _joined(s: CaseState, e: ParticipantJoined) -> CaseState:
    added = Participant(part=e.part, unit=e.unit, post=e.post, since=e.since)
    return _set(s, participants=(*s.participants, added))


def _left(s: CaseState, e: ParticipantLeft) -> CaseState:
    left = tuple(
        replace(p, until=e.until) if (p.part, p.unit, p.post, p.until) == (e.part, e.unit, e.post, 0) else p
        for p in s.participants
    )
    return _set(s, participants=left)


def _step_done(s: CaseState, e: StepDone) -> CaseState:
    order = s.orders[e.order]
    order = replace(order, done=(*order.done, e.action), status=OrderStatus.ACTIVE)
    handlers = s.handlers
    if e.action in (Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK):
        handlers = handlers if (e.person, e.unit) in handlers else (*handlers, (e.person, e.unit))
    return _set(
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
    return _set(s, clocks=s.clocks | {e.clock: clock}, timers=_with(s.timers, e.timers))


def _clock_paused(s: CaseState, e: ClockPaused) -> CaseState:
    clock = replace(s.clocks[e.clock], paused_at=e.at, pause_reason=e.reason, charged_to=e.charged_to)
    # What was due before the pause is due all the same, even if the tick comes after it.
    timers = {key: t for key, t in s.timers.items() if t.clock != e.clock or t.due <= e.at}
    return _set(s, clocks=s.clocks | {e.clock: clock}, timers=_with(timers, (e.timer,)))


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
    return _set(s, clocks=s.clocks | {e.clock: clock}, timers=_with(timers, e.timers))


def _clock_overdue(s: CaseState, e: ClockOverdue) -> CaseState:
    return _set(s, clocks=s.clocks | {e.clock: replace(s.clocks[e.clock], overdue=True)})


def _clock_stopped(s: CaseState, e: ClockStopped) -> CaseState:
    clock = replace(_settle_pause(s.clocks[e.clock], e.at), stopped=e.at, void=e.void)
    return _set(s, clocks=s.clocks | {e.clock: clock}, timers=_without(s.timers, e.clock))


def _escalated(s: CaseState, e: Escalated) -> CaseState:
    return _set(s, escalations=s.escalations + 1)


def _timer_spent(s: CaseState, e: TimerSpent) -> CaseState:
    return replace(s, timers={key: timer for key, timer in s.timers.items() if key != e.timer})


def _reviewed(s: CaseState, e: CaseReviewed) -> CaseState:
    return _set(s, reviewed=e.passed)


def _undone(s: CaseState, e: StepsUndone | CaseReopened) -> CaseState:
    done = {action: at for action, at in s.done.items() if action not in e.undone}
    reached = [stage for action, stage in STAGE_OF.items() if action in done]
    return _set(s, done=done, stage=reached[-1] if reached else CaseStage.OPENED, reviewed=None)


def _reopened(s: CaseState, e: CaseReopened) -> CaseState:
    return replace(_undone(s, e), cause=None, closed=0)


def _closed(s: CaseState, e: CaseClosed) -> CaseState:
    return _set(s, cause=e.cause, closed=e.closed, stage=CaseStage.CLOSED)


def _archived(s: CaseState, e: CaseArchived) -> CaseState:
    return _set(s, stage=CaseStage.ARCHIVED)


def _delivered(s: CaseState, e: DeliveryRecorded) -> CaseState:
    return replace(s, deliveries=s.deliveries | {e.order: e.outcome.value})


def _noted(s: CaseState, e: CaseNoted) -> CaseState:
    return _set(s)


def _called(s: CaseState, e: CallLogged) -> CaseState:
    return _set(s, calls=s.calls + 1)


def _report_owed(s: CaseState, e: ReportOwed) -> CaseState:
    owed = Report(row=e.row, to=e.to, started=e.started, limit_us=e.limit_us, due=e.due)
    return _set(s, reports=s.reports | {e.row: owed})


def _reported(s: CaseState, e: CaseReported) -> CaseState:
    before = s.reports.get(e.row) or Report(row=e.row, to=e.to, started=e.at, limit_us=None, due=None)
    return _set(s, reports=s.reports | {e.row: replace(before, sent=e.at, due=e.due, versions=e.number)})


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
    ReportOwed: _report_owed,
    CaseReported: _reported,
    CaseClosed: _closed,
    CaseArchived: _archived,
    DeliveryRecorded: _delivered,
}
CASE_EVENTS = tuple(_APPLY)


def evolve_case(state: CaseState, event: Any) -> CaseState:
    """Apply one event; chooses nothing."""
    return _APPLY[type(event)](state, event)
