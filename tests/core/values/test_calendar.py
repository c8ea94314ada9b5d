"""The calendar: working days with 调休, seasons over the year's end, local clocks from data."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.adapters._io.localtime import offsets_of
from liandong.core.values.calendar import Calendar, CalendarDay, Season
from liandong.core.values.lists import DayKind
from liandong.core.values.times import DAY, HOUR, MINUTE, parse_time, to_datetime, to_micros

HOLIDAYS = tuple(
    CalendarDay(date=f"2026-02-{day:02d}", kind=DayKind.HOLIDAY, name_zh="春节") for day in range(15, 24)
) + tuple(CalendarDay(date=day, kind=DayKind.WORKDAY, name_zh="春节") for day in ("2026-02-14", "2026-02-28"))
FLOOD = Season(key="flood", title_zh="汛期", start="04-15", end="10-15")
FIRE = Season(key="fire", title_zh="森林防火期", start="10-01", end="04-30")
CHINA = Calendar(HOLIDAYS, (FLOOD, FIRE))
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo", "UTC")
CALENDARS = {zone: Calendar(offsets=offsets_of(ZoneInfo(zone))) for zone in ZONES}
_moments = st.integers(
    to_micros(datetime(2000, 1, 2, tzinfo=UTC)), to_micros(datetime(2099, 12, 30, tzinfo=UTC))
)


def china(text: str) -> int:
    return parse_time(f"{text}+08:00")


def test_a_moment_has_a_date_a_kind_of_day_seasons_and_a_minute() -> None:
    at = CHINA.at(china("2026-02-16T20:30:59"))
    assert (at.date, at.day, at.seasons, at.minute) == (
        "2026-02-16",
        DayKind.HOLIDAY,
        ("fire",),
        20 * 60 + 30,
    )
    assert CHINA.at(china("2026-02-14T00:00:00")).day == DayKind.WORKDAY, "a Saturday that is worked"
    assert CHINA.at(china("2026-02-13T23:59:59")).day == DayKind.WORKDAY
    assert CHINA.at(china("2026-03-07T12:00:00")).day == DayKind.RESTDAY
    assert CHINA.name("2026-02-28") == "春节" and CHINA.name("2026-03-02") == ""
    assert CHINA.covers("2026-07-01") and not CHINA.covers("2027-02-06")


@pytest.mark.parametrize(
    ("day", "seasons"),
    [
        ("2026-04-14", ("fire",)), ("2026-04-15", ("flood", "fire")), ("2026-04-30", ("flood", "fire")),
        ("2026-05-01", ("flood",)), ("2026-10-15", ("flood", "fire")), ("2026-10-16", ("fire",)),
        ("2026-12-31", ("fire",)), ("2027-01-01", ("fire",)),
    ],
)  # fmt: skip
def test_a_season_may_wrap_the_years_end_and_holds_both_its_ends(day: str, seasons: tuple[str, ...]) -> None:
    assert CHINA.at(CHINA.start_of(day)).seasons == seasons


def test_a_statutory_clock_runs_in_working_days_and_skips_the_holiday() -> None:
    friday = china("2026-02-13T17:00:00")
    assert CHINA.add_workdays(friday, 1) == china("2026-02-15T00:00:00"), "Saturday the 14th is worked"
    assert CHINA.add_workdays(friday, 2) == china("2026-02-25T00:00:00")
    assert CHINA.workdays_between(friday, china("2026-02-24T09:00:00")) == 2
    assert CHINA.workdays_between(china("2026-02-15T09:00:00"), china("2026-02-23T23:59:59")) == 0
    assert CHINA.workdays_between(china("2026-03-02T09:00:00"), friday) == 0
    with pytest.raises(ValueError, match="0 working days"):
        CHINA.add_workdays(friday, 0)
    never = Calendar(
        tuple(
            CalendarDay(date=(date(2026, 1, 1) + timedelta(days=n)).isoformat(), kind=DayKind.RESTDAY)
            for n in range(1000)
        )
    )
    with pytest.raises(ValueError, match="two years"):
        never.add_workdays(china("2026-01-01T00:00:00"), 1)


@given(_moments.filter(lambda at: at < to_micros(datetime(2030, 1, 1, tzinfo=UTC))), st.integers(1, 60))
def test_adding_and_counting_working_days_agree(at: int, count: int) -> None:
    end = CHINA.add_workdays(at, count)
    assert CHINA.workdays_between(at, end - 1) == count
    assert CHINA.workdays_between(at, end - DAY - 1) == count - 1
    assert CHINA.at(end).minute == 0 and CHINA.at(end - 1).day == DayKind.WORKDAY


@pytest.mark.parametrize("zone", ZONES)
@given(at=_moments)
def test_a_local_moment_is_what_the_zone_table_says(zone: str, at: int) -> None:
    calendar = CALENDARS[zone]
    shown = to_datetime(at).astimezone(ZoneInfo(zone))
    found = calendar.at(at)
    assert (found.date, found.minute) == (f"{shown:%Y-%m-%d}", shown.hour * 60 + shown.minute)
    begin = calendar.start_of(found.date)
    assert begin <= at < calendar.next_day(at)
    assert calendar.at(begin).date == found.date and calendar.at(begin - 1).date < found.date
    assert calendar.at(calendar.next_day(at)).date > found.date


def test_a_day_that_begins_at_one_o_clock_begins_when_the_clock_was_put() -> None:
    # São Paulo put its clocks forward at midnight of 4 November 2018.
    calendar = Calendar(offsets=offsets_of(ZoneInfo("America/Sao_Paulo")))
    begin = calendar.start_of("2018-11-04")
    assert begin == parse_time("2018-11-04T03:00:00Z") and calendar.at(begin).minute == 60


def test_offsets_are_china_without_a_change_and_berlin_with_two_a_year() -> None:
    assert offsets_of(ZoneInfo("Asia/Shanghai")) == ((0, 28_800),)
    berlin = offsets_of(ZoneInfo("Europe/Berlin"))
    assert (parse_time("2026-03-29T01:00:00Z"), 7_200) in berlin
    assert (parse_time("2026-10-25T01:00:00Z"), 3_600) in berlin


@pytest.mark.parametrize("day", ["2026-02-30", "2026-2-3", "20260203", "", "26-02-03"])
def test_a_date_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        CalendarDay(date=day, kind=DayKind.HOLIDAY)


@pytest.mark.parametrize("end", ["02-30", "2-3", "13-01", ""])
def test_a_season_that_ends_on_no_day_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Season(key="s", title_zh="s", start="01-01", end=end)
    assert Season(key="s", title_zh="s", start="02-29", end="02-29").holds("2028-02-29")


def test_a_minute_is_of_the_day() -> None:
    begin = CHINA.start_of("2026-06-01")
    assert [CHINA.at(begin + shift).minute for shift in (0, MINUTE - 1, MINUTE, 23 * HOUR)] == [0, 0, 1, 1380]
