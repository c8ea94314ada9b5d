"""What the shard remembers, tells about itself and refuses."""

from __future__ import annotations

import numpy as np
import pytest

from liandong.core.detect import Shard, partition_of
from liandong.core.values.errors import BadInput, Broken, NotFound
from liandong.core.values.lists import Mode
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, S, a, channel, feed, rule, tell

SLOW = (SourceTerms(key="a", lateness_s=10, idle_s=60),)


def test_explain_says_how_each_rule_stands():
    to = world.shard(
        rules=[rule("held", hold_s=9, clear_hold_s=9), rule("now", clear_hold_s=9)], sources=SLOW
    )
    state = to.explain("channel:0")
    assert (state.last_time, state.frontier, state.rules[0].phase) == (None, None, "unknown")
    assert state.unknown, "what was never heard is not normal"
    (found,) = tell(to, (20, 33.0))
    state = to.explain("channel:0")
    assert (state.group, state.last_time, state.last_value, state.frontier) == ("g0", 20 * S, 33.0, 10 * S)
    held, now = state.rules
    assert (held.phase, held.onset, held.raised, held.peak, held.finding) == (
        "pending",
        20 * S,
        None,
        33.0,
        "",
    )
    assert (now.phase, now.raised, now.finding, now.settled_phase) == ("raised", 20 * S, found.id, "normal")
    assert not state.unknown
    tell(to, (21, 0.0))
    now = to.explain("channel:0").rules[1]
    assert (now.phase, now.since) == ("clearing", 21 * S)


def test_explain_refuses_a_channel_of_another_shard():
    with pytest.raises(NotFound):
        world.shard().explain("channel:99")


def test_the_digest_depends_on_the_rows_and_not_on_their_order():
    channels = [channel(0), channel(1)]
    assert world.shard(channels).digest == world.shard(channels[::-1]).digest
    assert world.shard(channels).digest != world.shard(channels, [rule(raise_at=31.0)]).digest
    assert world.shard(channels).digest != world.shard(channels[:1]).digest
    assert world.shard(channels).digest != world.shard(channels, sources=SLOW).digest


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda: world.shard(rules=[rule(raise_at=31.0)]), "detect.snapshot_digest"),
        (
            lambda: Shard([channel(0)], world.RULES[:1], [SourceTerms(key="a")], "town", Mode.TEST),
            "detect.snapshot_city",
        ),
        (
            lambda: Shard([channel(0)], world.RULES[:1], [SourceTerms(key="a")], "city", Mode.REAL),
            "detect.snapshot_mode",
        ),
    ],
)
def test_a_dump_of_another_shard_is_refused_and_changes_nothing(change, key: str):
    to = change()
    before = to.dump()
    with pytest.raises(Broken) as error:
        to.restore(world.shard().dump())
    assert error.value.key == key
    assert to.dump() == before


@pytest.mark.parametrize(
    "spoil", [lambda d: d[:-1], lambda d: d[:40] + b"\x00" + d[41:], lambda d: b"", lambda d: b"x" + d]
)
def test_a_damaged_dump_is_refused(spoil):
    to = world.shard()
    feed(to, a((1, 40.0)))
    with pytest.raises(Broken):
        world.shard().restore(spoil(to.dump()))


def test_a_dump_of_another_version_is_refused_by_name(monkeypatch):
    data = world.shard().dump()
    monkeypatch.setattr("liandong.core.detect.snapshot.VERSION", 99)
    with pytest.raises(Broken) as error:
        world.shard().restore(data)
    assert error.value.key == "detect.snapshot_version"


@pytest.mark.parametrize(
    ("channels", "rules", "sources"),
    [
        ([channel(0), channel(0)], [rule()], SLOW),
        ([channel(0)], [rule(), rule(version=2)], SLOW),
        ([channel(0)], [rule()], SLOW * 2),
        ([channel(0, source="nobody")], [rule()], SLOW),
        ([channel(-1)], [rule()], SLOW),
    ],
)
def test_rows_that_contradict_each_other_are_refused(channels, rules, sources):
    with pytest.raises(BadInput):
        world.shard(channels, rules, sources)


def test_a_shard_without_rules_or_channels_still_counts():
    to = world.shard(rules=[])
    assert feed(to, a((1, 40.0)))[0].counts.accepted == 1
    assert feed(world.shard([]), a((1, 40.0)))[0].counts.unusable == 1


def test_more_findings_in_one_batch_than_the_first_guess():
    channels = [channel(n, f"g{n % 7}") for n in range(600)]
    to = world.shard(channels)
    said = feed(to, [Row("a", n, 1, 40.0) for n in range(600)])[0].messages
    assert len({m.id for m in said}) == 600


def test_partitions_are_fixed_for_ever():
    assert [partition_of(group) for group in ("group:a", "group:b", "管廊一段")] == [33, 232, 254]
    assert len({partition_of(f"group:{n}") for n in range(5000)}) == 256


def test_a_sliced_batch_is_the_same_as_its_copy():
    rows = world.batch(a(*[(n, 40.0 if n % 3 else 0.0) for n in range(20)]))
    every_second = np.arange(0, 20, 2)
    columns = {
        name: getattr(rows, name)[::2]
        for name in ("channel", "event_time", "arrival_time", "value", "quality", "message")
    }
    one, two = world.shard(), world.shard()
    assert (
        one.process(rows.take(every_second), (0, 0)).messages
        == two.process(ReadingBatch(source="a", **columns), (0, 0)).messages
    )
