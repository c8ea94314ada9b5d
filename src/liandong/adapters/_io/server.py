"""A TCP server of device frames in one asyncio loop: bounded in connections, memory and time.

A connection's frames are taken in order and answered in order, but the next is taken before the one
before it is durable, so that one sync serves many. Where the intake is full the connection is not
read any further; TCP then makes the device wait, and nothing that was accepted is dropped.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from liandong.adapters._io.framing import Framer, Piece
from liandong.app.logs import get_logger
from liandong.core.values.errors import BadInput

log = get_logger("doors")


@dataclass(frozen=True, slots=True)
class Owed:
    """An answer to give once `durable` is done; `raw` None where the device wants none."""

    raw: bytes | None
    durable: asyncio.Future[Any] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one door allows."""

    connections: int = 4096
    idle_s: float = 3600.0  #: a connection that says nothing for so long is closed
    frame_s: float = 60.0  #: a frame that is not complete after so long is rubbish
    unanswered: int = 64  #: frames of one connection that wait for their durable answer
    rubbish: int = 50  #: refused pieces after which a connection is closed
    slow_down_s: float = 0.005  #: every refused piece makes its own connection wait so much longer


class Talk(Protocol):
    """What a protocol does with one connection. Both may wait, and only their own connection waits."""

    framer: Framer

    async def take(self, raw: bytes) -> list[Owed]:
        """A whole frame; returns once the intake has it, with what is owed for it, in order.

        Raises BadInput where the frame cannot be read or may not be taken; `refuse` follows then.
        """

    async def refuse(self, piece: Piece) -> bytes | None:
        """Bytes that are no good frame: keep them with their reason; what to answer at once."""

    async def over(self) -> None:
        """The connection has ended."""


class Link:
    """One connection, as a protocol sees it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, raw: bytes) -> None:
        """Put bytes on the way; silently nothing where the connection has ended."""
        if not self._writer.is_closing():
            self._writer.write(raw)


class Server:
    """Accepts connections on a listening socket. Lives in the loop that calls `start`."""

    def __init__(self, listening: socket.socket, open_talk: Callable[[Link], Talk], limits: Limits) -> None:
        # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it on,
        # every answer would wait 40 ms for an acknowledgement.
        if listening.proto != socket.IPPROTO_TCP:
            raise ValueError("a listening socket has to name IPPROTO_TCP")
        self._listening = listening
        self._open_talk = open_talk
        self._limits = limits
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self.turned_away = 0  #: connections beyond the limit

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._running)

    async def start(self) -> None:
        """Begin to accept."""
        self._server = await asyncio.start_server(self._accept, sock=self._listening, limit=64 * 1024)

    async def stop(self, patience_s: float = 3.0) -> None:
        """Accept and read no more, give what is durable its answer, close."""
        if self._server is not None:
            self._server.close()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=patience_s)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._running) >= self._limits.connections:
            self.turned_away += 1
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer, self._open_talk(Link(writer)), self._limits)
        try:
            await connection.run()
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # a device that left, fell silent or did not read, and a door that closes: nothing is owed
        except Exception as error:
            log.error("doors.connection_failed", error)
        finally:
            writer.close()
            with suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)


class _Connection:
    """Reads, takes, and answers in order."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: Talk, limits: Limits
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._talk = talk
        self._limits = limits
        self._owed: asyncio.Queue[Owed | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(limits.unanswered)
        self._refused = 0

    async def run(self) -> None:
        """Until the device leaves, misbehaves or the door closes; then answer what was taken."""
        loop = asyncio.get_running_loop()
        reading, answering = loop.create_task(self._read()), loop.create_task(self._answer())
        try:
            await asyncio.wait([reading, answering], return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            self._owed.put_nowait(None)
            await asyncio.wait([reading, answering], timeout=2.0)
            answering.cancel()
            await self._talk.over()
        for task in (reading, answering):
            if task.done() and not task.cancelled():
                task.result()

    async def _read(self) -> None:
        framer, limits = self._talk.framer, self._limits
        while self._refused < limits.rubbish:
            # A frame has a time to be complete in, however busily its bytes drip.
            begun = framer.partial
            try:
                async with asyncio.timeout(limits.frame_s if begun else limits.idle_s):
                    pieces = await self._more(framer)
            except TimeoutError:
                if not begun:
                    return
                pieces = framer.expire()
            for piece in framer.close() if pieces is None else pieces:
                await self._piece(piece)
                if self._refused >= limits.rubbish:
                    return
            if pieces is None:
                return

    async def _more(self, framer: Framer) -> list[Piece] | None:
        """Bytes until they complete or begin something; None at the end of the stream."""
        while data := await self._reader.read(64 * 1024):
            waiting = framer.partial
            found = framer.feed(data)
            if found or not waiting:
                return found
        return None

    async def _piece(self, piece: Piece) -> None:
        if piece.error is None:
            try:
                owed = await self._talk.take(piece.raw)
            except BadInput as error:
                await self._refuse(Piece(piece.raw, error))
                return
            for one in owed:
                await self._room.acquire()
                self._owed.put_nowait(one)
            return
        await self._refuse(piece)

    async def _refuse(self, piece: Piece) -> None:
        self._refused += 1
        answer = await self._talk.refuse(piece)
        if answer is not None:
            self._writer.write(answer)
        # Who sends rubbish waits, and with it nobody else.
        await asyncio.sleep(self._limits.slow_down_s * self._refused)

    async def _answer(self) -> None:
        """Answers in the order of the frames; each once its message is durable."""
        while (owed := await self._owed.get()) is not None:
            raw = owed.raw
            if owed.durable is not None:
                try:
                    await asyncio.shield(owed.durable)
                except BadInput as error:
                    log.warning("doors.not_kept", key=error.key)
                    raw = None
            self._room.release()
            if raw is not None and not self._writer.is_closing():
                self._writer.write(raw)
                async with asyncio.timeout(30):
                    await self._writer.drain()
