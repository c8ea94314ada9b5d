"""Chance without a generator: a number is a function of the seed and of what it is for.

So one more sensor, or another order of asking, changes no other number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")


def _hash(seed: int, parts: tuple[str | int, ...]) -> int:
    text = "\x1f".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def mark(*parts: str | int) -> int:
    """A whole number of 63 bits that stands for a thing, for `noise`."""
    return _hash(0, parts) >> 1


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


def noise(seed: int, what: str, marks: npt.NDArray[np.int64], at: int) -> npt.NDArray[np.float64]:
    """A number in [-1, 1) for each of these marks at a moment: many at once, by a mixer of 64 bits."""
    key = np.uint64(_hash(seed, (what, at)))
    with np.errstate(over="ignore"):
        x = marks.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / float(1 << 52) - 1.0
