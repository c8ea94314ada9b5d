"""One coordinator of the crash proof, to be killed: acts come in by lines, answers go out by lines.

`python -m liandong.bench.crash_worker JSON`. Its clock is the wall's, faster by a factor that all share, so
that a process which was away finds out on its own what has become due.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from liandong.app.accounting import Accounting
from liandong.app.clock import perf
from liandong.app.coordinators import Coordinator
from liandong.app.handle import Handler, read_message
from liandong.app.logs import configure_logging
from liandong.app.outbox import Outbox
from liandong.app.policies import current_policy
from liandong.app.ports import OutboxRow
from liandong.app.writer import Admit, Tick, Writer
from liandong.core.values.errors import LiandongError
from liandong.core.values.events import EventRecord
from liandong.core.values.lists import Mode, Outcome, Repeats

TICK_S = 0.1


class Told:
    """A channel that writes a line and promises nothing more."""

    name = "file"
    repeats = Repeats.DROPS
    lines = 16  # side by side, so that their ends are written in groups

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """One line with the delivery's id."""
        self._file.write(row.id.encode() + b"\n")
        return Outcome.DELIVERED, False, ""


def open_at(given: dict[str, Any]) -> Any:
    """The store of a run."""
    if given["address"]:
        from liandong.stores.postgres import open_postgres

        return open_postgres(given["address"], Path(given["password_file"]))
    from liandong.stores.sqlite import open_sqlite

    return open_sqlite(Path(given["folder"]))


def city_now(given: dict[str, Any]) -> int:
    """The city's time: never later than its end."""
    passed = time.time_ns() // 1_000 - given["begun"]
    return int(min(given["start"] + passed * given["speed"], given["end"]))


class Worker:
    """The deciding half of a city, its outbox, and the part that shares it with others."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self._out = threading.Lock()
        self.store = open_at(given)
        policy = current_policy(self.store, Mode.REAL)
        assert policy is not None
        self.writer = Writer(
            self.store, Handler(self.store, policy), Accounting(), limit=100_000, perf=perf, on_fatal=_die
        )
        channel = Told(Path(given["folder"]) / f"told-{given['name']}.txt")
        self.outbox = Outbox(self.store, self.writer, {"file": channel}, lambda _, __: "", policy.city.key)
        self.share: Coordinator | None = None
        if given["address"]:
            self.share = Coordinator(
                self.store, self.store.leases, self.writer, given["name"], lease_s=given["lease_s"],
                on_fatal=_die,
            )  # fmt: skip
            self.share.claimed = self.outbox.gained
            self.writer.share = self.share

    def start(self) -> None:
        """Come in, notice what is overdue, then say so; from then on acts are taken."""
        if self.share is not None:
            self.share.open()
        self.writer.start()
        self._tick().result()
        self.outbox.start()
        if self.share is not None:
            self.share.start()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._say({"ready": self.given["name"]})

    def _beat(self) -> None:
        while True:
            try:
                self._tick().result()
            except LiandongError as error:
                self._say({"tick": error.key})
            self.outbox.nudge()
            time.sleep(TICK_S)

    def _tick(self) -> Future[Any]:
        return self.writer.submit(Tick(city_now(self.given), True, persist=True))

    def listen(self) -> None:
        """Acts by lines until there are no more."""
        decoder = msgspec.json.Decoder(EventRecord)
        for line in sys.stdin.buffer:
            act = read_message(decoder.decode(line))
            try:
                future = self.writer.submit(Admit(act, act.person))
            except LiandongError as error:
                self._say({"id": act.id, "error": error.key})
                continue
            future.add_done_callback(partial(self._answer, act.id))

    def _answer(self, id: str, done: Future[Any]) -> None:
        error = done.exception()
        if error is None:
            answer = done.result()
            self._say({"id": id, "status": answer.status, "repeated": answer.repeated})
        else:
            self._say({"id": id, "error": getattr(error, "key", type(error).__name__)})

    def _say(self, what: dict[str, Any]) -> None:
        with self._out:
            sys.stdout.write(json.dumps(what) + "\n")
            sys.stdout.flush()

    def stop(self) -> None:
        """An orderly end."""
        self.outbox.stop()
        self.writer.stop()
        if self.share is not None:
            self.share.stop()
        self.store.close()


def _die(error: BaseException) -> None:
    sys.stderr.write(f"fatal {error!r}\n")
    sys.stderr.flush()
    os._exit(3)


def main() -> None:
    """Run until the lines end."""
    given = json.loads(sys.argv[1])
    configure_logging("warning", Path(given["folder"]) / f"log-{given['name']}.jsonl")
    worker = Worker(given)
    worker.start()
    worker.listen()
    worker.stop()


if __name__ == "__main__":
    main()
