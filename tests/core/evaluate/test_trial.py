"""Findings against what people found: hits, misses, false ones, and the two baselines beside them."""

from __future__ import annotations

from liandong.core.evaluate.trial import Event, Found, Watched, judge
from liandong.core.values.lists import Cause
from liandong.core.values.times import DAY, HOUR, MINUTE

WATCHED = [
    Watched("gas", "channel:a", "gas_leak", "asset:a"),
    Watched("gas", "channel:b", "gas_leak", "asset:b"),
]


def event(case: str, asset: str, onset: int, cause: Cause) -> Event:
    return Event(case=case, hazard="gas_leak", asset=asset, onset=onset, until=onset + HOUR, cause=cause)


def found(asset: str, raised: int, ended: int | None = None) -> Found:
    return Found(
        rule="gas", channel="channel:a", hazard="gas_leak", asset=asset, onset=raised, raised=raised,
        value=1.0, ended=ended,
    )  # fmt: skip


def test_a_finding_is_real_false_or_unjudged_and_an_event_hit_or_missed():
    events = [
        event("one", "asset:a", 10 * HOUR, Cause.REAL),
        event("two", "asset:b", 20 * HOUR, Cause.REAL),
        event("three", "asset:b", 40 * HOUR, Cause.FALSE_BIOGAS),
        event("four", "asset:b", 60 * HOUR, Cause.DEVICE_FAULT),
    ]
    said = [
        found("asset:a", 10 * HOUR + 5 * MINUTE),
        found("asset:a", 10 * HOUR + 20 * MINUTE),
        found("asset:b", 40 * HOUR),
        found("asset:b", 60 * HOUR),
        found("asset:a", 90 * HOUR),
    ]
    trial = judge(said, events, WATCHED, 0, 4 * DAY)
    rule = trial.rules[0]
    assert (rule.findings, rule.real, rule.false, rule.unjudged) == (5, 2, 1, 2)
    assert (rule.hit, rule.missed, trial.missed) == (1, 1, ("two",))
    assert rule.delay_s == 300.0, "the first finding counts"
    assert rule.precision.hits == 2 and rule.precision.count == 3
    assert rule.per_day == 1.25


def test_the_baselines_cost_nothing_and_show_what_a_figure_is_worth():
    events = [event("one", "asset:a", 10 * HOUR, Cause.REAL), event("two", "asset:c", HOUR, Cause.REAL)]
    always, never = judge([], events, WATCHED, 0, 10 * DAY).beside
    assert (always.findings, always.hit, always.missed, always.per_day) == (20, 1, 1, 2.0)
    assert (never.findings, never.hit, never.missed) == (0, 0, 2)


def test_a_rule_is_not_blamed_for_events_that_it_cannot_see_but_the_whole_is():
    trial = judge([], [event("one", "asset:c", HOUR, Cause.REAL)], WATCHED, 0, DAY)
    assert trial.rules[0].missed == 0
    assert trial.total.missed == 1 and trial.missed == ("one",)


def test_events_outside_the_span_do_not_count():
    trial = judge([], [event("one", "asset:a", 2 * DAY, Cause.REAL)], WATCHED, 0, DAY)
    assert trial.events == 0
