"""What of a location is a reading: the items that the city declares, and alarms that it does not.

Items: `speed` km/h, `altitude` m, `direction` degrees, `mileage` km, `fuel` L, `recorder_speed` km/h,
`event` `io` `analogue` `vehicle_signals` `signal` `satellites` as sent, `carriage_temperature` °C, `load`
0 to 3, `alarm-<name>` and `status-<name>` 0 or 1 for each bit of the two words.
"""

from __future__ import annotations

from collections.abc import Collection

from liandong.adapters.jt808.location import Location, extra_value
from liandong.adapters.jt808.tables import ALARM_BITS, EXTRAS, STATUS_BITS
from liandong.core.ingest.rows import DeviceRow

_ALARMS = {f"alarm-{name}": bit for bit, name in enumerate(ALARM_BITS)}
_STATUS = {f"status-{name}": bit for bit, name in STATUS_BITS.items()}
_EXTRA = {extra.name: id for id, extra in EXTRAS.items()}
_CARRIAGE = 0x06


def rows_of(
    device: str, location: Location, arrival: int, declared: Collection[str]
) -> tuple[DeviceRow, ...]:
    """One row for each declared item that the location says, and for each alarm that is set.

    A time that is none is replaced by the arrival: an alarm must not be lost for a clock that was
    never set.
    """
    at = location.time if location.time is not None else arrival
    wanted = set(declared)
    wanted.update(name for name, bit in _ALARMS.items() if location.alarm >> bit & 1)
    rows = []
    for item in sorted(wanted):
        found = _value(location, item)
        if found is not None:
            rows.append(DeviceRow(device, item, at, *found))
    return tuple(rows)


def _value(location: Location, item: str) -> tuple[float, str] | None:
    """Value and unit; None where the location does not say it."""
    if (bit := _ALARMS.get(item)) is not None:
        return float(location.alarm >> bit & 1), ""
    if (bit := _STATUS.get(item)) is not None:
        return float(location.status >> bit & 1), ""
    if (id := _EXTRA.get(item)) is not None:
        sent = next((extra_value(id, data) for at, data in location.extras if at == id), None)
        return None if sent is None else (sent, EXTRAS[id].unit)
    if item == "carriage_temperature":
        words = [data for at, data in location.extras if at == _CARRIAGE and len(data) == 2]
        if not words:
            return None
        word = int.from_bytes(words[0], "big")
        return float(-(word & 0x7FFF) if word >> 15 else word), "°C"
    return _fixed(location, item)


def _fixed(location: Location, item: str) -> tuple[float, str] | None:
    match item:
        case "speed":
            return location.speed, "km/h"
        case "altitude":
            return float(location.altitude), "m"
        case "direction":
            return float(location.direction), "°"
        case "load":
            return float(location.status >> 8 & 3), ""
    return None
