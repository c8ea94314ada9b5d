"""Segments: the files of the log. A head of 40 bytes, then frames without gaps.

The head names its number and how long its predecessor was, so that a missing, swapped or
shortened file is seen when the log is opened, without reading everything.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from liandong.core.values.errors import Broken
from liandong.stores.readings import frames
from liandong.stores.readings.files import Files

T = TypeVar("T")

VERSION = 1
MAGIC = b"LDrs"
_HEAD = struct.Struct("<4sHHQIIQI")
_CRC = struct.Struct("<I")
HEAD_SIZE = _HEAD.size + _CRC.size

#: Bytes read at once while walking: enough for speed, not too much for a single look-up.
CHUNK = 256 * 1024
_NAME = re.compile(r"(\d{10})\.log")


class SegmentHead(NamedTuple):
    """What a segment says about itself and about the one before it (0, 0 for the first)."""

    number: int
    salt: int  #: random; seeds the checksums of the frames' heads
    rows_before: int  #: records in the previous segment
    bytes_before: int  #: its length

    def encode(self) -> bytes:
        """The 40 bytes at the start of the file."""
        head = _HEAD.pack(
            MAGIC, VERSION, 0, self.number, self.salt, self.rows_before, self.bytes_before, HEAD_SIZE
        )
        return head + _CRC.pack(zlib.crc32(head))


def decode_head(data: bytes) -> SegmentHead | None:
    """The head, or None if the bytes are not a whole one. Raises Broken for an unknown version."""
    if len(data) < HEAD_SIZE or _CRC.unpack_from(data, _HEAD.size)[0] != zlib.crc32(data[: _HEAD.size]):
        return None
    magic, version, _, number, salt, rows, size, head_size = _HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION or head_size != HEAD_SIZE:
        raise Broken("log.segment_unknown", version=version)
    return SegmentHead(number, salt, rows, size)


def path_of(folder: Path, number: int) -> Path:
    """Names sort as numbers do."""
    return folder / f"{number:010d}.log"


def numbers_in(files: Files, folder: Path) -> list[int]:
    """Numbers of the segments in the folder, rising; other names are not ours."""
    return sorted(int(match[1]) for name in files.list(folder) if (match := _NAME.fullmatch(name)))


def corrupt(number: int, offset: int, why: str) -> Broken:
    """The one error for damage: which file, from which byte, and what is wrong there."""
    return Broken("log.corrupt", segment=number, offset=offset, why=why)


class Frame(NamedTuple):
    """A frame where it stands; its body has not been checked yet."""

    offset: int
    head: frames.Head
    body: memoryview

    def record(self, number: int) -> frames.LogRecord:
        """The decoded record. Raises Broken naming segment and offset."""
        return self._decoded(number, frames.decode_body)

    def names(self, number: int) -> tuple[str, str]:
        """Its source and message key. Raises Broken naming segment and offset."""
        return self._decoded(number, frames.decode_names)

    def _decoded(self, number: int, decode: Callable[[frames.Head, memoryview], T]) -> T:
        try:
            return decode(self.head, self.body)
        except Broken as error:
            raise corrupt(number, self.offset, str(error.params.get("why"))) from error


def walk(
    files: Files, path: Path, head: SegmentHead, *, row: int, offset: int, end: int, first: int
) -> Iterator[Frame]:
    """The frames of the rows from `first` on, up to the byte `end`, which must be a frame's end.

    Starts at `offset`, where record `row` stands, and reads a chunk at a time, skipping the
    bodies before `first`. Raises Broken where a head is missing, out of order or too long.
    """
    chunk, base = memoryview(b""), offset

    def part(start: int, length: int) -> memoryview:
        nonlocal chunk, base
        if start < base or start + length > base + len(chunk):
            wanted = min(max(length, CHUNK), end - start)
            chunk, base = memoryview(files.read(path, start, wanted)), start
        return chunk[start - base : start - base + length]

    while offset < end:
        frame = frames.decode_head(part(offset, min(frames.HEAD_SIZE, end - offset)), 0, head.salt)
        if frame is None or frame.row != row or offset + frame.size > end:
            raise corrupt(head.number, offset, "no such record")
        if row >= first:
            yield Frame(offset, frame, part(offset + frames.HEAD_SIZE, frame.length))
        offset, row = offset + frame.size, row + 1


class Tail(NamedTuple):
    """The good part of the last segment."""

    end: int  #: bytes that hold good records
    rows: int
    last_append: int  #: where the last append began: what follows may be in the cache only


def check_tail(data: bytes, head: SegmentHead) -> Tail:
    """Find the last good record of the last segment.

    What follows it is a torn append, which nobody was answered for; unless a later frame says
    that this part had been synced before it was written: then it is damage, and Broken.
    """
    view = memoryview(data)
    offset, row, last_append = HEAD_SIZE, 0, 0
    while (frame := frames.decode_head(view, offset, head.salt)) is not None:
        body = view[offset + frames.HEAD_SIZE : offset + frame.size]
        if frame.row != row:
            raise corrupt(head.number, offset, "records out of order")
        if frame.version not in frames.VERSIONS:
            # Written by a newer version of ours: cutting it would lose what that one promised.
            raise corrupt(head.number, offset, f"version {frame.version} is not known")
        if len(body) != frame.length or zlib.crc32(body) != frame.body_crc:
            break
        offset, row, last_append = offset + frame.size, row + 1, frame.synced
    if _was_synced(data, offset, head.salt):
        raise corrupt(head.number, offset, "damaged after it was synced")
    return Tail(offset, row, last_append)


def _was_synced(data: bytes, damage: int, salt: int) -> bool:
    """Whether a frame behind the damage was written after the damaged place had been synced."""
    at = damage
    while (at := data.find(frames.MAGIC, at + 1)) >= 0:
        frame = frames.decode_head(data, at, salt)
        if frame is not None and damage < frame.synced <= at:
            return True
    return False
