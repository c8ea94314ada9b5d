"""保存期限: what of the readings' history may go, by its class, and what must stay.

A city's rows say how long each class is kept; a class without a row is kept for ever, but for tracks of
what moves, which are personal data and go after 30 days unless a case holds them as evidence
(CONTRACTS 11). Evidence belongs to its case and is never removed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from liandong.core.values.city import Retention
from liandong.core.values.lists import DataKind
from liandong.core.values.times import DAY, SECOND

DEFAULTS: dict[DataKind, int] = {DataKind.POSITIONS: 30 * DAY}


class Held(Protocol):
    """One file of the history."""

    @property
    def kind(self) -> str:
        """readings, positions or waveforms."""

    @property
    def last(self) -> int:
        """Newest event time in it, microseconds UTC."""


def spans(rows: Iterable[Retention]) -> dict[DataKind, int]:
    """Class → microseconds for which it is kept; for ever where it is not named."""
    return DEFAULTS | {row.data: round(row.days * DAY) for row in rows}


def thinning(rows: Iterable[Retention]) -> tuple[int, int] | None:
    """After how long readings are thinned, and the stretch of which four stay; microseconds. None = never."""
    for row in rows:
        if row.data == DataKind.READINGS and row.thin_days:
            return round(row.thin_days * DAY), round(row.thin_s * SECOND)
    return None


def overdue(pieces: Sequence[Held], kept: Mapping[DataKind, int], now: int) -> list[Held]:
    """Files whose newest row is older than its class may be."""
    return [
        piece
        for piece in pieces
        if (span := kept.get(DataKind(piece.kind))) is not None and piece.last < now - span
    ]


def raw_upto(
    arrivals: Mapping[int, int], compacted: set[int], needed: int, kept: Mapping[DataKind, int], now: int
) -> int:
    """Newest segment of the log up to which all may go; 0 where none may.

    `arrivals` are segment → newest arrival in it, of closed segments. One goes only if it is compacted,
    older than the class `raw` is kept, and before the segment that a restart still needs.
    """
    span = kept.get(DataKind.RAW)
    upto = 0
    for segment in sorted(arrivals):
        old = span is not None and arrivals[segment] < now - span
        if not old or segment not in compacted or segment >= needed:
            break
        upto = segment
    return upto
