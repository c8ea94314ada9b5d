"""Bodies of messages as plain values, read by their layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.jt808.codec import Message
from liandong.adapters.jt808.layouts import LAYOUTS, LEAST_2013, REGISTRATION_2011
from liandong.adapters.jt808.location import (
    BASE,
    BEIJING,
    decode_location,
    decode_locations,
    moment,
    shown,
)
from liandong.adapters.jt808.tables import NAMES
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time


class _Reader:
    def __init__(self, message: Message, zone: LocalTime) -> None:
        self.id, self.body, self.at, self.zone = message.id, message.body, 0, zone

    @property
    def left(self) -> int:
        return len(self.body) - self.at

    def take(self, size: int) -> bytes:
        if self.left < size:
            raise BadInput(
                "jt808.body_short", id=f"0x{self.id:04x}", size=len(self.body), least=self.at + size
            )
        self.at += size
        return self.body[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


Read = Callable[[_Reader], Any]


def text(raw: bytes) -> str:
    """GB 18030 text filled up with NUL or blanks; what is no text becomes the replacement sign."""
    return raw.decode("gb18030", "replace").strip(" \0")


def _time(reader: _Reader) -> str | None:
    at = moment(reader.take(6), reader.zone)
    return None if at is None else format_time(at)


_PLAIN: dict[str, Read] = {
    "u8": lambda r: r.number(1),
    "u16": lambda r: r.number(2),
    "u32": lambda r: r.number(4),
    "id": lambda r: f"0x{r.number(2):04x}",
    "deg": lambda r: r.number(4) / 1e6,
    "time": _time,
    "s": lambda r: text(r.take(r.left)),
    "x": lambda r: r.take(r.left).hex(),
    "p8": lambda r: text(r.take(r.number(1))),
    "p16": lambda r: text(r.take(r.number(2))),
    "n8": lambda r: r.take(r.number(1)).hex(),
    "base": lambda r: shown(decode_location(r.take(BASE), r.zone)),
    "hidden": lambda r: "*" * len(r.take(r.left)),
    "h8": lambda r: "*" * len(r.take(r.number(1))),
}


def _reader_of(kind: str) -> Read:
    if kind in _PLAIN:
        return _PLAIN[kind]
    letters, size = kind.rstrip("0123456789"), int(kind.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if letters == "s":
        return lambda r: text(r.take(size))
    return lambda r: r.take(size).hex()


@dataclass(frozen=True, slots=True)
class _Step:
    """One word of a layout: a field, a group (`inner`), or the mark after which the rest may be missing."""

    name: str
    read: Read | None = None
    bit: int = -1
    inner: tuple[_Step, ...] = ()
    count: str = ""  #: field that said how often; empty where `read` gives it, `*` to the end


def _compile(words: list[str]) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    while words and words[0] != "]":
        word = words.pop(0)
        if word == "?":
            steps.append(_Step("?"))
        elif word[0] == "[":
            name, sign, how = _cut(word[1:])
            inner = _compile(words)
            words.pop(0)
            read = _reader_of(how) if sign == ":" else None
            steps.append(_Step(name, read, inner=inner, count="" if sign == ":" else how or "*"))
        else:
            name, _, kind = word.partition(":")
            kind, _, bit = kind.partition("@")
            steps.append(_Step(name, _reader_of(kind), int(bit or -1)))
    return tuple(steps)


def _cut(word: str) -> tuple[str, str, str]:
    for sign in ":=*":
        name, found, how = word.partition(sign)
        if found:
            return name, sign, how
    raise ValueError(word)


def _run(steps: tuple[_Step, ...], reader: _Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for step in steps:
        if step.name == "?":
            if not reader.left:
                return found
        elif step.bit >= 0 and not found["flags"] >> step.bit & 1:
            continue
        elif step.inner:
            found[step.name] = _items(step, found, reader)
        else:
            assert step.read is not None
            found[step.name] = step.read(reader)
    return found


def _items(step: _Step, found: dict[str, Any], reader: _Reader) -> list[Any]:
    most = reader.left  # every item takes at least a byte
    to_the_end = step.count == "*"
    count = step.read(reader) if step.read is not None else most if to_the_end else found[step.count]
    items: list[Any] = []
    while len(items) < count and (not to_the_end or reader.left):
        one = _run(step.inner, reader)
        items.append(next(iter(one.values())) if len(one) == 1 else one)
    return items


_REGISTRATION_2011 = _compile(REGISTRATION_2011.split())


@cache
def _layout(id: int, of_2019: bool) -> tuple[_Step, ...] | None:
    words = LAYOUTS.get(id)
    if words is None:
        return None
    return _compile((words if isinstance(words, str) else words[of_2019]).split())


def decode_body(message: Message, zone: LocalTime = BEIJING) -> dict[str, Any] | None:
    """The body of a whole message as plain values; None for an id that the standard does not have.

    Raises BadInput for a body that is too short for its id. Bytes too many are `rest`.
    """
    if message.id == 0x0200:
        return shown(decode_location(message.body, zone))
    if message.id in (0x0201, 0x0500):
        reader = _Reader(message, zone)
        return {"reply_serial": reader.number(2)} | shown(decode_location(message.body[2:], zone))
    if message.id == 0x0704:
        kind, locations = decode_locations(message.body, zone)
        return {"type": kind, "items": [shown(one) for one in locations]}
    steps = _layout(message.id, message.of_2019)
    if message.id == 0x0100 and not message.of_2019 and len(message.body) < LEAST_2013:
        steps = _REGISTRATION_2011
    if steps is None:
        return None
    reader = _Reader(message, zone)
    found = _run(steps, reader)
    return found | ({"rest": reader.take(reader.left).hex()} if reader.left else {})


def fields_of(message: Message, zone: LocalTime = BEIJING) -> dict[str, Any]:
    """A message as plain values for people and programs. Raises BadInput where its body is too short."""
    found: dict[str, Any] = {
        "id": f"0x{message.id:04x}", "name": NAMES.get(message.id),
        "version": "2019" if message.of_2019 else "2013", "protocol_version": message.version or None,
        "phone": message.phone, "device": message.device, "serial": message.serial,
        "encryption": message.encryption, "check": f"{message.check:02X}", "length": len(message.body),
    }  # fmt: skip
    if message.total:
        return found | {"total": message.total, "index": message.index, "part": message.body.hex()}
    body = None if message.encryption else decode_body(message, zone)
    return found | ({"body": message.body.hex()} if body is None else body)
