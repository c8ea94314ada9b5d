"""Volumes of evidence: records one behind the other, so that many windows cost one sync.

A record is magic, length, the SHA-256 of its bytes, and the bytes. A volume belongs to the process that
began it: after a start a new one is begun, so nothing is ever cut or written behind a torn end. A full
volume gets an index beside it; without one it is walked, over damage to the next sound record.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.stores.readings.files import Files

MAGIC = b"LDev"
_HEAD = struct.Struct("<4sI32s")
_NAME = re.compile(r"(\d{6})\.volume")
INDEX = np.dtype([("digest", "S32"), ("offset", "<i8"), ("length", "<i8"), ("sound", "?")])
_CRC = struct.Struct("<I")
#: A record longer than this is not ours.
MOST = 1 << 30

Index = npt.NDArray[Any]


def volume_name(number: int) -> str:
    """File name of a volume."""
    return f"{number:06d}.volume"


def numbers(files: Files, folder: Path) -> list[int]:
    """Numbers of the volumes in a folder, rising."""
    try:
        names = files.list(folder)
    except FileNotFoundError:
        return []
    return [int(found[1]) for name in names if (found := _NAME.fullmatch(name))]


def record(data: bytes, digest: bytes) -> bytes:
    """One record."""
    return _HEAD.pack(MAGIC, len(data), digest) + data


def head_size() -> int:
    """Bytes before a record's data."""
    return _HEAD.size


def index_of(places: Mapping[bytes, tuple[int, int]]) -> Index:
    """Index of records whose places are known and whose bytes are sound: digest → (offset, length)."""
    rows = sorted((digest, offset, length, True) for digest, (offset, length) in places.items())
    return np.array(rows, dtype=INDEX)


def walk(content: bytes) -> Index:
    """Index of a volume's content. A record whose bytes are not its digest's stays in it, unsound: its
    writer was killed, or it is damaged. Where a head is damaged the walk goes on at the next sound record.
    """
    found: list[tuple[bytes, int, int, bool]] = []
    at, end = 0, len(content)
    while at + _HEAD.size <= end:
        magic, length, digest = _HEAD.unpack_from(content, at)
        start = at + _HEAD.size
        if magic == MAGIC and length <= MOST and start + length <= end:
            sound = hashlib.sha256(content[start : start + length]).digest() == digest
            found.append((digest, start, length, sound))
            at = start + length
            continue
        at = _next_sound(content, at + 1)
    return np.sort(np.array(found, dtype=INDEX), order="digest", kind="stable")


def _next_sound(content: bytes, at: int) -> int:
    """Where the next whole record with the right digest begins; the end where there is none."""
    while (at := content.find(MAGIC, at)) >= 0 and at + _HEAD.size <= len(content):
        _, length, digest = _HEAD.unpack_from(content, at)
        start = at + _HEAD.size
        if (
            start + length <= len(content)
            and hashlib.sha256(content[start : start + length]).digest() == digest
        ):
            return at
        at += 1
    return len(content)


def pack_index(index: Index) -> bytes:
    """An index as the file beside its volume."""
    data = index.tobytes()
    return _CRC.pack(zlib.crc32(data)) + data


def unpack_index(data: bytes) -> Index | None:
    """The index of such a file; None for anything else."""
    body = data[_CRC.size :]
    if len(data) < _CRC.size or len(body) % INDEX.itemsize or _CRC.unpack_from(data)[0] != zlib.crc32(body):
        return None
    return np.frombuffer(body, dtype=INDEX)


def look_up(index: Index, digest: bytes) -> list[tuple[int, int]]:
    """(offset, length) of every record under a digest."""
    # NumPy's byte strings end at their last byte that is not 0, so the digest is compared as they are.
    wanted = np.array(digest, dtype="S32")
    first = int(np.searchsorted(index["digest"], wanted, "left"))
    last = int(np.searchsorted(index["digest"], wanted, "right"))
    return [(int(row["offset"]), int(row["length"])) for row in index[first:last]]
