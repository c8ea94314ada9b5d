"""时限: clocks start at their origin, pause by a row, stop at their step (MECHANISM 4).

Everything is computed from events, so that a changed origin can be tried on last year's cases.
"""

from __future__ import annotations

from liandong.core.mechanism.draft import Draft
from liandong.core.values.case import LIVE, Clock, Order, PlannedStep, Timer
from liandong.core.values.case_events import ClockPaused, ClockResumed, ClockStarted, ClockStopped
from liandong.core.values.ids import timer_id
from liandong.core.values.lists import Action, ClockOrigin
from liandong.core.values.rows import EscalationRow
from liandong.core.values.times import SECOND
from liandong.core.values.urging_events import WaitStarted

_DONE_BY = {
    ClockOrigin.PUSHED: Action.PUSH,
    ClockOrigin.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    ClockOrigin.ARRIVED: Action.ARRIVE,
}


def _origin_time(draft: Draft, order: Order, step: PlannedStep) -> int | None:
    """When the clause's origin happened; None where it has not yet."""
    case, done = draft.case, draft.case.done_of(order.line)
    if step.origin == ClockOrigin.FINDING:
        return case.alarmed
    if step.origin == ClockOrigin.OPENED:
        return case.opened
    if step.origin == ClockOrigin.ISSUED:
        return order.issued
    if step.origin == ClockOrigin.PREVIOUS:
        before = [s.action for s in order.steps][: [s.action for s in order.steps].index(step.action)]
        return done.get(before[-1]) if before else order.issued
    return done.get(_DONE_BY[step.origin])


def timers_of(draft: Draft, clock: Clock, after: int | None) -> tuple[Timer, ...]:
    """Timers of a running clock: one per escalation row and one when it is due.

    With `after`, only moments that would have come later than that without the pauses since.
    """
    case = draft.case
    moments = [("due", clock.limit_us + clock.extended_us)]
    for row in _rows(draft, case.orders[clock.order], clock.action):
        if row.fraction is not None:
            moments.append((row.key, round(clock.limit_us * row.fraction) + clock.extended_us))
        elif row.after_s is not None:
            moments.append((row.key, round(row.after_s * SECOND)))
    timers = []
    for key, later in sorted(moments, key=lambda moment: moment[1]):
        due = clock.started + clock.paused_us + later
        if after is not None and due <= after:
            continue
        made = timer_id(*draft.ids, case.id, clock.clause, key, clock.round)
        timers.append(Timer(id=made, clock=clock.key, moment=key, due=due))
    return tuple(timers)


def _rows(draft: Draft, order: Order, action: Action) -> tuple[EscalationRow, ...]:
    return draft.policy.routing.escalations(draft.case.hazard, draft.case.level, action, order.line)


def start_clocks(draft: Draft) -> None:
    """Start every clause of a live order whose origin has come and whose clock does not run yet."""
    for order in tuple(draft.case.orders.values()):
        if order.status not in LIVE:
            continue
        for step in order.steps:
            if step.action in order.done:
                continue
            _start_waits(draft, order, step)
            if step.limit_us is None:
                continue
            earlier = [c for c in draft.case.clocks.values() if c.clause == step.clause]
            if any(c.stopped is None and draft.case.orders[c.order].line == order.line for c in earlier):
                continue
            origin = _origin_time(draft, order, step)
            if origin is not None:
                _start(draft, order, step, origin, len(earlier) + 1)


def _start_waits(draft: Draft, order: Order, step: PlannedStep) -> None:
    """Moments that no limit gives: so long without an answer; so long after, where the limit is unset."""
    rows = draft.policy.routing.waits(draft.case.hazard, draft.case.level, step.action, order.line)
    if not rows:
        return
    unanswered, later = f"{order.id}/answer", f"{order.id}/{step.action}"
    found: list[tuple[str, str, int]] = []
    waits = []
    if f"{unanswered}:{step.action}" not in draft.case.waits and not order.done:
        silent = [(row.key, row.no_answer_s) for row in rows if row.no_answer_s is not None]
        found += [(unanswered, key, order.issued + round(s * SECOND)) for key, s in silent]
        waits += [f"{unanswered}:{step.action}"] if silent else []
    origin = _origin_time(draft, order, step) if step.limit_us is None else None
    if origin is not None and later not in draft.case.waits:
        after = [(row.key, row.after_s) for row in rows if row.after_s is not None]
        found += [(later, key, max(origin, order.issued) + round(s * SECOND)) for key, s in after]
        waits += [later] if after else []
    if waits:
        timers = tuple(
            Timer(
                id=timer_id(*draft.ids, draft.case.id, f"{owner}:{step.action}", key, order.round),
                clock=owner,
                moment=key,
                due=due,
            )
            for owner, key, due in sorted(found, key=lambda one: one[2])
        )
        draft.add(WaitStarted(case=draft.case.id, waits=tuple(waits), timers=timers))


def _start(draft: Draft, order: Order, step: PlannedStep, origin: int, round_: int) -> None:
    # A step that was ordered before belongs to a second order now, perhaps under another clause as the
    # level has changed: the time before that order is not its time.
    again = any(
        other.line == order.line
        and other.round < order.round
        and any(s.action == step.action for s in other.steps)
        for other in draft.case.orders.values()
    )
    started = max(origin, order.issued) if again else origin
    limit = step.limit_us or 0
    row = draft.policy.routing.step(step.clause)
    clock = Clock(
        key=f"{step.clause}#{round_}", clause=step.clause, round=round_, order=order.id, action=step.action,
        unit=order.unit, origin=step.origin, started=started, limit_us=limit, due=started + limit,
    )  # fmt: skip
    draft.add(
        ClockStarted(
            case=draft.case.id,
            clock=clock.key,
            clause=clock.clause,
            round=round_,
            order=order.id,
            action=step.action,
            unit=order.unit,
            origin=step.origin,
            origin_assumed=row is None or not row.origin_stated,
            started=started,
            limit_us=limit,
            due=clock.due,
            timers=timers_of(draft, clock, None),
        )
    )


def stop_clock(draft: Draft, clock: Clock, void: bool = False) -> None:
    """The step is done, or, with `void`, will not be done under this order."""
    running = clock.paused_us + (draft.now - clock.paused_at if clock.paused_at is not None else 0)
    late = draft.now - (clock.started + clock.limit_us + clock.extended_us + running)
    draft.add(ClockStopped(case=draft.case.id, clock=clock.key, at=draft.now, late_us=late, void=void))


def stop_for(draft: Draft, order: str, action: Action | None = None, void: bool = False) -> None:
    """Stop the running clocks of an order, of one action or of all."""
    for clock in tuple(draft.case.clocks.values()):
        if clock.order == order and clock.stopped is None and action in (None, clock.action):
            stop_clock(draft, clock, void)


def pause_clock(draft: Draft, clock: Clock, reason: str, row: str, charged_to: str, until: int) -> None:
    """Stop the clock for a while, at most until the moment that the row allows."""
    key = timer_id(*draft.ids, draft.case.id, clock.clause, f"pause_end@{draft.now}", clock.round)
    draft.add(
        ClockPaused(
            case=draft.case.id,
            clock=clock.key,
            reason=reason,
            row=row,
            charged_to=charged_to,
            at=draft.now,
            timer=Timer(id=key, clock=clock.key, moment="pause_end", due=until),
        )
    )


def resume_clock(draft: Draft, clock: Clock, by: str, at: int | None = None) -> None:
    """Let the clock run on, from now or `at`; its moments move by the length of the pause."""
    at = draft.now if at is None else at
    paused_at = clock.paused_at if clock.paused_at is not None else at
    before = clock.paused_us
    moved = Clock(
        key=clock.key, clause=clock.clause, round=clock.round, order=clock.order, action=clock.action,
        unit=clock.unit, origin=clock.origin, started=clock.started, limit_us=clock.limit_us, due=clock.due,
        paused_us=before + at - paused_at, extended_us=clock.extended_us,
    )  # fmt: skip
    timers = timers_of(draft, moved, after=at)
    due = clock.started + clock.limit_us + clock.extended_us + moved.paused_us
    draft.add(ClockResumed(case=draft.case.id, clock=clock.key, at=at, due=due, by=by, timers=timers))
