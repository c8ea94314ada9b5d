"""Modbus RTU frames as somebody recorded them: every function, question and answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.modbus.rtu import crc16, read_frame
from liandong.core.values.errors import BadInput


def sealed(spelt: str) -> bytes:
    data = bytes.fromhex(spelt)
    return data + crc16(data).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ("0103 0000 000A", {"kind": "question", "address": 0, "count": 10}),
        ("0103 04 4366 3333", {"kind": "answer", "registers": [0x4366, 0x3333], "float32": [230.2]}),
        ("0103 04 7FC0 0000", {"registers": [0x7FC0, 0], "float32": [None]}),
        ("0104 02 09C4", {"kind": "answer", "registers": [2500]}),
        ("0102 01 05", {"kind": "answer", "bits": [1, 0, 1, 0, 0, 0, 0, 0]}),
        ("0105 00AC FF00", {"kind": "question_or_answer", "address": 0xAC, "value": 0xFF00}),
        ("0110 0001 0002 04 000A 0102", {"kind": "question", "registers": [10, 258]}),
        ("0110 0001 0002", {"kind": "answer", "address": 1, "count": 2}),
        ("010F 0013 000A 02 CD01", {"kind": "question", "count": 10}),
        ("0116 0004 00F2 0025", {"and": 0xF2, "or": 0x25}),
        ("0117 0003 0006 000E 0001 02 00FF", {"kind": "question", "written_address": 14, "registers": [255]}),
        ("0117 02 00FE", {"kind": "answer", "registers": [254]}),
        ("0183 02", {"kind": "exception", "function": 3, "exception_name": "illegal_data_address"}),
    ],
)
def test_functions(data: str, fields: dict[str, Any]) -> None:
    found = read_frame(sealed(data.replace(" ", "")))
    assert found["unit"] == 1 and {name: found[name] for name in fields} == fields


def test_the_check_sum_is_that_of_the_library() -> None:
    rtu = pytest.importorskip("pymodbus.framer.rtu").FramerRTU
    for data in (b"", b"\x01\x03\x00\x00\x00\x0a", bytes(range(256))):
        assert rtu.compute_CRC(data) == int.from_bytes(crc16(data).to_bytes(2, "little"), "big")


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"\x01\x03", "modbus.bad_size"),
        (b"\x01\x03\x02\x00\x00\x00\x00", "modbus.bad_crc"),
        (sealed("0163"), "modbus.unknown_function"),
        (sealed("01030500010203"), "modbus.bad_data"),
        (sealed("01830202"), "modbus.bad_data"),
    ],
)
def test_what_is_wrong_is_said(raw: bytes, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_frame(raw)
    assert refused.value.key == key


@given(st.binary(max_size=40))
@settings(max_examples=60)
def test_every_byte_string_is_a_frame_or_refused(data: bytes) -> None:
    for raw in (data, data + crc16(data).to_bytes(2, "little")):
        try:
            read_frame(raw)
        except BadInput as error:
            assert error.key.startswith("modbus.")
