"""The door for terminals of vehicles: who may speak, what becomes of it, and what they are asked."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from liandong.adapters._io.framing import Piece
from liandong.adapters._io.server import Link, Owed
from liandong.adapters._io.taking import refuse
from liandong.adapters.jt808 import downlink
from liandong.adapters.jt808.bodies import decode_body
from liandong.adapters.jt808.codec import Message, decode, encode
from liandong.adapters.jt808.codes import code_of, code_sent, without_code
from liandong.adapters.jt808.fleet import PLATE_FACT, PROTOCOL, TERMINAL_FACT, Fleet, Vehicle
from liandong.adapters.jt808.framing import make_framer
from liandong.adapters.jt808.parts import Parts
from liandong.adapters.jt808.tables import (
    ANSWER_S,
    DONE,
    FAILED,
    NO_TERMINAL,
    NO_VEHICLE,
    NOT_SUPPORTED,
    REGISTERED,
    TRIES,
    WRONG,
)
from liandong.adapters.jt808.taking import LOCATIONS, take_locations
from liandong.app.platform import Platform
from liandong.core.values.errors import BadInput, Forbidden, NotFound

#: Seconds without a part after which the missing ones are asked for.
PARTS_S = 5.0
#: Whole messages of a connection that are remembered, so that a repeated last part is only answered.
MOST_DONE = 16

HEARTBEAT, DEREGISTER, READ_TIME, REGISTER, AUTHENTICATE = 0x0002, 0x0003, 0x0004, 0x0100, 0x0102
#: What a terminal says because it was asked; the serial of the question comes first, but for 0x0107.
REPLIES = {0x0001, 0x0104, 0x0107, 0x0201}
#: Read, not kept, and answered as done: they say how an order of ours went.
NOTED = {0x0108}


class Jt808Door:
    """What all connections share."""

    def __init__(
        self, platform: Platform, secret: bytes, answer_s: float = ANSWER_S, parts_s: float = PARTS_S
    ) -> None:
        """`secret` derives the authentication codes."""
        self.platform = platform
        self.fleet = Fleet(platform)
        self.parts_s = parts_s
        self._secret, self._answer_s = secret, answer_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._links: dict[str, tuple[Link, Message]] = {}
        self._asked: dict[tuple[str, int], tuple[int, asyncio.Future[Message]]] = {}
        self._serial = 0

    def open_talk(self, link: Link) -> Jt808Talk:
        """A new connection."""
        self._loop = asyncio.get_running_loop()
        return Jt808Talk(self, link)

    def now(self) -> int:
        """Our time, microseconds UTC."""
        return self.platform.clock.read().now

    def code(self, device: str) -> str:
        """The authentication code of a terminal."""
        return code_of(self._secret, device)

    def serial(self) -> int:
        """The next number of a message of ours."""
        self._serial = (self._serial + 1) & 0xFFFF
        return self._serial

    def answer(self, message: Message, id: int, body: bytes) -> bytes:
        """A message to the terminal that sent `message`, in its edition."""
        return encode(id=id, phone=message.phone, serial=self.serial(), body=body, version=message.version)

    # Downlink; from any thread.

    def connected(self) -> list[str]:
        """Numbers of the terminals that are authenticated on a connection that still stands."""
        return sorted(self._links)

    def locate(self, device: str) -> Future[Message]:
        """Ask where a vehicle is (0x8201); resolves with its answer, whose location is taken as any other.

        Raises NotFound where it is not connected; the future, TimeoutError where no answer came.
        """
        return self._ask(device, 0x8201, b"", 0x0201)

    def read_parameters(self, device: str) -> Future[Message]:
        """Ask for all parameters (0x8104); resolves with 0x0104. Raises as `locate`."""
        return self._ask(device, 0x8104, b"", 0x0104)

    def read_attributes(self, device: str) -> Future[Message]:
        """Ask what terminal it is (0x8107); resolves with 0x0107. Raises as `locate`."""
        return self._ask(device, 0x8107, b"", 0x0107)

    def set_parameters(self, device: str, parameters: Mapping[int, bytes]) -> Future[Message]:
        """Set parameters (0x8103); resolves with the terminal's reply. Raises as `locate`."""
        return self._ask(device, 0x8103, downlink.set_parameters(parameters), 0x0001)

    def follow(self, device: str, interval_s: int, duration_s: int) -> Future[Message]:
        """Ask for a location every so often (0x8202); resolves with the reply. Raises as `locate`."""
        return self._ask(device, 0x8202, downlink.follow(interval_s, duration_s), 0x0001)

    def confirm_alarm(self, device: str, serial: int, alarms: int) -> Future[Message]:
        """Tell that a person has seen an alarm (0x8203); resolves with the reply. Raises as `locate`."""
        return self._ask(device, 0x8203, downlink.confirm_alarm(serial, alarms), 0x0001)

    def tell(self, device: str, words: str, flag: int = 0b1101) -> Future[Message]:
        """Words for the driver (0x8300); resolves with the reply. Raises as `locate`."""
        of_2019 = self._need(device)[1].of_2019
        return self._ask(device, 0x8300, downlink.text(words, flag, of_2019), 0x0001)

    def _need(self, device: str) -> tuple[Link, Message]:
        if self._loop is None or device not in self._links:
            raise NotFound("jt808.not_connected", device=device[:40])
        return self._links[device]

    def _ask(self, device: str, id: int, body: bytes, wanted: int) -> Future[Message]:
        self._need(device)
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self._exchange(device, id, body, wanted), self._loop)

    async def _exchange(self, device: str, id: int, body: bytes, wanted: int) -> Message:
        """Send, and again where nothing is heard, each time waiting longer as the standard has it."""
        serial = self.serial()
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[device, serial] = (wanted, answered)
        try:
            for attempt in range(TRIES):
                link, spoken = self._need(device)
                link.send(encode(id=id, phone=spoken.phone, serial=serial, body=body, version=spoken.version))
                try:
                    async with asyncio.timeout(self._answer_s * (attempt + 1)):
                        return await asyncio.shield(answered)
                except TimeoutError:
                    continue
            raise TimeoutError(f"0x{id:04x}")
        finally:
            del self._asked[device, serial]

    # Uplink; in the loop.

    def heard(self, message: Message) -> None:
        """Give a reply of a terminal to whoever waits for it."""
        if message.id == 0x0107:
            names = [key for key, (id, _) in self._asked.items() if key[0] == message.device and id == 0x0107]
        else:
            names = [(message.device, int.from_bytes(message.body[:2], "big"))]
        for name in names[:1]:
            wanted, waiting = self._asked.get(name, (0, None))
            if waiting is not None and not waiting.done() and message.id in (wanted, 0x0001):
                waiting.set_result(message)

    def arrived(self, message: Message, link: Link) -> None:
        """A terminal is authenticated on a connection; a newer one takes the place of an older."""
        self._links[message.device] = (link, message)

    def gone(self, link: Link, device: str = "") -> None:
        """A connection has ended, or one terminal has signed off on it."""
        for name in [d for d, (held, _) in self._links.items() if held is link and device in ("", d)]:
            del self._links[name]


class Jt808Talk:
    """One connection. Several terminals may share it; each has to authenticate."""

    def __init__(self, door: Jt808Door, link: Link) -> None:
        self.framer = make_framer()
        self._door, self._link = door, link
        self._authenticated: set[str] = set()
        self._parts = Parts()
        self._done: OrderedDict[tuple[Any, ...], asyncio.Future[Any] | None] = OrderedDict()
        self._current: Message | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, raw: bytes) -> list[Owed]:
        """Decode, hand over, and owe the answer. Raises BadInput for what cannot be taken."""
        self._current = message = decode(raw)
        owed = await self._take(message, raw)
        self._current = None
        return owed

    async def _take(self, message: Message, raw: bytes) -> list[Owed]:
        if message.encryption:
            raise BadInput("jt808.encrypted", encryption=message.encryption)
        if message.id == REGISTER and not message.total:
            return [Owed(self._registered(message))]
        if message.id == AUTHENTICATE and not message.total:
            return [Owed(self._authenticate(message))]
        if message.device not in self._authenticated:
            raise BadInput("jt808.not_authenticated", phone=message.phone)
        if message.id not in LOCATIONS | REPLIES | NOTED | {HEARTBEAT, DEREGISTER, READ_TIME}:
            return await self._not_supported(message, raw)
        if not message.total:
            return [await self._handle(message, raw)]
        return [await self._part(message, raw)]

    # Whole messages.

    def _registered(self, message: Message) -> bytes:
        """0x8100 with the code. Raises BadInput for a terminal that the city does not know."""
        body = decode_body(message)
        assert body is not None
        vehicle = self._door.fleet.find(message.device)
        if vehicle is None:
            raise BadInput("device.unknown", protocol=PROTOCOL, device=message.device)
        for fact, sent in ((TERMINAL_FACT, body["terminal"]), (PLATE_FACT, body["plate"])):
            stated = vehicle.facts.get(fact, "")
            if stated and stated != sent:
                raise BadInput("jt808.other_vehicle", phone=message.phone, field=fact, sent=sent[:40])
        code = self._door.code(message.device)
        return self._door.answer(message, 0x8100, downlink.registration_reply(message, REGISTERED, code))

    def _authenticate(self, message: Message) -> bytes:
        """0x8001. Raises BadInput for a wrong code, and where the city knows the terminal no more."""
        if self._door.fleet.find(message.device) is None:
            raise BadInput("device.unknown", protocol=PROTOCOL, device=message.device)
        wanted = self._door.code(message.device).encode()
        if not hmac.compare_digest(code_sent(message).encode("utf-8", "replace"), wanted):
            raise BadInput("jt808.wrong_code", phone=message.phone)
        self._authenticated.add(message.device)
        self._door.arrived(message, self._link)
        return self._reply(message, DONE)

    async def _handle(self, message: Message, raw: bytes) -> Owed:
        if message.id in REPLIES:
            decode_body(message)  # too short is refused as everything else
            self._door.heard(message)
        if message.id in LOCATIONS:
            try:
                durable = await take_locations(self._door.platform, self._vehicle(message), message, raw)
            except Forbidden:
                return Owed(None)  # journalled by the platform; who may not send is not answered
            return Owed(None if message.id in REPLIES else self._reply(message, DONE), durable)
        if message.id == HEARTBEAT:
            self._door.platform.devices.alive(self._vehicle(message).source)
        if message.id == READ_TIME:
            return Owed(self._door.answer(message, 0x8004, downlink.server_time(self._door.now())))
        if message.id == DEREGISTER:
            self._authenticated.discard(message.device)
            self._door.gone(self._link, message.device)
        return Owed(None if message.id in REPLIES else self._reply(message, DONE))

    def _vehicle(self, message: Message) -> Vehicle:
        found = self._door.fleet.find(message.device)
        if found is None:
            raise BadInput("device.unknown", protocol=PROTOCOL, device=message.device)
        return found

    async def _not_supported(self, message: Message, raw: bytes) -> list[Owed]:
        """Kept as refused, of several parts only the first; no rubbish, so it does not end the line."""
        if message.index <= 1:
            error = BadInput("jt808.not_supported", id=f"0x{message.id:04x}")
            await refuse(self._door.platform, PROTOCOL, error, raw)
        return [Owed(self._reply(message, NOT_SUPPORTED))]

    def _reply(self, message: Message, result: int) -> bytes:
        return self._door.answer(message, 0x8001, downlink.reply(message, result))

    # Messages in parts.

    async def _part(self, message: Message, raw: bytes) -> Owed:
        name = (message.phone, message.id, (message.serial - message.index + 1) & 0xFFFF, message.total)
        if name in self._done:
            return Owed(self._reply(message, DONE), self._done[name])
        whole = self._parts.take(raw, message)
        await self._give_up()
        self._watch()
        if whole is None:
            return Owed(self._reply(message, DONE))
        owed = await self._handle(whole[1], whole[0])
        self._done[name] = owed.durable
        if len(self._done) > MOST_DONE:
            self._done.popitem(last=False)
        return owed

    def _watch(self) -> None:
        if self._parts.waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._door.parts_s, self._look)

    def _look(self) -> None:
        self._timer = None
        for first, one in self._parts.due():
            sample = one.any
            body = downlink.request_parts(first, one.missing, sample.of_2019)
            self._link.send(self._door.answer(sample, 0x8003, body))
        self._watch()
        task = asyncio.get_running_loop().create_task(self._give_up())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_up(self) -> None:
        while self._parts.given_up:
            raw, message = self._parts.given_up.pop(0)
            error = BadInput(
                "jt808.parts_missing", phone=message.phone, index=message.index, total=message.total
            )
            await refuse(self._door.platform, PROTOCOL, error, raw)

    # Refusals and the end.

    async def refuse(self, piece: Piece) -> bytes | None:
        """Keep it; answer where the sender is known, so that it need not guess."""
        assert piece.error is not None
        message, self._current = self._current, None
        hidden = message is not None and message.id == AUTHENTICATE
        kept = without_code(message) if hidden and message is not None else piece.raw
        await refuse(self._door.platform, PROTOCOL, piece.error, kept)
        if message is None:
            return None
        if message.id == REGISTER and piece.error.key in _REGISTRATION:
            body = downlink.registration_reply(message, _REGISTRATION[piece.error.key])
            return self._door.answer(message, 0x8100, body)
        return self._reply(message, _RESULTS.get(piece.error.key, WRONG))

    async def over(self) -> None:
        """What still waited for other parts has lost them; nobody can be asked on this connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._door.gone(self._link)
        self._parts.drop_all()
        await self._give_up()


#: Error → result of a registration.
_REGISTRATION = {"device.unknown": NO_TERMINAL, "jt808.other_vehicle": NO_VEHICLE}
#: Error → result of the general reply; whatever else is wrong is a faulty message.
_RESULTS = {"device.unknown": FAILED, "jt808.not_authenticated": FAILED, "jt808.wrong_code": FAILED,
            "jt808.encrypted": NOT_SUPPORTED}  # fmt: skip
