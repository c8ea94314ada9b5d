"""Chance without a generator: a number is a function of the seed and of what it is for.

So one more sensor, or another order of asking, changes no other number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def _hash(seed: int, parts: tuple[str | int, ...]) -> int:
    text = "\x1f".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def chance(seed: int, *parts: str | int) -> float:
    """A number in [0, 1), always the same for the same seed and parts."""
    return (_hash(seed, parts) >> 11) / (1 << 53)


def between(low: float, high: float, seed: int, *parts: str | int) -> float:
    """A number in [low, high)."""
    return low + (high - low) * chance(seed, *parts)


def shuffled(items: Sequence[Item], seed: int, *parts: str | int) -> list[Item]:
    """The items in an order of chance."""
    places = sorted(range(len(items)), key=lambda place: _hash(seed, (*parts, place)))
    return [items[place] for place in places]
