"""Detector snapshots: caches that save a replay, never a truth.

Named by the rule set that made them and the log position they stand at; a damaged one is passed
over, and without any the state is replayed from the log.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from liandong.core.values.errors import BadInput
from liandong.stores.readings.files import ASIDE, DiskFiles, Files, fatal_on_failure, write_aside
from liandong.stores.readings.log import Position

_MAGIC = b"LDsn\x01\x00\x00\x00"
_KEPT = 2
_RULE_SET = re.compile(r"[A-Za-z0-9_]{1,128}")
_NAME = re.compile(r"([A-Za-z0-9_]{1,128})-(\d{10})-(\d{10})\.snapshot")


class SnapshotStore:
    """The two newest snapshots of every rule set, in one folder. Threads must not share saving."""

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self._folder = folder
        self._files: Files = DiskFiles() if files is None else files
        with fatal_on_failure("snapshot.sync_failed", folder):
            self._files.make_folder(folder)
            for name in self._files.list(folder):
                if name.endswith(ASIDE):
                    self._files.remove(folder / name)

    def save(self, digest: str, position: tuple[int, int], data: bytes) -> None:
        """Keep the state of a rule set (its digest: letters, digits, _) after a log position, durably.

        Of this rule set, this one and the newest before it remain: later ones come from a log
        or database that was put back. Raises Fatal("snapshot.sync_failed").
        """
        if not _RULE_SET.fullmatch(digest):
            raise BadInput("snapshot.rule_set", digest=digest[:64])
        name = f"{digest}-{position[0]:010d}-{position[1]:010d}.snapshot"
        with fatal_on_failure("snapshot.sync_failed", self._folder):
            write_aside(self._files, self._folder / name, _seal(name, data))
            self._files.sync_folder(self._folder)
            kept = [at for at in self._positions(digest) if at <= position][-_KEPT:]
            for at, old in self._positions(digest).items():
                if at not in kept:
                    self._files.remove(self._folder / old)

    def newest(self, digest: str, at_or_before: tuple[int, int]) -> tuple[Position, bytes] | None:
        """The newest sound snapshot of a rule set at or before a position, or None."""
        for at, name in reversed(self._positions(digest).items()):
            if at <= at_or_before and (data := self._open(name)) is not None:
                return at, data
        return None

    def forget(self, digest: str) -> None:
        """Remove all snapshots of a rule set that is no longer in use."""
        with fatal_on_failure("snapshot.sync_failed", self._folder):
            for name in self._positions(digest).values():
                self._files.remove(self._folder / name)

    def rule_sets(self) -> list[str]:
        """Digests of the rule sets that have snapshots."""
        matches = (_NAME.fullmatch(name) for name in self._files.list(self._folder))
        return sorted({match[1] for match in matches if match})

    def _positions(self, digest: str) -> dict[Position, str]:
        """Position → file name, rising, of one rule set."""
        matches = (_NAME.fullmatch(name) for name in self._files.list(self._folder))
        return {
            Position(int(match[2]), int(match[3])): match[0]
            for match in matches
            if match and match[1] == digest
        }

    def _open(self, name: str) -> bytes | None:
        """The data, or None if a byte of it (or its name) is not as it was written."""
        try:
            sealed = self._files.read(self._folder / name)
        except OSError:
            return None
        data = sealed[len(_MAGIC) + 32 :]
        return data if sealed == _seal(name, data) else None


def _seal(name: str, data: bytes) -> bytes:
    """Magic with version, checksum over name and data, data."""
    checksum = hashlib.blake2b(data, digest_size=32, key=hashlib.sha256(name.encode()).digest())
    return b"".join((_MAGIC, checksum.digest(), data))
