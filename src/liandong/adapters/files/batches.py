"""A file in pieces: columns of a few ten thousand rows, with how much of the file has been read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from liandong.adapters.files.members import beginning, members, opened
from liandong.core.values.errors import BadInput

ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBatch:
    """Readings of a piece of a table: a row a reading.

    `channel` holds places in `names`; `time` is microseconds UTC; a value of NaN was not measured.
    """

    file: str  #: with the member of an archive behind `!`
    line: int  #: on which the piece begins (Parquet: row, from 1)
    names: tuple[str, ...]
    units: tuple[str, ...]
    channel: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    note: str = ""  #: what was corrected, in English
    done: float = 0.0  #: share of the table that has been read, 0 … 1


def read_batches(path: Path, *, zone: str = "Asia/Shanghai", rows: int = ROWS) -> Iterator[FileBatch]:
    """All readings of a file, in its order. `zone` holds for times without an offset.

    Raises NotFound for a file that is not there and BadInput, with file, line and column, for one that
    cannot be read.
    """
    # Imported late: who never reads a Parquet file need not load its library.
    from liandong.adapters.files.delimited import read_delimited

    where = zone_of(zone)
    with opened(path) as stream:
        for member in members(stream, path.name):
            if beginning(member.stream, 4) == b"PAR1":
                from liandong.adapters.files.columnar import read_columnar

                yield from read_columnar(member, where, rows)
            else:
                yield from read_delimited(member, where, rows)


def zone_of(name: str) -> ZoneInfo:
    """The zone. Raises BadInput for a name that the zone tables do not have."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("file.unknown_zone", zone=name[:80]) from error
