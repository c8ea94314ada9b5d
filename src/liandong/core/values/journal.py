"""The journal's entry, its chain and its roots: pure, so that anybody can check them anywhere.

hash = H(algorithm, stream, sequence, previous hash, body hash), each part length-prefixed.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.decision import Deliver, Reason
from liandong.core.values.errors import Broken
from liandong.core.values.events import EventRecord
from liandong.core.values.lists import Mode, Step

DEFAULT_ALGORITHM = "sha256"
#: Chosen once per deployment; SM3 where the deployment's OpenSSL has it.
ALGORITHMS = ("sha256", "sm3")
GENESIS = ""


class EntryKind(StrEnum):
    """留痕类别."""

    ADMISSION = "admission"  #: 受理
    DECISION = "decision"  #: 决策
    DELIVERY = "delivery"  #: 送达
    ACCESS = "access"  #: 访问
    SYSTEM = "system"  #: 系统


class Versions(msgspec.Struct, frozen=True):
    """What was in force when it was decided."""

    code: str = ""
    rules: int = 0
    mechanism: int = 0
    city: int = 0
    packs: dict[str, str] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry as it is hashed and stored. Bodies hold no names, numbers, free text or media."""

    kind: EntryKind
    stream: str
    now: int
    mode: Mode
    versions: Versions
    admission: int = 0  #: ordinal of the admitted message that caused it
    step: Step | None = None
    message: EventRecord | None = None  #: the admitted message, in entries of kind admission
    reason: Reason | None = None
    refused: bool = False
    events: tuple[EventRecord, ...] = ()
    effects: tuple[Deliver, ...] = ()


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored entry: the exact bytes that were hashed, beside what an index needs."""

    stream: str
    sequence: int  #: from 1
    algorithm: str
    previous: str
    hash: str
    body: bytes
    kind: EntryKind
    now: int
    admission: int
    position: int = 0  #: gap-free global position; 0 until assigned


def digest(algorithm: str, data: bytes) -> str:
    """Hex digest. Raises Broken for an algorithm that is not in the list or not in this OpenSSL."""
    if algorithm == "sha256":
        return hashlib.sha256(data).hexdigest()
    if algorithm not in ALGORITHMS:
        raise Broken("journal.unknown_algorithm", algorithm=algorithm)
    try:
        return hashlib.new(algorithm, data).hexdigest()
    except ValueError as error:
        raise Broken("journal.unknown_algorithm", algorithm=algorithm) from error


def chain_hash(algorithm: str, stream: str, sequence: int, previous: str, body: bytes) -> str:
    """The hash of an entry. Parts are length-prefixed, so that no two tuples give the same bytes."""
    number, of_body = str(sequence), digest(algorithm, body)
    parts = (
        f"{len(algorithm.encode())}:{algorithm}{len(stream.encode())}:{stream}{len(number)}:{number}"
        f"{len(previous.encode())}:{previous}{len(of_body)}:{of_body}"
    )
    return digest(algorithm, parts.encode())


def chain(entry: Entry, sequence: int, previous: str, algorithm: str = DEFAULT_ALGORITHM) -> JournalRow:
    """The next row of a stream."""
    body = canonical_bytes(entry)
    return JournalRow(
        stream=entry.stream, sequence=sequence, algorithm=algorithm, previous=previous,
        hash=chain_hash(algorithm, entry.stream, sequence, previous, body), body=body, kind=entry.kind,
        now=entry.now, admission=entry.admission,
    )  # fmt: skip


_entry_decoder = msgspec.json.Decoder(Entry)


def read_entry(body: bytes) -> Entry:
    """Body bytes → entry. Raises Broken."""
    try:
        return _entry_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Broken("journal.unreadable_body") from error


class Head(msgspec.Struct, frozen=True):
    """The newest entry of a stream."""

    stream: str
    sequence: int
    hash: str


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement over the heads that changed since the root before."""

    number: int  #: from 1
    at: int
    position: int  #: global position up to which it speaks
    previous: str
    heads: tuple[Head, ...]  #: changed heads, sorted by stream
    hash: str
    key: str  #: id of the signing key
    signature: str  #: hex Ed25519 over the hash


def root_hash(number: int, at: int, position: int, previous: str, heads: tuple[Head, ...]) -> str:
    """Hash of a root's content."""
    return hashlib.sha256(canonical_bytes([number, at, position, previous, heads])).hexdigest()


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves the house: enough to notice a restored older copy."""

    number: int
    at: int
    position: int
    hash: str
    key: str
    signature: str
