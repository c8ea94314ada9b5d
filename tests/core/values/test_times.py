"""Moments: exact, aware, and the same after a journey through text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.errors import BadInput
from liandong.core.values.times import EARLIEST, LATEST, format_time, parse_time, to_datetime, to_micros

moments = st.integers(EARLIEST, LATEST)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments)
def test_rfc_3339_round_trip(at):
    text = format_time(at)
    assert parse_time(text) == at and text.endswith("Z")
    assert to_micros(to_datetime(at)) == at


@given(moments, offsets)
def test_an_offset_is_only_another_way_to_say_it(at, offset):
    local = to_datetime(at).astimezone(offset)
    assert to_micros(local) == at == parse_time(local.isoformat())


@given(st.datetimes())
def test_naive_times_are_refused(moment):
    for refused in (lambda: to_micros(moment), lambda: parse_time(moment.isoformat())):
        with pytest.raises(BadInput) as error:
            refused()
        assert error.value.key == "time.naive"


@given(st.text())
def test_any_text_is_a_moment_or_a_named_error(text):
    try:
        at = parse_time(text)
    except BadInput as error:
        assert error.key in ("time.unreadable", "time.naive")
    else:
        assert isinstance(at, int)


def test_ends_of_the_calendar():
    assert to_micros(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23)))) < 0
    assert to_micros(datetime(9999, 12, 31, tzinfo=UTC)) > LATEST
    assert parse_time("1970-01-01T08:00:00.000001+08:00") == 1
