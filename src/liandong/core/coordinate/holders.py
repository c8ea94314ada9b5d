"""转办、提级办理、撤销、更正、催办、督办: acts about who holds an order. Each is checked first, then done,
at once or when somebody has approved."""

from __future__ import annotations

from liandong.core.coordinate.escalations import may_take, supervise, take_over
from liandong.core.coordinate.time_limits import running
from liandong.core.mechanism.authority import next_actions
from liandong.core.mechanism.clocks import start_clocks, stop_for, timers_of
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.duty import in_question, may_hold, on_duty
from liandong.core.mechanism.orders import cancel_rest, end_order, independent, issue, may_review
from liandong.core.mechanism.resolve import Resolved, resolve
from liandong.core.mechanism.transfers import is_default, unit_of
from liandong.core.values.case import LIVE, Order
from liandong.core.values.case_events import ParticipantLeft
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, ClockOrigin, OrderStatus, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import TransferRow
from liandong.core.values.sidelines import TransferRequest
from liandong.core.values.transfer_events import CaseCancelled, StepWithdrawn
from liandong.core.values.urging_events import HolderUrged


def said(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """A reason is enough; it speaks of the case and of no order."""
    return None if act.reason else refuse("act.missing_field", field="reason", action=act.action)


def live(draft: Draft, act: Act, order: Order | None) -> Decision | None:
    """The order has to be live."""
    if order is None or order.status not in LIVE:
        return refuse("act.not_allowed", action=act.action, stage=draft.case.stage, needed="-")
    return None


def with_reason(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """A live order and a reason."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    return live(draft, act, order)


def may_hand_over(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """To people of the same post by name; to another unit only where a row of the mechanism says so."""
    if order is None or order.status not in LIVE:
        return live(draft, act, order)
    city = draft.policy.city
    if act.to in city.units:
        if is_default(row):
            return refuse(
                "transfer.no_row", action=act.action, flow=draft.case.hazard, level=draft.case.level
            )
        if act.to == order.unit or not may_hold(draft.case, order, act.to):
            return refuse("act.bad_recipient", to=act.to)
        if not may_review(draft, order, act.to):
            return refuse("act.bad_recipient", to=act.to)
        return None
    people = [person for person in (act.to, *act.persons) if person] or [""]
    for person in people:
        if not city.holds(person, order.post, draft.now):
            return refuse("act.bad_recipient", to=person)
    if people == [order.person]:
        return refuse("act.bad_recipient", to=act.to)
    return None


def hand_over(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """转办: within the post clocks run on; another unit has its own time."""
    order = draft.case.orders[asked.order]
    steps = tuple(s for s in order.steps if s.action not in order.done)
    first, *others = asked.to.split(";")
    end_order(draft, order, OrderStatus.HANDED_OVER)
    if first not in draft.policy.city.units:
        to = Resolved(unit=order.unit, post=order.post, person=first, deputy=order.person)
        issue(
            draft, order.role, steps, to, order.row, replaces=order.id, line=order.line, others=tuple(others)
        )
        return
    # Another unit has its own time: what ran for the one before is void.
    stop_for(draft, order.id, void=True)
    leave_lead(draft, order)
    found = on_duty(draft, first, order.line) if in_question(order) else None
    to = found or resolve(draft.policy, draft.case, first, draft.now)
    if not may_review(draft, order, to.unit):
        to = independent(draft, to)  # nobody is on duty there, and the centre has handled the case
    issue(draft, order.role, steps, to, row.key, line=order.line)


def leave_lead(draft: Draft, order: Order) -> None:
    """Who has lead the case no longer does."""
    if order.role == "lead" and not order.line:
        draft.add(
            ParticipantLeft(
                case=draft.case.id, part=Participation.LEAD, unit=order.unit, post=order.post,
                until=draft.now,
            )
        )  # fmt: skip


def _taker(asked_post: str, asked_person: str, unit: str) -> Resolved:
    return Resolved(unit=unit, post=asked_post, person=asked_person)


def may_take_over(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """By somebody who may hold it, with a reason."""
    refused = with_reason(draft, act, order, row)
    if refused is not None or order is None:
        return refused
    if not may_take(draft, order, _taker(act.post, act.person, unit_of(draft, act.post))):
        return refuse("act.bad_recipient", to=act.post)
    return None


def take_over_by(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """提级办理 by a person, as whose post they act."""
    to = _taker(asked.post, asked.person, asked.unit)
    take_over(draft, draft.case.orders[asked.order], to, row.key)


def cancel(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """撤销: every order ends, and the case with them."""
    act = Act(
        id="", body_digest="", action=Action.CANCEL, case=draft.case.id, person=asked.person,
        post=asked.post, version=draft.case.version,
    )  # fmt: skip
    cancel_rest(draft, act)
    draft.add(
        CaseCancelled(case=draft.case.id, person=asked.person, at=draft.now, row=row.key, reason=asked.reason)
    )


def may_undo(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """Only an acknowledgement that nothing has followed yet."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if order is None or not order.done or order.done[-1] != Action.ACKNOWLEDGE or order.status not in LIVE:
        return refuse("undo.nothing", needed=next_actions(draft.case))
    return None


def undo(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """The clock that the acknowledgement stopped runs as if it never had; those that it started are void."""
    order = draft.case.orders[asked.order]
    at = draft.case.done_of(order.line)[Action.ACKNOWLEDGE]
    follows = (ClockOrigin.ACKNOWLEDGED, ClockOrigin.PREVIOUS)
    for clock in running(draft, order.id):
        if clock.origin in follows and clock.started >= at:
            stop_for(draft, order.id, clock.action, void=True)
    stopped = [
        clock
        for clock in draft.case.clocks.values()
        if (clock.order, clock.action, clock.stopped) == (order.id, Action.ACKNOWLEDGE, at)
    ]
    timers = [timer for clock in stopped for timer in timers_of(draft, clock, after=at)]
    due = {c.key: c.started + c.limit_us + c.paused_us + c.extended_us for c in stopped}
    draft.add(
        StepWithdrawn(
            case=draft.case.id, order=order.id, action=Action.ACKNOWLEDGE, person=asked.person,
            at=draft.now, row=row.key, clocks=due, timers=tuple(timers),
        )
    )  # fmt: skip
    start_clocks(draft)


def urge(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """催办 by a person, counted; everybody named on the order is told."""
    order, case = draft.case.orders[asked.order], draft.case
    draft.add(
        HolderUrged(
            case=case.id, order=order.id, number=case.urged + 1, unit=order.unit, person=asked.person,
            at=draft.now,
        )
    )  # fmt: skip
    for person in dict.fromkeys((order.person, *order.others)):
        draft.tell(order.id, person, "tell.urged", asset=case.asset, number=case.urged + 1, unit=asked.unit)


def may_urge(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """Somebody else's live order."""
    return live(draft, act, order)


def supervise_by(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """督办 by a person: told of every step from now on, and who holds the order knows."""
    order = draft.case.orders[asked.order]
    supervise(draft, order, _taker(asked.post, asked.person, asked.unit), row.key)
    draft.tell(order.id, order.person, "tell.supervised", asset=draft.case.asset, unit=asked.unit)
