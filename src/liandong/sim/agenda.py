"""The demonstration in virtual time: devices send, people act, time moves on only when all is quiet.

Its position is the last admitted tick. Everything else is a function of the seed and of what the
city has stored, so a run that was killed anywhere goes on as if it had not been.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import httpx
import msgspec

from liandong.app.authority import MATTERS
from liandong.app.clock import VirtualClock, perf
from liandong.app.platform import Platform
from liandong.app.ports import Changes
from liandong.core.values.access import Session
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.errors import LiandongError
from liandong.core.values.times import HOUR, MINUTE
from liandong.sim.devices import DeviceMessage
from liandong.sim.frames import FrameLink
from liandong.sim.leaders import PowerIntent, of_case, of_matter
from liandong.sim.officers import Intent, Officers
from liandong.sim.script import Script

_decoder = msgspec.json.Decoder(CaseState)
#: After the last message the city works on until all cases are archived, at most so long.
AFTERMATH = 72 * HOUR
_WAIT_S = 120.0


class Turning(Protocol):
    """What turns the crank of books: roots and snapshots."""

    platform: Platform

    def keep_books(self, now: int) -> None: ...


class Stuck(LiandongError):
    """The city did not come to rest."""


class Agenda:
    """One run of a script against a city that listens on HTTP, and on TCP at `ports` by protocol."""

    def __init__(
        self,
        city: Turning,
        clock: VirtualClock,
        client: httpx.Client,
        script: Script,
        officers: Officers,
        start: int,
        *,
        ports: Mapping[str, int] | None = None,
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
        self.end = max(start, script.last)
        self.run: Counter[str] = Counter()
        self._ports = ports or {}
        self._links: dict[str, FrameLink] = {}
        self._pause = pause
        self._progress = progress
        self._tokens: dict[Session, str] = {}
        self._next = 0
        self._nap = threading.Event()
        self._desk = Desk(city.platform, officers)

    @property
    def store(self) -> Any:
        """The city's store, for looking only."""
        return self.platform.store

    def play(self) -> int:
        """Play to the end; returns the virtual time at which all was done."""
        position = max(self.start, int(self.store.meta("now") or 0))
        self.clock.set(max(position, self.clock.read().now))
        # Messages of the very moment may or may not have been answered before a kill: they are sent again.
        self._next = self.script.first_at(position)
        try:
            return self._play(position)
        finally:
            for link in self._links.values():
                link.close()

    def _play(self, now: int) -> int:
        while True:
            self._tick()
            self._send_due(now)
            self._act_due(now)
            # With the story the devices end, and nobody is to look for them.
            self.platform.devices.resting = now >= self.end
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

    def _tick(self) -> None:
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
        """One after the other, each durable before the next, so that the log has one order."""
        before = self._next
        while self._next < len(self.script) and self.script.moment(self._next) <= now:
            self._send(self.script.make(self._next))
            self._next += 1
        if self._next > before:
            self._settle()

    def _send(self, message: DeviceMessage) -> None:
        self.run["messages_sent"] += 1
        if message.protocol != "http":
            self._send_frame(message)
            return
        token = self._token(Session(source=message.source))
        answer = self.client.post(
            message.path,
            content=message.body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        if answer.status_code == 429:
            # The door is full: the gateway waits and sends the same bytes again.
            self.run["resends"] += 1
            self._nap.wait(float(answer.headers.get("Retry-After", "1")))
            self._send(message)
        elif answer.status_code in (200, 201):
            body = answer.json()
            self.run["duplicates"] += bool(body.get("duplicate"))
            self.run["rows_refused"] += len(body.get("errors", ()))
        elif answer.status_code in (400, 413, 422):
            self.run["messages_refused"] += 1
        else:
            raise Stuck("agenda.device_refused", status=answer.status_code)

    def _send_frame(self, message: DeviceMessage) -> None:
        """Over the device's own connection, until the city has acknowledged it."""
        if message.protocol not in self._ports:
            return
        if message.device not in self._links:
            port = self._ports[message.protocol]
            self._links[message.device] = FrameLink("127.0.0.1", port, message.protocol)
        link = self._links[message.device]
        before = link.resends
        try:
            link.send(message.body)
        except ConnectionError as error:
            raise Stuck("agenda.device_refused", status=str(error)) from error
        self.run["frames_sent"] += 1
        self.run["resends"] += link.resends - before

    def _token(self, session: Session) -> str:
        if session not in self._tokens:
            self._tokens[session] = self.platform.access.issue_token(session, days=60)
        return self._tokens[session]

    # People.

    def _act_due(self, now: int) -> None:
        while (intent := self._desk.first()) is not None and intent.at <= now:
            self._act(intent, now)
            self._settle()

    def _act(self, intent: Intent | PowerIntent, now: int) -> None:
        if isinstance(intent, PowerIntent):
            path = f"{intent.kind}s/{intent.id}/acts/{intent.action}"
            duty = self.platform.handler.policy.city.on_duty(intent.post, now)
            session = Session(person=duty.person if duty else "", post=intent.post)
            self._post(path, intent.body, session, intent.key, intent.version)
            return
        case = self._desk.cases[intent.case]
        order = case.orders.get(intent.order)
        post = order.post if order is not None else intent.post
        duty = self.platform.handler.policy.city.on_duty(post, now)
        person = duty.person if duty is not None else order.person if order is not None else ""
        session = Session(person=person, post=post)
        path = f"cases/{intent.case}/acts/{intent.action.value}"
        self._post(path, intent.body, session, intent.key, case.version)

    def _post(self, path: str, body: Any, session: Session, key: str, version: int) -> None:
        answer = self.client.post(
            f"/api/v1/{path}",
            json=body,
            headers={
                "Authorization": f"Bearer {self._token(session)}",
                "Idempotency-Key": f"{key}:{version}",
                "If-Match": f'"{version}"',
            },
        )
        self.run["acts_sent"] += 1
        if answer.status_code != 200:
            action, said = path.rpartition("/")[2], answer.text[:300]
            raise Stuck("agenda.act_refused", status=answer.status_code, action=action, body=said)

    # Time.

    def _following(self, now: int) -> int | None:
        """The next moment at which anything happens; None where nothing will."""
        moments = []
        first = self._desk.first()
        if first is not None:
            moments.append(first.at)
        if self._next < len(self.script):
            moments.append(self.script.moment(self._next))
        for moment in (self.store.next_timer(), self.store.next_outbox()):
            if moment is not None:
                moments.append(moment)
        later = [max(moment, now + 1) for moment in moments]
        if now < self.end + 2 * HOUR:
            # Silent sources settle by ticks even when nothing else happens.
            later.append(now + 10 * MINUTE)
        if not later or min(later) > self.end + AFTERMATH:
            return None
        return min(later)


class Desk:
    """Cases, warnings, responses and requests in which somebody still has something to do, kept up to date as
    the writer commits."""

    def __init__(self, platform: Platform, officers: Officers) -> None:
        self.cases: dict[str, CaseState] = {}
        self._platform, self._store = platform, platform.store
        self._officers = officers
        self._intents: dict[str, Sequence[Intent | PowerIntent]] = {}
        self._lock = threading.Lock()
        self._changed: set[str] = set()
        platform.writer.listeners.append(self._committed)
        for kind in ("case", *MATTERS):
            for row in self._store.states(kind):
                self._take(row)

    def _committed(self, changes: Changes) -> None:
        """In the writer's thread: remember only what is to be read again."""
        changed = {stream for stream, row in changes.streams.items() if row.kind in ("case", *MATTERS)}
        if changed:
            with self._lock:
                self._changed |= changed

    def _take(self, row: Any) -> None:
        id = row.stream.removeprefix("case:")
        self.cases.pop(id, None)
        self._intents.pop(id, None)
        if row.body is None:
            return
        policy, seed = self._platform.handler.policy, self._officers.seed
        if row.kind in MATTERS:
            state = msgspec.json.decode(row.body, type=MATTERS[row.kind])
            self._intents[id] = list(of_matter(policy, seed, state)) if state.id else []
            return
        case = _decoder.decode(row.body)
        found = [
            intent
            for order in case.orders.values()
            if order.status in LIVE and (intent := self._officers.intent(case, order)) is not None
        ]
        found += self._officers.beside(case)
        found += of_case(policy, seed, case)
        if found:
            self.cases[id] = case
            self._intents[id] = found

    def first(self) -> Intent | PowerIntent | None:
        """What is done next by anybody."""
        with self._lock:
            changed, self._changed = self._changed, set()
        if changed:
            for row in self._store.load(sorted(changed)).values():
                self._take(row)
        every = (intent for intents in self._intents.values() for intent in intents)
        return min(every, key=lambda intent: intent.rank, default=None)
