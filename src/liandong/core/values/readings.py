"""Readings in columns, and their two relatives: positions of what moves, and windows of fast signals.

Units are canonical, times UTC; in a reading NaN has become a quality bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

SCHEMA_VERSION = 1

#: Column name → dtype, the order in which every encoding keeps them.
COLUMNS: dict[str, Any] = {
    "channel": np.dtype("<i4"),  #: number within the channel registry
    "event_time": np.dtype("<i8"),  #: microseconds UTC, the device's
    "arrival_time": np.dtype("<i8"),  #: microseconds UTC, ours
    "value": np.dtype("<f8"),  #: in the quantity's canonical unit; 0.0 where the quality says NAN
    "quality": np.dtype("<u4"),  #: bits of `Quality`, good = 0
    "message": np.dtype("<i4"),  #: row of the raw message within its log record
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingBatch:
    """Six equally long columns, all of one source, as they arrived (not sorted)."""

    source: str
    channel: npt.NDArray[np.int32]
    event_time: npt.NDArray[np.int64]
    arrival_time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.uint32]
    message: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        for name, dtype in COLUMNS.items():
            column = getattr(self, name)
            if column.dtype != dtype or column.shape != self.channel.shape or column.ndim != 1:
                raise TypeError(
                    f"column {name}: {column.dtype}{column.shape}, wanted {dtype}{self.channel.shape}"
                )

    def __len__(self) -> int:
        return len(self.channel)

    def take(self, index: npt.NDArray[Any]) -> ReadingBatch:
        """The rows of an index or mask, in that order."""
        return ReadingBatch(source=self.source, **{name: getattr(self, name)[index] for name in COLUMNS})

    @classmethod
    def from_columns(cls, source: str, **columns: Any) -> ReadingBatch:
        """Columns of any array-like, converted to their dtypes; missing ones are zero."""
        length = len(columns["channel"])
        made = {
            name: np.ascontiguousarray(columns.get(name, np.zeros(length)), dtype=dtype)
            for name, dtype in COLUMNS.items()
        }
        return cls(source=source, **made)


def batch_of_rows(source: str, rows: Sequence[tuple[int, int, float, int]], arrival: int) -> ReadingBatch:
    """A batch of (channel number, event time, value, quality) that arrived at one moment."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return ReadingBatch.from_columns(
        source, channel=columns[0], event_time=columns[1], value=columns[2], quality=columns[3],
        arrival_time=np.full(len(rows), arrival), message=np.zeros(len(rows)),
    )  # fmt: skip


#: Columns of positions as every encoding keeps them; NaN where an optional one is not known.
POSITION_COLUMNS: dict[str, Any] = {
    "object": np.dtype("<i4"),  #: place within `names`
    "event_time": np.dtype("<i8"),  #: microseconds UTC, the device's
    "arrival_time": np.dtype("<i8"),  #: microseconds UTC, ours
    "lon": np.dtype("<f8"),  #: degrees, EPSG:4490
    "lat": np.dtype("<f8"),  #: degrees, EPSG:4490
    "altitude": np.dtype("<f8"),  #: m
    "speed": np.dtype("<f8"),  #: m/s
    "heading": np.dtype("<f8"),  #: degrees from north, clockwise
    "quality": np.dtype("<u4"),  #: bits of `Quality`, good = 0
    "message": np.dtype("<i4"),  #: row of the raw message within its log record
}
#: Columns of waveform windows, a row each; the samples of all lie one behind the other.
WAVEFORM_COLUMNS: dict[str, Any] = {
    "channel": np.dtype("<i4"),  #: number within the channel registry
    "start": np.dtype("<i8"),  #: microseconds UTC of the first sample, the device's
    "arrival_time": np.dtype("<i8"),  #: microseconds UTC, ours
    "rate": np.dtype("<f8"),  #: samples a second
    "count": np.dtype("<i4"),  #: samples of this window
    "quality": np.dtype("<u4"),  #: bits of `Quality`, good = 0
    "message": np.dtype("<i4"),  #: row of the raw message within its log record
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBatch:
    """定位批: where vehicles, vessels and people were; ten equally long columns, all of one source."""

    source: str
    names: tuple[str, ...]  #: keys of the objects, as the source calls them
    columns: dict[str, npt.NDArray[Any]]

    def __post_init__(self) -> None:
        _check_columns(self.columns, POSITION_COLUMNS)

    def __len__(self) -> int:
        return len(self.columns["object"])


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveformBatch:
    """波形批: windows of fast channels; sample i of a window lies at start + i / rate."""

    source: str
    columns: dict[str, npt.NDArray[Any]]
    samples: npt.NDArray[Any]  #: float32 or float64, in the quantity's canonical unit; NaN: none

    def __post_init__(self) -> None:
        _check_columns(self.columns, WAVEFORM_COLUMNS)
        counts = self.columns["count"]
        if self.samples.dtype not in (np.dtype("<f4"), np.dtype("<f8")) or self.samples.ndim != 1:
            raise TypeError(f"samples: {self.samples.dtype}{self.samples.shape}")
        if (counts < 0).any() or int(counts.sum(dtype=np.int64)) != len(self.samples):
            raise TypeError(f"{len(self.samples)} samples, counted {int(counts.sum(dtype=np.int64))}")

    def __len__(self) -> int:
        return len(self.columns["channel"])

    def windows(self) -> Iterator[tuple[int, int, float, npt.NDArray[Any]]]:
        """(channel number, start, rate, samples) of each."""
        ends = np.cumsum(self.columns["count"], dtype=np.int64)
        for row, end in enumerate(ends.tolist()):
            channel, start = int(self.columns["channel"][row]), int(self.columns["start"][row])
            count = int(self.columns["count"][row])
            yield channel, start, float(self.columns["rate"][row]), self.samples[end - count : end]


Batch = ReadingBatch | PositionBatch | WaveformBatch


def _check_columns(columns: dict[str, npt.NDArray[Any]], wanted: dict[str, Any]) -> None:
    if list(columns) != list(wanted):
        raise TypeError(f"columns {list(columns)}, wanted {list(wanted)}")
    length = len(next(iter(columns.values())))
    for name, dtype in wanted.items():
        if columns[name].dtype != dtype or columns[name].shape != (length,):
            raise TypeError(
                f"column {name}: {columns[name].dtype}{columns[name].shape}, wanted {dtype}({length},)"
            )


def columns_of(wanted: dict[str, Any], length: int, **given: Any) -> dict[str, npt.NDArray[Any]]:
    """Columns of any array-like, converted to their dtypes; missing ones are zero."""
    return {
        name: np.ascontiguousarray(given.get(name, np.zeros(length)), dtype=dtype)
        for name, dtype in wanted.items()
    }
