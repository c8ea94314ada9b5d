"""The way of the readings over file systems that forget, with real threads, and a script of devices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from liandong.app.accounting import Accounting
from liandong.app.handle import Handler
from liandong.app.intake import Intake, Receipt
from liandong.app.policies import current_policy
from liandong.app.ports import Store
from liandong.app.writer import Tick, Writer
from liandong.core.ingest import decode_json
from liandong.core.values.lists import Mode
from liandong.sim.devices import DeviceMessage, device_script
from liandong.stores.readings import EvidenceStore, ReadingLog, SnapshotStore
from liandong.stores.readings.forgetful import ForgetfulFiles
from liandong.wiring.city import make_shard
from tests.app.machine import START, admitted, committed, folder

LOG, EVIDENCE, SNAPSHOTS = Path("/readings"), Path("/evidence"), Path("/snapshots")


@cache
def script(hours: float = 2.0) -> tuple[DeviceMessage, ...]:
    return device_script(7, folder(), START, hours, dirt=False)


def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to that")
        time.sleep(0.001)


class Disks:
    """Three file systems, because they are used by different threads."""

    def __init__(self, **log: Any) -> None:
        self.log, self.evidence, self.snapshots = ForgetfulFiles(**log), ForgetfulFiles(), ForgetfulFiles()


class Rig:
    """Intake and writer of one process over one store; another Rig on the same is a restart."""

    def __init__(self, store: Store, disks: Disks | None = None, segment_bytes: int = 64 * 1024) -> None:
        self.store = store
        self.disks = disks or Disks()
        self.fatal: list[BaseException] = []
        self.died = threading.Event()
        policy = current_policy(store, Mode.REAL)
        handler = Handler(store, policy) if policy else committed(store)
        self.accounting = Accounting()
        self.writer = Writer(store, handler, self.accounting, on_fatal=self._die)
        self.writer.now = max(self.writer.now, START)
        self.log = ReadingLog(LOG, self.disks.log, segment_bytes)
        self.evidence = EvidenceStore(EVIDENCE, self.disks.evidence)
        city = handler.policy.city
        self.channels = {row.key: row for row in city.channel_rows()}
        self.intake = Intake(
            self.log, make_shard(handler.policy), self.writer, self.evidence,
            SnapshotStore(SNAPSHOTS, self.disks.snapshots), self.accounting,
            names={c.number: c.key for c in city.city.channels}, on_fatal=self._die,
        )  # fmt: skip
        self.replayed = -1

    def _die(self, error: BaseException) -> None:
        self.fatal.append(error)
        self.died.set()

    def start(self) -> Rig:
        self.writer.start()
        self.replayed = self.intake.recover()
        self.intake.start()
        return self

    def submit(self, message: DeviceMessage) -> Any:
        decoded = decode_json(message.body, message.source, self.channels, message.at, message.at)
        return self.intake.submit(message.source, decoded, message.body, message.at)

    def send(self, message: DeviceMessage) -> Receipt:
        return self.submit(message).result(10)

    def settle(self) -> None:
        until(lambda: self.died.is_set() or (self.intake.idle() and self.writer.idle()))

    def tick(self, now: int) -> None:
        self.writer.submit(Tick(now)).result(10)
        self.intake.tick(now)
        self.settle()

    def play(self, messages: tuple[DeviceMessage, ...], acknowledged: set[int]) -> None:
        """Tick and send each message that has no receipt yet; ends early where the process dies."""
        for number, message in enumerate(messages):
            if number in acknowledged:
                continue
            try:
                self.tick(message.at)
                self.send(message)
                acknowledged.add(number)
                self.settle()
            except Exception:
                if not self.died.wait(5):
                    raise
            if self.died.is_set():
                return

    def stop(self) -> None:
        self.intake.stop()
        self.writer.stop()
        self.log.close()

    def crash(self) -> None:
        """End the threads without what an orderly end would still do."""
        self.intake._save_snapshot = lambda: None
        self.intake._flush = lambda: None
        self.stop()

    def said(self) -> list[Any]:
        """What detect has said, as it was admitted."""
        return [m for m, origin, _ in admitted(self.store) if origin.startswith("source:")]


__all__ = [name for name in dir() if not name.startswith("_")]
