"""证据: the window that shows a finding, cut from what was just received and stored by its digest."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from liandong.app.ports import Position
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.findings import Finding
from liandong.core.values.log import LogRecord
from liandong.core.values.times import MINUTE

#: The channel is shown from this long before the onset.
BEFORE_ONSET = 30 * MINUTE
#: Records kept per source to cut windows from.
RECENT = 64


class Evidence(Protocol):
    """Content-addressed store."""

    def put_many(self, items: Sequence[bytes]) -> list[str]:
        """Store durably; the digests."""


class Windows:
    """Remembers the newest records of each source and shows findings in them."""

    def __init__(self, evidence: Evidence, numbers: Mapping[str, int]) -> None:
        self._evidence = evidence
        self._numbers = numbers
        self._recent: dict[str, deque[tuple[Position, LogRecord]]] = {}

    def remember(self, position: Position, record: LogRecord) -> None:
        """Keep a record for a while."""
        if record.batch is not None:
            self._recent.setdefault(record.source, deque(maxlen=RECENT)).append((position, record))

    def show(self, messages: Sequence[Any], source: str) -> list[Any]:
        """The messages, findings among them with the digest of the window that shows them."""
        found = [m for m in messages if isinstance(m, Finding)]
        digests = iter(self._evidence.put_many([self._window(m, source) for m in found]) if found else [])
        return [
            msgspec.structs.replace(m, evidence=next(digests)) if isinstance(m, Finding) else m
            for m in messages
        ]

    def _window(self, finding: Finding, source: str) -> bytes:
        """Raw messages and readings of the channel from before the onset up to the raising, as JSON."""
        shown = []
        for position, record in self._recent.get(source, ()):
            readings = self._readings(finding, record)
            if readings:
                raw = record.raw.decode("utf-8", "replace")
                shown.append({"position": position, "raw": raw, "readings": readings})
        return canonical_bytes(
            {
                "finding": finding.id,
                "channel": finding.channel,
                "rule": finding.rule,
                "rule_version": finding.rule_version,
                "onset": finding.onset,
                "raised": finding.raised,
                "limit": finding.limit,
                "records": shown,
            }
        )

    def _readings(self, finding: Finding, record: LogRecord) -> list[list[float]]:
        """[event time, value, quality] of the finding's channel within the window."""
        batch = record.batch
        if batch is None:
            return []
        mask = (batch.channel == self._numbers[finding.channel]) & (batch.event_time <= finding.raised)
        mask &= batch.event_time >= finding.onset - BEFORE_ONSET
        columns = (batch.event_time[mask], batch.value[mask], batch.quality[mask])
        return [[int(t), float(v), int(q)] for t, v, q in zip(*columns, strict=True)]
