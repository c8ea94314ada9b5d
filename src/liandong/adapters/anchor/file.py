"""Anchors as JSON lines in a file, on a disk that somebody else controls (a share, a stick, a tape)."""

from __future__ import annotations

import os
from pathlib import Path

from liandong.app.roots import anchor_line
from liandong.core.values.journal import Anchor


class FileAnchors:
    """Appends, never rewrites: the file may sit on a medium or under an attribute that forbids more."""

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path}"
        self._path = path

    def leave(self, anchor: Anchor) -> None:
        """Append one line and return when it will survive a power loss. Raises OSError.

        The folder is not created: a share that is not mounted must not be mistaken for the place.
        """
        new = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            rest = _end_of_torn_line(handle) + anchor_line(anchor)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _sync_folder(self._path.parent)


def _end_of_torn_line(handle: int) -> bytes:
    """A newline where the last writer was cut off, so that only the torn line is lost."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
