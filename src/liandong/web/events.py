"""Live events (server-sent): that something happened, at which position, to which id; never what it was.

A stream filters with its own scope at the moment it delivers, keeps no more than one line for each
thing, and is told to begin anew where it cannot keep up. Its numbers are the journal's positions, so
a client goes on where it was, also after the server was killed.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from liandong.app.live import MOST_BEHIND, Batch, Listener, Said, may_know
from liandong.app.platform import Platform
from liandong.core.values.access import AccessScope
from liandong.core.values.errors import LiandongError
from liandong.core.values.times import format_time
from liandong.web.signin import Asker, SignedIn
from liandong.web.threads import ask, run

router = APIRouter()

PING_S = 10.0
#: A client that takes nothing for so long is gone, or as good as gone.
STUCK_S = 30.0
#: Things of which one stream has not yet told; beyond that the client loads everything anew.
MOST_PENDING = 1_000
#: Alarms that one stream tells of by name at a time; a storm's are told of in one line without an id.
MOST_ALARMS = 100
HEADERS = {
    "Cache-Control": "no-cache, no-store, no-transform",
    "X-Accel-Buffering": "no",  # proxies of one kind would wait for a full buffer …
    "Content-Encoding": "identity",  # … and others would pack it
}
_MEDIA = "text/event-stream; charset=utf-8"
#: Of one event; all fields are text, `data` that of a JSON object.
_EVENT_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "id", "data")},
}
_EVENT = {
    "description": "Events `ready`, `changed`, `presence`, `self_test`, `resync`, `ping` and `end`.",
    "content": {"text/event-stream": {"schema": _EVENT_SCHEMA}},
}


@router.get(
    "/events",
    tags=["live"],
    operation_id="listen",
    response_class=Response,
    responses={200: _EVENT},
    openapi_extra={
        "parameters": [
            {
                "name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"},
                "description": "Position after which to go on; browsers send it when they reconnect.",
                "example": "1024",
            }
        ]
    },
)  # fmt: skip
async def listen(
    request: Request,
    asker: SignedIn,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="Position after which to go on.")] = None,
) -> Response:
    """Positions and ids of what happens within the scope of the asker, until either side ends it."""
    last = request.headers.get("last-event-id", "")
    if last.isascii() and last.isdigit() and len(last) < 16:
        after = int(last)
    stream = EventStream(asker, after, getattr(request.app.state, "ping_s", PING_S))
    await stream.join()
    return stream


class EventStream(Response):
    """One client's stream. Everything but `_deliver` and `_close` happens on the event loop."""

    media_type = _MEDIA

    def __init__(self, asker: Asker, after: int | None, ping_s: float = PING_S) -> None:
        super().__init__(headers=HEADERS, media_type=_MEDIA)
        del self.headers["content-length"]
        self._asker, self._platform, self._after = asker, asker.platform, after
        self._ping_s = ping_s
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._scope = asker.scope
        self._policy = asker.platform.handler.policy
        self._position = 0
        self._pending: dict[tuple[str, str], int] = {}
        self._said: list[tuple[str, dict[str, Any]]] = []
        self._resync = ""
        self._end = ""
        self._ping = False
        self._listener = Listener(asker.key, self._deliver, self._close, asker.account)

    async def join(self) -> None:
        """Begin to listen. Raises Busy where the session has too many streams."""
        await run(lambda: self._platform.live.listen(self._listener))
        self._position = self._listener.start

    # From the reader's thread.

    def _deliver(self, batch: Batch) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there any more
            self._loop.call_soon_threadsafe(self._take, batch)

    def _close(self, key: str) -> None:
        def finish() -> None:
            self._end = self._end or key
            self._wake.set()

        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(finish)

    # On the loop.

    def _take(self, batch: Batch) -> None:
        """Keep what the asker may know of."""
        if not self._still_held():
            return
        scope = self._scope_now()
        for one in batch.happened:
            new = one.position > self._position
            if new and may_know(scope, one.kind, one.id, one.facts, one.now):
                # Put anew, so that the order stays that of the positions.
                self._pending.pop((one.kind, one.id), None)
                self._pending[one.kind, one.id] = one.position
        self._pending = _fewer(self._pending)
        self._position = max(self._position, batch.upto)
        for said in batch.said:
            self._hear(said, scope)
        if len(self._pending) + len(self._said) > MOST_PENDING:
            self._pending.clear()
            self._said.clear()
            self._resync = "slow"
        if self._pending or self._said or self._resync:
            self._wake.set()

    def _hear(self, said: Said, scope: AccessScope) -> None:
        if said.session:
            if said.session == self._asker.key:
                self._said.append((said.event, {"case": said.case, **said.data}))
        elif may_know(scope, "case", said.case, said.facts, scope.now):
            line = (said.event, {"case": said.case, **said.data})
            if line not in self._said:
                self._said.append(line)

    def _still_held(self) -> bool:
        """Whether the asker is still in the post; else the stream ends."""
        session = self._asker.session
        city = self._platform.handler.policy.city
        if session.post and not city.holds(session.person, session.post, self._platform.writer.now):
            self._end = self._end or "auth.post_not_held"
            self._wake.set()
            return False
        return True

    def _scope_now(self) -> AccessScope:
        """The scope at this moment; where the policy was changed, the client has to load anew."""
        policy = self._platform.handler.policy
        before, self._scope = self._scope, self._platform.access.scope(self._asker.session)
        if policy is not self._policy:
            self._policy = policy
            if before.grants != self._scope.grants or before.unit != self._scope.unit:
                self._resync = self._resync or "scope"
        return self._scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, the session ends, or the platform stops."""
        gone = asyncio.ensure_future(_left(receive))
        gone.add_done_callback(lambda _: self._wake.set())
        timer = self._loop.call_later(self._ping_s, self._ping_due)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._begin(send)
            while not gone.done() and not self._end:
                await self._wake.wait()
                self._wake.clear()
                if not gone.done():
                    await self._flush(send)
            if self._end and not gone.done():
                await self._send(send, _line("end", {"key": self._end}))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            pass  # it took nothing for too long: the server closes what is left of the connection
        finally:
            timer.cancel()
            self._timer_cancel()
            gone.cancel()
            self._platform.live.leave(self._listener)

    _next: asyncio.TimerHandle | None = None

    def _timer_cancel(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _ping_due(self) -> None:
        self._ping = True
        self._wake.set()
        self._next = self._loop.call_later(self._ping_s, self._ping_due)

    async def _begin(self, send: Send) -> None:
        """Where the stream stands, and what was missed, if that is not too much."""
        start = self._listener.start
        after = start if self._after is None else self._after
        first = _line("ready", {"position": min(after, start), "now": self._now()}, min(after, start))
        # Two kilobytes that say nothing: some proxies and old browsers hold back a shorter beginning.
        await self._send(send, b":" + b" " * 2048 + b"\nretry: 2000\n\n" + first)
        if after > start:
            await self._send(send, _line("resync", {"position": start, "why": "unknown"}, start))
        elif start - after > MOST_BEHIND:
            await self._send(send, _line("resync", {"position": start, "why": "too_old"}, start))
        elif after < start:
            await self._catch_up(send, after, start)

    async def _catch_up(self, send: Send, after: int, start: int) -> None:
        pages = self._platform.live.missed(after, start)
        while (batch := await ask(lambda: next(pages, None))) is not None:
            told = {
                (one.kind, one.id): one.position
                for one in batch.happened
                if may_know(self._scope_now(), one.kind, one.id, one.facts, one.now)
            }
            lines = [_changed(position, kind, id) for (kind, id), position in _fewer(told).items()]
            await self._send(send, b"".join(lines))

    async def _flush(self, send: Send) -> None:
        """Everything that is due, in the order of the positions."""
        if self._ping:
            await self._check()
        pending, self._pending = self._pending, {}
        said, self._said = self._said, []
        upto, resync, self._resync = self._position, self._resync, ""
        ping, self._ping = self._ping, False
        if self._end:
            return
        lines = []
        if resync:
            lines.append(_line("resync", {"position": upto, "why": resync}, upto))
            self._end = "live.slow" if resync == "slow" else self._end
        lines += [_changed(position, kind, id) for (kind, id), position in pending.items()]
        lines += [_line(event, data) for event, data in said]
        if ping:
            lines.append(_line("ping", {"now": self._now(), "position": upto}, upto))
        await self._send(send, b"".join(lines))

    async def _check(self) -> None:
        """With every ping: the session may have run out, or been ended by another process."""
        if not self._still_held():
            return
        platform, asker = self._platform, self._asker
        try:
            if asker.account:
                await ask(lambda: platform.accounts.visit_of(asker.key))
        except LiandongError as error:
            self._end = self._end or error.key

    async def _send(self, send: Send, data: bytes) -> None:
        if data:
            body = {"type": "http.response.body", "body": data, "more_body": True}
            await asyncio.wait_for(send(body), STUCK_S)

    def _now(self) -> str:
        return format_time(self._platform.clock.read().now)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _fewer(things: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Of more than a hundred alarms only the newest position, in the order of the positions."""
    alarms = [position for (kind, _), position in things.items() if kind == "alarm"]
    if len(alarms) <= MOST_ALARMS:
        return things
    kept = [(key, position) for key, position in things.items() if key[0] != "alarm"]
    return dict(sorted([*kept, (("alarm", ""), max(alarms))], key=lambda one: one[1]))


def _changed(position: int, kind: str, id: str) -> bytes:
    return _line("changed", {"position": position, "kind": kind, "id": id}, position)


def _line(event: str, data: dict[str, Any], id: int | None = None) -> bytes:
    """One event as the protocol has it (WHATWG HTML, server-sent events)."""
    head = f"event: {event}\n" + ("" if id is None else f"id: {id}\n")
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def close_streams(platform: Platform) -> None:
    """End every stream, so that a server that stops need not wait for them."""
    platform.live.close(wait=False)
