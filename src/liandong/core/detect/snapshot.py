"""A shard's whole state as bytes: versioned, checked, and bound to the rows it was made with."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from liandong.core.detect.episodes import Episode
from liandong.core.values.errors import Broken

MAGIC = b"liandong-shard\n"
VERSION = 3  # 3: windows of statistics, and rules over groups
_CHECK = 16  # bytes of blake2b after the magic


class Snapshot(msgspec.Struct, kw_only=True, array_like=True):
    """What a shard remembers. Arrays are little-endian bytes in the shard's own order."""

    version: int
    digest: str  #: of channels, rules and sources
    city: str
    mode: str
    settled: tuple[bytes, bytes, bytes]  #: slots, memories and windows of statistics at the frontier
    provisional: tuple[bytes, bytes, bytes]  #: the same after the newest reading
    window: tuple[bytes, bytes, bytes, bytes, bytes, bytes]
    watermark: bytes
    sent: bytes
    reached: bytes
    members: bytes
    operators: list[tuple[bytes, ...]]  #: of rules over groups, in the layout's order
    episodes: list[tuple[int, list[Episode]]]
    totals: dict[str, tuple[int, int, int, int, int, int]]


def pack(snapshot: Snapshot) -> bytes:
    """Magic, check sum, MessagePack."""
    body = msgspec.msgpack.encode(snapshot)
    return MAGIC + _check(body) + body


def unpack(data: bytes, digest: str, city: str, mode: str) -> Snapshot:
    """The snapshot in `data`; raises Broken when it is damaged, of another version or of other rows."""
    if not data.startswith(MAGIC):
        raise Broken("detect.snapshot_damaged", reason="magic")
    body = data[len(MAGIC) + _CHECK :]
    if data[len(MAGIC) : len(MAGIC) + _CHECK] != _check(body):
        raise Broken("detect.snapshot_damaged", reason="check sum")
    _expect("version", _version(body), VERSION)
    snapshot = msgspec.msgpack.decode(body, type=Snapshot)
    _expect("digest", snapshot.digest, digest)
    _expect("city", snapshot.city, city)
    _expect("mode", snapshot.mode, mode)
    return snapshot


def _version(body: bytes) -> Any:
    # Read untyped first, so that another version is named instead of failing on its shape.
    fields = msgspec.msgpack.decode(body)
    return fields[0] if isinstance(fields, list) and fields else None


def _expect(what: str, found: Any, wanted: str | int) -> None:
    if found != wanted:
        raise Broken(f"detect.snapshot_{what}", found=found, wanted=wanted)


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK).digest()
