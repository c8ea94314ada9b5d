"""感知接入: the only step that meets dirt. Bytes become a batch and a list of refused rows.

A message may be half good: its good rows go on, each bad row is named. Pure: `now` is an argument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import EARLIEST, LATEST, MINUTE, parse_time

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 100_000
#: A device's clock may be this far ahead of ours before its reading is refused.
MOST_AHEAD = 5 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a message came to: the good rows, and an error for each bad one."""

    key: str  #: the source's own message id, else a digest of the bytes
    batch: ReadingBatch
    errors: tuple[BadInput, ...]


class _Message(msgspec.Struct):
    readings: list[Any]
    id: str = ""


def decode_json(raw: bytes, source: str, channels: dict[str, ChannelRow], arrival: int, now: int) -> Decoded:
    """`{"id": …, "readings": [{"channel": …, "time": RFC 3339, "value": number or null}, …]}`.

    Raises BadInput where the message as a whole is unreadable. `null` is a reading without a value:
    kept, flagged NAN and never evaluated.
    """
    if len(raw) > MOST_BYTES:
        raise BadInput("batch.too_large", limit=MOST_BYTES, size=len(raw))
    try:
        message = msgspec.json.decode(raw, type=_Message)
    except msgspec.ValidationError as error:
        raise BadInput("json.wrong_shape", why=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("json.malformed", why=str(error)[:120]) from error
    if len(message.readings) > MOST_ROWS:
        raise BadInput("batch.too_large", limit=MOST_ROWS, size=len(message.readings))
    rows: list[tuple[int, int, float, int]] = []
    errors: list[BadInput] = []
    for number, reading in enumerate(message.readings, start=1):
        try:
            rows.append(_row(reading, number, source, channels, now))
        except BadInput as error:
            errors.append(error)
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    batch = ReadingBatch.from_columns(
        source, channel=columns[0], event_time=columns[1], value=columns[2], quality=columns[3],
        arrival_time=np.full(len(rows), arrival), message=np.zeros(len(rows)),
    )  # fmt: skip
    return Decoded(key=message.id or short_hash(raw), batch=batch, errors=tuple(errors))


def _row(
    reading: Any, row: int, source: str, channels: dict[str, ChannelRow], now: int
) -> tuple[int, int, float, int]:
    if not isinstance(reading, dict):
        raise BadInput("json.not_an_object", row=row)
    for field in ("channel", "time", "value"):
        if field not in reading:
            raise BadInput("reading.missing_field", field=field, row=row)
    name = reading["channel"]
    channel = channels.get(name) if isinstance(name, str) else None
    if channel is None:
        raise BadInput("reading.unknown_channel", channel=str(name)[:80], row=row)
    if channel.source != source:
        raise BadInput("reading.foreign_channel", channel=channel.key, source=source, row=row)
    at = _time(reading["time"], row, now)
    value = reading["value"]
    if value is None:
        return channel.number, at, 0.0, int(Quality.NAN)
    return channel.number, at, _value(value, channel, row), 0


def _time(text: Any, row: int, now: int) -> int:
    if not isinstance(text, str):
        raise BadInput("reading.bad_time", value=str(text)[:40], row=row)
    try:
        at = parse_time(text)
    except BadInput as error:
        raise BadInput("reading.bad_time", value=text[:40], row=row) from error
    if not EARLIEST <= at <= LATEST:
        raise BadInput("reading.absurd_time", value=text[:40], row=row)
    if at > now + MOST_AHEAD:
        raise BadInput("reading.future_time", value=text[:40], row=row)
    return at


def _value(value: Any, channel: ChannelRow, row: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput("reading.not_a_number", channel=channel.key, row=row)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadInput("reading.not_a_number", channel=channel.key, row=row)
    below = channel.low is not None and number < channel.low
    if below or (channel.high is not None and number > channel.high):
        raise BadInput(
            "reading.absurd_value",
            channel=channel.key,
            row=row,
            value=number,
            low=channel.low,
            high=channel.high,
        )
    return number
