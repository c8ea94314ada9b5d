"""GB/T 26875.3-2011 packets as values, both ways; pure functions. Texts are GB 18030.

A packet: `@@`, serial, version (main, user), time, source, destination, length, command, application
data unit, check sum, `##`; whole numbers with the low byte first.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.gb26875.tables import (
    ANALOGUES,
    COMMANDS,
    COMPONENT_BITS,
    OPERATION_BITS,
    SYSTEM_BITS,
    TYPES,
    UNIT_BITS,
    UNIT_OPERATION_BITS,
    names,
)
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

#: Bytes before the application data unit, and of a packet without one.
HEAD, OVERHEAD = 27, 30
MOST_DATA = 1024

_head = struct.Struct("<2sHBB6s6s6sHB")


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One information object. Which fields are set depends on the type of the packet."""

    system_type: int | None = None
    system_address: int | None = None
    component_type: int | None = None
    zone: int | None = None  #: 区号, low half of the component's address
    unit: int | None = None  #: 位号, high half
    state: int | None = None  #: state word, or the bits of an operation
    analogue_type: int | None = None
    raw_value: int | None = None  #: as sent, in steps of the table
    operator: int | None = None
    version: tuple[int, int] | None = None
    text: str | None = None
    argument: int | None = None  #: of a downlink object: reserved byte, minutes, or number of records
    time: int | None = None  #: microseconds UTC; None where none is sent or it is no time at all
    time_sent: str | None = None  #: the six bytes of the time in hexadecimal


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """One packet."""

    serial: int
    version: tuple[int, int]  #: main version (1 in the edition of 2011), user version
    time: int | None  #: when it was sent, microseconds UTC; None where the six bytes are no time
    time_sent: str
    source: int
    destination: int
    command: int
    type: int | None  #: of the application data unit; None without one, e.g. a heartbeat
    things: tuple[Thing, ...]


def decode(raw: bytes, zone: LocalTime) -> Packet:
    """A whole packet. Raises BadInput saying what is wrong."""
    size = len(raw)
    if raw[:2] != b"@@":
        raise BadInput("gb26875.no_start")
    if size < OVERHEAD:
        raise BadInput("gb26875.short", size=size, least=OVERHEAD)
    _, serial, main, user, time, source, destination, length, command = _head.unpack_from(raw)
    if length > MOST_DATA or size != OVERHEAD + length:
        raise BadInput("gb26875.bad_length", declared=length, found=size - OVERHEAD)
    if raw[-2:] != b"##":
        raise BadInput("gb26875.no_end")
    computed = sum(raw[2:-3]) & 255
    if raw[-3] != computed:
        raise BadInput("gb26875.bad_checksum", given=f"{raw[-3]:02X}", computed=f"{computed:02X}")
    if command not in COMMANDS:
        raise BadInput("gb26875.unknown_command", command=command)
    type_, things = _application(raw[HEAD:-3], zone) if length else (None, ())
    return Packet(
        serial=serial, version=(main, user), time=_moment(time, zone), time_sent=time.hex(),
        source=int.from_bytes(source, "little"), destination=int.from_bytes(destination, "little"),
        command=command, type=type_, things=things,
    )  # fmt: skip


def _moment(six: bytes, zone: LocalTime) -> int | None:
    """Second, minute, hour, day, month, year since 2000, local; None where that is no time."""
    second, minute, hour, day, month, year = six
    try:
        return zone.micros(2000 + year, month, day, hour, minute, second)
    except ValueError:
        return None


def _application(data: bytes, zone: LocalTime) -> tuple[int, tuple[Thing, ...]]:
    if len(data) < 2:
        raise BadInput("gb26875.short", size=len(data), least=2)
    type_, count = data[0], data[1]
    known = TYPES.get(type_)
    if known is None:
        raise BadInput("gb26875.unknown_type", type=type_)
    # A duty check carries its minutes where the standard has a reserved byte and one object.
    if not 1 <= count <= known.most:
        raise BadInput("gb26875.bad_count", type=type_, count=count, most=known.most)
    if type_ in LAYOUTS:
        layout, make = LAYOUTS[type_]
        if len(data) != 2 + count * layout.size:
            raise BadInput(
                "gb26875.bad_size", type=type_, count=count, wanted=count * layout.size, found=len(data) - 2
            )
        return type_, tuple([make(values, zone) for values in layout.iter_unpack(data[2:])])
    return type_, _with_length(type_, count, data)


def _with_length(type_: int, count: int, data: bytes) -> tuple[Thing, ...]:
    """Types 6 and 26: texts with their length before them."""
    found: list[Thing] = []
    at = 2
    for _ in range(count):
        lead = 3 if type_ == 6 else 1
        length = data[at + lead - 1] if at + lead <= len(data) else 0
        words = data[at + lead : at + lead + length]
        if at + lead > len(data) or len(words) != length:
            raise BadInput(
                "gb26875.bad_size", type=type_, count=count, wanted=at + lead + length - 2,
                found=len(data) - 2,
            )  # fmt: skip
        system = (data[at], data[at + 1]) if type_ == 6 else (None, None)
        found.append(Thing(system_type=system[0], system_address=system[1], text=_text(words)))
        at += lead + length
    if at != len(data):
        raise BadInput("gb26875.bad_size", type=type_, count=count, wanted=at - 2, found=len(data) - 2)
    return tuple(found)


def _text(raw: bytes) -> str:
    """GB 18030 text, filled up with NUL or blanks; what is no text becomes the replacement sign."""
    return raw.decode("gb18030", "replace").strip(" \0") if raw.strip(b" \0") else ""


Make = Callable[[tuple[Any, ...], LocalTime], Thing]


def _timed(time: bytes, zone: LocalTime, **fields: Any) -> Thing:
    return Thing(time=_moment(time, zone), time_sent=time.hex(), **fields)


def _system_state(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return Thing(
        system_type=v[0], system_address=v[1], state=v[2], time=_moment(v[3], zone), time_sent=v[3].hex()
    )


def _component_state(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return Thing(
        system_type=v[0], system_address=v[1], component_type=v[2], zone=v[3], unit=v[4], state=v[5],
        text=_text(v[6]), time=_moment(v[7], zone), time_sent=v[7].hex(),
    )  # fmt: skip


def _analogue(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return Thing(
        system_type=v[0], system_address=v[1], component_type=v[2], zone=v[3], unit=v[4],
        analogue_type=v[5], raw_value=v[6], time=_moment(v[7], zone), time_sent=v[7].hex(),
    )  # fmt: skip


def _operation(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return _timed(v[4], zone, system_type=v[0], system_address=v[1], state=v[2], operator=v[3])


def _component_text(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return Thing(
        system_type=v[0], system_address=v[1], component_type=v[2], zone=v[3], unit=v[4], text=_text(v[5])
    )


def _system_time(v: tuple[Any, ...], zone: LocalTime) -> Thing:
    return _timed(v[2], zone, system_type=v[0], system_address=v[1])


#: Type → layout of one object and how it becomes a value. Little-endian, without padding.
LAYOUTS: dict[int, tuple[struct.Struct, Make]] = {
    1: (struct.Struct("<BBH6s"), _system_state),
    2: (struct.Struct("<BBBHHH31s6s"), _component_state),
    3: (struct.Struct("<BBBHHBh6s"), _analogue),
    4: (struct.Struct("<BBBB6s"), _operation),
    5: (
        struct.Struct("<BBBB"),
        lambda v, zone: Thing(system_type=v[0], system_address=v[1], version=(v[2], v[3])),
    ),
    7: (struct.Struct("<BBBHH31s"), _component_text),
    8: (struct.Struct("<BB6s"), _system_time),
    21: (struct.Struct("<B6s"), lambda v, zone: _timed(v[1], zone, state=v[0])),
    24: (struct.Struct("<BB6s"), lambda v, zone: _timed(v[2], zone, state=v[0], operator=v[1])),
    25: (struct.Struct("<BB"), lambda v, zone: Thing(version=(v[0], v[1]))),
    28: (struct.Struct("<6s"), lambda v, zone: _timed(v[0], zone)),
    **{
        type_: (struct.Struct("<BB"), lambda v, zone: Thing(system_type=v[0], system_address=v[1]))
        for type_ in (61, 65, 66, 68)
    },
    **{
        type_: (
            struct.Struct("<BBHH"),
            lambda v, zone: Thing(system_type=v[0], system_address=v[1], zone=v[2], unit=v[3]),
        )
        for type_ in (62, 63, 67)
    },
    64: (
        struct.Struct("<BBB6s"),
        lambda v, zone: _timed(v[3], zone, system_type=v[0], system_address=v[1], argument=v[2]),
    ),
    84: (struct.Struct("<B6s"), lambda v, zone: _timed(v[1], zone, argument=v[0])),
    90: (struct.Struct("<6s"), lambda v, zone: _timed(v[0], zone)),
    **{
        type_: (struct.Struct("<B"), lambda v, zone: Thing(argument=v[0]))
        for type_ in (81, 85, 86, 88, 89, 91)
    },
}


def encode(*, serial: int, time: bytes, source: int, destination: int, command: int,
           data: bytes = b"", version: tuple[int, int] = (1, 1)) -> bytes:  # fmt: skip
    """A packet around an application data unit. Raises ValueError where a number does not fit."""
    if len(data) > MOST_DATA or len(time) != 6:
        raise ValueError("data of at most 1024 bytes, a time of six")
    try:
        head = _head.pack(
            b"@@", serial, *version, time, source.to_bytes(6, "little"), destination.to_bytes(6, "little"),
            len(data), command,
        )  # fmt: skip
    except (struct.error, OverflowError) as error:
        raise ValueError(str(error)) from error
    body = head + data
    return body + bytes((sum(body[2:]) & 255,)) + b"##"


def unit(type_: int, *things: tuple[Any, ...]) -> bytes:
    """An application data unit of objects as its layout has them, times as six bytes.

    Raises ValueError for a type without a fixed layout, for too many objects and for what does not fit.
    """
    if type_ not in LAYOUTS or not 1 <= len(things) <= TYPES[type_].most:
        raise ValueError(f"{len(things)} objects of type {type_}")
    layout = LAYOUTS[type_][0]
    try:
        return bytes((type_, len(things))) + b"".join(layout.pack(*thing) for thing in things)
    except struct.error as error:
        raise ValueError(str(error)) from error


def time_bytes(at: int, zone: LocalTime) -> bytes:
    """A moment as six bytes of local time."""
    when = zone.local(at)
    return bytes((when.second, when.minute, when.hour, when.day, when.month, when.year % 100))


def respond(raw: bytes, at: int, zone: LocalTime, command: int) -> bytes | None:
    """Confirm or deny a packet by its head alone, which may be all of it that can be read."""
    if len(raw) < HEAD:
        return None
    _, serial, main, user, _, source, destination, _, _ = _head.unpack_from(raw)
    return encode(
        serial=serial, version=(main, user), time=time_bytes(at, zone), command=command,
        source=int.from_bytes(destination, "little"), destination=int.from_bytes(source, "little"),
    )  # fmt: skip


def fields_of(packet: Packet) -> dict[str, Any]:
    """A packet as plain values for people and programs."""
    return {
        "serial": packet.serial, "version": packet.version[0], "user_version": packet.version[1],
        **_shown_time(packet.time, packet.time_sent), "source": packet.source,
        "destination": packet.destination, "command": packet.command,
        "command_name": COMMANDS[packet.command], "type": packet.type,
        "type_name": None if packet.type is None else TYPES[packet.type].name,
        "objects": [_shown(packet.type or 0, thing) for thing in packet.things],
    }  # fmt: skip


def _shown_time(at: int | None, sent: str) -> dict[str, str | None]:
    """The time, and the six bytes as they were sent where they are no time."""
    return {"time": format_time(at)} if at is not None else {"time": None, "time_sent": sent}


_BITS = {1: SYSTEM_BITS, 2: COMPONENT_BITS, 4: OPERATION_BITS, 21: UNIT_BITS, 24: UNIT_OPERATION_BITS}


def _shown(type_: int, thing: Thing) -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: value
        for name in thing.__struct_fields__
        if (value := getattr(thing, name)) is not None and name not in ("time", "time_sent", "version")
    }
    if thing.zone is not None and thing.unit is not None:
        shown["component_address"] = thing.zone | thing.unit << 16
    if thing.state is not None:
        shown["state_names"] = names(thing.state, _BITS[type_])
    if thing.analogue_type is not None:
        shown |= _value(thing)
    if thing.version is not None:
        shown["version"] = f"{thing.version[0]}.{thing.version[1]}"
    if thing.time_sent is not None:
        shown |= _shown_time(thing.time, thing.time_sent)
    return shown


def _value(thing: Thing) -> dict[str, Any]:
    known = ANALOGUES.get(thing.analogue_type or 0)
    if known is None:
        return {"value": None, "unit": None}
    return {"analogue_name": known.name, "value": analogue_value(thing), "unit": known.unit}


def analogue_value(thing: Thing) -> float | None:
    """The measured value in the unit of the table; None where the standard knows no such type."""
    known = ANALOGUES.get(thing.analogue_type or 0)
    if known is None or thing.raw_value is None:
        return None
    # Whole steps divided, not multiplied: 21 steps of 0.1 are 2.1 and not 2.1000000000000001.
    return thing.raw_value / round(1 / known.scale)
