"""Deliveries as lines of a file: for a city that begins, and for those who print orders."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from io import RawIOBase
from pathlib import Path

from liandong.adapters._io.wording import Wording
from liandong.app.ports import OutboxRow
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.times import format_time


class FileChannel:
    """Appends one JSON line a delivery and syncs it. Whether one is there can be seen in the file."""

    name = "file"
    repeats = Repeats.CAN_BE_ASKED
    aside = True

    def __init__(self, path: Path, wording: Wording | None = None) -> None:
        self._path = path
        self._wording = wording or Wording()
        self._lock = threading.Lock()

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        """Append the delivery; the address is not written, because a file is no safe place for it."""
        message = self._wording.of(row)
        line = {
            "id": row.id, "order": row.order, "case": row.case, "recipient": row.recipient,
            "at": format_time(row.created), "mode": row.mode, "template": row.template, "params": row.params,
            "title": message.title, "text": message.body,
        }  # fmt: skip
        try:
            with self._lock, self._path.open("ab", buffering=0) as file:
                self._append(file, canonical_bytes(line) + b"\n")
        except OSError as error:
            return Outcome.FAILED, True, error.strerror or "write failed"
        return Outcome.DELIVERED, False, ""

    def ask(self, row: OutboxRow) -> Outcome:
        """Whether the delivery's line is in the file."""
        mark = b'"id":' + canonical_bytes(row.id) + b","
        try:
            with self._lock, self._path.open("rb") as file:
                found = any(mark in line and line.endswith(b"\n") for line in file)
        except FileNotFoundError:
            return Outcome.FAILED
        except OSError:
            return Outcome.UNKNOWN
        return Outcome.DELIVERED if found else Outcome.FAILED

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
