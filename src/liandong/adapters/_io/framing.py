"""A stream of bytes cut into frames, however the network has cut it, and found again after rubbish.

The same bytes give the same pieces for every way of feeding them: a decision is only made once all
the bytes are there that it could depend on.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from liandong.core.values.errors import BadInput

#: Rubbish is handed on in pieces of at most so many bytes, so that nobody fills the memory with it.
MOST_RUBBISH = 4096


class Piece(msgspec.Struct, frozen=True):
    """Part of the stream: a whole frame (`error` is None), or bytes that are none, with the reason."""

    raw: bytes
    error: BadInput | None = None


class Look(msgspec.Struct, frozen=True):
    """What stands at a start mark: a frame of `size` bytes, or none for this reason.

    In the second case the search goes on `size` bytes further; `ends` says that what is no frame ends
    there, else it goes on until the next frame. `skip`: these bytes are neither frame nor rubbish, e.g.
    a mark that closes nothing.
    """

    size: int
    error: BadInput | None = None
    ends: bool = False
    skip: bool = False


#: Looks at a buffer from a start mark on; None while more bytes are needed to tell.
LookAt = Callable[[bytearray, int], Look | None]


class Framer:
    """Holds the bytes of one connection that are not a frame yet.

    It holds the largest frame that `look` waits for and one piece of rubbish at most, beside the last cut.
    """

    def __init__(self, mark: bytes, look: LookAt, between: bytes = b" ") -> None:
        """`mark` begins every frame; bytes of `between` alone are no rubbish, e.g. stray line ends."""
        self._mark = mark
        self._look = look
        self._between = between
        self._buffer = bytearray()
        self._from = 0  # what stands before is no frame
        self._error: BadInput | None = None  # why

    @property
    def partial(self) -> bool:
        """True while bytes wait for the rest of their frame."""
        return bool(self._buffer.strip(self._between))

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that these bytes complete, in order."""
        self._buffer += data
        return self._pieces()

    def expire(self) -> list[Piece]:
        """Give up waiting for the frame at the front, and look for others behind its start."""
        if not self.partial:
            self._buffer.clear()
            return []
        error = self._error or BadInput("frame.cut_off", size=len(self._buffer))
        at = self._buffer.find(self._mark, self._from)
        self._from, self._error = at + 1 if at >= 0 else len(self._buffer), error
        found = self._pieces()
        if self._error is error and self._buffer:
            self._drop(len(self._buffer), found)
        return found

    def close(self) -> list[Piece]:
        """What is left once nothing more will come."""
        found: list[Piece] = []
        while self._buffer:
            found += self.expire()
        return found

    def _pieces(self) -> list[Piece]:
        found: list[Piece] = []
        buffer, mark = self._buffer, self._mark
        while True:
            at = buffer.find(mark, self._from)
            if at < 0 or at > MOST_RUBBISH:
                if len(buffer) < MOST_RUBBISH + len(mark):
                    return found
                self._drop(MOST_RUBBISH, found, going_on=True)
                continue
            seen = self._look(buffer, at)
            if seen is None:
                return found
            if seen.skip:
                self._drop(at, found)
                del buffer[: seen.size]
                self._error, self._from = None, 0
            elif seen.error is None:
                self._drop(at, found)
                found.append(Piece(bytes(buffer[: seen.size])))
                del buffer[: seen.size]
            elif seen.ends:
                self._drop(at, found)
                self._error = seen.error
                self._drop(seen.size, found)
            else:
                if self._error is None and not at:
                    self._error = seen.error
                self._from = at + seen.size

    def _drop(self, size: int, found: list[Piece], going_on: bool = False) -> None:
        """Hand on what is no frame; `going_on` where the same rubbish goes on behind it."""
        if not size:
            return
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        if self._error is not None or raw.strip(self._between):
            found.append(Piece(raw, self._error or BadInput("frame.rubbish", size=len(raw))))
        self._from = max(0, self._from - size)
        if not going_on:
            self._error, self._from = None, 0
