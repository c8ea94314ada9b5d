"""History: closed segments compacted into Parquet, and DuckDB over that and the open log together.

The log stays the truth until a piece is durable; what asks never sees a row twice or not at all,
because a segment is either compacted or read as it is.
"""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from liandong.app.retention import overdue, raw_upto
from liandong.core.values.lists import DataKind
from liandong.stores.readings import parquet
from liandong.stores.readings.files import DiskFiles, Files, fatal_on_failure, write_aside
from liandong.stores.readings.log import ReadingLog
from liandong.stores.readings.parquet import Piece

#: How many times more files are opened at once each time that those before did not say everything.
_MORE = 4
#: Closed segments that may wait for the hour of compaction: a curve keeps what is not compacted in memory,
#: some 40 MB of each.
MOST_WAITING = 4
#: Columns of an answer: channel number, event time (µs UTC), value, quality.
Rows = dict[str, Any]
_SELECT = (
    "SELECT number, event_time, value, quality FROM {} "
    "WHERE number IN ({}) AND event_time >= {} AND event_time < {}"
)


class History:
    """One folder of Parquet beside one log. Threads may share it; one process compacts."""

    def __init__(
        self,
        log: ReadingLog,
        folder: Path,
        names: Callable[[], Mapping[int, str]],
        files: Files | None = None,
        needed: Callable[[], int] = lambda: 0,
    ) -> None:
        """`names` gives the channels' keys by number; `needed` the oldest segment that a restart would
        read, 0 keeps them all."""
        self._needed = needed
        self._log = log
        self._folder = folder
        self._names = names
        self._files: Files = DiskFiles() if files is None else files
        self._lock = threading.RLock()
        #: Of segments that are not compacted: how far they were read, and their rows so far.
        self._open: dict[int, tuple[int, list[pa.Table]]] = {}
        self._compacted = 0  #: newest segment that is known to be

    # Compaction and retention.

    def compact(self) -> list[Piece]:
        """Write every closed segment that has no Parquet yet. Raises Fatal where the disk fails."""
        made: list[Piece] = []
        for segment in self._log.closed():
            if segment not in self._done():
                made += self._compact(segment)
            self._compacted = segment
        give_back()
        return made

    def crowded(self) -> bool:
        """Whether more closed segments wait than should, so that it is time to compact whatever the hour."""
        last = self._log.last
        return last is not None and last.segment - 1 - self._compacted > MOST_WAITING

    def _compact(self, segment: int) -> list[Piece]:
        tables = parquet.tables_of(self._log.segment(segment), self._names())
        made = []
        with fatal_on_failure("history.sync_failed", self._folder):
            self._files.make_folder(self._folder)
            for kind in list(tables):
                # Given away, because a table that is held is there once more in every step of the work.
                name, data = parquet.file_of(kind, segment, tables.pop(kind))
                write_aside(self._files, self._folder / name, data)
                piece = parquet.piece_of(name)
                assert piece is not None
                made.append(piece)
            # Names first, the mark after them: a mark never stands for a piece that may vanish.
            self._files.sync_folder(self._folder)
            write_aside(self._files, parquet.done_marker(self._folder, segment), b"")
            self._files.sync_folder(self._folder)
        with self._lock:
            self._open.pop(segment, None)
        return made

    def pieces(self) -> list[Piece]:
        """Files of compacted segments; those of an interrupted compaction are made again and do not count."""
        done = self._done()
        return [piece for piece in parquet.folder_pieces(self._list()) if piece.segment in done]

    def forget(self, piece: Piece) -> None:
        """Remove a file for good."""
        with fatal_on_failure("history.sync_failed", self._folder):
            self._files.remove(self._folder / piece.name)
            self._files.sync_folder(self._folder)

    def compacted(self) -> set[int]:
        """Segments whose rows lie in Parquet."""
        return self._done()

    def _done(self) -> set[int]:
        return {int(name.removesuffix(".done")) for name in self._list() if name.endswith(".done")}

    def _list(self) -> list[str]:
        try:
            return self._files.list(self._folder)
        except FileNotFoundError:
            return []

    def thin(self, before: int, step: int) -> int:
        """Thin the readings of every file whose newest is older than `before`; how many files were. Each is
        replaced by one rename, and marked after it. Raises Fatal where the disk fails."""
        names, count = set(self._list()), 0
        for piece in self.pieces():
            marker = parquet.thin_marker(self._folder, piece.segment, step)
            if piece.kind != "readings" or piece.last >= before or marker.name in names:
                continue
            with fatal_on_failure("history.sync_failed", self._folder):
                data, gone = parquet.thinned(self._files.read(self._folder / piece.name), step)
                if gone:
                    write_aside(self._files, self._folder / piece.name, data)
                    self._files.sync_folder(self._folder)
                write_aside(self._files, marker, b"")
                self._files.sync_folder(self._folder)
            count += 1
        return count

    def keep(
        self, now: int, kept: Mapping[DataKind, int], thin: tuple[int, int] | None = None
    ) -> tuple[int, dict[str, int]]:
        """Close the last segment, compact, thin, remove what is overdue: files made; class → removed."""
        self._log.roll()
        made = len(self.compact())
        if thin is not None:
            made += self.thin(now - thin[0], thin[1])
        gone: Counter[str] = Counter()
        pieces = self.pieces()
        late = overdue(pieces, kept, now)
        for piece in (piece for piece in pieces if piece in late):
            self.forget(piece)
            gone[piece.kind] += 1
        gone[DataKind.RAW.value] += len(self._log.forget(self._raw_upto(now, kept)))
        return made, {kind: count for kind, count in gone.items() if count}

    def _raw_upto(self, now: int, kept: Mapping[DataKind, int]) -> int:
        if DataKind.RAW not in kept:
            return 0
        arrivals = {}
        for number in self._log.closed():
            records = [record for _, record in self._log.segment(number)]
            arrivals[number] = max((record.arrival for record in records), default=0)
            if arrivals[number] >= now - kept[DataKind.RAW]:
                break  # later segments arrived later
        return raw_upto(arrivals, self.compacted(), self._needed(), kept, now)

    # Questions.

    def rows(self, numbers: Sequence[int], start: int, end: int) -> Rows:
        """Readings of channels with start ≤ event time < end (µs UTC), by (number, time).

        Of two values at one time the one with the smaller bits is given, as the detector has it.
        """
        import duckdb

        if not len(numbers) or end <= start:
            return {name: np.zeros(0) for name in ("number", "event_time", "value", "quality")}
        with self._lock:
            pieces = [p for p in self.pieces() if p.kind == "readings" and p.last >= start and p.first < end]
            fresh = self._open_table({piece.segment for piece in self.pieces()} | self._done())
        wanted = ", ".join(str(int(n)) for n in dict.fromkeys(numbers))
        span = (_literal(start), _literal(end))
        parts = [_SELECT.format("fresh", wanted, *span)]
        if pieces:
            parts.append(_SELECT.format("read_parquet($files)", wanted, *span))
        with duckdb.connect() as connection:
            connection.register("fresh", fresh)
            files = [str(self._folder / piece.name) for piece in pieces]
            found = connection.execute(
                " UNION ALL ".join(parts), {"files": files} if pieces else None
            ).fetchnumpy()
        return _settled(found)

    def extent(self) -> tuple[int | None, int | None]:
        """Event times of the oldest and the newest reading, microseconds; None where there is none."""
        with self._lock:
            pieces = [piece for piece in self.pieces() if piece.kind == "readings"]
            fresh = self._open_table({piece.segment for piece in pieces} | self._done())
        ends = [(piece.first, piece.last) for piece in pieces]
        if fresh.num_rows:
            times = fresh["event_time"].cast(pa.int64()).to_numpy()
            ends.append((int(times.min()), int(times.max())))
        return (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (None, None)

    def first(self, numbers: Sequence[int]) -> dict[int, int]:
        """Channel number → event time of its oldest reading, microseconds; without those that have none.

        Files are opened from the oldest on, and only until none that is left can hold anything older, so
        for channels that are as old as the city it is a few of them.
        """
        import duckdb

        with self._lock:
            pieces = sorted((p for p in self.pieces() if p.kind == "readings"), key=lambda p: p.first)
            fresh = self._open_table({piece.segment for piece in self.pieces()} | self._done())
        found: dict[int, int] = {}
        wanted, at, size = [*dict.fromkeys(int(n) for n in numbers)], 0, 1
        with duckdb.connect() as connection:
            connection.register("fresh", fresh)
            _oldest(connection, "fresh", wanted, found)
            while at < len(pieces):
                wanted = [n for n in wanted if n not in found or found[n] > pieces[at].first]
                if not wanted:
                    break
                files = [str(self._folder / piece.name) for piece in pieces[at : at + size]]
                _oldest(connection, "read_parquet($files)", wanted, found, files)
                at, size = at + size, size * _MORE
        return found

    def _open_table(self, done: set[int]) -> pa.Table:
        """Readings of segments that are not compacted, read on from where it was left."""
        tables: list[pa.Table] = [parquet.empty_readings()]
        for segment in [n for n in self._open if n in done]:
            del self._open[segment]
        for segment in self._log.segments():
            if segment in done:
                continue
            read, known = self._open.get(segment, (0, []))
            records = list(self._log.segment(segment, read))
            if records:
                known = [*known, *parquet.tables_of(records, {}).values()]
                known = [table for table in known if "value" in table.column_names]
                self._open[segment] = (records[-1][0].row + 1, [pa.concat_tables(known)] if known else [])
            tables += self._open.get(segment, (0, known))[1]
        return pa.concat_tables(tables)


def _oldest(connection: Any, table: str, wanted: list[int], into: dict[int, int], files: Any = None) -> None:
    """Oldest event times of channels in a table or in files, where they are older than what is known."""
    if not wanted:
        return
    numbers = ", ".join(map(str, wanted))
    asked = (
        f"SELECT number, epoch_us(min(event_time)) FROM {table} WHERE number IN ({numbers}) GROUP BY number"
    )
    for number, time in connection.execute(asked, {"files": files} if files else None).fetchall():
        into[number] = min(time, into.get(number, time))


def give_back() -> None:
    """Return memory that is free within the process to the system: what compacting one segment takes for a
    second, Arrow and the C library would keep for ever."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only of glibc
    if trim is not None:
        trim(0)


def keep_before(folder: Path, segment: int) -> None:
    """Remove from a copy of a history what it has of this segment and later ones: a log that was copied
    before it goes on in them, and nobody would look into what is said to be compacted."""
    for path in folder.iterdir():
        number = parquet.segment_of(path.name)
        if number is not None and number >= segment:
            path.unlink()


def _literal(at: int) -> str:
    """Microseconds as a timestamp of DuckDB."""
    return f"TIMESTAMP '{np.datetime64(max(min(at, 1 << 60), -(1 << 60)), 'us')}'"


def _settled(found: Mapping[str, Any]) -> Rows:
    columns = {
        name: np.ma.filled(values) if np.ma.isMaskedArray(values) else values
        for name, values in found.items()
    }
    time = columns["event_time"].astype("datetime64[us]").astype(np.int64)
    value = np.ascontiguousarray(columns["value"], dtype=np.float64)
    order = np.lexsort((value.view(np.uint64), time, columns["number"]))
    number, time, value = columns["number"][order], time[order], value[order]
    first = np.ones(len(order), bool)
    first[1:] = (number[1:] != number[:-1]) | (time[1:] != time[:-1])
    return {
        "number": number[first], "event_time": time[first], "value": value[first],
        "quality": columns["quality"][order][first],
    }  # fmt: skip
