"""Packets of GB/T 26875.3 in a stream. `@@` may stand inside one, so its length and end decide."""

from __future__ import annotations

from liandong.adapters._io.framing import Framer, Look
from liandong.adapters.gb26875.codec import HEAD, MOST_DATA, OVERHEAD
from liandong.core.values.errors import BadInput


def make_framer() -> Framer:
    """For one connection."""
    return Framer(b"@@", _look, between=b"")


def _look(buffer: bytearray, at: int) -> Look | None:
    if len(buffer) < at + HEAD:
        return None
    length = buffer[at + 24] | buffer[at + 25] << 8
    if length > MOST_DATA:
        return Look(1, BadInput("gb26875.bad_length", declared=length, found=0))
    end = at + OVERHEAD + length
    if len(buffer) < end:
        return None
    if buffer[end - 2 : end] != b"##":
        return Look(1, BadInput("gb26875.no_end"))
    return Look(end - at)
