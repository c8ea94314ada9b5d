"""What may go and what must stay."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.retention import overdue, raw_upto, spans
from liandong.core.values.city import Retention
from liandong.core.values.lists import DataKind
from liandong.core.values.times import DAY

NOW = 1000 * DAY


@dataclass(frozen=True)
class Piece:
    kind: str
    last: int


def test_tracks_go_after_30_days_and_the_rest_stays_unless_a_row_says_so():
    old = [Piece(kind, NOW - 400 * DAY) for kind in ("readings", "positions", "waveforms")]
    assert [p.kind for p in overdue(old, spans([]), NOW)] == ["positions"]
    rows = [Retention(data=DataKind.READINGS, days=365), Retention(data=DataKind.POSITIONS, days=500)]
    assert [p.kind for p in overdue(old, spans(rows), NOW)] == ["readings"]


def test_the_newest_row_of_a_file_decides():
    kept = spans([Retention(data=DataKind.READINGS, days=1)])
    assert overdue([Piece("readings", NOW - DAY)], kept, NOW) == []
    assert overdue([Piece("readings", NOW - DAY - 1)], kept, NOW)


def test_a_class_kept_for_no_time_is_refused():
    with pytest.raises(ValueError):
        Retention(data=DataKind.RAW, days=0)


@given(
    st.lists(st.integers(0, 20), max_size=8),
    st.sets(st.integers(1, 8)),
    st.integers(0, 9),
    st.integers(1, 20),
)
def test_a_segment_goes_only_with_all_before_it_and_only_if_nobody_needs_it(ages, compacted, needed, days):
    arrivals = {n: NOW - age * DAY for n, age in enumerate(sorted(ages, reverse=True), start=1)}
    kept = spans([Retention(data=DataKind.RAW, days=days)])
    upto = raw_upto(arrivals, compacted, needed, kept, NOW)
    for number in range(1, upto + 1):
        assert number in compacted and number < needed and arrivals[number] < NOW - days * DAY
    following = upto + 1
    if following in arrivals:
        assert not (following in compacted and following < needed and arrivals[following] < NOW - days * DAY)


def test_without_a_row_no_raw_message_ever_goes():
    assert raw_upto({1: 0}, {1}, 9, spans([]), NOW) == 0
