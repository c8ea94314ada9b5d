"""证据: the window that shows a finding, cut from what was just received and stored by its digest."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from liandong.app.ports import Position
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.findings import Finding
from liandong.core.values.log import LogRecord
from liandong.core.values.readings import COLUMNS
from liandong.core.values.times import MINUTE

#: The channel is shown from this long before the onset.
BEFORE_ONSET = 30 * MINUTE
#: Version of a window's bytes: from 2 on raw messages are kept apart, by digest.
FORMAT = 2
#: Records kept per source to cut windows from, and their bytes: of large messages fewer are kept.
RECENT = 64
RECENT_BYTES = 8 * 1024 * 1024
#: Of one reading in columns.
_ROW_BYTES: int = sum(dtype.itemsize for dtype in COLUMNS.values())


class Evidence(Protocol):
    """Content-addressed store."""

    def put_many(self, items: Sequence[bytes]) -> list[str]:
        """Store durably; the digests."""

    def get(self, digest: str) -> bytes:
        """The bytes. Raises NotFound where they are missing, Broken where they are altered."""


class Windows:
    """Remembers the newest records of each source and shows findings in them."""

    def __init__(self, evidence: Evidence, numbers: Mapping[str, int]) -> None:
        self._evidence = evidence
        self._numbers = numbers
        self._recent: dict[str, deque[tuple[Position, LogRecord]]] = {}
        self._bytes: dict[str, int] = {}

    def remember(self, position: Position, record: LogRecord) -> None:
        """Keep a record for a while."""
        if record.batch is None:
            return
        kept = self._recent.setdefault(record.source, deque())
        kept.append((position, record))
        held = self._bytes.get(record.source, 0) + _bytes_of(record)
        while len(kept) > RECENT or (held > RECENT_BYTES and len(kept) > 1):
            held -= _bytes_of(kept.popleft()[1])
        self._bytes[record.source] = held

    def recent(self, source: str) -> list[tuple[Position, LogRecord]]:
        """What is remembered of a source, oldest first; any thread may ask."""
        while True:
            try:
                return list(self._recent.get(source, ()))
            except RuntimeError:  # it grew while it was copied
                continue

    def show(self, messages: Sequence[Any], source: str) -> list[Any]:
        """The messages, findings among them with the digest of the window that shows them."""
        found = [m for m in messages if isinstance(m, Finding)]
        if not found:
            return list(messages)
        recent = _Recent(self.recent(source))
        windows = [self._window(m, recent) for m in found]
        # One sync for all; the raw messages that several windows share are kept once.
        digests = iter(self._evidence.put_many([*windows, *recent.used.values()])[: len(windows)])
        return [
            msgspec.structs.replace(m, evidence=next(digests)) if isinstance(m, Finding) else m
            for m in messages
        ]

    def _window(self, finding: Finding, recent: _Recent) -> bytes:
        """Readings of the channel from before the onset up to the raising, and the raw messages by digest."""
        shown = recent.of(self._numbers[finding.channel], finding.onset - BEFORE_ONSET, finding.raised)
        return canonical_bytes(
            {
                "format": FORMAT,
                "finding": finding.id,
                "channel": finding.channel,
                "rule": finding.rule,
                "rule_version": finding.rule_version,
                "onset": finding.onset,
                "raised": finding.raised,
                "limit": finding.limit,
                "records": [
                    {"position": position, "raw": recent.raw(place), "readings": readings}
                    for place, position, readings in shown
                ],
            }
        )


class _Recent:
    """Records sorted by channel once, so that each finding is cut out by a search and not by a scan."""

    def __init__(self, records: Sequence[tuple[Position, LogRecord]]) -> None:
        self._records = [(position, record) for position, record in records if record.batch is not None]
        batches = [record.batch for _, record in self._records if record.batch is not None]
        channel = np.concatenate([b.channel for b in batches]) if batches else np.zeros(0, np.int32)
        order = np.argsort(channel, kind="stable")
        self._channel = channel[order]
        place = np.repeat(np.arange(len(batches)), [len(b) for b in batches]) if batches else channel
        columns = [
            np.concatenate([getattr(b, name) for b in batches]) if batches else channel
            for name in ("event_time", "value", "quality")
        ]
        self._place, (self._time, self._value, self._quality) = place[order], (c[order] for c in columns)
        self._digests: dict[int, str] = {}
        #: Digest → bytes of the raw messages that a window names.
        self.used: dict[str, bytes] = {}

    def of(self, channel: int, start: int, end: int) -> list[tuple[int, Position, list[list[float]]]]:
        """(record, position, [[event time, value, quality]]) of a channel within [start, end]."""
        first, last = np.searchsorted(self._channel, [channel, channel + 1]).tolist()
        found: dict[int, list[list[float]]] = {}
        for row in range(first, last):
            if start <= self._time[row] <= end:
                reading = [int(self._time[row]), float(self._value[row]), int(self._quality[row])]
                found.setdefault(int(self._place[row]), []).append(reading)
        return [(place, self._records[place][0], rows) for place, rows in found.items()]

    def raw(self, place: int) -> str:
        """Digest of a record's raw message, which is then kept as well."""
        if place not in self._digests:
            data = self._records[place][1].raw
            self._digests[place] = sha256(data)
            self.used[self._digests[place]] = data
        return self._digests[place]


def _bytes_of(record: LogRecord) -> int:
    return len(record.raw) + record.rows * _ROW_BYTES


def raws_of(window: bytes) -> list[str]:
    """Digests of the raw messages that a window names; none for a window of the first format, which holds
    them itself, and for what is no window."""
    try:
        shown = msgspec.json.decode(window)
        return [str(r["raw"]) for r in shown["records"]] if shown.get("format") == FORMAT else []
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        return []


def with_raws(shown: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    """A decoded window with the text of each raw message in place of its digest.

    Raises NotFound or Broken where one is missing or altered.
    """
    if shown.get("format") != FORMAT:
        return shown
    records = [
        r | {"raw": evidence.get(r["raw"]).decode("utf-8", "replace"), "digest": r["raw"]}
        for r in shown["records"]
    ]
    return shown | {"records": records}
