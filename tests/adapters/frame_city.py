"""The small town with devices that speak HJ 212, GB/T 26875.3 and JT/T 808, and its doors on free ports."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import msgspec

from liandong.app.platform import Platform
from liandong.core.values.city import Channel, Quantity, Sensor
from liandong.core.values.dataset import CityFolder
from liandong.wiring.doors import Doors, open_doors
from liandong.wiring.service import free_socket
from tests.app.machine import folder

MN = "010000A8900016F000169DC0"
METHANE = "a05002-Rtd"
GAS_1, GAS_2 = "channel:gas-001.ch4_lel", "channel:gas-002.ch4_lel"
PANEL = 889
DETECTOR = f"{PANEL}/1-1/40-10.2"
FIRE, FAULT, LOAD = "channel:panel.fire", "channel:panel.fault", "channel:tank-1-1.h2s"
LINE_POWER = "channel:panel.power"
#: Two vehicles: one whose tables state its plate, one of which they say nothing.
PHONE, OTHER_PHONE, PLATE = "13912344329", "123456789012", "粤E00001"
BUS = "channel:bus-1."


@cache
def frame_city() -> CityFolder:
    """`source:gas` speaks HJ 212 with two stations, `source:firms` is one fire panel with a gas detector."""
    made = folder()
    city = made.city
    panel = next(a for a in city.assets if a.kind == "fire_panel")
    sensor = Sensor(key="sensor:panel", asset=panel.key)
    fire = Quantity(key="panel_state", name_zh="状态", name_en="state", unit="1", low=0, high=1)
    more = [
        Channel(
            key=key, number=len(city.channels) + at, sensor=sensor.key, quantity=fire.key, group=panel.key,
            source="source:firms", device=device, item=item,
        )
        for at, (key, device, item) in enumerate(
            [(FIRE, DETECTOR, "fire"), (FAULT, DETECTOR, "fault"), (LINE_POWER, str(PANEL), "main_power")]
        )
    ]  # fmt: skip
    fleet = [
        (phone, Sensor(key=f"sensor:bus-{n}", asset=f"asset:bus-{n}", facts=facts))
        for n, (phone, facts) in enumerate([(PHONE, (("plate", PLATE),)), (OTHER_PHONE, ())], start=1)
    ]
    speed = Quantity(key="vehicle_speed", name_zh="车速", name_en="speed", unit="m/s", low=0, high=70)
    more += [
        Channel(
            key=f"channel:{bus.asset[6:]}.{item}", number=len(city.channels) + len(more) + at,
            sensor=bus.key, quantity=quantity, group=bus.asset, source="source:drainage", device=phone,
            item=item,
        )
        for at, (phone, bus, item, quantity) in enumerate(
            (phone, bus, item, quantity)
            for phone, bus in fleet
            for item, quantity in (("speed", speed.key), ("alarm-fatigue", fire.key))
        )
    ]  # fmt: skip
    vehicles = [
        msgspec.structs.replace(panel, key=bus.asset, kind="vehicle", name_zh="公交车", name_en="bus")
        for _, bus in fleet
    ]
    named: dict[str, dict[str, Any]] = {
        GAS_1: {"device": MN, "item": METHANE},
        GAS_2: {"device": "MN2", "item": METHANE},
    }
    channels = [msgspec.structs.replace(c, **named.get(c.key, {})) for c in city.channels] + more
    protocols = {"source:gas": "hj212", "source:firms": "gb26875", "source:drainage": "jt808"}
    sources = [msgspec.structs.replace(s, protocol=protocols.get(s.key, s.protocol)) for s in city.sources]
    changed = msgspec.structs.replace(
        city, channels=tuple(channels), sources=tuple(sources), quantities=(*city.quantities, fire, speed),
        sensors=(*city.sensors, sensor, *(bus for _, bus in fleet)), assets=(*city.assets, *vehicles),
    )  # fmt: skip
    return msgspec.structs.replace(made, city=changed)


def doors_of(platform: Platform, settings: Any) -> Doors:
    """All doors on free ports, running."""
    sockets = {name: free_socket("127.0.0.1", 0) for name in ("hj212", "gb26875", "jt808")}
    return open_doors(platform, settings, sockets).start()


def readings(platform: Platform) -> list[tuple[str, int, float, int]]:
    """(channel, moment, value, quality) of everything in the log, in the order of the log."""
    names = {c.number: c.key for c in platform.handler.policy.city.city.channels}
    found = []
    for _, record in platform.intake.log.read():
        if record.batch is not None:
            b = record.batch
            found += [
                (names[int(n)], int(t), float(v), int(q))
                for n, t, v, q in zip(b.channel, b.event_time, b.value, b.quality, strict=True)
            ]
    return found


def with_length(frame: bytes, length: int) -> bytes:
    """A packet of GB/T 26875.3 that lies about its length."""
    return frame[:24] + struct.pack("<H", length) + frame[26:]
