"""Fast signals on their way to the rules: durable windows are condensed into readings, which follow them.

The log is the truth here too. What a window still lacks is kept in memory only, so a start reads the
newest windows again, and sends on what the process before it did not come to send.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial

from liandong.app.clock import TimeSource
from liandong.app.intake import Intake, Receipt
from liandong.app.ports import Position
from liandong.core.ingest import Decoded
from liandong.core.ingest.decoded import DecodedAs
from liandong.core.ingest.waveforms import Statistics
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Busy
from liandong.core.values.log import LogRecord
from liandong.core.values.readings import ReadingBatch, WaveformBatch


class Condensing:
    """The statistics of one city. Threads may share it."""

    def __init__(self, intake: Intake, statistics: Statistics, clock: TimeSource) -> None:
        self._intake = intake
        self._statistics = statistics
        self._clock = clock
        self._lock = threading.Lock()

    def after(self, windows: WaveformBatch, done: Future[Receipt]) -> Future[Receipt]:
        """A receipt for once the windows and the statistics that they complete are durable."""
        answer: Future[Receipt] = Future()
        answer.set_running_or_notify_cancel()
        done.add_done_callback(partial(self._condense, windows, answer))
        return answer

    def _condense(self, windows: WaveformBatch, answer: Future[Receipt], done: Future[Receipt]) -> None:
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
            return
        receipt = done.result()
        if receipt.position is None:  # nothing was good, or all of it was taken before
            answer.set_result(receipt)
            return
        now = self._clock.read().now
        with self._lock:
            made = self._statistics.condense(windows, now)
        following = self._send(made, receipt.position, now) if len(made) else None
        if following is None:
            answer.set_result(receipt)
        else:
            following.add_done_callback(lambda _: answer.set_result(receipt))

    def _send(self, made: ReadingBatch, position: Position, now: int) -> Future[Receipt] | None:
        """None where the queue is full: they are counted as refused, and the windows are kept."""
        decoded: Decoded = DecodedAs(key=_key(position), batch=made, errors=())
        raw = canonical_bytes({"statistics_of": list(position)})
        try:
            return self._intake.submit(made.source, decoded, raw, now)
        except Busy:
            return None

    def recover(self) -> int:
        """Rebuild what is incomplete from the log; gives how many messages of statistics were sent on.

        To be called once the intake takes messages and before any door is open.
        """
        if not self._statistics.longest:
            return 0
        newest = [(position, record) for position, record in self._newest() if record.waveforms is not None]
        sent = []
        for position, record in newest:
            assert record.waveforms is not None
            with self._lock:
                made = self._statistics.condense(record.waveforms, record.arrival)
            if len(made) and not self._intake.knows(record.source, _key(position)):
                sent.append(self._send(made, position, self._clock.read().now))
        for future in sent:
            if future is not None:
                future.result()
        return len(sent)

    def _newest(self) -> Iterator[tuple[Position, LogRecord]]:
        """Waveforms of all segments that may hold a part of an incomplete statistic, in order."""
        log = self._intake.log
        last = log.last
        if last is None:
            return
        enough = log.get(last).arrival - 2 * self._statistics.longest
        numbers = []
        for number in reversed(log.segments()):
            numbers.append(number)
            first = next(iter(log.segment(number)), None)
            if first is not None and first[1].arrival < enough:
                break
        for number in reversed(numbers):
            yield from log.segment(number, kind="waveforms")


def _key(position: Position) -> str:
    """The windows' place in the log, so that the same windows never give their statistics twice."""
    return f"statistics:{position[0]}:{position[1]}"
