"""One process writes one data folder; a second one is told so instead of spoiling it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from liandong.core.values.errors import Conflict

LOCK_NAME = "lock"


class FolderLock:
    """An exclusive lock on a data folder, held from construction until `release` or the process's end.

    The folder is created if absent. Raises Conflict("data.locked", path) at once if another
    holder lives, also within this process. The lock goes with the process, however it dies.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / LOCK_NAME
        self._handle: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise Conflict("data.locked", path=str(folder)) from error
        # Only for a person who wonders who it is; nothing reads it.
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process write; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
