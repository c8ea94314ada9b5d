"""The novelty score on made series: what it finds, where it is silent, and that cutting changes no bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from liandong.core.detect.novelty import (
    FACTS,
    QUIET,
    USUAL_LIMIT,
    Novelty,
    _minus_log10,
    _one_of_sixteen,
    raised_rows,
)

STEP = 300_000_000  #: five minutes
DAY = 288  #: readings a day
ROWS = 12 * DAY
AT = 10 * DAY + 144  #: where something happens, at noon of the eleventh day
TIMES = 1_700_006_400_000_000 + STEP * np.arange(ROWS)  # from midnight on


def score(values, times=TIMES, state=None):
    scorer = Novelty()
    state = scorer.fresh() if state is None else state
    return scorer.score(state, times[: len(values)], np.asarray(values, float)[:, None])


def noise(seed=1, rows=ROWS):
    return 20 + np.random.default_rng(seed).normal(size=rows)


def days(seed=2):
    """A daily rectangle from 6 to 18 o'clock, with noise."""
    place = np.arange(ROWS) % DAY
    return 50.0 * ((place >= 72) & (place < 216)) + noise(seed)


def spike(values):
    values[AT] += 12
    return values


def shift(values):
    values[AT:] += 5
    return values


def unrest(values):
    values[AT : AT + 100] = 20 + 5 * (values[AT : AT + 100] - 20)
    return values


def flat(values):
    values[AT : AT + 100] = values[AT]
    return values


def day_off(values):
    place = slice(AT - 72, AT + 72)
    values[place] -= 50
    return values


def saw():
    """Teeth of 23 readings, which fall for a while where they rose."""
    tooth = np.arange(ROWS) % 23 / 23
    tooth[AT : AT + 92] = tooth[AT : AT + 92][::-1]
    return 20 + tooth + 0.01 * noise(3)


@pytest.mark.parametrize(
    ("made", "within", "because"),
    [
        (spike(noise()), 1, "value"),
        (shift(noise()), 24, "level"),
        (unrest(noise()), 64, "spread"),
        (flat(noise()), 80, "spread"),
        (day_off(days()), 12, "time_of_day"),
        (saw(), 24, "shape"),
    ],
)
def test_what_is_new_is_found_and_named_and_nothing_before_it(made, within, because):
    found = raised_rows(score(made), USUAL_LIMIT)
    begin = AT - 72 if because == "time_of_day" else AT
    assert len(found) and begin <= found[0] < begin + within
    assert len(found) <= 2
    scorer = Novelty()
    facts = scorer.facts(scorer.fresh(), TIMES, made[:, None])
    assert facts[begin : begin + within, FACTS.index(because)].max() > USUAL_LIMIT


@pytest.mark.parametrize(
    "made",
    [
        noise(7),
        days(8),
        np.sin(np.arange(ROWS) * 2 * np.pi / 50),
        np.arange(ROWS) % DAY >= 100,
        np.full(ROWS, 20.0),
        20 + 1e-9 * noise(9),
    ],
    ids=["noise", "days", "wave", "square", "flat", "rounding"],
)
def test_what_repeats_itself_is_silent(made):
    assert not len(raised_rows(score(made)[2 * DAY :], USUAL_LIMIT))


def test_cutting_the_readings_otherwise_changes_no_bit():
    made = spike(noise())[AT - 900 : AT + 60]
    made[[100, 333, 334]] = np.nan
    whole_state = Novelty().fresh()
    whole = score(made, state=whole_state)
    for cuts in (range(1, len(made)), [1, 2, 50, 333, 700], [513]):
        state, parts, begin = Novelty().fresh(), [], 0
        for end in (*cuts, len(made)):
            parts.append(score(made[begin:end], TIMES[begin:], state))
            begin = end
        assert np.concatenate(parts).tobytes() == whole.tobytes()
        assert state.tobytes() == whole_state.tobytes()


def test_the_unit_and_the_sign_do_not_matter():
    made = shift(noise())
    assert score(-(2.0**-40) * made).tobytes() == score(made).tobytes()
    assert score(1.8 * made) == pytest.approx(score(made), nan_ok=True, abs=1e-6)


def test_what_is_not_known_says_nothing_and_leaves_no_trace():
    made = noise(rows=600)
    holes = np.insert(made, [200, 200, 400], [np.nan, np.inf, -np.inf])
    known = np.isfinite(holes)
    times = np.zeros(len(holes), np.int64)
    times[known] = TIMES[:600]
    found = score(holes, times)
    assert np.isnan(found[~known]).all()
    assert found[known].tobytes() == score(made).tobytes()


def test_no_reading_is_too_large_for_it():
    made = np.zeros(ROWS)
    made[AT:] = [(-1e99, 1e99, 0.0, 1e-99)[n % 4] for n in range(ROWS - AT)]
    found = score(made)
    assert np.isfinite(found[200:]).all() and found.max(where=np.isfinite(found), initial=0) > USUAL_LIMIT


def test_it_learns_for_a_while_and_its_state_is_small():
    found = score(noise(rows=400))
    first = int(np.flatnonzero(np.isfinite(found))[0])
    assert np.isnan(found[:first]).all() and np.isfinite(found[first:]).all()
    assert first == 2 * 24 - 1 + 8 * 16  # a first comparison of shapes, and eight blocks
    assert Novelty().fresh().nbytes <= 24 * 1024


def test_one_thing_is_raised_once_until_it_was_quiet_for_a_while():
    scores = np.zeros(1000)
    scores[[0, 100, 100 + QUIET, 101 + 2 * QUIET, 999]] = 3.0
    scores[500:510] = np.nan
    assert raised_rows(scores, 2.0).tolist() == [0, 100, 101 + 2 * QUIET, 999]


def test_the_logarithm_of_four_operations_is_the_logarithm():
    for share in (1.0, 0.75, 0.5, 0.1, 1 / 257, 1e-9):
        assert _minus_log10(share) == pytest.approx(-math.log10(share), rel=1e-13, abs=1e-15)
    assert _one_of_sixteen(1 - 0.99**16) == pytest.approx(2.0, rel=1e-12)
