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
_LOW_70, _LOW_30 = (1 << 70) - 1, (1 << 30) - 1


def short_hash(data: bytes) -> str:
    """base32(blake2b-128) in lower case without padding: 26 characters.

    Two characters at a time from a table, out of three numbers that a machine word holds: an id is made
    for every order, timer and delivery, and the standard library's encoder took most of that time.
    """
    number = int.from_bytes(hashlib.blake2b(data, digest_size=16).digest()) << 2
    a, b, c = number >> 70, (number & _LOW_70) >> 30, number & _LOW_30
    p = _PAIRS
    return (
        f"{p[a >> 50]}{p[a >> 40 & 1023]}{p[a >> 30 & 1023]}{p[a >> 20 & 1023]}{p[a >> 10 & 1023]}"
        f"{p[a & 1023]}{p[b >> 30]}{p[b >> 20 & 1023]}{p[b >> 10 & 1023]}{p[b & 1023]}"
        f"{p[c >> 20]}{p[c >> 10 & 1023]}{p[c & 1023]}"
    )
