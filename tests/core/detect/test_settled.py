"""Settled findings are a function of the set of accepted readings; provisional ones arrive at the same."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.detect import Shard
from liandong.core.values.lists import Quality
from liandong.core.values.rules import SourceTerms
from tests.core.detect import world
from tests.core.detect.world import STATISTICS, VALUES, Row, channel

LATENESS = 6
RULES = (*world.RULES, *STATISTICS)
TERMS = (
    SourceTerms(key="a", lateness_s=LATENESS),
    SourceTerms(key="b", lateness_s=2, revision=1),
    SourceTerms(key="c"),
)
REVISION = {"b": 1}
#: g0 is fed by one source, g1 by three.
CHANNELS = (
    channel(0),
    channel(1),
    channel(2, "g1"),
    channel(3, "g1", "b"),
    channel(4, "g1", "c", low=0.0, high=50.0),
)
OWN = {key: [row.number for row in CHANNELS if row.source == key] for key in "abc"}

#: What source a brings to channel 4: moments and values.
LATE = ((0, 25.0), (2, 9.0), (1, 9.0))

cut_points = st.lists(st.integers(0, 60), max_size=12)


def make() -> Shard:
    return world.shard(CHANNELS, RULES, TERMS)


@st.composite
def shuffled_within_lateness(draw: st.DrawFn) -> list[list[Row]]:
    """Readings of source a, with repeats and conflicts, in three arrival orders that its lateness allows."""
    rows = draw(
        st.lists(
            st.builds(Row, st.just("a"), st.integers(0, 2), st.integers(0, 25), st.sampled_from(VALUES)),
            min_size=1,
            max_size=60,
        )
    )
    rows += draw(st.lists(st.sampled_from(rows), max_size=5))
    orders = []
    for _ in range(3):
        delays = draw(st.lists(st.integers(0, LATENESS), min_size=len(rows), max_size=len(rows)))
        # A row arrives when it happened plus a delay, so none is more than the lateness behind another.
        ranked = sorted(range(len(rows)), key=lambda i: (rows[i].at + delays[i], delays[i], i))
        orders.append([rows[i] for i in ranked])
    return orders


@settings(max_examples=150, deadline=None)
@given(shuffled_within_lateness(), st.lists(cut_points, min_size=3, max_size=3))
def test_any_arrival_order_within_lateness_and_any_cut_settles_the_same(orders, cuts):
    wanted = world.expected(orders[0], RULES)
    for rows, cut in zip(orders, cuts, strict=True):
        to = make()
        results = world.feed(to, rows, cut)
        assert to.totals["a"].too_late == to.totals["a"].unusable == 0
        said = world.messages(results + world.flush(to, ["a", "b", "c"]))
        assert world.settled(said) == wanted


@st.composite
def long_run(draw: st.DrawFn) -> list[list[Row]]:
    """One long series on two channels, so that z-scores are warm, in three allowed arrival orders."""
    level = draw(st.sampled_from([12.0, 20.0]))
    moments = sorted(draw(st.sets(st.integers(0, 130), min_size=45, max_size=60)))
    noise = st.sampled_from([0.0, 0.0, 0.5, -0.5, 1.0, -1.0, 9.0, -9.0, 25.0])
    rows = [Row("a", draw(st.integers(0, 5)) // 5, at, level + draw(noise)) for at in moments]
    orders = []
    for _ in range(3):
        delays = draw(st.lists(st.integers(0, LATENESS), min_size=len(rows), max_size=len(rows)))
        ranked = sorted(range(len(rows)), key=lambda i: (rows[i].at + delays[i], delays[i], i))
        orders.append([rows[i] for i in ranked])
    return orders


@settings(max_examples=60, deadline=None)
@given(long_run(), st.lists(cut_points, min_size=3, max_size=3), st.integers(0, 60))
def test_every_statistic_settles_the_same_in_any_order_and_cut_also_when_restored(orders, cuts, when):
    wanted = world.expected(orders[0], RULES)
    for rows, cut in zip(orders, cuts, strict=True):
        to = make()
        first = world.feed(to, rows[:when], cut)
        to = Shard.load(to.dump(), CHANNELS, RULES, TERMS, "city", world.Mode.TEST)
        results = first + world.feed(to, rows[when:], cut, start=60)
        said = world.messages(results + world.flush(to, ["a", "b", "c"]))
        assert world.settled(said) == wanted
        assert sorted(world.fold(said).values(), key=repr) == wanted


@st.composite
def unruly(draw: st.DrawFn) -> list[Row]:
    """Anything from three sources in turns, in any order, also on channels that they do not own."""
    turn = st.tuples(st.sampled_from("aabc"), st.integers(1, 12))
    senders = [source for source, rows in draw(st.lists(turn, min_size=1, max_size=9)) for _ in range(rows)]
    moments = [draw(st.integers(0, 25)) for _ in senders]
    if draw(st.booleans()):
        moments = [moment + drift for moment, drift in zip(sorted(moments), moments, strict=True)]
    guests = draw(st.booleans())
    return [
        Row(
            source,
            draw(st.integers(0, 5)) if guests else draw(st.sampled_from(OWN[source])),  # 5 is unknown
            at,
            draw(st.sampled_from([*VALUES, *VALUES, 60.0, float("nan"), float("inf"), -0.0])),
            draw(st.sampled_from([0] * 9 + [int(Quality.NAN)])),
        )
        for source, at in zip(senders, moments, strict=True)
    ]


@settings(max_examples=250, deadline=None)
@given(unruly(), cut_points)
def test_whatever_arrives_what_settles_follows_from_what_was_accepted(rows, cuts):
    to = make()
    results = world.feed(to, rows, cuts)
    said = world.messages(results + world.flush(to, ["a", "b", "c"]))
    accepted = [row for row in world.in_time(rows, results) if row.channel < 5]
    assert world.settled(said) == world.expected(accepted, RULES, REVISION)


@settings(max_examples=150, deadline=None)
@given(unruly(), cut_points)
def test_provisional_messages_add_up_to_the_settled_ones(rows, cuts):
    to = make()
    results = world.feed(to, rows, cuts)
    for n in range(len(results)):
        picture = world.fold(world.messages(results[: n + 1]))
        still_open = Counter(e[:2] for e in picture.values() if e[5] is None)
        assert max(still_open.values(), default=0) <= 1
    said = world.messages(results + world.flush(to, ["a", "b", "c"]))
    assert sorted(world.fold(said).values(), key=repr) == world.settled(said)


def test_a_guest_on_a_channel_nobody_was_heard_on_brings_nothing_older_than_its_group_has_reached():
    # Taken, it would be settled within the batch that brought it, before anybody was told of it.
    to = make()
    rows = [Row("b", 0, 0, 9.0), Row("b", 0, 3, 30.0), *(Row("a", 4, at, v) for at, v in LATE)]
    results = world.feed(to, rows, [2])
    assert (to.totals["a"].accepted, to.totals["a"].too_late) == (2, 1)
    said = world.messages(results + world.flush(to, ["a", "b", "c"]))
    assert world.settled(said) == world.expected([*rows[:2], *rows[3:]], RULES, REVISION)
    assert sorted(world.fold(said).values(), key=repr) == world.settled(said)


@settings(max_examples=100, deadline=None)
@given(unruly(), cut_points, cut_points)
def test_how_batches_are_cut_changes_neither_what_is_accepted_nor_what_is_counted(rows, one, other):
    shards = make(), make()
    results = [world.feed(to, rows, cuts) for to, cuts in zip(shards, (one, other), strict=True)]
    quality = [[q for r in result for q in r.quality.tolist()] for result in results]
    assert quality[0] == quality[1]
    assert shards[0].totals == shards[1].totals


@settings(max_examples=100, deadline=None)
@given(unruly(), cut_points)
def test_too_late_is_decided_reading_by_reading(rows, cuts):
    rows = [
        row for row in rows if next((c.source == row.source for c in CHANNELS if c.number == row.channel), 0)
    ]
    to = make()
    quality = [q for result in world.feed(to, rows, cuts) for q in result.quality.tolist()]
    lateness = {term.key: term.lateness_us // world.S for term in TERMS}
    newest: dict[str, int] = {}
    for row, q in zip(rows, quality, strict=True):
        if q & int(Quality.NAN | Quality.OUT_OF_RANGE):
            continue
        late = row.at < newest.get(row.source, -1000) - lateness[row.source]
        assert bool(q & Quality.TOO_LATE) == late
        if not late:
            newest[row.source] = max(newest.get(row.source, -1000), row.at)


@settings(max_examples=80, deadline=None)
@given(unruly(), cut_points)
def test_every_row_is_counted_once(rows, cuts):
    to = make()
    results = world.feed(to, rows, cuts)
    for counts in [*to.totals.values(), *(result.counts for result in results)]:
        parts = counts.accepted, counts.duplicate, counts.conflict, counts.too_late, counts.unusable
        assert counts.received == sum(parts)
    assert sum(counts.received for counts in to.totals.values()) == len(rows)
    flags = [q for result in results for q in result.quality.tolist()]
    for name in ("duplicate", "conflict", "too_late"):
        flagged = sum(bool(q & Quality[name.upper()]) for q in flags)
        assert flagged == sum(getattr(counts, name) for counts in to.totals.values())


@settings(max_examples=80, deadline=None)
@given(unruly(), cut_points)
def test_another_group_changes_nothing(rows, cuts):
    alone = [row for row in rows if row.channel < 2 and row.source == "a"]
    # The other group speaks through other sources, because a watermark belongs to a source.
    both = [row for row in rows if row in alone or (row.channel >= 2 and row.source != "a")]
    one, two = make(), make()
    # Row by row: what is provisional depends on the cuts, and those have to be the same.
    each = range(len(rows))
    first = world.messages(world.feed(one, alone, each) + world.flush(one, ["a"]))
    second = world.messages(world.feed(two, both, each) + world.flush(two, "abc"))

    def told(said):
        # The other group's records lie between ours in the log, so positions may differ.
        mine = [m for m in said if m.channel in ("channel:0", "channel:1")]
        return [msgspec.structs.replace(m, position=(0, 0)) for m in mine]

    assert told(first) == told(second)


@settings(max_examples=100, deadline=None)
@given(unruly(), cut_points, st.integers(0, 60))
def test_a_restored_shard_goes_on_identically(rows, cuts, when):
    parts = world.batches(rows, [*cuts, when])
    straight = make()
    broken = make()
    for n, part in enumerate(parts):
        if n == min(when, len(parts) - 1):
            data = broken.dump()
            broken = Shard.load(data, CHANNELS, RULES, TERMS, "city", world.Mode.TEST)
            assert broken.dump() == data
        one = straight.process(world.batch(part), (0, n))
        two = broken.process(world.batch(part), (0, n))
        assert one.messages == two.messages
        assert one.quality.tolist() == two.quality.tolist()
        assert straight.due_advances(n * 50 * world.S) == broken.due_advances(n * 50 * world.S)
    assert straight.dump() == broken.dump()
    assert world.messages(world.flush(straight, "abc")) == world.messages(world.flush(broken, "abc"))
