"""Parquet, by row groups; the same two layouts as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from liandong.adapters.files.batches import FileBatch
from liandong.adapters.files.header import Layout, layout_of
from liandong.adapters.files.members import Member
from liandong.adapters.files.times import TimeReader, to_utc
from liandong.core.values.errors import BadInput


def read_columnar(member: Member, zone: tzinfo, rows: int) -> Iterator[FileBatch]:
    """The readings of a Parquet file. Raises BadInput with file and column."""
    try:
        file = pq.ParquetFile(member.stream)
        layout = layout_of(file.schema_arrow.names, member.name)
        times = TimeReader(zone, member.name)
        names: dict[str, int] = {}
        total, done = file.metadata.num_rows, 0
        for batch in file.iter_batches(max(rows // len(layout.series), 1)):
            made = _batch(batch, layout, times, zone, names, member.name, done)
            done += batch.num_rows
            yield FileBatch(**made, done=done / max(total, 1))
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise BadInput("file.broken_parquet", file=member.name, why=str(error)[:120]) from error


def _batch(
    batch: Any, layout: Layout, times: TimeReader, zone: tzinfo, names: dict[str, int], file: str, done: int
) -> dict[str, Any]:
    titles = batch.schema.names
    time = _times(batch.column(layout.time), times, zone, done + 1, titles[layout.time], file)
    values = [_numbers(batch.column(place), file, titles[place]) for place in layout.series]
    if layout.channel is None:
        known, units = layout.names, layout.units
        channel = np.repeat(np.arange(len(known), dtype=np.int64), batch.num_rows)
    else:
        keys = pc.cast(batch.column(layout.channel), pa.string()).to_pylist()
        channel = np.array([names.setdefault(key or "", len(names)) for key in keys], dtype=np.int64)
        known, units = tuple(names), layout.units * len(names)
    return {
        "file": file, "line": done + 1, "names": known, "units": units, "channel": channel,
        "time": np.tile(time, len(values)), "value": np.concatenate(values), "note": times.note,
    }  # fmt: skip


def _times(column: Any, times: TimeReader, zone: tzinfo, row: int, title: str, file: str) -> Any:
    if column.null_count:
        raise BadInput("file.bad_time", file=file, line=row, column=title, value="null")
    kind = column.type
    if pa.types.is_timestamp(kind):
        moments = pc.cast(column, pa.timestamp("us", kind.tz), safe=False).cast(pa.int64()).to_numpy()
        return moments if kind.tz else to_utc(moments, zone)
    if pa.types.is_date(kind):
        return to_utc(pc.cast(column, pa.timestamp("us")).cast(pa.int64()).to_numpy(), zone)
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return times.read(pc.cast(column, pa.string()).to_pylist(), row, title)
    raise BadInput("file.bad_column", file=file, column=title[:80], type=str(kind)[:40])


def _numbers(column: Any, file: str, title: str) -> Any:
    if not (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type)
    ):
        raise BadInput("file.bad_column", file=file, column=title[:80], type=str(column.type)[:40])
    return pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
