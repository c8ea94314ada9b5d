"""A telephone exchange that rings nobody: it speaks the protocol of `adapters/voice` over real HTTP.

What happens to a call is decided by the last digit of the number, or by what `script` says of it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from liandong.core.values.lists import CallOutcome

#: Last digit → what happens; all others answer.
_BY_DIGIT = {"8": CallOutcome.BUSY, "9": CallOutcome.NO_ANSWER}


@dataclass
class Call:
    """One call: rung once, asked for as often as somebody likes."""

    number: str
    words: str
    language: str
    rings: int = 1
    asked: int = 0
    ends: CallOutcome = CallOutcome.ANSWERED
    by: str = ""


@dataclass
class Exchange:
    """Rings for `rings` questions, then says what came of the call. `script`: number → (outcome, who)."""

    token: str
    rings: int = 2
    script: Mapping[str, tuple[CallOutcome, str]] = field(default_factory=dict)
    #: Fall silent after having taken this many calls, as a machine does whose power fails.
    dies_after: int | None = None

    def __post_init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.exchange = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Exchange:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, asked: Mapping[str, Any]) -> tuple[int, dict[str, str]] | None:
        """Ring, once for each call; None = say nothing and hang up."""
        number, id = str(asked["number"]), str(asked["call"])
        with self._lock:
            known = self.calls.get(id)
            if known is None:
                usual = (_BY_DIGIT.get(number[-1:], CallOutcome.ANSWERED), "")
                ends, by = self.script.get(number, usual)
                self.calls[id] = Call(
                    number, str(asked["words"]), str(asked["language"]), ends=ends, by=by
                )  # fmt: skip
            if self.dies_after is not None and len(self.calls) > self.dies_after:
                return None
            return 201 if known is None else 200, self._said(self.calls[id])

    def look(self, id: str) -> tuple[int, dict[str, str]]:
        """What has become of a call."""
        with self._lock:
            call = self.calls.get(id)
            if call is None:
                return 404, {}
            call.asked += 1
            return 200, self._said(call)

    def _said(self, call: Call) -> dict[str, str]:
        over = call.asked >= self.rings
        return {"state": call.ends if over else CallOutcome.RINGING, "by": call.by if over else ""}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    exchange: Exchange


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(lambda exchange: exchange.take(json.loads(raw)))

    def do_GET(self) -> None:
        self._answer(lambda exchange: exchange.look(self.path.rsplit("/", 1)[-1]))

    def _answer(self, work: Any) -> None:
        exchange = self.server.exchange
        if self.headers.get("Authorization") != f"Bearer {exchange.token}":
            found: tuple[int, dict[str, str]] | None = (401, {})
        else:
            found = work(exchange)
        if found is None:
            self.close_connection = True
            return
        body = json.dumps(found[1]).encode()
        self.send_response(found[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Silence: what is said here holds numbers."""
