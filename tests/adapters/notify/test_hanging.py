"""One dead channel never delays another (thread 9): every adapter against a server that never answers."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liandong.adapters._io.wording import Wording
from liandong.adapters.file import FileChannel
from liandong.adapters.voice import CtiGateway, Exchange, VoiceChannel
from liandong.adapters.webhook import WebhookChannel
from liandong.app.clock import perf
from liandong.app.outbox import Outbox
from liandong.app.ports import Changes, Channel
from liandong.conformance.store import outbox_row
from liandong.core.values.lists import Outcome
from liandong.stores.memory import open_memory
from tests.adapters.notify.test_notify import BOTS, apprise_row, mail_row, one, sms_row, wecom_row
from tests.app.machine import START, make_writer
from tests.app.rig import until
from tests.app.test_outbox import Fake

pytestmark = pytest.mark.slow
#: Longer than everything else of the test may take.
HANGS_S = 30.0
MANY = 20
ADDRESSES = {"phone": "13800000000", "email": "a@example.org", "wecom": "WangXm"}


@pytest.fixture
def silence() -> Iterator[str]:
    """An address where everything is taken and nothing is said, until the test is over."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in taken:
        connection.close()


def fifo(folder: Path, where: str) -> Channel:
    """A file on a disk that does not come back: opening it waits for a reader that there is not."""
    path = folder / "fifo"
    os.mkfifo(path)
    return FileChannel(path)


MAKE: dict[str, Callable[[Path, str], Channel]] = {
    **{
        kind: lambda folder, where, url=url: one(
            folder, apprise_row(url, f"http://{where}", f"timeout_s = {HANGS_S}")
        )
        for kind, (url, _) in BOTS.items()
    },
    "wecom_app": lambda folder, where: one(
        folder, wecom_row(f"http://{where}") + f"\ntimeout_s = {HANGS_S}"
    ),
    "sms": lambda folder, where: one(folder, sms_row(f"http://{where}", f"timeout_s = {HANGS_S}")),
    "mail": lambda folder, where: one(
        folder, mail_row(int(where.split(":")[1]), f"timeout_s = {HANGS_S}")
    ),
    "webhook": lambda folder, where: WebhookChannel(f"http://{where}/", timeout_s=HANGS_S),
    "voice": lambda folder, where: VoiceChannel(
        CtiGateway(Exchange(url=f"http://{where}", token="t", timeout_s=HANGS_S)), Wording()
    ),
    "file": fifo,
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKE)
def test_a_hanging_adapter_delays_no_other(kind: str, tmp_path: Path, silence: str) -> None:
    hanging, good = MAKE[kind](tmp_path, silence), Fake("good")
    store = open_memory()
    writer = make_writer(store)
    writer.start()
    outbox = Outbox(
        store, writer, {hanging.name: hanging, "good": good}, lambda who, system: ADDRESSES[system], "demo"
    )
    rows = [
        outbox_row(f"{name}{n}", case=f"{name}{n}", channel=name, created=START, next_at=START)
        for n in range(MANY)
        for name in (hanging.name, "good")
    ]
    store.commit(Changes(outbox=rows))
    began = perf()
    outbox.start()
    try:
        until(lambda: len(good.got) == MANY, HANGS_S / 2)
        assert perf() - began < HANGS_S / 3, "seconds"
        (_, tried), *_ = store.deliveries(f"{hanging.name}0")
        assert [attempt.outcome for attempt in tried] == [None], "it hangs"
        (_, arrived), *_ = store.deliveries(f"good{MANY - 1}")
        until(lambda: store.deliveries(f"good{MANY - 1}")[0][1][0].outcome == Outcome.DELIVERED)
        assert arrived
    finally:
        release(kind, tmp_path, silence)
        outbox._stopping = True
        writer.stop()


def release(kind: str, folder: Path, where: str) -> None:
    """Let the thread that hangs go, so that the test may end."""
    if kind == "file":
        reader = os.open(folder / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        threading.Timer(1.0, os.close, [reader]).start()
