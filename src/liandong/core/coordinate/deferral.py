"""挂账: a case rests until it is looked at again; its clocks stand still and are charged to a unit."""

from __future__ import annotations

from liandong.core.mechanism.clocks import pause_clock, resume_clock
from liandong.core.mechanism.draft import Draft
from liandong.core.values.case import LIVE, Timer
from liandong.core.values.ids import timer_id
from liandong.core.values.transfer_events import CaseDeferred, DeferralEnded

#: Reason of the pauses that a deferral makes.
DEFERRED = "deferred"


def defer(draft: Draft, order: str, until: int, charged_to: str, row: str, person: str) -> None:
    """Stop every running clock until the review date, at which a timer brings the case back."""
    case = draft.case
    made = timer_id(*draft.ids, case.id, DEFERRED, f"review@{draft.now}", case.round)
    draft.add(
        CaseDeferred(
            case=case.id, order=order, until=until, charged_to=charged_to, row=row, person=person,
            at=draft.now, timer=Timer(id=made, clock="case", moment="review_date", due=until),
        )
    )  # fmt: skip
    for clock in tuple(case.clocks.values()):
        if clock.stopped is None and clock.paused_at is None:
            pause_clock(draft, clock, DEFERRED, row, charged_to, until)


def end_deferral(draft: Draft, by: str, at: int) -> None:
    """The clocks run on, and who holds an order is told that the case is back."""
    draft.add(DeferralEnded(case=draft.case.id, at=at, by=by))
    for clock in tuple(draft.case.clocks.values()):
        if clock.stopped is None and clock.paused_at is not None and clock.pause_reason == DEFERRED:
            resume_clock(draft, clock, by=by, at=at)
    for order in draft.case.orders.values():
        if order.status in LIVE:
            draft.tell(order.id, order.person, "tell.deferral_ended", asset=draft.case.asset)
