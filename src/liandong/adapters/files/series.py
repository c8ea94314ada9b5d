"""A file as whole series, for whoever needs all of it at once: replay, and what condenses it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from liandong.adapters.files.batches import read_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One channel's readings in the file's order. NaN: not measured. `note` says what was corrected."""

    name: str
    unit: str  #: as the file gives it, empty where it gives none
    times: npt.NDArray[np.int64]  #: microseconds UTC
    values: npt.NDArray[np.float64]
    note: str = ""
    file: str = ""  #: with the member of an archive behind `!`


def read_series(path: Path, *, zone: str = "Asia/Shanghai") -> list[Series]:
    """All series of a file, in order of its tables and columns. Raises as `read_batches` does."""
    parts: dict[tuple[str, str], list[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.float64], str]]] = {}
    for batch in read_batches(Path(path), zone=zone):
        order = np.argsort(batch.channel, kind="stable")
        ends = np.searchsorted(batch.channel[order], np.arange(len(batch.names) + 1))
        for place, name in enumerate(batch.names):
            rows = order[ends[place] : ends[place + 1]]
            if len(rows):
                piece = (batch.units[place], batch.time[rows], batch.value[rows], batch.note)
                parts.setdefault((batch.file, name), []).append(piece)
    return [
        Series(
            name=name, file=file, unit=pieces[0][0], note=pieces[-1][3],
            times=np.concatenate([piece[1] for piece in pieces]),
            values=np.concatenate([piece[2] for piece in pieces]),
        )
        for (file, name), pieces in parts.items()
    ]  # fmt: skip
