"""What the shard says and settles, one story per promise."""

from __future__ import annotations

from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.ids import finding_id
from liandong.core.values.lists import FindingPart, Mode, Quality
from liandong.core.values.rules import SourceTerms
from tests.core.detect import world
from tests.core.detect.world import Row, S, a, channel, feed, kinds, quality_of, rule, tell

SLOW = (SourceTerms(key="a", lateness_s=10, idle_s=60),)


def test_a_finding_carries_its_rule_and_the_position_of_its_record():
    to = world.shard(rules=[rule(version=3)], sources=SLOW)
    (found,) = tell(to, (1, 10.0), (2, 33.0), at=(4, 7))
    assert found == Finding(
        id=finding_id("city", Mode.TEST, "high", "channel:0", "g0", 2 * S),
        rule="high",
        rule_version=3,
        hazard="gas_leak",
        severity="high",
        channel="channel:0",
        group="g0",
        onset=2 * S,
        raised=2 * S,
        value=33.0,
        limit=30.0,
        position=(4, 7),
    )


def test_the_end_is_the_moment_at_which_the_clear_hold_was_satisfied():
    to = world.shard(rules=[rule(clear_hold_s=2)], sources=SLOW)
    (found, ended) = tell(to, (1, 33.0), (2, 44.0), (3, 10.0), (5, 10.0))
    assert ended == FindingEnded(
        id=found.id, rule="high", channel="channel:0", ended=5 * S, peak=44.0, position=(0, 0)
    )


def test_a_late_reading_moves_the_onset_and_the_id_stays():
    to = world.shard(sources=SLOW)
    (found,) = tell(to, (5, 33.0))
    (revised,) = tell(to, (3, 35.0), at=(0, 1))
    assert revised == FindingRevised(
        id=found.id,
        rule="at_once",
        channel="channel:0",
        onset=3 * S,
        raised=3 * S,
        value=35.0,
        position=(0, 1),
    )
    assert to.explain("channel:0").rules[0].finding == found.id


def test_a_late_reading_that_breaks_the_hold_retracts_and_the_same_onset_gets_the_same_id_again():
    sources = (*SLOW, SourceTerms(key="b", revision=1, lateness_s=10))
    to = world.shard(rules=[rule(hold_s=4)], sources=sources)
    (found,) = tell(to, (1, 33.0), (5, 33.0))
    (gone,) = tell(to, (5, 25.0))  # a conflict: the smaller bits stay
    assert gone == FindingRetracted(id=found.id, rule="high", channel="channel:0", position=(0, 0))
    (again,) = to.process(world.batch([Row("b", 0, 5, 34.0)]), (0, 9)).messages
    assert isinstance(again, Finding)
    assert (again.id, again.onset, again.value) == (found.id, found.onset, 34.0)
    assert to.explain("channel:0").rules[0].finding == found.id
    (settled,) = world.messages(world.flush(to, "ab"))
    assert (settled.id, settled.value) == (found.id, 34.0)


def test_a_late_reading_reopens_what_was_said_to_have_ended():
    to = world.shard(rules=[rule(clear_hold_s=2)], sources=SLOW)
    (found, _) = tell(to, (1, 33.0), (2, 10.0), (4, 10.0))
    (reopened,) = tell(to, (3, 25.0))
    assert reopened == FindingReopened(id=found.id, rule="high", channel="channel:0", position=(0, 0))
    (ended,) = tell(to, (6, 10.0))
    assert isinstance(ended, FindingEnded) and (ended.id, ended.ended) == (found.id, 6 * S)


def test_an_end_that_moved_is_taken_back_and_said_anew():
    to = world.shard(sources=SLOW)
    tell(to, (1, 33.0), (5, 10.0))
    assert kinds(tell(to, (3, 10.0))) == ["FindingReopened", "FindingEnded"]


def test_an_episode_cut_in_two_keeps_its_id_for_the_first_part():
    to = world.shard(sources=SLOW)
    (found,) = tell(to, (1, 33.0), (5, 33.0))
    ended, second = tell(to, (3, 10.0))
    assert (ended.id, ended.ended) == (found.id, 3 * S)
    assert isinstance(second, Finding) and second.onset == 5 * S and second.id != found.id


def test_two_episodes_that_become_one_keep_the_first_id():
    to = world.shard(rules=[rule(clear_hold_s=2)], sources=SLOW)
    first, _, second = tell(to, (1, 33.0), (2, 10.0), (4, 10.0), (5, 33.0))
    assert [(type(m), m.id) for m in tell(to, (3, 25.0))] == [
        (FindingRetracted, second.id),
        (FindingReopened, first.id),
    ]


def test_an_id_is_never_borne_by_two_findings():
    """First said with onset 5, moved to 2; then cut so that a finding with onset 5 stands again."""
    to = world.shard(sources=SLOW)
    (found,) = tell(to, (5, 33.0))
    tell(to, (2, 33.0))
    said = [found, *tell(to, (3, 10.0))]
    standing = {m.id for m in said if isinstance(m, Finding)}
    assert len(standing) == 2
    assert to.explain("channel:0").rules[0].finding == found.id


def test_an_id_whose_finding_is_settled_is_not_given_again():
    """Named after 30 s, moved to 10–20 s and settled; then a finding begins at 30 s after all."""
    sources = [SourceTerms(key="a", lateness_s=20), SourceTerms(key="b", lateness_s=20, revision=1)]
    to = world.shard(sources=sources)
    (found,) = tell(to, (30, 33.0))
    for late in ((10, 33.0), (30, 10.0), (20, 10.0)):
        tell(to, late)
    end = tell(to, (45, 10.0))[-1]  # the watermark is 25 s
    assert (end.id, end.part, end.onset, end.ended) == (found.id, FindingPart.END, 10 * S, 20 * S)
    second = to.process(world.batch([Row("b", 0, 30, 40.0)]), (0, 9)).messages[0]
    assert isinstance(second, Finding) and second.onset == 30 * S and second.id != found.id


def test_what_one_record_corrects_within_itself_is_said_once():
    to = world.shard(sources=SLOW)
    (found,) = tell(to, (5, 33.0), (3, 35.0))
    assert isinstance(found, Finding) and found.onset == 3 * S


def test_messages_stand_by_group_channel_and_rule_whatever_the_numbers():
    channels = [channel(0, "g1"), channel(1, "g0"), channel(2, "g0")]
    to = world.shard(channels, [rule("z"), rule("y")])
    said = feed(to, [Row("a", n, 1, 40.0) for n in (0, 2, 1)])[0].messages
    assert [(m.group, m.channel, m.rule) for m in said] == [
        (group, key, name)
        for group, key in (("g0", "channel:1"), ("g0", "channel:2"), ("g1", "channel:0"))
        for name in ("y", "z")
    ]


def test_a_rule_looks_only_at_its_quantity_and_asset_kind():
    channels = [channel(0, asset_kind="valve_well"), channel(1, asset_kind="station")]
    rules = [rule("wells", asset_kind="valve_well"), rule("all"), rule("other", quantity="level")]
    said = feed(world.shard(channels, rules), [Row("a", n, 1, 40.0) for n in (0, 1)])[0].messages
    assert [(m.channel, m.rule) for m in said] == [
        ("channel:0", "all"),
        ("channel:0", "wells"),
        ("channel:1", "all"),
    ]


def test_settled_once_the_watermark_lies_beyond_and_not_when_it_is_equal():
    to = world.shard(sources=SLOW)
    (found,) = tell(to, (5, 33.0))
    assert tell(to, (15, 33.0)) == ()  # watermark 5 s: another value of 5 s may still come
    (settled,) = tell(to, (16, 33.0), at=(2, 2))
    assert settled == FindingSettled(
        id=found.id,
        rule="at_once",
        channel="channel:0",
        part=FindingPart.ONSET,
        onset=5 * S,
        raised=5 * S,
        value=33.0,
        ended=None,
        peak=None,
        position=(2, 2),
    )
    assert kinds(tell(to, (17, 10.0), (27, 10.0))) == ["FindingEnded"]
    (end,) = tell(to, (28, 10.0))
    assert (end.part, end.ended, end.peak, end.onset) == (FindingPart.END, 17 * S, 33.0, 5 * S)


def test_a_finding_at_the_watermark_is_not_settled_with_its_neighbour_before_it():
    to = world.shard([channel(0), channel(1)], sources=SLOW)
    feed(to, [*a((5, 33.0)), *a((6, 33.0), number=1)])
    said = feed(to, a((16, 0.0)))[0].messages
    assert [m.channel for m in said if isinstance(m, FindingSettled)] == ["channel:0"]
    assert kinds(feed(to, a((6, 10.0), number=1))[0].messages) == ["FindingRetracted"]


def test_a_reading_at_the_watermark_is_in_time_and_one_before_it_too_late():
    to = world.shard(sources=SLOW)
    tell(to, (20, 0.0))
    assert quality_of(to, a((10, 0.0), (9, 0.0))) == [Quality.GOOD, Quality.TOO_LATE]


def test_a_later_row_of_the_batch_does_not_take_the_watermark_back():
    to = world.shard(sources=SLOW)
    assert quality_of(to, a((20, 0.0), (12, 0.0), (9, 0.0))) == [0, 0, Quality.TOO_LATE]


def test_what_guests_settled_stays_when_the_owner_begins():
    to = world.shard(sources=[SourceTerms(key="a", lateness_s=90), SourceTerms(key="b")])
    feed(to, [Row("b", 0, 50, 0.0), Row("b", 0, 60, 40.0), Row("b", 0, 61, 40.0)])
    owner = a((59, 40.0), (60, 40.0), (61, 0.0), (62, 0.0))
    assert quality_of(to, owner) == [
        Quality.TOO_LATE,
        Quality.TOO_LATE,
        Quality.CONFLICT,
        Quality.GOOD,
    ]


def test_a_group_waits_for_its_slowest_source_that_has_sent():
    channels = [channel(0), channel(1, source="b"), channel(2, source="c")]
    to = world.shard(channels, sources=[SourceTerms(key=key) for key in "abc"])
    feed(to, [Row("b", 1, 1, 0.0)])
    said = feed(to, a((2, 33.0), (9, 33.0)))[0].messages
    assert kinds(said) == ["Finding"]
    (settled,) = feed(to, [Row("b", 1, 3, 0.0)])[0].messages
    assert isinstance(settled, FindingSettled) and settled.channel == "channel:0"


def test_a_source_that_begins_later_may_still_send_what_its_own_terms_allow():
    channels = [channel(0), channel(1, source="b")]
    to = world.shard(channels, sources=[SourceTerms(key="a"), SourceTerms(key="b", lateness_s=5)])
    feed(to, a((100, 0.0)))
    rows = [Row("b", 1, at, value) for at, value in ((50, 0.0), (52, 40.0), (51, 40.0), (60, 40.0))]
    results = feed(to, rows, range(9))
    assert world.in_time(rows, results) == rows
    said = world.messages(results + world.flush(to, "ab"))
    assert world.settled(said) == world.expected(rows, world.RULES[:1])
