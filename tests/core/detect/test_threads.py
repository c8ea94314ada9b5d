"""Failures that users of other platforms reported, as tests of detect. The numbers are the threads'."""

from __future__ import annotations

import numpy as np
import pytest

from liandong.core.values.findings import Finding, FindingEnded, FindingSettled
from liandong.core.values.lists import OnSilence, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, S, a, channel, feed, kinds, rule, tell

SLOW = (SourceTerms(key="a", lateness_s=10, idle_s=60),)


def test_2_a_value_that_stays_bad_and_unchanged_keeps_its_finding_open_and_visible():
    to = world.shard(rules=[rule(clear_hold_s=5)])
    (found,) = tell(to, (0, 35.0))
    for at in range(1, 200):
        assert [m for m in tell(to, (at, 35.0)) if not isinstance(m, FindingSettled)] == []
    (state,) = to.explain("channel:0").rules
    assert (state.phase, state.finding, state.onset) == ("raised", found.id, 0)


@pytest.mark.parametrize("policy", OnSilence)
def test_3_no_data_for_so_many_minutes_does_what_the_rule_says(policy: OnSilence):
    silence = 0.0 if policy is OnSilence.HOLD else 300.0
    to = world.shard(rules=[rule(on_silence=policy, silence_s=silence)], sources=SLOW)
    (found,) = tell(to, (0, 35.0))
    said = [m for moment in (200, 400, 900) for m in to.advance("a", moment * S, (1, moment)).messages]
    ended = [m for m in said if isinstance(m, FindingEnded)]
    (state,) = to.explain("channel:0").rules
    if policy is OnSilence.CLEAR:
        assert [(m.id, m.ended) for m in ended] == [(found.id, 300 * S)]
        assert kinds(said) == ["FindingSettled", "FindingEnded", "FindingSettled"]
        assert state.phase == "normal"
    else:
        assert not ended and state.finding == found.id
        assert state.phase == ("unknown" if policy is OnSilence.UNKNOWN else "raised")
    assert to.explain("channel:0").unknown is (policy is OnSilence.UNKNOWN)


def test_3_silence_is_raised_by_the_clock_without_a_message_and_ends_with_the_next_reading():
    silent = rule("silent", statistic=Statistic.STALE, raise_at=300.0, clear_at=300.0)
    to = world.shard([channel(0), channel(1)], [silent], SLOW)
    feed(to, [*a((0, 1.0), (100, 1.0)), *a((90, 1.0), number=1)])
    # 300 s after its newest reading, 10 s lateness and 60 s idle: from 460 s on a tick wakes the source.
    assert to.due_advances(460 * S) == () and to.due_advances(461 * S) == (("a", 391 * S),)
    (found, _) = to.advance("a", 391 * S, (1, 0)).messages
    assert isinstance(found, Finding)
    assert (found.channel, found.onset, found.raised, found.value) == ("channel:1", 390 * S, 390 * S, 300.0)
    (state,) = to.explain("channel:1").rules
    assert state.phase == "raised" and to.explain("channel:1").unknown
    assert to.due_advances(470 * S) == () and to.due_advances(471 * S) == (("a", 401 * S),)
    (ended,) = feed(to, a((500, 1.0), number=1))[0].messages[-1:]
    assert isinstance(ended, FindingEnded) and (ended.ended, ended.peak) == (500 * S, 410.0)


def test_4_a_warning_steps_down_level_by_level_with_hysteresis():
    levels = [
        rule(f"level_{level}", raise_at=limit, clear_at=limit - 5.0)
        for level, limit in enumerate((20.0, 30.0, 40.0), 1)
    ]
    to = world.shard(rules=levels)
    seen = []
    for at, value in enumerate([10, 45, 37, 34, 36, 29, 24, 26, 16, 14, 19]):
        tell(to, (at, value))
        states = to.explain("channel:0").rules
        seen.append(sum(state.phase == "raised" for state in states))
    assert seen == [0, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0]


def test_5_a_condition_shorter_than_its_hold_never_alarms_under_jitter_and_clock_skew():
    """59 s of every two minutes lie above the limit, the hold is 60 s; readings come shuffled and skewed."""
    rng = np.random.default_rng(5)
    to = world.shard(rules=[rule(hold_s=60)], sources=[SourceTerms(key="a", lateness_s=30)])
    times = np.arange(0, 3600) * S
    values = np.where(times // S % 120 <= 59, 40.0, 0.0)
    order = np.argsort(times + rng.integers(0, 29 * S, len(times)), kind="stable")
    said = []
    for n, rows in enumerate(np.array_split(order, 200)):
        # The whole device runs five minutes ahead: event time is all that counts.
        batch = ReadingBatch.from_columns(
            "a", channel=np.zeros(len(rows)), event_time=times[rows] + 300 * S, value=values[rows]
        )
        said += to.process(batch, (0, n)).messages
    assert to.totals["a"].too_late == 0
    assert world.settled([*said, *world.messages(world.flush(to, "a"))]) == []


def test_6_two_holds_on_one_channel_do_not_leak_into_each_other():
    rules = [rule("short", hold_s=5), rule("long", hold_s=50, clear_hold_s=7), rule("other", hold_s=20)]
    rows = a(*[(at, 40.0 if at % 37 < 22 or 100 < at < 160 else 0.0) for at in range(300)])
    together = world.shard(rules=rules)
    said = world.messages(feed(together, rows, range(0, 300, 7)) + world.flush(together, "a"))
    for by in rules:
        alone = world.shard(rules=[by])
        only = world.messages(feed(alone, rows, range(0, 300, 7)) + world.flush(alone, "a"))
        assert [e for e in world.settled(said) if e[0] == by.key] == world.settled(only) != []


def test_8_two_updates_two_milliseconds_apart_and_times_that_go_backwards_lose_nothing():
    to = world.shard(rules=[rule()], sources=[SourceTerms(key="a", lateness_s=1)])
    moments = [1_000_000, 1_002_000, 1_500_000, 1_004_000, 1_003_000, 600_000, 1_001_000]
    batch = ReadingBatch.from_columns(
        "a", channel=[0] * 7, event_time=moments, value=[0.0, 40.0, 0.0, 0.0, 41.0, 0.0, 0.0]
    )
    said = [*to.process(batch, (0, 0)).messages, *world.messages(world.flush(to, "a"))]
    assert to.totals["a"].accepted == 7
    (episode,) = world.settled(said)
    assert episode[2:] == (1_002_000, 1_002_000, 40.0, 1_004_000, 41.0)


def test_8_a_source_whose_clock_was_set_back_is_counted_row_by_row():
    to = world.shard(sources=[SourceTerms(key="a", lateness_s=5)])
    feed(to, [Row("a", 0, at, 0.0) for at in (100, 101, 96, 95, 90, 97)], range(9))
    totals = to.totals["a"]
    assert (totals.received, totals.accepted, totals.too_late) == (6, 4, 2)
