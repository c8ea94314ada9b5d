"""延期、挂账、暂停: acts that change how much time there is. Pauses have rows of their own."""

from __future__ import annotations

from liandong.core.coordinate.deferral import DEFERRED, defer, end_deferral
from liandong.core.mechanism.authority import next_actions
from liandong.core.mechanism.clocks import pause_clock, resume_clock, timers_of
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.mechanism.transfers import fits, order_meant, take
from liandong.core.values.case import Clock, Order, replace
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action
from liandong.core.values.messages import Act
from liandong.core.values.rows import PauseRow, TransferRow
from liandong.core.values.sidelines import TransferRequest
from liandong.core.values.times import SECOND
from liandong.core.values.transfer_events import ClockExtended


def running(draft: Draft, order: str) -> list[Clock]:
    """The clocks of an order that have not stopped."""
    return [c for c in draft.case.clocks.values() if c.order == order and c.stopped is None]


def may_extend(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """To a moment that is later for a running clock, within what the row allows."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if order is None or act.until is None:
        return refuse("act.missing_field", field="until", action=act.action)
    moved = [clock for clock in running(draft, order.id) if clock.due < act.until]
    if not moved or act.until <= draft.now:
        return refuse("extend.nothing", needed=next_actions(draft.case))
    longest = max(act.until - clock.due for clock in moved)
    if row.longest_s is not None and longest > round(row.longest_s * SECOND):
        return refuse("transfer.too_long", action=act.action, most=row.longest_s, row=row.key)
    return None


def extend(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """延期: every running clock of the order that is due before that moment is due then."""
    until = asked.until or 0
    for clock in running(draft, asked.order):
        by = until - clock.due
        if by > 0:
            moved = replace(clock, extended_us=clock.extended_us + by, due=until)
            timers = timers_of(draft, moved, after=draft.now)
            kept = tuple(t for t in draft.case.timers.values() if t.clock == clock.key)
            waiting = kept if clock.paused_at is not None else timers
            draft.add(
                ClockExtended(
                    case=draft.case.id, clock=clock.key, by_us=by, due=until, row=row.key,
                    person=asked.person, at=draft.now, timers=waiting,
                )
            )  # fmt: skip


def may_defer(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """To a review date within what the row allows, not a second time at once."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if act.until is None or act.until <= draft.now:
        return refuse("act.missing_field", field="until", action=act.action)
    if draft.case.deferred:
        return refuse("defer.already", until=draft.case.deferred)
    if row.longest_s is not None and act.until - draft.now > round(row.longest_s * SECOND):
        return refuse("transfer.too_long", action=act.action, most=row.longest_s, row=row.key)
    return None


def defer_case(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """挂账, charged to the unit that asked."""
    defer(draft, asked.order, asked.until or draft.now, asked.unit, row.key, asked.person)


def pauses(draft: Draft) -> tuple[TransferRow, ...]:
    """The rows of pauses, as what has to be approved."""
    return tuple(as_transfer(row) for row in draft.policy.routing.mechanism.pauses)


def as_transfer(row: PauseRow) -> TransferRow:
    """A pause by its row, as an act of whoever holds the order."""
    return TransferRow(
        key=row.key, flow=row.flow, action=Action.PAUSE, role="holder", approver=row.approver,
        longest_s=row.longest_s,
    )  # fmt: skip


def pausable(draft: Draft, order: Order, reason: str) -> list[tuple[Clock, PauseRow]]:
    """The running clocks of an order that a row lets this reason stop."""
    return [
        (clock, row)
        for clock in running(draft, order.id)
        if clock.paused_at is None
        and (row := draft.policy.routing.pause(draft.case.hazard, reason, clock.action)) is not None
    ]


def may_pause(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """As long as any clock still runs that the reason may stop."""
    if order is None or not pausable(draft, order, act.reason):
        return refuse("act.pause_not_allowed", reason=act.reason, action=next_actions(draft.case))
    return None


def pause(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """Each clock as long as its own row lets it, charged to whom that row says."""
    order = draft.case.orders[asked.order]
    for clock, one in pausable(draft, order, asked.reason):
        charged_to = unit_of_role(draft.policy, draft.case, one.charged_to) or order.unit
        until = draft.now + round(one.longest_s * SECOND)
        pause_clock(draft, clock, one.reason, one.key, charged_to, until)


def resume(draft: Draft, act: Act) -> Decision:
    """恢复计时: also of a case that was deferred, before its review date."""
    order = order_meant(draft, act)
    if isinstance(order, Decision):
        return order
    if order is None or not fits(draft, act, "holder", order):
        return refuse("act.not_yours", action=act.action, needed=next_actions(draft.case))
    paused = [clock for clock in running(draft, order.id) if clock.paused_at is not None]
    if not paused:
        return refuse("act.nothing_paused")
    take(draft, act, order, "default.resume")
    if any(clock.pause_reason == DEFERRED for clock in paused):
        end_deferral(draft, by=act.person, at=draft.now)
    for clock in running(draft, order.id):
        if clock.paused_at is not None:
            resume_clock(draft, clock, by=act.person)
    return draft.done("act.resume", clocks=len(paused))
