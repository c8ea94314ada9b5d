"""A gas company's own dispatch system, as the other end of a bridge: its numbers, its words, its clock.

It knows nothing of ours but the documents that come over the bridge. It drops repeats by our number and
version, may send an event twice or before its turn, and forgets nothing that it was given.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
from sqlalchemy import create_engine, text

from liandong.core.values.times import MINUTE, format_time

#: Its word for each of our steps.
WORDS = {
    "acknowledge": "已接单", "arrive": "已到场", "check": "已核实", "handle": "已处置", "feed_back": "已反馈",
}  # fmt: skip
#: As the city's row has it; what it calls a new order means nothing to us but its number.
STATUSES = (("新建", "-"), *((word, action) for action, word in WORDS.items()), ("退单", "return:wrong_duty"))
_OPEN = ("issued", "active")
_PHOTO = base64.b64encode(b"\x89PNG\r\n\x1a\n a photograph of a closed valve").decode()


@dataclass
class Theirs:
    """One order as that system keeps it."""

    number: str
    document: dict[str, Any]
    said: list[str] = field(default_factory=list)  #: actions that its people have reported
    status: str = "新建"

    @property
    def open(self) -> bool:
        """There is work left."""
        return self.document["status"] in _OPEN


class Dispatch:
    """The system itself. `skew` is how far its clock is ahead of ours, in microseconds."""

    def __init__(self, skew: int = 3 * MINUTE) -> None:
        self.skew = skew
        self.orders: dict[str, Theirs] = {}
        self.repeats = 0
        self.events = 0
        self._lock = threading.Lock()

    def receive(self, document: dict[str, Any]) -> None:
        """One order from us: new, newer than what it has, or a repeat."""
        with self._lock:
            known = self.orders.get(document["order"])
            if known is None:
                number = f"RQ-{len(self.orders) + 1:04d}"
                self.orders[document["order"]] = Theirs(number, document)
            elif document["version"] <= known.document["version"]:
                self.repeats += 1
            else:
                known.document = document

    def work(self, now: int) -> list[dict[str, Any]]:
        """What its people have done since: the next step of every open order, and the steps after it at
        once, as field staff enter them when they are back."""
        with self._lock:
            return [
                self._event(order, theirs, step, now)
                for order, theirs in sorted(self.orders.items())
                if theirs.open
                for step in theirs.document["steps"]
                if not step["done"] and step["action"] in WORDS and step["action"] not in theirs.said
            ]

    def snapshot(self) -> list[dict[str, Any]]:
        """Its own list of orders, for comparing."""
        with self._lock:
            return [
                {"order": order, "number": one.number, "status": one.status, "open": one.open}
                for order, one in sorted(self.orders.items())
            ]

    def _event(self, order: str, theirs: Theirs, step: dict[str, Any], now: int) -> dict[str, Any]:
        self.events += 1
        action = step["action"]
        theirs.said.append(action)
        theirs.status = WORDS[action]
        made: dict[str, Any] = {
            "event": f"{theirs.number}-{len(theirs.said):02d}", "order": order, "number": theirs.number,
            "status": WORDS[action], "at": format_time(now + self.skew + self.events), "user": "gh-0417",
            "words": f"{WORDS[action]}，抢修班组",
        }  # fmt: skip
        if step["evidence"]:
            made["evidence"] = [{"name": "valve.png", "media": "image/png", "data": _PHOTO}]
        return made


def shuffled_twice(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each event twice, and the later ones first: what a system does that resends after a failure."""
    return [*reversed(events), *events]


class ApiReceiver:
    """The system behind HTTP: it takes `POST /orders`, gives `GET /orders`, and calls us with events."""

    def __init__(self, dispatch: Dispatch, url: Callable[[], str], token: Callable[[], str]) -> None:
        self.dispatch, self._url, self._token = dispatch, url, token
        self.signatures: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where we push to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def send(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Report; our answers. Raises httpx.HTTPError where we are down."""
        answer = httpx.post(
            f"{self._url()}/api/v1/bridge/gas/events", json={"events": events}, timeout=20, trust_env=False,
            headers={"Authorization": f"Bearer {self._token()}"},
        )  # fmt: skip
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["answers"]
        return found

    def fetch(self) -> None:
        """Nothing to do: orders are pushed."""

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.signatures.append(self.headers.get("X-Liandong-Signature", ""))
                if self.path == "/orders":
                    receiver.dispatch.receive(json.loads(raw))
                self._answer(b"{}", 200 if self.path == "/orders" else 404)

            def do_GET(self) -> None:
                self._answer(json.dumps(receiver.dispatch.snapshot()).encode(), 200)

            def _answer(self, body: bytes, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        return Handler


_COLUMNS = {
    "event": "event_number", "order": "our_number", "number": "their_number", "at": "happened_at",
    "user": "user_number", "status": "status", "words": "words",
}  # fmt: skip


class TableReceiver:
    """The system behind an exchange database, with plain SQL as its own engineers would write it."""

    def __init__(self, dispatch: Dispatch, address: str) -> None:
        self.dispatch, self.address = dispatch, address
        self._engine = create_engine(address)

    def fetch(self) -> None:
        """Read every order that lies there."""
        with self._engine.begin() as connection:
            for row in connection.execute(text("SELECT document FROM orders_out")):
                self.dispatch.receive(json.loads(row[0]))

    def send(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Insert rows; one that is there already is left alone, as its key demands."""
        with self._engine.begin() as connection:
            for event in events:
                self._insert(connection, event)
            for row in self.dispatch.snapshot():
                values = {"o": row["order"], "n": row["number"], "s": row["status"], "p": int(row["open"])}
                connection.execute(text("DELETE FROM orders_in WHERE our_number = :o"), values)
                connection.execute(
                    text(
                        "INSERT INTO orders_in (our_number, their_number, status, is_open)"
                        " VALUES (:o, :n, :s, :p)"
                    ),
                    values,
                )
        return []

    def _insert(self, connection: Any, event: dict[str, Any]) -> None:
        there = text("SELECT 1 FROM events_in WHERE event_number = :e")
        if connection.execute(there, {"e": event["event"]}).first() is not None:
            return
        row = {column: event.get(name) for name, column in _COLUMNS.items()}
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        for place, photo in enumerate(event.get("evidence", ())):
            connection.execute(
                text("INSERT INTO files_in (event_number, place, name, data) VALUES (:e, :p, :n, :d)"),
                {"e": event["event"], "p": place, "n": photo["name"], "d": base64.b64decode(photo["data"])},
            )
        connection.execute(text(f"INSERT INTO events_in ({names}) VALUES ({places})"), row)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


class FileReceiver:
    """The system behind a folder: it reads `out/` and leaves files of events in `in/`."""

    def __init__(self, dispatch: Dispatch, folder: Path) -> None:
        self.dispatch, self.folder = dispatch, folder
        self._files = 0

    def fetch(self) -> None:
        """Read every order's file."""
        for path in sorted((self.folder / "out").glob("order-*.json")):
            self.dispatch.receive(json.loads(path.read_bytes()))

    def send(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One file for each call, written aside and renamed; and its list of orders."""
        target = self.folder / "in"
        target.mkdir(parents=True, exist_ok=True)
        self._write(target / "orders.jsonl", self.dispatch.snapshot())
        if events:
            self._files += 1
            self._write(target / f"events-{self._files:05d}.jsonl", events)
        return []

    def _write(self, path: Path, rows: list[dict[str, Any]]) -> None:
        aside = path.with_name(f".{path.name}.part")
        aside.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        aside.replace(path)

    def close(self) -> None:
        """Nothing is held."""
