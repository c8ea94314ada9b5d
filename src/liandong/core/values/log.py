"""One message as the readings log keeps it: the raw bytes beside the decoded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liandong.core.values.readings import ReadingBatch

Kind = Literal["readings", "advance"]
KINDS: tuple[Kind, ...] = ("readings", "advance")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogRecord:
    """`readings` carries a batch of the same source; `advance` carries none and moves the source's
    watermark (microseconds UTC) because a tick found it silent.

    `message_key` is the source's own message id or a digest of the raw bytes; `arrival` is
    microseconds UTC; `raw` is the message exactly as received.
    """

    source: str
    kind: Kind = "readings"
    message_key: str
    arrival: int
    raw: bytes = b""
    batch: ReadingBatch | None = None
    watermark: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS or (self.kind == "readings") != (self.batch is not None):
            raise TypeError(f"a record of kind {self.kind!r} with batch {type(self.batch).__name__}")
        if self.batch is not None and self.batch.source != self.source:
            raise TypeError(f"record of {self.source!r} with a batch of {self.batch.source!r}")
