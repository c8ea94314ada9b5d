"""Arrow IPC streams from outside: bounded before anything is unpacked, then as plain columns.

Nothing that the bytes say may make us allocate more than a small multiple of their length: compressed
buffers are refused, lengths are looked at before a batch is read, and what was read is validated.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from liandong.core.ingest import MOST_BYTES, MOST_ROWS, Columns
from liandong.core.ingest.columns import Texts
from liandong.core.ingest.positions import OPTIONAL, RANGES, PositionColumns
from liandong.core.ingest.waveforms import Window
from liandong.core.values.errors import BadInput

MEDIA = "application/vnd.apache.arrow.stream"
MOST_MESSAGES = 10_000
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_FAILURES = (
    pa.ArrowException, ValueError, TypeError, KeyError, IndexError, OSError, MemoryError, OverflowError,
    struct.error,
)  # fmt: skip
#: Microseconds in a unit of Arrow; nanoseconds are divided.
_UNITS = {"s": 1_000_000, "ms": 1_000}
_FAR = 1 << 62


class ArrowMessage(NamedTuple):
    """The sender's own message id, where the schema's metadata has one, and the batches."""

    id: str
    batches: list[Any]  #: pa.RecordBatch, validated, all of one schema


def read_stream(raw: bytes, columns: dict[str, str], optional: Collection[str] = ()) -> ArrowMessage:
    """The batches of a stream that holds these columns (name → what it may be, for the error) and no other.

    Raises BadInput `arrow.…` for everything else, and `batch.too_large`.
    """
    if len(raw) > MOST_BYTES:
        raise BadInput("batch.too_large", limit=MOST_BYTES, size=len(raw))
    if not raw.endswith(_END):
        raise BadInput("arrow.truncated")
    try:
        _measure(raw)
        with pa.ipc.open_stream(pa.py_buffer(raw)) as reader:
            names = reader.schema.names
            if len(set(names)) < len(names) or not set(columns) - set(optional) <= set(names) <= set(columns):
                shown = ", ".join(str(name)[:40] for name in reader.schema.names[:10])
                raise BadInput("arrow.wrong_columns", columns=shown, wanted=", ".join(columns))
            for field in reader.schema:
                if not _is_plain(field.type):
                    raise wrong_type(field.name, field.type, columns[field.name])
            batches = list(reader)
            for batch in batches:
                batch.validate(full=True)
            id = (reader.schema.metadata or {}).get(b"id", b"").decode("utf-8")
    except _FAILURES as error:
        raise BadInput("arrow.malformed", why=str(error).partition("\n")[0][:120]) from error
    return ArrowMessage(id, batches)


def wrong_type(name: str, found: Any, wanted: str) -> BadInput:
    """A column of another type than it may be."""
    return BadInput("arrow.wrong_type", column=name, type=str(found)[:60], wanted=wanted)


def _is_plain(kind: Any) -> bool:
    """Types that a door knows: numbers, times, texts, dictionaries of texts, lists of numbers."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    if pa.types.is_list(kind):
        return bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_timestamp(kind)
        or _is_text(kind)
    )


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _measure(raw: bytes) -> None:
    """Refuse what would unpack to more than it is, before any of it is unpacked."""
    rows = entries = 0
    reader = pa.ipc.MessageReader.open_stream(pa.py_buffer(raw))
    for count, message in enumerate(_messages(reader)):
        if count > MOST_MESSAGES:
            raise BadInput("arrow.too_many_messages", limit=MOST_MESSAGES)
        if message.type == "schema":
            continue
        length = _length(memoryview(message.metadata), message.type == "dictionary")
        rows += length if message.type == "record batch" else 0
        entries += length if message.type == "dictionary" else 0
        if length < 0 or max(rows, entries) > MOST_ROWS:
            raise BadInput("batch.too_large", limit=MOST_ROWS, size=max(rows, entries))


def _messages(reader: Any) -> Iterator[Any]:
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _length(metadata: memoryview, dictionary: bool) -> int:
    """Rows of a batch by its flatbuffer. Raises BadInput where its body is compressed."""
    header = _child(metadata, struct.unpack_from("<I", metadata, 0)[0], 2)
    if dictionary:
        header = _child(metadata, header, 1)
    if _field(metadata, header, 3):
        raise BadInput("arrow.compressed")
    length = _field(metadata, header, 0)
    return int(struct.unpack_from("<q", metadata, length)[0]) if length else 0


def _field(data: memoryview, table: int, index: int) -> int:
    """Where a field of a flatbuffer table stands, 0 where the table has none."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    slot = 4 + 2 * index
    if slot >= struct.unpack_from("<H", data, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", data, vtable + slot)[0]
    return table + offset if offset else 0


def _child(data: memoryview, table: int, index: int) -> int:
    """Where the table stands to which a field points."""
    at = _field(data, table, index)
    return at + int(struct.unpack_from("<I", data, at)[0])


def channels_of(batches: list[Any], name: str) -> tuple[npt.NDArray[np.int64], Sequence[str] | None]:
    """(places in names, names), or (registry numbers, None); -1 where a row has none."""
    parts: list[npt.NDArray[np.int64]] = []
    found: list[Any] = []
    start = 0
    for batch in batches:
        column = batch.column(name)
        if pa.types.is_integer(column.type):
            parts.append(_integers(column, -1))
            continue
        if not pa.types.is_dictionary(column.type):
            if not _is_text(column.type):
                raise wrong_type(name, column.type, "utf8, dictionary<utf8>, int32")
            column = column.dictionary_encode()
        if not found or not column.dictionary.equals(found[-1]):
            start += len(found[-1]) if found else 0
            found.append(column.dictionary)
        place = _integers(column.indices, -1)
        if start:
            place[place >= 0] += start
        parts.append(place)
    numbered = bool(batches) and pa.types.is_integer(batches[0].schema.field(name).type)
    return _joined(parts, np.int64), None if numbered else _texts(found)


def _texts(found: list[Any]) -> Sequence[str]:
    """The entries of several text columns; those of a single one stay as they lie."""
    if len(found) == 1 and pa.types.is_string(found[0].type) and not found[0].null_count and len(found[0]):
        _, offsets, data = found[0].buffers()
        ends = np.frombuffer(offsets, np.int32, len(found[0]) + 1, 4 * found[0].offset)
        return Texts(np.frombuffer(data or b"", np.uint8).copy(), ends.copy())
    return [entry or "" for part in found for entry in part.to_pylist()]


def _joined(parts: list[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def times_of(batches: list[Any], name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
    """Microseconds UTC, and which rows have none. Raises BadInput for a type without a zone."""
    parts, gaps = [], []
    for batch in batches:
        column = batch.column(name)
        kind = column.type
        if pa.types.is_timestamp(kind) and kind.tz is None:
            raise BadInput("arrow.naive_time", column=name)
        if not (pa.types.is_timestamp(kind) or pa.types.is_int64(kind)):
            raise wrong_type(name, kind, "timestamp[us, tz=UTC], int64 (µs UTC)")
        plain = _integers(column.view(pa.int64()) if pa.types.is_timestamp(kind) else column, 0)
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            plain = plain // 1_000
        elif pa.types.is_timestamp(kind) and kind.unit != "us":
            unit = _UNITS[kind.unit]
            plain = np.clip(plain, -_FAR // unit, _FAR // unit) * unit
        parts.append(plain)
        gaps.append(column)
    if not any(column.null_count for column in gaps):
        return _joined(parts, np.int64), None
    return _joined(parts, np.int64), _joined([_nulls(column) for column in gaps], np.bool_)


def numbers_of(batches: list[Any], name: str) -> npt.NDArray[np.float64]:
    """Numbers as float64, NaN where there is none."""
    parts = []
    for batch in batches:
        column = batch.column(name)
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise wrong_type(name, column.type, "float64, float32")
        parts.append(column.to_numpy(zero_copy_only=False).astype(np.float64))
    return _joined(parts, np.float64)


def _integers(column: Any, absent: int) -> npt.NDArray[np.int64]:
    if column.null_count:
        column = column.cast(pa.int64()).fill_null(absent)
    # Copied, because compiled kernels want arrays of their own that are aligned and may be written.
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _nulls(column: Any) -> npt.NDArray[np.bool_]:
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    found: npt.NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return found


_READINGS = {
    "channel": "utf8, dictionary<utf8>, int32",
    "time": "timestamp[us, tz=UTC], int64 (µs UTC)",
    "value": "float64, float32",
}


_TEXT = "utf8, dictionary<utf8>"
_POSITIONS = {"object": _TEXT, "time": _READINGS["time"]} | dict.fromkeys(RANGES, "float64, float32")
_WAVEFORMS = {
    "channel": _TEXT, "start": _READINGS["time"], "rate": "float64, float32",
    "samples": "list<float32>, list<float64>",
}  # fmt: skip


def read_readings(raw: bytes) -> tuple[str, Columns]:
    """(message id or empty, columns) of a stream of readings. Raises BadInput."""
    message = read_stream(raw, _READINGS)
    with malformed():
        channel, names = channels_of(message.batches, "channel")
        time, no_time = times_of(message.batches, "time")
        value = numbers_of(message.batches, "value")
    return message.id, Columns(channel=channel, names=names, time=time, value=value, no_time=no_time)


def read_positions(raw: bytes) -> tuple[str, PositionColumns]:
    """(message id or empty, columns) of a stream of positions. Raises BadInput."""
    message = read_stream(raw, _POSITIONS, OPTIONAL)
    with malformed():
        objects, names = channels_of(message.batches, "object")
        if names is None:
            raise wrong_type("object", "int", _TEXT)
        time, no_time = times_of(message.batches, "time")
        numbers = {
            field: numbers_of(message.batches, field)
            if all(field in batch.schema.names for batch in message.batches)
            else np.full(len(time), np.nan)
            for field in RANGES
        }
    columns = PositionColumns(object=objects, names=names, time=time, numbers=numbers, no_time=no_time)
    return message.id, columns


def read_waveforms(raw: bytes) -> tuple[str, list[Window]]:
    """(message id or empty, windows) of a stream of waveforms. Raises BadInput."""
    message = read_stream(raw, _WAVEFORMS)
    with malformed():
        channel, names = channels_of(message.batches, "channel")
        if names is None:
            raise wrong_type("channel", "int", _TEXT)
        start, no_start = times_of(message.batches, "start")
        rate = numbers_of(message.batches, "rate").tolist()
        samples = [part for batch in message.batches for part in _lists(batch.column("samples"))]
    starts = [
        None if no_start is not None and no_start[row] else int(start[row]) for row in range(len(start))
    ]
    keys = [names[place] if place >= 0 else "" for place in channel.tolist()]
    return message.id, list(zip(keys, starts, rate, samples, strict=True))


def _lists(column: Any) -> list[npt.NDArray[Any]]:
    if not pa.types.is_list(column.type) or not pa.types.is_floating(column.type.value_type):
        raise wrong_type("samples", column.type, _WAVEFORMS["samples"])
    dtype = np.dtype("<f8") if column.type.value_type == pa.float64() else np.dtype("<f4")
    return [
        np.zeros(0, dtype) if one.values is None
        else one.values.to_numpy(zero_copy_only=False).astype(dtype)
        for one in column
    ]  # fmt: skip


@contextmanager
def malformed() -> Iterator[None]:
    """Whatever Arrow says of bytes that it read, said in our words."""
    try:
        yield
    except _FAILURES as error:
        raise BadInput("arrow.malformed", why=str(error).partition("\n")[0][:120]) from error
