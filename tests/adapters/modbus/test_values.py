"""Types and orders of registers, against numbers worked out by hand and against their own reverse."""

from __future__ import annotations

import math
import struct
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.modbus.values import Kind, Order, raw_value, registers_of, value_of, width

WHOLE = [kind for kind in get_args(Kind) if kind != "bool" and not kind.startswith("bit")]
#: 123.456 as IEEE 754 is 0x42F6E979; 0x12345678 is 305419896.
SINGLE = {
    "ABCD": (0x42F6, 0xE979), "CDAB": (0xE979, 0x42F6), "BADC": (0xF642, 0x79E9), "DCBA": (0x79E9, 0xF642),
}  # fmt: skip
WHOLE_NUMBER = {
    "ABCD": (0x1234, 0x5678), "CDAB": (0x5678, 0x1234), "BADC": (0x3412, 0x7856), "DCBA": (0x7856, 0x3412),
}  # fmt: skip


@pytest.mark.parametrize("order", get_args(Order))
def test_the_four_orders_are_what_makers_call_so(order: Order) -> None:
    assert value_of(SINGLE[order], "float32", order) == pytest.approx(123.456, abs=1e-5)
    assert raw_value(WHOLE_NUMBER[order], "uint32", order) == 0x12345678


def test_signs_bits_and_what_is_no_value() -> None:
    assert raw_value([0xFFFE], "int16") == -2 and raw_value([0xFFFE], "uint16") == 65_534
    assert raw_value([0xFFFF, 0xFFFE], "int32") == -2
    assert raw_value([0x8000], "bit15") == 1 and raw_value([0x8000], "bit7", "BADC") == 1
    assert raw_value([0x4000], "bit15") == 0 and raw_value([1], "bool") == 1
    assert value_of([0x8000], "int16", invalid=-32_768) is None
    assert value_of([0x8001], "int16", invalid=-32_768) == -32_767
    assert value_of([0x7FC0, 0], "float32") is None and value_of([0x7F80, 0], "float32") is None
    assert value_of([0xFFFF] * 4, "uint64") == 2.0**64  # beyond 2^53 the last digits are lost
    with pytest.raises(ValueError):
        raw_value([1], "int32")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.sampled_from(get_args(Order)), st.binary(min_size=8, max_size=8))
def test_there_and_back_is_the_same(kind: Kind, order: Order, data: bytes) -> None:
    registers = struct.unpack(f">{width(kind)}H", data[: 2 * width(kind)])
    number = raw_value(registers, kind, order)
    if not (isinstance(number, float) and math.isnan(number)):
        assert registers_of(number, kind, order) == registers
