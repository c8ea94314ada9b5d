"""Messages of JT/T 808 as a simulated terminal writes and reads them, editions of 2013 and 2019.

Written from the standard's layouts and not from our adapter, which this room may not import: what one
of the two gets wrong, the other does not understand.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liandong.core.values.times import to_datetime
from liandong.sim.frames import ZONE

REGISTER, AUTHENTICATE, HEARTBEAT, DEREGISTER = 0x0100, 0x0102, 0x0002, 0x0003
LOCATION, LOCATION_REPLY, LOCATIONS = 0x0200, 0x0201, 0x0704


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the centre."""

    id: int
    phone: str
    serial: int
    body: bytes


def jt808_message(
    id: int, phone: str, serial: int, body: bytes = b"", *, version: int = 0,
    part: tuple[int, int] | None = None,
) -> bytes:  # fmt: skip
    """A message between its marks; `version` 0 is the edition of 2013, 1 that of 2019.

    `part` is (number, of how many).
    """
    bits = len(body) | (0x4000 if version else 0) | (0x2000 if part else 0)
    data = struct.pack(">HH", id, bits) + (bytes([version]) if version else b"")
    data += bytes.fromhex(phone.rjust(20 if version else 12, "0")) + struct.pack(">H", serial & 0xFFFF)
    if part is not None:
        data += struct.pack(">HH", part[1], part[0])
    data += body
    check = 0
    for byte in data:
        check ^= byte
    escaped = bytearray()
    for byte in data + bytes([check]):
        escaped += {0x7E: b"\x7d\x02", 0x7D: b"\x7d\x01"}.get(byte, bytes([byte]))
    return b"\x7e" + bytes(escaped) + b"\x7e"


def jt808_read(frame: bytes) -> Heard:
    """A message of the centre. Raises ValueError where its check sum is wrong."""
    data, escaped = bytearray(), False
    for byte in frame[1:-1]:
        if escaped:
            data.append(0x7E if byte == 2 else 0x7D)
        elif byte != 0x7D:
            data.append(byte)
        escaped = byte == 0x7D and not escaped
    check = 0
    for byte in data:
        check ^= byte
    if check:
        raise ValueError("check sum")
    id, bits = struct.unpack_from(">HH", data)
    at, width = (5, 10) if bits & 0x4000 else (4, 6)
    phone = bytes(data[at : at + width]).hex()
    (serial,) = struct.unpack_from(">H", data, at + width)
    return Heard(id, phone, serial, bytes(data[at + width + 2 : -1]))


def jt808_time(at: int) -> bytes:
    """Year, month, day, hour, minute, second, two decimal digits each, GMT+8."""
    return bytes.fromhex(f"{to_datetime(at).astimezone(ZONE):%y%m%d%H%M%S}")


def jt808_registration(terminal: str, plate: str, *, version: int = 0, maker: str = "SIM") -> bytes:
    """Province 44, city 0600; a yellow plate."""
    widths = (11, 30, 30) if version else (5, 20, 7)
    words = b"".join(
        text.encode().ljust(width, b"\0")
        for text, width in zip((maker, "S-1", terminal), widths, strict=True)
    )
    return struct.pack(">HH", 44, 600) + words + b"\x02" + plate.encode("gb18030")


def jt808_authentication(code: bytes, *, version: int = 0) -> bytes:
    """The code alone; in 2019 with its length before it, and the number of the device and its software."""
    if not version:
        return code
    return bytes([len(code)]) + code + b"123456789012345" + b"sim-1".ljust(20, b"\0")


def jt808_location(
    at: int, lon: float, lat: float, *, alarm: int = 0, status: int = 3, altitude: int = 20,
    speed: float = 0.0, direction: int = 0, extras: Mapping[int, bytes] | None = None,
) -> bytes:  # fmt: skip
    """A location: degrees, metres, km/h; `status` 3 is ignition on and a fix; north and east."""
    fixed = struct.pack(
        ">IIIIHHH", alarm, status, round(lat * 1e6), round(lon * 1e6), altitude, round(speed * 10), direction
    )
    tail = b"".join(bytes([id, len(data)]) + data for id, data in (extras or {}).items())
    return fixed + jt808_time(at) + tail


def jt808_locations(bodies: Sequence[bytes], *, late: bool = False) -> bytes:
    """Several locations in one message; `late` where they were kept while there was no network."""
    items = b"".join(struct.pack(">H", len(body)) + body for body in bodies)
    return struct.pack(">HB", len(bodies), late) + items
