"""预警: publishing, raising, lowering, sending again and lifting."""

from __future__ import annotations

from liandong.core.coordinate.matters import (
    Matter,
    acts_for,
    not_yours,
    receive,
    undelivered,
)
from liandong.core.coordinate.warning_drafts import add_version, alone_by, propose, tell_approver, unfit
from liandong.core.coordinate.warning_rows import in_force, row_of, said, who
from liandong.core.values.authority_rows import WarningRow
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.lists import (
    WarningAction,
    WarningChange,
    WarningStage,
)
from liandong.core.values.matter import DecisionDue, Sending
from liandong.core.values.public_warning import (
    Contents,
    WarningAct,
    WarningDangerOver,
    WarningLifted,
    WarningPublished,
    WarningResent,
    WarningState,
    missing,
)
from liandong.core.values.scales import WARNING_COLOURS, Scale

#: From this colour the green channel opens, where the row has one.
GREEN_FROM = WARNING_COLOURS["orange"]
#: The worst colour asks for a decision even where no row does (Zhengzhou, 20 July 2021).
ALWAYS_ASKS = "red"


def publish(matter: Matter, act: WarningAct) -> Decision:
    state: WarningState = matter.state
    version = state.at(state.pending)
    if version is None:
        return refuse("warning.nothing_to_publish")
    row = row_of(matter, version.contents)
    if row is None:
        return refuse("power.unset", action=act.action)
    unit = who(matter, act, row.publisher)
    if isinstance(unit, Decision):
        return unit
    lacking = missing(version.contents)
    if lacking:
        return refuse("warning.incomplete", missing=", ".join(lacking))
    green = False
    if not version.approved:
        if state.approval_owed:
            return refuse("warning.approval_owed", number=state.approval_owed)
        green = row.green_channel and not version.refused and _green(version.contents.colour)
        if not green:
            return refuse("warning.not_approved", needed=matter.unit(row.approver) or row.approver)
    return put_in_force(matter, act, row, unit, version.contents, green)


def _green(colour: str) -> bool:
    return WARNING_COLOURS[colour].rank >= GREEN_FROM.rank


def put_in_force(
    matter: Matter, act: WarningAct, row: WarningRow, unit: str, contents: Contents, green: bool
) -> Decision:
    """The version goes out to everybody and to the onward list, and asks for the decisions it forces."""
    state: WarningState = matter.state
    number = state.pending
    sendings, nobody = matter.sendings(row.channels or matter.policy.channels, row.onward, number)
    due, timers = matter.clock("approve", row.approve_s) if green else (None, ())
    if contents.until is not None and contents.until > matter.now:
        timers = (*timers, matter.timer("until", "end", contents.until))
    matter.add(
        WarningPublished(
            warning=state.id, number=number, person=act.person, post=act.post, unit=unit, at=matter.now,
            green=green, sendings=sendings, unresolved=nobody, due=due, timers=timers,
        )
    )  # fmt: skip
    matter.send(sendings, "tell.warning", **said(contents))
    if nobody:
        to = matter.centre()
        matter.tell(
            matter.id("ntc", "onward", number), to.person, "tell.warning_onward", roles=", ".join(nobody)
        )
    if green:
        tell_approver(matter, row)
    ask(matter, contents, number)
    return matter.done("warning.published", number=number, colour=contents.colour, area=contents.area)


def ask(matter: Matter, contents: Contents, number: int) -> None:
    """A colour that a row names, or red whatever the rows say, has to be answered by somebody. A mere update
    of the same colour in the same area asks nothing anew."""
    state: WarningState = matter.state
    earlier = [v for v in state.versions if v.number < number and v.published]
    last = earlier[-1] if earlier and earlier[-1].change != WarningChange.CANCEL else None
    same = last is not None and (last.contents.colour, last.contents.area) == (contents.colour, contents.area)
    row = matter.policy.powers.decision(contents.category, Scale.WARNING_COLOUR, contents.colour)
    if same or (row is None and contents.colour != ALWAYS_ASKS):
        return
    matter.add(
        DecisionDue(
            source=matter.stream, number=number, hazard=contents.category, area=contents.area,
            area_path=matter.policy.city.area_path(contents.area), scale=Scale.WARNING_COLOUR,
            code=contents.colour, mode=state.mode, at=matter.now,
        )
    )  # fmt: skip


def adjust(matter: Matter, act: WarningAct) -> Decision:
    """Raised or lowered by whom the row names, at once and with a reason; else proposed as at first."""
    state: WarningState = matter.state
    up = act.action == WarningAction.RAISE
    change = WarningChange.RAISE if up else WarningChange.LOWER
    refused = unfit(matter, act, act.contents)
    if refused is not None or act.contents is None:
        return refused or refuse("warning.no_contents", action=act.action)
    current = state.at(state.current)
    if current is None:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    now_is, wanted = WARNING_COLOURS[current.contents.colour], WARNING_COLOURS[act.contents.colour]
    if not (wanted.rank > now_is.rank if up else wanted.rank < now_is.rank):
        return refuse("warning.wrong_way", action=act.action, now=now_is.code, wanted=wanted.code)
    row = row_of(matter, act.contents)
    if row is None:
        return refuse("power.unset", action=act.action)
    if not alone_by(row, change):
        return propose(matter, act, change)
    unit = who(matter, act, row.raiser if up else row.lowerer)
    if isinstance(unit, Decision):
        return unit
    lacking = missing(act.contents)
    if lacking:
        return refuse("warning.incomplete", missing=", ".join(lacking))
    add_version(matter, act, act.contents, change, row, unit, alone=True)
    return put_in_force(matter, act, row, unit, act.contents, green=False)


def danger_over(matter: Matter, act: WarningAct) -> Decision:
    """Whoever has a part in the warning may say that the danger is over; from then on it has to be lifted."""
    state: WarningState = matter.state
    if not state.current:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    if state.danger_over:
        return nothing("warning.over_before")
    if not acts_for(matter.policy, act.person, act.post, state.units, matter.now):
        return not_yours(act.action, ", ".join(state.units), "")
    lift_clock(matter, act.person)
    return matter.done("warning.danger_over")


def lift_clock(matter: Matter, person: str) -> None:
    state: WarningState = matter.state
    row = row_of(matter, in_force(state))
    due, timers = matter.clock("lift", row.lift_s if row else None)
    matter.add(WarningDangerOver(warning=state.id, at=matter.now, person=person, due=due, timers=timers))
    to = matter.duty(row.lifter if row else "")
    matter.tell(
        matter.id("ntc", "lift", matter.now), to.person, "tell.warning_lift", due=due,
        **said(in_force(state)),
    )  # fmt: skip


def lift(matter: Matter, act: WarningAct) -> Decision:
    """The public is told at once; the warning is not over while a decision that it asked for is missing."""
    state: WarningState = matter.state
    contents = in_force(state)
    row = row_of(matter, contents) if state.current else None
    if row is None:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    unit = who(matter, act, row.lifter)
    if isinstance(unit, Decision):
        return unit
    number = len(state.versions) + 1
    sendings, _ = matter.sendings(row.channels or matter.policy.channels, row.onward, number)
    late = None if state.lift_due is None else matter.now - state.lift_due
    matter.add(
        WarningLifted(
            warning=state.id, number=number, person=act.person, post=act.post, unit=unit, at=matter.now,
            late_us=late, reason=act.reason, sendings=sendings,
        )
    )  # fmt: skip
    matter.send(sendings, "tell.warning_lifted", **said(contents))
    return matter.done("warning.lifted", undecided=len(matter.state.undecided))


def resend(matter: Matter, act: WarningAct) -> Decision:
    """What did not arrive is tried again under its old name, so that whoever has it takes it for the same."""
    state: WarningState = matter.state
    contents = in_force(state)
    row = row_of(matter, contents) if state.current else None
    if row is None:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    unit = who(matter, act, row.publisher)
    if isinstance(unit, Decision):
        return unit
    number = max(one.number for one in state.sendings.values()) if state.sendings else state.current
    again: tuple[Sending, ...] = undelivered(state, number)
    if not again:
        return nothing("warning.nothing_to_resend", number=number)
    matter.add(
        WarningResent(
            warning=state.id, number=number, person=act.person, post=act.post, at=matter.now,
            sendings=tuple(_open(one) for one in again),
        )
    )  # fmt: skip
    lifted = state.stage == WarningStage.LIFTED
    matter.send(again, "tell.warning_lifted" if lifted else "tell.warning", **said(contents))
    return matter.done("warning.resent", number=number, count=len(again))


def _open(one: Sending) -> Sending:
    return Sending(
        order=one.order, recipient=one.recipient, unit=one.unit, channel=one.channel, number=one.number
    )


def receive_by(matter: Matter, act: WarningAct) -> Decision:
    state: WarningState = matter.state
    told = tuple(dict.fromkeys(one.unit for one in state.sendings.values() if one.unit))
    number = max((one.number for one in state.sendings.values()), default=0)
    return receive(matter, act, told, number)
