"""The thin layer between our stores and the disk, so that a test can lose the power at any call.

Everything that promises durability is here: a write is only a wish until `fdatasync` returned,
and a name is only a wish until `sync_folder` returned. Errors are the system's own OSError; the
stores decide what a failure means.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from liandong.core.values.errors import Fatal

#: Files written aside carry this ending until they are renamed; readers skip it.
ASIDE = ".aside"


class Files(Protocol):
    """What a store may ask of a file system. Offsets and lengths are bytes; handles are integers."""

    def make_folder(self, folder: Path) -> None:
        """Create the folder and its parents, durably; nothing happens if it is there."""

    def list(self, folder: Path) -> list[str]:
        """Names in the folder, sorted."""

    def size(self, path: Path) -> int:
        """Length of the file. Raises FileNotFoundError."""

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        """Up to `length` bytes (all by default) from `offset`; fewer at the end of the file."""

    def open(self, path: Path) -> int:
        """A handle for reading and writing; an absent file is created empty."""

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """All the bytes at that offset, growing the file where needed."""

    def truncate(self, handle: int, length: int) -> None:
        """Cut the file to the length."""

    def fdatasync(self, handle: int) -> None:
        """Return when content and length will survive a power loss."""

    def close(self, handle: int) -> None:
        """Give the handle back; promises nothing about durability."""

    def rename(self, old: Path, new: Path) -> None:
        """Replace the name `new` at once; durable after `sync_folder`."""

    def remove(self, path: Path) -> None:
        """Forget the name; durable after `sync_folder`."""

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in the folder will survive a power loss."""


class DiskFiles:
    """The real thing."""

    def make_folder(self, folder: Path) -> None:
        folder = folder.absolute()
        missing = [level for level in (folder, *folder.parents) if not level.exists()]
        for level in reversed(missing):
            level.mkdir(exist_ok=True)
            self.sync_folder(level.parent)
        # A process killed between mkdir and sync leaves a folder that exists and may yet vanish.
        self.sync_folder(folder.parent)

    def list(self, folder: Path) -> list[str]:
        return sorted(os.listdir(folder))

    def size(self, path: Path) -> int:
        return os.stat(path).st_size

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        with open(path, "rb", buffering=0) as file:
            file.seek(offset)
            return _read_fully(file.fileno(), length)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(handle, rest, offset)
            rest, offset = rest[written:], offset + written

    def truncate(self, handle: int, length: int) -> None:
        os.ftruncate(handle, length)

    def fdatasync(self, handle: int) -> None:
        os.fdatasync(handle)

    def close(self, handle: int) -> None:
        os.close(handle)

    def rename(self, old: Path, new: Path) -> None:
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        os.unlink(path)

    def sync_folder(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read_fully(handle: int, length: int | None) -> bytes:
    """One read(2) returns at most 2 GiB and may return less than asked."""
    if length is None:
        length = max(os.fstat(handle).st_size - os.lseek(handle, 0, os.SEEK_CUR), 0)
    parts = []
    while length > 0 and (part := os.read(handle, min(length, 1 << 30))):
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


@contextmanager
def fatal_on_failure(key: str, path: Path) -> Iterator[None]:
    """Turn an OSError of a write or sync into Fatal(key, path, errno).

    After a failed sync the system has dropped the pages and calls them clean: trying again
    would succeed and prove nothing, so the process must stop.
    """
    try:
        yield
    except OSError as error:
        raise Fatal(key, path=str(path), errno=error.errno) from error


def write_aside(files: Files, path: Path, data: bytes) -> None:
    """Write to a name beside it, sync, rename; the caller syncs the folder (once for many files)."""
    aside = path.with_name(path.name + ASIDE)
    handle = files.open(aside)
    try:
        files.truncate(handle, 0)
        files.write(handle, data, 0)
        files.fdatasync(handle)
    finally:
        files.close(handle)
    files.rename(aside, path)
