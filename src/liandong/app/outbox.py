"""The outbox delivers at least once; every attempt is a row before it is tried.

The outcome comes back through the front door as a message, so the case knows who was told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from liandong.app.logs import get_logger
from liandong.app.ports import AttemptRow, Changes, Channel, OutboxOutcome, OutboxRow, Store
from liandong.app.writer import Admit, Books, Lane, Writer
from liandong.core.values.errors import Broken, Busy, Fatal
from liandong.core.values.ids import attempt_id
from liandong.core.values.lists import Outcome
from liandong.core.values.messages import DeliveryReported
from liandong.core.values.times import MINUTE, SECOND

log = get_logger("outbox")
#: Waits between attempts; after the last one the delivery counts as failed for good.
WAITS = (10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE)
_NOBODY = ""  # the worker for channels that do not exist
_PAUSE_S = 0.05


def retry_at(number: int, outcome: Outcome, recoverable: bool, now: int) -> int | None:
    """When to try again after attempt `number` (from 1); None ends the delivery."""
    if outcome == Outcome.DELIVERED or not recoverable or number > len(WAITS):
        return None
    return now + WAITS[number - 1]


class Outbox(threading.Thread):
    """Tries what is due, each channel in a worker of its own, so that none delays another."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        channels: Mapping[str, Channel],
        address: Callable[[str], str],
        city: str,
        batch: int = 200,
    ) -> None:
        super().__init__(name="outbox", daemon=True)
        self.store = store
        self.writer = writer
        self.channels = channels
        self.address = address
        self.city = city
        self.batch = batch
        self._wake = threading.Condition()
        self._asked = True
        self._stopping = False
        self._nap = threading.Event()
        self._recovered = False
        self._flying: set[str] = set()
        # One worker each: with a pool for all, a channel that hangs would take every worker in time.
        self._workers = {
            name: ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"deliver-{name}")
            for name in (*channels, _NOBODY)
        }
        writer.listeners.append(self._committed)

    def _committed(self, changes: Changes) -> None:
        if changes.outbox:
            self.nudge()

    def nudge(self) -> None:
        """Something may be due."""
        with self._wake:
            self._asked = True
            self._wake.notify_all()

    def idle(self) -> bool:
        """True where nothing is due now and nothing is on its way."""
        with self._wake:
            if self.is_alive() and not self._recovered:
                return False
            return not self._flying and not self.store.outbox_due(self.writer.now, 1)

    def stop(self) -> None:
        """End after what is being sent; what was only begun is found open at the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self.is_alive():
            self.join()
        for worker in self._workers.values():
            worker.shutdown(wait=True, cancel_futures=True)

    def run(self) -> None:
        """Close what a crash left open, then deliver until stopped."""
        try:
            self._recover()
            self._recovered = True
            self._turn()
        except Fatal as error:  # the writer is gone, and the process goes with it
            log.error("outbox.stopped", error)

    def _turn(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._asked or self._stopping, timeout=1.0)
                if self._stopping:
                    return
                self._asked = False
            try:
                while self._deliver_due() and not self._stopping:
                    pass
            except Fatal:
                raise
            except Exception as error:  # a full queue, a locked database: deliveries have to go on
                log.error("outbox.turn_failed", error)
                self._nap.wait(_PAUSE_S)
                self.nudge()

    def _recover(self) -> None:
        """An attempt without an end may have reached its receiver or not: unknown, and tried again."""
        for attempt, row in self.store.open_attempts():
            self._report(row, attempt, Outcome.UNKNOWN, True, "restart")

    def _deliver_due(self) -> bool:
        """Start every due delivery that is not on its way; True where there may be more."""
        rows = [
            row for row in self.store.outbox_due(self.writer.now, self.batch) if row.id not in self._flying
        ]
        if not rows:
            return False
        attempts = [self._attempt(row) for row in rows]

        def begin(changes: Changes) -> None:
            changes.attempts += attempts

        with self._wake:
            self._flying |= {row.id for row in rows}
        try:
            self.writer.submit(Books(begin)).result()
        except BaseException:
            self._landed(row.id for row in rows)
            raise
        by_channel: dict[str, list[tuple[OutboxRow, AttemptRow]]] = {}
        for row, attempt in zip(rows, attempts, strict=True):
            by_channel.setdefault(row.channel, []).append((row, attempt))
        for name, work in by_channel.items():
            worker = self._workers[name if name in self.channels else _NOBODY]
            worker.submit(self._send_all, name, work)
        return len(rows) == self.batch

    def _landed(self, ids: Iterable[str]) -> None:
        with self._wake:
            self._flying.difference_update(ids)

    def _attempt(self, row: OutboxRow) -> AttemptRow:
        number = row.attempts + 1
        made = attempt_id(self.city, row.mode, f"{row.order}/{row.id}", row.recipient, row.channel, number)
        return AttemptRow(id=made, outbox=row.id, number=number, started=self.writer.now)

    def _send_all(self, name: str, work: list[tuple[OutboxRow, AttemptRow]]) -> None:
        channel = self.channels.get(name)
        for row, attempt in work:
            if self._stopping:
                break
            try:
                self._report(row, attempt, *self._send(channel, row))
            except Exception as error:  # the attempt stays open and is found at the next start
                log.error("outbox.report_failed", error, channel=name)
            self._landed([row.id])
        self.nudge()

    def _send(self, channel: Channel | None, row: OutboxRow) -> tuple[Outcome, bool, str]:
        if channel is None:
            return Outcome.FAILED, False, "no such channel"
        try:
            address = self.address(row.recipient)
        except Exception as error:
            log.error("outbox.no_address", error)
            return Outcome.FAILED, True, type(error).__name__
        try:
            return channel.send(row, address)
        except Exception as error:
            log.error("outbox.channel_failed", error, channel=row.channel)
            return Outcome.UNKNOWN, True, type(error).__name__

    def _report(
        self, row: OutboxRow, attempt: AttemptRow, outcome: Outcome, recoverable: bool, detail: str
    ) -> None:
        """Through the front door; the attempt's end is stored in the same transaction."""
        message = DeliveryReported(
            case=row.case, order=row.order, attempt=attempt.id, number=attempt.number,
            recipient=row.recipient, channel=row.channel, outcome=outcome,
        )  # fmt: skip

        def finish(changes: Changes) -> Any:
            now = self.writer.now
            changes.outcomes.append(
                OutboxOutcome(
                    outbox=row.id,
                    attempt=attempt.id,
                    outcome=outcome,
                    at=now,
                    detail=detail,
                    next_at=retry_at(attempt.number, outcome, recoverable, now),
                )
            )

        try:
            self._submit(Admit(message, "delivery", extra=finish, lane=Lane.BOOKS))
        except Broken as error:
            # The case could not take it; the delivery itself must end, or be tried again, all the same.
            log.error("outbox.report_buried", error, channel=row.channel)
            self._submit(Books(finish))

    def _submit(self, item: Admit | Books) -> None:
        """Written; a full queue makes the channel wait, because an outcome is not to be dropped."""
        while True:
            try:
                self.writer.submit(item).result()
                return
            except Busy:
                if self._stopping:
                    raise
                self._nap.wait(_PAUSE_S)
