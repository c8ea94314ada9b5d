"""Rules over groups: what each scorer says, when an instant is evaluated, and what explain shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.conformance.scorer import check_scorer
from liandong.core.detect import Shard
from liandong.core.detect.scorers import SCORERS, Kind, make_scorer
from liandong.core.values.errors import BadInput
from liandong.core.values.findings import Finding, FindingEnded
from liandong.core.values.lists import Mode, Statistic
from liandong.core.values.rules import Rule, SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, S, channel, feed, kinds, rule

NAN = float("nan")
FOUR = tuple(channel(n) for n in range(4))


def over(scorer: str, params: str = "", **more: object) -> Rule:
    return rule(scorer, statistic=Statistic.SCORE, scorer=scorer, params=params, **more)


def scores(by: Rule, *rows: tuple[float, ...]) -> list[float]:
    """What a scorer says of rows one second apart."""
    made = make_scorer(by, len(rows[0]), SCORERS)
    time = np.arange(len(rows), dtype=np.int64) * S
    return made.score(made.fresh(), time, np.array(rows, dtype=np.float64)).tolist()


def test_a_quorum_is_a_share_or_a_count_of_those_that_are_known():
    rows = (30.0, 31.0, 0.0, NAN), (30.0, NAN, NAN, NAN), (0.0, 0.0, 0.0, 0.0)
    assert scores(over("quorum", "limit=30"), *rows) == pytest.approx([2 / 3, NAN, 0.0], nan_ok=True)
    assert scores(over("quorum", "limit=30;count=1;least=1"), *rows) == [2.0, 1.0, 0.0]
    assert scores(over("quorum", "limit=0;below=1"), *rows) == pytest.approx([1 / 3, NAN, 1.0], nan_ok=True)


def test_a_contradiction_is_the_distance_from_the_median_of_the_neighbours():
    rows = (30.0, 10.0, 12.0, 99.0), (30.0, 10.0, NAN, NAN), (NAN, 1.0, 2.0, 3.0), (5.0, 7.0, NAN, 8.0)
    assert scores(over("contradiction"), *rows) == pytest.approx([18.0, NAN, NAN, 2.5], nan_ok=True)


def test_a_residual_is_what_a_prediction_leaves():
    assert scores(over("residual"), (5.0, 7.0), (5.0, NAN)) == pytest.approx([-2.0, NAN], nan_ok=True)
    assert scores(over("residual", "absolute=1"), (5.0, 7.0)) == [2.0]


def test_a_sequence_needs_its_order_and_its_time():
    by = over("sequence", "first=1;second=1;within_s=2")
    steps = (0, 0), (1, 0), (0, 0), (0, 1), (0, 1), (0, 0), (0, 1), (1, 1), (1, 0), (1, 1)
    assert scores(by, *steps) == [0, 0, 0, 1, 1, 0, 0, 0, 0, 1]


def test_a_trained_model_comes_as_numbers_of_the_row():
    model = "mean=1,2;scale=1,2;loadings=1,0;variances=4"
    assert scores(over("t2", model), (3.0, 2.0), (1.0, 2.0)) == [1.0, 0.0]
    assert scores(over("q", model), (3.0, 4.0)) == [1.0]
    with pytest.raises(BadInput):
        make_scorer(over("t2", model), 3, SCORERS)


@pytest.mark.parametrize(
    "by", [over("nobody"), over("quorum"), over("quorum", "limit=1;limits=2"), over("residual")]
)
def test_a_scorer_that_is_not_there_or_misses_its_numbers_is_refused(by: Rule):
    with pytest.raises(BadInput):
        Shard(FOUR, [by], [SourceTerms(key="a")], "city", Mode.TEST)


def test_an_instant_is_evaluated_when_all_have_reported_or_a_later_one_is_seen_or_time_has_passed():
    by = over("quorum", "limit=30", raise_at=0.5, clear_at=0.5)
    to = world.shard(FOUR, [by], [SourceTerms(key="a", idle_s=60)])
    assert feed(to, [Row("a", n, 1, 40.0) for n in (0, 1, 2)])[0].messages == ()
    (found,) = feed(to, [Row("a", 3, 1, 0.0)])[0].messages
    assert isinstance(found, Finding) and (found.channel, found.value) == ("channel:0", 0.75)
    assert kinds(feed(to, [Row("a", 0, 2, 0.0)])[0].messages) == ["FindingSettled"], "three are missing"
    assert feed(to, [Row("a", 1, 3, 0.0)])[0].messages == (), "half of them at 2 s"
    assert to.due_advances(63 * S) == () and to.due_advances(64 * S) == (("a", 4 * S),)
    said = to.advance("a", 4 * S, (1, 0)).messages
    assert kinds(said) == ["FindingEnded", "FindingSettled"] and said[0].ended == 3 * S


def test_what_explain_shows_of_a_rule_over_a_group():
    by = over("contradiction", raise_at=10.0, clear_at=5.0)
    to = world.shard(FOUR, [by])
    feed(to, [Row("a", n, 1, value) for n, value in enumerate([40.0, 10.0, 11.0, 12.0])])
    (state,) = to.explain("channel:0").rules
    assert (state.phase, state.score, state.peak) == ("raised", 29.0, 29.0)
    assert [(m.channel, m.time, m.value) for m in state.members][:2] == [
        ("channel:0", S, 40.0),
        ("channel:1", S, 10.0),
    ]
    assert to.explain("channel:1").rules[0].phase == "normal"


def test_a_value_that_is_too_old_is_not_known():
    by = over("contradiction", "least=3", raise_at=10.0, clear_at=5.0, window_s=5.0)
    to = world.shard(FOUR, [by])
    feed(to, [Row("a", n, 1, 10.0) for n in range(4)])
    said = feed(to, [Row("a", n, 9, 99.0 if n == 0 else 10.0) for n in range(3)] + [Row("a", 0, 10, 99.0)])
    assert said[0].messages == ()
    assert to.explain("channel:0").rules[0].members[3].time == S


def test_a_late_reading_corrects_what_the_group_said():
    by = over("quorum", "limit=30", raise_at=0.5, clear_at=0.5)
    to = world.shard(FOUR[:2], [by], [SourceTerms(key="a", lateness_s=10)])
    early = [Row("a", n, at, value) for at, value in ((1, 40.0), (5, 0.0)) for n in (0, 1)]
    (_, ended) = feed(to, early)[0].messages
    assert isinstance(ended, FindingEnded) and ended.ended == 5 * S
    late = feed(to, [Row("a", n, 3, 0.0) for n in (0, 1)])[0].messages
    assert kinds(late) == ["FindingReopened", "FindingEnded"] and late[1].ended == 3 * S


def test_what_left_the_window_while_another_group_moved_time_is_still_known_to_the_group():
    by = over("quorum", "limit=30;count=1", raise_at=2.0, clear_at=2.0, hold_s=30.0)
    to = world.shard([channel(0), channel(1), channel(2, "g1")], [by])
    feed(to, [Row("a", 0, 1, 40.0), Row("a", 1, 1, 40.0), Row("a", 2, 50, 0.0)], range(9))
    said = world.messages(feed(to, [Row("a", 0, at, 40.0) for at in (60, 61)], range(9)))
    assert [(m.onset, m.raised) for m in said if isinstance(m, Finding)] == [(S, 60 * S)]


class Hour:
    """A pack's own: how many rows it has seen, a third of which it says nothing of."""

    def fresh(self) -> np.ndarray:
        return np.zeros(1)

    def score(self, state: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
        count = state[0] + 1 + np.arange(len(time))
        state[0] += len(time)
        return np.where(count % 3 == 0, np.nan, count)


class Cut(Hour):
    """Wrong: what it says depends on where the input was cut."""

    def score(self, state: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
        return values[:, 0] - values[:, 0].mean()


class Greedy(Hour):
    """Wrong: it remembers outside of its state."""

    seen = 0

    def score(self, state: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
        Greedy.seen += len(time)
        return np.full(len(time), float(Greedy.seen))


class Spoiler(Hour):
    """Wrong: it changes what it was given."""

    def score(self, state: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
        values[:] = 0.0
        return values[:, 0]


def test_a_scorer_of_a_pack_is_found_by_its_name():
    kinds_ = {**SCORERS, "hour": Kind(lambda numbers, members: Hour(), least=1)}
    by = over("hour", raise_at=4.0, clear_at=1.0)
    to = Shard(FOUR[:1], [by], [SourceTerms(key="a")], "city", Mode.TEST, kinds_)
    said = world.messages(feed(to, world.a(*[(n, 1.0) for n in range(9)]), range(9)))
    assert [(m.onset, m.value) for m in said if isinstance(m, Finding)] == [(3 * S, 4.0)]


def test_a_scorer_that_raises_falls_silent_and_says_so_and_the_others_go_on():
    class Broken(Hour):
        def score(self, state: np.ndarray, time: np.ndarray, values: np.ndarray) -> np.ndarray:
            raise ZeroDivisionError

    kinds_ = {**SCORERS, "broken": Kind(lambda numbers, members: Broken(), least=1)}
    to = Shard(FOUR[:1], [over("broken"), rule("high")], [SourceTerms(key="a")], "city", Mode.TEST, kinds_)
    assert kinds(world.messages(feed(to, world.a((1, 40.0), (2, 40.0)), range(9)))) == [
        "Finding",
        "FindingSettled",
    ]
    high, broken = to.explain("channel:0").rules
    assert (high.phase, broken.phase, broken.broken) == ("raised", "unknown", "ZeroDivisionError()")


def test_check_scorer_passes_the_built_in_ones_and_names_what_is_wrong_with_others():
    model = "mean=1,2,3;scale=1,2,3;loadings=.6,.8,0;variances=4;t2_limit=9;q_limit=9"
    numbers = {
        "quorum": "limit=1", "sequence": "first=0;second=1;within_s=60", "t2": model, "q": model,
        "worse": model,
    }  # fmt: skip
    for name in SCORERS:
        members = {"sequence": 2, "residual": 2, "novelty": 1}.get(name, 3)
        by = over(name, numbers.get(name, ""))
        assert list(check_scorer(lambda: make_scorer(by, members, SCORERS), members)) == [], name  # noqa: B023
    assert list(check_scorer(Hour, 2)) == []
    assert list(check_scorer(Cut, 2)) == ["cut"]
    assert "repeat" in list(check_scorer(Greedy, 2))
    assert "changed" in list(check_scorer(Spoiler, 2))


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 20), st.sampled_from([10.0, 30.0, 40.0])), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_another_group_changes_nothing(steps):
    """Channels 0 and 1 are one group, 2 and 3 another with a source of its own."""
    channels = [channel(n, f"g{n // 2}", "ab"[n // 2]) for n in range(4)]
    by = over("quorum", "limit=30;least=1", raise_at=1.0, clear_at=1.0)
    terms = [SourceTerms(key=key, lateness_s=30) for key in "ab"]
    said = []
    for seen in (range(4), range(2)):
        to = Shard(channels, [by], terms, "city", Mode.TEST)
        found = [Row("ab"[n // 2], n, at, value) for n, at, value in steps if n in seen]
        told = world.messages(feed(to, found, range(99)) + world.flush(to, "ab"))
        said.append([e for e in world.settled(told) if e[1] in ("channel:0", "channel:1")])
    assert said[0] == said[1]
