"""派单: issuing orders by the rows, and finishing their steps."""

from __future__ import annotations

from itertools import takewhile

import msgspec

from liandong.core.mechanism.authority import dependence
from liandong.core.mechanism.clocks import start_clocks, stop_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.duty import on_duty
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, name_for, parts_of, resolve, unit_of_role
from liandong.core.mechanism.sampling import draw_review
from liandong.core.values.case import LIVE, STAGE_OF, CaseState, Order, PlannedStep
from liandong.core.values.case_events import OrderIssued, OrderStatusChanged, ParticipantJoined, StepDone
from liandong.core.values.ids import make_id, order_id
from liandong.core.values.lists import Action, OrderStatus, Participation, UnitKind, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.rows import StepRow, VerificationRow
from liandong.core.values.times import SECOND

_PART_OF_ROLE = {"lead": Participation.LEAD, "verifier": Participation.VERIFY}
#: A false alarm or a test needs no handling: it goes straight to closing.
_SHORT = (Action.CLOSE, Action.ARCHIVE)
#: What is left to do on a case that is closed.
_AFTER_CLOSING = (Action.ARCHIVE, Action.DISPOSAL_REPORT)
_EVERY = frozenset(Action)
_AUTHORITIES = (UnitKind.DEPARTMENT, UnitKind.INSTITUTION)


def planned(rows: tuple[StepRow, ...]) -> tuple[PlannedStep, ...]:
    """The rows as an order keeps them."""
    return tuple(
        PlannedStep(
            action=row.action,
            clause=row.key,
            origin=row.origin,
            evidence=row.evidence,
            limit_us=None if row.limit_s is None else round(row.limit_s * SECOND),
        )
        for row in rows
    )


def join(draft: Draft, part: Participation, unit: str, post: str) -> None:
    """Let a unit's post take part from now on, once."""
    for p in draft.case.participants:
        if (p.part, p.unit, p.post) == (part, unit, post) and not p.until:
            return
    draft.add(ParticipantJoined(case=draft.case.id, part=part, unit=unit, post=post, since=draft.now))


def issue(
    draft: Draft,
    role: str,
    steps: tuple[PlannedStep, ...],
    to: Resolved,
    row: str,
    replaces: str = "",
    line: str = "",
    part: Participation | None = None,
    others: tuple[str, ...] = (),
) -> str:
    """Issue an order to a named person; the round rises, so that no second order is taken for a repeat.

    Gives its id. `line` names a linked order beside the main line, `part` what the unit takes part as.
    """
    case = draft.case
    round_ = case.round + 1
    made = order_id(*draft.ids, case.id, steps[0].action, f"{to.post}/{to.person}", round_)
    draft.add(
        OrderIssued(
            case=case.id,
            order=made,
            role=role,
            unit=to.unit,
            post=to.post,
            person=to.person,
            deputy=to.deputy,
            round=round_,
            steps=steps,
            issued=draft.now,
            row=row,
            replaces=replaces,
            fallback=to.fallback,
            line=line,
            others=others,
        )
    )
    main = _PART_OF_ROLE.get(role, Participation.ASSIST) if not line else Participation.ASSIST
    join(draft, part or main, to.unit, to.post)
    for person in dict.fromkeys((to.person, *others)):
        draft.tell(
            made, person, "tell.order", asset=case.asset, hazard=case.hazard, level=case.level,
            action=steps[0].action,
        )  # fmt: skip
    start_clocks(draft)
    return made


def issue_next(draft: Draft, unit: str = "") -> None:
    """Issue the orders for the first steps still to do, of the main line and of every linked one, unless
    somebody already holds them.

    `unit` names the receiver of the lead's order in place of the unit that has led so far; `lead` asks
    the rows again.
    """
    _issue_main(draft, unit)
    _issue_lines(draft)


def _issue_main(draft: Draft, unit: str) -> None:
    case = draft.case
    left = set(_EVERY.difference(case.done))
    if case.reviewed is not True:
        left.add(Action.REVIEW)  # one that no longer counts, e.g. because of what was found since
    if case.verdict in (Verdict.FALSE, Verdict.TEST):
        left &= {*_SHORT, *((Action.REVIEW,) if case.drawn else ())}
    if case.over:
        left &= set(_AFTER_CLOSING)
    for role, rows in draft.policy.routing.assignments(case.hazard, case.level):
        pending = tuple(row for row in rows if row.action in left and _called_for(draft.case, row))
        if not pending:
            continue
        holder = case.order_for(pending[0].action)
        if holder is not None:
            if pending[0].action == Action.REVIEW and dependence(
                draft.policy, case, holder.unit, row=verification(draft.policy, case)
            ):
                _review_elsewhere(draft, holder)
            return
        # Later steps may be in a live order of their own, e.g. once the level has changed or a review
        # has failed: they stay there.
        free = tuple(row for row in pending if not case.order_for(row.action))
        review = next((row for row in free if row.action == Action.REVIEW), None)
        if review is not None and working_lines(draft.policy, case, review.order):
            return  # what others still do is not reviewed yet
        if _not_drawn(draft, free):
            free = tuple(row for row in free if row.action != Action.REVIEW)
            if not free:
                continue
        if role == "lead":
            to = on_duty(draft, unit or case.lead or role)
        else:
            to = resolve(draft.policy, case, role, draft.now)
        if any(row.action == Action.REVIEW for row in free):
            named = verification(draft.policy, case)
            to = resolve(draft.policy, case, named.role, draft.now) if named and named.role else to
            to = independent(draft, to)
        if role == "lead":
            inform(draft)
        issue(draft, role, planned(free), to, free[0].key)
        return


def _called_for(case: CaseState, row: StepRow) -> bool:
    """Whether a step is to be done at all: not before what has to be tried first has failed, and no review
    where none was drawn."""
    if row.after_failed and row.after_failed not in case.failed.get(row.line, ()):
        return False
    return row.line != "" or row.action != Action.REVIEW or case.drawn is not False


def verification(policy: Policy, case: CaseState) -> VerificationRow | None:
    """The row that says how many closures are reviewed, by whom, and who never can."""
    return policy.routing.verification(case.hazard, case.level, case.cause)


def _not_drawn(draft: Draft, free: tuple[StepRow, ...]) -> bool:
    """Draw whether the closure is reviewed, once, where a row has only some of them reviewed."""
    row = verification(draft.policy, draft.case)
    if row is None or draft.case.drawn is not None or all(step.action != Action.REVIEW for step in free):
        return False
    return not draw_review(draft, row)


def _issue_lines(draft: Draft) -> None:
    """Linked orders: each once every main step before its first has been done, whatever the others do."""
    case, routing = draft.case, draft.policy.routing
    if case.over:
        return
    main = [row for row in routing.steps(case.hazard, case.level) if _called_for(case, row)]
    for line, rows in _lines_of(draft.policy, case).items():
        first = min(row.order for row in rows)
        if any(row.order < first and row.action not in case.done for row in main):
            continue
        pending = pending_of(case, line, rows)
        if not pending or draft.case.order_for(pending[0].action, line):
            continue
        role = pending[0].role
        group = tuple(takewhile(lambda row, role=role: row.role == role, pending))  # type: ignore[misc]  # its default is not inferred
        free = tuple(row for row in group if not draft.case.order_for(row.action, line))
        to = on_duty(draft, (case.lead or role) if role == "lead" else role, line)
        issue(draft, role, planned(free), to, free[0].key, line=line)


def _lines_of(policy: Policy, case: CaseState) -> dict[str, tuple[StepRow, ...]]:
    """The linked orders that the rows name; a false alarm or a test needs none."""
    nobody_goes = case.verdict in (Verdict.FALSE, Verdict.TEST)
    return {} if nobody_goes else policy.routing.lines(case.hazard, case.level)


def pending_of(case: CaseState, line: str, rows: tuple[StepRow, ...]) -> tuple[StepRow, ...]:
    """What is left to do on a linked order."""
    done = case.line_done.get(line, {})
    return tuple(row for row in rows if row.action not in done and _called_for(case, row))


#: Lines in which nothing is handled: a question waits for a word.
_WORDS_ONLY = ("duty.", "request.")


def working_lines(policy: Policy, case: CaseState, before: int) -> tuple[str, ...]:
    """Linked orders that begin before a main step of this `order`, or help, and have not ended."""
    lines = _lines_of(policy, case).items()
    found = [line for line, rows in lines if rows[0].order < before and pending_of(case, line, rows)]
    live = [order.line for order in case.orders.values() if order.line and order.status in LIVE]
    return tuple(dict.fromkeys((*found, *(line for line in live if not line.startswith(_WORDS_ONLY)))))


def open_lines(policy: Policy, case: CaseState) -> tuple[str, ...]:
    """Linked orders that have not ended: the case ends only when all of them have."""
    found = [line for line, rows in _lines_of(policy, case).items() if pending_of(case, line, rows)]
    live = [order.line for order in case.orders.values() if order.line and order.status in LIVE]
    return tuple(dict.fromkeys((*found, *live)))


def may_review(draft: Draft, order: Order, unit: str) -> bool:
    """Whether an order may go to a unit: a review in it has to stay independent."""
    case = draft.case
    if order.line or all(step.action != Action.REVIEW or step.action in order.done for step in order.steps):
        return True
    return not dependence(draft.policy, case, unit, row=verification(draft.policy, case))


def independent(draft: Draft, to: Resolved) -> Resolved:
    """The one the rows name; where its review could not be independent, the verifier, the centre, a unit
    that takes part, or any authority.

    Otherwise nobody could ever review the case, and it could never be closed.
    """
    policy, case = draft.policy, draft.case
    row = verification(policy, case)
    if not dependence(policy, case, to.unit, row=row):
        return to
    parts = (Participation.SUPERVISE, Participation.INFORM, Participation.ASSIST)
    roles = [row.role for part in parts for row in parts_of(policy, case, part)]
    roles += [unit.key for unit in policy.city.units.values() if unit.kind in _AUTHORITIES]
    for role in ("verifier", "centre", *roles):
        other = resolve(policy, case, role, draft.now)
        if other.person and not dependence(policy, case, other.unit, row=row):
            return msgspec.structs.replace(other, fallback=f"not independent: {to.unit}")
    return to


def _review_elsewhere(draft: Draft, order: Order) -> None:
    """Who was to review has handled the case meanwhile: the order goes to somebody who has not."""
    to = Resolved(unit=order.unit, post=order.post, person=order.person, deputy=order.deputy)
    other = independent(draft, to)
    if other.unit != order.unit:
        steps = tuple(step for step in order.steps if step.action not in order.done)
        end_order(draft, order, OrderStatus.HANDED_OVER)
        issue(draft, order.role, steps, other, order.row, replaces=order.id)


def inform(draft: Draft) -> None:
    """Units that assist, are informed or supervise take part from the moment the lead is told, or, where
    only a worse level names them, from the moment the case reaches it."""
    case = draft.case
    for part in (Participation.ASSIST, Participation.INFORM, Participation.SUPERVISE):
        for row in parts_of(draft.policy, case, part):
            if not unit_of_role(draft.policy, case, row.role):
                continue
            to = resolve(draft.policy, case, row.role, draft.now)
            if any((p.part, p.unit, p.until) == (part, to.unit, 0) for p in draft.case.participants):
                continue
            join(draft, part, to.unit, to.post)
            notice = make_id("ntc", *draft.ids, case.id, part, to.unit, draft.case.round + 1)
            draft.tell(
                notice,
                to.person,
                f"notice.{part.value}",
                asset=case.asset,
                hazard=case.hazard,
                level=case.level,
            )


def finish_step(draft: Draft, order: Order, act: Act) -> None:
    """Mark the act's step done: its clock stops, waiting clocks start, a complete order ends."""
    step = next(s for s in order.steps if s.action == act.action)
    draft.add(
        StepDone(
            case=draft.case.id,
            order=order.id,
            action=act.action,
            stage=None if order.line else STAGE_OF.get(act.action),
            person=act.person,
            post=act.post,
            unit=order.unit,
            in_name_of=name_for(draft.policy, draft.case, order),
            at=draft.now,
            device_at=act.device_at,
            client_seq=act.client_seq,
            text=act.text,
            evidence=act.evidence,
            row=step.clause,
            passed=act.passed,
            reason=act.reason,
        )
    )
    stop_for(draft, order.id, act.action)
    after = draft.case.orders[order.id]
    if all(s.action in after.done for s in after.steps):
        draft.add(
            OrderStatusChanged(
                case=draft.case.id, order=order.id, status=OrderStatus.DONE, at=draft.now, person=act.person
            )
        )
    start_clocks(draft)
    _tell_supervisors(draft, order, act)


def _tell_supervisors(draft: Draft, order: Order, act: Act) -> None:
    """Under supervised handling 督办 every step is told until the case is done."""
    for one in draft.case.supervisors:
        if one.person != act.person:
            draft.tell(
                order.id, one.person, "tell.step_done", asset=draft.case.asset, action=act.action,
                unit=order.unit,
            )  # fmt: skip


def cancel_rest(draft: Draft, act: Act, keep: tuple[Action, ...] = ()) -> None:
    """Cancel what is still live, but for orders that hold one of these steps; their clocks are void."""
    for order in tuple(draft.case.orders.values()):
        left = {step.action for step in order.steps} - set(order.done)
        if order.status in LIVE and not left & set(keep):
            stop_for(draft, order.id, void=True)
            end_order(draft, order, OrderStatus.CANCELLED, act)


def end_order(draft: Draft, order: Order, status: OrderStatus, act: Act | None = None) -> None:
    """End an order that will not be completed."""
    draft.add(
        OrderStatusChanged(
            case=draft.case.id,
            order=order.id,
            status=status,
            at=draft.now,
            person=act.person if act else "",
            text=act.text if act else None,
        )
    )
