"""JT/T 808: the messages that others published, every error, and every byte string."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters import jt808
from liandong.adapters._io.framing import Piece
from liandong.adapters.jt808 import decode, decode_location, decode_locations, encode, encode_parts, fields_of
from liandong.adapters.jt808.bodies import decode_body
from liandong.adapters.jt808.codec import Message, escape, unescape, xor
from liandong.adapters.jt808.codes import code_of, code_sent, open_secret, without_code
from liandong.adapters.jt808.layouts import LAYOUTS
from liandong.adapters.jt808.parts import MOST_OPEN, Parts
from liandong.adapters.jt808.rows import rows_of
from liandong.adapters.jt808.tables import ALARM_BITS, NAMES
from liandong.adapters.jt808.taking import key_of, locations_of
from liandong.core.ingest import DeviceRow
from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time
from liandong.sim.jt808 import (
    jt808_authentication,
    jt808_location,
    jt808_locations,
    jt808_message,
    jt808_read,
)

SHARED = Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
NOW = parse_time("2026-05-01T09:00:00+08:00")

# github.com/SmallChi/JT808, README; the second with another serial is by the same author.
ESCAPED = (
    "7E02000026123456789012007D02000000010000000200BA7F0E07E4F11C0028003C0000181015101010"
    "0104000000640202007D01137E"
)
#: Edition of 2019 (public example of github.com/makeclan/xtream-codec).
OF_2019 = (
    "7e02004026010000000001391234432900000000006f0000001601dc9a0707456246007b004200032501292233"
    "440202006401040000000c417e"
)
BULK = (
    "7e0704403f01000000000139123443290000000200001c000000010000000101d907f2073d336c029a002100592410"
    "29213903001c000000010000000101d907f3073d336d03090043005a241029213903f87e"
)


def of(spelt: str) -> dict[str, Any]:
    return fields_of(decode(bytes.fromhex(spelt)))


def refused(raw: bytes) -> BadInput:
    with pytest.raises(BadInput) as found:
        fields_of(decode(raw))
    return found.value


def test_a_location_of_2013_with_both_escapes() -> None:
    found = of(ESCAPED)
    assert (found["phone"], found["serial"], found["version"], found["check"]) == (
        "123456789012",
        126,
        "2013",
        "13",
    )
    assert (found["alarm_names"], found["status_names"]) == (["emergency"], ["located"])
    assert (found["lat"], found["lon"], found["altitude"]) == (12.222222, 132.444444, 40)
    assert (found["speed"], found["direction"], found["time"]) == (6.0, 0, "2018-10-15T02:10:10Z")
    assert [(e["name"], e["value"], e["unit"]) for e in found["extras"]] == [
        ("mileage", 10.0, "km"),
        ("fuel", 12.5, "L"),
    ]


def test_a_location_of_2019_and_what_the_status_does_to_it() -> None:
    found = of(OF_2019)
    assert (found["version"], found["protocol_version"], found["serial"]) == ("2019", 1, 0)
    assert (found["phone"], found["device"]) == ("00000000013912344329", "13912344329")
    assert (found["lat"], found["lon"], found["speed"]) == (31.234567, 121.987654, 6.6)
    assert found["time"] == "2025-01-29T14:33:44Z"
    # Status 22 says south; the published example prints the bare number.
    location = decode_location(decode(bytes.fromhex(OF_2019)).body)
    assert location.place == (121.987654, -31.234567)


def test_a_bulk_upload() -> None:
    found = of(BULK)
    items = [
        (i["lat"], i["lon"], i["altitude"], i["speed"], i["direction"], i["time"]) for i in found["items"]
    ]
    assert items == [
        (31.000562, 121.451372, 666, 3.3, 89, "2024-10-29T13:39:03Z"),
        (31.000563, 121.451373, 777, 6.7, 90, "2024-10-29T13:39:03Z"),
    ]


def published() -> list[bytes]:
    path = SHARED / "frames" / "jt808_frames.txt"
    if not path.exists():
        pytest.skip(f"no shared data at {path}")
    return [bytes.fromhex(line) for line in path.read_text().split()]


def test_every_published_message_decodes_whole_and_encodes_to_the_same_bytes() -> None:
    """96 messages, 48 types in both editions (github.com/cuteLittleDevil/go-jt808)."""
    frames = published()
    assert len(frames) == 96
    for raw in frames:
        message = decode(raw)
        found = fields_of(message)
        assert "rest" not in found and "body" not in found, found["name"]
        again = encode(id=message.id, phone=message.phone, serial=message.serial, body=message.body,
                       version=message.version)  # fmt: skip
        assert again == raw
        one = raw[:-2] + bytes([raw[-2] ^ 1]) + b"\x7e"
        if raw[-3] != 0x7D and one[-2] not in (0x7E, 0x7D):
            error = refused(one)
            assert error.key == "jt808.bad_check" and error.params["computed"] == f"{message.check:02X}"


def test_fields_of_some_published_messages() -> None:
    found = {(f["id"], f["version"]): f for f in (fields_of(decode(raw)) for raw in published())}
    old, new = found["0x0100", "2013"], found["0x0100", "2019"]
    assert (old["terminal"], old["plate"], old["model"]) == ("7654321", "测A888888", "www.jtt808.cn")
    assert (new["terminal"], new["province"], new["city"]) == ("09876543210987654321", 31, 115)
    assert (
        found["0x0702", "2013"]["driver"] == "张三"
        and found["0x0702", "2019"]["id_card"] == "31011520010101003X"
    )
    assert found["0x8003", "2013"]["missing"] == found["0x8003", "2019"]["missing"] == list(range(1, 10))
    assert found["0x8300", "2019"]["text"] == "测试123@456#abc!...结束"
    assert found["0x8606", "2019"]["points"][0]["lat"] == 31.234567
    assert {e["id"]: e.get("name") for e in found["0x0200", "2013"]["extras"]} == {
        "01": "mileage", "02": "fuel", "03": "recorder_speed", "04": "event", "05": "tyre_pressure",
        "11": "overspeed_place", "12": "crossing", "13": "route_time", "25": "vehicle_signals", "2a": "io",
        "2b": "analogue", "30": "signal", "31": "satellites",
    }  # fmt: skip
    # A code is a secret: it is not shown.
    assert set(found["0x0102", "2013"]["code"] + found["0x8100", "2013"]["code"]) == {"*"}


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "jt808.no_marks"),
        (b"\x7e\x7e", "jt808.short"),
        (b"\x7e" + bytes(11) + b"\x7d\x7e", "jt808.bad_escape"),
        (encode(id=2, phone="1", serial=1)[:-2] + b"\x55\x7e", "jt808.bad_check"),
        (b"\x7e" + b"\0\2\0\1" + bytes(8) + b"\3\x7e", "jt808.bad_length"),
        (b"\x7e" + b"\0\2\x40\0" + bytes(13) + b"\x42\x7e", "jt808.bad_version"),
        (encode(id=2, phone="1", serial=1, total=2, index=3), "jt808.bad_part"),
        (encode(id=0x0200, phone="1", serial=1, body=bytes(27)), "jt808.body_short"),
        (encode(id=0x0100, phone="1", serial=1, body=bytes(24)), "jt808.body_short"),
        (encode(id=0x0704, phone="1", serial=1, body=b"\0\2\0" + b"\0\x1c" + bytes(28)), "jt808.bad_count"),
        (encode(id=0x0704, phone="1", serial=1, body=b"\0\1\0\0\x1d" + bytes(28)), "jt808.body_short"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(raw: bytes, key: str) -> None:
    error = refused(raw)
    assert error.key == key


def test_a_registration_of_2011_is_told_by_its_size() -> None:
    body = struct.pack(">HH5s8s7sB", 44, 600, b"MAKER", b"S-1", b"T000001", 2) + "粤E00001".encode("gb18030")
    found = fields_of(decode(encode(id=0x0100, phone="139", serial=1, body=body)))
    assert (found["model"], found["terminal"], found["plate"]) == ("S-1", "T000001", "粤E00001")


def test_what_we_do_not_know_is_hexadecimal() -> None:
    assert fields_of(decode(encode(id=0x0F01, phone="1", serial=1, body=b"\1\2")))["body"] == "0102"
    part = fields_of(decode(encode(id=0x0704, phone="1", serial=1, body=b"\1\2", total=2, index=1)))
    assert (part["part"], part["total"], part["index"]) == ("0102", 2, 1)
    body = jt808_location(NOW, 1, 2, extras={0xE1: b"\xab\xcd"}) + b"\x30\x02\x01"
    found = fields_of(decode(encode(id=0x0200, phone="1", serial=1, body=body)))
    assert found["extras"] == [{"id": "e1", "data": "abcd"}] and found["rest"] == "300201"


def test_every_layout_can_be_run_in_both_editions() -> None:
    assert set(LAYOUTS) | {0x0200, 0x0201, 0x0500, 0x0704} == set(NAMES)
    for id in LAYOUTS:
        for version in (0, 1):
            made = Message(id=id, version=version, phone="1", serial=1, body=bytes(302))
            assert isinstance(decode_body(made), dict)


@given(st.binary(max_size=80))
@settings(max_examples=60)
def test_escaping_and_check_sum_are_what_the_simulator_writes(body: bytes) -> None:
    raw = encode(id=0x0900, phone="139", serial=0x7D7E, body=body, version=1)
    assert raw == jt808_message(0x0900, "139", 0x7D7E, body, version=1)
    assert decode(raw).body == body == jt808_read(raw).body
    assert unescape(escape(body)) == body
    check = 0
    for byte in body:
        check ^= byte
    assert xor(body) == check


@given(st.binary(max_size=120), st.sampled_from(sorted(NAMES)), st.booleans())
@settings(max_examples=100)
def test_whatever_the_body_it_is_fields_or_a_refusal(body: bytes, id: int, of_2019: bool) -> None:
    raw = encode(id=id, phone="139", serial=1, body=body, version=int(of_2019))
    try:
        json.dumps(fields_of(decode(raw)), allow_nan=False)
    except BadInput as error:
        assert error.key.startswith("jt808.")


def pieces(found: list[Piece]) -> list[tuple[bytes, str]]:
    return [(piece.raw, piece.error.key if piece.error else "") for piece in found]


def test_the_stream_finds_its_step_again() -> None:
    good = [encode(id=2, phone="139", serial=n) for n in range(4)]
    half = good[0][:9]
    stream = b"noise" + good[0] + half + good[1] + b"\x7e" + good[2] + b"\x7e\x01\x02" + good[3] + b"\x7e\x7d"
    whole = jt808.make_framer()
    expected = whole.feed(stream) + whole.close()
    assert [piece.raw for piece in expected if piece.error is None] == good
    assert {p.error.key for p in expected if p.error} == {"frame.rubbish", "jt808.short", "frame.cut_off"}
    for size in (1, 7):
        framer = jt808.make_framer()
        found = [p for at in range(0, len(stream), size) for p in framer.feed(stream[at : at + size])]
        assert pieces(found + framer.close()) == pieces(expected)
    endless = jt808.make_framer()
    assert endless.feed(b"\x7e" + b"x" * 5000)[0].error.key == "jt808.no_end"


def test_rows_are_what_the_city_declares_and_alarms_that_it_does_not() -> None:
    extras = {1: struct.pack(">I", 1234), 6: b"\x80\x05", 0x30: b"\x1e"}
    location = decode_location(
        jt808_location(NOW, 1, 2, alarm=0b101, speed=36.5, status=0x303, extras=extras)
    )
    declared = {
        "speed",
        "mileage",
        "carriage_temperature",
        "fuel",
        "alarm-fatigue",
        "alarm-area",
        "status-acc",
        "load",
    }
    assert rows_of("d", location, 0, declared) == tuple(
        DeviceRow("d", item, NOW, value, unit)
        for item, value, unit in [
            ("alarm-area", 0.0, ""), ("alarm-emergency", 1.0, ""), ("alarm-fatigue", 1.0, ""),
            ("carriage_temperature", -5.0, "°C"), ("load", 3.0, ""), ("mileage", 123.4, "km"),
            ("speed", 36.5, "km/h"), ("status-acc", 1.0, ""),
        ]
    )  # fmt: skip
    assert len(ALARM_BITS) == 32


def test_a_place_needs_a_fix_of_its_own() -> None:
    for status, place in [
        (0, None),
        (2, (1.0, 2.0)),
        (2 | 4, (1.0, -2.0)),
        (2 | 8, (-1.0, 2.0)),
        (2 | 32, None),
    ]:
        assert decode_location(jt808_location(NOW, 1, 2, status=status)).place == place


def test_a_repeat_is_known_by_its_content() -> None:
    def key(body: bytes, serial: int, id: int = 0x0200) -> str:
        message = Message(id=id, version=0, phone="0139", serial=serial, body=body)
        return key_of(message, locations_of(message))

    one = jt808_location(NOW, 1, 2)
    assert key(one, 1) == key(one, 2) != key(jt808_location(NOW + 1_000_000, 1, 2), 1)
    unset = one[:22] + bytes(6)
    assert key(unset, 1) != key(unset, 2)
    assert len(decode_locations(jt808_locations([one, unset]))[1]) == 2


def test_parts_are_bounded_and_forgotten() -> None:
    parts = Parts()
    body = bytes(range(250))
    raws = encode_parts(id=0x0704, phone="1", serial=0xFFFF, body=body, size=100)
    assert [decode(raw).serial for raw in raws] == [0xFFFF, 0, 1]
    assert [parts.take(raw, decode(raw)) for raw in (raws[2], raws[0], raws[0])] == [None] * 3
    assert parts.due() == [] and [one.missing for _, one in parts.due()] == [[2]]
    whole = parts.take(raws[1], decode(raws[1]))
    assert whole is not None and whole[1].body == body and whole[1].serial == 0 and parts.waiting == 0
    for serial in range(0, 100, 10):
        raw = encode(id=0x0704, phone="1", serial=serial, body=b"x", total=3, index=1)
        parts.take(raw, decode(raw))
    assert parts.waiting == MOST_OPEN and len(parts.given_up) == 2
    for _ in range(4 + 1):
        parts.due()
    assert parts.waiting == 0 and len(parts.given_up) == 10
    with pytest.raises(BadInput, match="too_many_parts"):
        parts.take(b"", Message(id=1, version=0, phone="1", serial=1, total=60_000, index=1, body=b""))


def test_a_part_that_was_asked_for_may_come_with_a_serial_of_its_own() -> None:
    parts = Parts()

    def take(serial: int, index: int) -> bool:
        raw = encode(id=0x0704, phone="1", serial=serial, body=bytes([index]), total=2, index=index)
        return parts.take(raw, decode(raw)) is not None

    assert not take(5, 1)
    assert not take(90, 2)  # nobody has asked: it belongs to another message
    parts.due()
    assert len(parts.due()) == 2
    assert take(200, 2) and parts.waiting == 1


def test_codes_come_from_a_secret_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    secret = open_secret(path)
    assert secret == open_secret(path) and path.stat().st_mode & 0o077 == 0
    code = code_of(secret, "139")
    assert code != code_of(secret, "138") and code != code_of(b"other", "139")
    for version in (0, 1):
        raw = jt808_message(
            0x0102, "139", 1, jt808_authentication(code.encode(), version=version), version=version
        )
        message = decode(raw)
        assert code_sent(message) == code
        kept = without_code(message)
        assert code.encode() not in kept and decode(kept).body == b"*" * len(message.body)
    path.write_text("")
    with pytest.raises(BadInput, match="file_unreadable"):
        open_secret(path)
