"""Messages that came in several parts: joined, asked for again, given up; bounded in number and size.

Only authenticated terminals may leave parts here. A part is answered as soon as it came, and the last
one only once the whole is durable: after a crash the terminal repeats that one, and the others are
asked for by 0x8003.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import msgspec

from liandong.adapters.jt808.codec import Message
from liandong.adapters.jt808.tables import TRIES
from liandong.core.values.errors import BadInput

#: Of one connection: messages that are not whole, and bytes of their parts.
MOST_OPEN, MOST_BYTES = 8, 128 * 1024
#: A message of more parts is refused at its first.
MOST_PARTS = 512

_Name = tuple[str, int, int]  #: phone, id, serial of the first part


@dataclass(slots=True)
class Open:
    """A message of which parts are missing."""

    total: int
    held: dict[int, tuple[bytes, Message]] = field(default_factory=dict)
    size: int = 0
    asked: int = 0
    heard: bool = True  #: a part came since it was last looked at

    @property
    def missing(self) -> list[int]:
        """Numbers of the parts that did not come."""
        return [n for n in range(1, self.total + 1) if n not in self.held]

    @property
    def any(self) -> Message:
        """One of its parts, for the number and edition of the terminal."""
        return next(iter(self.held.values()))[1]


class Parts:
    """What one connection has sent in parts."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Name, Open] = OrderedDict()
        self.given_up: list[tuple[bytes, Message]] = []  #: for the door to refuse
        self._size = 0

    @property
    def waiting(self) -> int:
        """Messages that are not whole."""
        return len(self._open)

    def take(self, raw: bytes, message: Message) -> tuple[bytes, Message] | None:
        """The whole message and its bytes once this part completes it. Raises BadInput for too many parts.

        The whole carries the serial of the part that completed it, which is the one to answer.
        """
        if message.total > MOST_PARTS:
            raise BadInput("jt808.too_many_parts", total=message.total, most=MOST_PARTS)
        name = self._name(message)
        one = self._open.get(name)
        if one is None or one.total != message.total:
            if one is not None:
                self._drop(name)
            one = self._open[name] = Open(message.total)
        one.heard = True
        if message.index not in one.held:
            one.held[message.index] = (raw, message)
            one.size += len(raw)
            self._size += len(raw)
        if len(one.held) == one.total:
            del self._open[name]
            self._size -= one.size
            return _joined(one, message)
        self._bound()
        return None

    def _name(self, message: Message) -> _Name:
        """Serials of parts follow each other; a part that was asked for may come with a serial of its own."""
        name = (message.phone, message.id, (message.serial - message.index + 1) & 0xFFFF)
        if name not in self._open:
            for other, one in self._open.items():
                if (
                    other[:2] == name[:2]
                    and one.asked
                    and one.total == message.total
                    and message.index not in one.held
                ):
                    return other
        return name

    def _bound(self) -> None:
        while len(self._open) > MOST_OPEN or self._size > MOST_BYTES:
            self._drop(next(iter(self._open)))

    def _drop(self, name: _Name) -> None:
        one = self._open.pop(name)
        self._size -= one.size
        self.given_up += one.held.values()

    def due(self) -> list[tuple[int, Open]]:
        """(serial of the first part, message) to ask for now: of which nothing came since the last look.

        What was asked for in vain as often as the standard repeats is given up.
        """
        found: list[tuple[int, Open]] = []
        for name, one in list(self._open.items()):
            if one.heard:
                one.heard = False
            elif one.asked >= TRIES:
                self._drop(name)
            else:
                one.asked += 1
                found.append((name[2], one))
        return found

    def drop_all(self) -> None:
        """The connection has ended."""
        for name in list(self._open):
            self._drop(name)


def _joined(one: Open, last: Message) -> tuple[bytes, Message]:
    parts = [one.held[n] for n in range(1, one.total + 1)]
    body = b"".join(message.body for _, message in parts)
    return b"".join(raw for raw, _ in parts), msgspec.structs.replace(last, body=body, total=0, index=0)
