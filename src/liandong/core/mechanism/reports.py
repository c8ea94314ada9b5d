"""处置报告: what is sent round after a case is archived: to whom, signed by whom, by when, under which row.

Reports upward (首报、续报、终报) are acts on the running case, and belong to coordinate.
"""

from __future__ import annotations

import msgspec

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, person_for, resolve, unit_of_role
from liandong.core.values.case import CaseState
from liandong.core.values.lists import Action, ReportKind
from liandong.core.values.rows import ReportRow

PARTICIPANTS = "participants"


class DisposalReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report that one row asks for."""

    row: str
    to: tuple[Resolved, ...]
    signer: Resolved | None  #: None = 未规定
    channel: str
    since: int | None  #: when its clock began; None before the case is archived, or where no limit is said
    due: int | None  #: None = 未规定, or not running
    issued: int | None


def disposal_reports(policy: Policy, case: CaseState, now: int) -> tuple[DisposalReport, ...]:
    """What the rows ask for. The limit is the clause of the step, so that it is said in one place only."""
    clocks = [c for c in case.clocks.values() if c.action == Action.DISPOSAL_REPORT and not c.void]
    clock = clocks[-1] if clocks else None
    return tuple(
        DisposalReport(
            row=row.key,
            to=_recipients(policy, case, row, now),
            signer=_signer(policy, case, row, now),
            channel=row.channel,
            since=clock.started if clock else None,
            due=clock.due if clock else None,
            issued=case.done.get(Action.DISPOSAL_REPORT),
        )
        for row in policy.routing.reports(case.hazard, case.level)
        if row.kind == ReportKind.CLOSING
    )


def _recipients(policy: Policy, case: CaseState, row: ReportRow, now: int) -> tuple[Resolved, ...]:
    """The unit of a role, or every unit that takes part, once."""
    if row.recipient != PARTICIPANTS:
        return (resolve(policy, case, row.recipient, now),)
    units = dict.fromkeys(p.unit for p in case.participants)
    return tuple(person_for(policy, unit, now) or Resolved(unit=unit, post="", person="") for unit in units)


def _signer(policy: Policy, case: CaseState, row: ReportRow, now: int) -> Resolved | None:
    """The leader on duty of the unit that signs; its duty post where no leader is there now."""
    unit = unit_of_role(policy, case, row.signer) if row.signer else ""
    if not unit:
        return None
    return person_for(policy, unit, now, leader=True) or person_for(policy, unit, now)
