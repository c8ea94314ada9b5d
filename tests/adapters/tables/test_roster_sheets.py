"""Rosters as people write them in Excel: out and back without loss, and every wrong cell named."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from liandong.adapters.tables.roster_export import export_rosters
from liandong.adapters.tables.roster_sheets import import_rosters, merged
from liandong.adapters.tables.roster_words import RosterErrors
from liandong.core.values.city import City, Post, Unit
from liandong.core.values.dataset import CityFolder, PersonRecord
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import LiandongError
from liandong.core.values.lists import UnitKind, Watch
from liandong.core.values.roster import Duty, Holding
from liandong.core.values.times import DAY, MINUTE, SECOND, parse_time

DUTY, LEADER = "post:gas.duty", "post:gas.leader"
START = parse_time("2026-12-01T00:00:00+08:00")
PEOPLE = {"a": "张三", "b": "李四", "c": "张三", "d": "王/五", "e": "赵六"}
CITY = City(
    key="town",
    units=(
        Unit(key="unit:gas", name_zh="燃气公司", kind=UnitKind.FIRM),
        Unit(key="unit:water", name_zh="水务局", kind=UnitKind.DEPARTMENT),
    ),
    posts=(
        Post(key=DUTY, unit="unit:gas", title_zh="值班岗", duty=True),
        Post(key=LEADER, unit="unit:gas", title_zh="带班领导", leader=True),
        Post(key="post:water.duty", unit="unit:water", title_zh="值班岗", duty=True),
        Post(key="post:water.other", unit="unit:water", title_zh="值班岗"),
    ),
    # Of the two called 张三 one is of the gas company, so there the name is enough.
    holdings=(Holding(post=DUTY, person="person:a"), Holding(post="post:water.duty", person="person:c")),
)
FOLDER = CityFolder(
    city=CITY,
    mechanism=Mechanism(key="m"),
    persons=tuple(PersonRecord(key=f"person:{key}", name=name) for key, name in PEOPLE.items()),
)


def with_duties(*duties: Duty) -> CityFolder:
    return msgspec.structs.replace(FOLDER, city=msgspec.structs.replace(CITY, duties=duties))


def sheet(path: Path, *rows: list[Any], title: str = "燃气公司") -> Path:
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def said(error: RosterErrors) -> list[tuple[str, Any]]:
    return [(one.key, one.params.get("cell")) for one in error.errors]


@st.composite
def rosters(draw: st.DrawFn) -> tuple[Duty, ...]:
    duties: list[Duty] = []
    people = st.sampled_from([f"person:{key}" for key in PEOPLE])
    for _ in range(draw(st.integers(1, 12))):
        start = START + draw(st.integers(0, 60 * 24 * 45)) * MINUTE
        end = start + draw(st.sampled_from([1, 60, 480, 720, 1439, 1440, 1441, 2880, 5000])) * MINUTE
        post = draw(st.sampled_from([post.key for post in CITY.posts]))
        watch = draw(st.sampled_from(list(Watch)))
        same = [d for d in duties if (d.post, d.watch) == (post, watch)]
        if not any(d.start < end and start < d.end for d in same):
            deputy = draw(st.one_of(st.just(""), people))
            duties.append(
                Duty(post=post, start=start, end=end, person=draw(people), deputy=deputy, watch=watch)
            )
    return tuple(duties)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rosters(), st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]))
def test_what_is_exported_comes_back_as_the_very_same_duties(
    tmp_path: Path, duties: tuple[Duty, ...], zone: str
) -> None:
    folder = with_duties(*duties)
    folder = msgspec.structs.replace(folder, city=msgspec.structs.replace(folder.city, zone=zone))
    path = tmp_path / "roster.xlsx"
    assert export_rosters(path, folder) == len(duties)
    made = import_rosters(path, folder)
    assert sorted(made.duties, key=repr) == sorted(duties, key=repr)
    assert set(merged(folder.city, made)) == set(duties), "taking it in again changes nothing"


def test_a_month_sheet_as_people_write_it_is_read(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "12月.xlsx",
        ["燃气公司2026年12月值班表"],
        ["日期", "星期", "主班", "副班", "带班领导", "备注"],
        ["时间", None, "8:00—20:00", "20：00-次日08：00"],
        [date(2026, 12, 1), "二", "张三/李四", "李四", "赵六", "冬季保供"],
        ["2026年12月2日", "三", "person:c ／ 李四", None, "赵六"],
    )
    made = import_rosters(path, FOLDER)
    assert made.duties == [
        Duty(
            post=DUTY, start=START + 480 * MINUTE, end=START + 1200 * MINUTE, person="person:a",
            deputy="person:b",
        ),
        Duty(
            post=DUTY, start=START + 1200 * MINUTE, end=START + DAY + 480 * MINUTE, person="person:b",
            watch=Watch.SECOND,
        ),
        Duty(post=LEADER, start=START + 480 * MINUTE, end=START + DAY + 480 * MINUTE, person="person:e"),
        Duty(
            post=DUTY, start=START + DAY + 480 * MINUTE, end=START + DAY + 1200 * MINUTE, person="person:c",
            deputy="person:b",
        ),
        Duty(
            post=LEADER, start=START + DAY + 480 * MINUTE, end=START + 2 * DAY + 480 * MINUTE,
            person="person:e",
        ),
    ]  # fmt: skip


def test_an_empty_cell_takes_a_duty_away_and_other_days_and_watches_stay(tmp_path: Path) -> None:
    def day(number: int, person: str, watch: Watch = Watch.MAIN) -> Duty:
        begin = START + number * DAY
        return Duty(post=DUTY, start=begin, end=begin + DAY, person=person, watch=watch)

    before = (day(0, "person:a"), day(1, "person:a"), day(2, "person:a"), day(0, "person:b", Watch.SECOND))
    folder = with_duties(*before)
    path = sheet(
        tmp_path / "r.xlsx", ["日期", "值班岗"], ["时间", "00:00-24:00"], ["2026-12-01", None],
        ["2026-12-02", "李四"],
    )  # fmt: skip
    after = merged(folder.city, import_rosters(path, folder))
    assert set(after) == {day(1, "person:b"), day(2, "person:a"), day(0, "person:b", Watch.SECOND)}


@pytest.mark.parametrize(
    ("rows", "key", "cell"),
    [
        ([["日期", "值班岗"], ["2026-12-01", "孙七"]], "roster.sheet_unknown_person", "B2"),
        ([["日期", "值班岗"], ["2026-12-01", "李四/"]], "roster.sheet_unknown_person", "B2"),
        ([["日期", "值班岗"], ["2026-12-01", "/李四"]], "roster.sheet_unknown_person", "B2"),
        ([["日期", "巡线岗"], ["2026-12-01", "李四"]], "roster.sheet_bad_post", "B"),
        ([["日期", "值班岗"], ["班次", "夜班"], ["2026-12-01", "李四"]], "roster.sheet_bad_watch", "B"),
        ([["日期", "值班岗"], ["时间", "八点到八点"], ["2026-12-01", "李四"]], "roster.sheet_bad_hours", "B"),
        ([["日期", "值班岗"], ["时间", "25:00-26:00"]], "roster.sheet_bad_hours", "B"),
        ([["日期", "值班岗", "值班岗"], ["2026-12-01", "李四"]], "roster.sheet_column_twice", "C"),
        ([["日期", "值班岗"], ["12月1日", "李四"]], "roster.sheet_no_date", "A2"),
        ([["日期", "值班岗"], [date(9999, 12, 31), "李四"]], "roster.sheet_no_date", "A2"),
        ([["2026-12-01", "李四"]], "roster.sheet_no_posts", "A1"),
        ([["单位", "水电局"], ["日期", "值班岗"]], "roster.sheet_no_unit", "A1"),
        ([["单位", "水务局"], ["日期", "值班岗"], ["2026-12-01", "李四"]], "roster.sheet_bad_post", "B"),
        ([["日期", "值班岗"]], "roster.nothing_to_import", None),
    ],
)  # fmt: skip
def test_every_wrong_cell_is_named_and_no_name_is_repeated(
    tmp_path: Path, rows: list[list[Any]], key: str, cell: str | None
) -> None:
    with pytest.raises(RosterErrors) as raised:
        import_rosters(sheet(tmp_path / "r.xlsx", *rows), FOLDER)
    assert (key, cell) in said(raised.value)
    assert not any(
        name in str(one.params) for one in raised.value.errors for name in (*PEOPLE.values(), "孙七")
    )


def test_two_on_one_watch_are_refused_within_a_sheet_and_against_what_stays(tmp_path: Path) -> None:
    twice = sheet(
        tmp_path / "a.xlsx", ["岗位", "值班岗", "值班岗"], ["时间", "08:00-20:00", "19:00-23:00"],
        ["2026-12-01", "张三", "李四"],
    )  # fmt: skip
    with pytest.raises(RosterErrors) as raised:
        import_rosters(twice, FOLDER)
    assert [one.key for one in raised.value.errors] == ["roster.sheet_overlap"]
    long = Duty(post=DUTY, start=START - 2 * DAY, end=START + DAY, person="person:a")
    folder = with_duties(long)
    made = import_rosters(sheet(tmp_path / "b.xlsx", ["日期", "值班岗"], ["2026-12-01", "李四"]), folder)
    with pytest.raises(RosterErrors):
        merged(folder.city, made)


def test_a_duty_that_no_month_sheet_can_show_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    odd = Duty(post=DUTY, start=START + SECOND, end=START + DAY, person="person:a")
    with pytest.raises(RosterErrors) as raised:
        export_rosters(path, with_duties(odd))
    assert [one.key for one in raised.value.errors] == ["roster.cannot_export"] and not path.exists()
    with pytest.raises(RosterErrors):
        export_rosters(path, FOLDER)


def test_a_sheet_says_titles_watches_hours_and_names(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    duty = Duty(
        post=DUTY, start=START + 1200 * MINUTE, end=START + DAY + 480 * MINUTE, person="person:a",
        deputy="person:d",
    )  # fmt: skip
    export_rosters(path, with_duties(duty))
    rows = [list(row) for row in load_workbook(path)["燃气公司"].iter_rows(values_only=True)]
    assert rows == [
        ["单位", "unit:gas", "燃气公司"], ["岗位", "星期", "值班岗"], ["班次", None, "主班"],
        ["时间", None, "20:00-08:00"], ["2026-12-01", "二", "张三/person:d"],
    ]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda tail: b"PK\x03\x04" + tail))
def test_whatever_bytes_a_file_holds_it_gives_duties_or_an_error_of_ours(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "r.xlsx"
    path.write_bytes(raw)
    with pytest.raises(LiandongError):
        import_rosters(path, FOLDER)


_cells = st.one_of(
    st.none(), st.text(max_size=8), st.integers(), st.dates(), st.booleans(), st.floats(allow_nan=False),
    st.sampled_from(["单位", "岗位", "班次", "时间", "日期", "值班岗", "主班", "张三", "2026-12-01"]),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(st.lists(st.lists(_cells, max_size=4), max_size=6))
def test_whatever_cells_a_sheet_holds_it_gives_duties_or_an_error_of_ours(
    tmp_path: Path, rows: list[list[Any]]
) -> None:
    book = Workbook()
    book.active.title = "燃气公司"
    try:
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / "r.xlsx")
    except Exception:  # what Excel itself cannot hold
        return
    with suppress(LiandongError):
        import_rosters(tmp_path / "r.xlsx", FOLDER)
