"""The outbox delivers at least once; every attempt is a row before it is tried.

The outcome comes back through the front door as a message, so the case knows who was told. What an
unknown outcome means, and what need not be told any more, is in `deliveries`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from liandong.app.bounded import Newest
from liandong.app.deliveries import (
    asks,
    digest_of,
    held,
    pointless,
    retry_at,
    system_of,
)
from liandong.app.logs import get_logger
from liandong.app.ports import BY, Askable, AttemptRow, Changes, Channel, OutboxOutcome, OutboxRow, Store
from liandong.app.reach import Reach
from liandong.app.writer import Admit, Books, Lane, Writer
from liandong.core.values.case import CaseState
from liandong.core.values.errors import Broken, Busy, Fatal
from liandong.core.values.ids import attempt_id
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.messages import DeliveryReported

log = get_logger("outbox")
_NOBODY = ""  # the worker for channels that do not exist
_PAUSE_S = 0.05
_SIDE_BY_SIDE = 16
#: Looked at together where quiet hours end, so that nobody gets two digests.
_MOST_HELD = 20_000
_MOST_WAITING = 50_000
_ALL = 1 << 62  # a moment after every other
_case = msgspec.json.Decoder(CaseState)
#: Outcome, whether trying again may help, detail.
Answer = tuple[Outcome, bool, str]
Work = list[tuple[OutboxRow, AttemptRow]]


class Outbox(threading.Thread):
    """Tries what is due, each channel in a worker of its own, so that none delays another."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        channels: Mapping[str, Channel],
        address: Callable[[str, str], str],
        city: str,
        batch: int = 200,
        watch: Callable[[bool], None] = lambda reached: None,
    ) -> None:
        """`address` looks a person's address up under a system's name; `watch` hears after each delivery
        of an order or an escalation whether anybody was reached by it, once that is settled."""
        super().__init__(name="outbox", daemon=True)
        self.store = store
        self.writer = writer
        self.channels = channels
        self.address = address
        self.city = city
        self.batch = batch
        self._reach = Reach(store, writer, channels, city, watch)
        self._wake = threading.Condition()
        self._asked = True
        self._stopping = False
        self._nap = threading.Event()
        self._recovered = False
        self._flying: set[str] = set()
        #: Order → case, of deliveries that wait for a time: held back, or tried in vain.
        self._waiting: Newest[str, str] = Newest(_MOST_WAITING)
        self._moved: set[str] = set()  #: cases in which one of those orders has changed
        self._withdrawing = False
        self._digested: set[str] = set()  #: tried as part of a digest, so tried so again
        # One worker each: with a pool for all, a channel that hangs would take every worker in time.
        self._workers = {
            name: ThreadPoolExecutor(
                max_workers=getattr(channels.get(name), "lines", 1), thread_name_prefix=f"deliver-{name}"
            )
            for name in (*channels, _NOBODY)
        }
        writer.listeners.append(self._committed)

    def _committed(self, changes: Changes) -> None:
        """In the writer's thread."""
        now = self.writer.now
        with self._wake:
            self._await(row for row in changes.outbox if row.next_at > now)
            self._moved |= {self._waiting[id] for id in changes.orders if id in self._waiting}
            moved = bool(self._moved)
        if changes.outbox or moved:
            self.nudge()

    def _await(self, rows: Iterable[OutboxRow]) -> None:
        """What is forgotten of it is only taken back later: when its time has come, and not before."""
        for row in rows:
            self._waiting[row.order] = row.case

    def nudge(self) -> None:
        """Something may be due."""
        with self._wake:
            self._asked = True
            self._wake.notify_all()

    def gained(self) -> None:
        """Cases have come to this process: what their last owner began may never have ended."""
        with self._wake:
            self._recovered = False
        self.nudge()

    def idle(self) -> bool:
        """True where nothing is due now and nothing is on its way."""
        with self._wake:
            if self.is_alive() and not self._recovered:
                return False
            if self._flying or (self.is_alive() and (self._moved or self._withdrawing)):
                return False
            return not self.store.outbox_due(self.writer.now, 1)

    def stop(self) -> None:
        """End after what is being sent; what was only begun is found open at the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        for channel in self.channels.values():
            if callable(close := getattr(channel, "close", None)):
                close()
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
                if not self._recovered:
                    self._recovered = True
                    self._recover()
                self._withdraw_moved()
                while self._deliver_due() and not self._stopping:
                    pass
            except Fatal:
                raise
            except Exception as error:  # a full queue, a locked database: deliveries have to go on
                log.error("outbox.turn_failed", error)
                self._nap.wait(_PAUSE_S)
                self.nudge()

    def _recover(self) -> None:
        """An attempt without an end may have reached its receiver or not: its outcome is unknown."""
        left = [(row, a) for a, row in self.store.open_attempts() if row.id not in self._flying]
        self._report_all(left, Outcome.UNKNOWN, True, "restart")
        queued = self.store.outbox_due(_ALL, _MOST_HELD)
        with self._wake:
            self._await(queued)
            self._moved |= {row.case for row in queued if row.case}

    def _withdraw_moved(self) -> None:
        """Take back what waits about orders that were signed for, done or ended meanwhile."""
        with self._wake:
            moved, self._moved = self._moved, set()
            self._withdrawing = bool(moved)
        try:
            self._withdraw(moved)
        except BaseException:
            with self._wake:
                self._moved |= moved
            raise
        finally:
            self._withdrawing = False

    def _withdraw(self, moved: Iterable[str]) -> None:
        work: Work = []
        for id in moved:
            case = self._case(id)
            queued = [row for row, _ in self.store.deliveries(id) if row.next_at]
            left = [row for row in queued if row.id not in self._flying and pointless(row, case)]
            work += [(row, self._attempt(row)) for row in left]
            if not queued:
                with self._wake:
                    for order in [order for order, of in list(self._waiting.items()) if of == id]:
                        self._waiting.pop(order, None)
        if work:
            self._begin([attempt for _, attempt in work])
            self._report_all(work, Outcome.WITHDRAWN, False, "")

    def _case(self, id: str) -> CaseState | None:
        row = self.store.load([f"case:{id}"]).get(f"case:{id}") if id else None
        return None if row is None or row.body is None else _case.decode(row.body)

    def _due(self) -> tuple[list[OutboxRow], bool]:
        """What is due and not on its way, and whether there may be more."""
        now = self.writer.now
        rows = self.store.outbox_due(now, self.batch)
        full = len(rows) == self.batch
        if full and any(map(held, rows)):
            rows = self.store.outbox_due(now, _MOST_HELD)
        return [row for row in rows if row.id not in self._flying], full

    def _deliver_due(self) -> bool:
        """Start every due delivery that is not on its way; True where there may be more."""
        rows, more = self._due()
        if not rows:
            return False
        attempts = [self._attempt(row) for row in rows]
        with self._wake:
            self._flying |= {row.id for row in rows}
        try:
            self._begin(attempts)
        except BaseException:
            self._landed(row.id for row in rows)
            raise
        for name, jobs in self._jobs(list(zip(rows, attempts, strict=True))).items():
            worker = self._workers[name if name in self.channels else _NOBODY]
            if getattr(self.channels.get(name), "lines", 1) > 1:
                for job in jobs:
                    worker.submit(self._send_all, name, [job])
            else:
                worker.submit(self._send_all, name, jobs)
        return more

    def _begin(self, attempts: list[AttemptRow]) -> None:
        def begin(changes: Changes) -> None:
            changes.attempts += attempts

        self.writer.submit(Books(begin)).result()

    def _jobs(self, work: Work) -> dict[str, list[Work]]:
        """By channel; what was held back for one person is one job."""
        found: dict[str, dict[Any, Work]] = {}
        for row, attempt in work:
            together = held(row) or row.id in self._digested
            key = (row.recipient, row.mode) if together else row.id
            found.setdefault(row.channel, {}).setdefault(key, []).append((row, attempt))
        return {channel: list(jobs.values()) for channel, jobs in found.items()}

    def _landed(self, ids: Iterable[str]) -> None:
        with self._wake:
            self._flying.difference_update(ids)

    def _attempt(self, row: OutboxRow) -> AttemptRow:
        number = row.attempts + 1
        made = attempt_id(self.city, row.mode, f"{row.order}/{row.id}", row.recipient, row.channel, number)
        return AttemptRow(id=made, outbox=row.id, number=number, started=self.writer.now)

    def _send_all(self, name: str, jobs: Sequence[Work]) -> None:
        channel = self.channels.get(name)
        for work in jobs:
            if self._stopping:
                break
            try:
                self._send_one(channel, work)
            except Exception as error:  # the attempts stay open and are found at the next start
                log.error("outbox.report_failed", error, channel=name)
            self._landed(row.id for row, _ in work)
        self.nudge()

    def _send_one(self, channel: Channel | None, work: Work) -> None:
        """One message; what has lost its point while it waited is taken back instead."""
        cases = {id: self._case(id) for id in {row.case for row, _ in work if asks(row)}}
        left: Work = []
        for row, attempt in work:
            if pointless(row, cases.get(row.case)):
                self._report(row, attempt, Outcome.WITHDRAWN, False, "")
            else:
                left.append((row, attempt))
        if not left:
            return
        if len(left) > 1:
            self._digested |= {row.id for row, _ in left}
        outcome, recoverable, detail = self._send(channel, digest_of(self.city, [row for row, _ in left]))
        for row, attempt in left:
            self._report(row, attempt, outcome, recoverable, detail)

    def _send(self, channel: Channel | None, row: OutboxRow) -> Answer:
        if channel is None:
            return Outcome.FAILED, False, "no such channel"
        try:
            address = self.address(row.recipient, system_of(channel))
        except Exception as error:
            log.error("outbox.no_address", error)
            return Outcome.FAILED, True, type(error).__name__
        try:
            if row.attempts and isinstance(channel, Askable):
                asked = channel.ask(row)
                if asked != Outcome.FAILED:
                    return asked, asked == Outcome.UNKNOWN, "asked"
            return channel.send(row, address)
        except Exception as error:
            log.error("outbox.channel_failed", error, channel=row.channel)
            return Outcome.UNKNOWN, True, type(error).__name__

    def _report_all(self, work: Work, outcome: Outcome, recoverable: bool, detail: str) -> None:
        """Side by side, so that the writer takes them in groups: one by one each waits for the disk."""
        if work:
            with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="report") as pool:
                for done in [
                    pool.submit(self._report, row, attempt, outcome, recoverable, detail)
                    for row, attempt in work
                ]:
                    done.result()

    def _report(
        self, row: OutboxRow, attempt: AttemptRow, outcome: Outcome, recoverable: bool, detail: str
    ) -> None:
        """Through the front door; the attempt's end is stored in the same transaction."""
        channel = self.channels.get(row.channel)
        repeats = channel.repeats if channel is not None else Repeats.NEITHER
        by = detail.removeprefix(BY) if detail.startswith(BY) else ""
        message = DeliveryReported(
            case=row.case, order=row.order, attempt=attempt.id, number=attempt.number,
            recipient=row.recipient, channel=row.channel, outcome=outcome, by=by,
        )  # fmt: skip
        ended = False

        def finish(changes: Changes) -> Any:
            nonlocal ended
            now = self.writer.now
            again = retry_at(attempt.number, outcome, recoverable, repeats, now)
            changes.outcomes.append(
                OutboxOutcome(
                    outbox=row.id, attempt=attempt.id, outcome=outcome, at=now, detail=detail, next_at=again
                )
            )
            ended = again is None
            if again is not None:
                self._await([row])
            elif outcome in (Outcome.FAILED, Outcome.UNKNOWN):
                changes.outbox += self._reach.after(row, now)

        try:
            self._submit(Admit(message, "delivery", extra=finish, lane=Lane.BOOKS))
        except Broken as error:
            # The case could not take it; the delivery itself must end, or be tried again, all the same.
            log.error("outbox.report_buried", error, channel=row.channel)
            self._submit(Books(finish))
        if ended:
            self._digested.discard(row.id)
            self._reach.settled(row, outcome)

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
