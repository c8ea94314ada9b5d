"""时限: clocks start at their origin, pause by a row, stop at their step (MECHANISM 4).

Everything is computed from events, so that a changed origin can be tried on last year's cases.
"""

from __future__ import annotations

from liandong.core.mechanism.draft import Draft
from liandong.core.values.case import LIVE, Clock, Order, PlannedStep, Timer
from liandong.core.values.case_events import ClockPaused, ClockResumed, ClockStarted, ClockStopped
from liandong.core.values.ids import timer_id
from liandong.core.values.lists import Action, ClockOrigin
from liandong.core.values.rows import PauseRow
from liandong.core.values.times import SECOND

_DONE_BY = {
    ClockOrigin.PUSHED: Action.PUSH,
    ClockOrigin.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    ClockOrigin.ARRIVED: Action.ARRIVE,
}


def _origin_time(draft: Draft, order: Order, step: PlannedStep) -> int | None:
    """When the clause's origin happened; None where it has not yet."""
    case = draft.case
    if step.origin == ClockOrigin.FINDING:
        return case.alarmed
    if step.origin == ClockOrigin.OPENED:
        return case.opened
    if step.origin == ClockOrigin.ISSUED:
        return order.issued
    if step.origin == ClockOrigin.PREVIOUS:
        before = [s.action for s in order.steps][: [s.action for s in order.steps].index(step.action)]
        return case.done.get(before[-1]) if before else order.issued
    return case.done.get(_DONE_BY[step.origin])


def _timers(draft: Draft, clock: Clock, after: int | None) -> tuple[Timer, ...]:
    """Timers of a running clock: one per escalation row and one when it is due.

    With `after`, only moments that would have come later than that without the pauses since.
    """
    case = draft.case
    rows = draft.policy.routing.escalations(case.hazard, case.level, clock.action)
    moments = [(row.key, row.fraction) for row in rows] + [("due", 1.0)]
    timers = []
    for key, fraction in moments:
        due = clock.started + clock.paused_us + round(clock.limit_us * fraction)
        if after is not None and due <= after:
            continue
        made = timer_id(*draft.ids, case.id, clock.clause, key, clock.round)
        timers.append(Timer(id=made, clock=clock.key, moment=key, due=due))
    return tuple(timers)


def start_clocks(draft: Draft) -> None:
    """Start every clause of a live order whose origin has come and whose clock does not run yet."""
    for order in tuple(draft.case.orders.values()):
        if order.status not in LIVE:
            continue
        for step in order.steps:
            if step.limit_us is None or step.action in order.done:
                continue
            earlier = [c for c in draft.case.clocks.values() if c.clause == step.clause]
            if any(c.stopped is None for c in earlier):
                continue
            origin = _origin_time(draft, order, step)
            if origin is not None:
                _start(draft, order, step, origin, len(earlier) + 1)


def _start(draft: Draft, order: Order, step: PlannedStep, origin: int, round_: int) -> None:
    # A step that was ordered before belongs to a second order now, perhaps under another clause as the
    # level has changed: the time before that order is not its time.
    again = any(
        other.round < order.round and any(s.action == step.action for s in other.steps)
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
            timers=_timers(draft, clock, None),
        )
    )


def stop_clock(draft: Draft, clock: Clock, void: bool = False) -> None:
    """The step is done, or, with `void`, will not be done under this order."""
    running = clock.paused_us + (draft.now - clock.paused_at if clock.paused_at is not None else 0)
    late = draft.now - (clock.started + clock.limit_us + running)
    draft.add(ClockStopped(case=draft.case.id, clock=clock.key, at=draft.now, late_us=late, void=void))


def stop_for(draft: Draft, order: str, action: Action | None = None, void: bool = False) -> None:
    """Stop the running clocks of an order, of one action or of all."""
    for clock in tuple(draft.case.clocks.values()):
        if clock.order == order and clock.stopped is None and action in (None, clock.action):
            stop_clock(draft, clock, void)


def pause_clock(draft: Draft, clock: Clock, row: PauseRow, charged_to: str) -> None:
    """Stop the clock for a while, at most as long as the row allows."""
    key = timer_id(*draft.ids, draft.case.id, clock.clause, f"pause_end@{draft.now}", clock.round)
    timer = Timer(id=key, clock=clock.key, moment="pause_end", due=draft.now + round(row.longest_s * SECOND))
    draft.add(
        ClockPaused(
            case=draft.case.id,
            clock=clock.key,
            reason=row.reason,
            row=row.key,
            charged_to=charged_to,
            at=draft.now,
            timer=timer,
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
        paused_us=before + at - paused_at,
    )  # fmt: skip
    timers = _timers(draft, moved, after=at)
    due = clock.started + clock.limit_us + moved.paused_us
    draft.add(ClockResumed(case=draft.case.id, clock=clock.key, at=at, due=due, by=by, timers=timers))
