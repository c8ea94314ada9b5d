"""Condensing: known values, and how a series is cut never shows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.ingest.reduce import REDUCERS, Condenser, check_reducers, parse_reducer, reduce_series
from liandong.core.values.city import Channel, City
from liandong.core.values.errors import BadInput

W = 1_000_000
T0 = 1_700_000_000 * 1_000_000


def reduced(times, values, reducer, window=W):
    return reduce_series(
        np.array(times, np.int64), np.array(values, np.float64), window_us=window, reducer=reducer
    )


@pytest.mark.parametrize(
    ("reducer", "wanted"),
    [
        ("mean", 2.0), ("min", -3.0), ("max", 5.0), ("rms", (60 / 4) ** 0.5), ("std", (44 / 4) ** 0.5),
        ("peak", 5.0), ("peak_to_peak", 8.0), ("ptp", 8.0), ("count", 4.0), ("first", 1.0), ("last", 5.0),
    ],
)  # fmt: skip
def test_known_values(reducer, wanted):
    """1, −3, 5, 5 with the first and last by time, whatever their order; NaN is no sample."""
    got = reduced([T0 + 20, T0, T0 + 30, T0 + 40, T0 + 50], [-3, 1, np.nan, 5, 5], reducer)
    assert got.values.tolist() == [pytest.approx(wanted, abs=1e-12)]
    assert got.times.tolist() == [T0 + W] and got.counts.tolist() == [4]


def test_the_list_is_tested_whole():
    assert set(REDUCERS) == {
        "mean", "min", "max", "rms", "std", "peak", "peak_to_peak", "ptp", "count", "first", "last",
    }  # fmt: skip


def test_windows_lie_on_the_grid_and_empty_ones_give_nothing():
    got = reduced([T0 - 1, T0, T0 + W - 1, T0 + 3 * W], [1, 2, 4, 8], "mean")
    assert got.times.tolist() == [T0, T0 + W, T0 + 4 * W] and got.values.tolist() == [1.0, 3.0, 8.0]
    assert len(reduced([], [], "mean").times) == 0


def test_a_small_spread_on_a_large_mean_is_not_lost():
    got = reduced(T0 + np.arange(1000), 1e8 + np.tile([0.0, 1.0], 500), "std")
    assert got.values.tolist() == [pytest.approx(0.5, rel=1e-6)]


series = st.lists(st.tuples(st.integers(0, 5 * W), st.floats(-1e6, 1e6) | st.just(np.nan)), max_size=60).map(
    sorted
)


@settings(max_examples=200, deadline=None)
@given(series, st.lists(st.integers(0, 60), max_size=6), st.sampled_from(sorted(REDUCERS)), st.booleans())
def test_cutting_differently_changes_no_complete_window(samples, cuts, reducer, slack):
    times = np.array([T0 + at for at, _ in samples], np.int64)
    values = np.array([value for _, value in samples], np.float64)
    give = W if slack else 0
    whole = Condenser(reducer, W, give).push(times, values)
    pieces = Condenser(reducer, W, give)
    edges = [0, *sorted(cuts), len(times)]
    said = [pieces.push(times[a:b], values[a:b]) for a, b in pairwise(edges)]
    for name in ("times", "values", "counts"):
        joined = np.concatenate([getattr(one, name) for one in said])
        assert joined.tobytes() == getattr(whole, name).tobytes(), name
    every = reduce_series(times, values, window_us=W, reducer=reducer)
    known = dict(zip(every.times.tolist(), every.values.tolist(), strict=True))
    assert all(
        known[at] == value for at, value in zip(whole.times.tolist(), whole.values.tolist(), strict=True)
    )


def test_the_window_in_which_a_series_begins_is_left_out_unless_it_begins_with_it():
    half = Condenser("mean", W)
    half.push(np.array([T0 + W // 2]), np.array([1.0]))
    got = half.push(np.array([T0 + W, T0 + 2 * W]), np.array([2.0, 3.0]))
    assert got.times.tolist() == [T0 + 2 * W] and got.values.tolist() == [2.0]
    close = Condenser("mean", W, slack_us=10_000)
    got = close.push(np.array([T0 + 10_000, T0 + W]), np.array([1.0, 2.0]))
    assert got.times.tolist() == [T0 + W]


def test_what_comes_after_its_window_was_given_is_counted():
    condenser = Condenser("count", W)
    condenser.push(np.array([T0, T0 + W]), np.zeros(2))
    got = condenser.push(np.array([T0 + 5, T0 + 2 * W]), np.zeros(2))
    assert condenser.late == 1 and got.values.tolist() == [1.0]


@pytest.mark.parametrize(
    "text", ["", "median", "rms@", "rms@0", "rms@-1", "rms@x", "rms@nan", "rms@1e9", "@60"]
)
def test_other_reducers_are_refused_by_name(text):
    if text == "rms@":
        assert parse_reducer(text) == ("rms", 60 * W)
        return
    with pytest.raises(BadInput, match=r"reduce\.unknown"):
        parse_reducer(text)


def test_a_city_is_checked():
    def channel(key, reducer):
        return Channel(key=key, number=0, sensor="", quantity="", group="", source="", reducer=reducer)

    city = City(key="c", channels=(channel("a", "rms@600"), channel("b", "median"), channel("c", "")))
    (error,) = check_reducers(city)
    assert error.key == "reduce.channel" and error.params["channel"] == "b"
    assert parse_reducer("rms@0.5") == ("rms", W // 2)
