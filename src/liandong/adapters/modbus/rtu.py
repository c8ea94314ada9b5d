"""Frames of Modbus RTU as plain values, for people and programs; pure functions.

Polling goes through pymodbus; this only reads what somebody recorded on a line, where neither the
question to an answer nor an installed extra may be at hand. Functions 1 to 6, 15, 16, 22, 23 and
exceptions, after MODBUS Application Protocol V1.1b3 (modbus.org); the check sum after MODBUS over
serial line V1.02, annex B.
"""

from __future__ import annotations

import struct
from typing import Any

from liandong.core.values.errors import BadInput

FUNCTIONS = {
    1: "read_coils", 2: "read_discrete_inputs", 3: "read_holding_registers", 4: "read_input_registers",
    5: "write_coil", 6: "write_register", 15: "write_coils", 16: "write_registers",
    22: "mask_register", 23: "read_write_registers",
}  # fmt: skip
EXCEPTIONS = {
    1: "illegal_function", 2: "illegal_data_address", 3: "illegal_data_value", 4: "device_failure",
    5: "acknowledge", 6: "device_busy", 8: "memory_parity_error", 10: "gateway_path_unavailable",
    11: "gateway_target_no_answer",
}  # fmt: skip
#: Address, function, check sum; and the largest frame.
LEAST, MOST = 4, 256


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = tuple(_shifted(value) for value in range(256))


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS; in a frame its low byte comes first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def read_frame(raw: bytes) -> dict[str, Any]:
    """One frame, question or answer. Raises BadInput saying what is wrong.

    Some answers have the size of a question; then it is taken for a question, unless its byte count
    fits.
    """
    if not LEAST <= len(raw) <= MOST:
        raise BadInput("modbus.bad_size", size=len(raw), least=LEAST, most=MOST)
    given, computed = int.from_bytes(raw[-2:], "little"), crc16(raw[:-2])
    if given != computed:
        raise BadInput("modbus.bad_crc", given=f"{raw[-2:].hex().upper()}",
                       computed=computed.to_bytes(2, "little").hex().upper())  # fmt: skip
    unit, function, data = raw[0], raw[1], raw[2:-2]
    crc = raw[-2:].hex().upper()
    if function & 0x80:
        return {"unit": unit, "function": function & 0x7F, "name": FUNCTIONS.get(function & 0x7F),
                "kind": "exception", **_exception(data), "crc": crc}  # fmt: skip
    if function not in FUNCTIONS:
        raise BadInput("modbus.unknown_function", function=function)
    found = _read(function, data) if function <= 4 else _write(function, data)
    if found is None:
        raise BadInput("modbus.bad_data", function=function, size=len(data))
    return {"unit": unit, "function": function, "name": FUNCTIONS[function], **found, "crc": crc}


def _exception(data: bytes) -> dict[str, Any]:
    if len(data) != 1:
        raise BadInput("modbus.bad_data", function=0, size=len(data))
    return {"exception": data[0], "exception_name": EXCEPTIONS.get(data[0])}


def _read(function: int, data: bytes) -> dict[str, Any] | None:
    """Functions 1 to 4."""
    if data and data[0] == len(data) - 1 and (function <= 2 or data[0] % 2 == 0):
        values = _bits(data[1:]) if function <= 2 else registers(data[1:])
        return {"kind": "answer", **values}
    if len(data) == 4:
        address, count = struct.unpack(">HH", data)
        return {"kind": "question", "address": address, "count": count}
    return None


def _write(function: int, data: bytes) -> dict[str, Any] | None:
    if function in (5, 6) and len(data) == 4:
        address, value = struct.unpack(">HH", data)
        return {"kind": "question_or_answer", "address": address, "value": value}
    if function == 22 and len(data) == 6:
        address, keep, put = struct.unpack(">HHH", data)
        return {"kind": "question_or_answer", "address": address, "and": keep, "or": put}
    if function in (15, 16) and len(data) == 4:
        address, count = struct.unpack(">HH", data)
        return {"kind": "answer", "address": address, "count": count}
    if function in (15, 16) and len(data) > 5 and data[4] == len(data) - 5:
        address, count = struct.unpack_from(">HH", data)
        values = _bits(data[5:]) if function == 15 else registers(data[5:])
        return {"kind": "question", "address": address, "count": count, **values}
    if function == 23 and len(data) > 9 and data[8] == len(data) - 9:
        address, count, written, _ = struct.unpack_from(">HHHH", data)
        return {
            "kind": "question", "address": address, "count": count, "written_address": written,
            **registers(data[9:]),
        }  # fmt: skip
    if function == 23 and data and data[0] == len(data) - 1:
        return {"kind": "answer", **registers(data[1:])}
    return None


def _bits(data: bytes) -> dict[str, Any]:
    return {"bits": [byte >> bit & 1 for byte in data for bit in range(8)]}


def registers(data: bytes) -> dict[str, Any]:
    """Registers; and read two by two as 32-bit floats, high register first, as many meters mean them."""
    words = list(struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2]))
    found: dict[str, Any] = {"registers": words}
    if words and len(words) % 2 == 0:
        floats = struct.unpack(f">{len(words) // 2}f", data[: len(words) * 2])
        # Seven digits are what 32 bits hold; what is no number is none in JSON, either.
        found["float32"] = [float(f"{x:.7g}") if abs(x) < 3.5e38 else None for x in floats]
    return found
