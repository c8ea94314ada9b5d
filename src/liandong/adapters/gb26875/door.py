"""The door for transmission units: packets in, a confirmation out once their readings are durable."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from liandong.adapters._io.framing import Piece
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters._io.server import Link, Owed
from liandong.adapters._io.taking import Declared, refuse, take_rows
from liandong.adapters.gb26875.codec import Packet, decode, encode, respond, time_bytes, unit
from liandong.adapters.gb26875.framing import make_framer
from liandong.adapters.gb26875.rows import key_of, rows_of
from liandong.adapters.gb26875.tables import (
    ANSWER_S,
    ANSWERS,
    CONFIRM,
    CONTROL,
    DENY,
    DUTY_CHECK_MIN,
    REPLY,
    REQUEST,
    SEND,
    TRIES,
    UNIT_OPERATION_BITS,
)
from liandong.app.bounded import Newest
from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.errors import BadInput, Forbidden, NotFound

PROTOCOL = "gb26875"
_DUTY_REPLY = 1 << UNIT_OPERATION_BITS.index("duty_reply")
#: Units of which it is known where they speak; a stranger may name any number of them.
MOST_UNITS = 20_000
_INITIALISE, _SYNCHRONISE, _DUTY_CHECK = 89, 90, 91


@dataclass(frozen=True, slots=True)
class DutyReply:
    """What came of a duty check (查岗)."""

    source: int
    confirmed: bool  #: the transmission unit said that it received the question
    answered: bool  #: somebody pressed the key in time
    operator: int | None = None  #: number of the operator, as the unit knows it
    time: int | None = None  #: when the key was pressed by the unit's clock, microseconds UTC


class Gb26875Door:
    """What all connections share: who is connected, and what they were asked."""

    def __init__(
        self, platform: Platform, answer_s: float = ANSWER_S, duty_s: float = DUTY_CHECK_MIN * 60.0
    ) -> None:
        self.platform = platform
        self.zone = LocalTime(platform.handler.policy.city.city.zone)
        self.declared = Declared(platform, PROTOCOL)
        self._answer_s, self._duty_s = answer_s, duty_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._links: Newest[int, tuple[Link, int]] = Newest(MOST_UNITS)
        self._confirmations: dict[tuple[int, int], asyncio.Future[bool]] = {}
        self._replies: dict[tuple[int, int], tuple[int, asyncio.Future[Packet | None]]] = {}
        self._duty: dict[int, asyncio.Future[tuple[int | None, int | None]]] = {}
        self._serial = 0

    def open_talk(self, link: Link) -> Gb26875Talk:
        """A new connection."""
        self._loop = asyncio.get_running_loop()
        return Gb26875Talk(self, link)

    # Downlink; from any thread.

    def connected(self) -> list[int]:
        """Addresses of the transmission units that have spoken on a connection that still stands."""
        return sorted(self._links)

    def ask_duty(self, source: int) -> Future[DutyReply]:
        """Ask whether somebody is at a unit's desk; resolves with the reply, or unanswered in the end.

        Raises NotFound where the unit is not connected.
        """
        loop = self._need(source)
        return asyncio.run_coroutine_threadsafe(self._ask_duty(source), loop)

    def synchronise(self, source: int) -> Future[bool]:
        """Set a unit's clock to ours; True once it has confirmed. Raises NotFound as `ask_duty`."""
        loop = self._need(source)
        data = unit(_SYNCHRONISE, (time_bytes(self.now(), self.zone),))
        return asyncio.run_coroutine_threadsafe(self._control(source, data), loop)

    def initialise(self, source: int) -> Future[bool]:
        """Let a unit start anew; True once it has confirmed. Raises NotFound as `ask_duty`."""
        loop = self._need(source)
        return asyncio.run_coroutine_threadsafe(self._control(source, unit(_INITIALISE, (0,))), loop)

    def ask(self, source: int, type_: int, *things: tuple[Any, ...]) -> Future[Packet]:
        """Ask for what a unit knows: types 61 to 68, 81, 84, 85, 86, 88; objects as in their layouts.

        Resolves with the answer, whose states and values are taken as any others. Raises NotFound as
        `ask_duty` and ValueError for another type; the future, TimeoutError where no answer came and
        BadInput where the unit denied.
        """
        if type_ not in ANSWERS:
            raise ValueError(f"type {type_} asks for nothing")
        data = unit(type_, *(things or ((0,),)))
        return asyncio.run_coroutine_threadsafe(self._question(source, type_, data), self._need(source))

    def _need(self, source: int) -> asyncio.AbstractEventLoop:
        if self._loop is None or source not in self._links:
            raise NotFound("gb26875.not_connected", source=source)
        return self._loop

    async def _ask_duty(self, source: int) -> DutyReply:
        waiting = self._duty.get(source)
        if waiting is None:
            waiting = self._duty[source] = asyncio.get_running_loop().create_future()
        confirmed = await self._control(source, unit(_DUTY_CHECK, (DUTY_CHECK_MIN,)))
        try:
            async with asyncio.timeout(self._duty_s):
                operator, time = await asyncio.shield(waiting)
        except TimeoutError:
            return DutyReply(source, confirmed, answered=False)
        finally:
            self._duty.pop(source, None)
        return DutyReply(source, confirmed, True, operator, time)

    async def _control(self, source: int, data: bytes) -> bool:
        """Send a command, and again where nothing is heard; True once it is confirmed."""
        serial = self._next()
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._confirmations[source, serial] = answered
        try:
            for _ in range(TRIES):
                if source not in self._links:
                    return False
                self._send(source, serial, CONTROL, data)
                try:
                    async with asyncio.timeout(self._answer_s):
                        if await asyncio.shield(answered):
                            return True
                except TimeoutError:
                    continue
                answered = self._confirmations[source, serial] = asyncio.get_running_loop().create_future()
            return False
        finally:
            del self._confirmations[source, serial]

    async def _question(self, source: int, type_: int, data: bytes) -> Packet:
        """Send a question, and again where nothing is heard."""
        serial = self._next()
        answered: asyncio.Future[Packet | None] = asyncio.get_running_loop().create_future()
        self._replies[source, serial] = (ANSWERS[type_], answered)
        try:
            for _ in range(TRIES):
                self._need(source)
                self._send(source, serial, REQUEST, data)
                try:
                    async with asyncio.timeout(self._answer_s):
                        found = await asyncio.shield(answered)
                except TimeoutError:
                    continue
                if found is None:
                    raise BadInput("gb26875.denied", source=source, type=type_)
                return found
            raise TimeoutError(f"type {type_}")
        finally:
            del self._replies[source, serial]

    def _next(self) -> int:
        self._serial = (self._serial + 1) & 0xFFFF
        return self._serial

    def _send(self, source: int, serial: int, command: int, data: bytes) -> None:
        link, own = self._links[source]
        link.send(
            encode(
                serial=serial, time=time_bytes(self.now(), self.zone), source=own, destination=source,
                command=command, data=data,
            )
        )  # fmt: skip

    # Uplink; in the loop.

    def now(self) -> int:
        """Our time, microseconds UTC."""
        return self.platform.clock.read().now

    def heard(self, packet: Packet, link: Link) -> None:
        """Note on which connection a unit speaks, and what of the packet answers a question of ours."""
        self._links[packet.source] = (link, packet.destination)
        if packet.command in (CONFIRM, DENY):
            waiting = self._confirmations.get((packet.source, packet.serial))
            if waiting is not None and not waiting.done():
                waiting.set_result(packet.command == CONFIRM)
        if packet.command in (REPLY, DENY):
            self._answered(packet)
        if packet.type == 24 and packet.command in (SEND, REPLY):
            for thing in packet.things:
                duty = self._duty.get(packet.source)
                if duty is not None and not duty.done() and (thing.state or 0) & _DUTY_REPLY:
                    duty.set_result((thing.operator, thing.time))

    def _answered(self, packet: Packet) -> None:
        """Units repeat the serial of the question; of one that counts its own the kind of answer tells."""
        names = [(packet.source, packet.serial)]
        if packet.command == REPLY:
            names += [
                n for n, (type_, _) in self._replies.items() if n[0] == packet.source and type_ == packet.type
            ]
        for name in names:
            wanted, waiting = self._replies.get(name, (0, None))
            if waiting is not None and not waiting.done() and packet.type in (wanted, None):
                waiting.set_result(packet if packet.command == REPLY else None)
                return

    def gone(self, link: Link) -> None:
        """A connection has ended."""
        for source in [s for s, (held, _) in self._links.items() if held is link]:
            del self._links[source]


class Gb26875Talk:
    """One connection. Several units may share it."""

    def __init__(self, door: Gb26875Door, link: Link) -> None:
        self.framer = make_framer()
        self._door = door
        self._link = link

    async def take(self, raw: bytes) -> list[Owed]:
        """Decode, hand over, and owe the confirmation. Raises BadInput for what cannot be taken."""
        door = self._door
        packet = decode(raw, door.zone)
        if packet.command not in (SEND, REPLY, CONFIRM, DENY):
            raise BadInput("gb26875.wrong_direction", command=packet.command)
        door.heard(packet, self._link)
        # A unit speaks of what changes; between that only its sign of life says that it is there.
        door.platform.devices.alive(door.platform.receiving.source_of(PROTOCOL, str(packet.source)))
        try:
            durable = await self._hand_over(packet, raw)
        except Forbidden:
            return []  # journalled by the platform; a device that may not send is not answered
        answer = respond(raw, door.now(), door.zone, CONFIRM) if packet.command == SEND else None
        return [Owed(answer, durable)]

    async def _hand_over(self, packet: Packet, raw: bytes) -> asyncio.Future[list[Receipt]] | None:
        """Rows of each device as a message of its own; done once all of them are durable."""
        door, waiting = self._door, []
        for device, rows in rows_of(packet, door.now()).items():
            wanted = self._wanted(device, rows)
            if not wanted:
                continue
            key = key_of(packet, device)
            taken = await take_rows(door.platform, PROTOCOL, device, key, wanted, raw)
            if taken is not None:
                waiting.append(taken)
        return asyncio.gather(*waiting) if waiting else None

    def _wanted(self, device: str, rows: list[DeviceRow]) -> list[DeviceRow]:
        """What the city declares, and what it does not declare but says that something is the matter.

        That no channel takes a bit that is not set is no loss and not worth a refusal.
        """
        declared = self._door.declared.items(device)
        if not declared:
            return rows  # the platform says that it does not know the device
        return [row for row in rows if row.item in declared or (row.value != 0.0 and row.item != "normal")]

    async def refuse(self, piece: Piece) -> bytes | None:
        """Keep it; deny it where it can be told what is denied, so that it is sent again."""
        assert piece.error is not None
        await refuse(self._door.platform, PROTOCOL, piece.error, piece.raw)
        command = _RESPONSES.get(piece.error.key)
        if command is None or piece.raw[26] in (CONFIRM, DENY, REPLY):
            return None
        return respond(piece.raw, self._door.now(), self._door.zone, command)

    async def over(self) -> None:
        """Nobody can be asked on this connection any more."""
        self._door.gone(self._link)


#: Errors of whole packets that are answered: with a denial (6.5, 校验错误), or, where sending the same
#: again would not help, with the confirmation that it is kept.
_RESPONSES = {
    "gb26875.bad_checksum": DENY,
    "gb26875.bad_count": DENY,
    "gb26875.bad_size": DENY,
    "gb26875.unknown_command": DENY,
    "gb26875.unknown_type": CONFIRM,
}
