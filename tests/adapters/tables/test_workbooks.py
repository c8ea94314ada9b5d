"""Excel: what a workbook holds is read as the same city, and Excel's own ways are refused where they lie."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from liandong.adapters.tables import CityErrors, check_city, read_city, write_city, write_workbook
from liandong.adapters.tables.headers import COLUMN_ZH, TABLE_ZH
from liandong.adapters.tables.layout import TABLES
from liandong.core.values.errors import LiandongError
from liandong.core.values.times import parse_time
from liandong.texts import sentences
from tests.adapters.tables.folders import DEMO

replace = msgspec.structs.replace


@pytest.fixture
def book(tmp_path: Path) -> Path:
    write_workbook(tmp_path / "city.xlsx", DEMO)
    return tmp_path / "city.xlsx"


def spoil(path: Path, change: Any) -> None:
    made = load_workbook(path)
    change(made)
    made.save(path)


def put(path: Path, sheet: str, header: str, row: int, value: Any) -> None:
    def change(made: Any) -> None:
        page = made[sheet]
        place = [cell.value for cell in page[1]].index(header) + 1
        page.cell(row=row, column=place).value = value

    spoil(path, change)


def found(path: Path) -> list[tuple[Any, ...]]:
    errors = check_city(path)
    assert all(e.key in sentences(language) for e in errors for language in ("zh", "en"))
    return [(e.key, *(e.params.get(p) for p in ("file", "row", "column"))) for e in errors]


# The same city


def test_a_workbook_comes_back_as_the_same_city(book: Path) -> None:
    assert read_city(book) == DEMO
    assert check_city(book.parent) == [], "a folder may hold a workbook"


def test_a_workbook_explains_every_column_and_no_word_is_a_formula(tmp_path: Path) -> None:
    unit = replace(DEMO.city.units[0], name_zh="=1+1", name_en="-5")
    data = replace(DEMO, city=replace(DEMO.city, units=(unit, *DEMO.city.units[1:])))
    write_workbook(tmp_path / "a.xlsx", data)
    assert read_city(tmp_path / "a.xlsx") == data
    notes = load_workbook(tmp_path / "a.xlsx")["说明"]
    assert notes.max_row == 1 + sum(len(table.columns) for table in TABLES.values())
    rows = {(row[1], row[3]): row[5] for row in notes.iter_rows(min_row=2, values_only=True)}
    assert all(rows.values()) and "department" in rows["units", "kind"]


def test_csv_and_a_workbook_may_share_the_tables(tmp_path: Path) -> None:
    write_city(tmp_path, DEMO)
    made = Workbook()
    page = made.active
    page.title = "随便"
    for row in (tmp_path / "units.csv").read_text(encoding="utf-8-sig").splitlines():
        page.append(row.split(","))
    (tmp_path / "units.csv").unlink()
    made.save(tmp_path / "units.xlsx")
    assert read_city(tmp_path) == DEMO


def test_one_table_in_two_places_is_an_error_and_not_a_choice(book: Path) -> None:
    (book.parent / "packs.csv").write_text("pack,maturity\ngas,live\n")
    (book.parent / "packs.xlsx").write_bytes(book.read_bytes())
    keys = [(e.key, e.params["other"]) for e in check_city(book.parent) if e.key == "city.table_twice"]
    assert ("city.table_twice", "city.xlsx[单位]") in keys


def test_every_table_and_column_has_a_chinese_name_of_its_own() -> None:
    assert set(TABLE_ZH) == set(TABLES)
    for table in TABLES.values():
        names = [column.zh for column in table.columns.values()]
        assert len(set(names)) == len(names), table.name
        assert not [c.name for c in table.columns.values() if c.zh == c.name], table.name
    columns = {c for table in TABLES.values() for c in table.columns}
    places = {f"{t.name}.{c}" for t in TABLES.values() for c in t.columns}
    assert set(COLUMN_ZH) <= columns | places, "a header for a column that is gone"


# Excel's ways


def test_a_date_is_a_moment_on_the_citys_clock(book: Path) -> None:
    put(book, "任职", "起始时间", 2, datetime(2026, 5, 1, 8, 0))
    assert read_city(book).city.holdings[0].since == parse_time("2026-05-01T08:00:00+08:00")


def test_numbers_are_text_where_text_is_asked_and_whole_ones_stay_whole(book: Path) -> None:
    put(book, "传感器", "型号", 2, 12.0)
    put(book, "数据源", "迟到秒数", 2, 90.0)
    city = read_city(book).city
    assert city.sensors[0].model == "12" and city.sources[0].lateness_s == 90.0


@pytest.mark.parametrize(
    ("sheet", "header", "value", "remedy"),
    [
        ("区域", "行政区划代码", 440604, "city.remedy.as_text"),
        ("人员", "电话", 7570001234.0, "city.remedy.as_text"),
        ("传感器", "型号", datetime(2026, 1, 2), "city.remedy.not_a_date"),
        ("数据源", "迟到秒数", datetime(2026, 1, 2), "city.remedy.not_a_date"),
        ("单位", "名称", "#REF!", "city.remedy.formula_failed"),
        ("任职", "起始时间", 45000, "city.remedy.time"),
        ("规则", "高于", 2, "city.remedy.yes_no"),
    ],
)
def test_what_excel_made_of_a_cell_is_refused_with_what_to_do(
    book: Path, sheet: str, header: str, value: Any, remedy: str
) -> None:
    put(book, sheet, header, 2, value)
    (error,) = check_city(book)
    assert (error.key, error.params["file"], error.params["row"]) == (
        "city.bad_value",
        f"city.xlsx[{sheet}]",
        2,
    )
    assert error.params["remedy"] == remedy and remedy in sentences("zh")
    assert sheet != "人员" or error.params["value"] == "", "a telephone number is in no log"


def test_full_width_signs_and_empty_rows_at_the_end_do_no_harm(book: Path) -> None:
    put(book, "规则", "报警值", 2, "１．５")
    put(book, "规则", "解除值", 2, "１")
    put(book, "规则", "高于", 2, " 是 ")
    spoil(book, lambda made: [made["单位"].append([None, " ", ""]) for _ in range(50)])
    spoil(book, lambda made: made["单位"].cell(row=1, column=40).__setattr__("value", " "))
    assert read_city(book).rules[0].raise_at == 1.5


def test_merged_hidden_unknown_and_uncomputed_are_named(book: Path) -> None:
    def change(made: Any) -> None:
        made["单位"].merge_cells("B3:B4")
        made["岗位"]["C2"] = '="值班"&"岗"'
        made.create_sheet("草稿").append(["a"])
        made.create_sheet("Sheet1")
        made.create_sheet("领域包").append(["pack"])
        made["领域包"].sheet_state = "hidden"

    spoil(book, change)
    keys = {(e.key, e.params["file"], e.params.get("cells")) for e in check_city(book)}
    assert keys >= {
        ("city.merged_cells", "city.xlsx[单位]", "B3:B4"),
        ("city.formula_empty", "city.xlsx[岗位]", "C2"),
        ("city.unknown_sheet", "city.xlsx[草稿]", None),
        ("city.hidden_sheet", "city.xlsx[领域包]", None),
    }
    with pytest.raises(CityErrors):
        read_city(book)


def test_an_error_between_tables_names_sheet_and_row(book: Path) -> None:
    put(book, "岗位", "所属单位", 5, "unit:nobody")
    (error,) = check_city(book)
    assert (error.params["file"], error.params["row"]) == ("city.xlsx[岗位]", 5)
    assert error.params["table"] == "city.xlsx[单位]"


def test_a_lock_file_of_excel_is_no_table(book: Path) -> None:
    (book.parent / "~$city.xlsx").write_bytes(b"\x00" * 165)
    assert check_city(book.parent) == []


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_refused_and_never_more(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("x")
    raw = bytearray(_small())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    (folder / "city.xlsx").write_bytes(bytes(raw[: cut or None]))
    try:
        assert all(isinstance(error, LiandongError) for error in check_city(folder / "city.xlsx"))
    except Exception as error:
        raise AssertionError(type(error)) from error


_MADE: list[bytes] = []


def _small() -> bytes:
    if not _MADE:
        import io

        made = Workbook()
        page = made.active
        page.title = "城市"
        page.append(["编号", "时区"])
        page.append(["demo", "Asia/Shanghai"])
        out = io.BytesIO()
        made.save(out)
        _MADE.append(out.getvalue())
    return _MADE[0]
