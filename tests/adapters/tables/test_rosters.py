"""Rows of rosters and of the calendar: there and back, Chinese headers, Excel dates, planted errors."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
from openpyxl import Workbook

from liandong.adapters.tables import check_city, read_city, write_city, write_workbook
from liandong.core.values.calendar import CalendarDay, Season
from liandong.core.values.city import CityIndex
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import DayKind, Watch
from liandong.core.values.roster import Leave, Swap, Wake
from liandong.core.values.times import HOUR, parse_time
from tests.adapters.tables.folders import DEMO, START, change, found, put, table

CENTRE = "post:centre.duty"
FIRST, NEXT = sorted((d for d in DEMO.city.duties if d.post == CENTRE), key=lambda duty: duty.start)[:2]
LEADER = next(post.key for post in DEMO.city.posts if post.leader)


def whole() -> CityFolder:
    """The town with one row of each kind, and a second watch beside the first."""
    other = DEMO.city.duties[-1].person
    second = msgspec.structs.replace(FIRST, person=other, deputy="", watch=Watch.SECOND)
    swap = Swap(
        post=CENTRE, start=NEXT.start, giver=NEXT.person, taker=FIRST.person, proposed_by=NEXT.person,
        agreed_by=FIRST.person, at=START,
    )  # fmt: skip
    city = msgspec.structs.replace(
        DEMO.city,
        duties=(*DEMO.city.duties, second),
        swaps=(swap,),
        leaves=(Leave(person=FIRST.person, start=FIRST.start, end=FIRST.start + HOUR),),
        wakes=(Wake(post=CENTRE, level="II", whom=LEADER),),
        days=(CalendarDay(date="2026-02-16", kind=DayKind.HOLIDAY, name_zh="春节"),),
        seasons=(Season(key="flood", title_zh="汛期", start="04-15", end="10-15"),),
    )
    return msgspec.structs.replace(DEMO, city=city)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_city(tmp_path / "town", whole())
    return tmp_path / "town"


def test_every_row_comes_back_from_csv_and_from_excel(folder: Path, tmp_path: Path) -> None:
    made = whole()
    assert read_city(folder) == made
    write_workbook(tmp_path / "town.xlsx", made)
    assert read_city(tmp_path / "town.xlsx") == made


def test_swaps_leaves_and_watches_say_who_answers(folder: Path) -> None:
    index = CityIndex(read_city(folder).city)
    assert index.on_duty(CENTRE, NEXT.start).person == FIRST.person
    away = index.on_duty(CENTRE, FIRST.start)
    assert away is not None and (away.person, away.deputy) == (FIRST.deputy, ""), "the deputy stands in"
    assert index.on_duty(CENTRE, FIRST.start + HOUR).person == FIRST.person
    assert index.wakes(CENTRE, "I") == (LEADER,) and index.wakes(CENTRE, "III") == ()
    assert index.calendar.kind("2026-02-16") == DayKind.HOLIDAY
    assert index.calendar.shown(START) == "2026-05-01 00:00"


def test_a_folder_without_these_tables_is_still_whole(folder: Path) -> None:
    for name in ("swaps", "leaves", "wakes", "days", "seasons"):
        (folder / f"{name}.csv").unlink()
    rows = table(folder, "duties")
    put(folder, "duties", [row[:5] for row in rows if row[-1] != "second"])
    assert check_city(folder) == [] and read_city(folder) == DEMO


@pytest.mark.parametrize(
    ("name", "column", "value", "key"),
    [
        ("days", "date", "2026-02-30", "city.bad_value"),
        ("days", "kind", "halfday", "city.bad_value"),
        ("seasons", "start", "4月31日", "city.bad_value"),
        ("seasons", "end", "2026-10-15", "city.bad_value"),
        ("leaves", "end", "1999-01-01T00:00:00Z", "city.period"),
        ("leaves", "person", "person:nobody", "city.unknown_reference"),
        ("wakes", "level", "V", "city.bad_value"),
        ("wakes", "whom", "post:none", "city.unknown_reference"),
        ("swaps", "start", "2026-05-01T08:00:01+08:00", "city.swap_idle"),
        ("swaps", "taker", "person:nobody", "city.unknown_reference"),
        ("swaps", "agreed_by", NEXT.person, "city.swap_unsigned"),
        ("swaps", "watch", "third", "city.bad_value"),
    ],
)
def test_a_planted_error_is_found_where_it_is(
    folder: Path, name: str, column: str, value: str, key: str
) -> None:
    change(folder, name, 2, column, value)
    assert (key, f"{name}.csv", 2) in {one[:3] for one in found(folder)}


def test_two_on_one_watch_are_refused_and_two_watches_are_not(folder: Path) -> None:
    assert check_city(folder) == []
    rows = table(folder, "duties")
    change(folder, "duties", len(rows), "watch", "main")
    [error] = found(folder)
    assert error[0] == "city.duties_overlap"


def test_the_same_day_twice_is_refused(folder: Path) -> None:
    rows = table(folder, "days")
    put(folder, "days", [*rows, rows[-1]])
    assert [one[0] for one in found(folder)] == ["city.duplicate_key"]


def test_days_and_seasons_may_be_dates_of_excel_under_chinese_headers(folder: Path) -> None:
    for name in ("days", "seasons"):
        (folder / f"{name}.csv").unlink()
    book = Workbook()
    days = book.active
    days.title = "节假日"
    for row in (
        ["日期", "日期类别", "节日"],
        [date(2026, 2, 16), "holiday", "春节"],
        ["2026年2月28日", "workday"],
    ):
        days.append(row)
    seasons = book.create_sheet("时段")
    for row in (["编号", "标题", "起始日", "截止日"], ["flood", "汛期", datetime(2026, 4, 15), "10月15日"]):
        seasons.append(row)
    book.save(folder / "calendar.xlsx")
    city = read_city(folder).city
    assert [(day.date, day.kind) for day in city.days] == [
        ("2026-02-16", DayKind.HOLIDAY), ("2026-02-28", DayKind.WORKDAY)
    ]  # fmt: skip
    assert [(season.start, season.end) for season in city.seasons] == [("04-15", "10-15")]


def test_a_city_elsewhere_has_the_offsets_of_its_zone(folder: Path) -> None:
    change(folder, "city", 2, "zone", "Europe/Berlin")
    city = read_city(folder).city
    assert len(city.offsets) > 100
    assert CityIndex(city).calendar.shown(parse_time("2026-07-01T10:00:00Z")) == "2026-07-01 12:00"
    assert CityIndex(city).calendar.shown(parse_time("2026-12-01T10:00:00Z")) == "2026-12-01 11:00"
