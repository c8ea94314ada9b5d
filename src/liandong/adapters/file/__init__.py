"""Deliveries as lines of a file: for a city that begins, and for those who print orders."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from io import RawIOBase
from pathlib import Path

from liandong.app.ports import OutboxRow
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.times import format_time
from liandong.texts import text


class FileChannel:
    """Appends one JSON line a delivery and syncs it. Repeats are not dropped: the line has the order's id."""

    name = "file"
    repeats = Repeats.NEITHER

    def __init__(self, path: Path, language: str = "zh") -> None:
        self._path = path
        self._language = language
        self._lock = threading.Lock()

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """Append the delivery; the address is not written, because a file is no safe place for it."""
        line = {
            "order": row.order, "case": row.case, "recipient": row.recipient, "at": format_time(row.created),
            "mode": row.mode, "template": row.template, "params": row.params,
            "text": text(row.template, self._language, **row.params),
        }  # fmt: skip
        try:
            with self._lock, self._path.open("ab", buffering=0) as file:
                self._append(file, canonical_bytes(line) + b"\n")
        except OSError as error:
            return Outcome.FAILED, True, error.strerror or "write failed"
        return Outcome.DELIVERED, False, ""

    def _append(self, file: RawIOBase, data: bytes) -> None:
        """All of it or nothing: half a line would spoil the next one."""
        start = file.tell()
        try:
            written = file.write(data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(start)
            raise
