"""Bodies of what the centre says; layouts as in `bodies`."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.jt808.codec import Message

_UTC = LocalTime("UTC")


def reply(message: Message, result: int) -> bytes:
    """General reply (0x8001)."""
    return struct.pack(">HHB", message.serial, message.id, result)


def registration_reply(message: Message, result: int, code: str = "") -> bytes:
    """Reply to a registration (0x8100); the code only where it succeeded."""
    return struct.pack(">HB", message.serial, result) + code.encode("gb18030")


def request_parts(first: int, missing: Sequence[int], of_2019: bool) -> bytes:
    """Ask for parts again (0x8003). Of more than a body holds only the first are asked for."""
    most = 255 if not of_2019 else 500
    numbers = missing[:most]
    count = struct.pack(">H", len(numbers)) if of_2019 else bytes((len(numbers),))
    return struct.pack(">H", first) + count + struct.pack(f">{len(numbers)}H", *numbers)


def server_time(at: int) -> bytes:
    """Our time for a terminal that asks (0x8004, edition of 2019): UTC, unlike every other time."""
    return bytes.fromhex(f"{_UTC.local(at):%y%m%d%H%M%S}")


def set_parameters(parameters: Mapping[int, bytes]) -> bytes:
    """Set parameters of a terminal (0x8103)."""
    rows = [struct.pack(">IB", id, len(data)) + data for id, data in parameters.items()]
    return bytes((len(rows),)) + b"".join(rows)


def read_some(ids: Sequence[int]) -> bytes:
    """Ask for some parameters (0x8106)."""
    return bytes((len(ids),)) + b"".join(struct.pack(">I", id) for id in ids)


def follow(interval_s: int, duration_s: int) -> bytes:
    """Ask for a location every so often for a while (0x8202)."""
    return struct.pack(">HI", interval_s, duration_s)


def confirm_alarm(serial: int, alarms: int) -> bytes:
    """Tell that a person has seen alarms (0x8203)."""
    return struct.pack(">HI", serial, alarms)


def text(words: str, flag: int, of_2019: bool, kind: int = 1) -> bytes:
    """Words for the driver (0x8300). `flag`: bit 0 urgent, bit 2 on the display, bit 3 spoken."""
    return (bytes((flag, kind)) if of_2019 else bytes((flag,))) + words.encode("gb18030")
