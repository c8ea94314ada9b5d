"""Evidence: bytes named by their own SHA-256, so that a digest in the journal proves them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from liandong.core.values.canonical import sha256
from liandong.core.values.errors import Broken, NotFound
from liandong.stores.readings.files import DiskFiles, Files, fatal_on_failure, write_aside

_DIGEST = re.compile(r"[0-9a-f]{64}")


class EvidenceStore:
    """Files under 256 folders, by the first two digits of the digest (hex SHA-256).

    What `put` returned survives a loss of power. Damaged content is told by `get` and healed
    when somebody puts the same bytes again. Threads may share a store.
    """

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self._folder = folder
        self._files: Files = DiskFiles() if files is None else files
        self._lock = threading.Lock()
        self._made: set[Path] = set()

    def put(self, data: bytes) -> str:
        """Keep the bytes durably; gives their digest. Raises Fatal("evidence.sync_failed")."""
        return self.put_many([data])[0]

    def put_many(self, items: Sequence[bytes]) -> list[str]:
        """Keep all, syncing each folder once; gives their digests in order. Raises as `put`."""
        digests = [sha256(data) for data in items]
        with self._lock, fatal_on_failure("evidence.sync_failed", self._folder):
            for digest, data in dict(zip(digests, items, strict=True)).items():
                self._put(self._path(digest), data)
            # Also for what was there: its writer may have been killed before it synced the name.
            for folder in sorted({self._path(digest).parent for digest in digests}):
                self._files.sync_folder(folder)
        return digests

    def get(self, digest: str) -> bytes:
        """The bytes. Raises NotFound("evidence.absent") or Broken("evidence.damaged")."""
        try:
            data = self._files.read(self._path(digest))
        except FileNotFoundError as error:
            raise NotFound("evidence.absent", digest=digest) from error
        if sha256(data) != digest:
            raise Broken("evidence.damaged", digest=digest)
        return data

    def has(self, digest: str) -> bool:
        """Whether something is kept under the digest; `get` says whether it is sound."""
        try:
            self._files.size(self._path(digest))
        except FileNotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """All digests, rising; those put meanwhile may be missing."""
        for number in range(256):
            try:
                names = self._files.list(self._folder / f"{number:02x}")
            except FileNotFoundError:
                continue
            yield from (name for name in names if _DIGEST.fullmatch(name))

    def _put(self, path: Path, data: bytes) -> None:
        if path.parent not in self._made:
            self._files.make_folder(path.parent)
            self._made.add(path.parent)
        if not self._holds(path, data):
            write_aside(self._files, path, data)

    def _holds(self, path: Path, data: bytes) -> bool:
        try:
            return self._files.read(path) == data
        except FileNotFoundError:
            return False

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFound("evidence.absent", digest=digest[:64])
        return self._folder / digest[:2] / digest
