"""Registers of Modbus to values and back: types, and the orders in which makers put bytes and words.

A register is 16 bits, sent high byte first (MODBUS Application Protocol Specification V1.1b3, 4.2).
What two or four registers mean together the specification leaves open; the four orders in use are
named by where the bytes of the number 0xAABBCCDD stand on the wire.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal

Kind = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
    "bit0", "bit1", "bit2", "bit3", "bit4", "bit5", "bit6", "bit7",
    "bit8", "bit9", "bit10", "bit11", "bit12", "bit13", "bit14", "bit15",
]  # fmt: skip
#: ABCD big-endian; CDAB words exchanged; BADC bytes of each word exchanged; DCBA little-endian.
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]

_FORMATS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip


def width(kind: Kind) -> int:
    """Registers (or, of `bool`, coils) that a value of this type takes."""
    return struct.calcsize(">" + _FORMATS[kind]) // 2 if kind in _FORMATS else 1


def raw_value(registers: Sequence[int], kind: Kind, order: Order = "ABCD") -> int | float:
    """The number that registers (each 0 to 65,535) hold; as many as `width` says.

    A bit is 0 or 1. Raises ValueError for another count.
    """
    if len(registers) != width(kind):
        raise ValueError(f"{len(registers)} registers for {kind}")
    if kind == "bool":
        return int(bool(registers[0]))
    if kind.startswith("bit"):
        return _as_big(registers, order)[0] >> int(kind[3:]) & 1
    data = struct.pack(f">{len(registers)}H", *_as_big(registers, order))
    number: int | float = struct.unpack(">" + _FORMATS[kind], data)[0]
    return number


def value_of(
    registers: Sequence[int], kind: Kind, order: Order = "ABCD", invalid: int | float | None = None
) -> float | None:
    """The measured value, or None where the device says that there is none: `invalid`, or no number.

    An integer of 64 bits beyond 2^53 loses its last digits.
    """
    raw = raw_value(registers, kind, order)
    if invalid is not None and raw == invalid:
        return None
    value = float(raw)
    return value if math.isfinite(value) else None


def registers_of(value: float, kind: Kind, order: Order = "ABCD") -> tuple[int, ...]:
    """The registers that hold a number of one of the types of whole registers; the reverse of `raw_value`.

    Raises struct.error where it does not fit.
    """
    number = value if kind.startswith("float") else int(value)
    data = struct.pack(">" + _FORMATS[kind], number)
    return _as_big(struct.unpack(f">{len(data) // 2}H", data), order)


def _as_big(registers: Sequence[int], order: Order) -> tuple[int, ...]:
    """In big-endian order; the same exchange leads back."""
    words = registers if order in ("ABCD", "BADC") else registers[::-1]
    if order in ("BADC", "DCBA"):
        return tuple((word & 0xFF) << 8 | word >> 8 for word in words)
    return tuple(words)
