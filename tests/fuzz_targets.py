"""What is fuzzed: for every decoder good samples, how it reads, and how a changed sample fits again.

Whoever adds a decoder adds a function here and its name to `TARGETS`.
"""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from liandong.adapters._io.framing import Framer
from liandong.adapters._io.localtime import LocalTime
from liandong.core.values.times import SECOND, parse_time

NOW = parse_time("2026-05-01T09:00:00+08:00")
ZONE = LocalTime("Asia/Shanghai")


@dataclass(frozen=True)
class Target:
    """One decoder."""

    samples: list[bytes]
    read: Callable[[bytes], Any]  #: everything that is done with bytes of a stranger
    #: Corrects lengths and check sums, so that changed bytes reach what lies behind them.
    mend: Callable[[bytes], bytes] | None = None
    framer: Callable[[], Framer] | None = None


def hj212() -> Target:
    from liandong.adapters import hj212 as door
    from liandong.adapters.hj212.codec import answer
    from liandong.adapters.hj212.crc import crc16
    from liandong.sim.frames import hj212_frame

    values = {"a21005-Rtd": 0.5, "a21004-Rtd": 12.25, "a21007-Avg": 3, "a21007-Max": 4}
    samples = [
        hj212_frame("Y80110010000010", NOW, values, st="22"),
        hj212_frame("MN1", NOW, {"a05002-Rtd": 60.0}, marks={"a05002": "D"}, flag=4),
        hj212_frame("MN1", NOW, values, packet=(2, 3), with_time=False),
        b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
        b"CP=&&RtdInterval=30&&1C80\r\n",
    ]

    def read(raw: bytes) -> None:
        frame = door.decode(raw, ZONE)
        door.fields_of(frame)
        door.rows_of(frame)
        answer(frame)

    def mend(raw: bytes) -> bytes:
        data = raw[6:-6]
        return b"##%04d%b%04X\r\n" % (len(data) % 10_000, data, crc16(data))

    return Target(samples, read, mend, door.make_framer)


def gb26875() -> Target:
    from liandong.adapters import gb26875 as door
    from liandong.adapters.gb26875.codec import HEAD, LAYOUTS, respond
    from liandong.sim import frames as sim

    bodies = [
        sim.gb_component_state([(1, 1, 40, 10, 2, 2, "Ａ区１层", NOW)]),
        sim.gb_analogue([(1, 1, 10, 1, unit, 6, 250, NOW) for unit in range(3)]),
        sim.gb_system_state([(1, 2, 0x204, NOW)]),
        sim.gb_unit_state(8, NOW),
        sim.gb_operation(32, 5, NOW),
        bytes((6, 1, 1, 1, 4)) + b"text",
        b"",
        *(bytes((kind, n)) + bytes(layout.size * n) for kind, (layout, _) in LAYOUTS.items() for n in (1, 3)),
    ]
    samples = [sim.gb_frame(889, n, NOW, body) for n, body in enumerate(bodies)]

    def read(raw: bytes) -> None:
        packet = door.decode(raw, ZONE)
        door.fields_of(packet)
        door.rows_of(packet, NOW)
        respond(raw, NOW, ZONE, 3)

    def mend(raw: bytes) -> bytes:
        if len(raw) < HEAD + 3:
            return raw
        body = raw[2:24] + struct.pack("<H", len(raw) - 30) + raw[26:-3]
        return b"@@" + body + bytes((sum(body) & 255,)) + b"##"

    return Target(samples, read, mend, door.make_framer)


def jt808() -> Target:
    from liandong.adapters import jt808 as door
    from liandong.adapters.jt808.codec import xor
    from liandong.adapters.jt808.rows import rows_of
    from liandong.adapters.jt808.tables import NAMES
    from liandong.adapters.jt808.taking import LOCATIONS, columns_of, key_of, locations_of
    from liandong.sim import jt808 as sim

    location = sim.jt808_location(NOW, 113.1, 23.0, alarm=5, speed=36.5, extras={1: bytes(4), 0x31: b"\x09"})
    bodies: dict[int, bytes] = {
        0x0100: sim.jt808_registration("T1", "粤E00001"),
        0x0102: b"CODE",
        0x0200: location,
        0x0201: b"\0\1" + location,
        0x0704: sim.jt808_locations([location, location]),
    }
    samples = [
        sim.jt808_message(id, "13912344329", n, bodies.get(id, bytes((0, n % 3) * 20)), version=n % 2)
        for n, id in enumerate([*NAMES, *(0x0200, 0x0704) * 8])
    ]
    samples.append(sim.jt808_message(0x0704, "1", 3, b"\0\1\0", version=1, part=(2, 3)))
    declared = {"speed", "mileage", "fuel", "alarm-fatigue", "status-acc", "carriage_temperature"}

    def read(raw: bytes) -> None:
        message = door.decode(raw)
        door.fields_of(message, ZONE)
        if message.id in LOCATIONS and not message.total:
            found = locations_of(message)
            key_of(message, found)
            columns_of("asset", found, NOW)
            for one in found:
                rows_of(message.device, one, NOW, declared)

    def mend(raw: bytes) -> bytes:
        data = raw[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")[:-1]
        if len(data) < 12:
            return raw
        head = (17 if data[2] & 0x40 else 12) + (4 if data[2] & 0x20 else 0)
        size = max(0, len(data) - head) & 0x3FF
        data = data[:2] + bytes((data[2] & 0xFC | size >> 8, size & 255)) + data[4:]
        escaped = (data + bytes((xor(data),))).replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")
        return b"\x7e" + escaped + b"\x7e"

    return Target(samples, read, mend, door.make_framer)


def modbus() -> Target:
    from liandong.adapters.modbus.rtu import crc16, read_frame

    samples = [
        bytes.fromhex(spelt)
        for spelt in (
            "01030000000AC5CD", "1103006B00037687", "010304436633335B4D", "01040209C4BEF3", "018302C0F1",
        )
    ]  # fmt: skip

    def mend(raw: bytes) -> bytes:
        return raw[:-2] + crc16(raw[:-2]).to_bytes(2, "little")

    samples += [mend(bytes((1, kind)) + bytes(9)) for kind in (5, 6, 15, 16, 22, 23)]
    return Target(samples, read_frame, mend)


#: Values that a program may put where it should have put another.
_ODD: tuple[Any, ...] = (
    None, True, "", " ", "x", "\u0000", "é" * 300, "2026-05-01T09:00:00", "0000-00-00T00:00:00Z", "NaN",
    "1e999", 0, -1, 1.5, 1e308, -1e-308, 2**63, -(2**64), 10**30, [], {}, [[]], [None], {"": None},
    {"@iot.id": 1},
)  # fmt: skip


def _odd(samples: list[bytes]) -> Callable[[bytes], bytes]:
    """Instead of mending a broken document: a whole one in which a value or two are odd."""
    good = [raw for raw in samples if raw[:1] in b"[{"]

    def mend(raw: bytes) -> bytes:
        rng = Random(zlib.crc32(raw))
        whole = json.loads(good[rng.randrange(len(good))])
        for _ in range(rng.randrange(1, 3)):
            whole = _replaced(whole, rng)
        return json.dumps(whole, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace")

    return mend


def _replaced(node: Any, rng: Random) -> Any:
    if not isinstance(node, dict | list) or not node or rng.random() < 0.1:
        return copy.deepcopy(_ODD[rng.randrange(len(_ODD))])
    key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
    if isinstance(node, dict) and rng.random() < 0.1:
        node.pop(key)
    else:
        node[key] = _replaced(node[key], rng)
    return node


def _rows(name: str, rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"id": "m1", name: rows}, ensure_ascii=False).encode()


def _channels() -> Any:
    from liandong.core.ingest import ChannelTable
    from liandong.core.values.city import CityIndex
    from tests.app.machine import folder

    return ChannelTable(CityIndex(folder().city).channel_rows())


def readings() -> Target:
    from liandong.core.ingest import decode_json

    table = _channels()
    key = next(iter(table))
    source = "source:gas"
    row = {"channel": key, "time": "2026-05-01T09:00:00+08:00", "value": 1.5}
    samples = [
        _rows("readings", [row, {**row, "value": None}, {**row, "unit": "%VOL", "value": -1e300}]),
        _rows("readings", [{**row, "time": "2026-05-01T01:00:00Z"}] * 5),
    ]
    return Target(samples, lambda raw: decode_json(raw, source, table, NOW, NOW), _odd(samples))


def positions() -> Target:
    from liandong.core.ingest.positions import decode_positions

    row = {
        "object": "bus",
        "time": "2026-05-01T09:00:00+08:00",
        "lon": 113.1,
        "lat": 23.0,
        "speed": 3,
        "heading": None,
    }
    samples = [_rows("positions", [row] * 3)]
    return Target(samples, lambda raw: decode_positions(raw, "s", NOW, NOW), _odd(samples))


def arrow() -> Target:
    import pyarrow as pa

    from liandong.adapters.http.arrow import read_positions, read_readings
    from tests.adapters.http.test_arrow import readings as columns
    from tests.adapters.http.test_arrow import stream

    at = pa.array([NOW, NOW + SECOND], pa.timestamp("us", "UTC"))
    place = {
        "object": pa.array(["a", "b"]),
        "time": at,
        "lon": pa.array([1.0, 2.0]),
        "lat": pa.array([1.0, None]),
    }

    def read(raw: bytes) -> None:
        reader = read_positions if b"lon" in raw else read_readings
        reader(raw)

    return Target([stream(columns(), "m1", batches=2), stream(place)], read)


def sensorthings() -> Target:
    from liandong.adapters.sensorthings.options import parse_options
    from liandong.adapters.sensorthings.posting import read_arrays, read_one

    array = {
        "Datastream": {"@iot.id": "channel:a"}, "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": 2,
        "dataArray": [["2026-05-01T09:00:00+08:00", 1], ["2026-05-01T01:00:00Z", None]],
    }  # fmt: skip
    one = {"phenomenonTime": "2026-05-01T01:00:00Z", "result": 2, "Datastream": {"@iot.id": "channel:a"}}
    query = (
        b"$filter=not (result gt 1.5e0 or substringof('a''b',Datastream/name)) and phenomenonTime ge "
        b"2026-05-01T00:00:00Z&$expand=Datastream($select=name;$expand=Thing/Locations)&$orderby=result desc"
    )

    def read(raw: bytes) -> None:
        if raw.startswith(b"$"):
            pairs = (part.partition("=") for part in raw.decode("utf-8", "replace").split("&"))
            parse_options("Observation", [(name, value) for name, _, value in pairs])
        elif raw.startswith(b"["):
            read_arrays(raw)
        else:
            read_one(raw, "")

    samples = [json.dumps([array, array]).encode(), json.dumps(one).encode(), query]
    return Target(samples, read, _odd(samples))


def graded() -> Target:
    from liandong.app.graded import read_alarms, read_report

    one = {
        "id": "A-1", "action": "update", "time": "2026-05-01T09:00:00+08:00", "version": 7,
        "hazard": "gas_leak", "level": "2", "asset": "asset:a", "onset": "2026-05-01T01:00:00Z", "value": 1.5,
        "unit": "%LEL",
    }  # fmt: skip

    def read(raw: bytes) -> None:
        for row, alarm in enumerate(read_alarms(raw), start=1):
            read_report(alarm, row)

    samples = [json.dumps({"alarms": [one, one]}).encode(), json.dumps(one).encode()]
    return Target(samples, read, _odd(samples))


def cap() -> Target:
    from liandong.adapters.cap.reading import read_document
    from tests.adapters.cap.test_cap import SAMPLE

    return Target([SAMPLE], read_document)


def waveforms() -> Target:
    import base64

    from liandong.core.ingest.waveforms import decode_waveforms

    table = _channels()
    samples = base64.b64encode(struct.pack("<50f", *[n / 7 for n in range(50)])).decode()
    row = {
        "channel": next(iter(table)), "start": "2026-05-01T09:00:00+08:00", "rate": 50.0, "format": "f4",
        "samples": samples,
    }  # fmt: skip
    raw = _rows("waveforms", [row, {**row, "rate": 1e-3}])
    return Target([raw], lambda raw: decode_waveforms(raw, "source:gas", table, NOW, NOW), _odd([raw]))


def mqtt() -> Target:
    from liandong.adapters.mqtt.payload import rows_of
    from liandong.adapters.mqtt.topics import MqttTopic

    number = MqttTopic(topic="n/{device}/{item}", format="number")
    rows = MqttTopic(
        topic="j/{device}", rows="data.list", time="t", time_form="ms", values="v", item="{item}",
        device_at="d",
    )  # fmt: skip
    one = MqttTopic(topic="j/{device}/{item}", time="t", value="v.0")
    names = {"device": "d", "item": "i"}
    at = NOW // 1000
    samples = [
        b"12.5", b"-1e3", json.dumps({"t": "2026-05-01T09:00:00+08:00", "v": [1.5]}).encode(),
        json.dumps({"data": {"list": [{"t": at, "d": "x", "v": {"a": 1, "b": None}}] * 2}}).encode(),
    ]  # fmt: skip

    def read(raw: bytes) -> None:
        rows_of(number if len(raw) < 16 else rows if b"list" in raw else one, names, raw, NOW)

    return Target(samples, read, _odd(samples))


TARGETS: dict[str, Callable[[], Target]] = {
    "hj212": hj212,
    "gb26875": gb26875,
    "jt808": jt808,
    "modbus": modbus,
    "readings": readings,
    "positions": positions,
    "waveforms": waveforms,
    "arrow": arrow,
    "mqtt": mqtt,
    "sensorthings": sensorthings,
    "graded": graded,
    "cap": cap,
}
