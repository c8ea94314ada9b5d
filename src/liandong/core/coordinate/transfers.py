"""Acts beside the steps that a row lets happen: at once, or once whoever its row names has approved 审批."""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.coordinate import help_requests, holders, joining, time_limits
from liandong.core.mechanism.authority import next_actions, step_order
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import finish_step, issue
from liandong.core.mechanism.resolve import resolve
from liandong.core.mechanism.transfers import fits, order_meant, permit, rows_for, take, unit_of
from liandong.core.values.case import LIVE, Order, PlannedStep, replace
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, ClockOrigin, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import TransferRow
from liandong.core.values.sidelines import TransferRequest
from liandong.core.values.times import SECOND
from liandong.core.values.transfer_events import RequestDecided, RequestMade

#: Why it cannot be done, None where it can.
Check = Callable[[Draft, Act, Order | None, TransferRow], Decision | None]
#: Does it; `text` and such are in the act that asked.
Apply = Callable[[Draft, TransferRequest, TransferRow], None]


#: What speaks of the whole case: it does not matter which order ends before somebody approves.
_OF_THE_CASE = (Action.CANCEL, Action.DEFER, Action.MERGE, Action.SPLIT)


def transfer(draft: Draft, act: Act) -> Decision:
    """An act that a row lets happen, at once, or by the order to approve that its row asks for."""
    order = order_meant(draft, act)
    if isinstance(order, Decision):
        return order
    row = permit(draft, act, order)
    if isinstance(row, Decision):
        return row
    check, apply = _KINDS[act.action]
    refused = check(draft, act, order, row)
    if refused is not None:
        return refused
    if act.action in _OF_THE_CASE:
        order = None
    asked = TransferRequest(
        action=act.action, order=order.id if order else "", person=act.person, post=act.post,
        unit=unit_of(draft, act.post), row=row.key, to=";".join((act.to, *act.persons)).strip(";"),
        until=act.until, reason=act.reason, findings=act.findings,
    )  # fmt: skip
    if row.approver and any(_same(asked, other) for other in _waiting(draft)):
        return refuse("request.waiting", action=act.action, needed=row.approver)
    take(draft, act, order, row.key)
    if row.approver:
        _ask(draft, asked, row)
        return draft.done("act.requested", action=act.action, needed=next_actions(draft.case))
    apply(draft, asked, row)
    return draft.done(f"act.{act.action}", post=act.post, to=asked.to, reason=act.reason)


def _waiting(draft: Draft) -> list[TransferRequest]:
    """Requests on which nobody has decided."""
    return [asked for asked in draft.case.requests.values() if asked.granted is None]


def _same(one: TransferRequest, other: TransferRequest) -> bool:
    return (one.action, one.order, one.to) == (other.action, other.order, other.to)


def _ask(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    case = draft.case
    line = f"request.{len(case.requests) + 1}"
    draft.add(
        RequestMade(
            case=case.id, request=line, action=asked.action, order=asked.order, unit=asked.unit,
            person=asked.person, post=asked.post, row=row.key, approver=row.approver, reason=asked.reason,
            to=asked.to, until=asked.until, findings=asked.findings, at=draft.now,
        )
    )  # fmt: skip
    to = resolve(draft.policy, case, row.approver, draft.now)
    issue(
        draft, row.approver, (one_step(Action.APPROVE, row),), to, row.key, line=line,
        part=Participation.SUPERVISE,
    )  # fmt: skip


def one_step(action: Action, row: TransferRow) -> PlannedStep:
    """The single step of an order that waits for somebody's word within the row's limit."""
    limit = None if row.limit_s is None else round(row.limit_s * SECOND)
    return PlannedStep(action=action, clause=row.key, limit_us=limit, origin=ClockOrigin.ISSUED)


def approve(draft: Draft, act: Act) -> Decision:
    """批准 or 不批准: by whoever holds the order to approve, never by the person who asked."""
    granted = act.action == Action.APPROVE
    act = replace(act, action=Action.APPROVE, passed=granted)
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    asked = draft.case.requests[order.line]
    if act.person == asked.person:
        return refuse("request.own", action=asked.action)
    if not granted and not act.reason:
        return refuse("act.missing_field", field="reason", action=Action.REFUSE)
    finish_step(draft, order, act)
    rows = time_limits.pauses(draft) if asked.action == Action.PAUSE else rows_for(draft, asked.action)
    row = next((row for row in rows if row.key == asked.row), None)
    failed = _failing(draft, asked, row) if granted else None
    draft.add(
        RequestDecided(
            case=draft.case.id, request=order.line, action=asked.action,
            granted=granted and failed is None, person=act.person, post=act.post, unit=order.unit,
            at=draft.now, reason=act.reason, failed=failed.reason.key if failed else "",
        )
    )  # fmt: skip
    if granted and failed is None and row is not None:
        _KINDS[asked.action][1](draft, asked, row)
    draft.tell(order.id, asked.person, "tell.request_decided", action=asked.action, unit=order.unit)
    key = "act.approve" if granted and failed is None else "act.refuse"
    return draft.done(key, action=asked.action, post=act.post)


def _failing(draft: Draft, asked: TransferRequest, row: TransferRow | None) -> Decision | None:
    """Why what was asked for can no longer be done, where that is so."""
    if row is None:
        return refuse("transfer.no_row", action=asked.action, flow=draft.case.hazard, level=draft.case.level)
    order = draft.case.orders.get(asked.order)
    if asked.order and (order is None or order.status not in LIVE):
        return refuse("act.no_such_order", order=asked.order, needed=next_actions(draft.case))
    again = Act(
        id="", body_digest="", action=asked.action, case=draft.case.id, person=asked.person,
        post=asked.post, version=draft.case.version, to=asked.to.partition(";")[0],
        persons=tuple(filter(None, asked.to.split(";")))[1:], until=asked.until, reason=asked.reason,
        order=asked.order, findings=asked.findings,
    )  # fmt: skip
    return _KINDS[asked.action][0](draft, again, order, row)


def pause(draft: Draft, act: Act) -> Decision:
    """暂停: every running clock of the order that a row lets this reason stop; rows of pauses say which."""
    order = order_meant(draft, act)
    if isinstance(order, Decision):
        return order
    if order is None or not fits(draft, act, "holder", order):
        return refuse("act.not_yours", action=act.action, needed=next_actions(draft.case))
    found = time_limits.pausable(draft, order, act.reason)
    if not found:
        return refuse("act.pause_not_allowed", reason=act.reason, action=next_actions(draft.case))
    row = next((row for _, row in found if row.approver), found[0][1])
    take(draft, act, order, row.key)
    asked = TransferRequest(
        action=act.action, order=order.id, person=act.person, post=act.post, unit=order.unit, row=row.key,
        reason=act.reason,
    )  # fmt: skip
    if row.approver:
        _ask(draft, asked, time_limits.as_transfer(row))
        return draft.done("act.requested", action=act.action, needed=next_actions(draft.case))
    time_limits.pause(draft, asked, time_limits.as_transfer(row))
    return draft.done("act.pause", reason=act.reason, clocks=len(found))


#: What each kind needs, and what it does.
_KINDS: dict[Action, tuple[Check, Apply]] = {
    Action.HAND_OVER: (holders.may_hand_over, holders.hand_over),
    Action.TAKE_OVER: (holders.may_take_over, holders.take_over_by),
    Action.CANCEL: (holders.said, holders.cancel),
    Action.UNDO: (holders.may_undo, holders.undo),
    Action.URGE: (holders.may_urge, holders.urge),
    Action.SUPERVISE: (holders.with_reason, holders.supervise_by),
    Action.EXTEND: (time_limits.may_extend, time_limits.extend),
    Action.DEFER: (time_limits.may_defer, time_limits.defer_case),
    Action.PAUSE: (time_limits.may_pause, time_limits.pause),
    Action.ASK_HELP: (help_requests.may_ask, help_requests.ask),
    Action.MERGE: (joining.may_merge, joining.merge),
    Action.SPLIT: (joining.may_split, joining.split),
}
