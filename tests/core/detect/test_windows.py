"""Windows, forgetting means, sums and weeks against the same worked out with NumPy from the whole past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from liandong.core.detect import kernel
from liandong.core.detect.layout import Layout
from liandong.core.detect.series import raises
from liandong.core.detect.slots import Slots
from liandong.core.detect.statistics import STALE, make_memory
from liandong.core.values.lists import Statistic
from liandong.core.values.rules import Rule, SourceTerms
from tests.core.detect.world import S, channel, rule

HOUR = 3600


def of(statistic: Statistic, **more: object) -> Rule:
    return rule(statistic=statistic, **{"raise_at": 1e6, "clear_at": 0.0, **more})


def traced(by: Rule, times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What the rule compares at each reading while nothing is raised; NaN where it says nothing."""
    memory = make_memory([by], np.zeros(1, dtype=np.int32))
    p, m, out = memory.params[0], memory.records[0], np.full(len(times), np.nan)
    for n, (t, v) in enumerate(zip(times.tolist(), values.tolist(), strict=True)):
        if p["kind"] <= STALE:
            out[n] = kernel.scalar(p, m, t, v, by.above)
            if by.statistic is Statistic.CUSUM:
                m["new_value"] = out[n]
            kernel.learn(p, m, t, v, True)
        else:
            out[n] = kernel.pooled(p, m, memory.pool, t, v, by.above, False)
            if by.statistic in (Statistic.ROBUST_Z, Statistic.SEASONAL):
                kernel.learn_pooled(p, m, memory.pool, t, v)
        m["seen"] = t
    return out


RNG = np.random.default_rng(11)
#: Irregular and sparse: no two readings share an entry of a window of 100 s.
TIMES = np.cumsum(RNG.integers(3, 20, 150)) * S
LEVELS = RNG.normal(20.0, 3.0, 150).round(2)

WINDOWS: dict[Statistic, Callable[[np.ndarray], float]] = {
    Statistic.MEAN: np.mean,
    Statistic.SUM: np.sum,
    Statistic.STD: np.std,
    Statistic.RANGE: np.ptp,
}


@pytest.mark.parametrize("statistic", WINDOWS)
def test_a_window_holds_exactly_its_readings(statistic: Statistic):
    got = traced(of(statistic, window_s=100.0), TIMES, LEVELS)
    wanted = [WINDOWS[statistic](LEVELS[(t - 100 * S < TIMES) & (t >= TIMES)]) for t in TIMES]
    full = TIMES - TIMES[0] >= (0 if statistic is Statistic.SUM else 100 * S)
    assert np.isnan(got[~full]).all() and full.sum() > 100
    np.testing.assert_allclose(got[full], np.array(wanted)[full], rtol=1e-12)


@pytest.mark.parametrize("statistic", WINDOWS)
def test_a_window_with_more_readings_than_room_is_at_most_one_bucket_too_long(statistic: Statistic):
    times, values = np.arange(4000) * S, RNG.normal(5.0, 1.0, 4000)
    by = of(statistic, window_s=1000.0)
    got = traced(by, times, values)
    bucket = int(make_memory([by], np.zeros(1, dtype=np.int32)).params[0]["bucket"])
    assert bucket <= 1000 * S / 55
    for n in range(1000, 4000, 37):
        first = (n - 1000) * S // bucket * bucket if (n - 1000 + 1) * S % bucket else (n - 999) * S
        spans = [values[max(begin // S, 0) : n + 1] for begin in range(first, (n - 998) * S, S)]
        assert min(abs(got[n] - WINDOWS[statistic](span)) for span in spans) < 1e-9


def test_robust_z_is_the_distance_from_the_median_in_median_deviations():
    got = traced(of(Statistic.ROBUST_Z, window_s=100.0, floor=0.5), TIMES, LEVELS)
    for n in range(30, 150):
        past = LEVELS[:n][TIMES[:n] > TIMES[n - 1] - 100 * S]
        spread = max(1.4826 * np.median(np.abs(past - np.median(past))), 0.5)
        if len(past) >= 8:
            assert got[n] == pytest.approx((LEVELS[n] - np.median(past)) / spread)
    assert np.isfinite(got).sum() > 80


def test_a_forgetting_mean_and_a_cumulative_sum_measure_from_their_baseline():
    ewma = traced(of(Statistic.EWMA, window_s=60.0, baseline=20.0), TIMES, LEVELS)
    up = traced(of(Statistic.CUSUM, baseline=20.0, slack=1.0), TIMES, LEVELS)
    below = rule(
        statistic=Statistic.CUSUM, baseline=20.0, slack=1.0, above=False, raise_at=-1e6, clear_at=0.0
    )
    down = traced(below, TIMES, LEVELS)
    mean, high, low = 20.0, 0.0, 0.0
    for n, value in enumerate(LEVELS):
        gone = (TIMES[n] - TIMES[n - 1]) / S if n else 0.0
        mean += min(gone / (gone + 60), 0.5) * (value - mean)
        high, low = max(0.0, high + value - 21.0), min(0.0, low + value - 19.0)
        assert (ewma[n], up[n], down[n]) == pytest.approx((mean - 20, high, low))


def test_a_cumulative_sum_finds_a_small_lasting_shift_and_clears_soon_after_it():
    values = np.concatenate([np.full(50, 20.0), np.full(200, 21.0), np.full(20, 20.0)])
    by = rule(statistic=Statistic.CUSUM, baseline=20.0, slack=0.5, raise_at=4.0, clear_at=2.0)
    assert raises(by, np.arange(270) * S, values) == [57 * S]
    slots = Slots.fresh(Layout.of([channel(0)], [by], [SourceTerms(key="a")]))
    columns = np.zeros(270, np.int32), np.arange(270) * S, values, np.zeros(270, np.uint32)
    found = kernel.run(
        slots.records, np.array([0, 1]), *columns, plain_to=np.array([0]), memory=slots._memory
    )
    assert [int(m["row"]) for m in found] == [57, 254]


def test_flat_counts_seconds_without_change_and_small_changes_are_none():
    values = np.array([5.0, 5.1, 5.0, 4.9, 5.2, 5.2, 5.2])
    assert traced(of(Statistic.FLAT, floor=0.15), np.arange(7) * S, values).tolist() == [0, 1, 2, 3, 0, 1, 2]


def test_an_hour_of_the_week_is_compared_with_itself_in_local_time():
    """Loud from 08:00 to 09:00 on working days; the same loudness on Sunday is far from usual."""
    times = np.arange(0, 5 * 168 * HOUR, 600) * S
    hours = times // S // HOUR + 8  # eight hours ahead of UTC
    weekday, hour = (hours // 24 + 3) % 7, hours % 24
    values = np.where((weekday < 5) & (hour == 8), 60.0, 40.0) + np.tile([-1.0, 1.0], len(times) // 2)
    usual = traced(of(Statistic.SEASONAL, floor=1.0), times, values)
    assert np.isnan(usual[: 2 * 168 * 6 - 1]).all(), "silent in its first two weeks"
    assert np.abs(usual[2 * 168 * 6 :]).max() < 1.5
    last_sunday = np.flatnonzero((weekday == 6) & (hour == 8))[-6:]
    values[last_sunday] += 20.0
    assert (traced(of(Statistic.SEASONAL, floor=1.0), times, values)[last_sunday] > 15).all()


def test_an_anomaly_is_not_learned_as_the_usual_of_its_hour():
    times = np.arange(0, 6 * 168 * HOUR, 1800) * S
    values = 40.0 + np.tile([-1.0, 1.0], len(times) // 2)
    values[times >= 3 * 168 * HOUR * S] += 50.0
    by = rule(statistic=Statistic.SEASONAL, floor=1.0, raise_at=10.0, clear_at=5.0)
    assert raises(by, times, values) == [3 * 168 * HOUR * S]


def test_memory_keeps_to_its_budgets():
    own = kernel.SLOT.itemsize
    for statistic in Statistic:
        if statistic is Statistic.SCORE:
            continue
        memory = make_memory([of(statistic, window_s=60.0)], np.zeros(1, dtype=np.int32))
        size = own + memory.records.nbytes + memory.pool.nbytes
        assert size <= (4096 if statistic is Statistic.SEASONAL else 2048 if len(memory.pool) else 128)


def test_readings_out_of_range_are_counted_by_the_rule_that_asks_for_them_and_by_no_other():
    from liandong.core.detect import Shard
    from liandong.core.values.lists import Mode
    from tests.core.detect import world

    by = rule("odd", statistic=Statistic.OUT_OF_RANGE, window_s=10.0, raise_at=0.5, clear_at=0.3)
    to = Shard([channel(0, low=0.0, high=50.0)], [by, rule("high")], [SourceTerms(key="a")], "c", Mode.TEST)
    values = [10.0] * 10 + [99.0] * 12 + [10.0] * 12
    said = world.messages(world.feed(to, world.a(*enumerate(values)), range(40)))
    found, *_, ended = [m for m in said if not isinstance(m, world.FindingSettled)]
    assert (found.rule, found.onset, found.value) == ("odd", 14 * S, 0.5)
    assert (ended.ended, ended.peak) == (29 * S, 1.0)
    assert (to.totals["a"].unusable, to.totals["a"].accepted) == (12, 22)
    assert to.explain("channel:0").last_value == 10.0
