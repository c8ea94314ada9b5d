"""The door for HJ 212 devices: frames in, 9014 out once the data are durable."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from liandong.adapters._io.framing import Piece
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters._io.server import Link, Owed
from liandong.adapters._io.taking import Declared, refuse, take_rows
from liandong.adapters.hj212.codec import (
    EXECUTED,
    NOTICE_TAKEN,
    READY,
    Frame,
    answer,
    decode,
    encode,
    without_password,
)
from liandong.adapters.hj212.framing import make_framer
from liandong.adapters.hj212.parts import Held, Parts
from liandong.adapters.hj212.requests import (
    ANSWER_S,
    CALIBRATION,
    EXECUTE_S,
    MOST_UPLOADS,
    SET_TIME,
    TRIES,
    Outcome,
    returned,
)
from liandong.adapters.hj212.rows import key_of, rows_of
from liandong.app.platform import Platform
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput, Forbidden, NotFound

PROTOCOL = "hj212"
#: Not of the standard, but of makers (codec.NOTICES).
HEARTBEAT = "9015"
#: Packets of one upload that have not come together after so long are refused, seconds.
PARTS_S = 60.0


class Hj212Door:
    """What all connections share: who is connected, and what they were asked."""

    def __init__(
        self,
        platform: Platform,
        password: str | None = None,
        parts_s: float = PARTS_S,
        answer_s: float = ANSWER_S,
        execute_s: float = EXECUTE_S,
    ) -> None:
        """With a password, frames that carry another one are refused, and it is kept nowhere."""
        self.platform = platform
        self.zone = LocalTime(platform.handler.policy.city.city.zone)
        self.parts_s = parts_s
        self._password = password.encode() if password else None
        self._answer_s, self._execute_s = answer_s, execute_s
        self._declared = Declared(platform, PROTOCOL)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._links: dict[str, tuple[Link, Frame]] = {}
        self._asked: dict[tuple[str, str], asyncio.Queue[Frame]] = {}
        self._last_qn = 0

    def open_talk(self, link: Link) -> Hj212Talk:
        """A new connection."""
        self._loop = asyncio.get_running_loop()
        return Hj212Talk(self, link)

    # Downlink; from any thread.

    def connected(self) -> list[str]:
        """Numbers of the registered devices that have spoken on a connection that still stands."""
        return sorted(self._links)

    def request(self, mn: str, cn: str, cp: str = "") -> Future[Outcome]:
        """Ask or tell a device something, e.g. 1011 its time, 1062 its interval, 2051 ten-minute data.

        Resolves with what it answered; data that it sends for it are taken as any others. Raises
        NotFound where the device is not connected; the future, TimeoutError where no answer came.
        """
        self._need(mn)
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self.exchange(mn, cn, cp), self._loop)

    def set_time(self, mn: str) -> Future[Outcome]:
        """Set a device's clock to ours (1012). Raises as `request`."""
        return self.request(mn, SET_TIME, self._system_time())

    def _system_time(self) -> str:
        return f"SystemTime={self.zone.local(self.platform.clock.read().now):%Y%m%d%H%M%S}"

    def _need(self, mn: str) -> tuple[Link, Frame]:
        if self._loop is None or mn not in self._links:
            raise NotFound("hj212.not_connected", mn=mn[:40])
        return self._links[mn]

    def _qn(self) -> str:
        """A request number that was not used before: our time to the millisecond, or a little later."""
        now = self.platform.clock.read().now
        self._last_qn = max(now // 1000, self._last_qn + 1)
        at = self._last_qn * 1000
        return f"{self.zone.local(at):%Y%m%d%H%M%S}{self._last_qn % 1000:03d}"

    async def exchange(self, mn: str, cn: str, cp: str) -> Outcome:
        """Send, and again where nothing is heard; then wait until it says how it went."""
        qn = self._qn()
        heard: asyncio.Queue[Frame] = asyncio.Queue(MOST_UPLOADS)
        self._asked[mn, qn] = heard
        try:
            first = await self._first(mn, cn, cp, qn, heard)
            if first.cn == NOTICE_TAKEN:
                return Outcome(mn, qn, ready=1, executed=1)
            ready = returned(first, "QnRtn")
            if first.cn == READY and ready != 1:
                return Outcome(mn, qn, ready=ready)
            return await self._rest(mn, qn, first, heard)
        finally:
            del self._asked[mn, qn]

    async def _first(self, mn: str, cn: str, cp: str, qn: str, heard: asyncio.Queue[Frame]) -> Frame:
        for _ in range(TRIES):
            link, spoken = self._need(mn)
            flag = (spoken.flag or 0) & ~3 | 1
            link.send(encode(st=spoken.st, cn=cn, mn=mn, pw=spoken.pw, qn=qn, flag=flag, cp=cp))
            try:
                async with asyncio.timeout(self._answer_s):
                    return await heard.get()
            except TimeoutError:
                continue
        raise TimeoutError(cn)

    async def _rest(self, mn: str, qn: str, first: Frame, heard: asyncio.Queue[Frame]) -> Outcome:
        uploads: list[Frame] = []
        ready, frame = (1 if first.cn == READY else None), first
        try:
            async with asyncio.timeout(self._execute_s):
                while frame.cn != EXECUTED:
                    if frame.cn != READY:
                        uploads.append(frame)
                    frame = await heard.get()
        except TimeoutError:
            return Outcome(mn, qn, ready=ready, uploads=tuple(uploads))
        return Outcome(mn, qn, ready=ready, executed=returned(frame, "ExeRtn"), uploads=tuple(uploads))

    # Uplink; in the loop.

    def heard(self, frame: Frame, link: Link) -> None:
        """Note on which connection a device speaks, and what answers a question of ours."""
        if self._declared.items(frame.mn):
            self._links[frame.mn] = (link, frame)
        waiting = self._asked.get((frame.mn, frame.qn))
        if waiting is not None and not waiting.full():
            waiting.put_nowait(frame)

    def gone(self, link: Link) -> None:
        """A connection has ended."""
        for mn in [m for m, (held, _) in self._links.items() if held is link]:
            del self._links[mn]

    def calibrate(self, mn: str) -> Coroutine[Any, Any, None] | None:
        """What to do for a device that asks for the time (1013); None for one that is not registered."""
        if mn not in self._links:
            return None

        async def calibrating() -> None:
            with suppress(TimeoutError, NotFound):
                await self.exchange(mn, SET_TIME, self._system_time())

        return calibrating()

    def kept(self, raw: bytes) -> bytes:
        """The bytes as they may be kept."""
        return raw if self._password is None else without_password(raw)

    def check(self, frame: Frame) -> None:
        """Raises BadInput for another password than the one that was set."""
        if self._password is not None and not hmac.compare_digest(frame.pw.encode(), self._password):
            raise BadInput("hj212.wrong_password", mn=frame.mn[:40])


class Hj212Talk:
    """One connection. Several devices may share it."""

    def __init__(self, door: Hj212Door, link: Link) -> None:
        self.framer = make_framer()
        self._door, self._link = door, link
        self._parts = Parts()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, raw: bytes) -> list[Owed]:
        """Decode, hand over, and owe the answer. Raises BadInput for what cannot be taken."""
        frame = decode(raw, self._door.zone)
        self._door.check(frame)
        self._door.heard(frame, self._link)
        if frame.cn == HEARTBEAT:
            platform = self._door.platform
            platform.devices.alive(platform.receiving.source_of(PROTOCOL, frame.mn))
        if frame.cn == CALIBRATION and (calibrating := self._door.calibrate(frame.mn)) is not None:
            self._begin(calibrating)
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
        self._begin(self._give_up(self._parts.overdue(everything=True)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        self._door.gone(self._link)
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
