"""What simulated devices put on the wire: frames of HJ 212 and GB/T 26875.3, and a line to send them by.

Written from the standards' layouts and not from our adapters, which this room may not import: what
one of the two gets wrong, the other does not understand.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from liandong.core.values.times import to_datetime

#: The zone of the demonstration: GMT+8, as both standards have it.
ZONE = timezone(timedelta(hours=8))
#: Both standards leave the numbers to the city; these are the usual ones (GB/T 26875.3, 6.5).
ANSWER_S, TRIES = 10.0, 3


def _local(at: int) -> datetime:
    return to_datetime(at).astimezone(ZONE)


# HJ 212.


def hj212_frame(
    mn: str, at: int, values: Mapping[str, float | str], *, cn: str = "2011", st: str = "31",
    pw: str = "123456", flag: int = 5, qn: str = "", marks: Mapping[str, str] | None = None,
    packet: tuple[int, int] | None = None, with_time: bool = True,
) -> bytes:  # fmt: skip
    """An upload of `{"a21005-Rtd": 1.5, …}` measured at `at`; `marks` are data marks by code, else N.

    `flag` 5 asks for an answer, 4 does not. `qn` is the time of the data where none is given, so that
    the same frame built again is the same bytes. `packet` is (number, of how many).
    """
    marks = marks or {}
    codes: dict[str, list[str]] = {}
    for name, value in values.items():
        codes.setdefault(name.partition("-")[0], []).append(f"{name}={value}")
    parts = [",".join([*fields, f"{code}-Flag={marks.get(code, 'N')}"]) for code, fields in codes.items()]
    if with_time:
        parts.insert(0, f"DataTime={_local(at):%Y%m%d%H%M%S}")
    head = [f"QN={qn or f'{_local(at):%Y%m%d%H%M%S}000'}", f"ST={st}", f"CN={cn}", f"PW={pw}", f"MN={mn}"]
    if packet is not None:
        flag |= 2
        head += [f"PNUM={packet[1]}", f"PNO={packet[0]}"]
    data = f"{';'.join(head)};Flag={flag};CP=&&{';'.join(parts)}&&".encode("ascii")
    return b"##%04d%b%04X\r\n" % (len(data), data, hj212_check(data))


def hj212_message(
    mn: str, cn: str, cp: str = "", *, qn: str, st: str = "31", pw: str = "123456", flag: int = 5
) -> bytes:
    """Anything but an upload: a notice (1013), a heartbeat (9015), an answer to a request (9011, 9012)."""
    data = f"QN={qn};ST={st};CN={cn};PW={pw};MN={mn};Flag={flag};CP=&&{cp}&&".encode("ascii")
    return b"##%04d%b%04X\r\n" % (len(data), data, hj212_check(data))


def hj212_check(data: bytes) -> int:
    """The check sum, bit by bit as the standard's annex writes it."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            lowest, register = register & 1, register >> 1
            if lowest:
                register ^= 0xA001
    return register


# GB/T 26875.3.


def gb_frame(
    source: int, serial: int, at: int, data: bytes = b"", *, destination: int = 1, command: int = 2
) -> bytes:
    """A packet of a transmission unit; without data it is a heartbeat."""
    body = struct.pack("<HBB", serial & 0xFFFF, 1, 1) + gb_time(at)
    body += source.to_bytes(6, "little") + destination.to_bytes(6, "little")
    body += struct.pack("<HB", len(data), command) + data
    return b"@@" + body + bytes([sum(body) % 256]) + b"##"


def gb_time(at: int) -> bytes:
    """Second, minute, hour, day, month, year of the century."""
    when = _local(at)
    return bytes([when.second, when.minute, when.hour, when.day, when.month, when.year - 2000])


def gb_system_state(rows: Sequence[tuple[int, int, int, int]]) -> bytes:
    """(system type, system address, state, moment) each."""
    objects = [struct.pack("<BBH", kind, address, state) + gb_time(at) for kind, address, state, at in rows]
    return bytes([1, len(rows)]) + b"".join(objects)


def gb_component_state(rows: Sequence[tuple[int, int, int, int, int, int, str, int]]) -> bytes:
    """(system type, system address, component type, zone, unit, state, text, moment) each."""
    objects = [
        struct.pack("<BBBHHH", *row[:6]) + row[6].encode("gb18030")[:31].ljust(31, b"\0") + gb_time(row[7])
        for row in rows
    ]
    return bytes([2, len(rows)]) + b"".join(objects)


def gb_analogue(rows: Sequence[tuple[int, int, int, int, int, int, int, int]]) -> bytes:
    """(system type, system address, component type, zone, unit, analogue type, steps, moment) each."""
    objects = [struct.pack("<BBBHHBh", *row[:7]) + gb_time(row[7]) for row in rows]
    return bytes([3, len(rows)]) + b"".join(objects)


def gb_unit_state(state: int, at: int) -> bytes:
    """State of the transmission unit itself."""
    return bytes([21, 1, state]) + gb_time(at)


def gb_operation(bits: int, operator: int, at: int) -> bytes:
    """What somebody did at the transmission unit; bit 5 answers a duty check."""
    return bytes([24, 1, bits, operator]) + gb_time(at)


class FrameLink:
    """A device's line to the centre: sends a frame, waits for its answer, and sends again without one."""

    def __init__(
        self, host: str, port: int, protocol: str, *, timeout: float = ANSWER_S, tries: int = TRIES
    ) -> None:
        """`protocol` is `hj212` or `gb26875`. Connects when the first frame is sent, and again if need be."""
        self._place = (host, port)
        self._protocol = protocol
        self._timeout, self._tries = timeout, tries
        self._socket: socket.socket | None = None
        self._left = b""
        self.resends = 0  #: frames that were sent again

    def send(self, frame: bytes) -> bytes:
        """The answer to a frame. Raises ConnectionError where none came, however often it was sent."""
        for attempt in range(self._tries):
            self.resends += attempt > 0
            try:
                self._open().sendall(frame)
                while answer := self._read():
                    if self._answers(frame, answer):
                        return answer
            except OSError:
                self.close()
        raise ConnectionError(f"no answer after {self._tries} attempts")

    def tell(self, frame: bytes) -> None:
        """Send a frame that wants no answer."""
        self._open().sendall(frame)

    def read(self) -> bytes:
        """The next frame that the centre sends by itself. Raises TimeoutError where none comes."""
        self._open()
        return self._read()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._place, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self) -> bytes:
        """One frame from the centre; ConnectionError where it has hung up."""
        assert self._socket is not None
        while not (size := self._whole()):
            more = self._socket.recv(65_536)
            if not more:
                raise ConnectionError("the centre has hung up")
            self._left += more
        frame, self._left = self._left[:size], self._left[size:]
        return frame

    def _whole(self) -> int:
        """Bytes of the frame at the front, 0 while it is not complete."""
        if self._protocol == "hj212":
            need = 12 + int(self._left[2:6]) if len(self._left) >= 6 else 0
        else:
            need = 30 + int.from_bytes(self._left[24:26], "little") if len(self._left) >= 26 else 0
        return need if need and len(self._left) >= need else 0

    def _answers(self, frame: bytes, answer: bytes) -> bool:
        if self._protocol == "hj212":
            begin = frame.find(b"QN=")
            return begin < 0 or frame[begin : begin + 20] in answer
        if answer[2:4] == frame[2:4] and answer[26] == 6:
            raise ConnectionError("the centre has denied the packet")
        return answer[2:4] == frame[2:4] and answer[26] == 3
