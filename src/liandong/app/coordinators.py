"""Several processes over one database: who works on which cases, and what one takes for another.

Each owns some of the partitions. It alone fires their timers, sends their deliveries and decides what
people do about their cases; what it owns is checked again within every transaction, so that a process
which slept through its lease writes nothing when it wakes. What comes in for a case of another one is
handed over through the database, and its answer comes back the same way.

Clocks of machines are not compared: a process counts as gone when, by one's own monotonic clock, its beat
has not moved for the length of a lease.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from liandong.app.clock import perf
from liandong.app.handle import Answer, read_message, record_message
from liandong.app.logs import get_logger
from liandong.app.partitions import PARTITIONS, partition_of
from liandong.app.ports import Changes, CoordinatorRow, HandedRow, Leases, Stake, Store
from liandong.app.said import unpack
from liandong.app.writer import Admit, Elsewhere, Received, Writer
from liandong.core.values.errors import Busy, Fatal, Unreachable
from liandong.core.values.events import EventRecord
from liandong.core.values.ids import make_id
from liandong.core.values.messages import Act, DeliveryReported, TimerFired
from liandong.core.values.times import HOUR

log = get_logger("coordinator")
#: How often what was handed over, and its answers, are looked for.
POLL_S = 0.05
#: After that an asker is told to ask again: the owner may have gone, and the next one will answer.
PATIENCE_S = 30.0
_BEATS_PER_LEASE = 5
_TIDY_S = 60.0
_BATCH = 200
#: Looks at one that does not move; a process that slept itself has to look more than once.
_LOOKS = 3
_record_decoder = msgspec.json.Decoder(EventRecord)
_record_encoder = msgspec.json.Encoder(order="sorted")


@dataclass
class _Seen:
    """Another process as it was when it last moved."""

    row: CoordinatorRow
    since: float
    looks: int = 0


@dataclass
class _Waiting:
    """Somebody who waits for the answer of another process."""

    future: Future[Any]
    until: float


class Coordinator(threading.Thread):
    """The part of a process that lives with the others. The writer asks it about every message."""

    def __init__(
        self,
        store: Store,
        leases: Leases,
        writer: Writer,
        name: str,
        *,
        lease_s: float,
        claimed: Callable[[], object] = lambda: None,
        news: Callable[[], object] = lambda: None,
        on_fatal: Callable[[BaseException], object] | None = None,
        clock: Callable[[], float] = perf,
    ) -> None:
        """`claimed` is called after partitions were gained, `news` when anybody has committed."""
        super().__init__(name="coordinator", daemon=True)
        self.store, self.leases, self.writer = store, leases, writer
        self.title = name
        self.lease_s = lease_s
        #: Called after partitions were gained, and when anybody has committed.
        self.claimed: Callable[[], object] = lambda: None
        self.news: Callable[[], object] = lambda: None
        self._on_fatal, self._clock = on_fatal, clock
        self._lock = threading.RLock()
        self._seen: dict[str, _Seen] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        self._taken: set[str] = set()
        self._stopped = threading.Event()
        self._next_beat = self._next_tidy = 0.0
        self._position = 0

    # What the writer asks.

    def place(self, message: Any) -> str:
        """The partition of a message; empty where it belongs to no case."""
        about_a_case = isinstance(message, (Act, TimerFired, DeliveryReported)) and message.case
        return partition_of(message.case) if about_a_case else ""

    def owned(self) -> Mapping[str, int]:
        """Our partitions now, each with its epoch."""
        return self._stake().owned

    def hand(self, item: Admit, partition: str, changes: Changes) -> Elsewhere:
        """Put a message into the changes for its owner; the same act again is the same row."""
        policy = self.writer.handler.policy
        data = _record_encoder.encode(record_message(item.message))
        said = (
            f"{item.message.id} {item.message.body_digest}"
            if isinstance(item.message, Act)
            else data.decode()
        )
        made = make_id("hand", policy.city.key, policy.mode, item.origin, said)
        changes.handed.append(
            HandedRow(
                id=made, partition=partition, number=0, origin=item.origin, sender=self.title, message=data,
                at=self.writer.now,
            )
        )  # fmt: skip
        return Elsewhere(made)

    def wait(self, handed: Elsewhere, item: Admit) -> None:
        """It is committed: the asker waits for the owner. Of a delivery nobody waits for the answer."""
        if isinstance(item.message, DeliveryReported):
            item.future.set_result(Answer())
            return
        with self._lock:
            self._waiting.setdefault(handed.id, []).append(_Waiting(item.future, self._clock() + PATIENCE_S))

    def renew(self) -> None:
        """A write was refused: learn what is ours now. Raises Fatal where another process has our name."""
        with self._lock:
            stake = self._stake()
            mine = next((row for row in self.leases.coordinators() if row.name == self.title), None)
            if mine is not None and mine.beat >= 0 and mine.epoch != stake.epoch:
                raise Fatal("coordinator.replaced", name=self.title)
            if mine is None or mine.beat < 0:
                log.warning("coordinator.was_buried", coordinator=self.title)
                self._join()
            else:
                self._learn(stake.epoch)

    # Its own life.

    def open(self) -> None:
        """Come in and take what is free, before the writer's thread runs."""
        with self._lock:
            self._join()
        self._balance()

    def run(self) -> None:
        """Beat, share, receive and answer until stopped."""
        while not self._stopped.wait(POLL_S):
            try:
                self.turn()
            except Fatal as error:
                log.error("coordinator.fatal", error)
                if self._on_fatal is not None:
                    self._on_fatal(error)
                return
            except Exception as error:  # the database may be away for a while
                log.error("coordinator.failed", error)
                self._stopped.wait(0.5)

    def turn(self) -> None:
        """One round."""
        now = self._clock()
        if now >= self._next_beat:
            self._next_beat = now + self.lease_s / _BEATS_PER_LEASE
            if not self.leases.beat(self.title, self._stake().epoch):
                self.renew()
            self._balance()
        self._receive()
        self._hand_back()
        position = self.store.last_position()
        if position != self._position:
            self._position = position
            self.news()
        if now >= self._next_tidy:
            self._next_tidy = now + _TIDY_S
            self.leases.tidy(self.writer.now - HOUR)

    def stop(self) -> None:
        """Give everything up; whoever still waits is told to ask again. Call it after the writer's end."""
        self._stopped.set()
        if self.is_alive():
            self.join()
        with self._lock:
            left = [one for waiting in self._waiting.values() for one in waiting]
            self._waiting.clear()
        for one in left:
            one.future.set_exception(_no_answer())
        self.leases.leave(self.title, self._stake().epoch)

    def leads(self) -> bool:
        """Whether this process does what is done once for all, such as signing the journal's roots."""
        return PARTITIONS[0] in self._stake().owned

    def _stake(self) -> Stake:
        return self.store.stake or Stake(self.title, 0, {})

    def _join(self) -> None:
        self._learn(self.leases.join(self.title, PARTITIONS))

    def _learn(self, epoch: int) -> None:
        """What the rows say that is ours."""
        rows = self.leases.leases().values()
        owned = {row.partition: row.epoch for row in rows if row.owner == self.title}
        before = self._stake().owned
        self.store.stake = Stake(self.title, epoch, owned)
        if owned.keys() - before.keys():
            self.claimed()

    def _balance(self) -> None:
        """Bury the dead, give up what is too much, take what is free."""
        with self._lock:
            live = 1 + sum(self._lives(row) for row in self.leases.coordinators() if row.name != self.title)
            fair = -(-len(PARTITIONS) // live)
            stake, rows = self._stake(), self.leases.leases()
            mine = sorted(row.partition for row in rows.values() if row.owner == self.title)
            free = sorted(row.partition for row in rows.values() if not row.owner)
            if len(mine) > fair:
                self.leases.release(self.title, stake.epoch, mine[fair:])
            elif free and len(mine) < fair:
                self.leases.claim(self.title, stake.epoch, free[: fair - len(mine)])
            self._learn(stake.epoch)

    def _lives(self, row: CoordinatorRow) -> bool:
        """Whether another one is there; one that has not moved for a lease is buried."""
        if row.beat < 0:
            self._seen.pop(row.name, None)
            return False
        now = self._clock()
        seen = self._seen.get(row.name)
        if seen is None or seen.row != row:
            self._seen[row.name] = _Seen(row, now)
            return True
        seen.looks += 1
        if now - seen.since < self.lease_s or seen.looks < _LOOKS:
            return True
        if self.leases.bury(row):
            log.warning("coordinator.buried", coordinator=row.name)
        del self._seen[row.name]
        return False

    def _receive(self) -> None:
        """Admit what others have taken for us, in order."""
        owned = list(self._stake().owned)
        for row in self.leases.handed(owned, _BATCH) if owned else ():
            if row.id in self._taken:
                continue
            item = Received(read_message(_record_decoder.decode(row.message)), row.origin, id=row.id)
            item.future.add_done_callback(partial(self._decided, row.id))
            self._taken.add(row.id)
            try:
                self.writer.submit(item)
            except Busy:
                self._taken.discard(row.id)
                return

    def _decided(self, id: str, _: Future[Any]) -> None:
        self._taken.discard(id)

    def _hand_back(self) -> None:
        """Tell those who wait what the owner has said."""
        now = self._clock()
        with self._lock:
            ids = list(self._waiting)
        said = self.leases.answers(ids) if ids else {}
        with self._lock:
            over = {id: self._waiting.pop(id) for id in said if id in self._waiting}
            late: list[_Waiting] = []
            for id, waiting in list(self._waiting.items()):
                late += [one for one in waiting if one.until <= now]
                self._waiting[id] = [one for one in waiting if one.until > now]
                if not self._waiting[id]:
                    del self._waiting[id]
        for id, waiting in over.items():
            result = unpack(said[id])
            for one in waiting:
                if isinstance(result, Answer):
                    one.future.set_result(result)
                else:
                    one.future.set_exception(result)
        for one in late:
            one.future.set_exception(_no_answer())


def _no_answer() -> Unreachable:
    return Unreachable("coordinator.no_answer", retry_after=2)
