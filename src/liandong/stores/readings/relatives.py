"""Bodies of version 2: positions and waveforms, between source and key and the raw message.

Positions: the length of the names (u32), the names as JSON, the columns. Waveforms: the width of a
sample in bytes (u32, 4 or 8), the columns, the samples. Columns are their raw little-endian bytes.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.values.errors import Broken
from liandong.core.values.log import LogRecord
from liandong.core.values.readings import POSITION_COLUMNS, WAVEFORM_COLUMNS, PositionBatch, WaveformBatch

VERSION = 2
KINDS = ("positions", "waveforms")
_LENGTH = struct.Struct("<I")


def pack(record: LogRecord) -> list[bytes]:
    """The parts of the body that hold the batch."""
    if record.positions is not None:
        names = msgspec.json.encode(record.positions.names)
        return [_LENGTH.pack(len(names)), names, *_bytes(record.positions.columns)]
    assert record.waveforms is not None
    samples = record.waveforms.samples
    return [_LENGTH.pack(samples.dtype.itemsize), *_bytes(record.waveforms.columns), samples.tobytes()]


def unpack(kind: str, source: str, rows: int, data: bytes) -> PositionBatch | WaveformBatch:
    """The batch. Raises Broken("log.frame") for bytes that are none."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        if kind == "positions":
            start = _LENGTH.size + length
            names = msgspec.json.decode(data[_LENGTH.size : start], type=tuple[str, ...])
            columns, end = _columns(POSITION_COLUMNS, rows, data, start)
            objects = columns["object"]
            if end != len(data) or (rows and not 0 <= objects.min() <= objects.max() < len(names)):
                raise ValueError("lengths")
            return PositionBatch(source=source, names=names, columns=columns)
        columns, end = _columns(WAVEFORM_COLUMNS, rows, data, _LENGTH.size)
        samples = np.frombuffer(data[end:], np.dtype(f"<f{length}")).copy()
        return WaveformBatch(source=source, columns=columns, samples=samples)
    except (struct.error, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise Broken("log.frame", why=f"{kind}: {str(error)[:80]}") from error


def _bytes(columns: dict[str, npt.NDArray[Any]]) -> list[bytes]:
    return [column.tobytes() for column in columns.values()]


def _columns(
    wanted: dict[str, Any], rows: int, data: bytes, start: int
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """The columns from `start` on, copied, and where they end. Raises ValueError where they are cut short."""
    found = {}
    for name, dtype in wanted.items():
        end = start + rows * dtype.itemsize
        if end > len(data):
            raise ValueError("cut short")
        found[name] = np.frombuffer(data[start:end], dtype).copy()
        start = end
    return found, start
