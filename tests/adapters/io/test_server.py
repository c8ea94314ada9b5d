"""The server of device lines: in order, bounded, and rid of who does not behave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from liandong.adapters._io.framing import Framer, Look, Piece
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters._io.server import Limits, Link, Owed, Server
from liandong.core.values.errors import BadInput
from liandong.core.values.times import HOUR, parse_time
from liandong.wiring.service import free_socket


def _line(buffer: bytearray, at: int) -> Look | None:
    """Frames of the tests: `>` up to a line end; `!` in one makes it bad."""
    end = buffer.find(b"\n", at)
    return None if end < 0 else Look(end + 1 - at)


class Echo:
    """Answers every frame with itself, when the test says that it is durable."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.refused: list[tuple[bytes, str]] = []
        self.futures: list[asyncio.Future[None]] = []
        self.at_once = True
        self.framers: list[Framer] = []
        self.ended = 0

    def open_talk(self, link: Link) -> EchoTalk:
        return EchoTalk(self)


class EchoTalk:
    def __init__(self, echo: Echo) -> None:
        self.echo = echo
        self.framer = Framer(b">", _line)
        echo.framers.append(self.framer)

    async def take(self, raw: bytes) -> list[Owed]:
        if b"!" in raw:
            raise BadInput("frame.rubbish", size=len(raw))
        self.echo.taken.append(raw)
        if self.echo.at_once:
            return [Owed(raw)]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.echo.futures.append(future)
        return [Owed(raw, future)]

    async def refuse(self, piece: Piece) -> bytes | None:
        assert piece.error is not None
        self.echo.refused.append((piece.raw, piece.error.key))
        return b"no\n"

    async def over(self) -> None:
        self.echo.ended += 1


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def play(
    story: Callable[[Server, Echo, Callable[[], Awaitable[Line]]], Awaitable[None]], **limits: Any
) -> Echo:
    """Run a story against a server of its own."""
    echo = Echo()

    async def run() -> None:
        server = Server(free_socket("127.0.0.1", 0), echo.open_talk, Limits(**limits))
        await server.start()
        lines: list[Line] = []

        async def connect() -> Line:
            lines.append(await asyncio.open_connection("127.0.0.1", server.port))
            return lines[-1]

        try:
            await asyncio.wait_for(story(server, echo, connect), 20)
        finally:
            for _, writer in lines:
                writer.close()
            await server.stop()
            assert server.connections == 0

    asyncio.run(run())
    return echo


def test_answers_come_in_the_order_of_the_frames_and_only_once_durable() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        echo.at_once = False
        reader, writer = await connect()
        writer.write(b">1\n>2\n>3\n")
        while len(echo.futures) < 3:
            await asyncio.sleep(0.01)
        echo.futures[1].set_result(None)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        echo.futures[0].set_result(None)
        assert await reader.readexactly(6) == b">1\n>2\n"
        echo.futures[2].set_exception(BadInput("frame.rubbish", size=1))  # refused by the log
        writer.write(b">4\n")
        while len(echo.futures) < 4:
            await asyncio.sleep(0.01)
        echo.futures[3].set_result(None)
        assert await reader.readexactly(3) == b">4\n"

    play(story)


def test_who_is_owed_too_much_is_read_no_further() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        echo.at_once = False
        reader, writer = await connect()
        writer.write(b"".join(b">%d\n" % n for n in range(50)))
        await asyncio.sleep(0.3)
        assert len(echo.taken) == 5  # four are owed, one waits to be
        for n in range(50):
            while len(echo.futures) <= n:
                await asyncio.sleep(0.001)
            echo.futures[n].set_result(None)
        assert await reader.readexactly(190) == b"".join(b">%d\n" % n for n in range(50))

    play(story, unanswered=4)


def test_what_was_taken_is_answered_although_the_device_has_hung_up_its_side() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        reader, writer = await connect()
        writer.write(b">1\n>half")
        writer.write_eof()
        assert await reader.read() == b">1\nno\n"

    echo = play(story)
    assert echo.refused == [(b">half", "frame.cut_off")] and echo.ended == 1


def test_a_silent_line_and_one_that_drips_are_ended() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        silent, _ = await connect()
        dripping, drips = await connect()

        async def drip() -> None:
            while not drips.is_closing():
                drips.write(b">x")
                await asyncio.sleep(0.05)

        task = asyncio.create_task(drip())
        assert await silent.read() == b""
        assert (await dripping.read()).count(b"no\n") == 3
        task.cancel()

    echo = play(story, idle_s=0.3, frame_s=0.3, rubbish=3)
    assert {key for _, key in echo.refused} == {"frame.cut_off"} and echo.ended == 2


def test_bad_frames_count_as_rubbish() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        reader, writer = await connect()
        writer.write(b">!\n>good\n>!\n>!\n>never\n")
        answers = await reader.read()
        assert answers.count(b"no\n") == 3 and b">good\n" in answers

    echo = play(story, rubbish=3)
    assert echo.taken == [b">good\n"] and len(echo.refused) == 3


def test_more_lines_than_allowed_are_turned_away() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        lines = [await connect() for _ in range(2)]
        for reader, writer in lines:
            writer.write(b">1\n")
            assert await reader.readexactly(3) == b">1\n"
        reader, _ = await connect()
        assert await reader.read() == b"" and server.turned_away == 1
        lines[0][1].close()
        while server.connections == 2:
            await asyncio.sleep(0.01)
        reader, writer = await connect()
        writer.write(b">2\n")
        assert await reader.readexactly(3) == b">2\n"

    play(story, connections=2)


def test_a_fault_of_ours_ends_that_line_and_no_other() -> None:
    async def story(server: Server, echo: Echo, connect: Any) -> None:
        (reader, writer), (well, speaks) = await connect(), await connect()
        speaks.write(b">1\n")
        assert await well.readexactly(3) == b">1\n"
        echo.framers[0].feed = None
        writer.write(b">1\n")
        assert await reader.read() == b""
        speaks.write(b">2\n")
        assert await well.readexactly(3) == b">2\n"

    assert play(story).ended == 2


def test_a_socket_that_does_not_name_its_protocol_is_not_taken() -> None:
    with socket.socket() as unnamed, pytest.raises(ValueError):
        Server(unnamed, Echo().open_talk, Limits())


def test_local_times_both_ways_and_an_hour_that_comes_twice() -> None:
    zone = LocalTime("Asia/Shanghai")
    at = zone.micros(2026, 5, 1, 9, 30, 15)
    assert at == parse_time("2026-05-01T09:30:15+08:00") and zone.local(at).hour == 9
    for bad in [
        (2026, 2, 29, 0, 0, 0),
        (2026, 1, 1, 24, 0, 0),
        (2026, 1, 1, 0, 60, 0),
        (2026, 1, 1, 0, 0, 60),
    ]:
        with pytest.raises(ValueError):
            zone.micros(*bad)
    berlin = LocalTime("Europe/Berlin")
    assert berlin.micros(2026, 10, 25, 2, 0, 0) == parse_time("2026-10-25T02:00:00+02:00")
    assert berlin.micros(2026, 10, 25, 3, 0, 0) - berlin.micros(2026, 10, 25, 2, 0, 0) == 2 * HOUR
