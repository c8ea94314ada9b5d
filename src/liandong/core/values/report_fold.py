"""Folding what upward reports and asked decisions do to a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.core.values.case import CaseState, Report, ReportDraft
from liandong.core.values.case_events import CaseReported, ReportOwed
from liandong.core.values.folding import replace, touched, with_, without
from liandong.core.values.matter import DecisionDue, DecisionNoted
from liandong.core.values.report_events import ReportDrafted, ReportHeld, ReportOverdue, ReportReceived

#: Timers of a report belong to its row: no clock of an order has such a name.
CLOCK = "report:"


def _asked(s: CaseState, e: DecisionDue) -> CaseState:
    return touched(s, asked=(*s.asked, e.code))


def _decided(s: CaseState, e: DecisionNoted) -> CaseState:
    return touched(s)


def _changed(s: CaseState, row: str, **changes: Any) -> CaseState:
    before = s.reports.get(row) or Report(row=row, to="", started=0, limit_us=None, due=None)
    return touched(s, reports=s.reports | {row: replace(before, **changes)})


def _owed(s: CaseState, e: ReportOwed) -> CaseState:
    owed = Report(row=e.row, to=e.to, started=e.started, limit_us=e.limit_us, due=e.due)
    return touched(s, reports=s.reports | {e.row: owed}, timers=with_(s.timers, e.timers))


def _drafted(s: CaseState, e: ReportDrafted) -> CaseState:
    draft = ReportDraft(
        number=e.number, kind=e.kind, person=e.person, post=e.post, signer_unit=e.signer_unit,
        signer_post=e.signer_post, signer=e.signer, at=e.at, text=e.text,
    )  # fmt: skip
    return _changed(s, e.row, draft=draft, held=0)


def _sent(s: CaseState, e: CaseReported) -> CaseState:
    before = s.reports.get(e.row) or Report(row=e.row, to=e.to, started=e.at, limit_us=None, due=None)
    sent = replace(
        before, sent=e.at, due=e.due, versions=e.number, order=e.order, nobody=bool(e.unresolved),
        overdue=before.overdue and e.kind == "correction", draft=None, held=0,
    )  # fmt: skip
    # A correction is no report: the clock of the next one goes on as it was.
    kept = s.timers if e.kind == "correction" else without(s.timers, CLOCK + e.row)
    return touched(s, reports=s.reports | {e.row: sent}, timers=with_(kept, e.timers))


def _held(s: CaseState, e: ReportHeld) -> CaseState:
    return _changed(s, e.row, held=e.at)


def _overdue(s: CaseState, e: ReportOverdue) -> CaseState:
    return _changed(s, e.row, overdue=True)


def _received(s: CaseState, e: ReportReceived) -> CaseState:
    return _changed(s, e.row, received=e.number, received_at=e.at, received_by=e.person)


UPWARD: dict[type, Callable[[CaseState, Any], CaseState]] = {
    DecisionDue: _asked,
    DecisionNoted: _decided,
    ReportOwed: _owed,
    ReportDrafted: _drafted,
    ReportHeld: _held,
    CaseReported: _sent,
    ReportOverdue: _overdue,
    ReportReceived: _received,
}
