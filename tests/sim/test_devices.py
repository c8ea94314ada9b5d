"""The script of the devices: the same bytes for the same seed, in order, with every part of the story."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from typing import Any

import pytest

from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Cause
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, parse_time
from liandong.sim.city import demo_city
from liandong.sim.device_story import Episode, Kind, device_story
from liandong.sim.devices import BAD_KINDS, DeviceMessage, device_script

START = parse_time("2026-05-01T00:00:00+08:00")
DEMO = demo_city(5, START, 1)
SCRIPT = device_script(5, DEMO, START, 24)
CLEAN = device_script(5, DEMO, START, 24, dirt=False)
STORY = device_story(5, DEMO, START, 24)
RULES = {rule.key: rule for rule in DEMO.rules}


def readings(messages: tuple[DeviceMessage, ...]) -> list[tuple[str, int, float]]:
    rows = [row for message in messages for row in json.loads(message.body)["readings"]]
    return [(row["channel"], parse_time(row["time"]), row["value"]) for row in rows]


READINGS = readings(CLEAN)


def curve(channel: str, episode: Episode) -> list[tuple[int, float]]:
    return sorted((at, v) for c, at, v in READINGS if c == channel and episode.begin <= at < episode.end)


def of(kind: Kind) -> list[Episode]:
    return [episode for episode in STORY if episode.kind == kind]


def raises(rule: str, channel: str) -> int:
    """How often a rule would raise on a channel: the slow, obvious reading of its row."""
    row, open_, since, times = RULES[rule], False, None, 0
    for at, value in sorted((at, v) for c, at, v in READINGS if c == channel):
        if not open_:
            since = (at if since is None else since) if value >= row.raise_at else None
            if since is not None and at - since >= row.hold_us:
                open_, since, times = True, None, times + 1
        else:
            since = (at if since is None else since) if value < row.clear_at else None
            if since is not None and at - since >= row.clear_hold_us:
                open_, since = False, None
    return times


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert device_script(5, DEMO, START, 24) == SCRIPT
    assert device_script(6, DEMO, START, 24) != SCRIPT


def test_a_day_is_about_1000_to_1500_messages_sorted_by_time_and_source() -> None:
    assert 1000 <= len(SCRIPT) <= 1500
    assert [(m.at, m.source) for m in SCRIPT] == sorted((m.at, m.source) for m in SCRIPT)
    assert all(START <= m.at < START + DAY + 10 * MINUTE for m in SCRIPT)


@pytest.mark.parametrize(
    ("hours", "period_s", "sensors"), [(1, 60, 36), (2, 300, 36), (6.5, 300, 60), (30, 600, 36)]
)
def test_smaller_and_longer_scripts_work_too(hours: float, period_s: int, sensors: int) -> None:
    city = demo_city(1, START, 2, sensors)
    script = device_script(1, city, START, hours, period_s=period_s)
    assert script and script == device_script(1, city, START, hours, period_s=period_s)
    assert {e.kind for e in device_story(1, city, START, hours, period_s)} == set(Kind)


def test_every_channel_reports_every_five_minutes_and_only_by_its_own_source() -> None:
    count = Counter(channel for channel, _, _ in READINGS)
    sent = [c for c in DEMO.city.channels if c.source != "source:self"]
    assert set(count) == {c.key for c in sent}
    assert min(count.values()) == 24 * 12
    owner = {c.key: c.source for c in sent}
    for message in CLEAN:
        assert {owner[row["channel"]] for row in json.loads(message.body)["readings"]} == {message.source}


def test_values_lie_within_the_range_of_their_quantity() -> None:
    ranges = {q.key: (q.low, q.high) for q in DEMO.city.quantities}
    quantity = {c.key: ranges[c.quantity] for c in DEMO.city.channels}
    for channel, _, value in READINGS:
        low, high = quantity[channel]
        assert low is not None and high is not None and low <= value <= high


# The story


def test_the_leak_comes_at_night_climbs_over_the_second_alarm_and_falls() -> None:
    (leak,) = of(Kind.LEAK)
    assert leak.real and 1 <= (leak.begin // HOUR + 8) % 24 <= 4
    values = [value for _, value in curve(leak.channels[0], leak)]
    assert max(values) > 50 and values[0] < 10 and values[-1] < 10
    assert raises("gas_ch4_medium", leak.channels[0]) == raises("gas_ch4_high", leak.channels[0]) == 1


def test_an_asset_in_alarm_reports_every_minute() -> None:
    (leak,) = of(Kind.LEAK)
    times = [at for at, _ in curve(leak.channels[0], leak)]
    assert {b - a for a, b in itertools.pairwise(times)} == {MINUTE}


def test_toxic_gas_at_a_firm_reaches_the_second_alarm() -> None:
    (toxic,) = of(Kind.TOXIC)
    assert toxic.asset.startswith("asset:tank-") and toxic.hazard == "toxic_gas"
    assert raises("toxic_h2s_high", toxic.channels[0]) == 1


def test_the_road_is_under_water_over_the_closing_depth() -> None:
    (water,) = of(Kind.WATER)
    assert raises("water_level_medium", water.channels[0]) == 1
    assert raises("water_level_high", water.channels[0]) == 0


def test_eight_false_alarms_of_three_kinds() -> None:
    false = [e for e in STORY if not e.real]
    assert Counter(e.kind for e in false) == {Kind.BIOGAS: 3, Kind.SPIKE: 3, Kind.CHATTER: 2}
    assert Counter(e.cause for e in false)[Cause.FALSE_BIOGAS] == 3
    assert len({e.asset for e in STORY}) == len(STORY)


def test_biogas_raises_once_and_passes() -> None:
    for episode in of(Kind.BIOGAS):
        assert raises("gas_ch4_medium", episode.channels[0]) == 1
        assert raises("gas_ch4_high", episode.channels[0]) == 0


def test_a_spike_is_over_the_limit_and_ignored_by_the_hold() -> None:
    assert max(e.peak for e in of(Kind.SPIKE)) > 50
    for episode in of(Kind.SPIKE):
        over = [value for _, value in curve(episode.channels[0], episode) if value > 25]
        assert len(over) == 1
        assert not raises("gas_ch4_medium", episode.channels[0]) + raises("gas_ch4_high", episode.channels[0])


def test_chatter_crosses_the_limit_often_and_is_one_finding() -> None:
    for episode in of(Kind.CHATTER):
        over = [value >= 25 for _, value in curve(episode.channels[0], episode)]
        assert sum(a != b for a, b in itertools.pairwise(over)) >= 8
        assert raises("gas_ch4_medium", episode.channels[0]) == 1


def test_nothing_else_raises_anything() -> None:
    told = {channel for episode in STORY for channel in episode.channels}
    quiet = [c for c in DEMO.city.channels if c.key not in told]
    rules = [rule for rule in DEMO.rules if rule.hazard != "platform_fault"]
    assert not [
        (rule.key, c.key)
        for rule in rules
        for c in quiet
        if c.quantity == rule.quantity and raises(rule.key, c.key)
    ]


# Dirt


def test_one_gateway_is_late_and_out_of_order_within_its_lateness() -> None:
    newest: dict[str, int] = {}
    late: Counter[str] = Counter()
    allowed = {s.key: round(s.lateness_s * SECOND) for s in DEMO.city.sources}
    for message in CLEAN:
        at = parse_time(json.loads(message.body)["readings"][0]["time"])
        behind = newest.get(message.source, at) - at
        assert behind <= allowed[message.source] and message.at - at <= max(
            allowed[message.source], 3 * SECOND
        )
        late[message.source] += behind > 0
        newest[message.source] = max(newest.get(message.source, at), at)
    assert late["source:drainage"] > 10
    assert sum(late.values()) == late["source:drainage"]


def test_some_messages_are_sent_twice_byte_by_byte() -> None:
    repeated = [n for n in Counter(m.body for m in SCRIPT).values() if n > 1]
    assert 3 <= len(repeated) <= 20 and set(repeated) == {2}


def bad_messages() -> list[DeviceMessage]:
    clean = {m.body for m in CLEAN}
    return [m for m in SCRIPT if m.body not in clean]


def _faults(message: DeviceMessage) -> set[str]:
    known = {c.key for c in DEMO.city.channels}
    try:
        rows: list[dict[str, Any]] = json.loads(message.body)["readings"]
    except ValueError:
        return {"malformed"}
    found = set()
    good = 0
    for row in rows:
        fault = _fault(row, message.at, known)
        found.add(fault)
        good += not fault
    found.discard("")
    return found | ({"half_good"} if good and found else set())


def _fault(row: dict[str, Any], now: int, known: set[str]) -> str:
    if row["channel"] not in known:
        return "unknown_channel"
    if row["value"] == "NaN":
        return "nan"
    if not math.isfinite(row["value"]):
        return "overflow"
    if row["value"] > 5000:
        return "absurd"
    try:
        at = parse_time(row["time"])
    except BadInput:
        return "naive_time"
    return "too_old" if at < START - DAY else "future" if at > now + HOUR else ""


def test_every_kind_of_rubbish_is_sent_once() -> None:
    bad = bad_messages()
    assert len(bad) == len(BAD_KINDS)
    faults = [_faults(message) for message in bad]
    assert set().union(*faults) == set(BAD_KINDS)
    assert len({m.source for m in bad}) == 4


def test_rubbish_does_not_disturb_the_order_of_a_source_that_must_keep_it() -> None:
    newest: dict[str, int] = {}
    for message in SCRIPT:
        if message.source == "source:drainage" or _faults(message):
            continue
        at = parse_time(json.loads(message.body)["readings"][0]["time"])
        assert at >= newest.get(message.source, at)
        newest[message.source] = at
