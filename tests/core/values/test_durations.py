"""Lengths of time: read as people write them, and written so that they are read as the same."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.durations import duration_words, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("70 min", 4200.0), ("70min", 4200.0), ("70 分钟", 4200.0), ("2 h", 7200.0), ("2小时", 7200.0),
        ("12 H", 43200.0), ("30 d", 2592000.0), ("30 天", 2592000.0), ("90 s", 90.0), ("1.5 h", 5400.0),
        ("4200", 4200.0), (" 600 ", 600.0), ("0", 0.0),
    ],
)  # fmt: skip
def test_what_people_write_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1 h", "1 h 30 min", "1,5 h", "1_000", "inf", "nan", "2 weeks", "h", "1e3", "٣ h", "2 hh"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (4200.0, "70 min", "70 分钟"), (3600.0, "1 h", "1 小时"), (86400.0, "24 h", "24 小时"),
        (172800.0, "2 d", "2 天"), (90.0, "90 s", "90 秒"), (0.5, "0.5 s", "0.5 秒"),
    ],
)  # fmt: skip
def test_it_is_written_in_the_largest_unit_that_divides_it(seconds: float, en: str, zh: str) -> None:
    assert duration_words(seconds) == en and duration_words(seconds, "zh") == zh


@given(st.one_of(st.integers(0, 10**9).map(float), st.integers(0, 10**6).map(lambda n: n / 1000)))
def test_what_is_written_is_read_as_the_same(seconds: float) -> None:
    for language in ("en", "zh"):
        assert parse_duration(duration_words(seconds, language)) == pytest.approx(seconds, rel=1e-9)


@given(st.text(max_size=20))
def test_any_text_gives_a_number_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0
