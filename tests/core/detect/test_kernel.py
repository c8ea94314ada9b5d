"""The kernel against the slow reference, and the boundaries one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.detect import kernel
from liandong.core.detect.kernel import CLEAR, NEVER, RAISE
from liandong.core.values.lists import Quality
from liandong.core.values.rules import Rule
from tests.core.detect.world import VALUES, S, episodes, rule


def run_one(
    by: Rule, readings: list[tuple[float, float]], quality: list[int] | None = None, room: int = 1024
):
    """Transitions as (kind, row, onset, raised, ended, peak) in seconds, and the slot afterwards."""
    slots = kernel.make_slots([by])
    found = kernel.run(
        slots,
        np.array([0, 1]),
        np.zeros(len(readings), dtype=np.int32),
        np.array([round(at * S) for at, _ in readings], dtype=np.int64),
        np.array([value for _, value in readings], dtype=np.float64),
        np.array(quality or [0] * len(readings), dtype=np.uint32),
        room,
    )
    seconds = [
        (
            m["kind"],
            m["row"],
            m["onset"] / S,
            m["raised"] / S,
            m["ended"] / S if m["kind"] == CLEAR else None,
            m["peak"],
        )
        for m in found
    ]
    return seconds, slots[0]


def test_records_are_64_bytes():
    assert kernel.SLOT.itemsize == 64


def test_without_hold_the_first_reading_at_the_limit_raises():
    assert run_one(rule(), [(0, 29.999), (1, 30.0)])[0] == [(RAISE, 1, 1, 1, None, 30.0)]


def test_a_hold_is_satisfied_exactly_at_its_length_and_not_a_microsecond_before():
    held = rule(hold_s=3)
    assert run_one(held, [(0, 30.0), (2.999999, 30.0)])[0] == []
    assert run_one(held, [(0, 30.0), (3, 31.0)])[0] == [(RAISE, 1, 0, 3, None, 31.0)]


def test_a_pending_condition_is_dropped_by_a_reading_between_clear_and_raise():
    found, _ = run_one(rule(hold_s=3), [(0, 30.0), (1, 25.0), (2, 30.0), (4, 30.0), (5, 30.0)])
    assert found == [(RAISE, 4, 2, 5, None, 30.0)]


def test_it_clears_below_the_clear_limit_and_not_at_it():
    found, slot = run_one(rule(), [(0, 30.0), (1, 20.0), (2, 20.0)])
    assert [kind for kind, *_ in found] == [RAISE]
    assert kernel.phase_of(slot) == "raised"
    assert run_one(rule(), [(0, 30.0), (1, 20.0), (2, 19.999)])[0][-1] == (CLEAR, 2, 0, 0, 2, 30.0)


def test_a_clear_hold_is_exact_and_broken_by_a_reading_that_does_not_clear():
    slow = rule(clear_hold_s=2)
    assert len(run_one(slow, [(0, 30.0), (1, 10.0), (2.999999, 10.0)])[0]) == 1
    assert run_one(slow, [(0, 30.0), (1, 10.0), (3, 10.0)])[0][-1] == (CLEAR, 2, 0, 0, 3, 30.0)
    broken, slot = run_one(slow, [(0, 30.0), (1, 10.0), (2, 20.0), (3, 10.0), (4, 10.0)])
    assert len(broken) == 1 and kernel.phase_of(slot) == "clearing"


def test_below_raises_at_the_limit_and_clears_above_the_clear_limit():
    low = rule(above=False, raise_at=10.0, clear_at=20.0)
    found, _ = run_one(low, [(0, 10.1), (1, 10.0), (2, 4.0), (3, 20.0), (4, 20.1)])
    assert found == [(RAISE, 1, 1, 1, None, 10.0), (CLEAR, 4, 1, 1, 4, 4.0)]


def test_a_long_hold_below_is_kept_apart_from_one_above():
    low = rule(above=False, raise_at=10.0, clear_at=20.0, hold_s=2)
    assert run_one(low, [(0, 9.0), (1.9, 9.0)])[0] == []
    assert run_one(low, [(0, 9.0), (2, 9.0)])[0][0][:4] == (RAISE, 1, 0, 2)


def test_the_peak_counts_from_the_onset():
    found, _ = run_one(rule(hold_s=1), [(0, 50.0), (1, 31.0), (2, 40.0), (3, 10.0)])
    assert [peak for *_, peak in found] == [50.0, 50.0]


@pytest.mark.parametrize("bit", [Quality.NAN, Quality.OUT_OF_RANGE, Quality.FUTURE])
def test_unusable_readings_neither_raise_nor_break_a_hold(bit: Quality):
    found, _ = run_one(rule(hold_s=2), [(0, 30.0), (1, 0.0), (2, 30.0)], [0, int(bit), 0])
    assert found == [(RAISE, 2, 0, 2, None, 30.0)]
    assert run_one(rule(), [(0, 99.0)], [int(bit)])[0] == []
    assert len(run_one(rule(), [(0, 99.0)], [int(Quality.CONFLICT)])[0]) == 1


def test_not_a_number_is_not_evaluated_even_without_its_bit():
    assert run_one(rule(hold_s=2), [(0, 30.0), (1, float("nan")), (2, 30.0)])[0] == [
        (RAISE, 2, 0, 2, None, 30.0)
    ]


@pytest.mark.parametrize("room", [1, 2, 3, 5])
def test_no_transition_is_lost_when_the_output_is_too_small(room: int):
    readings = [(at, 40.0 if at % 2 == 0 else 0.0) for at in range(101)]
    assert run_one(rule(), readings, room=room)[0] == run_one(rule(), readings)[0]
    assert len(run_one(rule(), readings, room=room)[0]) == 101


def test_one_reading_may_change_more_slots_than_there_is_room_for():
    rules = [rule(f"r{n}") for n in range(7)]
    slots = kernel.make_slots(rules)
    column = (np.zeros(1, np.int32), np.zeros(1, np.int64), np.array([31.0]), np.zeros(1, np.uint32))
    found = kernel.run(slots, np.array([0, 7]), *column, room=1)
    assert found["slot"].tolist() == list(range(7))


@pytest.mark.parametrize("number", [-1, 1])
def test_a_channel_outside_the_offsets_is_refused(number: int):
    column = (np.array([number], np.int32), np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.uint32))
    with pytest.raises(IndexError):
        kernel.run(kernel.make_slots([rule()]), np.array([0, 1]), *column)


def spans(found: np.ndarray, slot: int) -> list[tuple[int, int, int | None, float | None]]:
    """Transitions of one slot as (onset, raised, ended, peak)."""
    out: list[tuple[int, int, int | None, float | None]] = []
    for m in found[found["slot"] == slot]:
        if m["kind"] == RAISE:
            assert m["ended"] == NEVER
            out.append((int(m["onset"]), int(m["raised"]), None, None))
        else:
            assert out[-1] == (m["onset"], m["raised"], None, None)
            out[-1] = (*out[-1][:2], int(m["ended"]), float(m["peak"]))
    return out


numbers = st.sampled_from([0, 0.5, 1, 2, 5])


@st.composite
def any_rule(draw: st.DrawFn) -> Rule:
    low, high = sorted(draw(st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES))))
    above = draw(st.booleans())
    return rule(
        above=above,
        raise_at=high if above else low,
        clear_at=low if above else high,
        hold_s=draw(numbers),
        clear_hold_s=draw(numbers),
    )


readings = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(1, 4), st.sampled_from(VALUES), st.sampled_from([0, 0, 0, 0, 1, 2])
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(any_rule(), min_size=1, max_size=3), readings, st.lists(st.integers(0, 60)))
def test_the_kernel_does_what_the_reference_says_however_it_is_cut(rules, steps, cuts):
    channel = np.array([c for c, *_ in steps], dtype=np.int32)
    time = np.cumsum([gap * S // 2 for _, gap, _, _ in steps]).astype(np.int64)
    value = np.array([v for _, _, v, _ in steps], dtype=np.float64)
    quality = np.array([q for *_, q in steps], dtype=np.uint32)
    slots = kernel.make_slots(rules * 3)
    offsets = np.arange(4) * len(rules)
    ends = [0, *sorted(min(cut, len(steps)) for cut in cuts), len(steps)]
    found = np.concatenate(
        [
            kernel.run(slots, offsets, channel[i:j], time[i:j], value[i:j], quality[i:j], room=1)
            for i, j in pairwise(ends)
        ]
    )
    for c in range(3):
        good = (channel == c) & (quality == 0)
        series = list(zip(time[good].tolist(), value[good].tolist(), strict=True))
        for r, by in enumerate(rules):
            wanted = [(e[2], e[3], e[5], e[6]) for e in episodes(series, by)]
            assert spans(found, c * len(rules) + r) == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=50))
def test_arrange_sorts_by_channel_and_time_and_keeps_the_order_of_equals(rows):
    channel = np.array([c for c, _ in rows], dtype=np.int32)
    time = np.array([t for _, t in rows], dtype=np.int64)
    row = np.arange(len(rows))
    order = np.lexsort((row, time, channel))
    got = kernel.arrange(channel, time, row.astype(np.float64), row.astype(np.uint32), 5)
    for column, wanted in zip(got, (channel, time, row, row), strict=True):
        assert column.tolist() == wanted[order].tolist()
