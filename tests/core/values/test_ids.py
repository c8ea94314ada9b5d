"""Ids: the same tuple gives the same id, any other tuple another one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values import ids
from liandong.core.values.ids import make_id
from liandong.core.values.lists import Mode

part = st.one_of(st.text(max_size=8), st.integers(-(2**62), 2**62))
tuples = st.tuples(
    st.sampled_from(["ord", "case", "fnd"]),
    st.text(max_size=5),
    st.sampled_from(Mode),
    st.lists(part, max_size=4),
)


@given(tuples, tuples)
def test_two_ids_are_equal_exactly_where_their_tuples_are(left, right):
    made = [make_id(kind, city, mode, *parts) for kind, city, mode, parts in (left, right)]
    assert (made[0] == made[1]) == (
        left == right and [type(p) for p in left[3]] == [type(p) for p in right[3]]
    )
    assert re.fullmatch(r"(ord|case|fnd)_[a-z2-7]{26}", made[0])


@pytest.mark.parametrize("bad", [1.0, None, True, b"x", ("a",), ["a"]])
def test_what_is_no_identity_is_refused(bad):
    with pytest.raises(TypeError):
        make_id("ord", "demo", Mode.REAL, "a", bad)


CASES = (
    (ids.finding_id, ("rule", "channel", "group", 7)),
    (ids.case_id, ("gas|asset", 1)),
    (ids.order_id, ("case", "judge", "post/person", 1)),
    (ids.attempt_id, ("order", "person", "file", 1)),
    (ids.timer_id, ("case", "clause", "due", 1)),
    (ids.act_id, ("person", "case", "key")),
)


@pytest.mark.parametrize(("make", "parts"), CASES)
def test_every_part_counts_and_so_do_city_and_mode(make, parts):
    """A drill can never be taken for the real thing."""
    made = {make(city, mode, *parts) for city in ("demo", "other") for mode in Mode}
    made |= {
        make("demo", Mode.REAL, *parts[:at], part + (1 if isinstance(part, int) else "x"), *parts[at + 1 :])
        for at, part in enumerate(parts)
    }
    assert len(made) == 2 * len(Mode) + len(parts)
    assert make("demo", Mode.REAL, *parts) in made


def test_parts_do_not_run_into_each_other():
    assert make_id("a", "c", Mode.REAL, "xy", "z") != make_id("a", "c", Mode.REAL, "x", "yz")
    assert make_id("a", "c", Mode.REAL, "1") != make_id("a", "c", Mode.REAL, 1)


def test_ids_never_change():
    """Stored data hangs on them."""
    assert ids.case_id("demo", Mode.REAL, "gas_leak|asset:a", 1) == GOLDEN


GOLDEN = "case_jm2mrqpkifcbrclrvl4l3jtjza"
