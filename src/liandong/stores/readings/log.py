"""The reading log: the truth. What `append` returned is there after any loss of power.

One `ReadingLog` per folder and process appends (see `lock`); any number of threads read.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from liandong.core.values.errors import Broken, Fatal, NotFound
from liandong.core.values.log import KINDS, Kind
from liandong.stores.readings import segments
from liandong.stores.readings.files import DiskFiles, Files, fatal_on_failure
from liandong.stores.readings.frames import LogRecord, encode, is_message
from liandong.stores.readings.segments import Frame, SegmentHead, corrupt, path_of, walk

SEGMENT_BYTES = 64 * 1024 * 1024
#: Segments of which places in their middle are remembered, 40 KB each; a look-up in another walks it.
MARKED_SEGMENTS = 256


class Position(NamedTuple):
    """Where a record stands: the segment's number (from 1) and its ordinal within it (from 0)."""

    segment: int
    row: int


class _End(NamedTuple):
    """How far the log is durable; replaced as one object, so that readers need no lock."""

    segment: int
    bytes: int
    rows: int


class ReadingLog:
    """Append-only segments of framed records in one folder.

    A segment is closed once it holds `segment_bytes`; one append never spans two, so a segment
    may exceed that by one append. Opening reads the last segment and the heads of the others;
    damage inside an older one is found when it is read, or by `verify`.

    Raises Broken("log.corrupt", segment, offset, why) for damage and Fatal("log.sync_failed",
    path, errno) when the disk fails, also on opening.
    """

    def __init__(
        self,
        folder: Path,
        files: Files | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        *,
        read_only: bool = False,
    ) -> None:
        """With `read_only` no byte is touched, so that one can look while another process appends."""
        self._folder = folder
        self._read_only = read_only
        self._handle: int | None = None
        self._files: Files = DiskFiles() if files is None else files
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._usable = True
        self._closed = False
        self._heads: dict[int, SegmentHead] = {}
        self._lengths: dict[int, int] = {}  # of all segments but the last
        # Segment → chunk → (row, offset) of a record in it, from which a look-up can start.
        self._marks: dict[int, dict[int, tuple[int, int]]] = {}
        #: Bytes of a torn append that opening removed; nobody had been answered for them.
        self.cut_bytes = 0
        with fatal_on_failure("log.sync_failed", folder):
            self._open()

    # Opening

    def _open(self) -> None:
        if not self._read_only:
            self._files.make_folder(self._folder)
        numbers = self._numbers()
        if numbers and self._is_half_made(numbers[-1]):
            half = path_of(self._folder, numbers.pop())
            if not self._read_only:
                self._files.remove(half)
        if not numbers and self._read_only:
            self._usable, self._end = False, _End(1, segments.HEAD_SIZE, 0)
            return
        if not numbers:
            self._create(SegmentHead(1, _salt(), 0, 0))
            return
        for number in numbers:
            self._read_head(number)
        self._check_chain(numbers)
        self._open_last(numbers[-1])

    def _numbers(self) -> list[int]:
        try:
            return segments.numbers_in(self._files, self._folder)
        except FileNotFoundError:
            if self._read_only:
                return []
            raise

    def _is_half_made(self, number: int) -> bool:
        """Whether the process died while it made this segment, before any record went in."""
        path = path_of(self._folder, number)
        small = self._files.size(path) <= segments.HEAD_SIZE
        return small and segments.decode_head(self._files.read(path)) is None

    def _read_head(self, number: int) -> None:
        data = self._files.read(path_of(self._folder, number), 0, segments.HEAD_SIZE)
        head = segments.decode_head(data)
        if head is None or head.number != number:
            raise corrupt(number, 0, "head of the segment")
        self._heads[number] = head

    def _check_chain(self, numbers: list[int]) -> None:
        """Every segment but the last has the length that its successor remembers."""
        for number, following in pairwise(numbers):
            if following != number + 1:
                raise corrupt(number + 1, 0, "segment is missing")
            length = self._files.size(path_of(self._folder, number))
            if length != self._heads[following].bytes_before:
                raise corrupt(number, min(length, self._heads[following].bytes_before), "length")
            self._lengths[number] = length

    def _open_last(self, number: int) -> None:
        """Cut a torn tail, and make durable what a dead process may have left in the cache.

        The last append is written again because it may never have reached the disk: its process
        may have been killed before the sync, or died of a failed one, after which the system
        calls the lost pages clean. Without this its records would count as duplicates when
        their devices send them again, and be lost.
        """
        path = path_of(self._folder, number)
        data = self._files.read(path)
        tail = segments.check_tail(data, self._heads[number])
        if self._read_only:
            # What lies behind the last good record may be an append on its way, not damage.
            self._usable, self._end = False, _End(number, tail.end, tail.rows)
            return
        self._handle = self._files.open(path)
        if len(data) > tail.end:
            self.cut_bytes = len(data) - tail.end
            self._files.truncate(self._handle, tail.end)
        self._files.write(self._handle, data[tail.last_append : tail.end], tail.last_append)
        self._files.fdatasync(self._handle)
        self._files.sync_folder(self._folder)
        self._end = _End(number, tail.end, tail.rows)

    def _create(self, head: SegmentHead) -> None:
        """A new last segment; name and head are durable before the first record goes in."""
        handle = self._files.open(path_of(self._folder, head.number))
        self._files.write(handle, head.encode(), 0)
        self._files.fdatasync(handle)
        self._files.sync_folder(self._folder)
        self._handle, self._heads[head.number] = handle, head
        self._end = _End(head.number, segments.HEAD_SIZE, 0)

    # Appending

    def append(self, records: Sequence[LogRecord]) -> list[Position]:
        """Write all, sync once, return their positions: from then on they survive everything.

        Raises BadInput before anything is written if a record cannot be; Fatal if the disk
        fails, and from then on always: what a failed sync left behind is not known.
        """
        with self._lock:
            if not self._usable:
                raise Fatal("log.unusable", path=str(self._folder))
            if not records:
                return []
            if self._end.rows and self._end.bytes >= self._segment_bytes:
                self._guarded(self._roll)
            end = self._end
            salt = self._heads[end.segment].salt
            parts = [
                encode(record, row=end.rows + index, synced=end.bytes, salt=salt)
                for index, record in enumerate(records)
            ]
            self._guarded(lambda: self._write(b"".join(parts)))
            self._advance([len(part) for part in parts])
            return [Position(end.segment, end.rows + index) for index in range(len(parts))]

    def _guarded(self, work: Callable[[], None]) -> None:
        """Whatever interrupts a change of the files makes the log unusable until it is opened anew."""
        usable, self._usable = self._usable, False
        with fatal_on_failure("log.sync_failed", path_of(self._folder, self._end.segment)):
            work()
        self._usable = usable

    def _write(self, data: bytes) -> None:
        assert self._handle is not None
        self._files.write(self._handle, data, self._end.bytes)
        self._files.fdatasync(self._handle)

    def _advance(self, sizes: list[int]) -> None:
        """Let readers see the durable records."""
        segment, offset, row = self._end
        for size in sizes:
            self._mark(segment, row, offset)
            offset, row = offset + size, row + 1
        self._end = _End(segment, offset, row)

    def _roll(self) -> None:
        end = self._end
        assert self._handle is not None
        closed, self._lengths[end.segment] = self._handle, end.bytes
        self._create(SegmentHead(end.segment + 1, _salt(), end.rows, end.bytes))
        self._files.close(closed)

    def roll(self) -> bool:
        """Close the last segment, so that it can be compacted; False where it holds nothing yet."""
        with self._lock:
            if not self._usable or not self._end.rows:
                return False
            self._guarded(self._roll)
            return True

    def forget(self, upto: int) -> list[int]:
        """Remove closed segments up to a number, oldest first; gives those removed.

        Whoever asks has seen to it that nothing will read them again. Raises Fatal where the disk fails.
        """
        with self._lock, fatal_on_failure("log.sync_failed", self._folder):
            gone = [n for n in sorted(self._heads) if n <= upto and n < self._end.segment]
            for number in gone:
                self._files.remove(path_of(self._folder, number))
                # One after the other: what is left after a kill has no gap.
                self._files.sync_folder(self._folder)
                del self._heads[number]
                self._lengths.pop(number, None)
                self._marks.pop(number, None)
            return gone

    def segments(self) -> list[int]:
        """Numbers of all segments, rising."""
        return sorted(self._heads)

    def closed(self) -> list[int]:
        """Numbers of the segments that no append will touch any more, rising."""
        last = self._end.segment
        return [number for number in sorted(self._heads) if number < last]

    def segment(
        self, number: int, row: int = 0, kind: Kind | None = None
    ) -> Iterator[tuple[Position, LogRecord]]:
        """Durable records of one segment from a row on, all or of one kind; none where it is not there."""
        end, wanted = self._end, None if kind is None else KINDS.index(kind)
        if number > end.segment:
            return
        for frame in self._frames(Position(number, row), end):
            if wanted is None or frame.head.kind == wanted:
                yield Position(number, frame.head.row), frame.record(number)

    def close(self) -> None:
        """Give the file back; appending is over, reading is not."""
        with self._lock:
            if not self._closed:
                self._closed, self._usable = True, False
                if self._handle is not None:
                    self._files.close(self._handle)

    # Reading

    @property
    def last(self) -> Position | None:
        """The newest durable record, or None in an empty log."""
        end = self._end
        if end.rows:
            return Position(end.segment, end.rows - 1)
        before = self._heads[end.segment].rows_before
        return Position(end.segment - 1, before - 1) if before else None

    def read(self, after: tuple[int, int] | None = None) -> Iterator[tuple[Position, LogRecord]]:
        """Records in order, all or those after a position, until it has caught up with `last`.

        A thread may append meanwhile. Raises Broken("log.gap") if the record after `after` is
        not in the log: older than the oldest segment, or beyond what was ever durable.
        """
        if not self._heads:
            return iter(())  # looking into a folder in which nothing was logged yet
        first = min(self._heads)
        if after is None or after == (first - 1, self._heads[first].rows_before - 1):
            return self._records(Position(first, 0))
        segment, row = after
        if segment not in self._heads or not 0 <= row < self._rows(segment):
            raise Broken("log.gap", segment=segment, row=row)
        return self._records(Position(segment, row + 1))

    def get(self, position: tuple[int, int]) -> LogRecord:
        """The record at a position. Raises NotFound("log.no_record", segment, row)."""
        segment, row = position
        for frame in self._frames(Position(segment, row), self._end):
            return frame.record(segment)
        raise NotFound("log.no_record", segment=segment, row=row)

    def keys(self, limit: int) -> list[tuple[str, str]]:
        """(source, message key) of the newest messages, at most `limit`, oldest first."""
        found: deque[tuple[str, str]] = deque()
        for segment in sorted(self._heads, reverse=True):
            tail: deque[tuple[str, str]] = deque(maxlen=max(limit - len(found), 0))
            for frame in self._frames(Position(segment, 0), self._end):
                if is_message(frame.head):
                    tail.append(frame.names(segment))
            found.extendleft(reversed(tail))
            if len(found) >= limit:
                break
        return list(found)

    def find(self, channel: int, start: int, end: int) -> Iterator[tuple[Position, LogRecord]]:
        """Records with a row of the channel and start ≤ event time < end (µs UTC), by reading all."""
        for position, record in self.read():
            batch = record.batch
            if batch is None:
                continue
            hits = (batch.channel == channel) & (batch.event_time >= start) & (batch.event_time < end)
            if np.any(hits):
                yield position, record

    def verify(self) -> int:
        """Decode every record and return how many there are. Raises Broken at the first damage."""
        return sum(1 for _ in self.read())

    def _rows(self, segment: int) -> int:
        end = self._end
        return end.rows if segment == end.segment else self._heads[segment + 1].rows_before

    def _records(self, start: Position) -> Iterator[tuple[Position, LogRecord]]:
        segment, row = start
        while True:
            end = self._end
            for frame in self._frames(Position(segment, row), end):
                yield Position(segment, frame.head.row), frame.record(segment)
                row = frame.head.row + 1
            if segment < end.segment:
                if row != self._rows(segment):
                    raise corrupt(segment, self._lengths[segment], "number of records")
                segment, row = segment + 1, 0
            elif end is self._end:
                return

    def _frames(self, start: Position, end: _End) -> Iterator[Frame]:
        """Durable frames of one segment from a row on; none if there is no such row."""
        segment, first = start
        head = self._heads.get(segment)
        if head is None or first < 0:
            return
        limit = end.bytes if segment == end.segment else self._lengths[segment]
        marks = list(self._marks.get(segment, {}).values())
        row, offset = max((mark for mark in marks if mark[0] <= first), default=(0, segments.HEAD_SIZE))
        path = path_of(self._folder, segment)
        for frame in walk(self._files, path, head, row=row, offset=offset, end=limit, first=first):
            self._mark(segment, frame.head.row, frame.offset)
            yield frame

    def _mark(self, segment: int, row: int, offset: int) -> None:
        marks = self._marks.get(segment)
        if marks is None:
            marks = self._marks.setdefault(segment, {})
            for old in list(self._marks)[:-MARKED_SEGMENTS]:
                self._marks.pop(old, None)  # another thread may have been faster
        marks.setdefault(offset // segments.CHUNK, (row, offset))


def _salt() -> int:
    return int.from_bytes(os.urandom(4), "little")
