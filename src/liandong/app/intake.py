"""From a decoded message to findings: append, sync, answer, detect, commit.

Two threads in a row. The appender gives one sync to all who wait and only then answers; the
detector folds the log record by record, so that replaying the log gives the same state again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec
import numpy as np

from liandong.app.accounting import Accounting
from liandong.app.clock import perf
from liandong.app.evidence import Evidence, Windows
from liandong.app.logs import get_logger
from liandong.app.ports import Position
from liandong.app.writer import Detected, Writer
from liandong.core.detect.shard import Detected as ShardSaid
from liandong.core.detect.shard import IntakeCounts, Shard
from liandong.core.ingest.decoded import DecodedAs
from liandong.core.values.errors import BadInput, Broken, Busy, Unreachable
from liandong.core.values.lists import Step
from liandong.core.values.log import Kind, LogRecord, record_of

log = get_logger("intake")
_MOST_WAITING = 10_000
#: Readings that may wait for the detector before the door has to: seconds of work, some 100 MB.
_MOST_BEHIND = 1_000_000
#: How far records without findings were read is noted once nothing more came for so long, …
_QUIET_S = 0.01
#: … and while more comes, so often.
_NOTE_EVERY_S = 0.2
#: What the detector says of a record that it does not look at.
_NOTHING = ShardSaid((), np.zeros(0, dtype=np.uint32), IntakeCounts())
_KEYS_KEPT = 100_000


class Log(Protocol):
    """The readings log."""

    @property
    def last(self) -> Position | None:
        """Newest durable position."""

    def append(self, records: Sequence[LogRecord]) -> Sequence[Position]:
        """Write all, sync once."""

    def read(self, after: Position | None = None) -> Iterator[tuple[Position, LogRecord]]:
        """Records in order."""

    def get(self, position: Position) -> LogRecord:
        """The record at a position. Raises NotFound, or Broken where it cannot be read."""

    def keys(self, limit: int) -> list[tuple[str, str]]:
        """Recent (source, message key)."""

    def segments(self) -> list[int]:
        """Numbers of all segments, rising."""

    def segment(
        self, number: int, row: int = 0, kind: Kind | None = None
    ) -> Iterator[tuple[Position, LogRecord]]:
        """Records of one segment from a row on, all or those of one kind."""


class Snapshots(Protocol):
    """Disposable detector states."""

    def save(self, digest: str, position: Position, data: bytes) -> None:
        """Keep the state after a position."""

    def newest(self, digest: str, at_or_before: Position) -> tuple[Position, bytes] | None:
        """The newest sound one."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is told once its message is durable."""

    position: Position | None
    rows: int
    duplicate: bool = False  #: the very same message was taken before


@dataclass
class _Waiting:
    record: LogRecord
    future: Future[Receipt] = field(default_factory=Future)

    @property
    def rows(self) -> int:
        return self.record.rows


class _Now:
    """A tick passing through the detector's queue."""

    def __init__(self, now: int) -> None:
        self.now = now


class _Keep:
    """A wish for a snapshot passing through the detector's queue."""


class _Flush:
    """Nothing came for a while: time to note how far has been read."""


_Found = tuple[Position, LogRecord] | _Now | _Keep | _Flush


class Intake:
    """Owns the log's write side and the detector."""

    def __init__(
        self,
        log_: Log,
        shard: Shard,
        writer: Writer,
        evidence: Evidence,
        snapshots: Snapshots,
        accounting: Accounting,
        *,
        names: dict[int, str],
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.log = log_
        self.shard = shard
        self.writer = writer
        self.snapshots = snapshots
        self.accounting = accounting
        self._on_fatal = on_fatal
        #: Name of the process that takes the readings of this city, where that is another one.
        self.elsewhere = ""
        self.evidence = evidence
        self._windows = Windows(evidence, {name: number for number, name in names.items()})
        self._keys: dict[tuple[str, str], None] = {}
        self._consumed: Position | None = None
        self._ahead: Position | None = None
        self._noted = 0.0
        self._folded: Position | None = None
        self._appending: list[_Waiting] = []
        self._detecting: LogRecord | None = None
        self._watched: set[str] = set()
        self._closed = threading.Event()
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(_MOST_WAITING)
        self._found: queue.Queue[_Found | None] = queue.Queue(_MOST_WAITING)
        self._moving = 0
        self._behind = 0
        self._moved = threading.Condition()
        self._snapshot_at: Position | None = None
        self._threads = [
            threading.Thread(target=self._append_loop, name="append", daemon=True),
            threading.Thread(target=self._detect_loop, name="detect", daemon=True),
        ]

    # Start and stop.

    def recover(self) -> int:
        """Bring the detector to the committed position, then emit what was logged after it.

        Returns how many records were replayed.
        """
        if self.elsewhere:
            return 0
        for pair in self.log.keys(_KEYS_KEPT):
            self._keys[pair] = None
        self._consumed = self.writer.store.consumed()
        last = self.log.last
        if self._consumed is not None and (last is None or (last[0], last[1]) < self._consumed):
            raise Broken("log.behind_database", segment=self._consumed[0], row=self._consumed[1])
        start: Position | None = None
        if self._consumed is not None:
            found = self.snapshots.newest(self.shard.digest, self._consumed)
            if found is not None and self._restore(found[1]):
                start = self._folded = (found[0][0], found[0][1])
        replayed = 0
        if start is not None:
            self._refill(start)
        for position, record in self.log.read(start):
            at = (position[0], position[1])
            replayed += 1
            if self._consumed is not None and at <= self._consumed:
                self._fold(at, record)
            else:
                self._detect(at, record)
        self._flush()
        return replayed

    def _restore(self, data: bytes) -> bool:
        """False where another version of the program has made the snapshot: it is only a cache."""
        try:
            self.shard.restore(data)
        except Broken as error:
            log.warning("intake.snapshot_unfit", key=error.key)
            return False
        return True

    def _refill(self, upto: Position) -> None:
        """Records just before a snapshot, which evidence may have to show."""
        for position, record in self.log.read((upto[0] - 1, 0) if upto[0] > 1 else None):
            at = (position[0], position[1])
            if at > upto:
                return
            self._windows.remember(at, record)

    def oldest_needed(self) -> int:
        """Oldest segment of the log that a restart would read now; 0 where it would read them all."""
        found = self.snapshots.newest(self.shard.digest, self._consumed) if self._consumed else None
        return max(found[0][0] - 1, 0) if found is not None else 0  # one more, for evidence

    def start(self) -> None:
        """Begin to take messages."""
        for thread in reversed(self._threads):  # whoever hands over needs somebody who takes
            thread.start()

    def stop(self) -> None:
        """Finish what was taken, keep a snapshot, end."""
        self._closed.set()
        if self._threads[0].is_alive():
            self._waiting.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._save_snapshot()

    # The door's side.

    def submit(
        self, source: str, decoded: DecodedAs[Any], raw: bytes, arrival: int, again: str = ""
    ) -> Future[Receipt]:
        """Take a message; the receipt comes once it is durable. Raises Busy where the queue is full.

        `again` names a replay by an operator, which is no repeat by the device.
        """
        if self.elsewhere:
            raise Unreachable("readings.elsewhere", coordinator=self.elsewhere, retry_after=30)
        key = f"{decoded.key}#{again}" if again else decoded.key
        record = record_of(decoded.batch, message_key=key, arrival=arrival, raw=raw)
        waiting = _Waiting(record)
        # Once it is taken, whoever waits may leave but not cancel it.
        waiting.future.set_running_or_notify_cancel()
        self._watch(source)
        self.accounting.enter(Step.INGEST, source, waiting.rows)
        self._move(1)
        try:
            if self._closed.is_set():
                raise queue.Full
            self._waiting.put_nowait(waiting)
        except queue.Full:
            self._move(-1)
            self.accounting.reject(Step.INGEST, source, "queue.full", waiting.rows)
            raise Busy("queue.full", retry_after=1) from None
        return waiting.future

    def _watch(self, source: str) -> None:
        """Let whoever checks the books count what really waits here."""
        if source not in self._watched:
            self._watched.add(source)
            self.accounting.watch(Step.INGEST, source, partial(self._held_by_appender, source))
            self.accounting.watch(Step.DETECT, source, partial(self._held_by_detector, source))

    def _held_by_appender(self, source: str) -> int:
        with self._waiting.mutex:
            held = [*self._waiting.queue, *self._appending]
        mine = [w for w in held if w is not None and w.record.source == source]
        return sum(w.rows for w in mine if not w.future.done())

    def _held_by_detector(self, source: str) -> int:
        with self._found.mutex:
            records = [item[1] for item in self._found.queue if isinstance(item, tuple)]
        if self._detecting is not None:
            records.append(self._detecting)
        return sum(len(r.batch) for r in records if r.batch is not None and r.source == source)

    def knows(self, source: str, key: str) -> bool:
        """Whether a message of this key was taken lately."""
        return (source, key) in self._keys

    def tick(self, now: int) -> None:
        """Let time move the watermark of silent sources."""
        if self.elsewhere:
            return
        self._move(1)
        try:
            self._found.put_nowait(_Now(now))
        except queue.Full:
            self._move(-1)  # the next tick says the same

    def recent(self, source: str) -> list[tuple[Position, LogRecord]]:
        """The newest records of a source, oldest first; any thread may ask."""
        return self._windows.recent(source)

    def idle(self) -> bool:
        """True where every message taken has been detected on and handed to the writer."""
        with self._moved:
            return self._moving == 0

    def _move(self, by: int) -> None:
        with self._moved:
            self._moving += by
            self._moved.notify_all()

    # The appender.

    def _append_loop(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                self._hand_over(None)
                return
            self._appending = [first]
            stop = False
            while len(self._appending) < 1_000:
                try:
                    more = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                self._appending.append(more)
            try:
                self._append(self._appending)
            except BaseException as error:
                self._fail(error)
                return
            self._appending = []
            if stop:
                self._hand_over(None)
                return

    def _fail(self, error: BaseException) -> None:
        """The log cannot be trusted: nobody is answered any more, and the process has to end."""
        log.error("intake.append_failed", error)
        self._closed.set()
        left = self._appending
        while True:
            for waiting in left:
                if not waiting.future.done():
                    self._refuse(waiting, error)
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            left = [following] if following is not None else []
        self._appending = []
        if self._on_fatal is not None:
            self._on_fatal(error)
        self._hand_over(None)

    def _refuse(self, waiting: _Waiting, error: BaseException) -> None:
        key = getattr(error, "key", type(error).__name__)
        self.accounting.reject(Step.INGEST, waiting.record.source, key, waiting.rows)
        waiting.future.set_exception(error)
        self._move(-1)

    def _append(self, group: list[_Waiting]) -> None:
        """One sync for the group, then the answers, then detection. Raises where the log is dead."""
        fresh: list[_Waiting] = []
        mine: set[tuple[str, str]] = set()
        repeats: list[_Waiting] = []
        for waiting in group:
            key = (waiting.record.source, waiting.record.message_key)
            if waiting.record.kind != "advance" and (key in self._keys or key in mine):
                repeats.append(waiting)
            else:
                mine.add(key)
                fresh.append(waiting)
        try:
            positions = self.log.append([waiting.record for waiting in fresh]) if fresh else []
        except BadInput as error:
            # Nothing was written, because of one that cannot be; its neighbours must not suffer for it.
            if len(group) > 1:
                for waiting in group:
                    self._append([waiting])
            else:
                self._refuse(group[0], error)
            return
        for waiting, position in zip(fresh, positions, strict=True):
            self._answer(waiting, (position[0], position[1]))
        for waiting in repeats:
            self.accounting.reject(
                Step.INGEST, waiting.record.source, "reading.repeated_message", waiting.rows
            )
            waiting.future.set_result(Receipt(position=None, rows=waiting.rows, duplicate=True))
        self._move(-len(repeats))

    def _answer(self, waiting: _Waiting, position: Position) -> None:
        record, rows = waiting.record, waiting.rows
        if record.content is not None:
            self._keys[record.source, record.message_key] = None
            if len(self._keys) > 2 * _KEYS_KEPT:
                for key in list(self._keys)[:_KEYS_KEPT]:
                    del self._keys[key]
            self.accounting.pass_on(Step.INGEST, record.source, rows)
            if record.batch is not None:  # nothing detects on positions and waveforms
                self.accounting.enter(Step.DETECT, record.source, rows)
        waiting.future.set_result(Receipt(position=position, rows=rows))
        self._hand_over((position, record))

    def _hand_over(self, item: tuple[Position, LogRecord] | None) -> None:
        """To the detector; where it is behind, the door waits for it."""
        while self._threads[1].is_alive():
            with self._moved:
                if not self._moved.wait_for(lambda: self._behind < _MOST_BEHIND, 0.5):
                    continue
            try:
                self._found.put(item, timeout=0.5)
            except queue.Full:
                continue
            if item is not None:
                self._fall_behind(item[1].rows)
            return

    def _fall_behind(self, rows: int) -> None:
        with self._moved:
            self._behind += rows
            self._moved.notify_all()

    # The detector.

    def _detect_loop(self) -> None:
        while True:
            item = self._next()
            try:
                if item is None:
                    self._flush()
                    return
                if isinstance(item, _Now):
                    self._advance_silent(item.now)
                    self._flush()
                elif isinstance(item, _Flush):
                    self._flush()
                elif isinstance(item, _Keep):
                    self._flush()
                    self._save_snapshot()
                else:
                    self._detecting = item[1]
                    self._detect(*item, counted=True)
                    self._fall_behind(-item[1].rows)
            except BaseException as error:
                log.error("intake.detector_failed", error)
                self._closed.set()
                if self._on_fatal is not None:
                    self._on_fatal(error)
                return
            finally:
                self._detecting = None
                if item is not None and not isinstance(item, _Flush):
                    self._move(-1)

    def _next(self) -> _Found | None:
        """The next item; while there is none, what was read without findings is noted.

        Not for every message, because under load a transaction for each would only wear the disk: a
        restart reads again what was not noted.
        """
        if self._ahead is not None:
            left = _NOTE_EVERY_S - (perf() - self._noted)
            try:
                return self._found.get(timeout=min(left, _QUIET_S)) if left > 0 else self._found.get_nowait()
            except queue.Empty:
                return _Flush()
        return self._found.get()

    def _advance_silent(self, now: int) -> None:
        """A silent source's watermark moves by a record of the log, so that a replay moves it too."""
        for source, watermark in self.shard.due_advances(now):
            record = LogRecord(
                source=source,
                kind="advance",
                message_key=f"tick:{watermark}",
                arrival=now,
                watermark=watermark,
            )
            self._move(1)
            try:
                self._waiting.put_nowait(_Waiting(record))
            except queue.Full:
                self._move(-1)

    def _fold(self, position: Position, record: LogRecord) -> Any:
        """One record through the detector; the same whether live or replayed."""
        self._windows.remember(position, record)
        self._folded = None  # what an interrupted fold leaves is the state of no position
        if record.kind == "advance":
            found = self.shard.advance(record.source, record.watermark, position)
        elif record.batch is not None:
            found = self.shard.process(record.batch, position)
        else:
            found = _NOTHING
        self._folded = position
        return found

    def _detect(self, position: Position, record: LogRecord, counted: bool = False) -> None:
        result = self._fold(position, record)
        if counted and record.batch is not None:
            self._count(record.source, result.counts)
        self._go_ahead(position)
        if not result.messages:
            return
        messages = self._windows.show(result.messages, record.source)
        item = Detected(self._consumed, position, [(m, record.source) for m in messages])
        self._commit(item)

    def _count(self, source: str, counts: Any) -> None:
        for key in ("duplicate", "conflict", "too_late", "unusable"):
            if getattr(counts, key):
                self.accounting.reject(Step.DETECT, source, f"reading.{key}", getattr(counts, key))
        self.accounting.pass_on(Step.DETECT, source, counts.accepted)
        self._detecting = None

    def _commit(self, item: Detected) -> None:
        """Hand over to the writer; a full queue makes the detector wait, never drop."""
        while True:
            try:
                self.writer.submit(item)
                break
            except Busy:
                threading.Event().wait(0.05)
        self._consumed = item.upto
        self._noted = perf()
        self._go_ahead(None)

    def _go_ahead(self, position: Position | None) -> None:
        """What was read and not noted yet is still moving."""
        before, self._ahead = self._ahead, position
        self._move((position is not None) - (before is not None))

    def _flush(self) -> None:
        """Note how far records without findings have been read."""
        if self._ahead is not None:
            self._commit(Detected(self._consumed, self._ahead, []))

    # Snapshots.

    def snapshot(self) -> None:
        """Ask for a snapshot of the detector's state; a full queue means there is no time for one."""
        self._move(1)
        try:
            self._found.put_nowait(_Keep())
        except queue.Full:
            self._move(-1)

    def _save_snapshot(self) -> None:
        """Keep the state after the newest record handed over; a cache that may be lost."""
        position = self._consumed
        # After an error the state may be ahead of, or behind, what was handed over; a snapshot under a
        # wrong name would make the next start miss findings.
        if position is not None and position == self._folded and position != self._snapshot_at:
            self.snapshots.save(self.shard.digest, position, self.shard.dump())
            self._snapshot_at = position
