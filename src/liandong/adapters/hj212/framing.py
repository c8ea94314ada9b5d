"""Frames of HJ 212 in a stream: `##`, four digits of length, data, four digits of check sum, CR LF."""

from __future__ import annotations

from liandong.adapters._io.framing import Framer, Look
from liandong.adapters.hj212.codec import OVERHEAD
from liandong.core.values.errors import BadInput

#: A frame that ends while another begins: what was declared cannot be true.
_NEXT = b"\r\n##"


def make_framer() -> Framer:
    """For one connection. Line ends and blanks between frames are no rubbish."""
    return Framer(b"##", _look, between=b"\r\n \t\0")


def _look(buffer: bytearray, at: int) -> Look | None:
    if len(buffer) < at + 6:
        return None
    digits = bytes(buffer[at + 2 : at + 6])
    if not digits.isdigit():
        return Look(1, BadInput("hj212.bad_length", declared=digits.decode("ascii", "replace"), found=0))
    size = int(digits)
    end = at + OVERHEAD + size
    # A length that lies must not swallow the frames that follow.
    early = buffer.find(_NEXT, at + 6, end + 1)
    if early >= 0:
        found = max(0, early - at - OVERHEAD + 2)
        return Look(early + 2 - at, BadInput("hj212.bad_length", declared=size, found=found), ends=True)
    if len(buffer) < end:
        return None
    if buffer[end - 2 : end] != b"\r\n":
        return Look(2, BadInput("hj212.no_end", declared=size))
    return Look(end - at)
