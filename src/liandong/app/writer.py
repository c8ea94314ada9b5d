"""The one thread that decides and stores. Three lanes, groups, bisection, dead letters.

Acts and ticks go first, so that a storm of findings never delays an acknowledgement. A group is
decided against an overlay, written in one transaction, and only then answered; the next group is
decided while the disk is still syncing this one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Any, Protocol

from liandong.app.accounting import Accounting
from liandong.app.handle import Answer, Handler, record_message
from liandong.app.logs import get_logger
from liandong.app.ports import Changes, DeadLetter, Job, Position, Store
from liandong.app.said import pack
from liandong.core.route import owner_of
from liandong.core.values.errors import Broken, Busy, Conflict, Fatal, LiandongError, Unreachable
from liandong.core.values.ids import make_id
from liandong.core.values.lists import Step
from liandong.core.values.messages import TimerFired

log = get_logger("writer")
_LEASES = ("lease.lost", "lease.moved")
#: How long a store that does not answer is left alone.
_PAUSE_S = 0.3
_RACES = 100  # a group that loses that often is a fault, not a race


def step_for(message: Any) -> Step:
    """The step that answers for a message in the books; what no step owns is counted at coordinate."""
    return owner_of(message) or Step.COORDINATE


class Lane(IntEnum):
    """Which queue, first to last."""

    ACTS = 0
    FINDINGS = 1
    BOOKS = 2


@dataclass
class Admit:
    """A message to admit; `extra` adds rows to the same transaction once it has gone through."""

    message: Any
    origin: str
    extra: Job | None = None
    lane: Lane = Lane.ACTS
    future: Future[Any] = field(default_factory=Future)


@dataclass
class Received(Admit):
    """A message that another process has taken, for a case that is ours; its answer is stored."""

    id: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """The row by which a message went to the process that has to decide it."""

    id: str


class _Behind(Exception):
    """Something is due before what was to be decided."""


class Sharing(Protocol):
    """What the writer asks where several processes share the cases; see app/coordinators.py."""

    def place(self, message: Any) -> str:
        """Partition of a message, empty where it belongs to no case."""

    def owned(self) -> Mapping[str, int]:
        """Our partitions now, each with its epoch."""

    def hand(self, item: Admit, partition: str, changes: Changes) -> Elsewhere:
        """Put the message into the changes, for its owner."""

    def wait(self, handed: Elsewhere, item: Admit) -> None:
        """It is committed: the asker waits for the owner."""

    def renew(self) -> None:
        """Learn what is ours now."""


@dataclass
class Detected:
    """Findings up to a position of the readings log; committed together with that position."""

    before: Position | None
    upto: Position
    messages: list[tuple[Any, str]]
    lane: Lane = Lane.FINDINGS
    future: Future[Any] = field(default_factory=Future)


@dataclass
class Tick:
    """The clock's word. Fires due timers when `deadlines` says that the clock can be trusted."""

    now: int
    deadlines: bool = True
    persist: bool = False
    lane: Lane = Lane.ACTS
    future: Future[Any] = field(default_factory=Future)


@dataclass
class Books:
    """Bookkeeping: rows that are no decision."""

    job: Job
    lane: Lane = Lane.BOOKS
    future: Future[Any] = field(default_factory=Future)


Item = Admit | Detected | Tick | Books


def messages_of(item: Item) -> list[tuple[Any, str]]:
    """What an item wants admitted, each with its origin; nothing for ticks and bookkeeping."""
    if isinstance(item, Admit):
        return [(item.message, item.origin)]
    return item.messages if isinstance(item, Detected) else []


@dataclass
class _Flight:
    """A group that is decided and written, and whose sync is on its way."""

    items: list[Item]
    results: list[Any]
    changes: Changes
    started: float
    done: Future[int]


class Writer(threading.Thread):
    """Owns the store's write side. `now` is the time of the last admitted tick."""

    def __init__(
        self,
        store: Store,
        handler: Handler,
        accounting: Accounting,
        *,
        group_size: int = 400,
        limit: int = 20_000,
        on_fatal: Callable[[BaseException], None] | None = None,
        perf: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(name="writer", daemon=True)
        self.store = store
        self.handler = handler
        self.accounting = accounting
        self.group_size = group_size
        self.limit = limit
        self.now = int(store.meta("now") or 0)
        self.groups = 0
        self._perf = perf
        self._on_fatal = on_fatal
        self._lanes: tuple[deque[Item], ...] = (deque(), deque(), deque())
        self._wake = threading.Condition()
        self._nap = threading.Event()
        self._stopping = False
        self._busy = False
        self._writing: list[Item] = []
        self._flight: _Flight | None = None
        self._committer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._watched: set[tuple[Step, str]] = set()
        self._buried: set[str] = set()
        #: Set once an error was met that no dead letter can hold; from then on nothing is taken.
        self.failed: BaseException | None = None
        self.listeners: list[Callable[[Changes], None]] = []
        #: Set where several processes decide over one store.
        self.share: Sharing | None = None
        #: The partitions of which everything due has been fired; only about these is anything else decided.
        self._ours: Mapping[str, int] = {}
        self._deadlines = False  #: whether the last tick could be trusted

    # The queue's side.

    def submit(self, item: Item) -> Future[Any]:
        """Queue an item. Raises Busy where its lane is full: nothing was accepted then; Fatal once
        the writer has failed, because waiting would not help."""
        with self._wake:
            if self.failed is not None:
                raise Fatal("writer.stopped")
            lane = self._lanes[item.lane]
            if self._stopping or len(lane) >= self.limit:
                raise Busy("queue.full", retry_after=1)
            # Accepted: whoever waits may leave, but can no longer cancel it.
            item.future.set_running_or_notify_cancel()
            lane.append(item)
            self._enter(item)
            self._wake.notify()
        return item.future

    def _enter(self, item: Item) -> None:
        """Into the books, and a look at the real queues for whoever checks the books."""
        for message, origin in messages_of(item):
            place = (step_for(message), origin)
            if place not in self._watched:
                self._watched.add(place)
                self.accounting.watch(*place, partial(self._held, *place))
            self.accounting.enter(*place)

    def _held(self, step: Step, origin: str) -> int:
        """Messages of a step and origin that really wait here or are being written."""
        with self._wake:
            items = [item for lane in self._lanes for item in lane]
            items += [item for item in self._writing if not item.future.done()]
        return sum(o == origin and step_for(m) == step for item in items for m, o in messages_of(item))

    def idle(self) -> bool:
        """True where nothing waits and nothing is being written."""
        with self._wake:
            return not self._busy and not any(self._lanes)

    def waiting(self) -> int:
        """Items in the lanes."""
        with self._wake:
            return sum(len(lane) for lane in self._lanes)

    def stop(self) -> None:
        """Write what is queued, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self.is_alive():
            self.join()

    # The thread's side.

    def run(self) -> None:
        """Groups until stopped; an error that even a dead letter cannot hold ends the process."""
        while True:
            items = self._gather()
            if items is None:
                self._committer.shutdown()
                return
            try:
                self._go(items)
            except BaseException as error:
                log.error("writer.fatal", error)
                self._fail(list(self._writing), error)
                return
            finally:
                with self._wake:
                    self._writing = list(self._flight.items) if self._flight else []
                    self._busy = self._flight is not None

    def _fail(self, items: list[Item], error: BaseException) -> None:
        """Nothing that waits is answered as done, and nothing more is taken."""
        with self._wake:
            self.failed = error
            waiting = [*items, *(item for lane in self._lanes for item in lane)]
        for item in waiting:
            if not item.future.done():
                item.future.set_exception(error)
        if self._on_fatal is not None:
            self._on_fatal(error)

    def _gather(self) -> list[Item] | None:
        """Up to a group of items; a tick is a group of its own."""
        with self._wake:
            while not any(self._lanes):
                if self._flight is not None:
                    return []
                if self._stopping:
                    return None
                self._wake.wait(0.5)
            self._busy = True
            group = self._next_group()
            self._writing += group
            return group

    def _next_group(self) -> list[Item]:
        group: list[Item] = []
        size = 0
        for lane in self._lanes:
            while lane and size < self.group_size:
                if isinstance(lane[0], Tick) and group:
                    return group
                item = lane.popleft()
                group.append(item)
                size += len(item.messages) if isinstance(item, Detected) else 1
                if isinstance(item, Tick):
                    return group
        return group

    def _go(self, items: list[Item]) -> None:
        """Decide a group while the one before is on its way to the disk; then send it after.

        Whatever goes wrong, both are decided again, one after the other, by `write`.
        """
        if not items or isinstance(items[0], Tick):
            self._land()
            if items:
                self.write(items)
            return
        results: list[Any] | None = None
        try:
            results = self._decide(items, following=self._flight is not None)
        except Fatal:
            raise
        except _Behind:
            pass
        except Exception as error:
            log.error("writer.decide_failed", error, count=len(items))
        if not self._land() or results is None:
            self.handler.forget()
            self.write(items)
            return
        try:
            self._depart(items, results)
        except Fatal:
            raise
        except Exception:
            self.handler.forget()
            self.write(items)

    def _depart(self, items: list[Item], results: list[Any]) -> None:
        """Write the group into a transaction; where others wait, its sync goes on beside them."""
        changes = self._take()
        if not changes:
            self._answer(items, results)
            return
        started = self._perf()
        finish = self.store.stage(changes)
        with self._wake:
            alone = not any(self._lanes)
        if alone:
            finish()
            self._arrived(items, results, changes, started)
        else:
            self._flight = _Flight(items, results, changes, started, self._committer.submit(finish))

    def _land(self) -> bool:
        """Wait for the group that is on its way, and answer it. False where it had to be decided again."""
        flight, self._flight = self._flight, None
        if flight is None:
            return True
        try:
            flight.done.result()
        except Exception as error:
            log.error("writer.commit_failed", error, count=len(flight.items))
            self.handler.forget()
            self.write(flight.items)
            return False
        self._arrived(flight.items, flight.results, flight.changes, flight.started)
        return True

    def _arrived(self, items: list[Item], results: list[Any], changes: Changes, started: float) -> None:
        """It is durable: tell who listens, then who asked."""
        self._committed(changes, started)
        self._answer(items, results)

    def write(self, items: list[Item]) -> None:
        """Decide and store one group. For the writer's thread, and for start-up before it runs."""
        if isinstance(items[0], Tick):
            self._tick(items[0])
            return
        for race in range(_RACES):
            try:
                # Who has lost once waits for its turn before it decides, or it might lose for ever.
                with self.store.turn() if race else nullcontext():
                    results = self._decide(items)
                    self._commit()
            except Fatal:
                raise
            except _Behind:
                self._catch_up()
                continue
            except Exception as error:
                if self._try_again(error):
                    continue
                self._bisect(items, error)
                return
            self._answer(items, results)
            return
        raise Broken("writer.always_raced", count=_RACES)

    def _try_again(self, error: Exception) -> bool:
        """Forget what was decided. Whether the same may go well next time, because nothing was wrong with
        what was asked."""
        away = isinstance(error, Unreachable)
        lost = isinstance(error, Conflict) and error.key in _LEASES
        if away:
            self._nap.wait(_PAUSE_S)
        try:
            self.handler.forget()
            if lost and self.share is not None:
                self.share.renew()
        except Unreachable:
            return True
        return away or lost or (isinstance(error, Conflict) and error.key == "journal.raced")

    def _bisect(self, items: list[Item], error: Exception) -> None:
        """A transaction failed: find who did it; the neighbours commit."""
        log.error("writer.bisect", error, count=len(items))
        if len(items) > 1:
            middle = len(items) // 2
            self.write(items[:middle])
            self.write(items[middle:])
            return
        item = items[0]
        count = len(messages_of(item))
        # The findings of one record and its position are one transaction, so it cannot be cut: each
        # message in turn is left out, and only where that does not help all of them are.
        for left_out in [{place} for place in range(count)] if count > 1 else []:
            try:
                results = self._decide_without(item, left_out, error)
                self._commit()
            except Fatal:
                raise
            except Exception:
                self.handler.forget()
            else:
                self._answer([item], [results])
                return
        results = self._decide_without(item, range(count), error)
        if isinstance(item, Received):
            self.handler.pending.answered[item.id] = pack(results[0])
        self._commit()
        self._answer([item], [results if isinstance(item, Detected) else next(iter(results), error)])

    def _decide_without(self, item: Item, left_out: Collection[int], error: Exception) -> list[Any]:
        """Decide an item's messages anew; those left out become dead letters."""
        self.handler.begin()
        if isinstance(item, Detected):
            self.handler.pending.consumed = (item.before, item.upto)
        return [
            self._bury(message, origin, error) if place in left_out else self._admit(message, origin)
            for place, (message, origin) in enumerate(messages_of(item))
        ]

    def _decide(self, items: list[Item], following: bool = False) -> list[Any]:
        self.handler.begin(following)
        if self.share is not None:
            self._know_the_time(items, self.share)
        admitted = [item for item in items if isinstance(item, Admit)]
        self.handler.prefetch([item.message for item in admitted], [item.origin for item in admitted])
        return [self._decide_one(item) for item in items]

    def _know_the_time(self, items: list[Item], share: Sharing) -> None:
        """Time does not go back from one process to the next: the newest that anybody has admitted is ours
        too. But what has become due with it, or with cases that came to us, goes before what people do."""
        timers = all(isinstance(item, Admit) and isinstance(item.message, TimerFired) for item in items)
        books = all(isinstance(item, Books) for item in items)
        if not timers and not books and (share.owned() != self._ours or self.handler.now > self.now):
            raise _Behind
        self.now = max(self.now, self.handler.now)

    def _catch_up(self) -> None:
        self.now = max(self.now, self.handler.now)
        self._ours = self.share.owned() if self.share is not None else {}
        if self._deadlines:
            self._fire()

    def _decide_one(self, item: Item) -> Any:
        if isinstance(item, Admit):
            if self.share is not None:
                partition = self.share.place(item.message)
                fired = isinstance(item.message, TimerFired)
                epoch = (self.share.owned() if fired else self._ours).get(partition)
                if partition and epoch is None:
                    return self._not_ours(item, partition, self.share)
                if epoch is not None:
                    self.handler.pending.fences[partition] = epoch
            answer = self._admit(item.message, item.origin)
            if isinstance(item, Received):
                self.handler.pending.answered[item.id] = pack(answer)
            if item.extra is not None and isinstance(answer, Answer) and not answer.repeated:
                item.extra(self.handler.pending)
            return answer
        if isinstance(item, Detected):
            self.handler.pending.consumed = (
                self.handler.pending.consumed[0] if self.handler.pending.consumed else item.before,
                item.upto,
            )
            return [self._admit(message, origin) for message, origin in item.messages]
        assert isinstance(item, Books)
        return item.job(self.handler.pending)

    def _not_ours(self, item: Admit, partition: str, share: Sharing) -> Elsewhere | None:
        """A timer is left to its owner, and so is what was handed over and has moved on meanwhile."""
        if isinstance(item, Received) or isinstance(item.message, TimerFired):
            return None
        handed = share.hand(item, partition, self.handler.pending)
        if item.extra is not None:
            item.extra(self.handler.pending)
        return handed

    def _admit(self, message: Any, origin: str) -> Any:
        """The answer, or the exception that the asker gets; a message that fails alone is buried."""
        try:
            return self.handler.admit(message, origin, self.now)
        except Conflict as error:
            return error
        except (Fatal, Unreachable):
            raise
        except Exception as error:
            log.error("writer.buried", error, source=origin)
            return self._bury(message, origin, error)

    def _bury(self, message: Any, origin: str, error: Exception) -> Exception:
        record = record_message(message)
        policy = self.handler.policy
        made = make_id("dead", policy.city.key, policy.mode, record.type, bytes(record.data).decode())
        text = (
            f"{type(error).__name__} {error.key}"
            if isinstance(error, LiandongError)
            else type(error).__name__
        )
        self.handler.pending.dead.append(
            DeadLetter(id=made, at=self.now, type=record.type, body=bytes(record.data), error=text)
        )
        buried = Broken("writer.dead_letter", id=made)
        buried.__cause__ = error
        return buried

    def _take(self) -> Changes:
        changes = self.handler.take()
        if changes:
            changes.meta["now"] = str(self.now)
        return changes

    def _commit(self) -> None:
        changes = self._take()
        if changes:
            started = self._perf()
            self.store.commit(changes)
            self._committed(changes, started)

    def _committed(self, changes: Changes, started: float) -> None:
        self.groups += 1
        self.accounting.observe_commit(self._perf() - started)
        for listener in self.listeners:
            try:
                listener(changes)
            except Exception as error:  # it is committed: whoever listens cannot undo it
                log.error("writer.listener_failed", error)

    def _answer(self, items: list[Item], results: list[Any]) -> None:
        for item, result in zip(items, results, strict=True):
            found = result if isinstance(item, Detected) else [result]
            for (message, origin), one in zip(messages_of(item), found, strict=False):
                self._account(message, origin, one)
            if isinstance(result, Elsewhere) and isinstance(item, Admit) and self.share is not None:
                self.share.wait(result, item)
            elif isinstance(result, Exception):
                item.future.set_exception(result)
            else:
                item.future.set_result(result)

    def _account(self, message: Any, origin: str, result: Any) -> None:
        step = step_for(message)
        if isinstance(result, Conflict):
            self.accounting.reject(step, origin, result.key)
        elif isinstance(result, Exception):
            self.accounting.bury(step, origin)
        elif isinstance(result, Answer) and result.status == "refused":
            self.accounting.reject(step, origin, result.key)
        else:
            self.accounting.pass_on(step, origin)

    def _tick(self, tick: Tick) -> None:
        """Advance `now`; fire timers in groups until none is due. A store that does not answer leaves what
        is left to the next tick."""
        try:
            tick.future.set_result(self._advance(tick))
        except Unreachable as error:
            log.error("writer.tick_failed", error)
            tick.future.set_exception(error)

    def _keep_now(self, changes: Changes) -> None:
        changes.meta["now"] = str(self.now)

    def _advance(self, tick: Tick) -> int:
        self.now = max(self.now, tick.now)
        self._deadlines = tick.deadlines
        self._ours = self.share.owned() if self.share is not None else {}
        fired = self._fire() if tick.deadlines else 0
        if tick.persist:
            self.write([Books(self._keep_now)])
        return fired

    def _fire(self) -> int:
        """Fire what is due, in groups, until nothing is; how many."""
        fired: set[tuple[str, int]] = set()
        while True:
            # Timers that cannot go are still among the first that are due.
            found = self.store.due_timers(self.now, self.group_size + len(self._buried))
            due = [row for row in found if row.id not in self._buried]
            # A timer whose message was buried, or changed nothing, is still there and would fire for ever.
            stuck = {row.id for row in due if (row.id, row.due) in fired}
            if stuck:
                log.warning("writer.timers_stuck", count=len(stuck))
                self._buried |= stuck
                continue
            if not due:
                break
            items = [Admit(TimerFired(case=row.case, timer=row.id, due=row.due), "clock") for row in due]
            for item in items:
                self._enter(item)
            self._writing = list(items)
            self.write(list(items))
            # One that went to another process meanwhile was not fired, and may come back.
            gone = {item.message.timer for item in items if _left_alone(item)}
            fired |= {(row.id, row.due) for row in due if row.id not in gone}
        return len(fired)


def _left_alone(item: Admit) -> bool:
    return item.future.done() and item.future.exception() is None and item.future.result() is None
