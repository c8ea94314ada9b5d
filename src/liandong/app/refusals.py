"""Refused input: what of it are a person's words, and what need not be kept again and again."""

from __future__ import annotations

import threading
from typing import Any

from liandong.core.ingest.decoded import DecodedAs
from liandong.core.values.times import HOUR

#: Doors by which people send words; all others are devices'.
PERSONAL = ("act",)
#: Parameters of an error that say what it is about, and how many errors are remembered.
_ABOUT = ("device", "item", "channel", "object")
_MOST_SHOWN = 10_000


class Refusals:
    """Which errors of messages that were taken in part were kept within this hour. Threads may share it."""

    def __init__(self) -> None:
        self._hour = 0
        self._seen: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def before(self, source: str, door: str, decoded: DecodedAs[Any], now: int) -> bool:
        """Whether all errors of a message were seen in this hour, each by what it is about; now they are."""
        found = {
            (source, door, error.key, *(str(error.params.get(name, "")) for name in _ABOUT))
            for error in decoded.errors
        }
        with self._lock:
            if now // HOUR != self._hour or len(self._seen) > _MOST_SHOWN:
                self._hour, self._seen = now // HOUR, set()
            known = found <= self._seen
            self._seen |= found
        return known
