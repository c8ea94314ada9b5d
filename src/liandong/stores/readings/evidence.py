"""Evidence: bytes named by their own SHA-256, so that a digest in the journal proves them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from liandong.core.values.errors import Broken, NotFound
from liandong.stores.readings import volumes
from liandong.stores.readings.files import DiskFiles, Files, fatal_on_failure, write_aside

_DIGEST = re.compile(r"[0-9a-f]{64}")
VOLUME_BYTES = 64 * 1024 * 1024


class EvidenceStore:
    """Volumes of records, named by hex SHA-256.

    What `put` returned survives a loss of power. Damaged content is told by `get` and healed when
    somebody puts the same bytes again. Threads may share a store; one process writes.
    """

    def __init__(self, folder: Path, files: Files | None = None, volume_bytes: int = VOLUME_BYTES) -> None:
        self._folder = folder
        self._files: Files = DiskFiles() if files is None else files
        self._volume_bytes = volume_bytes
        self._lock = threading.RLock()
        self._handle: int | None = None
        self._number = 0
        self._end = 0
        #: Of the volume being written: digest → (offset, length).
        self._mine: dict[bytes, tuple[int, int]] = {}
        #: Of the others: number → (bytes of the volume when it was walked, index).
        self._indexes: dict[int, tuple[int, volumes.Index]] = {}

    def put(self, data: bytes) -> str:
        """Keep the bytes durably; gives their digest. Raises Fatal("evidence.sync_failed")."""
        return self.put_many([data])[0]

    def put_many(self, items: Sequence[bytes]) -> list[str]:
        """Keep all with one sync; gives their digests in order. Raises as `put`.

        What an earlier process kept is not looked for: to write it once more is cheaper, and its
        writer may have been killed before it was durable.
        """
        digests = [hashlib.sha256(data).digest() for data in items]
        with self._lock, fatal_on_failure("evidence.sync_failed", self._folder):
            new = {d: data for d, data in zip(digests, items, strict=True) if not self._holds(d, data)}
            if new:
                self._append(new)
        return [digest.hex() for digest in digests]

    def get(self, digest: str) -> bytes:
        """The bytes. Raises NotFound("evidence.absent") or Broken("evidence.damaged")."""
        wanted = _raw(digest)
        there = False
        with self._lock:
            for number, offset, length in self._places(wanted):
                there = True
                data = self._read(number, offset, length)
                if hashlib.sha256(data).digest() == wanted:
                    return data
        if there:
            raise Broken("evidence.damaged", digest=digest)
        raise NotFound("evidence.absent", digest=digest)

    def has(self, digest: str) -> bool:
        """Whether something is kept under the digest; `get` says whether it is sound."""
        try:
            wanted = _raw(digest)
        except NotFound:
            return False
        with self._lock:
            return next(self._places(wanted), None) is not None

    def __iter__(self) -> Iterator[str]:
        """All digests, rising; those put meanwhile, and halves that a kill left, may be missing."""
        with self._lock:
            found = set(self._mine)
            for number in self._others():
                index = self._index(number)
                found |= {bytes(digest).ljust(32, b"\0") for digest in index["digest"][index["sound"]]}
        return iter(sorted(digest.hex() for digest in found))

    def close(self) -> None:
        """Leave the volume with its index."""
        with self._lock:
            self._seal()

    # Writing.

    def _holds(self, digest: bytes, data: bytes) -> bool:
        place = self._mine.get(digest)
        return place is not None and self._read(self._number, *place) == data

    def _append(self, new: dict[bytes, bytes]) -> None:
        if self._handle is None or self._end >= self._volume_bytes:
            self._begin()
        assert self._handle is not None
        places: dict[bytes, tuple[int, int]] = {}
        at = self._end
        pieces = []
        for digest, data in new.items():
            piece = volumes.record(data, digest)
            places[digest] = (at + volumes.head_size(), len(data))
            pieces.append(piece)
            at += len(piece)
        self._files.write(self._handle, b"".join(pieces), self._end)
        self._files.fdatasync(self._handle)
        self._end = at
        self._mine |= places

    def _begin(self) -> None:
        """A new volume; its name is durable before anything in it is."""
        self._seal()
        self._files.make_folder(self._folder)
        self._number = max(volumes.numbers(self._files, self._folder), default=0) + 1
        self._handle = self._files.open(self._folder / volumes.volume_name(self._number))
        self._files.sync_folder(self._folder)
        self._end, self._mine = 0, {}

    def _seal(self) -> None:
        """Close the volume that was written, with an index that saves others the walk."""
        if self._handle is None:
            return
        self._files.close(self._handle)
        self._handle = None
        index = volumes.index_of(self._mine)
        write_aside(self._files, self._index_path(self._number), volumes.pack_index(index))
        self._mine = {}

    # Reading.

    def _others(self) -> list[int]:
        """Volumes that are not being written here, newest first."""
        mine = self._number if self._handle is not None else 0
        return [n for n in reversed(volumes.numbers(self._files, self._folder)) if n != mine]

    def _places(self, digest: bytes) -> Iterator[tuple[int, int, int]]:
        """Where records of a digest lie, newest first."""
        if self._handle is not None and digest in self._mine:
            yield (self._number, *self._mine[digest])
        for number in self._others():
            for offset, length in reversed(volumes.look_up(self._index(number), digest)):
                yield number, offset, length

    def _index(self, number: int) -> volumes.Index:
        """Of another volume; walked again where its writer has gone on since."""
        path = self._folder / volumes.volume_name(number)
        size = self._files.size(path)
        known = self._indexes.get(number)
        if known is None or known[0] != size:
            known = self._indexes[number] = (size, self._load_index(number, path))
        return known[1]

    def _load_index(self, number: int, path: Path) -> volumes.Index:
        try:
            index = volumes.unpack_index(self._files.read(self._index_path(number)))
        except FileNotFoundError:
            index = None
        return volumes.walk(self._files.read(path)) if index is None else index

    def _read(self, number: int, offset: int, length: int) -> bytes:
        return self._files.read(self._folder / volumes.volume_name(number), offset, length)

    def _index_path(self, number: int) -> Path:
        return (self._folder / volumes.volume_name(number)).with_suffix(".index")


def _raw(digest: str) -> bytes:
    if not _DIGEST.fullmatch(digest):
        raise NotFound("evidence.absent", digest=digest[:64])
    return bytes.fromhex(digest)
