"""What a message came to, and the bounds within which one is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from liandong.core.values.errors import BadInput
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.times import EARLIEST, LATEST, MINUTE

MOST_BYTES = 8 * 1024 * 1024
MOST_ROWS = 100_000
#: A device's clock may be this far ahead of ours before its reading is refused.
MOST_AHEAD = 5 * MINUTE
#: So much of what a device said is repeated in an error.
MOST_SAID = 80

B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedAs(Generic[B]):
    """What a message came to: the good rows, and an error for each bad one."""

    key: str  #: the source's own message id, else a digest of the bytes
    batch: B
    errors: tuple[BadInput, ...]


Decoded = DecodedAs[ReadingBatch]


def check_size(raw: bytes) -> None:
    """Raise BadInput for a message of too many bytes."""
    if len(raw) > MOST_BYTES:
        raise BadInput("batch.too_large", limit=MOST_BYTES, size=len(raw))


def check_rows(count: int) -> None:
    """Raise BadInput for a message of too many rows."""
    if count > MOST_ROWS:
        raise BadInput("batch.too_large", limit=MOST_ROWS, size=count)


def check_time(at: int, said: str, row: int, now: int) -> int:
    """The moment again; BadInput for one that no clock that was ever set can give."""
    if not EARLIEST <= at <= LATEST:
        raise BadInput("reading.absurd_time", value=said[:40], row=row)
    if at > now + MOST_AHEAD:
        raise BadInput("reading.future_time", value=said[:40], row=row)
    return at
