"""协助: one unit asks another, which answers within the row's limit: it helps, or says why not."""

from __future__ import annotations

from liandong.core.mechanism.authority import step_order
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import finish_step, issue, issue_next, planned
from liandong.core.mechanism.resolve import Resolved, resolve
from liandong.core.values.case import LIVE, Order, PlannedStep
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.help_events import HelpAnswered, HelpAsked
from liandong.core.values.lists import Action, ClockOrigin, HelpGround, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import TransferRow
from liandong.core.values.sidelines import TransferRequest
from liandong.core.values.times import SECOND

#: Line of a mechanism that says what help consists of; without one it is supported and fed back.
HELP = "help"
_USUAL = (Action.SUPPORT, Action.FEED_BACK)


def may_ask(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """A unit that exists, is not the asker, and is not being asked already."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if order is None or order.status not in LIVE:
        return refuse("act.not_allowed", action=act.action, stage=draft.case.stage, needed="-")
    asked = [one.unit for one in draft.case.helps.values() if one.given is None]
    reviewed = [
        one.unit
        for one in draft.case.orders.values()
        if Action.REVIEW in one.done and Action.REVIEW in draft.case.done and not one.line
    ]
    # Who has reviewed the case cannot handle it afterwards.
    if act.to not in draft.policy.city.units or act.to in (order.unit, *asked, *reviewed):
        return refuse("act.bad_recipient", to=act.to)
    return None


def ask(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """The unit gets an order to answer, with a clock where the row has a limit."""
    case = draft.case
    line = f"{HELP}.{len(case.helps) + 1}"
    draft.add(
        HelpAsked(
            case=case.id, help=line, order=asked.order, asker=asked.unit, unit=asked.to, person=asked.person,
            post=asked.post, reason=asked.reason, row=row.key, at=draft.now,
        )
    )  # fmt: skip
    limit = None if row.limit_s is None else round(row.limit_s * SECOND)
    step = PlannedStep(action=Action.ANSWER_HELP, clause=row.key, limit_us=limit, origin=ClockOrigin.ISSUED)
    to = resolve(draft.policy, case, asked.to, draft.now)
    issue(draft, HELP, (step,), to, row.key, line=line, part=Participation.ASSIST)


def answer(draft: Draft, act: Act) -> Decision:
    """答复协助: given, which becomes a linked order; or refused on a ground of the closed list."""
    order = step_order(draft.policy, draft.case, act, draft.now)
    if isinstance(order, Decision):
        return order
    if act.passed is None:
        return refuse("act.missing_field", field="passed", action=act.action)
    if not act.passed and act.reason not in list(HelpGround):
        return refuse("help.no_ground", known=", ".join(HelpGround))
    asked = draft.case.helps[order.line]
    finish_step(draft, order, act)
    draft.add(
        HelpAnswered(
            case=draft.case.id, help=order.line, unit=order.unit, given=act.passed,
            ground="" if act.passed else act.reason, person=act.person, post=act.post, row=order.row,
            at=draft.now, text=act.text,
        )
    )  # fmt: skip
    if act.passed:
        holder = Resolved(unit=order.unit, post=order.post, person=order.person, deputy=order.deputy)
        issue(draft, HELP, _steps(draft, order), holder, order.row, line=order.line)
    else:
        issue_next(draft)  # what has waited for the answer
    asker = draft.case.orders.get(asked.order)
    if asker is not None:
        template = "tell.help_given" if act.passed else "tell.help_refused"
        draft.tell(
            order.id, asker.person, template, asset=draft.case.asset, unit=order.unit, ground=act.reason
        )
    return draft.done("act.answer_help", post=act.post, passed=str(act.passed).lower())


def _steps(draft: Draft, order: Order) -> tuple[PlannedStep, ...]:
    rows = draft.policy.routing.lines(draft.case.hazard, draft.case.level).get(HELP)
    if rows:
        return planned(rows)
    return tuple(
        PlannedStep(action=action, clause=f"{order.row}.{action}", limit_us=None, origin=ClockOrigin.ISSUED)
        for action in _USUAL
    )
