"""预警: drafting, approving, publishing, raising, lowering and lifting public warnings, by their rows.

Nothing here happens by itself: a public warning is human work. What others issue is only shown, but it
asks for the same decision as one of our own.
"""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.coordinate.matters import (
    Matter,
    Said,
    contractor,
    place_of,
    report,
)
from liandong.core.coordinate.warning_drafts import approve, draft, withdraw
from liandong.core.coordinate.warning_issue import (
    adjust,
    ask,
    danger_over,
    lift,
    lift_clock,
    publish,
    receive_by,
    resend,
)
from liandong.core.coordinate.warning_rows import in_force, row_of
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import Timer
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.ids import make_id
from liandong.core.values.lists import (
    EscalationKind,
    WarningAction,
    WarningChange,
    WarningStage,
)
from liandong.core.values.matter import DecisionNoted, DecisionTaken
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.public_warning import (
    Contents,
    ExternalWarning,
    ExternalWarningTaken,
    WarningAct,
    WarningState,
    evolve_warning,
)
from liandong.core.values.scales import WARNING_COLOURS

_OVER = (WarningStage.LIFTED, WarningStage.WITHDRAWN)


def decide(policy: Policy, state: WarningState, message: object, now: int) -> Decision:
    """One message about one warning."""
    if isinstance(message, ExternalWarning):
        return _take_external(policy, state, message, now)
    if isinstance(message, WarningAct):
        return _act(policy, state, message, now)
    matter = _matter(policy, state, now)
    if isinstance(message, TimerFired):
        return _fire(matter, message)
    if isinstance(message, DeliveryReported):
        return report(matter, message)
    assert isinstance(message, DecisionTaken)
    return _note(matter, message)


def _matter(
    policy: Policy, state: WarningState, now: int, contents: Contents | None = None, id: str = ""
) -> Matter:
    hazard = state.hazard or (contents.category if contents else "")
    area = contents.area if contents else state.area
    mode = state.mode if state.id else policy.mode
    place = place_of(policy, hazard, area, mode)
    return Matter(policy, state, f"warning:{state.id or id}", evolve_warning, now, place)


def _act(policy: Policy, state: WarningState, act: WarningAct, now: int) -> Decision:
    if not state.id and act.action != WarningAction.DRAFT:
        return refuse("warning.unknown", warning=act.warning)
    if state.source:
        return refuse("warning.external", source=state.source)
    if act.version != state.version:
        return refuse("power.stale", version=act.version, current=state.version)
    if state.stage in _OVER and act.action not in (WarningAction.RESEND, WarningAction.RECEIVE):
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    refused = contractor(policy, act.post, act.action)
    return refused or _ACTS[act.action](_matter(policy, state, now, act.contents, act.warning), act)


_ACTS: dict[WarningAction, Callable[[Matter, WarningAct], Decision]] = {
    WarningAction.DRAFT: draft,
    WarningAction.REVISE: draft,
    WarningAction.APPROVE: approve,
    WarningAction.REFUSE: approve,
    WarningAction.PUBLISH: publish,
    WarningAction.RAISE: adjust,
    WarningAction.LOWER: adjust,
    WarningAction.RESEND: resend,
    WarningAction.RECEIVE: receive_by,
    WarningAction.DANGER_OVER: danger_over,
    WarningAction.LIFT: lift,
    WarningAction.WITHDRAW: withdraw,
}


# What comes from elsewhere, and what time brings.


def _take_external(policy: Policy, state: WarningState, message: ExternalWarning, now: int) -> Decision:
    """As its issuer sent it. Of one number the newest revision counts, and each counts once."""
    contents = message.contents
    if state.id and message.revision <= state.revision:
        return nothing("warning.known_revision", number=message.number, revision=message.revision)
    if contents.colour not in WARNING_COLOURS:
        return refuse("warning.bad_colour", colour=contents.colour, known=", ".join(WARNING_COLOURS))
    if contents.area not in policy.city.areas:
        return refuse("warning.bad_area", area=contents.area)
    id = external_id(policy, message)
    matter = _matter(policy, state, now, contents, id)
    matter.add(
        ExternalWarningTaken(
            warning=id, source=message.source, number=message.number, revision=message.revision,
            change=message.change, contents=contents, issued=message.issued, at=now, mode=policy.mode,
            area_path=policy.city.area_path(contents.area), message=message.message,
        )
    )  # fmt: skip
    if message.change != WarningChange.CANCEL:
        ask(matter, contents, matter.state.current)
    return matter.done("warning.external_taken", colour=contents.colour, number=message.number)


def external_id(policy: Policy, message: ExternalWarning) -> str:
    """The id of an issuer's warning: its source and its own number."""
    return make_id("wrn", policy.city.key, policy.mode, message.source, message.number)


def _note(matter: Matter, taken: DecisionTaken) -> Decision:
    if taken.question not in matter.state.undecided:
        return nothing("warning.decided_before", question=taken.question)
    matter.add(noted(matter.stream, taken))
    return matter.done("warning.decision_noted", start=str(taken.start).lower())


def noted(stream: str, taken: DecisionTaken) -> DecisionNoted:
    """The decision as the stream that asked keeps it."""
    return DecisionNoted(
        stream=stream, question=taken.question, response=taken.response, start=taken.start,
        level=taken.level, person=taken.person, post=taken.post, unit=taken.unit, asked=taken.asked,
        at=taken.at, due=taken.due,
    )  # fmt: skip


def _fire(matter: Matter, message: TimerFired) -> Decision:
    state: WarningState = matter.state
    timer = state.timers.get(message.timer)
    if timer is None:
        return nothing("timer.gone", timer=message.timer)
    if timer.clock == "until":
        lift_clock(matter, "")
        return matter.done("warning.end_came")
    lifting = timer.clock == "lift"
    row = row_of(matter, in_force(state) if lifting else None)
    role = (row.lifter if lifting else row.approver) if row else ""
    unit = matter.unit(role)
    said: Said = {"hazard": state.hazard, "colour": state.colour, "area": state.area, "due": timer.due}
    template = "tell.warning_lift" if lifting else "tell.warning_approve"
    if timer.moment == "half":
        to = matter.duty(role) if lifting else matter.leader(unit)
        matter.escalate(timer, EscalationKind.REMIND, to, template, **said)
        return matter.done("warning.reminded", clock=timer.clock)
    if timer.moment == "due":
        again = (_next_alarm(matter, timer),)
        matter.escalate(timer, EscalationKind.CALL, matter.leader(unit), template, again, **said)
        above = matter.policy.city.superior(unit)
        if above:
            to = matter.leader(above)
            matter.tell(matter.id("ntc", timer.id, "above"), to.person, template, **said)
        return matter.done("warning.overdue", clock=timer.clock)
    matter.call_out(
        timer,
        timer.clock,
        "tell.alarm_lift" if lifting else "tell.alarm_approve",
        (_next_alarm(matter, timer),),
    )
    return matter.done("warning.called_out", clock=timer.clock)


#: While nobody acts the platform calls out again after so long (microseconds).
_AGAIN = 30 * 60 * 1_000_000


def _next_alarm(matter: Matter, timer: Timer) -> Timer:
    return matter.timer(timer.clock, "alarm", matter.now + _AGAIN)
