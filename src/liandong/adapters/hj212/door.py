"""The door for HJ 212 devices: frames in, 9014 out once the data are durable."""

from __future__ import annotations

import asyncio
import hmac
from pathlib import Path

from liandong.adapters._io.framing import Piece
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters._io.server import Link, Owed
from liandong.adapters._io.taking import refuse, take_rows
from liandong.adapters.hj212.codec import Frame, answer, decode, without_password
from liandong.adapters.hj212.framing import make_framer
from liandong.adapters.hj212.parts import Held, Parts
from liandong.adapters.hj212.rows import key_of, rows_of
from liandong.app.platform import Platform
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput, Forbidden

PROTOCOL = "hj212"
#: Packets of one upload that have not come together after so long are refused, seconds.
PARTS_S = 60.0


class Hj212Door:
    """What all connections share."""

    def __init__(self, platform: Platform, password: str | None = None, parts_s: float = PARTS_S) -> None:
        """With a password, frames that carry another one are refused, and it is kept nowhere."""
        self.platform = platform
        self.zone = LocalTime(platform.handler.policy.city.city.zone)
        self.parts_s = parts_s
        self._password = password.encode() if password else None

    def open_talk(self, link: Link) -> Hj212Talk:
        """A new connection."""
        return Hj212Talk(self)

    def kept(self, raw: bytes) -> bytes:
        """The bytes as they may be kept."""
        return raw if self._password is None else without_password(raw)

    def check(self, frame: Frame) -> None:
        """Raises BadInput for another password than the one that was set."""
        if self._password is not None and not hmac.compare_digest(frame.pw.encode(), self._password):
            raise BadInput("hj212.wrong_password", mn=frame.mn[:40])


class Hj212Talk:
    """One connection. Several devices may share it."""

    def __init__(self, door: Hj212Door) -> None:
        self.framer = make_framer()
        self._door = door
        self._parts = Parts()
        self._timer: asyncio.TimerHandle | None = None
        self._giving_up: set[asyncio.Task[None]] = set()

    async def take(self, raw: bytes) -> list[Owed]:
        """Decode, hand over, and owe the answer. Raises BadInput for what cannot be taken."""
        frame = decode(raw, self._door.zone)
        self._door.check(frame)
        if frame.data_time is None and frame.items and frame.cn.startswith("2") and frame.pnum is None:
            raise BadInput("hj212.missing_field", field="DataTime")
        try:
            owed = [await self._hand_over(held) for held in self._parts.take(raw, frame)]
        except Forbidden:
            return []  # journalled by the platform; a device that may not send is not answered
        await self._give_up(self._parts.overdue())
        if self._parts.waiting and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._door.parts_s, self._too_late)
        return owed

    async def _hand_over(self, held: Held) -> Owed:
        raw, frame = held
        rows = rows_of(frame)
        if not rows:
            return Owed(answer(frame))  # carries nothing that is kept
        kept = self._door.kept(raw)
        key = key_of(frame, short_hash(kept))
        durable = await take_rows(self._door.platform, PROTOCOL, frame.mn, key, rows, kept)
        # Also a device that nobody has registered is answered, or it would send for ever: it is kept.
        return Owed(answer(frame), durable)

    def _too_late(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._give_up(self._parts.overdue(everything=True)))
        self._giving_up.add(task)
        task.add_done_callback(self._giving_up.discard)

    async def _give_up(self, parts: list[Held]) -> None:
        for raw, frame in parts:
            error = BadInput("hj212.parts_missing", mn=frame.mn[:40], pno=frame.pno, pnum=frame.pnum)
            await refuse(self._door.platform, PROTOCOL, error, self._door.kept(raw))

    async def refuse(self, piece: Piece) -> None:
        """Keep it. There is no answer: the standard has none for what cannot be read."""
        assert piece.error is not None
        await refuse(self._door.platform, PROTOCOL, piece.error, self._door.kept(piece.raw))

    async def over(self) -> None:
        """What still waited for its time has lost it."""
        if self._timer is not None:
            self._timer.cancel()
        await self._give_up(self._parts.overdue(everything=True))


def read_password(path: Path) -> str:
    """The password that devices have to send, from its file. Raises BadInput where there is none."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=type(error).__name__) from error
    if not text:
        raise BadInput("settings.file_unreadable", path=str(path), problem="empty")
    return text
