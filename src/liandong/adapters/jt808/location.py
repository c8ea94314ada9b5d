"""Where a vehicle is and how it is: bodies 0x0200, 0x0201 and 0x0704."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.jt808.tables import (
    ALARM_BITS,
    ENCRYPTED,
    EXTRAS,
    LOADS,
    LOCATED,
    SOUTH,
    STATUS_BITS,
    WEST,
    bit_names,
)
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

#: The standard fixes the zone of all its times: GMT+8, wherever the city is.
BEIJING = LocalTime("Asia/Shanghai")
BASE = 28  #: bytes without a tail

_base = struct.Struct(">IIIIHHH6s")
#: Six bytes of two decimal digits each → value; -1 for a byte that is not two decimal digits.
_DIGITS = tuple(high * 10 + low if (high := b >> 4) < 10 and (low := b & 15) < 10 else -1 for b in range(256))


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """One location report."""

    alarm: int
    status: int
    lat: float  #: degrees as sent, never negative: the status says whether south
    lon: float  #: degrees as sent, never negative: the status says whether west
    altitude: int  #: m
    speed: float  #: km/h
    direction: int  #: degrees clockwise from north
    time: int | None  #: microseconds UTC; None where the six bytes are no time
    time_sent: str
    extras: tuple[tuple[int, bytes], ...]  #: (id, data) in the order sent
    rest: bytes = b""  #: end of a tail that is cut off

    @property
    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude in degrees, east and north positive; None without a fix of its own.

        A place that a secrecy plug-in has shifted is none, either.
        """
        if not self.status & LOCATED or self.status & ENCRYPTED:
            return None
        return -self.lon if self.status & WEST else self.lon, -self.lat if self.status & SOUTH else self.lat


def decode_location(body: bytes, zone: LocalTime = BEIJING) -> Location:
    """A location with its tail. A tail that is cut off costs only itself: an alarm must not be lost for it.

    Raises BadInput where the fixed part is not whole.
    """
    if len(body) < BASE:
        raise BadInput("jt808.body_short", id="0x0200", size=len(body), least=BASE)
    alarm, status, lat, lon, altitude, speed, direction, time = _base.unpack_from(body)
    extras: list[tuple[int, bytes]] = []
    at, size = BASE, len(body)
    while at + 2 <= size:
        end = at + 2 + body[at + 1]
        if end > size:
            break
        extras.append((body[at], body[at + 2 : end]))
        at = end
    return Location(
        alarm=alarm, status=status, lat=lat / 1e6, lon=lon / 1e6, altitude=altitude, speed=speed / 10,
        direction=direction, time=moment(time, zone), time_sent=time.hex(), extras=tuple(extras),
        rest=body[at:],
    )  # fmt: skip


def moment(six: bytes, zone: LocalTime = BEIJING) -> int | None:
    """`YYMMDDhhmmss` in decimal digits, local → microseconds UTC; None where that is no time."""
    year, month, day, hour, minute, second = [_DIGITS[b] for b in six]
    try:
        return zone.micros(2000 + year, month, day, hour, minute, second)
    except ValueError:
        return None


def decode_locations(body: bytes, zone: LocalTime = BEIJING) -> tuple[int, tuple[Location, ...]]:
    """Type (0 ordinary, 1 sent late from a blind area) and the locations of 0x0704. Raises BadInput."""
    if len(body) < 3:
        raise BadInput("jt808.body_short", id="0x0704", size=len(body), least=3)
    count, kind = body[0] << 8 | body[1], body[2]
    found: list[Location] = []
    at = 3
    while at < len(body) and len(found) < count:
        length = int.from_bytes(body[at : at + 2], "big")
        if at + 2 + length > len(body):
            raise BadInput("jt808.body_short", id="0x0704", size=len(body), least=at + 2 + length)
        found.append(decode_location(body[at + 2 : at + 2 + length], zone))
        at += 2 + length
    if len(found) != count or at != len(body):
        raise BadInput("jt808.bad_count", declared=count, found=len(found), left=len(body) - at)
    return kind, tuple(found)


def extra_value(id: int, data: bytes) -> float | None:
    """A known piece of the tail in its unit; None for others, and where its size is not the standard's."""
    known = EXTRAS.get(id)
    if known is None or len(data) != known.size:
        return None
    return int.from_bytes(data, "big") / known.steps


def shown(location: Location) -> dict[str, Any]:
    """A location as plain values for people and programs."""
    at = {"time": format_time(location.time)} if location.time is not None else {
        "time": None, "time_sent": location.time_sent
    }  # fmt: skip
    found: dict[str, Any] = {
        "alarm": location.alarm, "alarm_names": bit_names(location.alarm, ALARM_BITS),
        "status": location.status,
        "status_names": [name for bit, name in STATUS_BITS.items() if location.status >> bit & 1],
        "load": LOADS[location.status >> 8 & 3], "located": bool(location.status & LOCATED),
        "lat": location.lat, "lon": location.lon, "altitude": location.altitude, "speed": location.speed,
        "direction": location.direction, **at, "extras": [_extra(*one) for one in location.extras],
    }  # fmt: skip
    return found | ({"rest": location.rest.hex()} if location.rest else {})


def _extra(id: int, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"id": f"{id:02x}", "data": data.hex()}
    value = extra_value(id, data)
    if value is not None:
        known = EXTRAS[id]
        found |= {"name": known.name, "sent": int.from_bytes(data, "big")}
        found |= {"value": value, "unit": known.unit} if known.unit else {}
    elif id in _READ and (read := _READ[id](data)) is not None:
        found |= read
    return found


def _overspeed(data: bytes) -> dict[str, Any] | None:
    if len(data) not in (1, 5):
        return None
    area = {"area": int.from_bytes(data[1:], "big")} if len(data) == 5 else {}
    return {"name": "overspeed_place", "kind": data[0], **area}


def _crossing(data: bytes) -> dict[str, Any] | None:
    if len(data) != 6:
        return None
    return {
        "name": "crossing", "kind": data[0], "area": int.from_bytes(data[1:5], "big"), "out": data[5],
    }  # fmt: skip


def _route_time(data: bytes) -> dict[str, Any] | None:
    if len(data) != 7:
        return None
    road, seconds, result = struct.unpack(">IHB", data)
    return {"name": "route_time", "road": road, "seconds": seconds, "too_long": result}


def _tyres(data: bytes) -> dict[str, Any] | None:
    return {"name": "tyre_pressure", "values": list(data)} if len(data) == 30 else None


def _carriage(data: bytes) -> dict[str, Any] | None:
    """Sign and magnitude, not two's complement (2019)."""
    if len(data) != 2:
        return None
    word = int.from_bytes(data, "big")
    return {
        "name": "carriage_temperature", "unit": "°C", "value": -(word & 0x7FFF) if word >> 15 else word
    }  # fmt: skip


_READ = {0x05: _tyres, 0x06: _carriage, 0x11: _overspeed, 0x12: _crossing, 0x13: _route_time}
