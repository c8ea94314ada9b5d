"""What of a GB/T 26875.3 packet is a reading, and of which device.

Devices are named by their addresses: the transmission unit `<source>`, a system
`<source>/<system type>-<address>`, a component `<source>/<system>/<component type>-<zone>.<unit>`.
"""

from __future__ import annotations

from collections.abc import Iterator

from liandong.adapters.gb26875.codec import Packet, Thing, analogue_value
from liandong.adapters.gb26875.tables import (
    ANALOGUES,
    COMPONENT_BITS,
    OPERATION_BITS,
    REPLY,
    SEND,
    SYSTEM_BITS,
    UNIT_BITS,
    UNIT_OPERATION_BITS,
)
from liandong.core.ingest.rows import DeviceRow

_STATES = {1: SYSTEM_BITS, 2: COMPONENT_BITS, 21: UNIT_BITS}
_OPERATIONS = {4: OPERATION_BITS, 24: UNIT_OPERATION_BITS}


def rows_of(packet: Packet, arrival: int) -> dict[str, list[DeviceRow]]:
    """Rows by device; empty where the packet measures nothing, e.g. a heartbeat or a version.

    Every bit of a state word is an item of its own, 0 or 1. Of an operation only what was done is a
    row, `op-<name>` with value 1. A time that is none is replaced by the packet's, else by the arrival:
    an alarm must not be lost for the clock of a panel.
    """
    found: dict[str, list[DeviceRow]] = {}
    if packet.type is None or packet.command not in (SEND, REPLY):
        return found
    for thing in packet.things:
        device = device_of(packet, thing)
        at = thing.time if thing.time is not None else packet.time if packet.time is not None else arrival
        for item, value, unit in _items(packet.type, thing):
            found.setdefault(device, []).append(DeviceRow(device, item, at, value, unit))
    return found


def device_of(packet: Packet, thing: Thing) -> str:
    """Name of the device that an object is about."""
    name = str(packet.source)
    if thing.system_type is not None:
        name += f"/{thing.system_type}-{thing.system_address}"
        if thing.zone is not None:
            name += f"/{thing.component_type}-{thing.zone}.{thing.unit}"
    return name


def _items(type_: int, thing: Thing) -> Iterator[tuple[str, float | None, str]]:
    if thing.analogue_type is not None:
        known = ANALOGUES.get(thing.analogue_type)
        yield f"ana-{thing.analogue_type}", analogue_value(thing), known.unit if known else ""
    elif thing.state is not None and type_ in _STATES:
        for bit, name in enumerate(_STATES[type_]):
            yield name, float(thing.state >> bit & 1), ""
    elif thing.state is not None:
        for bit, name in enumerate(_OPERATIONS[type_]):
            if thing.state >> bit & 1:
                yield f"op-{name}", 1.0, ""


def key_of(packet: Packet, device: str) -> str:
    """Name of the message within its source; the same packet sent again has the same one."""
    return f"{packet.source}/{packet.serial}/{packet.time_sent}/{packet.type}/{device}"
