"""Folding what stands beside a case's main line: calls, supervision, duty, help, approvals, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.core.values.case import STAGE_OF, CaseState
from liandong.core.values.duty_events import DutyAsked, DutyDecided
from liandong.core.values.folding import of_order, replace, touched, with_, without
from liandong.core.values.help_events import HelpAnswered, HelpAsked
from liandong.core.values.lists import CaseStage, OrderStatus
from liandong.core.values.report_fold import CLOCK
from liandong.core.values.risk import OpenFinding
from liandong.core.values.sidelines import DutyQuestion, HelpRequest, Ringing, Supervisor, TransferRequest
from liandong.core.values.transfer_events import (
    ActTaken,
    CaseAbsorbed,
    CaseCancelled,
    CaseDeferred,
    CaseMerged,
    CasePartSplit,
    ClockExtended,
    DeferralEnded,
    FindingPassedOn,
    MergeAsked,
    RequestDecided,
    RequestMade,
    StepWithdrawn,
)
from liandong.core.values.urging_events import (
    CallAnswered,
    CallPlaced,
    CallUnanswered,
    HolderUrged,
    ReviewDrawn,
    SupervisionStarted,
    WaitStarted,
)

# Urging.


def _wait(s: CaseState, e: WaitStarted) -> CaseState:
    return touched(s, waits=(*s.waits, *e.waits), timers=with_(s.timers, e.timers))


def _rung(s: CaseState, e: CallPlaced) -> CaseState:
    ringing = Ringing(row=e.row, turn=e.turn, person=e.person, post=e.post)
    return touched(
        s, ringing=s.ringing | {e.order: ringing}, timers=with_(s.timers, (e.timer,) if e.timer else ())
    )


def _answered(s: CaseState, e: CallAnswered) -> CaseState:
    ringing = {order: ring for order, ring in s.ringing.items() if order != e.order}
    orders = s.orders | {e.order: replace(s.orders[e.order], called=True)}
    timers = without(s.timers, f"{e.order}/answer", f"{e.order}/call")
    return touched(s, ringing=ringing, orders=orders, timers=timers)


def _unanswered(s: CaseState, e: CallUnanswered) -> CaseState:
    return touched(s, ringing={order: ring for order, ring in s.ringing.items() if order != e.order})


def _supervised(s: CaseState, e: SupervisionStarted) -> CaseState:
    added = Supervisor(unit=e.unit, post=e.post, person=e.person, row=e.row)
    return touched(s, supervisors=(*s.supervisors, added))


def _urged(s: CaseState, e: HolderUrged) -> CaseState:
    return touched(s, urged=e.number)


def _drawn(s: CaseState, e: ReviewDrawn) -> CaseState:
    return touched(s, drawn=e.drawn)


# Acts beside the steps, and approvals.


def _taken(s: CaseState, e: ActTaken) -> CaseState:
    return touched(s, acts=s.acts | {e.row: s.acts.get(e.row, 0) + 1})


def _requested(s: CaseState, e: RequestMade) -> CaseState:
    made = TransferRequest(
        action=e.action, order=e.order, person=e.person, post=e.post, unit=e.unit, row=e.row, to=e.to,
        until=e.until, reason=e.reason, findings=e.findings,
    )  # fmt: skip
    return touched(s, requests=s.requests | {e.request: made})


def _granted(s: CaseState, e: RequestDecided) -> CaseState:
    decided = replace(s.requests[e.request], granted=e.granted)
    return touched(s, requests=s.requests | {e.request: decided})


def _extended(s: CaseState, e: ClockExtended) -> CaseState:
    clock = s.clocks[e.clock]
    clock = replace(clock, extended_us=clock.extended_us + e.by_us, due=e.due, overdue=False)
    return touched(s, clocks=s.clocks | {e.clock: clock}, timers=with_(without(s.timers, e.clock), e.timers))


def _deferred(s: CaseState, e: CaseDeferred) -> CaseState:
    return touched(s, deferred=e.until, timers=with_(s.timers, (e.timer,)))


def _deferral_ended(s: CaseState, e: DeferralEnded) -> CaseState:
    return touched(s, deferred=0, timers=without(s.timers, "case"))


def _withdrawn(s: CaseState, e: StepWithdrawn) -> CaseState:
    order = s.orders[e.order]
    left = tuple(action for action in order.done if action != e.action)
    status = OrderStatus.ACTIVE if left else OrderStatus.ISSUED
    clocks = s.clocks | {
        key: replace(s.clocks[key], stopped=None, void=False, due=due) for key, due in e.clocks.items()
    }
    waits = tuple(wait for wait in s.waits if not wait.startswith(f"{e.order}/"))
    changes: dict[str, Any] = {"clocks": clocks, "timers": with_(s.timers, e.timers), "waits": waits}
    changes["orders"] = s.orders | {e.order: replace(order, done=left, status=status, called=False)}
    done = {action: at for action, at in s.done_of(order.line).items() if action != e.action}
    if order.line:
        return touched(s, line_done=s.line_done | {order.line: done}, **changes)
    reached = [stage for action, stage in STAGE_OF.items() if action in done]
    return touched(s, done=done, stage=reached[-1] if reached else CaseStage.OPENED, **changes)


def _cancelled(s: CaseState, e: CaseCancelled) -> CaseState:
    owed = {key: timer for key, timer in s.timers.items() if timer.clock.startswith(CLOCK)}
    return touched(s, stage=CaseStage.CANCELLED, closed=e.at, timers=owed, ringing={}, deferred=0)


# Duty and help.


def _duty_asked(s: CaseState, e: DutyAsked) -> CaseState:
    asked = DutyQuestion(order=e.order, unit=e.unit, ground=e.ground, line=e.line)
    return touched(s, questions=s.questions | {e.question: asked})


def _duty_decided(s: CaseState, e: DutyDecided) -> CaseState:
    question = s.questions[e.question]
    changes: dict[str, Any] = {"questions": s.questions | {e.question: replace(question, decided=e.unit)}}
    if question.line and e.unit != question.unit:
        # The other unit of a linked order begins anew.
        steps = {step.action for step in s.orders[question.order].steps}
        done = {action: at for action, at in s.done_of(question.line).items() if action not in steps}
        changes["line_done"] = s.line_done | {question.line: done}
    return touched(s, **changes)


def _help_asked(s: CaseState, e: HelpAsked) -> CaseState:
    return touched(s, helps=s.helps | {e.help: HelpRequest(order=e.order, asker=e.asker, unit=e.unit)})


def _help_answered(s: CaseState, e: HelpAnswered) -> CaseState:
    answered = replace(s.helps[e.help], given=e.given, ground=e.ground)
    return touched(s, helps=s.helps | {e.help: answered})


# One case and another.


def _merge_asked(s: CaseState, e: MergeAsked) -> CaseState:
    return touched(s)


def _absorbed(s: CaseState, e: CaseAbsorbed) -> CaseState:
    findings = s.findings | {moved.finding: moved.detail for moved in e.findings}
    seen = (*s.seen, *(finding for finding in e.seen if finding not in s.seen))
    rules = (*s.rules, *(rule for rule in e.rules if rule not in s.rules))
    return touched(
        s, findings=findings, seen=seen, rules=rules,
        channels=with_channels(s.channels, *(moved.detail for moved in e.findings)),
        alarm_active=s.alarm_active or e.alarm_active,
    )  # fmt: skip


def _merged(s: CaseState, e: CaseMerged) -> CaseState:
    return touched(s, merged_into=e.into, passed_on=s.passed_on | dict.fromkeys(e.findings, e.into))


def _split(s: CaseState, e: CasePartSplit) -> CaseState:
    gone = dict.fromkeys((moved.finding for moved in e.findings), e.child)
    findings = {key: detail for key, detail in s.findings.items() if key not in gone}
    return touched(
        s, children=(*s.children, e.child), passed_on=s.passed_on | gone, findings=findings,
        alarm_active=s.alarm_active and (bool(findings) or not gone),
    )  # fmt: skip


def _passed_on(s: CaseState, e: FindingPassedOn) -> CaseState:
    return touched(s)


def with_channels(known: tuple[str, ...], *findings: OpenFinding) -> tuple[str, ...]:
    """The channels of a case and those of further findings; what a sub-platform graded has none."""
    return tuple(dict.fromkeys((*known, *(one.channel for one in findings if one.channel))))


def order_ended(s: CaseState, order: str) -> CaseState:
    """Nobody is rung or waited for any more under an order that has ended."""
    ringing = {key: ring for key, ring in s.ringing.items() if key != order}
    return replace(s, ringing=ringing, timers=without(s.timers, *of_order(s.timers, order)))


SIDE: dict[type, Callable[[CaseState, Any], CaseState]] = {
    WaitStarted: _wait,
    CallPlaced: _rung,
    CallAnswered: _answered,
    CallUnanswered: _unanswered,
    SupervisionStarted: _supervised,
    HolderUrged: _urged,
    ReviewDrawn: _drawn,
    ActTaken: _taken,
    RequestMade: _requested,
    RequestDecided: _granted,
    ClockExtended: _extended,
    CaseDeferred: _deferred,
    DeferralEnded: _deferral_ended,
    StepWithdrawn: _withdrawn,
    CaseCancelled: _cancelled,
    DutyAsked: _duty_asked,
    DutyDecided: _duty_decided,
    HelpAsked: _help_asked,
    HelpAnswered: _help_answered,
    MergeAsked: _merge_asked,
    CaseAbsorbed: _absorbed,
    CaseMerged: _merged,
    CasePartSplit: _split,
    FindingPassedOn: _passed_on,
}
