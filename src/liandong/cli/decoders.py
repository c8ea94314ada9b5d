"""What `liandong decode` and `liandong fuzz` know: a protocol's name and how a line of it is read.

Whoever adds a protocol adds a line to `DECODERS`. Adapters are imported when their name is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from liandong.adapters._io.localtime import LocalTime
from liandong.core.values.errors import BadInput

Fields = dict[str, Any]
#: Bytes of a line, and the zone of the devices' clocks → fields. Raises BadInput.
Read = Callable[[bytes, LocalTime], Fields]

_is_hex = re.compile(rb"(?:[0-9A-Fa-f]{2}\s*)+").fullmatch


def unhex(line: bytes) -> bytes:
    """Hexadecimal digits → bytes. Raises BadInput for anything else."""
    text = line.strip().removeprefix(b"0x")
    if _is_hex(text) is None:
        raise BadInput("decode.not_hex")
    return bytes.fromhex(text.decode("ascii"))


def _hj212(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters import hj212

    return hj212.fields_of(hj212.decode(line if line.startswith(b"##") else unhex(line), clock))


def _gb26875(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters import gb26875

    return gb26875.fields_of(gb26875.decode(line if line.startswith(b"@@") else unhex(line), clock))


def _jt808(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters import jt808

    return jt808.fields_of(jt808.decode(line if line.startswith(b"\x7e") else unhex(line)), clock)


def _modbus(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters.modbus.rtu import read_frame

    return read_frame(unhex(line))


def _cap(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters.cap.reading import fields_of, read_document

    return fields_of(read_document(line))


def _sensorthings(line: bytes, clock: LocalTime) -> Fields:
    from liandong.adapters.sensorthings.posting import fields_of

    return fields_of(line)


DECODERS: dict[str, Read] = {
    "hj212": _hj212,
    "gb26875": _gb26875,
    "jt808": _jt808,
    "modbus": _modbus,
    "cap": _cap,
    "sensorthings": _sensorthings,
}
