"""T² and Q against their definitions, and a stream that may be cut anywhere."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.detect.multivariate import Model, Scorer, calibrate, fit, statistics
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND

CHANCE = np.random.default_rng(5)
#: Two hidden causes move six channels; units differ by a factor of a thousand.
MIXING = CHANCE.standard_normal((2, 6)) * np.array([1, 10, 100, 1000, 1, 1])
UNITS = np.array([1, 10, 100, 1000, 1, 1])


def plant(rows: int) -> np.ndarray:
    return CHANCE.standard_normal((rows, 2)) @ MIXING + 0.1 * UNITS * CHANCE.standard_normal((rows, 6)) + 50


NORMAL = plant(400)
MODEL = calibrate(fit(NORMAL, 2), plant(1000), 0.01)
TIMES = np.arange(60, dtype=np.int64) * 60 * SECOND


def test_the_statistics_are_those_of_the_definition():
    values = plant(20)
    scale = NORMAL.std(axis=0, ddof=1)
    usual = (values - NORMAL.mean(axis=0)) / scale
    _, singular, axes = np.linalg.svd((NORMAL - NORMAL.mean(axis=0)) / scale, full_matrices=False)
    scores = usual @ axes[:2].T
    t2, q = statistics(MODEL, values)
    assert t2 == pytest.approx((scores**2 / (singular[:2] ** 2 / 399)).sum(axis=1), rel=1e-9)
    assert q == pytest.approx(((usual - scores @ axes[:2]) ** 2).sum(axis=1), rel=1e-9)


def test_a_channel_that_leaves_the_others_is_seen_by_q_and_a_far_load_by_t2():
    broken, far = NORMAL.mean(axis=0).copy(), NORMAL.mean(axis=0) + 8 * MIXING[0]
    broken[3] += 2000.0
    t2, q = statistics(MODEL, np.stack([broken, far]))
    assert q[0] > 5 * MODEL.q_limit and t2[0] < MODEL.t2_limit
    assert t2[1] > 2 * MODEL.t2_limit and q[1] < MODEL.q_limit


def test_the_limit_is_the_tenth_highest_of_a_thousand_normal_rows():
    rows = plant(1000)
    model = calibrate(MODEL, rows, 0.01)
    t2, q = statistics(model, rows)
    assert (t2 > model.t2_limit).sum() == (q > model.q_limit).sum() == 9


@settings(max_examples=40)
@given(st.lists(st.integers(1, 59), max_size=6), st.integers(0, 2**32 - 1))
def test_no_cut_of_the_input_changes_a_bit(cuts, seed):
    chance = np.random.default_rng(seed)
    values = np.where(chance.random((60, 6)) < 0.1, np.nan, plant(60))
    for kind in ("t2", "q", "worse"):
        scorer = Scorer(MODEL, kind, hold_s=120)
        whole, state = scorer.score(scorer.fresh(), TIMES, values), scorer.fresh()
        edges = [0, *sorted(set(cuts)), 60]
        parts = [scorer.score(state, TIMES[a:b], values[a:b]) for a, b in itertools.pairwise(edges)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_a_missing_value_is_held_for_so_long_and_then_nothing_is_said():
    scorer = Scorer(MODEL, hold_s=120)
    values = np.repeat(NORMAL[:1], 5, axis=0)
    values[1:, 2] = np.nan
    scores = scorer.score(scorer.fresh(), TIMES[:5], values)
    assert np.isfinite(scores).tolist() == [True, True, True, False, False]
    assert np.isnan(scorer.score(scorer.fresh(), TIMES[:1], values[1:2])).all()


def test_the_model_is_plain_data():
    assert msgspec.json.decode(msgspec.json.encode(MODEL), type=Model) == MODEL


@pytest.mark.parametrize(
    ("values", "components", "key"),
    [
        (NORMAL[:6], 2, "multivariate.too_few"),
        (NORMAL, 6, "multivariate.too_few"),
        (np.column_stack([NORMAL, np.ones(400)]), 2, "multivariate.still_channel"),
        (np.full((400, 6), np.nan), 2, "multivariate.too_few"),
    ],
)
def test_what_cannot_be_learned_is_refused(values, components, key):
    with pytest.raises(BadInput) as error:
        fit(values, components)
    assert error.value.key == key
