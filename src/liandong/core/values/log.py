"""One message as the readings log keeps it: the raw bytes beside the decoded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liandong.core.values.readings import Batch, PositionBatch, ReadingBatch, WaveformBatch

Kind = Literal["readings", "advance", "positions", "waveforms"]
#: Their places in this list are what the log stores; new ones go to the end.
KINDS: tuple[Kind, ...] = ("readings", "advance", "positions", "waveforms")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogRecord:
    """A message of a source, or a move of its watermark.

    `readings`, `positions` and `waveforms` carry a batch of the same source, each in its own field;
    `advance` carries none and moves the source's watermark (microseconds UTC) because a tick found it
    silent. `message_key` is the source's own message id or a digest of the raw bytes; `arrival` is
    microseconds UTC; `raw` is the message exactly as received.
    """

    source: str
    kind: Kind = "readings"
    message_key: str
    arrival: int
    raw: bytes = b""
    batch: ReadingBatch | None = None
    positions: PositionBatch | None = None
    waveforms: WaveformBatch | None = None
    watermark: int = 0

    def __post_init__(self) -> None:
        held = {"readings": self.batch, "positions": self.positions, "waveforms": self.waveforms}
        full = [kind for kind, batch in held.items() if batch is not None]
        if self.kind not in KINDS or full != ([] if self.kind == "advance" else [self.kind]):
            raise TypeError(f"a record of kind {self.kind!r} with {full or 'no batch'}")
        if self.content is not None and self.content.source != self.source:
            raise TypeError(f"record of {self.source!r} with a batch of {self.content.source!r}")

    @property
    def content(self) -> Batch | None:
        """The batch, whatever its kind."""
        # Compared with None, because an empty batch is false.
        held = (self.batch, self.positions, self.waveforms)
        return next((batch for batch in held if batch is not None), None)

    @property
    def rows(self) -> int:
        """Rows of the batch; 0 where there is none."""
        return 0 if self.content is None else len(self.content)


def record_of(batch: Batch, *, message_key: str, arrival: int, raw: bytes) -> LogRecord:
    """The record of a message's batch; keys of different kinds never meet."""
    if isinstance(batch, ReadingBatch):
        return LogRecord(source=batch.source, message_key=message_key, arrival=arrival, raw=raw, batch=batch)
    if isinstance(batch, PositionBatch):
        return LogRecord(
            source=batch.source, kind="positions", message_key=f"positions:{message_key}", arrival=arrival,
            raw=raw, positions=batch,
        )  # fmt: skip
    return LogRecord(
        source=batch.source, kind="waveforms", message_key=f"waveforms:{message_key}", arrival=arrival,
        raw=raw, waveforms=batch,
    )  # fmt: skip
