"""File layers that fail on purpose: one loses the power, one cannot sync.

They live beside the store because every durability claim of the platform is proven through them.
"""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

#: What of the unsynced survives: a prefix of all writes, or any subset of sectors.
Torn = Literal["prefix", "sectors"]
#: Small, so that short test records span several.
SECTOR = 64

_Op = tuple[int, bytes] | int  # a write (offset, data), or a truncation (length)


class PowerLost(Exception):
    """The power went out during this call; nothing after it happened."""


def _apply(content: bytes, op: _Op) -> bytes:
    if isinstance(op, int):
        return content[:op].ljust(op, b"\0")
    offset, data = op
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]


@dataclass(slots=True)
class _Inode:
    """A file's content as programs see it, as the disk has it, and what lies between."""

    seen: bytes = b""
    kept: bytes = b""
    pending: list[_Op] = field(default_factory=list)

    def change(self, op: _Op) -> None:
        self.seen = _apply(self.seen, op)
        self.pending.append(op)

    def after_power_loss(self, rng: random.Random, torn: Torn) -> bytes:
        content = self.kept
        if torn == "sectors":
            for op in self.pending:
                for piece in _sectors(op):
                    if rng.random() < 0.5:
                        content = _apply(content, piece)
            return content
        whole = rng.randint(0, len(self.pending))
        for op in self.pending[:whole]:
            content = _apply(content, op)
        if whole < len(self.pending) and not isinstance(op := self.pending[whole], int):
            content = _apply(content, (op[0], op[1][: rng.randint(0, len(op[1]))]))
        return content


def _rename(names: dict[Path, _Inode], old: Path, new: Path | None, inode: _Inode | None) -> None:
    """One change of a name: created (inode alone), renamed (both), removed (neither)."""
    names.pop(old, None)
    if inode is not None:
        names[new or old] = inode


def _sectors(op: _Op) -> list[_Op]:
    if isinstance(op, int):
        return [op]
    offset, data = op
    return [(offset + at, data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]


class ForgetfulFiles:
    """A file system in memory that keeps for certain only what was synced.

    `fail_at` counts the changing calls: that call takes effect as far as unsynced things do,
    then raises PowerLost, and so does every later one. `after_power_loss` is the disk that the
    machine finds when it comes back; opening a new store on the *same* object instead is a
    process that was killed while the system lived on. `fail_sync_at` makes one fdatasync
    raise OSError and, as Linux does, call the lost pages clean.
    """

    def __init__(self, *, fail_at: int | None = None, fail_sync_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.fail_sync_at = fail_sync_at
        self.calls = 0
        self.syncs = 0
        self.trace: list[str] = []
        self._seen: dict[Path, _Inode] = {}
        self._kept: dict[Path, _Inode] = {}
        self._names: list[tuple[Path, Path | None, _Inode | None]] = []
        self._handles: dict[int, _Inode] = {}

    def after_power_loss(self, rng: random.Random, torn: Torn = "prefix") -> ForgetfulFiles:
        """What the disk may hold: synced content, and as much of the rest as chance kept."""
        names = dict(self._kept)
        for change in self._names[: rng.randint(0, len(self._names))]:
            _rename(names, *change)
        back = ForgetfulFiles()
        for path, inode in names.items():
            content = inode.after_power_loss(rng, torn)
            back._kept[path] = back._seen[path] = _Inode(content, content)
        return back

    def _call(self, what: str) -> None:
        """Count a call that has just had its (unsynced) effect."""
        self.calls += 1
        self.trace.append(what)
        if self.fail_at is not None and self.calls >= self.fail_at:
            raise PowerLost(what)

    def make_folder(self, folder: Path) -> None:
        """Folders are simply there."""

    def list(self, folder: Path) -> list[str]:
        return sorted(path.name for path in self._seen if path.parent == folder)

    def _inode(self, path: Path) -> _Inode:
        if path not in self._seen:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self._seen[path]

    def size(self, path: Path) -> int:
        return len(self._inode(path).seen)

    def read(self, path: Path, offset: int = 0, length: int | None = None) -> bytes:
        seen = self._inode(path).seen
        return seen[offset:] if length is None else seen[offset : offset + length]

    def open(self, path: Path) -> int:
        handle = len(self._handles) + 1
        if path not in self._seen:
            inode = _Inode()
            self._seen[path] = inode
            self._names.append((path, None, inode))
            self._call("create")
        self._handles[handle] = self._seen[path]
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self._handles[handle].change((offset, data))
        self._call("write")

    def truncate(self, handle: int, length: int) -> None:
        self._handles[handle].change(length)
        self._call("truncate")

    def fdatasync(self, handle: int) -> None:
        self._call("fdatasync")
        self.syncs += 1
        inode = self._handles[handle]
        if self.fail_sync_at is not None and self.syncs >= self.fail_sync_at:
            inode.kept = inode.after_power_loss(random.Random(self.syncs), "sectors")
            inode.pending.clear()
            raise OSError(errno.EIO, "input/output error")
        for op in inode.pending:  # not `seen`: what a failed sync dropped is clean, and lost
            inode.kept = _apply(inode.kept, op)
        inode.pending.clear()

    def close(self, handle: int) -> None:
        """Promises nothing."""

    def rename(self, old: Path, new: Path) -> None:
        self._names.append((old, new, self._inode(old)))
        _rename(self._seen, *self._names[-1])
        self._call("rename")

    def remove(self, path: Path) -> None:
        self._names.append((path, None, None))
        del self._seen[path]
        self._call("remove")

    def sync_folder(self, folder: Path) -> None:
        self._call("sync_folder")
        rest = []
        for change in self._names:
            if change[0].parent == folder:
                _rename(self._kept, *change)
            else:
                rest.append(change)
        self._names = rest
