"""The demonstration in virtual time: devices send, people act, time moves on only when all is quiet.

Its position is the last admitted tick. Everything else is a function of the seed and of what the
city has stored, so a run that was killed anywhere goes on as if it had not been.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import httpx
import msgspec

from liandong.app.clock import VirtualClock, perf
from liandong.app.platform import Platform
from liandong.core.values.access import Session
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.errors import LiandongError
from liandong.core.values.times import HOUR, MINUTE
from liandong.sim.devices import DeviceMessage
from liandong.sim.officers import Intent, Officers

_decoder = msgspec.json.Decoder(CaseState)
#: After the last message the city works on until all cases are archived, at most so long.
_AFTERMATH = 72 * HOUR
_WAIT_S = 120.0


class Turning(Protocol):
    """What turns the crank of books: roots and snapshots."""

    platform: Platform

    def keep_books(self, now: int) -> None: ...


class Stuck(LiandongError):
    """The city did not come to rest."""


class Agenda:
    """One run of a script against a city that listens on HTTP."""

    def __init__(
        self,
        city: Turning,
        clock: VirtualClock,
        client: httpx.Client,
        script: tuple[DeviceMessage, ...],
        officers: Officers,
        start: int,
        pause: Callable[[int, int], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.city = city
        self.platform = city.platform
        self.clock = clock
        self.client = client
        self.script = script
        self.officers = officers
        self.start = start
        self.end = max([start, *(m.at for m in script)])
        self.run: Counter[str] = Counter()
        self._pause = pause
        self._progress = progress
        self._tokens: dict[Session, str] = {}
        self._next = 0
        self._nap = threading.Event()

    @property
    def store(self) -> Any:
        """The city's store, for looking only."""
        return self.platform.store

    def play(self) -> int:
        """Play to the end; returns the virtual time at which all was done."""
        position = max(self.start, int(self.store.meta("now") or 0))
        self.clock.set(max(position, self.clock.read().now))
        # Messages of the very moment may or may not have been answered before a kill: they are sent again.
        self._next = sum(m.at < position for m in self.script)
        now = position
        while True:
            self._tick(now)
            self._send_due(now)
            self._act_due(now)
            self.city.keep_books(now)
            if self._progress:
                self._progress(now)
            following = self._following(now)
            if following is None:
                return now
            if self._pause:
                self._pause(now, following)
            now = following
            self.clock.set(now)

    def _tick(self, now: int) -> None:
        self.platform.tick(persist=True).result(_WAIT_S)
        self._settle()

    def _settle(self) -> None:
        """Wait until every frame is acknowledged, queues are empty, the outbox drained or waiting."""
        deadline = perf() + _WAIT_S
        calm = 0
        while calm < 2:
            calm = calm + 1 if self.platform.quiet() else 0
            if perf() > deadline:
                raise Stuck("agenda.stuck", queued=self.platform.writer.waiting())
            if not calm:
                self._nap.wait(0.0005)

    # Devices.

    def _send_due(self, now: int) -> None:
        while self._next < len(self.script) and self.script[self._next].at <= now:
            message = self.script[self._next]
            self._send(message)
            self._settle()
            self._next += 1

    def _send(self, message: DeviceMessage) -> None:
        token = self._token(Session(source=message.source))
        answer = self.client.post(
            "/api/v1/readings",
            content=message.body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        self.run["messages_sent"] += 1
        if answer.status_code in (200, 201):
            body = answer.json()
            self.run["duplicates"] += bool(body.get("duplicate"))
            self.run["rows_refused"] += len(body.get("errors", ()))
        elif answer.status_code in (400, 413, 422):
            self.run["messages_refused"] += 1
        else:
            raise Stuck("agenda.device_refused", status=answer.status_code)

    def _token(self, session: Session) -> str:
        if session not in self._tokens:
            self._tokens[session] = self.platform.issue_token(session, days=60)
        return self._tokens[session]

    # People.

    def _cases(self) -> Iterator[CaseState]:
        """Cases in which somebody still has something to do."""
        for row in self.store.states("case"):
            if row.stage not in ("archived", "cancelled") and row.body is not None:
                yield _decoder.decode(row.body)

    def _intents(self) -> list[Intent]:
        found = []
        for case in self._cases():
            for order in case.orders.values():
                if order.status in LIVE:
                    intent = self.officers.intent(case, order)
                    if intent is not None:
                        found.append(intent)
        return sorted(found, key=lambda intent: intent.rank)

    def _act_due(self, now: int) -> None:
        while True:
            due = [intent for intent in self._intents() if intent.at <= now]
            if not due:
                return
            self._act(due[0], now)
            self._settle()

    def _act(self, intent: Intent, now: int) -> None:
        row = self.store.load([f"case:{intent.case}"])[f"case:{intent.case}"]
        case = _decoder.decode(row.body)
        order = case.orders[intent.order]
        duty = self.platform.handler.policy.city.on_duty(order.post, now)
        person = duty.person if duty is not None else order.person
        token = self._token(Session(person=person, post=order.post))
        answer = self.client.post(
            f"/api/v1/cases/{intent.case}/acts/{intent.action.value}",
            json=intent.body,
            headers={
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": f"{intent.key}:{case.version}",
                "If-Match": f'"{case.version}"',
            },
        )
        self.run["acts_sent"] += 1
        if answer.status_code != 200:
            raise Stuck(
                "agenda.act_refused", status=answer.status_code, action=intent.action, body=answer.text[:300]
            )

    # Time.

    def _following(self, now: int) -> int | None:
        """The next moment at which anything happens; None where nothing will."""
        moments = [intent.at for intent in self._intents()]
        if self._next < len(self.script):
            moments.append(self.script[self._next].at)
        for moment in (self.store.next_timer(), self.store.next_outbox()):
            if moment is not None:
                moments.append(moment)
        later = [max(moment, now + 1) for moment in moments]
        if now < self.end + 2 * HOUR:
            # Silent sources settle by ticks even when nothing else happens.
            later.append(now + 10 * MINUTE)
        if not later or min(later) > self.end + _AFTERMATH:
            return None
        return min(later)
