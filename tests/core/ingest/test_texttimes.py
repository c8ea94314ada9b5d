"""Times by column say the same as times one by one, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.ingest.texttimes import parse_times
from liandong.core.values.times import parse_time

BASE = "2026-05-01T08:00:00.25+08:00"
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
zones = st.sampled_from(["Z", "+00:00", "+08:00", "-05:30", "+23:59"])


@given(st.lists(moments, min_size=1, max_size=6), zones, st.sampled_from(["seconds", "milliseconds", "auto"]))
def test_what_is_read_is_read_alike(found, zone, spec):
    texts = [m.isoformat(timespec=spec) + zone for m in found]
    got = parse_times(texts)
    if got is None:
        assert len({len(text) for text in texts}) > 1 or spec == "auto"
        return
    for text, at in zip(texts, got.tolist(), strict=True):
        exact = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
        assert at == (exact.days * 86_400 + exact.seconds) * 1_000_000 + exact.microseconds


@given(st.text(alphabet="0123456789-:T.Z+ /;é", min_size=20, max_size=32), st.booleans())
def test_anything_is_read_as_one_by_one_or_left(text, pair):
    got = parse_times([BASE, text] if pair else [text])
    if got is not None:
        assert got[-1] == parse_time(text)


@given(st.integers(0, len(BASE) - 1), st.characters(codec="ascii"))
def test_one_changed_character(place, character):
    text = BASE[:place] + character + BASE[place + 1 :]
    for texts in ([text], [BASE, text], [text, BASE]):
        got = parse_times(texts)
        if got is not None:
            assert got.tolist() == [parse_time(one) for one in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-02-29T00:00:00Z"],
        ["2026-04-31T00:00:00Z"],
        ["2026-13-01T00:00:00Z"],
        ["2026-00-01T00:00:00Z"],
        ["2026-01-01T24:00:00Z"],
        ["2026-01-01T00:60:00Z"],
        ["2026-01-01T00:00:60Z"],
        ["0000-01-01T00:00:00Z"],
        ["2026-01-01T00:00:00+24:00"],
        ["2026-01-01T00:00:00+08:60"],
        ["2026-01-01T00:00:00"],
        [""],
        ["2026-01-01T00:00:00Z" + "2026", "-01-01T00:00:00Z"],
        ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+"],
        ["２026-01-01T00:00:00Z"],
        ["2026-01-01T00:00:00.1234567Z"],
    ],
)
def test_what_is_left_to_the_careful_reader(texts):
    assert parse_times(texts) is None


def test_none_at_all():
    got = parse_times([])
    assert got is not None and len(got) == 0
    assert parse_times(["2024-02-29T00:00:00Z"]) is not None
