"""A simulated terminal of a vehicle: registers, authenticates, reports, repeats, and answers the centre."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence

from liandong.sim.frames import ANSWER_S, TRIES
from liandong.sim.jt808 import (
    AUTHENTICATE,
    DEREGISTER,
    HEARTBEAT,
    LOCATION,
    LOCATION_REPLY,
    LOCATIONS,
    REGISTER,
    Heard,
    jt808_authentication,
    jt808_locations,
    jt808_message,
    jt808_read,
    jt808_registration,
)


class Terminal:
    """One line to the centre. Every message waits for its answer and is repeated without one."""

    def __init__(
        self, host: str, port: int, phone: str, *, version: int = 0, timeout: float = ANSWER_S,
        tries: int = TRIES, where: Callable[[], bytes] = lambda: b"",
    ) -> None:  # fmt: skip
        """`version` 0 speaks the edition of 2013, 1 that of 2019; `where` gives the location when asked."""
        self.phone, self.version = phone, version
        self._place, self._timeout, self._tries, self._where = (host, port), timeout, tries, where
        self._socket: socket.socket | None = None
        self._left = b""
        self._serial = 0
        self._kept: dict[int, list[bytes]] = {}  #: parts by the serial of the first, for who asks again
        self.code = b""
        self.parameters: dict[int, bytes] = {1: struct.pack(">I", 60)}
        self.heard: list[Heard] = []  #: questions of the centre, in order
        self.answered: list[int] = []  #: serials to which the centre replied, in order
        self.resends = 0  #: messages and parts that were sent again

    # What it says.

    def register(self, terminal: str = "T000001", plate: str = "粤E00001") -> int:
        """The centre's result; 0 gives a code."""
        body = jt808_registration(terminal, plate, version=self.version)
        answer = self.send(REGISTER, body, wanted=0x8100)
        if answer.body[2] == 0:
            self.code = answer.body[3:]
        return answer.body[2]

    def authenticate(self, code: bytes | None = None) -> int:
        """Show the code; the centre's result."""
        return self.say(
            AUTHENTICATE, jt808_authentication(self.code if code is None else code, version=self.version)
        )

    def heartbeat(self) -> int:
        """The centre's result."""
        return self.say(HEARTBEAT)

    def deregister(self) -> int:
        """The centre's result."""
        return self.say(DEREGISTER)

    def report(self, location: bytes) -> int:
        """The centre's result."""
        return self.say(LOCATION, location)

    def catch_up(self, locations: Sequence[bytes]) -> int:
        """Send what was kept while there was no network."""
        return self.say(LOCATIONS, jt808_locations(locations, late=True))

    def say(self, id: int, body: bytes = b"") -> int:
        """Send a message, and again without an answer; the result of the centre's general reply."""
        return self.send(id, body).body[4]

    def send(self, id: int, body: bytes = b"", wanted: int = 0x8001) -> Heard:
        """The answer to a message. Raises ConnectionError where none came, however often it was sent."""
        serial = self._next()
        frame = jt808_message(id, self.phone, serial, body, version=self.version)
        for attempt in range(self._tries):
            self.resends += attempt > 0
            try:
                self._open().sendall(frame)
                return self.until(serial, wanted)
            except OSError:
                self.close()
        raise ConnectionError(f"no answer after {self._tries} attempts")

    def say_in_parts(self, id: int, body: bytes, size: int, leave_out: Sequence[int] = ()) -> int:
        """Send a long message in parts; those of `leave_out` only once the centre asks for them.

        The result of the answer to the part that made it whole, and so the last one to come.
        """
        cuts = [body[at : at + size] for at in range(0, len(body), size)]
        serials = [self._next() for _ in cuts]
        parts = [
            jt808_message(
                id, self.phone, serial, cut, version=self.version, part=(number, len(cuts))
            )
            for number, (serial, cut) in enumerate(zip(serials, cuts, strict=True), start=1)
        ]  # fmt: skip
        self._kept[serials[0]] = parts
        for number, part in enumerate(parts, start=1):
            if number not in leave_out:
                self._open().sendall(part)
        waiting, result = set(serials), 0
        while waiting:
            heard = self.read()
            if heard.id != 0x8001:
                self._respond(heard)
                continue
            serial, result = struct.unpack(">HxxB", heard.body)
            waiting.discard(serial)
        return int(result)

    # What it hears.

    def until(self, serial: int, wanted: int) -> Heard:
        """The answer to one message of ours; questions of the centre are answered meanwhile."""
        while True:
            heard = self.read()
            if heard.id == wanted and struct.unpack_from(">H", heard.body)[0] == serial:
                return heard
            if heard.id != 0x8001:
                self._respond(heard)

    def serve(self) -> Heard:
        """Wait for one question of the centre and answer it."""
        while (heard := self.read()).id == 0x8001:
            pass
        self._respond(heard)
        return heard

    def read(self) -> Heard:
        """The next message. Raises TimeoutError without one, ConnectionError where the centre has hung up."""
        line = self._open()
        while self._left.count(b"\x7e") < 2:
            more = line.recv(65_536)
            if not more:
                raise ConnectionError("the centre has hung up")
            self._left += more
        end = self._left.index(b"\x7e", 1) + 1
        frame, self._left = self._left[:end], self._left[end:]
        heard = jt808_read(frame)
        if heard.id == 0x8001:
            self.answered.append(struct.unpack_from(">H", heard.body)[0])
        return heard

    def _respond(self, heard: Heard) -> None:
        self.heard.append(heard)
        serial = struct.pack(">H", heard.serial)
        if heard.id == 0x8003:
            self._again(heard.body)
        elif heard.id == 0x8201:
            self._tell(LOCATION_REPLY, serial + self._where())
        elif heard.id in (0x8104, 0x8106):
            rows = [struct.pack(">IB", id, len(data)) + data for id, data in self.parameters.items()]
            self._tell(0x0104, serial + bytes([len(rows)]) + b"".join(rows))
        elif heard.id == 0x8107:
            widths = (30, 30) if self.version else (20, 7)
            words = b"SIM\0\0" + b"S-1".ljust(widths[0], b"\0") + b"T000001".ljust(widths[1], b"\0")
            self._tell(0x0107, b"\0\1" + words + bytes(10) + b"\x021A\x021B\x01\x01")
        else:
            if heard.id == 0x8103:
                self._set(heard.body)
            self._tell(0x0001, serial + struct.pack(">HB", heard.id, 0))

    def _set(self, body: bytes) -> None:
        at = 1
        while at < len(body):
            id, length = struct.unpack_from(">IB", body, at)
            self.parameters[id] = body[at + 5 : at + 5 + length]
            at += 5 + length

    def _again(self, body: bytes) -> None:
        (first,) = struct.unpack_from(">H", body)
        numbers = body[4:] if self.version else body[3:]
        for (number,) in struct.iter_unpack(">H", numbers):
            self.resends += 1
            self._open().sendall(self._kept[first][number - 1])

    def _tell(self, id: int, body: bytes) -> None:
        self._open().sendall(jt808_message(id, self.phone, self._next(), body, version=self.version))

    def _next(self) -> int:
        self._serial = (self._serial + 1) & 0xFFFF
        return self._serial

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._place, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""
