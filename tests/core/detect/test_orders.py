"""Statistics, silence and rules over groups: what settles is the same in any allowed order and cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.detect import Shard
from liandong.core.values.lists import Mode, OnSilence, Statistic
from liandong.core.values.rules import Rule, SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, channel, rule

LATENESS = 6
TERMS = (SourceTerms(key="a", lateness_s=LATENESS),)
#: The last is a group of its own, of the same source: it moves time for the others.
CHANNELS = (channel(0), channel(1), channel(2, low=0.0, high=50.0), channel(3, "g1"))
VALUES = (9.0, 10.0, 20.0, 20.0, 20.0, 25.0, 40.0, 60.0)


def spanned(statistic: Statistic, raise_at: float, clear_at: float, **more: object) -> Rule:
    return rule(str(statistic), statistic=statistic, raise_at=raise_at, clear_at=clear_at, **more)


RULES = (
    spanned(Statistic.EWMA, 4.0, 2.0, window_s=4, baseline=20.0),
    spanned(Statistic.CUSUM, 9.0, 3.0, baseline=19.0, slack=1.0),
    spanned(Statistic.MEAN, 25.0, 20.0, window_s=5, hold_s=1),
    spanned(Statistic.SUM, 90.0, 50.0, window_s=5),
    spanned(Statistic.STD, 9.0, 4.0, window_s=6, clear_hold_s=1),
    spanned(Statistic.RANGE, 1.0, 5.0, window_s=4, above=False),
    spanned(Statistic.FLAT, 4.0, 4.0),
    spanned(Statistic.ROBUST_Z, 3.0, 2.0, window_s=12, floor=1.0),
    spanned(Statistic.OUT_OF_RANGE, 0.4, 0.2, window_s=8),
    spanned(Statistic.STALE, 5.0, 5.0, hold_s=1, clear_hold_s=3),
    rule("silent", hold_s=1, on_silence=OnSilence.CLEAR, silence_s=4),
    rule("quorum", statistic=Statistic.SCORE, scorer="quorum", params="limit=25", raise_at=0.5, clear_at=0.5),
    rule(
        "odd_one", statistic=Statistic.SCORE, scorer="contradiction", raise_at=10.0, clear_at=5.0,
        window_s=5, hold_s=1,
    ),
    rule(
        "then", statistic=Statistic.SCORE, scorer="sequence", raise_at=1.0, clear_at=1.0,
        members=("channel:0", "channel:1"), params="first=25;second=25;within_s=4",
    ),
)  # fmt: skip


def make() -> Shard:
    return world.shard(CHANNELS, RULES, TERMS)


@st.composite
def orders(draw: st.DrawFn) -> list[list[Row]]:
    """Readings on four channels with pauses, in order of time and in two orders that the lateness allows."""
    moments = sorted(draw(st.sets(st.integers(0, 70), min_size=5, max_size=45)))
    moments = [at + (20 if at > 35 else 0) for at in moments]
    number = st.sampled_from([0, 0, 1, 2, 3])
    rows = [Row("a", draw(number), at, draw(st.sampled_from(VALUES))) for at in moments]
    rows += [
        Row("a", (row.channel + 1) % 3, row.at, draw(st.sampled_from(VALUES)))
        for row in rows
        if draw(st.booleans())
    ]
    found = [sorted(rows, key=lambda row: row.at)]
    for _ in range(2):
        delays = draw(st.lists(st.integers(0, LATENESS), min_size=len(rows), max_size=len(rows)))
        ranked = sorted(range(len(rows)), key=lambda i: (rows[i].at + delays[i], delays[i], i))
        found.append([rows[i] for i in ranked])
    return found


cut_points = st.lists(st.integers(0, 90), max_size=12)


@settings(max_examples=15, deadline=None)
@given(orders(), st.lists(cut_points, min_size=3, max_size=3), st.integers(0, 90))
def test_every_kind_of_rule_settles_the_same_in_any_order_and_cut_also_when_restored(found, cuts, when):
    straight = make()
    wanted = world.settled(
        world.messages(world.feed(straight, found[0], range(99)) + world.flush(straight, "a"))
    )
    for rows, cut in zip(found, cuts, strict=True):
        to = make()
        results = world.feed(to, rows[:when], cut)
        data = to.dump()
        due = [to.due_advances(at * world.S) for at in (50, 90, 2000)]
        to = Shard.load(data, CHANNELS, RULES, TERMS, "city", Mode.TEST)
        assert to.dump() == data
        assert [to.due_advances(at * world.S) for at in (50, 90, 2000)] == due
        said = world.messages(results + world.feed(to, rows[when:], cut, start=60) + world.flush(to, "a"))
        assert world.settled(said) == wanted
        assert sorted(world.fold(said).values(), key=repr) == wanted


@settings(max_examples=25, deadline=None)
@given(orders(), cut_points)
def test_silence_is_found_wherever_it_lies_and_nowhere_else(found, cuts):
    to = make()
    said = world.messages(world.feed(to, found[1], cuts) + world.flush(to, "a"))
    wanted = []
    for number in range(4):
        times = sorted({row.at for row in found[0] if row.channel == number and usable(row)})
        wanted += silences(times, f"channel:{number}")
    assert [e for e in world.settled(said) if e[0] == "stale"] == sorted(wanted, key=repr)


def test_a_silence_that_begins_and_ends_within_one_batch_is_told_before_a_late_reading_asks_again():
    """One batch brings a channel's last reading and, on another, time beyond its silence; then a late one."""
    to = make()
    said = world.messages(world.feed(to, [Row("a", 0, 0, 9.0), Row("a", 2, 13, 9.0)]))
    assert [m.rule for m in said if type(m).__name__ == "Finding" and m.channel == "channel:0"] == ["stale"]
    late = [Row("a", 0, at, 9.0) for at in (14, 13, 15, 16)]
    said += world.messages(world.feed(to, late, start=5) + world.flush(to, "a"))
    found = [e for e in world.settled(said) if e[:2] == ("stale", "channel:0")]
    assert (5 * world.S, 6 * world.S, 6.0, 16 * world.S) in [e[2:6] for e in found]


def usable(row: Row) -> bool:
    return row.channel != 2 or row.value <= 50.0


def silences(times: list[int], key: str) -> list[tuple[object, ...]]:
    """Episodes of the stale rule: 5 s without a reading and 1 s hold, cleared by 3 s of readings."""
    out: list[tuple[object, ...]] = []
    at = 0
    while at < len(times):
        if at + 1 < len(times) and times[at + 1] - times[at] <= 6:
            at += 1
            continue
        onset, peak, since = times[at] + 5, 6.0, None
        ended = None
        for i in range(at + 1, len(times)):
            gap = times[i] - times[i - 1]
            peak = max(peak, float(gap))
            since = times[i] if since is None or gap > 5 else since
            if times[i] - since >= 3:
                ended = times[i]
                break
        shown = None if ended is None else ended * world.S
        out.append(
            ("stale", key, onset * world.S, (onset + 1) * world.S, 6.0, shown, peak if ended else None)
        )
        if ended is None:
            return out
        at = i
    return out


def test_every_rule_of_this_file_finds_something():
    """Otherwise the tests above would compare nothing with nothing."""
    rows = [Row("a", n % 3, n // 2, VALUES[(n * n // 7 + n // 40) % len(VALUES)]) for n in range(200)]
    rows += [Row("a", 0, at, 20.0) for at in range(120, 140)]
    rows += [Row("a", n, 141, 40.0) for n in range(3)]
    rows += [Row("a", 2, at, 60.0) for at in range(142, 155)]
    to = make()
    said = world.messages(world.feed(to, rows, range(999)) + world.flush(to, "a"))
    assert {e[0] for e in world.settled(said)} == {by.key for by in RULES}
