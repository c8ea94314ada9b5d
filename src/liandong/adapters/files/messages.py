"""A file as the messages that a device would have sent: the same file gives the same bytes again.

So an import that was interrupted may simply be repeated: what was taken before is told as a repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.adapters.files.batches import FileBatch, read_batches
from liandong.core.values.times import format_time

ROWS = 5_000


class FileMessage(NamedTuple):
    """One message, and where in the file it stands."""

    file: str
    line: int  #: on which its piece begins
    rows: int
    raw: bytes
    done: float  #: share of the table that has been read, 0 … 1
    note: str


def file_messages(path: Path, *, zone: str, names: Mapping[str, str]) -> Iterator[FileMessage]:
    """Messages of readings in JSON, at most `ROWS` each; `names` says which channel a column is.

    A name that is not in it stands for itself. Raises as `read_batches` does.
    """
    for batch in read_batches(path, zone=zone):
        keys = [names.get(name, name) for name in batch.names]
        # By time, because a wide table is read column by column and a source moves on in time.
        order = np.argsort(batch.time, kind="stable")
        for start in range(0, len(order), ROWS):
            yield _message(batch, keys, order[start : start + ROWS])


def _message(batch: FileBatch, keys: list[str], rows: npt.NDArray[Any]) -> FileMessage:
    columns = (batch.channel[rows].tolist(), batch.time[rows].tolist(), batch.value[rows].tolist())
    readings = [
        {"channel": keys[channel], "time": format_time(at), "value": value if value == value else None}
        for channel, at, value in zip(*columns, strict=True)
    ]
    raw = msgspec.json.encode({"readings": readings})
    return FileMessage(batch.file, batch.line, len(rows), raw, batch.done, batch.note)
