"""Records for the tests, and when two are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from liandong.core.values.readings import COLUMNS, ReadingBatch
from liandong.stores.readings.frames import LogRecord

AT = 1_767_225_600_000_000


def message(
    key: str, rows: int = 2, *, source: str = "source:gas", raw: bytes = b"raw", **columns: Any
) -> LogRecord:
    """A message with `rows` readings; columns may be given."""
    made = {
        "channel": np.arange(rows),
        "event_time": AT + np.arange(rows),
        "value": np.arange(rows) / 3,
        **columns,
    }
    return LogRecord(
        source=source,
        message_key=key,
        arrival=AT + 7,
        raw=raw,
        batch=ReadingBatch.from_columns(source, **made),
    )


def advance(key: str = "tick", watermark: int = AT, *, source: str = "source:gas") -> LogRecord:
    """A watermark moved by a tick."""
    return LogRecord(source=source, kind="advance", message_key=key, arrival=AT, watermark=watermark)


def plain(record: LogRecord) -> tuple[Any, ...]:
    """Everything a record holds as comparable values, columns bit by bit."""
    batch = record.batch
    columns = None if batch is None else [(getattr(batch, name).tobytes(), len(batch)) for name in COLUMNS]
    fields = (record.source, record.kind, record.message_key, record.arrival, record.raw, record.watermark)
    return (*fields, columns)


def keys_of(records: Any) -> list[str]:
    """Message keys of what `ReadingLog.read` gives."""
    return [record.message_key for _, record in records]


_text = st.text(max_size=12)
_i64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def batches(draw: st.DrawFn, source: str) -> ReadingBatch:
    """Any batch: any bits in any column, often constant."""
    rows = draw(st.integers(0, 9))
    columns = {}
    for name, dtype in COLUMNS.items():
        if draw(st.booleans()):
            data = draw(st.binary(min_size=dtype.itemsize, max_size=dtype.itemsize)) * rows
        else:
            data = draw(st.binary(min_size=dtype.itemsize * rows, max_size=dtype.itemsize * rows))
        columns[name] = np.frombuffer(data, dtype)
    return ReadingBatch(source=source, **columns)


@st.composite
def records(draw: st.DrawFn) -> LogRecord:
    """Any record of either kind."""
    source, key = draw(_text), draw(_text)
    raw, arrival, watermark = draw(st.binary(max_size=40)), draw(_i64), draw(_i64)
    batch = draw(st.none() | batches(source))
    return LogRecord(
        source=source,
        kind="advance" if batch is None else "readings",
        message_key=key,
        arrival=arrival,
        raw=raw,
        batch=batch,
        watermark=watermark,
    )
