"""What the shard uses of what arrives: quality, repeats, conflicts, silence."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from liandong.core.values.lists import FindingPart, Quality
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, S, a, channel, feed, kinds, quality_of, tell

SLOW = (SourceTerms(key="a", lateness_s=10, idle_s=60),)


@pytest.mark.parametrize(
    ("value", "quality", "flag"),
    [
        (0.0, Quality.NAN, Quality.NAN),
        (float("nan"), 0, Quality.NAN),
        (float("inf"), 0, Quality.NAN),
        (100.5, 0, Quality.OUT_OF_RANGE),
        (-0.5, 0, Quality.OUT_OF_RANGE),
        (50.0, Quality.FUTURE, Quality.FUTURE),
    ],
)
def test_an_unusable_reading_is_flagged_and_moves_nothing(value: float, quality: int, flag: Quality):
    to = world.shard([channel(0, low=0.0, high=100.0)])
    tell(to, (1, 0.0))
    before = to.explain("channel:0")
    result = to.process(world.batch(a((99, value), quality=int(quality))), (0, 1))
    assert (result.messages, result.quality.tolist(), result.counts.unusable) == ((), [int(flag)], 1)
    assert to.explain("channel:0") == before
    assert quality_of(to, a((2, 0.0))) == [Quality.GOOD]


def test_the_ends_of_the_range_are_inside_it():
    to = world.shard([channel(0, low=0.0, high=100.0)])
    assert quality_of(to, a((1, 0.0), (2, 100.0))) == [0, 0]


def test_an_event_time_beyond_2100_is_in_the_future():
    to = world.shard()
    assert quality_of(to, a((5_000_000_000, 40.0), (1, 0.0))) == [Quality.FUTURE, Quality.GOOD]


@pytest.mark.parametrize("number", [-1, 1, 2, 99])
def test_an_unknown_channel_is_counted_and_moves_nothing(number: int):
    to = world.shard([channel(0), channel(3)])
    result = to.process(world.batch(a((99, 40.0), number=number)), (0, 0))
    assert (result.counts.unusable, result.messages) == (1, ())
    assert quality_of(to, a((2, 0.0))) == [Quality.GOOD]


def test_an_unknown_source_is_counted():
    to = world.shard()
    result = to.process(world.batch([Row("z", 0, 1, 40.0)]), (0, 0))
    assert result.messages == () and to.totals["z"].unusable == 1
    assert to.advance("z", 5, (0, 1)).messages == ()


def test_a_batch_without_rows_is_nothing():
    result = world.shard().process(ReadingBatch.from_columns("a", channel=[]), (0, 0))
    assert (result.messages, len(result.quality), result.counts.received) == ((), 0, 0)


def test_a_batch_takes_the_memory_of_what_it_brings_and_not_of_what_is_held():
    to = world.shard(sources=[SourceTerms(key="a", lateness_s=1_000)])
    held = np.arange(100_000)
    for number, rows in enumerate((held, held[:1] + S, held[:1] + 2 * S)):
        more = ReadingBatch.from_columns("a", channel=np.zeros(len(rows)), event_time=rows)
        if number == 2:
            tracemalloc.start()
        to.process(more, (0, number))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert to.explain("channel:0").last_time == 2 * S and peak < 200_000


def test_read_only_columns_are_read():
    row = world.batch(a((1, 40.0)))
    for name in ("channel", "event_time", "value", "quality"):
        getattr(row, name).flags.writeable = False
    assert kinds(world.shard().process(row, (0, 0)).messages) == ["Finding"]
    assert row.quality.tolist() == [0]


def test_the_same_value_again_is_dropped():
    to = world.shard()
    assert quality_of(to, a((1, 40.0), (1, 40.0))) == [Quality.GOOD, Quality.DUPLICATE]
    assert tell(to, (1, 40.0)) == ()


@pytest.mark.parametrize("values", [(40.0, 10.0), (10.0, 40.0)])
def test_of_two_values_the_smaller_bits_stay(values: tuple[float, float]):
    to = world.shard(sources=SLOW)
    feed(to, a((1, values[0])))
    assert quality_of(to, a((1, values[1]))) == [Quality.CONFLICT]
    assert to.explain("channel:0").last_value == 10.0
    assert to.explain("channel:0").rules[0].phase == "normal"


def test_bits_are_compared_as_unsigned_integers_so_a_negative_value_is_the_larger():
    to = world.shard()
    feed(to, a((1, 10.0), (1, -10.0)))
    assert to.explain("channel:0").last_value == 10.0


def test_a_higher_revision_wins_also_when_it_came_first_as_a_mere_repeat():
    sources = [SourceTerms(key="a", lateness_s=9), SourceTerms(key="b", lateness_s=9, revision=1)]
    to = world.shard(sources=sources)
    feed(to, [*a((1, 40.0)), Row("b", 0, 1, 40.0), *a((1, 10.0))])
    assert to.explain("channel:0").last_value == 40.0
    feed(to, [Row("b", 0, 1, 35.0)])
    assert to.explain("channel:0").last_value == 35.0


def test_a_value_that_won_by_revision_is_not_beaten_by_smaller_bits_later():
    sources = [SourceTerms(key="a", lateness_s=9), SourceTerms(key="b", lateness_s=9, revision=1)]
    to = world.shard(sources=sources)
    feed(to, [*a((1, 10.0)), Row("b", 0, 1, 40.0), *a((1, 5.0))])
    assert to.explain("channel:0").last_value == 40.0


def test_a_guest_may_not_change_what_is_settled():
    to = world.shard(sources=[SourceTerms(key="a"), SourceTerms(key="b", revision=1)])
    feed(to, a((1, 40.0), (9, 40.0)))
    assert quality_of(to, [Row("b", 0, 8, 0.0), Row("b", 0, 9, 0.0)]) == [Quality.TOO_LATE, Quality.CONFLICT]


def test_a_silent_source_is_moved_when_that_settles_a_finding_and_only_then():
    to = world.shard(sources=SLOW)
    assert to.due_advances(10**9 * S) == ()  # never sent
    (found,) = tell(to, (100, 33.0))
    # The watermark is 90 s and must lie beyond 100 s: now − 10 − 60 > 100.
    assert to.due_advances(170 * S) == ()
    ((source, watermark),) = to.due_advances(170 * S + 1)
    assert (source, watermark) == ("a", 100 * S + 1)
    (settled,) = to.advance(source, watermark, (0, 5)).messages
    assert (settled.id, settled.part, settled.position) == (found.id, FindingPart.ONSET, (0, 5))
    assert to.due_advances(10**6 * S) == ()  # nothing waits any more


def test_an_advance_makes_what_is_older_too_late_and_never_goes_back():
    to = world.shard(sources=SLOW)
    tell(to, (100, 0.0))
    to.advance("a", 150 * S, (0, 1))
    to.advance("a", 120 * S, (0, 2))
    assert quality_of(to, a((149, 0.0), (150, 0.0))) == [Quality.TOO_LATE, Quality.GOOD]


def test_a_silent_source_is_moved_for_a_neighbour_that_waits_for_it():
    channels = [channel(0), channel(1, source="b")]
    sources = [SourceTerms(key="a", idle_s=60), SourceTerms(key="b", idle_s=60)]
    to = world.shard(channels, sources=sources)
    feed(to, [Row("b", 1, 1, 0.0), *a((10, 33.0), (100, 33.0))])
    assert to.due_advances(70 * S) == ()
    assert to.due_advances(71 * S) == (("b", 11 * S),)
    (settled,) = to.advance("b", 11 * S, (0, 5)).messages
    assert settled.channel == "channel:0"


def test_a_silent_source_that_holds_back_a_talking_one_is_moved_once_per_idle_time():
    channels = [channel(0), channel(1, source="b")]
    sources = [SourceTerms(key="a", idle_s=60), SourceTerms(key="b", idle_s=60)]
    to = world.shard(channels, sources=sources)
    feed(to, [Row("b", 1, 1, 0.0), *a((120, 0.0))])
    assert to.due_advances(120 * S) == ()
    assert to.due_advances(121 * S) == (("b", 61 * S),)
    to.advance("b", 61 * S, (0, 5))
    assert to.due_advances(150 * S) == ()
    assert to.due_advances(10**6 * S) == ()  # both are silent: nothing grows
