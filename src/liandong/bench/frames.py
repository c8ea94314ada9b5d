"""Device frames decoded on one core: whole frames, and a stream cut as a network cuts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liandong.adapters import gb26875, hj212, jt808
from liandong.adapters._io.framing import Framer
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.jt808.rows import rows_of as vehicle_rows
from liandong.app.clock import perf
from liandong.core.values.times import SECOND, parse_time
from liandong.sim.frames import gb_analogue, gb_component_state, gb_frame, hj212_frame
from liandong.sim.jt808 import jt808_location, jt808_message

_START = parse_time("2026-05-01T09:00:00+08:00")
#: Seven quantities of a weather and air station, with a data mark each: 334 bytes a frame.
_STATION = ("a21005", "a21004", "a21007", "a21006", "a21001", "a21003", "a21002")
#: What the city has declared of a vehicle.
_ITEMS = ("speed", "mileage", "status-acc")
_CUT = 1448  #: bytes of a TCP segment on Ethernet


def run(frames: int = 20_000, repeats: int = 5) -> dict[str, Any]:
    """Decode the same frames several times; the middle one counts."""
    zone = LocalTime("Asia/Shanghai")
    station = [_station(number) for number in range(frames)]
    panel = [_panel(number) for number in range(frames)]
    vehicle = [_vehicle(number) for number in range(frames)]
    figures: dict[str, Any] = {}
    jobs: list[tuple[str, list[bytes], Callable[[bytes], Any], Callable[[], Framer]]] = [
        ("hj212", station, lambda raw: hj212.rows_of(hj212.decode(raw, zone)), hj212.make_framer),
        ("gb26875", panel, lambda raw: gb26875.rows_of(gb26875.decode(raw, zone), 0), gb26875.make_framer),
        ("jt808", vehicle, lambda raw: vehicle_rows("v", _location(raw), 0, _ITEMS), jt808.make_framer),
    ]
    decoders: dict[str, Callable[[bytes], Any]] = {
        "hj212": lambda raw: hj212.decode(raw, zone),
        "gb26875": lambda raw: gb26875.decode(raw, zone),
        "jt808": _location,
    }
    for name, made, rows, framer in jobs:
        figures[f"{name}_frames_per_s"] = _rate(repeats, made, decoders[name])
        figures[f"{name}_stream_to_rows_per_s"] = _stream_rate(repeats, made, framer, rows)
        figures[f"{name}_bytes_a_frame"] = round(sum(map(len, made)) / frames)
    figures["includes"] = (
        "one core, one process. frames_per_s: length, check sum and every field of a whole frame. "
        "stream_to_rows_per_s: the same and finding the frames in a stream cut every 1448 bytes, and "
        "making the rows that the intake takes. HJ 212: seven quantities with marks; GB/T 26875.3: "
        "alternately one component state with a Chinese text and four analogue values; JT/T 808: a location "
        "with three extras, one in ten with an alarm, alternately of 2013 and 2019. "
        "The network, the intake and the sync are not in it"
    )
    return figures


def _station(number: int) -> bytes:
    at = _START + number * SECOND
    values = {
        f"{code}-Rtd": round(20 + (number * 7 + n * 13) % 997 / 37, 3) for n, code in enumerate(_STATION)
    }
    return hj212_frame("Y80110010000010", at, values, st="22", flag=5)


def _panel(number: int) -> bytes:
    at = _START + number * SECOND
    if number % 2:
        body = gb_analogue([(1, 1, 10, 1, unit, 6, number % 1000, at) for unit in range(4)])
    else:
        body = gb_component_state([(1, 1, 40, 10, number % 250, number % 4, "Ａ区１层东走廊", at)])
    return gb_frame(889, number, at, body)


def _vehicle(number: int) -> bytes:
    extras = {0x01: (123_000 + number).to_bytes(4, "big"), 0x30: bytes([21]), 0x31: bytes([9])}
    body = jt808_location(
        _START + number * SECOND, 113.1 + number % 997 / 1e4, 23.0 + number % 499 / 1e4,
        alarm=0 if number % 10 else 2, speed=number % 90, direction=number % 360, extras=extras,
    )  # fmt: skip
    return jt808_message(0x0200, f"1380013{number % 10_000:04}", number, body, version=number % 2)


def _location(raw: bytes) -> jt808.Location:
    return jt808.decode_location(jt808.decode(raw).body)


def _rate(repeats: int, frames: list[bytes], decode: Callable[[bytes], Any]) -> int:
    taken = []
    for _ in range(repeats):
        began = perf()
        for raw in frames:
            decode(raw)
        taken.append(perf() - began)
    return round(len(frames) / sorted(taken)[repeats // 2])


def _stream_rate(
    repeats: int, frames: list[bytes], make: Callable[[], Framer], rows: Callable[[bytes], Any]
) -> int:
    stream = b"".join(frames)
    cuts = [stream[at : at + _CUT] for at in range(0, len(stream), _CUT)]
    taken = []
    for _ in range(repeats):
        framer, found = make(), 0
        began = perf()
        for cut in cuts:
            for piece in framer.feed(cut):
                rows(piece.raw)
                found += 1
        taken.append(perf() - began)
        if found != len(frames):
            raise RuntimeError(f"{found} frames of {len(frames)} were found")
    return round(len(frames) / sorted(taken)[repeats // 2])
