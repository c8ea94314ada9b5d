"""The devices of the demonstration: the same bytes for the same seed, and every part of the story."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Cause, Statistic
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND, parse_time
from liandong.sim.chance import noise
from liandong.sim.city import demo_city
from liandong.sim.device_story import Episode, Kind, device_story
from liandong.sim.devices import BAD_KINDS, QUIET, DeviceMessage, Gateways, device_script
from liandong.sim.script import Script
from liandong.wiring.packs import equipped

START = parse_time("2026-05-01T00:00:00+08:00")
DEMO = equipped(demo_city(5, START, 1, 120))
SCRIPT = device_script(5, DEMO, START, 24)
CLEAN = device_script(5, DEMO, START, 24, dirt=False)
STORY = device_story(5, DEMO, START, 24)
RULES = {rule.key: rule for rule in DEMO.rules}
HTTP = {s.key for s in DEMO.city.sources if s.protocol == "http"} - {"source:self", "source:bridges_fast"}


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


def test_noise_is_a_function_of_seed_number_and_moment_alone() -> None:
    numbers = np.arange(20_000, dtype=np.int64)
    found = noise(5, "noise", numbers, START)
    assert (noise(5, "noise", numbers[7:9], START) == found[7:9]).all()
    assert (noise(6, "noise", numbers, START) != found).all()
    assert (noise(5, "noise", numbers, START + 1) != found).any()
    assert found.min() >= -1 and found.max() < 1
    assert abs(float(found.mean())) < 0.02 and abs(float(found.std()) - 3**-0.5) < 0.02


def test_messages_are_sorted_by_time_and_source() -> None:
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
    sent = [c for c in DEMO.city.channels if c.source in HTTP]
    dead = {channel for episode in of(Kind.DEAD) for channel in episode.channels}
    assert set(count) == {c.key for c in sent}
    assert min(count[c] for c in count if c not in dead) == 24 * 12
    assert dead and all(0 < count[c] < 24 * 12 for c in dead)
    owner = {c.key: c.source for c in sent}
    for message in CLEAN:
        assert {owner[row["channel"]] for row in json.loads(message.body)["readings"]} == {message.source}


def test_values_lie_within_the_range_of_their_quantity() -> None:
    ranges = {q.key: (q.low, q.high) for q in DEMO.city.quantities}
    quantity = {c.key: ranges[c.quantity] for c in DEMO.city.channels}
    for channel, _, value in READINGS:
        low, high = quantity[channel]
        assert low is not None and high is not None and low <= value <= high


def test_every_quantity_that_is_sent_over_http_has_a_quiet_state() -> None:
    assert {c.quantity for c in DEMO.city.channels if c.source in HTTP} <= set(QUIET)


# The story


def test_the_leak_comes_at_night_climbs_to_level_one_and_falls() -> None:
    (leak,) = of(Kind.LEAK)
    assert leak.real and 1 <= (leak.begin // HOUR + 8) % 24 <= 4
    values = [value for _, value in curve(leak.channels[0], leak)]
    assert max(values) > 80 and values[0] < 10 and values[-1] < 10
    for rule in ("gas_ch4_medium", "gas_ch4_high", "gas_ch4_critical"):
        assert raises(rule, leak.channels[0]) == 1
    assert RULES["gas_ch4_critical"].severity == "critical"


def test_an_asset_in_alarm_reports_every_minute() -> None:
    (leak,) = of(Kind.LEAK)
    times = [at for at, _ in curve(leak.channels[0], leak)]
    assert {b - a for a, b in itertools.pairwise(times)} == {MINUTE}


def test_toxic_gas_comes_at_the_firm_whose_monitor_speaks_hj212() -> None:
    (toxic,) = of(Kind.TOXIC)
    protocol = {s.key: s.protocol for s in DEMO.city.sources}
    (first,) = [c for c in DEMO.city.channels if c.key == toxic.channels[0]]
    assert toxic.asset.startswith("asset:tank-") and toxic.hazard == "toxic_gas"
    assert protocol[first.source] == "hj212" and toxic.peak > RULES["toxic_h2s_high"].raise_at


def test_the_road_is_under_water_over_the_closing_depth() -> None:
    (water,) = of(Kind.WATER)
    assert raises("water_level_medium", water.channels[0]) == 1
    assert raises("water_level_high", water.channels[0]) == 0


def test_the_bridge_settles_slowly_and_is_found_before_it_has_come_to_its_end() -> None:
    (settling,) = of(Kind.SETTLING)
    values = curve(settling.channels[0], settling)
    assert values[0][1] < 4 < 12 < values[-1][1]
    assert max(abs(b - a) for (_, a), (_, b) in itertools.pairwise(values)) < 2
    assert raises("bridge_displacement_shift", settling.channels[0]) == 1


def test_false_alarms_of_every_kind_each_at_a_place_of_its_own() -> None:
    count = Counter(e.kind for e in STORY if not e.real)
    assert count == {
        Kind.BIOGAS: 3, Kind.SPIKE: 3, Kind.CHATTER: 2, Kind.CALIBRATION: 1, Kind.DEAD: 1,
        Kind.NUISANCE: 1, Kind.POWER: 1,
    }  # fmt: skip
    told = [channel for episode in STORY for channel in episode.channels]
    assert len(told) == len(set(told))


def test_the_whole_city_has_some_hundred_false_alarms_and_faults() -> None:
    city = demo_city(5, START, 1)
    causes = Counter(e.cause for e in device_story(5, city, START, 12))
    assert causes[Cause.REAL] == 5
    assert 200 <= causes.total() - causes[Cause.REAL] <= 400
    assert {Cause.FALSE_BIOGAS, Cause.FALSE_CALIBRATION, Cause.FALSE_RULE, Cause.DEVICE_FAULT} < set(causes)


def test_biogas_and_a_calibration_step_raise_once_and_pass() -> None:
    for episode in of(Kind.BIOGAS) + of(Kind.CALIBRATION):
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
    quiet = [c for c in DEMO.city.channels if c.key not in told and c.source in HTTP]
    rules = [r for r in DEMO.rules if r.hazard != "platform_fault" and r.statistic == Statistic.VALUE]
    assert not [
        (rule.key, c.key)
        for rule in rules
        for c in quiet
        if c.quantity == rule.quantity and raises(rule.key, c.key)
    ]


# Messages are made when they are sent


def test_a_script_knows_its_moments_and_makes_the_same_bytes_whenever_asked() -> None:
    script = Script(5, DEMO, START, 24)
    moments = [script.moment(n) for n in range(len(script))]
    assert moments == sorted(moments) and script.last == moments[-1]
    for number in (0, len(script) // 2, len(script) - 1):
        assert script.make(number) == script.make(number)
        assert script.make(number).at == moments[number]
        first = script.first_at(moments[number])
        assert moments[first] == moments[number] and (first == 0 or moments[first - 1] < moments[first])
    made = [script.make(n) for n in range(len(script))]
    assert tuple(m for m in made if m.protocol == "http" and m.path.endswith("readings")) == SCRIPT
    assert {m.protocol for m in made} == {"http", "hj212", "gb26875"}


def test_gateways_share_moments_so_that_the_city_has_few_of_them() -> None:
    gateways = Gateways(5, DEMO, START, 24)
    planned = gateways.plan(dirt=False)
    assert all(p.at % SECOND == 0 for p in planned)
    assert len({p.at for p in planned}) < len(planned) / 2


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
    drainage = {source for source in late if source.startswith("source:drainage")}
    assert all(late[source] > 10 for source in drainage) and drainage
    assert sum(late.values()) == sum(late[source] for source in drainage)


def test_some_messages_are_sent_twice_byte_by_byte() -> None:
    repeated = [n for n in Counter(m.body for m in SCRIPT).values() if n > 1]
    assert 3 <= len(repeated) <= 60 and set(repeated) == {2}


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
    assert len({m.source for m in bad}) >= 4


def test_rubbish_does_not_disturb_the_order_of_a_source_that_must_keep_it() -> None:
    newest: dict[str, int] = {}
    for message in SCRIPT:
        if message.source.startswith("source:drainage") or _faults(message):
            continue
        at = parse_time(json.loads(message.body)["readings"][0]["time"])
        assert at >= newest.get(message.source, at)
        newest[message.source] = at


def test_a_larger_city_changes_no_reading_of_a_sensor_that_both_have() -> None:
    larger = Gateways(5, demo_city(5, START, 1, 400), START, 24)
    smaller = Gateways(5, DEMO, START, 24)
    told = {key for g in (larger, smaller) for e in g.story for key in e.channels}
    rows = []
    for gateways in (larger, smaller):
        part = gateways.part("source:gas_shiwan", gateways.channels["source:gas_shiwan"])
        body = json.loads(part.body(gateways, START + HOUR))
        rows.append({r["channel"]: r["value"] for r in body["readings"] if r["channel"] not in told})
    both = rows[0].keys() & rows[1].keys()
    assert len(both) > 3 and all(rows[0][key] == rows[1][key] for key in both)
