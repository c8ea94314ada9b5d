"""负担: what a mechanism asked of each unit, counted from a journal: by day, by night, and what came late."""

from __future__ import annotations

from collections import Counter

import msgspec

from liandong.app.ports import Store
from liandong.core.values.calendar import Calendar
from liandong.core.values.case import CaseState
from liandong.core.values.case_events import CaseOpened, ClockOverdue, Escalated, OrderIssued
from liandong.core.values.events import read_event
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Cause
from liandong.core.values.times import DAY

#: Local hours that count as day.
_DAY = (8, 20)
_PAGE = 5_000
#: Whoever only reviews what others did was not sent.
_REVIEW = "verifier"
_case = msgspec.json.Decoder(CaseState)


class UnitBurden(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit had to do."""

    unit: str
    orders_by_day: int
    orders_by_night: int
    overdue: int  #: clauses of its that ran out
    escalations: int  #: that reached it
    per_month: float | None  #: orders, scaled to thirty days; None for less than a day


class Burden(msgspec.Struct, frozen=True, kw_only=True):
    """What a mechanism came to over a stretch of time."""

    days: float
    cases: int
    closed: int
    by_level: dict[str, int]
    units: tuple[UnitBurden, ...]
    overdue: dict[str, int]  #: clause → how often it ran out
    without_lead: int  #: cases of which no unit but the centre ever had an order
    missed: tuple[str, ...]  #: real events, as hazard|asset, to which nobody but the centre was sent
    fallbacks: int  #: orders that went to the centre because nobody could be found


def burden_of(
    store: Store, calendar: Calendar, centre: str, real: dict[str, int], since: int, until: int
) -> Burden:
    """Count a journal; `real` are events that were real: grouping → when."""
    day: Counter[str] = Counter()
    night: Counter[str] = Counter()
    overdue_by: Counter[str] = Counter()
    clauses: Counter[str] = Counter()
    escalated: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    sent: dict[str, set[str]] = {}
    groupings: dict[str, str] = {}
    fallbacks = 0
    after = 0
    while rows := store.entries(after, _PAGE, (EntryKind.DECISION,)):
        after = rows[-1].position
        for row in rows:
            entry = read_entry(row.body)
            for record in entry.events:
                event = read_event(record)
                if isinstance(event, CaseOpened):
                    levels[event.level] += 1
                    groupings[event.case] = event.grouping
                    sent.setdefault(event.case, set())
                elif isinstance(event, OrderIssued):
                    hour = calendar.at(event.issued).minute // 60
                    (day if _DAY[0] <= hour < _DAY[1] else night)[event.unit] += 1
                    if event.role != _REVIEW:
                        sent.setdefault(event.case, set()).add(event.unit)
                    fallbacks += bool(event.fallback)
                elif isinstance(event, ClockOverdue):
                    clauses[event.clock.rpartition("#")[0]] += 1
                elif isinstance(event, Escalated):
                    escalated[event.unit] += 1
    closed = 0
    for state in store.states("case"):
        closed += bool(state.cause)
        if state.body is not None:
            for clock in _case.decode(state.body).clocks.values():
                overdue_by[clock.unit] += clock.overdue
    days = max((until - since) / DAY, 1e-9)
    reached = {groupings[case] for case, units in sent.items() if units - {centre} and case in groupings}
    units = sorted({*day, *night, *overdue_by, *escalated} - {""})
    return Burden(
        days=round(days, 3), cases=len(groupings), closed=closed, by_level=dict(sorted(levels.items())),
        units=tuple(
            UnitBurden(
                unit=unit, orders_by_day=day[unit], orders_by_night=night[unit], overdue=overdue_by[unit],
                escalations=escalated[unit],
                per_month=round((day[unit] + night[unit]) / days * 30, 1) if days >= 1 else None,
            )
            for unit in units
        ),
        overdue=dict(clauses.most_common()),
        without_lead=sum(not units - {centre} for units in sent.values()),
        missed=tuple(sorted(grouping for grouping in real if grouping not in reached)),
        fallbacks=fallbacks,
    )  # fmt: skip


def real_events(store: Store) -> dict[str, int]:
    """What was found to be real in a journal: grouping → when its case was opened."""
    found: dict[str, int] = {}
    for row in store.states("case"):
        if row.cause == Cause.REAL and row.body is not None:
            case = _case.decode(row.body)
            found.setdefault(case.grouping, case.opened)
    return found
