"""From a topic and its payload to rows, as the topic's table says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.adapters.mqtt.topics import MqttTopic
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND, parse_time

#: Largest payload and most rows of one message.
MOST_BYTES, MOST_ROWS = 1024 * 1024, 10_000
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Said:
    """The rows of one message, by device; `timed` where the message itself says when."""

    rows: dict[str, list[DeviceRow]]
    timed: bool


def rows_of(rule: MqttTopic, names: Mapping[str, str], payload: bytes, arrival: int) -> Said:
    """What a message of format `number` or `json` says. `names` are the named levels of its topic.

    Raises BadInput("mqtt.bad_payload") naming what is missing or is not what it should be.
    """
    if len(payload) > MOST_BYTES:
        raise BadInput("mqtt.bad_payload", topic=rule.topic, path="", wanted="bytes")
    device, item = _filled(rule.device, names), _filled(rule.item, names)
    if rule.format == "number":
        return Said({device: [DeviceRow(device, item, arrival, _number_text(rule, payload))]}, timed=False)
    try:
        said = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("mqtt.bad_payload", topic=rule.topic, path="", wanted="JSON") from error
    found: dict[str, list[DeviceRow]] = {}
    count = 0
    for one in _messages(rule, said):
        at = _time(rule, one) if rule.time else arrival
        who = _text(rule, one, rule.device_at) if rule.device_at else device
        for name, value in _values(rule, one, item):
            count += 1
            if count > MOST_ROWS:
                raise BadInput("mqtt.bad_payload", topic=rule.topic, path=rule.rows, wanted="rows")
            found.setdefault(who, []).append(DeviceRow(who, name, at, value))
    return Said(found, timed=bool(rule.time))


def at_path(said: Any, path: str) -> Any:
    """What lies at a path, `_MISSING` where nothing does; `a.0.b` goes through objects and lists."""
    for step in path.split(".") if path else ():
        if isinstance(said, dict):
            said = said.get(step, _MISSING)
        elif isinstance(said, list) and step.isascii() and step.isdigit() and len(step) < 8:
            said = said[int(step)] if int(step) < len(said) else _MISSING
        else:
            return _MISSING
    return said


def _messages(rule: MqttTopic, said: Any) -> list[Any]:
    if not rule.rows:
        return [said]
    rows = at_path(said, "" if rule.rows == "." else rule.rows)
    if not isinstance(rows, list):
        raise BadInput("mqtt.bad_payload", topic=rule.topic, path=rule.rows, wanted="[…]")
    return rows


def _values(rule: MqttTopic, said: Any, item: str) -> Iterator[tuple[str, float | None]]:
    """(item, value); members of an object that are no numbers are no items."""
    if rule.values:
        members = at_path(said, "" if rule.values == "." else rule.values)
        if not isinstance(members, dict):
            raise BadInput("mqtt.bad_payload", topic=rule.topic, path=rule.values, wanted="{…}")
        for name, value in members.items():
            number = _number(value)
            if number is not _MISSING:
                yield name, number
        return
    number = _number(at_path(said, rule.value))
    if number is _MISSING:
        raise BadInput("mqtt.bad_payload", topic=rule.topic, path=rule.value, wanted="number")
    yield _text(rule, said, rule.item_at) if rule.item_at else item, number


def _number(value: Any) -> Any:
    """A finite number, None for null and what is not finite, `_MISSING` for what is no number."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _MISSING
    if not isinstance(value, bool | int | float):
        return _MISSING
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _number_text(rule: MqttTopic, payload: bytes) -> float | None:
    try:
        number = float(payload.decode("ascii"))
    except (UnicodeDecodeError, ValueError) as error:
        raise BadInput("mqtt.bad_payload", topic=rule.topic, path="", wanted="number") from error
    return number if math.isfinite(number) else None


def _time(rule: MqttTopic, said: Any) -> int:
    value = at_path(said, rule.time)
    if rule.time_form == "rfc3339" and isinstance(value, str):
        return parse_time(value)
    if rule.time_form != "rfc3339" and isinstance(value, int | float) and not isinstance(value, bool):
        scale = SECOND // _PER_SECOND[rule.time_form]
        if abs(value) < 1e17:
            return value * scale if isinstance(value, int) else round(value * scale)
    raise BadInput("mqtt.bad_payload", topic=rule.topic, path=rule.time, wanted=rule.time_form)


def _text(rule: MqttTopic, said: Any, path: str) -> str:
    value = at_path(said, path)
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return str(value)[:256]
    raise BadInput("mqtt.bad_payload", topic=rule.topic, path=path, wanted="text")


def _filled(template: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        template = template.replace("{" + name + "}", value)
    return template
