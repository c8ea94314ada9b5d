"""One running city: what the doors (HTTP, adapters, the agenda) may ask and do.

It holds the machine and hands out one collaborator per kind of asking. Each takes a session or a scope;
nothing can be asked without one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from liandong.app.access import Access
from liandong.app.accounting import Accounting
from liandong.app.accounts import Accounts, SignInRules
from liandong.app.acts import Acts
from liandong.app.alarm_load import AlarmLoads
from liandong.app.alarms import Alarms
from liandong.app.announcements import Announcements
from liandong.app.auditor import Auditor
from liandong.app.authority import Authority
from liandong.app.bridge.desk import Bridges
from liandong.app.clock import TimeSource, perf
from liandong.app.curves import ArchiveHistory
from liandong.app.devices import Devices
from liandong.app.dispatch import DispatchBudget
from liandong.app.graded import GradedAlarms
from liandong.app.handle import Answer, Handler
from liandong.app.intake import Intake
from liandong.app.live import Live
from liandong.app.lookups import Lookups
from liandong.app.outbox import Outbox
from liandong.app.personal import Personal
from liandong.app.ports import Archive, History, Questions, Store
from liandong.app.precision import Precision
from liandong.app.presence import Presence
from liandong.app.publications import Publications
from liandong.app.receiving import Receiving
from liandong.app.rejected import Rejected
from liandong.app.rosters import Rosters
from liandong.app.shifts import Shifts
from liandong.app.vault import Vault
from liandong.app.waiting import Desk
from liandong.app.writer import Admit, Tick, Writer
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Capability
from liandong.core.values.messages import ClockConfirmed
from liandong.core.values.times import SECOND, format_time


class Platform:
    """The doors' view of the shell."""

    def __init__(
        self,
        store: Store,
        questions: Questions,
        handler: Handler,
        writer: Writer,
        intake: Intake,
        outbox: Outbox,
        vault: Vault,
        accounting: Accounting,
        clock: TimeSource,
        archive: Archive,
        confirm_clock: Callable[[bool, int | None], Any] | None = None,
        sign_in: SignInRules | None = None,
    ) -> None:
        self.store, self.questions, self.archive = store, questions, archive
        self.handler, self.writer, self.intake, self.outbox = handler, writer, intake, outbox
        self.vault, self.accounting, self.clock = vault, accounting, clock
        self._confirm_clock = confirm_clock

        self.access = Access(store, questions, handler, writer, clock)
        self.accounts = Accounts(store, writer, handler, clock, sign_in or SignInRules())
        self.rejected = Rejected(store, handler, writer, vault, accounting, clock, self.access)
        self.receiving = Receiving(handler, writer, intake, clock, self.access, self.rejected)
        self.graded = GradedAlarms(store, handler, writer, vault, self.access, self.rejected)
        self.acts = Acts(handler, writer, vault, self.access, self.rejected)
        self.shifts = Shifts(store, questions, handler, writer, vault, self.access.note)
        self.publications = Publications(store, handler, writer, vault, self.access)
        self.authority = Authority(store, handler, writer, vault, self.access)
        self.desk = Desk(self.authority, store, questions, lambda: handler.policy)
        self.alarms = Alarms(store, questions, handler, writer, vault, self.access)
        self.announcements = Announcements(store, handler, writer, vault, self.access)
        self.alarm_loads = AlarmLoads(store, lambda: handler.policy)
        self.rosters = Rosters(store, handler, writer, self.access)
        self.personal = Personal(store, handler, writer, vault, self.access)
        self.lookups = Lookups(store, questions, handler, writer, intake, self.access, self.personal)

        #: Where receivers keep orders in systems of their own; set by whoever knows those systems.
        self.bridges: Bridges | None = None
        #: How the devices fare that this process asks itself; set by whoever opens links to them.
        self.field_health: Callable[[], list[dict[str, Any]]] = list
        self.history: History = ArchiveHistory(archive, handler.policy)
        self.precision = Precision(store)
        self.devices = Devices(store, handler, writer, intake)
        self.dispatch = DispatchBudget(store, handler, writer)
        self.auditor = Auditor(store, handler, writer, outbox.channels)
        self.live = Live(store)
        self.presence = Presence(perf)
        writer.listeners += [self.precision.committed, self.live.committed]
        self.accounts.ended.append(self.live.end)

    # Time.

    def tick(self, persist: bool = False) -> Future[int]:
        """Admit the clock's word: timers, silent sources, retries."""
        reading = self.clock.read()
        future = self.writer.submit(Tick(reading.now, reading.deadlines, persist))
        self.intake.tick(reading.now)
        self.outbox.nudge()
        self.publications.tick(reading.now)
        return future

    def confirm_clock(
        self, session: Session, accept_wall: bool, difference: int | None = None
    ) -> Future[Answer]:
        """A person decides what time it is after a jump, having been shown the difference."""
        self.access.need(self.access.scope(session), Capability.CLOCK_CONFIRM)
        if self._confirm_clock is None:
            raise BadInput("clock.not_in_question")
        wall = self.clock.read()
        self._confirm_clock(accept_wall, difference)
        message = ClockConfirmed(by=session.post, accept_wall=accept_wall, wall=wall.now + wall.difference)
        return self.writer.submit(Admit(message, "system"))

    # Health.

    def not_ready(self) -> list[str]:
        """Names of the parts that do not work; empty is good."""
        try:
            self.store.last_position()
        except Exception:  # whatever a store may raise, it is not ready then
            return ["store"]
        return [] if self.writer.is_alive() else ["writer"]

    def quiet(self) -> bool:
        """Nothing is moving: queues empty, findings committed, outbox drained or waiting for a time."""
        return self.intake.idle() and self.writer.idle() and self.outbox.idle()

    def health(self) -> dict[str, Any]:
        """Figures for an operator."""
        reading = self.clock.read()
        return {
            "now": format_time(reading.now),
            "deadlines": reading.deadlines,
            "clock_anomaly": reading.anomaly,
            "clock_difference": reading.difference / SECOND,
            "clock_difference_us": reading.difference,
            "queued": self.writer.waiting(),
            "equation": self._violations(),
            "counts": self.questions.counts(),
            "position": self.store.last_position(),
        }

    def _violations(self) -> list[str]:
        """What the books say twice in a row: while messages move, one look may see a step half taken."""
        first = self.accounting.check()
        return [line for line in self.accounting.check() if line in first] if first else []
