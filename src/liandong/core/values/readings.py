"""Readings in columns. Units are canonical, times UTC, NaN has become a quality bit."""

from __future__ import annotations

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
