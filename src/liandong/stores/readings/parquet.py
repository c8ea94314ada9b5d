"""Closed segments as sorted Parquet: one file for each kind of batch that a segment holds.

Rows are sorted by (channel, event time), so that one sensor's day is a few row groups. Times are UTC
without a zone. The name of a file says what it holds and between which event times, so that nobody has
to open it to know that it is not needed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from liandong.core.values.lists import UNUSABLE
from liandong.core.values.log import LogRecord
from liandong.core.values.readings import COLUMNS, ReadingBatch

_NAME = re.compile(r"(readings|positions|waveforms)-(\d{10})-(-?\d+)-(-?\d+)\.parquet")
_TIMES = ("event_time", "arrival_time", "start")
_ROW_GROUP = 131_072
#: Records that become one table before they are joined: one for each record took several times their room.
_TOGETHER = 512


class Piece(NamedTuple):
    """One file of the history."""

    kind: str
    segment: int
    first: int  #: oldest event time in it, microseconds UTC
    last: int
    name: str


def piece_of(name: str) -> Piece | None:
    """What a file name says; None for other files."""
    found = _NAME.fullmatch(name)
    return Piece(found[1], int(found[2]), int(found[3]), int(found[4]), name) if found else None


def segment_of(name: str) -> int | None:
    """The segment that a file or a marker is about; None for other files."""
    piece = piece_of(name)
    if piece is not None:
        return piece.segment
    number, _, rest = name.partition(".")
    return int(number) if number.isdecimal() and rest.endswith(("done", "thin")) else None


def tables_of(records: Iterable[tuple[Any, LogRecord]], names: Mapping[int, str]) -> dict[str, pa.Table]:
    """Kind → table of all rows, unsorted; `names` are the channels' keys by number."""
    parts: dict[str, list[pa.Table]] = {}
    waiting: dict[str, list[tuple[int, LogRecord]]] = {}
    for position, record in records:
        if record.content is None or not record.rows:
            continue
        group = waiting.setdefault(record.kind, [])
        group.append((int(position[1]), record))
        if len(group) == _TOGETHER:
            parts.setdefault(record.kind, []).append(_part(waiting.pop(record.kind), names))
    for kind, group in waiting.items():
        parts.setdefault(kind, []).append(_part(group, names))
    return {kind: pa.concat_tables(tables) for kind, tables in parts.items()}


def empty_readings() -> pa.Table:
    """A table of readings without rows."""
    columns = {name: np.zeros(0, dtype) for name, dtype in COLUMNS.items()}
    return _table(columns, np.zeros(0, np.int32), _sources([], []), {})


def _part(group: Sequence[tuple[int, LogRecord]], names: Mapping[int, str]) -> pa.Table:
    """The rows of some records of one kind, each with its ordinal."""
    held = [_columns(record) for _, record in group]
    columns = {name: np.concatenate([one[name] for one in held]) for name in held[0]}
    rows = np.array([row for row, _ in group], np.int32)
    counts = [record.rows for _, record in group]
    made = _table(columns, np.repeat(rows, counts), _sources(group, counts), names)
    positions = [record.positions for _, record in group if record.positions is not None]
    if positions:
        keys = [at.names[n] for at in positions for n in at.columns["object"].tolist()]
        return made.append_column("object_key", pa.array(keys, pa.string()).dictionary_encode())
    waveforms = [record.waveforms for _, record in group if record.waveforms is not None]
    if not waveforms:
        return made
    ends = np.concatenate([[0], np.cumsum(columns["count"], dtype=np.int64)]).astype(np.int32)
    samples = np.concatenate([at.samples.astype(np.float64) for at in waveforms])
    return made.append_column("samples", pa.ListArray.from_arrays(ends, pa.array(samples)))


def _columns(record: LogRecord) -> Mapping[str, Any]:
    content = record.content
    assert content is not None
    if isinstance(content, ReadingBatch):
        return {name: getattr(content, name) for name in COLUMNS}
    return content.columns


def _sources(group: Sequence[tuple[int, LogRecord]], counts: Sequence[int]) -> pa.DictionaryArray:
    """The source of every row."""
    places: dict[str, int] = {}
    of_record = [places.setdefault(record.source, len(places)) for _, record in group]
    column = np.repeat(np.array(of_record, np.int32), counts)
    return pa.DictionaryArray.from_arrays(pa.array(column), pa.array(list(places), pa.string()))


def _table(columns: Mapping[str, Any], rows: Any, sources: Any, names: Mapping[int, str]) -> pa.Table:
    made = {}
    for name, values in columns.items():
        column = pa.array(values)
        made["number" if name == "channel" else name] = (
            column.view(pa.timestamp("us")) if name in _TIMES else column
        )
    if "channel" in columns:
        made["channel"] = _keys(columns["channel"], names)
    made["source"] = sources
    made["row"] = pa.array(rows)
    return pa.table(made)


def _keys(numbers: Any, names: Mapping[int, str]) -> pa.DictionaryArray:
    """Keys of channels; a number that no version of the city has named stands for itself."""
    distinct, places = np.unique(numbers, return_inverse=True)
    keys = pa.array([names.get(int(n), f"#{n}") for n in distinct], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), keys)


def file_of(kind: str, segment: int, table: pa.Table) -> tuple[str, bytes]:
    """Name and bytes of the file that holds a segment's rows of one kind."""
    by = {"readings": "number", "positions": "object_key", "waveforms": "number"}[kind]
    time = "start" if kind == "waveforms" else "event_time"
    table = table.unify_dictionaries().combine_chunks()
    order = np.lexsort((_ints(table[time]), _ranks(table[by])))
    table = table.take(pa.array(order))
    times = _ints(table[time])
    return f"{kind}-{segment:010d}-{times.min()}-{times.max()}.parquet", _bytes(table)


def _bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(
        table, out, compression="zstd", row_group_size=_ROW_GROUP, use_dictionary=_dictionaries(table),
        column_encoding={
            name: "DELTA_BINARY_PACKED"
            for name, column in zip(table.column_names, table.columns, strict=True)
            if pa.types.is_timestamp(column.type) or name in ("row", "number")
        },
    )  # fmt: skip
    return out.getvalue()


def thinned(data: bytes, step: int) -> tuple[bytes, int]:
    """A file of readings with, of each stretch of `step` microseconds and channel, the first, the last, the
    lowest and the highest usable reading only (M4; Jugel et al. 2014), and how many rows went.

    Readings stay as they were sent: none is averaged, and a code of a state stays a code. The oldest and the
    newest row stay, so the file keeps its name; thinning it again changes nothing.
    """
    table = pq.read_table(pa.BufferReader(data))
    number, time = _ints(table["number"]), _ints(table["event_time"])
    value = table["value"].to_numpy()
    keep = np.zeros(len(number), bool)
    bad = (table["quality"].to_numpy() & UNUSABLE) != 0
    usable = np.flatnonzero(~bad)
    if len(usable):
        place = np.stack([number[usable], time[usable] // step])
        first = np.flatnonzero(np.r_[True, (place[:, 1:] != place[:, :-1]).any(axis=0)])
        group = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(usable)]))
        by_value = np.lexsort((time[usable], value[usable], group))
        by_worst = np.lexsort((-time[usable], value[usable], group))
        last = np.r_[first[1:], len(usable)] - 1
        for rows in (first, last, by_value[first], by_worst[last]):
            keep[usable[rows]] = True
    if len(time):
        keep[[np.argmin(time), np.argmax(time)]] = True
    return _bytes(table.filter(pa.array(keep))), int((~keep).sum())


def _dictionaries(table: pa.Table) -> list[str]:
    return [f.name for f in table.schema if pa.types.is_dictionary(f.type)] + ["quality", "message"]


def _ints(column: pa.ChunkedArray) -> Any:
    return column.cast(pa.int64()).to_numpy()


def _ranks(column: pa.ChunkedArray) -> Any:
    """Numbers by which a column sorts; texts by code point."""
    if not pa.types.is_dictionary(column.type):
        return column.to_numpy()
    encoded = column.combine_chunks()
    keys = encoded.dictionary.to_pylist()
    rank = {place: n for n, place in enumerate(sorted(range(len(keys)), key=keys.__getitem__))}
    return np.array([rank[place] for place in encoded.indices.to_pylist()], dtype=np.int64)


def folder_pieces(names: Iterable[str]) -> list[Piece]:
    """The files of a folder that are ours, by kind and segment."""
    return sorted(piece for name in names if (piece := piece_of(name)) is not None)


def thin_marker(folder: Path, segment: int, step: int) -> Path:
    """Says that the readings of a segment are thinned to stretches of `step` microseconds."""
    return folder / f"{segment:010d}.{step}.thin"


def done_marker(folder: Path, segment: int) -> Path:
    """Says that a segment is compacted, also where it held no rows at all."""
    return folder / f"{segment:010d}.done"
