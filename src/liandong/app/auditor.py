"""The auditor at work: looks every few minutes whether what was due has happened, and rings elsewhere if not.

It trusts neither the timers nor the outbox: it reads what is due and what was told, and compares with what
came of it. What it finds becomes the platform's own alarm and one more delivery over a channel that has
not been tried, to the person who was to be told, or, where that is nobody, to the centre.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from liandong.app.audit import DELIVERY_GRACE, GRACE
from liandong.app.bounded import Newest
from liandong.app.handle import Handler
from liandong.app.logs import get_logger
from liandong.app.ports import Changes, Channel, OutboxRow, Store
from liandong.app.selfwatch import SOURCE, messages
from liandong.app.writer import Admit, Books, Writer
from liandong.core.mechanism.resolve import centre_of, person_for
from liandong.core.values.ids import make_id
from liandong.core.values.journal import EntryKind
from liandong.core.values.lists import Outcome
from liandong.core.values.times import HOUR, MINUTE

log = get_logger("auditor")
#: A rule of the city that turns what the auditor finds into an alarm of the platform.
AUDIT_RULE = "self.audit"
_EVERY = 5 * MINUTE
_BACK = HOUR  #: older news is the report's matter, not the auditor's
_MOST = 500
#: More than a coordinator rings for in the hour in which it looks back.
_MOST_RUNG = 20_000


class Auditor:
    """Looks, and rings. One per coordinator; a restart looks again at what is recent."""

    def __init__(
        self, store: Store, handler: Handler, writer: Writer, channels: Mapping[str, Channel]
    ) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._channels = channels
        self._next = 0
        #: (order, person) rung elsewhere since the start.
        self._rung: Newest[tuple[str, str], None] = Newest(_MOST_RUNG)

    def tick(self, now: int) -> None:
        """Look, if it is time again. What was due while nobody was awake is fired first."""
        if not self._next or now < self._next:
            self._next = self._next or now + _EVERY
            return
        self._next = now + _EVERY
        missed = self._store.due_timers(now - GRACE, _MOST)
        untold = self._untold(now)
        policy = self._handler.policy
        wrong = bool(missed or untold)
        for message in messages(
            policy, self._store, AUDIT_RULE, wrong, float(len(missed) + len(untold)), now
        ):
            self._writer.submit(Admit(message, SOURCE))
        if wrong:
            log.warning("auditor.found", missed=len(missed), untold=len(untold))
            self._writer.submit(Books(self._rings(untold, len(missed), now)))

    def _untold(self, now: int) -> list[OutboxRow]:
        """Recent news about orders that no channel has delivered within the grace."""
        found: dict[tuple[str, str], OutboxRow] = {}
        reached: set[tuple[str, str]] = set()
        marks = self._store.marks(0, _MOST, ("case",), self._store.last_position() + 1)
        cases = dict.fromkeys(mark.stream.partition(":")[2] for mark in marks if mark.now >= now - _BACK)
        for case in cases:
            for row, attempts in self._store.deliveries(case):
                if row.created < now - _BACK:
                    continue
                key = (row.order, row.recipient)
                outcomes = {attempt.outcome for attempt in attempts}
                if outcomes & {Outcome.DELIVERED, Outcome.WITHDRAWN}:
                    reached.add(key)
                elif (
                    row.template.startswith("tell.")
                    and row.created + DELIVERY_GRACE < now
                    and row.next_at <= now
                ):
                    found.setdefault(key, row)
        return [row for key, row in found.items() if key not in reached and key not in self._rung]

    def _rings(self, untold: Sequence[OutboxRow], missed: int, now: int) -> Callable[[Changes], None]:
        """The rows of the ringing, and a note of it in the journal."""

        def job(changes: Changes) -> None:
            policy = self._handler.policy
            for row in untold:
                self._rung[row.order, row.recipient] = None
                person = row.recipient
                tried = {r.channel for r, _ in self._store.deliveries(row.case) if r.recipient == person}
                others = [name for name in self._channels if name not in tried]
                if not others:
                    # Every channel was tried for this person: the centre has to walk there.
                    centre = person_for(policy, centre_of(policy), now)
                    person = centre.person if centre else ""
                    others = list(self._channels)[:1]
                if person:
                    changes.outbox += [self._row(row, person, name, now) for name in others]
            self._handler.note(
                EntryKind.SYSTEM, "system", now, "auditor.rang", missed=missed, untold=len(untold)
            )

        return job

    def _row(self, row: OutboxRow, person: str, channel: str, now: int) -> OutboxRow:
        policy = self._handler.policy
        made = make_id("out", policy.city.key, policy.mode, "audit", row.order, person, channel, now)
        return OutboxRow(
            id=made, order=row.order, case=row.case, recipient=person, channel=channel,
            template=row.template, params=row.params, mode=row.mode, created=now, next_at=now,
        )  # fmt: skip
