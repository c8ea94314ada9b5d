"""Shares and curves against their textbook form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.evaluate.shares import at, curve, share

seconds = st.lists(st.integers(0, 500).map(float), max_size=40)


def wilson(hits: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The formula as Wilson (1927) gives it."""
    p = hits / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


@settings(deadline=None)
@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(pair):
    hits, count = pair
    found = share(hits, count)
    assert found.share == hits / count
    assert (found.low, found.high) == pytest.approx(wilson(hits, count), abs=1e-9)
    assert found.low <= found.share <= found.high


def test_nothing_is_no_share_and_nonsense_is_refused():
    assert share(0, 0).share is None and share(0, 0).low is None
    for hits, count in ((2, 1), (-1, 1)):
        with pytest.raises(ValueError):
            share(hits, count)


def kaplan_meier(done: list[float], still_open: list[float]) -> dict[float, float]:
    """The product over event times, by hand: moment → share done."""
    alive, found = 1.0, {}
    for moment in sorted(set(done)):
        at_risk = sum(t >= moment for t in (*done, *still_open))
        alive *= 1 - done.count(moment) / at_risk
        found[moment] = 1 - alive
    return found


@settings(deadline=None)
@given(seconds, seconds)
def test_the_curve_is_kaplan_and_meiers(done, still_open):
    found = curve(done, still_open)
    assert (found.events, found.censored) == (len(done), len(still_open))
    slow = kaplan_meier(done, still_open)
    fast = dict(zip(found.seconds, found.done, strict=True))
    for moment, p in slow.items():
        assert fast[moment] == pytest.approx(p, abs=1e-9)
        assert at(found, moment) == pytest.approx(p, abs=1e-9)
    for low, p, high in zip(found.low, found.done, found.high, strict=True):
        assert 0 <= low <= p + 1e-9 and p <= high + 1e-9 <= 1 + 1e-8


@settings(deadline=None)
@given(st.lists(st.integers(0, 500).map(float), min_size=1, max_size=40))
def test_with_nothing_open_the_median_is_the_plain_one(done):
    assert curve(done, []).median == pytest.approx(float(np.median(done)))


def test_leaving_out_what_is_open_would_flatter_the_slow():
    fair = curve([60.0, 120.0], [600.0, 600.0])
    assert fair.median is not None and fair.p90 is None
    assert curve([60.0, 120.0], []).p90 is not None
    assert at(fair, 120.0) == pytest.approx(0.5) and at(fair, 10.0) == 0.0
    assert curve([], [5.0]).median is None and at(curve([], [5.0]), 1.0) is None
