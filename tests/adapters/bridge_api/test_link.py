"""Orders as signed posts to a real server that answers, fails, hangs or is not there."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from liandong.adapters.bridge_api.link import SIGNATURE, ApiLink
from liandong.app.bridge.documents import Answer, TheirOrder
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import HeardState, Outcome

SECRET = b"only the two of us know"
DOCUMENT = {"order": "ord_a", "version": 3}


class Theirs(ThreadingHTTPServer):
    """Their server: keeps what comes, answers as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 204
        self.body = b""
        self.hang = threading.Event()
        self.hangs = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/base/"


class _Handler(BaseHTTPRequestHandler):
    server: Theirs

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.got.append((self.command, self.path, dict(self.headers.items()), raw))
        if self.server.hangs:
            self.server.hang.wait(10)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET = _any

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    server = Theirs()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.hang.set()
    server.shutdown()
    server.server_close()


def test_an_order_is_posted_with_its_key_and_a_signature_that_holds(theirs: Theirs) -> None:
    assert ApiLink(theirs.url, SECRET).push(DOCUMENT) == (Outcome.DELIVERED, False, "")
    [(method, path, headers, raw)] = theirs.got
    assert (method, path, json.loads(raw)) == ("POST", "/base/orders", DOCUMENT)
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["idempotency-key"] == "ord_a:3"
    wanted = hmac.new(SECRET, raw, hashlib.sha256).hexdigest()
    assert lower[SIGNATURE.lower()] == f"sha256={wanted}"


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (401, False), (404, False), (408, True), (429, True), (500, True)]
)
def test_a_refusal_says_whether_to_try_again(theirs: Theirs, status: int, again: bool) -> None:
    theirs.status = status
    assert ApiLink(theirs.url).push(DOCUMENT) == (Outcome.FAILED, again, f"HTTP {status}")


def test_no_answer_is_unknown_and_no_server_is_failed(theirs: Theirs) -> None:
    theirs.hangs = True
    assert ApiLink(theirs.url, timeout_s=0.2).push(DOCUMENT)[:2] == (Outcome.UNKNOWN, True)
    assert ApiLink("http://127.0.0.1:9", timeout_s=0.5).push(DOCUMENT)[:2] == (Outcome.FAILED, True)
    assert ApiLink("ftp://x").push(DOCUMENT)[:2] == (Outcome.FAILED, False)


def test_without_an_address_an_order_is_there_once_it_was_fetched() -> None:
    link = ApiLink()
    assert link.push(DOCUMENT)[:2] == (Outcome.UNKNOWN, True)
    link.fetched([{"order": "ord_a", "version": 2}])
    assert link.push(DOCUMENT)[:2] == (Outcome.UNKNOWN, True)
    link.fetched([DOCUMENT])
    assert link.push(DOCUMENT) == (Outcome.DELIVERED, False, "")
    assert link.orders() is None and list(link.poll()) == []
    link.answer([Answer(event="e1", outcome=HeardState.DONE)])


def test_answers_are_posted_where_they_are_wanted(theirs: Theirs) -> None:
    link = ApiLink(theirs.url)
    link.answer([Answer(event="e1", outcome=HeardState.REFUSED, text="缺证据")])
    assert json.loads(theirs.got[0][3])["answers"][0]["outcome"] == "refused"
    theirs.status = 404
    link.answer([Answer(event="e1", outcome=HeardState.DONE)])  # not offered: they fetch them
    theirs.status = 503
    with pytest.raises(OSError):
        link.answer([Answer(event="e1", outcome=HeardState.DONE)])


def test_their_list_of_orders(theirs: Theirs) -> None:
    link = ApiLink(theirs.url, SECRET)
    theirs.status, theirs.body = 200, b'[{"order":"ord_a","status":"x","open":false}]'
    assert link.orders() == (TheirOrder(order="ord_a", status="x", open=False),)
    theirs.body = b"nonsense"
    with pytest.raises(BadInput):
        link.orders()
    theirs.status = 404
    assert link.orders() is None
    theirs.status = 500
    with pytest.raises(OSError):
        link.orders()
    with pytest.raises(OSError):
        ApiLink("http://127.0.0.1:9", timeout_s=0.5).orders()
