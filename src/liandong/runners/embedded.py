"""One city in one process: the parts, their threads, and their rhythm."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from liandong.app.clock import Reading, Ticker
from liandong.app.coordinators import Coordinator
from liandong.app.intake import Intake
from liandong.app.logs import get_logger
from liandong.app.outbox import Outbox
from liandong.app.platform import Platform
from liandong.app.ports import AnchorPlace, Changes, Store
from liandong.app.retention import spans, thinning
from liandong.app.roots import anchor_pending, left_so_far, next_root
from liandong.app.selfwatch import SOURCE, clock_messages
from liandong.app.signing import Signer
from liandong.app.standing import StandingWatch
from liandong.app.writer import Admit, Books, Writer
from liandong.core.detect.warm import warm_up
from liandong.core.ingest.warm import warm_up as warm_up_ingest
from liandong.core.values.errors import Busy, Fatal
from liandong.core.values.journal import Root
from liandong.core.values.times import MINUTE, SECOND

log = get_logger("embedded")
#: After every moment.
FOREVER = 1 << 62


class Embedded:
    """Starts the threads in the order in which they need one another, and stops them in reverse."""

    def __init__(
        self,
        platform: Platform,
        signer: Signer,
        places: Sequence[AnchorPlace],
        *,
        root_interval_s: float,
        snapshot_interval_s: float,
        compaction_interval_s: float,
        close: Callable[[], None],
        coordinator: Coordinator | None = None,
    ) -> None:
        """`coordinator` is given where several processes share the store."""
        self.coordinator = coordinator
        self.platform = platform
        self.signer = signer
        self.places = places
        self._root_every = round(root_interval_s * SECOND)
        self._snapshot_every = round(snapshot_interval_s * SECOND)
        self._compact_every = round(compaction_interval_s * SECOND)
        self._close = close
        self._ticker: Ticker | None = None
        self._next_root = 0
        self._next_snapshot = 0
        self._next_compaction = 0
        self._anomaly: str | None = "?"  # not looked at yet: a restart may find an alarm to end
        self.replayed = 0
        self._notary = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notary")
        self._signing: Future[None] | None = None
        self._compacting: Future[None] | None = None
        self._archivist = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")
        self._last_root: Root | None = None
        self.standing = StandingWatch(platform.store, platform.handler, platform.writer)

    @property
    def store(self) -> Store:
        """The operational store."""
        return self.platform.store

    @property
    def writer(self) -> Writer:
        """The writer thread."""
        return self.platform.writer

    @property
    def intake(self) -> Intake:
        """The way of the readings."""
        return self.platform.intake

    @property
    def outbox(self) -> Outbox:
        """The deliveries."""
        return self.platform.outbox

    def start(self, tick_s: float | None = None) -> None:
        """Recover, then run; with `tick_s` the clock beats by itself, without it the agenda beats."""
        warm_up_ingest()  # or the first readings after a start would wait for the compiler
        warm_up()
        # What was made while starting lives as long as the process: the collector need not walk it
        # again and again, and it took a tenth of the writer's time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()  # `serve` keeps it off until here
        if self.coordinator is not None:
            self.coordinator.open()
        self.writer.start()
        self.replayed = self.intake.recover()
        self.intake.start()
        self.platform.receiving.condensing.recover()
        self.outbox.start()
        if self.platform.bridges is not None:
            self.platform.bridges.start()
        if self.coordinator is not None:
            self.coordinator.start()
        if tick_s is not None:
            self._ticker = Ticker(self.beat, self._missed, tick_s).start()

    def stop(self) -> None:
        """Finish what was accepted, sign a last root, end."""
        if self._ticker is not None:
            self._ticker.stop()
        # Two signatures at once would both be the next one.
        self._notary.shutdown(wait=True, cancel_futures=True)
        self._archivist.shutdown(wait=True, cancel_futures=True)
        if self.platform.bridges is not None:
            self.platform.bridges.stop()
        self.intake.stop()
        self.outbox.stop()
        if self.writer.is_alive():
            try:
                self.sign_root()
            except Exception as error:  # what is left has to be closed all the same
                log.error("embedded.no_last_root", error)
        self.writer.stop()
        if self.coordinator is not None:
            self.coordinator.stop()
        self._close()

    def beat(self) -> None:
        """One tick of the clock, and what is due with it."""
        with suppress(Busy):
            self.platform.tick()
        reading = self.platform.clock.read()
        if reading.anomaly != self._anomaly:
            self._clock_changed(reading)
        self.keep_books(reading.now, aside=True)

    def _clock_changed(self, reading: Reading) -> None:
        """The duty centre has to know, by the same way by which it hears of a leak."""
        policy = self.platform.handler.policy
        messages = clock_messages(policy, self.store, reading)
        if messages or self._anomaly != "?":
            log.warning("clock.anomaly", anomaly=reading.anomaly or "none", deadlines=int(reading.deadlines))
        with suppress(Busy):  # then the next beat says it
            for message in messages:
                self.writer.submit(Admit(message, SOURCE)).result()
            self._anomaly = reading.anomaly

    def _missed(self, error: Exception) -> None:
        log.error("clock.beat_failed", error)

    def keep_books(self, now: int, aside: bool = False) -> None:
        """Roots, snapshots and the auditor, each at its interval; `aside` signs in a thread of its own."""
        with suppress(Busy):  # then the next look says it
            self.platform.auditor.tick(now)
            self.platform.dispatch.tick(now)
            self.platform.devices.tick(now)
        if now >= self._next_root:
            self._next_root = now + self._root_every
            self._sign(aside)
        if now >= self._next_snapshot:
            self._next_snapshot = now + self._snapshot_every
            self.intake.snapshot()

        if not self._next_compaction:
            self._next_compaction = now + self._compact_every
        elif self._compaction_due(now) and (self._compacting is None or self._compacting.done()):
            self._next_compaction = now + self._compact_every
            self._compacting = self._archivist.submit(self._compact, now)
            if not aside:
                self._compacting.result()
        if self.standing.due(now) and (self.coordinator is None or self.coordinator.leads()):
            looking = self._archivist.submit(self._look_ahead, now)
            if not aside:
                looking.result()

    def _compaction_due(self, now: int) -> bool:
        """Every so often, and sooner where much waits; one that fails is not tried again at every tick."""
        last = self._next_compaction - self._compact_every
        return now >= self._next_compaction or (now >= last + MINUTE and self.platform.archive.crowded())

    def _look_ahead(self, now: int) -> None:
        """What was proven of the city is proven again every night, for the days ahead."""
        try:
            self.standing.look(now)
        except Exception as error:  # nobody waits for this, so nobody else would say it
            log.error("embedded.standing_failed", error)

    def _compact(self, now: int) -> None:
        """Closed segments become Parquet, and what is past its retention goes; the journal says what."""
        try:
            rows = self.platform.handler.policy.city.city.retentions
            made, gone = self.platform.archive.keep(now, spans(rows), thinning(rows))
        except Exception as error:  # nobody waits for this, so nobody else would say it
            log.error("embedded.compaction_failed", error)
            if isinstance(error, Fatal):
                # The log is whole; what a failed sync left of the history is not known, so no more of it.
                self._next_compaction = FOREVER
            return
        if gone:
            said = ", ".join(f"{kind} {count}" for kind, count in sorted(gone.items()))
            self.platform.access.note_system("system.retention", gone=said)
        log.info("embedded.compacted", files=made, removed=sum(gone.values()))

    def _sign(self, aside: bool) -> None:
        """A place that does not answer must hold up neither the ticks nor a second signature."""
        if not aside:
            self.sign_root()
        elif self._signing is None or self._signing.done():
            self._signing = self._notary.submit(self._sign_aside)

    def _sign_aside(self) -> None:
        try:
            self.sign_root()
        except Exception as error:  # nobody waits for this, so nobody else would say it
            log.error("embedded.root_failed", error)

    def sign_root(self) -> None:
        """Sign the heads that changed and leave the root at every anchor; one process does it for all."""
        if self.coordinator is not None and not self.coordinator.leads():
            self._last_root = None  # the next one may be another's
            return
        now = self.platform.clock.read().now
        root = next_root(self.store, self.signer, now, self._last_root)
        if root is not None:
            self._keep(Changes(roots=[root]))
            self._last_root = root
        if self.places:
            done = anchor_pending(self.store.roots(), self.places, left_so_far(self.store, self.places))
            for failure in done.failed:
                log.warning("anchor.failed", reason=failure.error, number=failure.number)
            self._keep(done.changes(now))

    def _keep(self, mine: Changes) -> None:
        def merge(changes: Changes) -> None:
            changes.roots += mine.roots
            changes.anchored += mine.anchored
            changes.meta |= mine.meta

        self.writer.submit(Books(merge)).result()
