"""The JSON of readings: `{"id": …, "readings": [{"channel": …, "time": RFC 3339, "value": …}, …]}`.

A message in which everything is right is scanned by compiled code into columns; where anything is wrong,
or written in a way that the scanner leaves out (escapes, nested things), it is read again row by row,
which alone knows what to say.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from liandong.core.ingest.channels import checked_value, table_of
from liandong.core.ingest.columns import judge, owned
from liandong.core.ingest.compiled import SHORTEST_ROW, padded, scan
from liandong.core.ingest.decoded import Decoded, DecodedAs, check_rows, check_size, check_time
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.readings import batch_of_rows
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import parse_time

Fields = dict[str, msgspec.Raw]


#: One reader a kind of message: its rows stand under another name in each.
_any = {
    name: msgspec.json.Decoder(
        msgspec.defstruct(name, [(name, list[msgspec.Raw]), ("id", str, "")], gc=False)
    )
    for name in ("readings", "positions", "waveforms")
}
_fields = msgspec.json.Decoder(Fields)
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_json(raw: bytes, source: str, channels: dict[str, ChannelRow], arrival: int, now: int) -> Decoded:
    """Readings of one source; `null` is a reading without a value: kept, flagged NAN, never evaluated.

    Raises BadInput where the message as a whole is unreadable.
    """
    check_size(raw)
    found = decode_plain(raw, source, channels, arrival, now)
    return found if found is not None else _by_rows(raw, source, channels, arrival, now)


def message_key(id: str, raw: bytes) -> str:
    """The source's own message id, else a digest of the bytes."""
    return id or short_hash(raw)


def decode_plain(
    raw: bytes, source: str, channels: dict[str, ChannelRow], arrival: int, now: int
) -> Decoded | None:
    """The message where it is plain and nothing is wrong with it, else None."""
    try:
        check_utf8(raw)
    except UnicodeDecodeError:
        return None
    table = table_of(channels)
    names, data = table.names, padded(raw)
    room = len(raw) // SHORTEST_ROW + 1
    place, time = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    value, hard = np.empty(room), np.empty((room, 3), dtype=np.int64)
    rows, id_start, id_end, left = scan(
        data, len(raw), names.blob, names.starts, names.slots, place, time, value, hard
    )
    if rows < 0:
        return None
    check_rows(rows)
    for row, start, end in hard[:left].tolist():
        value[row] = float(raw[start:end])
    batch, bad = judge(table, source, place[:rows], time[:rows], value[:rows], arrival, now)
    if bad.any():
        return None
    return DecodedAs(key=message_key(raw[id_start:id_end].decode(), raw), batch=batch, errors=())


def _by_rows(raw: bytes, source: str, channels: dict[str, ChannelRow], arrival: int, now: int) -> Decoded:
    id, parts = split_message(raw)
    rows: list[tuple[int, int, float, int]] = []
    errors: list[BadInput] = []
    for number, part in enumerate(parts, start=1):
        try:
            rows.append(_row(part, number, source, channels, now))
        except BadInput as error:
            errors.append(error)
    batch = batch_of_rows(source, rows, arrival)
    return DecodedAs(key=message_key(id, raw), batch=batch, errors=tuple(errors))


def check_utf8(raw: bytes) -> None:
    """Raise UnicodeDecodeError where the bytes are no text: what is skipped is not looked at otherwise."""
    if not raw.isascii():
        raw.decode("utf-8")


def split_message(raw: bytes, name: str = "readings") -> tuple[str, list[msgspec.Raw]]:
    """The id and the rows, not read yet. Raises BadInput where the message is not of this shape."""
    try:
        check_utf8(raw)
        message: Any = _any[name].decode(raw)
    except msgspec.ValidationError as error:
        raise BadInput("json.wrong_shape", why=str(error)) from error
    except _FAILURES as error:
        raise BadInput("json.malformed", why=str(error)[:120]) from error
    rows: list[msgspec.Raw] = getattr(message, name)
    check_rows(len(rows))
    return message.id, rows


def fields_of(part: msgspec.Raw, wanted: tuple[str, ...], row: int) -> Fields:
    """The fields of one row, not read yet. Raises BadInput where it is no object or one is missing."""
    try:
        fields = _fields.decode(part)
    except _FAILURES as error:
        raise BadInput("json.not_an_object", row=row) from error
    for field in wanted:
        if field not in fields:
            raise BadInput("reading.missing_field", field=field, row=row)
    return fields


def plain(part: msgspec.Raw) -> Any:
    """The value of a field; infinite for a number that fits nowhere (1e400), None for other rubbish."""
    try:
        return msgspec.json.decode(part)
    except _FAILURES:
        return math.inf if bytes(part)[:1] in b"-0123456789" else None


def _row(
    part: msgspec.Raw, row: int, source: str, channels: dict[str, ChannelRow], now: int
) -> tuple[int, int, float, int]:
    fields = fields_of(part, ("channel", "time", "value"), row)
    name = plain(fields["channel"])
    channel = owned(channels.get(name) if isinstance(name, str) else None, name, source, row)
    at = time_of(plain(fields["time"]), row, now)
    if bytes(fields["value"]) == b"null":
        return channel.number, at, 0.0, int(Quality.NAN)
    return channel.number, at, checked_value(number_of(plain(fields["value"]), channel, row), channel, row), 0


def time_of(text: Any, row: int, now: int) -> int:
    """Microseconds UTC of a time with offset that can be true. Raises BadInput."""
    if not isinstance(text, str):
        raise BadInput("reading.bad_time", value=str(text)[:40], row=row)
    try:
        at = parse_time(text)
    except BadInput as error:
        raise BadInput("reading.bad_time", value=text[:40], row=row) from error
    return check_time(at, text, row, now)


def number_of(value: Any, channel: ChannelRow, row: int) -> float:
    """A JSON number as float64. Raises BadInput for anything else and for what does not fit."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput("reading.not_a_number", channel=channel.key, row=row)
    try:
        return float(value)
    except OverflowError as error:
        raise BadInput("reading.not_a_number", channel=channel.key, row=row) from error
