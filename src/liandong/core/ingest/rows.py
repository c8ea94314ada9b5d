"""What a device said in its own protocol, decoded by an adapter: one row a value.

A device names itself and its items in its own words (`Channel.device`, `Channel.item`); the city says
which channel each of them is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from liandong.core.ingest.channels import checked_value
from liandong.core.ingest.decoded import MOST_SAID, Decoded, DecodedAs, check_rows, check_time
from liandong.core.values.city import City
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.readings import batch_of_rows
from liandong.core.values.rules import ChannelRow
from liandong.core.values.units import conversion, spelt


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One value as the device names it; `time` is microseconds UTC, a value of None was not measured.

    `unit` is the unit the protocol itself declares for this value, where it does; it then goes before
    what the city says about the channel.
    """

    device: str
    item: str
    time: int
    value: float | None
    unit: str = ""
    quality: int = 0  #: bits that the protocol itself sets, e.g. `Quality.UNCERTAIN`


@dataclass(frozen=True, slots=True)
class Known:
    """A registered device: whose it is, and which channel each of its items is."""

    source: str
    device: str
    items: Mapping[str, ChannelRow]


class Devices:
    """Registered devices by (protocol, device). Built once for each version of the city."""

    def __init__(self, city: City, rows: Iterable[ChannelRow]) -> None:
        protocols = {source.key: source.protocol for source in city.sources}
        channels = {row.key: row for row in rows}
        items: dict[tuple[str, str], dict[str, ChannelRow]] = {}
        self._sources: dict[tuple[str, str], str] = {}
        for channel in sorted(city.channels, key=lambda c: c.number):
            if channel.device and not channel.reducer:  # statistics are made here, no device sends them
                place = (protocols.get(channel.source, ""), channel.device)
                # A device sends for one source; `check_devices` names those of several.
                if self._sources.setdefault(place, channel.source) == channel.source:
                    items.setdefault(place, {}).setdefault(channel.item, channels[channel.key])
        self._items = items

    def find(self, protocol: str, device: str) -> Known:
        """The device. Raises BadInput("device.unknown") where the city has none of this name."""
        place = (protocol, device)
        if place not in self._items:
            raise BadInput("device.unknown", protocol=protocol, device=device[:MOST_SAID])
        return Known(self._sources[place], device, self._items[place])


def check_devices(city: City) -> list[BadInput]:
    """Errors for devices of two sources and for items that are two channels; empty is good."""
    protocols = {source.key: source.protocol for source in city.sources}
    owners: dict[tuple[str, str], str] = {}
    taken: dict[tuple[str, str, str], str] = {}
    found: list[BadInput] = []
    for channel in sorted(city.channels, key=lambda c: c.number):
        if not channel.device or channel.reducer:
            continue
        place = (protocols.get(channel.source, ""), channel.device)
        owner = owners.setdefault(place, channel.source)
        if owner != channel.source:
            found.append(BadInput("device.two_sources", device=channel.device, one=owner, two=channel.source))
        first = taken.setdefault((*place, channel.item), channel.key)
        if first != channel.key:
            found.append(
                BadInput(
                    "device.item_twice", device=channel.device, item=channel.item, one=first, two=channel.key
                )
            )
    return found


def decode_rows(rows: Sequence[DeviceRow], key: str, known: Known, arrival: int, now: int) -> Decoded:
    """The rows of one message of one device, each judged as a reading that came over HTTP would be.

    Raises BadInput where there are too many. A row of another device, or of an item that is not
    registered, is an error of its own (`device.unknown_item`); rows are numbered from 1.
    """
    check_rows(len(rows))
    good: list[tuple[int, int, float, int]] = []
    errors: list[BadInput] = []
    for number, row in enumerate(rows, start=1):
        try:
            good.append(_row(row, number, known, now))
        except BadInput as error:
            errors.append(error)
    return DecodedAs(key=key, batch=batch_of_rows(known.source, good, arrival), errors=tuple(errors))


def _row(row: DeviceRow, number: int, known: Known, now: int) -> tuple[int, int, float, int]:
    channel = known.items.get(row.item) if row.device == known.device else None
    if channel is None:
        raise BadInput(
            "device.unknown_item", device=row.device[:MOST_SAID], item=row.item[:MOST_SAID], row=number
        )
    at = check_time(row.time, str(row.time), number, now)
    if row.value is None or math.isnan(row.value):
        return channel.number, at, 0.0, int(Quality.NAN) | row.quality
    value = checked_value(row.value, _in_unit(channel, row.unit, number), number)
    return channel.number, at, value, row.quality


def _in_unit(channel: ChannelRow, unit: str, number: int) -> ChannelRow:
    """The channel as if it were registered with the unit that the message itself declares."""
    if not unit:
        return channel
    try:
        said = conversion(unit, channel.unit, channel.gas)
    except BadInput as error:
        raise BadInput(
            "reading.unknown_unit",
            row=number,
            channel=channel.key,
            unit=spelt(unit)[:40],
            wanted=channel.unit,
        ) from error
    return msgspec.structs.replace(channel, factor=said.factor, offset=said.offset)
