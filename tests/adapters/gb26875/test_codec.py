"""GB/T 26875.3: the packets that others published, every error, and every byte string."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.adapters import gb26875
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.gb26875.codec import fields_of, respond, time_bytes
from liandong.adapters.gb26875.rows import device_of, key_of
from liandong.adapters.gb26875.tables import TYPES
from liandong.core.ingest import DeviceRow
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND, parse_time
from liandong.sim.frames import (
    gb_analogue,
    gb_component_state,
    gb_frame,
    gb_operation,
    gb_system_state,
    gb_time,
    gb_unit_state,
)
from liandong.texts import text

ZONE = LocalTime("Asia/Shanghai")
START = parse_time("2026-05-01T09:00:00+08:00")
SHARED = Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))

# Examples of a public transcription of the standard (github.com/ActorLancer/GB-T-26875.3.2011-rs).
_UNIT = "4040 0100 0101 203A091A090C 790300000000 385B01000000"
_CENTRE = "4040 0100 0101 203A091A090C 385B01000000 790300000000"
SMOKE = f"{_UNIT} 3000 02 0201 01 01 28 0A000200 0200 {'20' * 30} 00 023A091A090C 46 2323"
CONFIRMED = "4040 0100 0101 233A091A090C 385B01000000 790300000000 0000 03 AB 2323"
DENIED = "4040 0100 0101 233A091A090C 385B01000000 790300000000 0000 06 AE 2323"
MAIN_POWER = f"{_UNIT} 0900 02 1501 08 023A091A090C 42 2323"
ASKED = f"{_CENTRE} 0300 01 5B01 0A 0F 2323"
REPLIED = f"{_UNIT} 0A00 02 1801 20 01 023A091A090C 5F 2323"
#: More of the same transcription: version, time, and the centre's questions.
MORE = [
    f"{_UNIT} 0400 02 1901 0101 C7 2323", f"{_UNIT} 0800 02 1C01 023A091A090C 40 2323",
    f"{_CENTRE} 0300 04 5101 00 FE 2323", f"{_UNIT} 0900 05 1501 08 023A091A090C 45 2323",
    f"{_CENTRE} 0300 04 5501 00 02 2323", f"{_CENTRE} 0300 04 5801 00 05 2323",
    f"{_CENTRE} 0300 01 5901 00 03 2323", f"{_CENTRE} 0800 01 5A01 023A091A090C 7D 2323",
]  # fmt: skip
#: github.com/shootingfans/codec_gb26875_3_2011, reader_decoder_test.go.
WORDS = (
    "4040 0000 0101 180d11160a14 000000000000 060504030201 3000 02 0201 01 03 00 d9000600 0200"
    "a3c1c7f8a3b1b2e3dfc8b2b8d7dfc0c8" + "00" * 15 + "301213010814 68 2323"
)


def raw_of(spelt: str) -> bytes:
    return bytes.fromhex(spelt.replace(" ", ""))


def packet_of(raw: bytes) -> gb26875.Packet:
    return gb26875.decode(raw, ZONE)


def at(text_: str) -> int:
    return parse_time(f"{text_}+08:00")


def test_smoke_in_unit_2_of_zone_10() -> None:
    packet = packet_of(raw_of(SMOKE))
    assert (packet.serial, packet.version, packet.command, packet.type) == (1, (1, 1), 2, 2)
    assert (packet.source, packet.destination) == (889, 88888)
    assert packet.time == at("2012-09-26T09:58:32")
    (thing,) = packet.things
    assert (thing.system_type, thing.system_address, thing.component_type) == (1, 1, 40)
    assert (thing.zone, thing.unit, thing.state, thing.text) == (10, 2, 2, "")
    assert thing.time == at("2012-09-26T09:58:02")
    assert fields_of(packet)["objects"][0]["state_names"] == ["fire"]
    assert device_of(packet, thing) == "889/1-1/40-10.2"


def test_chinese_words_and_another_year() -> None:
    packet = packet_of(raw_of(WORDS))
    (thing,) = packet.things
    assert thing.text == "Ａ区１层呷哺走廊" and thing.time == 1_596_280_728 * SECOND
    assert packet.time == at("2020-10-22T17:13:24")
    shown = fields_of(packet)["objects"][0]
    assert shown["component_address"] == 0x0600D9 and shown["system_address"] == 3


def test_the_same_packet_with_the_check_sum_63_is_refused() -> None:
    raw = raw_of(WORDS)
    assert refused(raw[:-3] + b"\x63##").params == {"given": "63", "computed": "68"}


def test_a_main_power_fault_and_both_words_of_a_duty_check() -> None:
    assert fields_of(packet_of(raw_of(MAIN_POWER)))["objects"][0]["state_names"] == ["main_power"]
    asked = packet_of(raw_of(ASKED))
    assert (asked.command, asked.type, asked.things[0].argument) == (1, 91, 10)
    replied = fields_of(packet_of(raw_of(REPLIED)))["objects"][0]
    assert replied["state_names"] == ["duty_reply"] and replied["operator"] == 1


@pytest.mark.parametrize("spelt", [SMOKE, CONFIRMED, DENIED, MAIN_POWER, ASKED, REPLIED, WORDS, *MORE])
def test_published_packets_decode_and_encode_to_the_same_bytes(spelt: str) -> None:
    raw = raw_of(spelt)
    packet = packet_of(raw)
    again = gb26875.encode(
        serial=packet.serial, version=packet.version, time=bytes.fromhex(packet.time_sent),
        source=packet.source, destination=packet.destination, command=packet.command, data=raw[27:-3],
    )  # fmt: skip
    assert again == raw
    json.dumps(fields_of(packet))


def test_confirming_and_denying_as_published() -> None:
    now = at("2012-09-26T09:58:35")
    assert respond(raw_of(SMOKE), now, ZONE, 3) == raw_of(CONFIRMED)
    assert respond(raw_of(SMOKE), now, ZONE, 6) == raw_of(DENIED)
    assert respond(b"@@" + bytes(20), now, ZONE, 6) is None
    assert time_bytes(now, ZONE) == gb_time(now) == bytes.fromhex("233a091a090c")


def test_a_system_state_of_a_public_test() -> None:
    """Its expectations take the time as UTC+8: 1625187604."""
    raw = gb_frame(1, 1, START, bytes.fromhex("01010102040204000902 0715".replace(" ", "")))
    (thing,) = packet_of(raw).things
    assert (thing.system_address, thing.state, thing.time) == (2, 0x0204, 1_625_187_604 * SECOND)
    assert fields_of(packet_of(raw))["objects"][0]["state_names"] == ["fault", "backup_power"]


def test_vectors_beside_the_repository() -> None:
    if not (SHARED / "frames").is_dir():
        pytest.skip("no shared data: set LIANDONG_SHARED_DATA")
    rows = json.loads((SHARED / "frames" / "vectors.json").read_text())["gb26875_3"]
    assert len([packet_of(bytes.fromhex(row["hex"])) for row in rows if row["ok"]]) == 4


def refused(raw: bytes) -> BadInput:
    with pytest.raises(BadInput) as error:
        packet_of(raw)
    for language in ("zh", "en"):
        words = text(error.value.key, language, **error.value.params)
        assert "{" not in words and "⟦" not in words
    return error.value


GOOD = gb_frame(889, 1, START, gb_unit_state(2, START))


@pytest.mark.parametrize(
    ("raw", "key", "params"),
    [
        (b"", "gb26875.no_start", {}),
        (b"##" + GOOD[2:], "gb26875.no_start", {}),
        (GOOD[:29], "gb26875.short", {"size": 29, "least": 30}),
        (GOOD[:-1], "gb26875.bad_length", {"declared": 9, "found": 8}),
        (GOOD[:24] + b"\x01\x04" + GOOD[26:], "gb26875.bad_length", {"declared": 1025}),
        (GOOD[:-2] + b"@@", "gb26875.no_end", {}),
        (GOOD[:-3] + bytes([GOOD[-3] ^ 1]) + b"##", "gb26875.bad_checksum", {}),
        (gb_frame(1, 1, START, command=7), "gb26875.unknown_command", {"command": 7}),
        (gb_frame(1, 1, START, b"\x01"), "gb26875.short", {"size": 1}),
        (gb_frame(1, 1, START, b"\x09\x01"), "gb26875.unknown_type", {"type": 9}),
        (gb_frame(1, 1, START, b"\x01\x00"), "gb26875.bad_count", {"count": 0, "most": 102}),
        (gb_frame(1, 1, START, b"\x15\x02" + bytes(14)), "gb26875.bad_count", {"count": 2, "most": 1}),
        (gb_frame(1, 1, START, b"\x01\x02" + bytes(10)), "gb26875.bad_size", {"wanted": 20, "found": 10}),
        (gb_frame(1, 1, START, b"\x06\x01\x01\x01\x05ab"), "gb26875.bad_size", {"wanted": 8, "found": 5}),
        (gb_frame(1, 1, START, b"\x1a\x01\x01ab"), "gb26875.bad_size", {"wanted": 2, "found": 3}),
    ],
)
def test_every_fault_is_named(raw: bytes, key: str, params: dict[str, Any]) -> None:
    error = refused(raw)
    assert error.key == key
    assert {name: error.params[name] for name in params} == params


def test_texts_with_their_length() -> None:
    words = "三层配电间".encode("gb18030")
    data = b"\x06\x02\x01\x02" + bytes([len(words)]) + words + b"\x0a\x01\x00"
    packet = packet_of(gb_frame(1, 1, START, data))
    assert [(t.system_type, t.text) for t in packet.things] == [(1, "三层配电间"), (10, "")]
    packet = packet_of(gb_frame(1, 1, START, b"\x1a\x01" + bytes([len(words)]) + words))
    assert packet.things[0].text == "三层配电间"


def test_bytes_that_are_no_text_do_not_cost_the_alarm() -> None:
    raw = bytearray(gb_frame(1, 1, START, gb_component_state([(1, 1, 40, 1, 1, 2, "", START)])))
    raw[27 + 13] = 0xFF
    raw[-3] = sum(raw[2:-3]) & 255
    (thing,) = packet_of(bytes(raw)).things
    assert thing.state == 2 and "\ufffd" in (thing.text or "")


def test_an_alarm_with_an_impossible_time_takes_the_packets_and_else_the_arrival() -> None:
    data = gb_component_state([(1, 1, 40, 1, 1, 2, "", START)])[:-6] + bytes(6)
    packet = packet_of(gb_frame(1, 1, START + SECOND, data))
    rows = gb26875.rows_of(packet, START + 9 * SECOND)["1/1-1/40-1.1"]
    assert {r.time for r in rows} == {START + SECOND}
    assert fields_of(packet)["objects"][0]["time"] is None
    assert fields_of(packet)["objects"][0]["time_sent"] == "000000000000"
    raw = bytearray(gb_frame(1, 1, START, data))
    raw[6:12] = b"\xff" * 6
    raw[-3] = sum(raw[2:-3]) & 255
    rows = gb26875.rows_of(packet_of(bytes(raw)), START + 9 * SECOND)["1/1-1/40-1.1"]
    assert {r.time for r in rows} == {START + 9 * SECOND}


# Rows.


def test_every_bit_is_an_item() -> None:
    data = gb_system_state([(1, 2, 0b10_0001_0000_0110, START)])
    rows = gb26875.rows_of(packet_of(gb_frame(7, 1, START, data)), 0)["7/1-2"]
    assert {r.item for r in rows if r.value == 1.0} == {"fire", "fault", "main_power", "reset"}
    assert len(rows) == 14 and {r.time for r in rows} == {START}


def test_analogues_have_the_unit_of_the_table() -> None:
    kinds = [
        (2, 123, 1.23, "m"),
        (3, -15, -1.5, "°C"),
        (4, 3, 0.3, "MPa"),
        (6, 253, 25.3, "%LEL"),
        (12, 7, 7, "m/s"),
    ]
    data = gb_analogue([(1, 1, 10, 1, 2, kind, steps, START) for kind, steps, _, _ in kinds])
    rows = gb26875.rows_of(packet_of(gb_frame(7, 1, START, data)), 0)["7/1-1/10-1.2"]
    assert rows == [
        DeviceRow("7/1-1/10-1.2", f"ana-{kind}", START, value, unit) for kind, _, value, unit in kinds
    ]


def test_an_analogue_of_an_unknown_kind_has_no_value() -> None:
    packet = packet_of(gb_frame(7, 1, START, gb_analogue([(1, 1, 10, 1, 2, 200, 5, START)])))
    (row,) = gb26875.rows_of(packet, 0)["7/1-1/10-1.2"]
    assert (row.item, row.value, row.unit) == ("ana-200", None, "")


def test_of_an_operation_only_what_was_done_is_a_row() -> None:
    packet = packet_of(gb_frame(7, 1, START, gb_operation(0b100100, 5, START)))
    assert [r.item for r in gb26875.rows_of(packet, 0)["7"]] == ["op-manual_alarm", "op-duty_reply"]
    assert gb26875.rows_of(packet_of(gb_frame(7, 1, START, gb_operation(0, 5, START))), 0) == {}


@pytest.mark.parametrize("spelt", [CONFIRMED, ASKED, MORE[0], MORE[1]])
def test_what_measures_nothing_has_no_rows(spelt: str) -> None:
    assert gb26875.rows_of(packet_of(raw_of(spelt)), 0) == {}
    assert gb26875.rows_of(packet_of(gb_frame(7, 1, START)), 0) == {}


def test_keys_tell_packets_and_devices_apart() -> None:
    state = gb_unit_state(1, START)
    packets = [
        gb_frame(1, 1, START, state), gb_frame(2, 1, START, state), gb_frame(1, 2, START, state),
        gb_frame(1, 1, START + SECOND, state), gb_frame(1, 1, START, gb_operation(1, 1, START)),
    ]  # fmt: skip
    keys = [key_of(packet_of(raw), "d") for raw in packets]
    assert len(set(keys)) == 5 and keys[0] == key_of(packet_of(packets[0]), "d") != key_of(
        packet_of(packets[0]), "e"
    )


# Every byte string.


@given(st.binary(max_size=120))
def test_every_byte_string_is_a_packet_or_refused(raw: bytes) -> None:
    try:
        packet_of(raw)
    except BadInput as error:
        text(error.key, "zh", **error.params)


@given(
    type_=st.one_of(st.sampled_from(sorted(TYPES)), st.integers(0, 255)),
    count=st.integers(0, 130), body=st.binary(max_size=300), command=st.integers(0, 9),
)  # fmt: skip
def test_every_application_unit_is_read_or_refused(type_: int, count: int, body: bytes, command: int) -> None:
    try:
        packet = packet_of(gb_frame(3, 4, START, bytes([type_, count]) + body, command=command))
    except BadInput as error:
        text(error.key, "zh", **error.params)
    else:
        json.dumps(fields_of(packet))
        gb26875.rows_of(packet, START)


@given(
    source=st.integers(0, 2**48 - 1), serial=st.integers(0, 65_535),
    state=st.integers(0, 65_535), words=st.text("一二三消防abc", max_size=15), second=st.integers(0, 10**9),
)  # fmt: skip
def test_what_a_device_builds_is_what_we_read(
    source: int, serial: int, state: int, words: str, second: int
) -> None:
    """Two writings of the standard, neither of which knows the other."""
    moment = START + second * SECOND
    data = gb_component_state([(1, 2, 40, 3, 65_535, state, words, moment)])
    packet = packet_of(gb_frame(source, serial, moment, data, destination=5))
    thing = packet.things[0]
    assert (packet.source, packet.serial, packet.time, packet.destination) == (source, serial, moment, 5)
    assert (thing.state, thing.text, thing.time, thing.unit) == (state, words, moment, 65_535)
