"""Cells: what a spreadsheet may hold comes back as it went, and nothing else gets in."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.adapters.tables.cells import TIME, BadCell, codec_for
from liandong.adapters.tables.layout import TABLES
from liandong.core.values.lists import Mode
from liandong.core.values.times import EARLIEST, LATEST

ZONE = timezone(timedelta(hours=8))
WORDS = st.text(st.characters(exclude_characters=";=；＝", exclude_categories=("C", "Z")), min_size=1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_to_the_last_bit(value: float) -> None:
    codec = codec_for(float)
    assert codec.parse(codec.render(value, ZONE)) == value


@given(st.integers(EARLIEST, LATEST))
def test_a_time_comes_back_to_the_microsecond(at: int) -> None:
    assert TIME.parse(TIME.render(at, ZONE)) == at


@given(st.lists(WORDS, min_size=1).map(tuple))
def test_a_list_comes_back(items: tuple[str, ...]) -> None:
    codec = codec_for(tuple[str, ...])
    assert codec.parse(codec.render(items, ZONE)) == items


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1).map(tuple))
def test_pairs_come_back(items: tuple[tuple[str, str], ...]) -> None:
    codec = codec_for(tuple[tuple[str, str], ...])
    assert codec.parse(codec.render(items, ZONE)) == items


CODES = st.lists(
    st.tuples(st.integers(-999_999_999, 999_999_999), WORDS, st.just("") | WORDS), min_size=1
).map(tuple)


@given(CODES.filter(lambda codes: "|" not in "".join(zh + en for _, zh, en in codes)))
def test_codes_come_back(codes: tuple[tuple[int, str, str], ...]) -> None:
    codec = codec_for(tuple[tuple[int, str, str], ...])
    assert codec.parse(codec.render(codes, ZONE)) == codes


def test_a_chinese_keyboard_is_understood() -> None:
    assert codec_for(tuple[str, ...]).parse("a；b") == ("a", "b")
    assert codec_for(tuple[tuple[str, str], ...]).parse("深度＝3 m；入口=北门") == (
        ("深度", "3 m"), ("入口", "北门"),
    )  # fmt: skip
    column = TABLES["sources"].columns["lateness_s"]
    assert column.parse("１２．５") == 12.5
    assert TABLES["units"].columns["key"].parse("unit：gas") == "unit:gas"
    assert TABLES["units"].columns["name_zh"].parse("Ａ栋（东）") == "Ａ栋（东）", "words stay as they are"


@pytest.mark.parametrize(
    ("kind", "text", "remedy"),
    [
        (float, "12,5", "city.remedy.number"),
        (float, "nan", "city.remedy.number"),
        (float, "1_000", "city.remedy.number"),
        (int, "-1", "city.remedy.whole_number"),
        (int, "1.0", "city.remedy.whole_number"),
        (int, "²", "city.remedy.whole_number"),
        (int, "4294967296", "city.remedy.whole_number"),
        (bool, "maybe", "city.remedy.yes_no"),
        (Mode, "Real", "city.remedy.one_of"),
        (tuple[str, ...], "a;;b", "city.remedy.list"),
        (tuple[tuple[str, str], ...], "gis", "city.remedy.pairs"),
        (tuple[Mode, ...], "real;rael", "city.remedy.one_of"),
        (tuple[tuple[int, str, str], ...], "a=关", "city.remedy.codes"),
        (tuple[tuple[int, str, str], ...], "0=", "city.remedy.codes"),
    ],
)
def test_a_cell_that_cannot_be_read_says_what_to_write(kind: object, text: str, remedy: str) -> None:
    with pytest.raises(BadCell) as caught:
        codec_for(kind).parse(text)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    "text", ["2026-05-01", "2026-05-01T08:00:00", "8 o'clock", "0001-01-01T00:00:00+23:59"]
)
def test_a_time_needs_its_offset(text: str) -> None:
    try:
        TIME.parse(text)
    except BadCell as error:
        assert error.remedy == "city.remedy.time"
    else:
        # A moment in the year 1 is absurd but readable; it must not crash.
        assert text.startswith("0001")


@pytest.mark.parametrize(("text", "value"), [("是", True), ("NO", False), ("1", True), ("False", False)])
def test_yes_and_no_are_understood_as_people_write_them(text: str, value: bool) -> None:
    assert codec_for(bool).parse(text) is value
