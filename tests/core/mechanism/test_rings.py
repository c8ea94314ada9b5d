"""The monthly ring: every contact once, in working hours, evenly, and dead ones listed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.rings import HOURS, PlannedRing, dead, ring_plan, rings_due
from liandong.core.values.calendar import Calendar, CalendarDay
from liandong.core.values.lists import DayKind, RingOutcome
from liandong.core.values.roster import Contact
from liandong.core.values.times import MINUTE

#: October 2026: the National Day holiday leaves 17 working days, the 10th (a Saturday) among them.
CALENDAR = Calendar(
    (
        *(CalendarDay(date=f"2026-10-{n:02d}", kind=DayKind.HOLIDAY, name_zh="国庆节") for n in range(1, 8)),
        CalendarDay(date="2026-10-10", kind=DayKind.WORKDAY, name_zh="国庆节"),
    )
)


def crew(count: int) -> list[tuple[str, str]]:
    return [(f"person:p{n}", "phone") for n in range(count)]


@given(st.integers(1, 400))
def test_everybody_is_rung_once_in_working_hours_and_never_in_a_flood(count: int) -> None:
    plan = ring_plan(CALENDAR, crew(count), "2026-10")
    assert {(ring.person, ring.channel) for ring in plan} == set(crew(count)) and len(plan) == count
    for ring in plan:
        local = CALENDAR.at(ring.at)
        assert local.day == DayKind.WORKDAY and local.date[:7] == "2026-10"
        assert any(start <= local.minute < end for start, end in HOURS)
    assert all(after.at - before.at >= (18 * 300 // count - 1) * MINUTE for before, after in pairwise(plan))
    a_day = [CALENDAR.at(ring.at).date for ring in plan]
    assert max(a_day.count(date) for date in a_day) <= -(-count // 18) + 1


def test_who_joins_or_leaves_moves_nobody_before_somebody_else() -> None:
    order = [ring.person for ring in ring_plan(CALENDAR, crew(50), "2026-10")]
    fewer = [ring.person for ring in ring_plan(CALENDAR, crew(49), "2026-11")]
    assert fewer == [person for person in order if person != "person:p49"]
    assert order != sorted(order), "neighbours in a table are not rung one after the other"
    assert ring_plan(CALENDAR, [*crew(3), *crew(3)], "2026-10") == ring_plan(CALENDAR, crew(3), "2026-10")
    assert ring_plan(CALENDAR, [], "2026-10") == ()


def test_a_ring_is_due_from_its_moment_until_it_was_rung_this_month() -> None:
    plan = ring_plan(CALENDAR, crew(4), "2026-10")
    last_month = [Contact(person=ring.person, channel="phone", tested=plan[0].at - 1) for ring in plan]
    assert rings_due(plan, last_month, plan[1].at) == list(plan[:2])
    assert rings_due(plan, [], plan[0].at - 1) == []
    rung = [Contact(person=plan[0].person, channel="phone", tested=plan[0].at)]
    assert rings_due(plan, rung, plan[1].at) == [plan[1]]


def test_the_dead_are_listed_longest_silent_first() -> None:
    contacts = [
        Contact(person="person:a", channel="phone", outcome=RingOutcome.FAILED, answered=7),
        Contact(person="person:b", channel="phone", outcome=RingOutcome.NO_ANSWER, missed=1),
        Contact(person="person:c", channel="phone", outcome=RingOutcome.NO_ANSWER, missed=2, answered=5),
    ]
    assert [one.person for one in dead(contacts)] == ["person:c", "person:a"]


@pytest.mark.parametrize("month", ["2026-13", "2026", "october"])
def test_a_month_that_is_none_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        ring_plan(CALENDAR, crew(1), month)


def test_a_month_of_holidays_has_no_ring() -> None:
    free = Calendar(tuple(CalendarDay(date=f"2026-02-{n:02d}", kind=DayKind.HOLIDAY) for n in range(1, 29)))
    with pytest.raises(ValueError, match="no working day"):
        ring_plan(free, crew(1), "2026-02")
    assert isinstance(ring_plan(free, crew(1), "2026-03")[0], PlannedRing)
