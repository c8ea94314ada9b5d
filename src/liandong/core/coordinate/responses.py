"""应急响应: who has to decide whether a response is started, what was decided, and what was done under it.

A colour or a level asks; a named person answers: start, or not, with a reason. Nobody's silence closes a
question: it goes to the next one, and then the platform calls out until somebody has answered.
"""

from __future__ import annotations

from liandong.core.coordinate.matters import (
    Matter,
    Said,
    place_of,
    report,
)
from liandong.core.coordinate.response_acts import act_on, checklist, episode_of
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, nothing
from liandong.core.values.ids import make_id
from liandong.core.values.lists import EscalationKind, Mode
from liandong.core.values.matter import DecisionDue
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.response import (
    Question,
    ResponseAct,
    ResponseAsked,
    ResponseState,
    evolve_response,
)
from liandong.core.values.times import SECOND


def id_of(policy: Policy, mode: Mode, hazard: str, area: str) -> str:
    """The stream of a hazard's flow and an area: one response at a time runs there."""
    return make_id("rsp", policy.city.key, mode, policy.flow_of(hazard), area)


def decide(policy: Policy, state: ResponseState, message: object, now: int) -> Decision:
    """One message about the responses of one flow and area."""
    if isinstance(message, DecisionDue):
        return _ask(policy, state, message, now)
    if isinstance(message, ResponseAct):
        return act_on(policy, state, message, now)
    place = place_of(policy, state.hazard, state.area, state.mode)
    matter = Matter(policy, state, f"response:{state.id}", evolve_response, now, place)
    if isinstance(message, TimerFired):
        return _fire(matter, message)
    assert isinstance(message, DeliveryReported)
    return report(matter, message)


def _ask(policy: Policy, state: ResponseState, due: DecisionDue, now: int) -> Decision:
    """The question, to the leader on duty of whom the row names; where none does, to the centre's."""
    if due.question in state.questions:
        return nothing("response.asked_before", question=due.question)
    id = id_of(policy, due.mode, due.hazard, due.area)
    place = place_of(policy, due.hazard, due.area, due.mode)
    matter = Matter(policy, state, f"response:{id}", evolve_response, now, place)
    row = policy.powers.decision(due.hazard, due.scale, due.code)
    unit = matter.unit(row.decider) if row else ""
    to = matter.leader(unit or matter.unit("centre"))
    why = "" if unit else f"no unit for role: {row.decider}" if row else "no decision row"
    limit, timers = matter.clock(due.question, row.limit_s if row else None)
    question = Question(
        key=due.question, source=due.source, number=due.number, hazard=due.hazard, scale=due.scale,
        code=due.code,
        row=row.key if row else "", unit=to.unit, post=to.post, person=to.person,
        fallback=to.fallback or why, level=row.response if row else "", asked=now,
        limit_us=None if limit is None else limit - now, due=limit,
        units=tuple(dict.fromkeys(u for u in (unit, to.unit) if u)),
    )  # fmt: skip
    rows = policy.powers.measures(due.hazard, due.scale, due.code)
    measures, later = checklist(matter, rows, state.measures)
    matter.add(
        ResponseAsked(
            response=id, flow=policy.flow_of(due.hazard), hazard=due.hazard, area=due.area,
            area_path=due.area_path, mode=due.mode, episode=episode_of(state),
            question=question, measures=measures, timers=(*timers, *later),
        )
    )  # fmt: skip
    said: Said = {"hazard": due.hazard, "area": due.area, "code": due.code, "due": limit}
    matter.tell(matter.id("ntc", "ask", question.key), to.person, "tell.decide", **said)
    if row is None or limit is None or not unit:
        matter.call_out(None, question.key, "tell.alarm_no_row" if row is None else "tell.alarm_no_limit")
    return matter.done("response.asked", unit=to.unit, code=due.code)


def _fire(matter: Matter, message: TimerFired) -> Decision:
    state: ResponseState = matter.state
    timer = state.timers.get(message.timer)
    if timer is None:
        return nothing("timer.gone", timer=message.timer)
    if timer.moment == "measure":
        return _measure_due(matter, timer)
    question = state.questions[timer.clock]
    row = matter.policy.powers.decision(question.hazard, question.scale, question.code)
    said: Said = {"hazard": state.hazard, "area": state.area, "code": question.code, "due": question.due}
    if timer.moment == "half":
        to = matter.leader(question.unit)
        matter.escalate(timer, EscalationKind.CALL, to, "tell.decide", **said)
        return matter.done("response.reminded", code=question.code)
    again = (_again(matter, timer, question),)
    other = matter.unit(row.otherwise) if row and timer.moment == "due" else ""
    if other and other not in question.units:
        to = matter.leader(other)
        matter.escalate(timer, EscalationKind.TAKE_OVER, to, "tell.decide", again, **said)
        return matter.done("response.passed_on", code=question.code, unit=to.unit)
    matter.call_out(timer, question.key, "tell.alarm_undecided", again)
    return matter.done("response.called_out", code=question.code)


def _again(matter: Matter, timer: Timer, question: Question) -> Timer:
    """The next call comes after the limit once more; it never stops by itself."""
    return matter.timer(timer.clock, "alarm", matter.now + max(question.limit_us or 0, 60 * SECOND))


def _measure_due(matter: Matter, timer: Timer) -> Decision:
    state: ResponseState = matter.state
    measure = state.measures[timer.clock]
    to = matter.leader(measure.unit or state.unit)
    matter.escalate(
        timer, EscalationKind.URGE, to, "tell.measure", (), measure=measure.row, hazard=state.hazard,
        area=state.area, due=timer.due,
    )  # fmt: skip
    return matter.done("response.measure_overdue", measure=measure.key)
