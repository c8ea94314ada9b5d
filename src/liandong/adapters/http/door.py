"""The short way in: a message of readings in which everything is right, straight from the server to the log.

Matching routes, injecting dependencies and writing models cost more than the readings of a small message.
So this stands before the application and takes such messages itself; whatever else comes, and whatever is
wrong with one, goes the ordinary way as if this were not there, and is told there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liandong.adapters.http import arrow
from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.core.ingest import MOST_BYTES, Decoded, decode_columns, decode_plain
from liandong.core.values.access import Session
from liandong.core.values.canonical import short_hash

#: In a request's scope: what became of a message that is taken already (`app.receiving.Taken`).
TAKEN = "liandong.taken"
#: A larger message is decoded in another thread, so that nobody else waits for it.
_AT_ONCE = 512 * 1024


class Door:
    """Stands before an application; `path` is the route whose messages it takes."""

    def __init__(
        self, app: ASGIApp, platform: Platform, path: str, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """`headers` are those that the application adds to each of its answers."""
        self.app = app
        self._platform, self._path = platform, path
        more = [("content-type", "application/json"), *headers]
        self._headers = [(name.lower().encode(), value.encode()) for name, value in more]
        self._bell: _Bell | None = None

    @property
    def state(self) -> Any:
        """The application's."""
        return getattr(self.app, "state", None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the message, or let the application answer."""
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "POST":
            session, stream = self._sender(scope["headers"])
            if session is not None:
                raw, receive = await _read(receive)
                future = await self._take(session, raw, stream) if raw is not None else None
                if future is not None:
                    receipt = await self._durable(future)
                    if receipt is not None:
                        await self._answer(send, receipt)
                        return
                    scope = {**scope, TAKEN: (future, ())}
        await self.app(scope, receive, send)

    def _sender(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[Session | None, bool]:
        """The source whose token was looked up a moment ago, and whether it sends an Arrow stream."""
        token, media = b"", b""
        for name, value in headers:
            if name == b"authorization":
                token = value
            elif name == b"content-type":
                media = value
        kind, _, credentials = token.partition(b" ")
        if kind.lower() != b"bearer":
            return None, False
        session = self._platform.access.known(credentials.strip().decode("latin-1"))
        return session, media.partition(b";")[0].strip().lower() == _MEDIA

    async def _take(self, session: Session, raw: bytes, stream: bool) -> Future[Receipt] | None:
        decode = self._arrow if stream else self._json
        if len(raw) <= _AT_ONCE:
            return self._platform.receiving.plain(session, raw, decode(raw))
        return await to_thread.run_sync(self._platform.receiving.plain, session, raw, decode(raw))

    def _json(self, raw: bytes) -> Callable[[str, int, int], Decoded | None]:
        channels = self._platform.receiving.channels
        return lambda source, arrival, now: decode_plain(raw, source, channels, arrival, now)

    def _arrow(self, raw: bytes) -> Callable[[str, int, int], Decoded | None]:
        channels = self._platform.receiving.channels

        def decode(source: str, arrival: int, now: int) -> Decoded:
            id, columns = arrow.read_readings(raw)
            return decode_columns(columns, id or short_hash(raw), source, channels, arrival, now)

        return decode

    async def _durable(self, future: Future[Receipt]) -> Receipt | None:
        """The receipt; None where there will be none. Whoever leaves cancels nothing."""
        loop = asyncio.get_running_loop()
        if self._bell is None or self._bell.loop is not loop:
            self._bell = _Bell(loop)
        return await self._bell.wait(future)

    async def _answer(self, send: Send, receipt: Receipt) -> None:
        position = f'"{receipt.position[0]}:{receipt.position[1]}"' if receipt.position else "null"
        accepted, again = (0, "true") if receipt.duplicate else (receipt.rows, "false")
        body = f'{{"accepted":{accepted},"duplicate":{again},"position":{position},"errors":[]}}'.encode()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 201, "headers": [length, *self._headers]})
        await send({"type": "http.response.body", "body": body})


_MEDIA = arrow.MEDIA.encode()


class _Bell:
    """Receipts come in groups from another thread; the loop is woken once for a group."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._come: deque[tuple[asyncio.Future[Receipt | None], Future[Receipt]]] = deque()
        self._rung = False

    def wait(self, future: Future[Receipt]) -> asyncio.Future[Receipt | None]:
        """Resolves with the receipt, or with None where there will be none."""
        waiter: asyncio.Future[Receipt | None] = self.loop.create_future()
        future.add_done_callback(lambda done: self._ring(waiter, done))
        return waiter

    def _ring(self, waiter: asyncio.Future[Receipt | None], done: Future[Receipt]) -> None:
        self._come.append((waiter, done))
        if not self._rung:
            self._rung = True
            try:
                self.loop.call_soon_threadsafe(self._tell)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _tell(self) -> None:
        self._rung = False  # first, so that whoever comes from here on rings again
        while self._come:
            waiter, done = self._come.popleft()
            if not waiter.done():
                waiter.set_result(None if done.cancelled() or done.exception() else done.result())


async def _read(receive: Receive) -> tuple[bytes | None, Receive]:
    """The whole body, None where it is too large or the sender left; and how to read the request again."""
    got: list[Message] = []
    size = 0
    while True:
        message = await receive()
        got.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or size > MOST_BYTES:
            return None, _again(got, receive)
        if not message.get("more_body", False):
            break
    raw = got[0]["body"] if len(got) == 1 else b"".join(message.get("body", b"") for message in got)
    return raw, _again(got, receive)


def _again(got: list[Message], receive: Receive) -> Receive:
    """What was received, once more, and then what follows."""
    left = deque(got)

    async def next_message() -> Message:
        return left.popleft() if left else await receive()

    return next_message
