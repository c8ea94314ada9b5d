"""The channels that come with us keep what every channel must, against a real file and a real server."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from liandong.adapters.file import FileChannel
from liandong.adapters.webhook import WebhookChannel
from liandong.app.deliveries import WAITS
from liandong.app.outbox import Outbox
from liandong.app.ports import AttemptRow, Changes
from liandong.app.writer import Tick
from liandong.conformance.channel import ADDRESS, CHANNEL_CHECKS, Check, Subject, check_channel, delivery
from liandong.core.values.lists import Outcome, Repeats
from liandong.stores.memory import open_memory
from tests.app.machine import START, make_writer
from tests.app.rig import until


class Receiver(ThreadingHTTPServer):
    """Somebody's system: keeps what arrives and answers as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[int] = []
        self.hang = threading.Event()
        self.hangs = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers.get("Idempotency-Key", ""), body))
        if self.path.endswith("/dies"):
            self.close_connection = True
            return
        if self.server.hangs:
            self.server.hang.wait(10)
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Silence."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.hang.set()
        server.shutdown()
        server.server_close()


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


def file_subject(folder: Path, server: Receiver | None) -> Subject:
    path = folder / "out.jsonl"
    path.unlink(missing_ok=True)

    def arrived() -> list[str]:
        return [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]

    return Subject(FileChannel(path), FileChannel(folder / "no such folder" / "x"), arrived)


def webhook_subject(folder: Path, server: Receiver | None) -> Subject:
    assert server is not None
    server.got.clear()
    return Subject(
        WebhookChannel(server.url), WebhookChannel(nobody()), lambda: [key for key, _ in server.got],
        shown=lambda: len({key for key, _ in server.got}), dying=WebhookChannel(server.url + "/dies"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(
    params=[file_subject, pytest.param(webhook_subject, marks=pytest.mark.slow)], ids=["file", "webhook"]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Subject]:
    real = request.getfixturevalue("server") if request.param is webhook_subject else None
    return lambda: request.param(tmp_path, real)


@pytest.mark.parametrize("check", CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_channel(make: Callable[[], Subject], check: Check) -> None:
    check(make())


def test_the_whole_suite_runs_in_one_call(make: Callable[[], Subject]) -> None:
    check_channel(make)


class Talkative(FileChannel):
    """Breaks one promise after another."""

    def __init__(self, path: Path, how: str) -> None:
        super().__init__(path)
        self.how, self.repeats = how, Repeats.DROPS if how in ("keyless", "twice") else Repeats.NEITHER
        if how == "mute":
            self.repeats = Repeats.CAN_BE_ASKED

    def ask(self, row: Any) -> Any:
        return Outcome.UNKNOWN

    def send(self, row: Any, address: str) -> Any:
        if self.how == "raises" and not address:
            raise ValueError("no address")
        outcome, again, detail = super().send(row, address)
        return {
            "talks": (outcome, again, f"sent to {address}"),
            "pair": (outcome, again),
            "word": ("delivered", again, detail),
        }.get(self.how, (outcome, again, detail))


@pytest.mark.parametrize("how", ["raises", "talks", "pair", "word", "keyless", "again", "twice", "mute"])
def test_the_suite_notices_a_channel_that_breaks_a_promise(tmp_path: Path, how: str) -> None:
    def make() -> Subject:
        good = file_subject(tmp_path, None)
        arrived = good.arrived
        if how == "keyless":
            arrived = lambda: [""] * len(good.arrived())  # noqa: E731
        if how == "again":
            arrived = lambda: [str(n) for n, _ in enumerate(good.arrived())]  # noqa: E731
        return Subject(
            Talkative(tmp_path / "out.jsonl", how), good.broken, arrived, shown=lambda: len(good.arrived())
        )

    with pytest.raises((AssertionError, ValueError)):
        check_channel(make)


# The file


def test_the_file_holds_no_address_and_every_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    channel = FileChannel(path)
    senders = [
        threading.Thread(target=lambda n=n: [channel.send(delivery(f"{n}-{i}"), ADDRESS) for i in range(20)])
        for n in range(4)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len({line["order"] for line in lines}) == 80 and ADDRESS not in path.read_text(encoding="utf-8")
    assert all(line["text"] and "⟦" not in line["text"] for line in lines)


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk must not spoil the line of the next delivery."""
    path = tmp_path / "out.jsonl"
    channel = FileChannel(path)
    channel.send(delivery("a"), "")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("liandong.adapters.file.os.fsync", full)
    outcome, recoverable, _ = channel.send(delivery("b"), "")
    assert (outcome, recoverable) == (Outcome.FAILED, True)
    monkeypatch.undo()
    channel.send(delivery("c"), "")
    assert [json.loads(x)["order"] for x in path.read_text(encoding="utf-8").splitlines()] == [
        "ord_a",
        "ord_c",
    ]


# The webhook


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "outcome", "recoverable"),
    [
        (200, Outcome.DELIVERED, False), (202, Outcome.DELIVERED, False), (400, Outcome.FAILED, False),
        (404, Outcome.FAILED, False), (408, Outcome.FAILED, True), (429, Outcome.FAILED, True),
        (500, Outcome.FAILED, True), (503, Outcome.FAILED, True),
    ],
)  # fmt: skip
def test_what_an_answer_means(server: Receiver, status: int, outcome: Outcome, recoverable: bool) -> None:
    server.answers.append(status)
    found = WebhookChannel(server.url).send(delivery("a"), ADDRESS)
    assert found == (outcome, recoverable, "" if outcome == Outcome.DELIVERED else f"HTTP {status}")


@pytest.mark.slow
def test_no_answer_is_unknown(server: Receiver) -> None:
    """It was sent, and may have arrived."""
    with receiving() as slow:
        slow.hangs = True
        found = WebhookChannel(slow.url, timeout_s=0.2).send(delivery("a"), ADDRESS)
    assert found == (Outcome.UNKNOWN, True, "ReadTimeout") and slow.got[0][0] == "a"


@pytest.mark.slow
def test_the_receiver_gets_what_it_needs(server: Receiver) -> None:
    server.got.clear()
    WebhookChannel(server.url).send(delivery("a"), ADDRESS)
    ((key, body),) = server.got
    assert key == "a" and body["address"] == ADDRESS and body["order"] == "ord_a" and body["text"]


@pytest.mark.parametrize("url", ["ftp://x/", "http://"])
def test_an_address_of_a_receiver_that_is_none_is_a_failure_for_good(url: str) -> None:
    outcome, recoverable, detail = WebhookChannel(url).send(delivery("a"), ADDRESS)
    assert (outcome, recoverable) == (Outcome.FAILED, False) and detail


# Again after a crash


def crashed_after(channel: Any, row: Any) -> None:
    """The delivery went out, nobody wrote down what came of it, and another process goes on."""
    store = open_memory()
    store.commit(Changes(outbox=[row]))
    store.commit(Changes(attempts=[AttemptRow(id="dlv_1", outbox=row.id, number=1, started=START)]))
    channel.send(row, ADDRESS)
    writer = make_writer(store)
    writer.start()
    outbox = Outbox(store, writer, {channel.name: channel}, lambda who, system: ADDRESS, "demo")
    outbox.start()
    until(outbox.idle)
    writer.submit(Tick(START + WAITS[0])).result(10)
    outbox.nudge()
    until(outbox.idle)
    outbox.stop()
    writer.stop()
    (_, tried), *_ = store.deliveries(row.case)
    assert [attempt.outcome for attempt in tried] == [Outcome.UNKNOWN, Outcome.DELIVERED]


@pytest.mark.slow
def test_a_warning_sent_again_after_a_crash_is_no_second_warning(server: Receiver, tmp_path: Path) -> None:
    """Thread 17. The receiver drops the repeat by its key; the file is asked and not written again."""
    server.got.clear()
    row = delivery("a", channel="webhook", created=START, next_at=START)
    crashed_after(WebhookChannel(server.url), row)
    assert [key for key, _ in server.got] == ["a", "a"], "the same mark, by which it is dropped"
    path = tmp_path / "out.jsonl"
    crashed_after(FileChannel(path), delivery("a", channel="file", created=START, next_at=START))
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1
