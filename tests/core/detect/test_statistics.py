"""The statistics one by one: what they are compared with, when they are silent, what they learn."""

from __future__ import annotations

import numpy as np
import pytest

from liandong.core.detect import Shard, kernel
from liandong.core.detect import layout as layout_module
from liandong.core.detect.kernel import LARGEST
from liandong.core.detect.layout import Layout
from liandong.core.detect.series import DETECTORS, raises
from liandong.core.detect.statistics import MEMORY
from liandong.core.values.lists import Mode, Statistic
from liandong.core.values.rules import Rule, SourceTerms
from tests.core.detect.world import S, channel, rule, tell


def moments(by: Rule, values: list[float], step: float = 1.0) -> list[float]:
    """Seconds at which a rule raises on readings one step apart."""
    times = [round(n * step * S) for n in range(len(values))]
    return [at / S for at in raises(by, times, values)]


def rising(window_s: float, raise_at: float, above: bool = True) -> Rule:
    return rule(statistic=Statistic.RATE, window_s=window_s, raise_at=raise_at, clear_at=0.0, above=above)


def scored(raise_at: float = 3.0, window_s: float = 5.0, **more: object) -> Rule:
    return rule(statistic=Statistic.ZSCORE, window_s=window_s, raise_at=raise_at, clear_at=1.0, **more)


def test_state_of_a_slot_is_at_most_128_bytes():
    assert kernel.SLOT.itemsize + MEMORY.itemsize == 128


def test_offset_measures_to_both_sides_of_its_baseline():
    away = rule(statistic=Statistic.OFFSET, baseline=10.0, raise_at=3.0, clear_at=2.0)
    assert moments(away, [10, 12.9, 13, 10, 7, 10, 7.1]) == [2, 4]


def test_rate_is_silent_until_an_anchor_is_a_window_old():
    assert moments(rising(3, 1.0), [0, 5, 9, 9]) == [3]
    assert moments(rising(3, 1.0), [0, 5, 9]) == []


def test_rate_of_a_ramp_is_its_slope_however_often_it_is_read():
    for step in (0.1, 0.5, 1.0, 7.0):
        ramp = [0.25 * n * step for n in range(100)]
        assert moments(rising(3, 0.25), ramp, step) and not moments(rising(3, 0.2501), ramp, step)


def test_rate_of_a_fall_is_negative():
    assert moments(rising(2, -2.0, above=False), [9, 9, 9, 4, 4, 4, 4]) == [4]


def test_a_zscore_is_silent_before_it_is_warm():
    assert moments(scored(), [*[1, 2] * 9, 1, 99]) == []
    assert moments(scored(), [1, 2] * 10 + [99]) == [20]
    assert moments(scored(window_s=40), [1, 2] * 10 + [99]) == [], "and not before a window has passed"


def test_an_anomaly_does_not_become_normal():
    values = [1.0, 2.0] * 15 + [50.0] * 400
    assert moments(scored(), values) == [30]
    still = rule(statistic=Statistic.ZSCORE, window_s=5, raise_at=3.0, clear_at=1.0)
    after = [1.0, 2.0] * 15 + [50.0] * 400 + [1.0, 2.0] * 3 + [50.0]
    assert moments(still, after) == [30, 436], "what was learned before the anomaly still holds after it"


def test_a_silence_does_not_make_one_reading_the_norm():
    calm = [1.0, 2.0] * 15
    times = [*range(30), 100_000, 100_001]
    # The reading after the silence weighs a twentieth, so the next one is still far from normal.
    assert raises(scored(raise_at=2.0), [t * S for t in times], [*calm, 1.6, 9.0]) == [100_001 * S]


def test_a_flat_signal_scores_by_its_floor_and_never_infinite():
    flat = [5.0] * 30 + [5.1]
    assert moments(scored(), flat) == [30]
    assert moments(scored(floor=1.0), flat) == []
    assert moments(scored(raise_at=LARGEST), flat) == [30]
    assert moments(scored(raise_at=LARGEST * 1.01), flat) == []


def test_learned_detectors_find_a_level_that_jumps_and_stay_silent_on_noise():
    rng = np.random.default_rng(7)
    times = np.arange(2000) * 300 * S
    values = rng.normal(20.0, 1.0, 2000)
    jumped = values.copy()
    jumped[1500:1530] += 15.0
    for name, make in DETECTORS.items():
        by = make(times[:300], values[:300])
        assert raises(by, times, values) == [], name
        assert raises(by, times, jumped) == [int(times[1500])], name


@pytest.mark.parametrize("name", sorted(DETECTORS))
@pytest.mark.parametrize("quiet", [[], [3.0], [3.0] * 50, [float("nan")] * 9])
def test_a_detector_can_be_learned_from_any_stretch(name: str, quiet: list[float]):
    by = DETECTORS[name](np.arange(len(quiet)) * S, np.array(quiet))
    assert raises(by, np.arange(60) * S, np.full(60, 3.0)) in ([], [0])


def test_a_rule_for_one_channel_looks_at_that_channel_only():
    rows = [channel(n) for n in range(3)]
    layout = Layout.of(rows, [rule("all"), rule("one", channel="channel:1")], [SourceTerms(key="a")])
    assert np.diff(layout.offsets).tolist() == [1, 2, 1]
    other = rule("other", channel="channel:1", quantity="depth")
    assert len(Layout.of(rows, [other], [SourceTerms(key="a")]).slot_rule) == 0


def test_a_city_with_a_limit_for_each_of_its_points_compiles_without_a_quadratic_loop():
    rows = [channel(n) for n in range(3000)]

    class Counted(str):
        """A key that counts how often it is compared."""

        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    rules = [rule(f"limit@{row.key}", channel=Counted(row.key)) for row in rows]
    _, slot_rule = layout_module._slots(tuple(rows), tuple(rules))
    assert slot_rule.tolist() == list(range(3000)) and 0 < Counted.compared < 10 * 3000


@pytest.mark.parametrize(
    "wrong",
    [
        {"statistic": Statistic.RATE},
        {"statistic": Statistic.ZSCORE},
        {"statistic": Statistic.OFFSET, "above": False, "raise_at": 1.0, "clear_at": 2.0},
        {"window_s": -1.0},
        {"floor": -1.0},
    ],
)
def test_a_rule_whose_statistic_cannot_be_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="rule high"):
        rule(**wrong)


def test_a_finding_says_the_statistic_beside_its_limit():
    shard = Shard(
        [channel(0)], [rule(statistic=Statistic.OFFSET, baseline=10.0, raise_at=3.0, clear_at=2.0)],
        [SourceTerms(key="a")], "city", Mode.TEST,
    )  # fmt: skip
    (found,) = tell(shard, (1, 4.0))
    assert (found.value, found.limit) == (6.0, 3.0)
