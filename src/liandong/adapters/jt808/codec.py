"""JT/T 808 messages as values, both ways; pure functions. Editions of 2013 and 2019.

`7E`, header, body, check sum, `7E`; within, 7E is written 7D 02 and 7D 7D 01. Whole numbers have their
high byte first. The check sum is the XOR of header and body, before escaping.
"""

from __future__ import annotations

import struct

import msgspec

from liandong.core.values.errors import BadInput

MARK = b"\x7e"
#: Bytes of a header without packet numbers: edition of 2013, of 2019.
HEADS = (12, 17)
MOST_BODY = 1023
#: Largest message between its marks: every byte of header, packet numbers, body and check sum escaped.
MOST_ESCAPED = 2 * (HEADS[1] + 4 + MOST_BODY + 1)

_OF_2019, _PARTS, _ENCRYPTED = 1 << 14, 1 << 13, 7 << 10
_head = struct.Struct(">HH6sH")
_head_2019 = struct.Struct(">HHB10sH")
_two = struct.Struct(">HH")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, or one part of a message that was cut into several."""

    id: int
    version: int  #: 0 in the edition of 2013, else the protocol version of 2019 and later
    phone: str  #: digits as sent, 12 or 20 with leading zeros
    serial: int
    total: int = 0  #: parts altogether; 0 where the message is whole
    index: int = 0  #: number of this part, from 1
    encryption: int = 0  #: 0 none, 1 RSA
    body: bytes
    check: int = 0

    @property
    def device(self) -> str:
        """The terminal's name in the city: its number without leading zeros, the same in both editions."""
        return self.phone.lstrip("0") or "0"

    @property
    def of_2019(self) -> bool:
        """Whether the bodies are laid out as in the edition of 2019."""
        return self.version > 0


def decode(raw: bytes) -> Message:
    """A whole message with its marks. Raises BadInput saying what is wrong."""
    if len(raw) < 2 or raw[:1] != MARK or raw[-1:] != MARK:
        raise BadInput("jt808.no_marks")
    data = unescape(raw[1:-1])
    size = len(data)
    if size < HEADS[0] + 1:
        raise BadInput("jt808.short", size=size, least=HEADS[0] + 1)
    computed = xor(data[:-1])
    if computed != data[-1]:
        raise BadInput("jt808.bad_check", given=f"{data[-1]:02X}", computed=f"{computed:02X}")
    id, properties = _two.unpack_from(data)
    head = head_of(properties)
    found = size - 1 - head
    if found != properties & 0x3FF:
        raise BadInput("jt808.bad_length", declared=properties & 0x3FF, found=max(0, found))
    version = 0
    if properties & _OF_2019:
        _, _, version, phone, serial = _head_2019.unpack_from(data)
        if not version:
            raise BadInput("jt808.bad_version")
    else:
        _, _, phone, serial = _head.unpack_from(data)
    total = index = 0
    if properties & _PARTS:
        total, index = _two.unpack_from(data, head - 4)
        if not 1 <= index <= total:
            raise BadInput("jt808.bad_part", index=index, total=total)
    return Message(
        id=id, version=version, phone=phone.hex(), serial=serial, total=total, index=index,
        encryption=(properties & _ENCRYPTED) >> 10, body=data[head:-1], check=computed,
    )  # fmt: skip


def head_of(properties: int) -> int:
    """Bytes of the header that has these properties."""
    return (HEADS[1] if properties & _OF_2019 else HEADS[0]) + (4 if properties & _PARTS else 0)


def unescape(data: bytes) -> bytes:
    """The bytes that were meant. Raises BadInput for 7D before anything but 01 and 02."""
    escapes = data.count(b"\x7d")
    if not escapes:
        return data
    if data.count(b"\x7d\x01") + data.count(b"\x7d\x02") != escapes:
        raise BadInput("jt808.bad_escape")
    return data.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")


def escape(data: bytes) -> bytes:
    """The bytes as they may stand between two marks."""
    return data.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")


def xor(data: bytes) -> int:
    """XOR of all bytes: folded in halves as one large number, which is faster than byte by byte."""
    folded = int.from_bytes(data, "big")
    shift = 1 << max(3, (8 * len(data)).bit_length() - 1)
    while shift >= 8:
        folded = folded >> shift ^ folded & (1 << shift) - 1
        shift >>= 1
    return folded


def encode(*, id: int, phone: str, serial: int, body: bytes = b"", version: int = 0,
           total: int = 0, index: int = 0) -> bytes:  # fmt: skip
    """A message with check sum and marks. Raises ValueError where something does not fit."""
    if len(body) > MOST_BODY:
        raise ValueError(f"{len(body)} bytes do not fit into one message")
    properties = len(body) | (_OF_2019 if version else 0) | (_PARTS if total else 0)
    width = 10 if version else 6
    try:
        number = bytes.fromhex(phone.zfill(2 * width)[-2 * width :])
        head = (
            _head_2019.pack(id, properties, version, number, serial)
            if version
            else _head.pack(id, properties, number, serial)
        )
        data = head + (_two.pack(total, index) if total else b"") + body
    except struct.error as error:
        raise ValueError(str(error)) from error
    return MARK + escape(data + bytes((xor(data),))) + MARK


def encode_parts(*, id: int, phone: str, serial: int, body: bytes, version: int = 0,
                 size: int = MOST_BODY) -> list[bytes]:  # fmt: skip
    """A message in as many parts of at most `size` bytes as it takes; serials count up from `serial`."""
    if len(body) <= size:
        return [encode(id=id, phone=phone, serial=serial, body=body, version=version)]
    cuts = [body[at : at + size] for at in range(0, len(body), size)]
    return [
        encode(
            id=id, phone=phone, serial=(serial + n) & 0xFFFF, body=cut, version=version, total=len(cuts),
            index=n + 1,
        )
        for n, cut in enumerate(cuts)
    ]  # fmt: skip
