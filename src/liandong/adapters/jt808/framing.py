"""Messages of JT/T 808 in a stream: from one mark 7E to the next."""

from __future__ import annotations

from liandong.adapters._io.framing import Framer, Look
from liandong.adapters.jt808.codec import HEADS, MOST_ESCAPED, head_of, unescape
from liandong.core.values.errors import BadInput

_MARK = 0x7E


def make_framer() -> Framer:
    """For one connection. Line ends between messages are no rubbish."""
    return Framer(b"\x7e", _look, between=b"\r\n\0")


def _look(buffer: bytearray, at: int) -> Look | None:
    """The same byte opens and closes, so a stream that lost its step has to find it again.

    What stands between two marks is a message only if its length is the declared one; else the second
    mark is taken as the opening of the next.
    """
    end = buffer.find(_MARK, at + 1, at + 2 + MOST_ESCAPED)
    if end < 0:
        if len(buffer) < at + 2 + MOST_ESCAPED:
            return None
        return Look(1, BadInput("jt808.no_end", most=MOST_ESCAPED))
    if end == at + 1:
        return Look(1, skip=True)
    error = _wrong(bytes(buffer[at + 1 : end]))
    return Look(end + 1 - at) if error is None else Look(end - at, error, ends=True)


def _wrong(between: bytes) -> BadInput | None:
    try:
        data = unescape(between)
    except BadInput as error:
        return error
    if len(data) < HEADS[0] + 1:
        return BadInput("jt808.short", size=len(data), least=HEADS[0] + 1)
    properties = data[2] << 8 | data[3]
    found = len(data) - 1 - head_of(properties)
    if found != properties & 0x3FF:
        return BadInput("jt808.bad_length", declared=properties & 0x3FF, found=max(0, found))
    return None
