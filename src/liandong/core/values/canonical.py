"""One way to turn a value into bytes, so that equal values have equal digests.

UTF-8 JSON, keys sorted, no spaces. Identity holds no floats (CONTRACTS 2 and 6).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def canonical_bytes(value: Any) -> bytes:
    """JSON bytes of a struct, mapping or sequence with sorted keys."""
    return _encoder.encode(value)


def sha256(data: bytes) -> str:
    """Hex SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))


def short_hash(data: bytes) -> str:
    """base32(blake2b-128) in lower case without padding: 26 characters.

    Two characters at a time from a table: an id is made for every order, timer and delivery, and
    the standard library's encoder took most of that time.
    """
    number = int.from_bytes(hashlib.blake2b(data, digest_size=16).digest()) << 2
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])
