"""应急响应: what persons decide and record: started or not, the level, the measures, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from liandong.core.coordinate.matters import (
    Matter,
    Said,
    acts_for,
    contractor,
    leads,
    not_yours,
    place_of,
    receive,
)
from liandong.core.mechanism.policy import Policy
from liandong.core.values.authority_rows import MeasureRow
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import ResponseAction, ResponseStage
from liandong.core.values.matter import DecisionTaken
from liandong.core.values.response import (
    Measure,
    MeasureNoted,
    Question,
    ResponseAct,
    ResponseEnded,
    ResponseLevelChanged,
    ResponseOpened,
    ResponseStarted,
    ResponseState,
    evolve_response,
)
from liandong.core.values.scales import RESPONSE_LEVELS, Scale
from liandong.core.values.times import SECOND


def episode_of(state: ResponseState) -> int:
    """A new one begins where nothing of the one before is left to do."""
    idle = state.stage != ResponseStage.ACTIVE and not state.open
    return state.episode + 1 if idle else state.episode


def checklist(
    matter: Matter, rows: Iterable[MeasureRow], known: Iterable[str]
) -> tuple[tuple[Measure, ...], tuple[Timer, ...]]:
    """The checklist of some rows, each with its own limit from now."""
    found, timers = [], []
    for row in rows:
        if row.key in known:
            continue
        due = None if row.limit_s is None else matter.now + round(row.limit_s * SECOND)
        unit = matter.unit(row.role)
        found.append(Measure(key=row.key, row=row.key, kind=row.kind, unit=unit, due=due))
        if due is not None:
            timers.append(matter.timer(row.key, "measure", due))
    return tuple(found), tuple(timers)


def act_on(policy: Policy, state: ResponseState, act: ResponseAct, now: int) -> Decision:
    if not state.id and (act.action != ResponseAction.START or act.area not in policy.city.areas):
        return refuse("response.unknown", response=act.response)
    if act.version != state.version:
        return refuse("power.stale", version=act.version, current=state.version)
    hazard, area = state.hazard or act.hazard, state.area or act.area
    place = place_of(policy, hazard, area, state.mode if state.id else policy.mode)
    matter = Matter(policy, state, f"response:{act.response}", evolve_response, now, place)
    refused = contractor(policy, act.post, act.action)
    return refused or _ACTS[act.action](matter, act)


def _question(matter: Matter, act: ResponseAct) -> Question | None:
    """The one that is named, else the first due that the person may answer, else the first."""
    state: ResponseState = matter.state
    if act.question:
        found = state.questions.get(act.question)
        return found if found is not None and found.start is None else None
    mine = [q for q in state.open if _leads(matter, act, q.units)]
    return next(iter(mine or state.open), None)


def _leads(matter: Matter, act: ResponseAct, units: Iterable[str]) -> str:
    return leads(matter.policy, act.person, act.post, units, matter.now)


def _decider(matter: Matter, act: ResponseAct, question: Question | None) -> str | Decision:
    """The unit for whose leader the person decides: of the question, else of any row for this hazard."""
    roles = matter.policy.powers.deciders(matter.place.hazard)
    units = question.units if question else matter.units(roles)
    found = _leads(matter, act, units)
    return found or not_yours(act.action, ", ".join(units) or ", ".join(roles), "")


def _start(matter: Matter, act: ResponseAct) -> Decision:
    """Start a response, or, where one runs, answer another question by it: by its level or a higher one."""
    state: ResponseState = matter.state
    question = _question(matter, act)
    if act.question and question is None:
        return refuse("response.no_question", question=act.question)
    unit = _decider(matter, act, question)
    if isinstance(unit, Decision):
        return unit
    level = act.level or (question.level if question else "") or state.level
    if level not in RESPONSE_LEVELS:
        return refuse("response.bad_level", level=level, known=", ".join(RESPONSE_LEVELS))
    if state.stage == ResponseStage.ACTIVE:
        return _by_running(matter, act, question, unit, level)
    rows = matter.policy.powers.measures(matter.place.hazard, Scale.RESPONSE_LEVEL, level)
    lacking = [
        name
        for name, value in (
            ("matter", act.matter),
            ("expected_s", act.expected_s),
            ("measures", rows or state.measures or act.measures),
        )
        if not value
    ]
    if lacking or act.matter is None or act.expected_s is None:
        return refuse("response.incomplete", missing=", ".join(lacking))
    if question is None:
        matter.add(
            ResponseOpened(
                response=act.response, flow=matter.policy.flow_of(matter.place.hazard),
                hazard=matter.place.hazard, area=matter.place.area, area_path=matter.place.area_path,
                mode=matter.place.mode, episode=episode_of(state), at=matter.now,
            )
        )  # fmt: skip
    else:
        _answer(matter, act, question, unit, start=True, level=level)
    _begin(matter, act, unit, level, rows)
    return matter.done("response.started", level=level, hazard=matter.place.hazard, area=matter.place.area)


def _begin(matter: Matter, act: ResponseAct, unit: str, level: str, rows: tuple[MeasureRow, ...]) -> None:
    """The order to start: its four contents, its checklist, and everybody who is told."""
    assert act.matter is not None and act.expected_s is not None
    measures, timers = checklist(matter, rows, matter.state.measures)
    told = _told(matter, act, unit, measures)
    number = matter.state.number + 1
    sendings, nobody = matter.sendings((), told, number)
    matter.add(
        ResponseStarted(
            response=matter.state.id, level=level, matter=act.matter, expected_s=act.expected_s,
            until=matter.now + round(act.expected_s * SECOND), words=act.measures, measures=measures,
            told=told,
            unresolved=nobody, person=act.person, post=act.post, unit=unit, at=matter.now,
            sendings=sendings, timers=timers,
        )
    )  # fmt: skip
    matter.send(sendings, "tell.response_started", **_said(matter, level))


def _told(matter: Matter, act: ResponseAct, unit: str, measures: tuple[Measure, ...]) -> tuple[str, ...]:
    """The level above, the onward list of a warning that asked, who takes the measures, and whom the decider
    adds."""
    state: ResponseState = matter.state
    above = matter.policy.city.superior(unit)
    colours = [q.code for q in state.questions.values() if q.scale == Scale.WARNING_COLOUR]
    area = matter.policy.city.areas.get(matter.place.area)
    rows = [
        matter.policy.powers.warning(matter.place.hazard, colour, area.kind.value if area else "")
        for colour in colours
    ]
    onward = [role for row in rows if row for role in row.onward]
    takers = [m.unit for m in (*state.measures.values(), *measures) if m.unit]
    named = [above, *onward, *takers, *act.told]
    return tuple(dict.fromkeys(role for role in named if role and role != unit))


def _said(matter: Matter, level: str) -> Said:
    return {"hazard": matter.place.hazard, "area": matter.place.area, "level": level}


def _by_running(
    matter: Matter, act: ResponseAct, question: Question | None, unit: str, level: str
) -> Decision:
    state: ResponseState = matter.state
    if question is None:
        return refuse("response.running", level=state.level)
    now_is, wanted = RESPONSE_LEVELS[state.level], RESPONSE_LEVELS[level]
    raised = wanted.worse_than(now_is)
    _answer(matter, act, question, unit, start=True, level=level if raised else state.level)
    if raised:
        _to_level(matter, act, unit, level)
    return matter.done("response.answered_by_running", level=matter.state.level)


def _decline(matter: Matter, act: ResponseAct) -> Decision:
    """Not to start is a decision too, with its reason."""
    question = _question(matter, act)
    if question is None:
        return refuse("response.no_question", question=act.question)
    unit = _decider(matter, act, question)
    if isinstance(unit, Decision):
        return unit
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    _answer(matter, act, question, unit, start=False)
    return matter.done("response.declined", code=question.code)


def _answer(
    matter: Matter, act: ResponseAct, question: Question, unit: str, *, start: bool, level: str = ""
) -> None:
    matter.add(
        DecisionTaken(
            source=question.source, question=question.key, response=matter.state.id, start=start,
            level=level, person=act.person, post=act.post, unit=unit, asked=question.asked, at=matter.now,
            due=question.due, reason=act.reason,
        )
    )  # fmt: skip


def _running(matter: Matter, act: ResponseAct) -> str | Decision:
    """The unit for whose leader the person decides about a response that runs."""
    state: ResponseState = matter.state
    if state.stage != ResponseStage.ACTIVE:
        return refuse("response.not_running", action=act.action)
    roles = matter.policy.powers.deciders(state.hazard)
    units = tuple(dict.fromkeys((state.unit, *matter.units(roles))))
    found = _leads(matter, act, units)
    return found or not_yours(act.action, ", ".join(units), "")


def _change_level(matter: Matter, act: ResponseAct) -> Decision:
    unit = _running(matter, act)
    if isinstance(unit, Decision):
        return unit
    if act.level not in RESPONSE_LEVELS or act.level == matter.state.level:
        return refuse("response.bad_level", level=act.level, known=", ".join(RESPONSE_LEVELS))
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    _to_level(matter, act, unit, act.level)
    return matter.done("response.level_changed", level=act.level)


def _to_level(matter: Matter, act: ResponseAct, unit: str, level: str) -> None:
    state: ResponseState = matter.state
    rows = matter.policy.powers.measures(state.hazard, Scale.RESPONSE_LEVEL, level)
    measures, timers = checklist(matter, rows, state.measures)
    sendings, _ = matter.sendings((), state.told, state.number + 1)
    matter.add(
        ResponseLevelChanged(
            response=state.id, before=state.level, after=level, measures=measures, person=act.person,
            post=act.post, unit=unit, at=matter.now, reason=act.reason, sendings=sendings, timers=timers,
        )
    )  # fmt: skip
    matter.send(sendings, "tell.response_level", **_said(matter, level))


def _measure(matter: Matter, act: ResponseAct) -> Decision:
    """Taken, or not taken with a reason, by whoever takes it or decides about the response."""
    state: ResponseState = matter.state
    measure = state.measures.get(act.measure)
    if measure is None:
        return refuse("response.no_measure", measure=act.measure)
    if act.taken is None:
        return refuse("response.incomplete", missing="taken")
    if not act.taken and act.reason is None:
        return refuse("power.no_reason", action=act.action)
    asked = [unit for q in state.questions.values() for unit in q.units]
    units = tuple(u for u in (measure.unit, state.unit, *asked) if u)
    unit = acts_for(matter.policy, act.person, act.post, units, matter.now)
    if not unit:
        return not_yours(act.action, ", ".join(units), "")
    matter.add(
        MeasureNoted(
            response=state.id, measure=act.measure, taken=act.taken, person=act.person, post=act.post,
            unit=unit, at=matter.now, reason=act.reason,
        )
    )  # fmt: skip
    return matter.done("response.measure_noted", measure=act.measure, taken=str(act.taken).lower())


def _end(matter: Matter, act: ResponseAct) -> Decision:
    state: ResponseState = matter.state
    unit = _running(matter, act)
    if isinstance(unit, Decision):
        return unit
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    sendings, _ = matter.sendings((), state.told, state.number + 1)
    matter.add(
        ResponseEnded(
            response=state.id, person=act.person, post=act.post, unit=unit, at=matter.now,
            reason=act.reason, sendings=sendings,
        )
    )  # fmt: skip
    matter.send(sendings, "tell.response_ended", **_said(matter, state.level))
    return matter.done("response.ended", level=state.level)


def _receive(matter: Matter, act: ResponseAct) -> Decision:
    state: ResponseState = matter.state
    told = tuple(dict.fromkeys(one.unit for one in state.sendings.values() if one.unit))
    return receive(matter, act, told, state.number)


_ACTS: dict[ResponseAction, Callable[[Matter, ResponseAct], Decision]] = {
    ResponseAction.START: _start,
    ResponseAction.DECLINE: _decline,
    ResponseAction.CHANGE_LEVEL: _change_level,
    ResponseAction.MEASURE: _measure,
    ResponseAction.RECEIVE: _receive,
    ResponseAction.END: _end,
}
