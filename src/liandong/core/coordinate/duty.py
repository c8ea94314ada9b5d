"""退回与职责裁定: an order is not bounced; who issued the mechanism decides whose duty it is, once."""

from __future__ import annotations

from liandong.core.coordinate.holders import leave_lead
from liandong.core.coordinate.transfers import one_step
from liandong.core.mechanism.authority import held_order, next_actions, step_order
from liandong.core.mechanism.clocks import stop_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.duty import LIFE_AT_STAKE, barred, decider, held_in, on_duty, settled, waiting
from liandong.core.mechanism.orders import end_order, finish_step, issue, issue_next
from liandong.core.mechanism.resolve import centre_of, name_for, resolve
from liandong.core.mechanism.transfers import permit, take
from liandong.core.values.case import Order
from liandong.core.values.case_events import StepsUndone
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.duty_events import DutyAsked, DutyDecided
from liandong.core.values.lists import Action, OrderStatus, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import TransferRow
from liandong.core.values.sidelines import DutyQuestion

#: What another unit has to do again.
_AGAIN = (Action.ACKNOWLEDGE, Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK)


def give_back(draft: Draft, act: Act) -> Decision:
    """退回: opens a duty question. The unit keeps the order until it is decided; where life is at stake
    the centre acts meanwhile."""
    order = held_order(draft.policy, draft.case, act, draft.now, role="lead")
    if isinstance(order, Decision):
        return order
    case = draft.case
    if not _may_be_asked(draft, order):
        return refuse("act.not_allowed", action=act.action, stage=case.stage, needed="lead")
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    row = permit(draft, act, order)
    if isinstance(row, Decision):
        return row
    if order.unit in settled(case, order.line):
        return refuse("duty.decided_before", unit=order.unit)
    if waiting(case, order.line):
        return refuse("duty.open", needed=next_actions(case))
    take(draft, act, order, row.key)
    _open(draft, act, order, row)
    return draft.done("act.return", reason=act.reason, unit=order.unit, needed=next_actions(draft.case))


def _may_be_asked(draft: Draft, order: Order) -> bool:
    """The lead's order, or one of a line that the rows name."""
    lines = draft.policy.routing.lines(draft.case.hazard, draft.case.level)
    return order.role == "lead" if not order.line else order.line in lines


def _open(draft: Draft, act: Act, order: Order, row: TransferRow) -> None:
    case, centre = draft.case, centre_of(draft.policy)
    question = f"duty.{len(case.questions) + 1}"
    role, to = decider(draft, row.decides, order.unit)
    acting = case.level in LIFE_AT_STAKE and centre not in {order.unit, *barred(case, order.line)}
    draft.add(
        DutyAsked(
            case=case.id, question=question, order=order.id, line=order.line, unit=order.unit, post=act.post,
            person=act.person, ground=act.reason, row=row.key, decides=to.unit,
            holder=centre if acting else order.unit, at=draft.now,
        )
    )  # fmt: skip
    if acting:
        steps = tuple(step for step in order.steps if step.action not in order.done)
        end_order(draft, order, OrderStatus.RETURNED, act)
        leave_lead(draft, order)
        meanwhile = resolve(draft.policy, draft.case, "centre", draft.now)
        issue(draft, order.role, steps, meanwhile, row.key, replaces=order.id, line=order.line)
    issue(
        draft, role, (one_step(Action.DECIDE_DUTY, row),), to, row.key, line=question,
        part=Participation.SUPERVISE,
    )  # fmt: skip


def decide_duty(draft: Draft, act: Act) -> Decision:
    """裁定职责: this unit after all, or that one; with a reason, and for good."""
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    question = draft.case.questions[order.line]
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if act.to not in draft.policy.city.units or act.to in barred(draft.case, question.line) - {question.unit}:
        return refuse("act.bad_recipient", to=act.to)
    finish_step(draft, order, act)
    held = held_in(draft.case, question)
    draft.add(
        DutyDecided(
            case=draft.case.id, question=order.line, asked=question.unit, unit=act.to, person=act.person,
            post=act.post, in_name_of=_name(draft, order), reason=act.reason,
            row=order.row, at=draft.now, text=act.text,
        )
    )  # fmt: skip
    others = tuple(order for order in held if order.unit != act.to)
    if others and act.to == question.unit:
        for holder in others:
            _hand_back(draft, holder, act)
    elif others:
        _move(draft, others, question, act)
    for holder in held:
        if holder not in others:
            draft.tell(holder.id, holder.person, "tell.duty_decided", asset=draft.case.asset, unit=act.to)
    return draft.done("act.decide_duty", unit=act.to, reason=act.reason)


def _name(draft: Draft, order: Order) -> str:
    """In whose name: of the body that the row names, whose office decides; else the unit's."""
    body = order.role in draft.policy.city.bodies
    return order.role if body else name_for(draft.policy, draft.case, order)


def _hand_back(draft: Draft, holder: Order, act: Act) -> None:
    """It was its duty after all: what the centre has not done meanwhile goes back, and clocks run on."""
    steps = tuple(step for step in holder.steps if step.action not in holder.done)
    end_order(draft, holder, OrderStatus.HANDED_OVER, act)
    leave_lead(draft, holder)
    to = on_duty(draft, act.to, holder.line)
    issue(draft, holder.role, steps, to, holder.row, replaces=holder.id, line=holder.line)


def _move(draft: Draft, held: tuple[Order, ...], question: DutyQuestion, act: Act) -> None:
    """Another unit begins anew, with time of its own, whatever of the line others held."""
    for holder in held:
        stop_for(draft, holder.id, void=True)
        end_order(draft, holder, OrderStatus.RETURNED, act)
        leave_lead(draft, holder)
    holder = held[0]
    if holder.line:
        first = draft.case.orders[question.order]
        to = on_duty(draft, act.to, holder.line)
        issue(draft, holder.role, first.steps, to, holder.row, line=holder.line)
        return
    if not held_in(draft.case, question):  # else that unit is at work already
        undone = tuple(action for action in _AGAIN if action in draft.case.done)
        draft.add(
            StepsUndone(case=draft.case.id, undone=undone, why=act.action, person=act.person, at=draft.now)
        )
    issue_next(draft, unit=act.to)
