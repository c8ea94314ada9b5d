"""预警: drafting and approving, by two persons; withdrawing before anybody outside was told."""

from __future__ import annotations

from liandong.core.coordinate.matters import (
    Matter,
    acts_for,
    not_yours,
)
from liandong.core.coordinate.warning_rows import newest, row_of, who
from liandong.core.values.authority_rows import WarningRow
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.lists import (
    WarningAction,
    WarningChange,
)
from liandong.core.values.public_warning import (
    Contents,
    WarningAct,
    WarningApproved,
    WarningDrafted,
    WarningRefused,
    WarningState,
    WarningWithdrawn,
    missing,
)
from liandong.core.values.scales import WARNING_COLOURS


def draft(matter: Matter, act: WarningAct) -> Decision:
    state: WarningState = matter.state
    if act.action == WarningAction.DRAFT and state.id:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    current, pending = state.at(state.current), state.at(state.pending)
    if current is None:
        return propose(matter, act, WarningChange.ISSUE)
    change = pending.change if pending else WarningChange.UPDATE
    colour = (pending or current).contents.colour
    if act.contents is not None and act.contents.colour != colour:
        return refuse("warning.not_by_revision", colour=colour)
    return propose(matter, act, change)


def propose(matter: Matter, act: WarningAct, change: WarningChange) -> Decision:
    """A new version by the drafter: it waits for approval."""
    contents = act.contents
    refused = unfit(matter, act, contents)
    if refused is not None or contents is None:
        return refused or refuse("warning.no_contents", action=act.action)
    row = row_of(matter, contents)
    if row is None:
        return refuse("warning.no_row", hazard=contents.category, colour=contents.colour, area=contents.area)
    unit = who(matter, act, row.drafter)
    if isinstance(unit, Decision):
        return unit
    add_version(matter, act, contents, change, row, unit)
    tell_approver(matter, row)
    return matter.done("warning.drafted", number=matter.state.pending, colour=contents.colour)


def unfit(matter: Matter, act: WarningAct, contents: Contents | None) -> Decision | None:
    """What is wrong with contents whatever the rows say."""
    if contents is None:
        return refuse("warning.no_contents", action=act.action)
    if contents.colour not in WARNING_COLOURS:
        return refuse("warning.bad_colour", colour=contents.colour, known=", ".join(WARNING_COLOURS))
    if contents.area not in matter.policy.city.areas:
        return refuse("warning.bad_area", area=contents.area)
    if matter.state.hazard and contents.category != matter.state.hazard:
        return refuse("warning.other_category", category=contents.category, was=matter.state.hazard)
    return None


def add_version(
    matter: Matter, act: WarningAct, contents: Contents, change: WarningChange, row: WarningRow, unit: str,
    alone: bool = False,
) -> None:  # fmt: skip
    """`alone`: it comes into force by the row's own power and waits for no approval."""
    city = matter.policy.city
    roles = (
        row.drafter, row.approver, row.publisher, row.raiser, row.lowerer, row.lifter, *row.onward
    )  # fmt: skip
    state: WarningState = matter.state
    due, timers = (None, ()) if alone else matter.clock("approve", row.approve_s)
    if state.approval_owed:
        due, timers = state.approval_due, ()  # of what is out already; its clock goes on
    matter.add(
        WarningDrafted(
            warning=act.warning, number=len(matter.state.versions) + 1, contents=contents, change=change,
            person=act.person, post=act.post, unit=unit, row=row.key, at=matter.now,
            mode=matter.place.mode, area_path=city.area_path(contents.area), units=matter.units(roles),
            reason=act.reason, due=due, timers=timers,
        )
    )  # fmt: skip


def alone_by(row: WarningRow, change: WarningChange) -> bool:
    """Whether the row names who raises or lowers; else the drafter proposes and the approver approves."""
    return bool(row.raiser if change == WarningChange.RAISE else row.lowerer)


def tell_approver(matter: Matter, row: WarningRow) -> None:
    state: WarningState = matter.state
    to = matter.leader(matter.unit(row.approver))
    matter.tell(
        matter.id("ntc", "approve", state.pending), to.person, "tell.warning_approve",
        hazard=state.hazard, colour=newest(state).colour, area=state.area, due=state.approval_due,
    )  # fmt: skip


def approve(matter: Matter, act: WarningAct) -> Decision:
    state: WarningState = matter.state
    number = state.approval_owed or state.pending
    version = state.at(number)
    if version is None:
        return refuse("warning.nothing_to_approve")
    row = row_of(matter, version.contents)
    if row is None:
        return refuse("power.unset", action=act.action)
    unit = who(matter, act, row.approver)
    if isinstance(unit, Decision):
        return unit
    if act.person == version.drafter:
        return refuse("warning.same_person")
    if act.action == WarningAction.REFUSE:
        return _refuse(matter, act, row, number, unit)
    lacking = missing(version.contents)
    if lacking:
        return refuse("warning.incomplete", missing=", ".join(lacking))
    if version.approved:
        return nothing("warning.approved_before", number=number)
    late = None if state.approval_due is None else matter.now - state.approval_due
    matter.add(
        WarningApproved(
            warning=state.id, number=number, person=act.person, post=act.post, unit=unit, at=matter.now,
            late_us=late,
        )
    )  # fmt: skip
    if number == matter.state.pending:
        to = matter.duty(row.publisher)
        matter.tell(
            matter.id("ntc", "publish", number), to.person, "tell.warning_publish", hazard=state.hazard,
            colour=version.contents.colour, area=state.area,
        )  # fmt: skip
    return matter.done("warning.approved", number=number)


def _refuse(matter: Matter, act: WarningAct, row: WarningRow, number: int, unit: str) -> Decision:
    """The draft goes back to its drafter; of what is out already, whoever may lift it is told."""
    state: WarningState = matter.state
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    out = number == state.approval_owed
    version = state.at(number)
    if version is not None and version.refused:
        return nothing("warning.refused_before", number=number)
    matter.add(
        WarningRefused(
            warning=state.id, number=number, person=act.person, post=act.post, unit=unit, at=matter.now,
            reason=act.reason,
        )
    )  # fmt: skip
    to = matter.duty(row.lifter if out else row.drafter)
    matter.tell(
        matter.id("ntc", "refused", number), to.person, "tell.warning_refused", hazard=state.hazard,
        colour=state.colour, area=state.area,
    )  # fmt: skip
    return matter.done("warning.refused", number=number)


def withdraw(matter: Matter, act: WarningAct) -> Decision:
    """Only before anybody outside was told; afterwards a warning is lifted."""
    state: WarningState = matter.state
    version = state.at(state.pending)
    if state.current or version is None:
        return refuse("warning.not_allowed", action=act.action, stage=state.stage)
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    row = row_of(matter, version.contents)
    roles = (row.drafter, row.approver) if row else ()
    unit = acts_for(matter.policy, act.person, act.post, matter.units(roles), matter.now)
    if not unit:
        return not_yours(act.action, ", ".join(roles), "")
    matter.add(
        WarningWithdrawn(
            warning=state.id, number=version.number, person=act.person, post=act.post, unit=unit,
            at=matter.now, reason=act.reason,
        )
    )  # fmt: skip
    return matter.done("warning.withdrawn")
