"""Readers beside an appender see whole records only, in order, and never more than is durable."""

from __future__ import annotations

import threading
from pathlib import Path

from liandong.stores.readings.log import Position, ReadingLog
from tests.stores.readings.made import message

TOTAL = 240


def test_threads_read_while_one_appends(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path, segment_bytes=6_000)
    failures: list[BaseException] = []
    done = threading.Event()

    def append() -> None:
        try:
            for n in range(0, TOTAL, 3):
                log.append([message(str(m), m % 5) for m in range(n, n + 3)])
        finally:
            done.set()

    def follow() -> None:
        """Take up where the last look ended, as a consumer does."""
        try:
            seen: list[str] = []
            at: Position | None = None
            while len(seen) < TOTAL:
                finished = done.is_set()
                newest = log.last
                before = len(seen)
                for position, record in log.read(at):
                    at = position
                    seen.append(record.message_key)
                    assert log.get(at).message_key == record.message_key
                assert newest is None or (at is not None and at >= newest)
                assert len(seen) > before or not finished, "nothing more although all was appended"
            assert seen == [str(n) for n in range(TOTAL)]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for work in (append, follow, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_several_threads_may_append(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path, segment_bytes=4_000)
    found: list[tuple[Position, str]] = []

    def append(name: str) -> None:
        for n in range(40):
            key = f"{name}{n}"
            found.append((log.append([message(key)])[0], key))

    threads = [threading.Thread(target=append, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(at, record.message_key) for at, record in ReadingLog(tmp_path).read()]
    assert len(found) == 80
