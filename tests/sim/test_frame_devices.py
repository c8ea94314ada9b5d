"""Frames of the demonstration's devices, read by the decoders of the doors, which know nothing of them."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.gb26875 import codec as gb_codec
from liandong.adapters.gb26875 import rows as gb_rows
from liandong.adapters.hj212 import codec as hj_codec
from liandong.adapters.hj212 import rows as hj_rows
from liandong.core.values.times import HOUR, MINUTE, parse_time
from liandong.sim.city import demo_city
from liandong.sim.device_story import Episode, Kind
from liandong.sim.devices import Gateways
from liandong.sim.frame_devices import HEARTBEAT, frame_plan

START = parse_time("2026-05-01T00:00:00+08:00")
HOURS = 12
DEMO = demo_city(5, START, 1, 120)
GATEWAYS = Gateways(5, DEMO, START, HOURS)
FRAMES = [planned.ready for planned in frame_plan(GATEWAYS, DEMO) if planned.ready is not None]
ZONE = LocalTime("Asia/Shanghai")
#: (device, item) → channel, as the doors look it up.
CHANNELS = {(c.device, c.item): c.key for c in DEMO.city.channels if c.device}


def rows() -> dict[str, list[tuple[int, float]]]:
    """What the doors would take of the frames, by channel."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for frame in FRAMES:
        if frame.protocol == "hj212":
            taken = [hj_rows.rows_of(hj_codec.decode(frame.body, ZONE))]
        else:
            taken = [tuple(r) for r in gb_rows.rows_of(gb_codec.decode(frame.body, ZONE), frame.at).values()]
        for row in (row for rows in taken for row in rows):
            channel = CHANNELS.get((row.device, row.item))
            if channel is not None and row.value is not None:
                found[channel].append((row.time, row.value))
    return found


ROWS = rows()


def of(kind: Kind) -> list[Episode]:
    return [e for e in GATEWAYS.story if e.kind == kind]


def test_frames_are_the_same_for_the_same_seed_and_never_repeat() -> None:
    again = frame_plan(Gateways(5, DEMO, START, HOURS), DEMO)
    assert [planned.ready for planned in again] == FRAMES
    assert len({(f.device, f.body) for f in FRAMES}) == len(FRAMES)
    assert [f.at for f in FRAMES] == sorted(f.at for f in FRAMES)


def test_every_device_speaks_only_its_own_protocol() -> None:
    protocol = {s.key: s.protocol for s in DEMO.city.sources}
    assert {f.protocol for f in FRAMES} == {"hj212", "gb26875"}
    assert all(protocol[f.source] == f.protocol for f in FRAMES)


def test_the_gas_monitor_reports_every_five_minutes_and_every_minute_in_alarm() -> None:
    (toxic,) = of(Kind.TOXIC)
    times = [at for at, _ in ROWS[toxic.channels[0]]]
    gaps = Counter(b - a for a, b in itertools.pairwise(times))
    assert set(gaps) == {MINUTE, 5 * MINUTE}
    values = [value for at, value in ROWS[toxic.channels[0]] if toxic.begin <= at < toxic.end]
    assert max(values) > 20 and all(value < 10 for at, value in ROWS[toxic.channels[0]] if at < toxic.begin)


def test_a_smoke_detector_says_fire_and_later_that_it_is_over() -> None:
    for episode in of(Kind.FIRE) + of(Kind.NUISANCE):
        assert ROWS[episode.channels[0]] == [(episode.begin, 1.0), (episode.end, 0.0)]


def test_a_panel_says_that_its_main_power_is_gone_and_that_it_is_back() -> None:
    (power,) = of(Kind.POWER)
    assert ROWS[power.channels[0]] == [(power.begin, 1.0), (power.end, 0.0)]


def test_panels_say_that_they_are_there() -> None:
    beats = Counter(
        f.device for f in FRAMES
        if f.protocol == "gb26875" and gb_codec.decode(f.body, ZONE).type is None
    )  # fmt: skip
    panels = {c.device.split("/")[0] for c in DEMO.city.channels if c.source == "source:fire"}
    assert set(beats) == panels
    assert set(beats.values()) == {HOURS * HOUR // HEARTBEAT}
