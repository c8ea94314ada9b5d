"""Handing rows over to the intake, as often as it takes; the answer waits for the sync."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Future

import msgspec

from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.core.ingest.positions import DecodedPositions, PositionColumns, decode_position_columns
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.access import Session
from liandong.core.values.city import CityIndex
from liandong.core.values.errors import BadInput, Busy
from liandong.core.values.times import format_time

#: A full queue empties within a fraction of a second; the device waits ten.
_AGAIN_S = 0.2
#: How long a line waits after a message of which nothing could be taken.
_STRANGER_S = 0.05

#: Protocol → the source under which what no registered device has sent is counted.
STRANGERS = "protocol:{}"


async def take_rows(
    platform: Platform, protocol: str, device: str, key: str, rows: Sequence[DeviceRow], raw: bytes
) -> asyncio.Future[Receipt] | None:
    """Durable once the future is done; None where nothing of it could be taken and that is kept.

    While the intake is full this waits, and whoever waits for it reads no further. Raises Forbidden
    where the device's source may not send.
    """
    while True:
        try:
            # In a thread of the pool, because keeping a refusal writes to a disk.
            future, _ = await asyncio.to_thread(platform.receiving.device, protocol, device, key, rows, raw)
        except Busy:
            await asyncio.sleep(_AGAIN_S)
        except BadInput:
            # Counted and kept by the platform; a line full of strangers must not fill the disk at speed.
            await asyncio.sleep(_STRANGER_S)
            return None
        else:
            return asyncio.wrap_future(future)


async def take_positions(
    platform: Platform, source: str, columns: PositionColumns, key: str, raw: bytes
) -> asyncio.Future[Receipt] | None:
    """Positions of what moves, of a source that is known; as `take_rows`."""
    kept = _as_message(columns, key)

    def decode(sender: str, arrival: int, now: int) -> DecodedPositions:
        return decode_position_columns(columns, key, sender, arrival, now)

    def take() -> Future[Receipt]:
        session = Session(source=source)
        return platform.receiving.take(session, "positions", raw, decode, kept=kept)[0]

    while True:
        try:
            future = await asyncio.to_thread(take)
        except Busy:
            await asyncio.sleep(_AGAIN_S)
        except BadInput:
            await asyncio.sleep(_STRANGER_S)
            return None
        else:
            return asyncio.wrap_future(future)


def _as_message(columns: PositionColumns, key: str) -> bytes:
    """The same as the JSON that the door of positions takes, so that a refusal can be replayed."""
    rows = [
        {
            "object": columns.names[int(columns.object[row])],
            "time": format_time(int(columns.time[row])),
            **{
                name: value
                for name, numbers in columns.numbers.items()
                if not math.isnan(value := float(numbers[row]))
            },
        }
        for row in range(len(columns.time))
    ]
    return msgspec.json.encode({"id": key, "positions": rows})


async def refuse(platform: Platform, protocol: str, error: BadInput, raw: bytes) -> None:
    """Count bytes that are no frame, or no good one, and keep them for an operator."""
    while True:
        try:
            await asyncio.to_thread(
                platform.rejected.refuse, STRANGERS.format(protocol), protocol, error, raw
            )
        except Busy:
            await asyncio.sleep(_AGAIN_S)
        else:
            return


class Declared:
    """Which items of a device the city declares; asked anew for every version of the city."""

    def __init__(self, platform: Platform, protocol: str) -> None:
        self._platform = platform
        self._protocol = protocol
        self._city: CityIndex | None = None
        self._items: dict[str, set[str]] = {}

    def items(self, device: str) -> set[str]:
        """Empty for a device that is not registered."""
        city = self._platform.handler.policy.city
        if city is not self._city:
            sources = {s.key for s in city.city.sources if s.protocol == self._protocol}
            self._items = {}
            for channel in city.city.channels:
                if channel.device and channel.source in sources:
                    self._items.setdefault(channel.device, set()).add(channel.item)
            self._city = city
        return self._items.get(device, set())
