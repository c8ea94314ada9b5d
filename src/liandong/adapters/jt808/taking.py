"""Locations handed over: as readings of the vehicle's channels, and as positions of what moves."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np

from liandong.adapters._io.taking import take_positions, take_rows
from liandong.adapters.jt808.codec import Message
from liandong.adapters.jt808.fleet import PROTOCOL, Vehicle
from liandong.adapters.jt808.location import Location, decode_location, decode_locations
from liandong.adapters.jt808.rows import rows_of
from liandong.app.platform import Platform
from liandong.core.ingest.positions import PositionColumns
from liandong.core.values.canonical import short_hash

#: Messages that carry locations.
LOCATIONS = {0x0200, 0x0201, 0x0704}


def locations_of(message: Message) -> tuple[Location, ...]:
    """The locations of a message. Raises BadInput where its body is not whole."""
    if message.id == 0x0704:
        return decode_locations(message.body)[1]
    return (decode_location(message.body[2:] if message.id == 0x0201 else message.body),)


def key_of(message: Message, locations: tuple[Location, ...]) -> str:
    """Name of the message within its source: the same content is the same message, whatever its serial.

    Only where a location has no time of its own does the serial tell two of them apart.
    """
    serial = "" if all(one.time is not None for one in locations) else f"/{message.serial}"
    return f"{message.device}/{message.id:04x}/{short_hash(message.body)}{serial}"


async def take_locations(
    platform: Platform, vehicle: Vehicle, message: Message, raw: bytes
) -> asyncio.Future[Any] | None:
    """Durable once the future is done; None where nothing of it is kept. Raises BadInput and Forbidden."""
    locations = locations_of(message)
    arrival = platform.clock.read().now
    key = key_of(message, locations)
    device = message.device
    rows = [row for one in locations for row in rows_of(device, one, arrival, vehicle.items)]
    waiting: list[asyncio.Future[Any]] = []
    if rows:
        taken = await take_rows(platform, PROTOCOL, device, key, rows, raw)
        waiting += [taken] if taken is not None else []
    columns = columns_of(vehicle.asset, locations, arrival)
    if len(columns.time):
        placed = await take_positions(platform, vehicle.source, columns, f"{key}/position", raw)
        waiting += [placed] if placed is not None else []
    return asyncio.gather(*waiting) if waiting else None


def columns_of(asset: str, locations: tuple[Location, ...], arrival: int) -> PositionColumns:
    """Positions of those that have a fix of their own. Altitude 0 is a height, not a gap."""
    known = [(one, place) for one in locations if (place := one.place) is not None]
    return PositionColumns(
        object=np.zeros(len(known), dtype=np.int64),
        names=(asset,),
        time=np.array([one.time if one.time is not None else arrival for one, _ in known], dtype=np.int64),
        numbers={
            "lon": np.array([place[0] for _, place in known], dtype=np.float64),
            "lat": np.array([place[1] for _, place in known], dtype=np.float64),
            "altitude": np.array([float(one.altitude) for one, _ in known]),
            "speed": np.array([one.speed / 3.6 for one, _ in known]),
            "heading": np.array(
                [float(one.direction) if one.direction <= 360 else math.nan for one, _ in known]
            ),
        },
    )
