"""Columns of readings, judged without a loop over rows; only refused rows are looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.ingest import compiled
from liandong.core.ingest.channels import ChannelTable, checked_value, table_of
from liandong.core.ingest.decoded import MOST_AHEAD, MOST_SAID, Decoded, DecodedAs, check_rows, check_time
from liandong.core.values.errors import BadInput
from liandong.core.values.readings import COLUMNS, ReadingBatch
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import EARLIEST, LATEST

Places = npt.NDArray[np.int64]


class Texts(Sequence[str]):
    """Texts as one run of UTF-8 and the places where they begin and end, read only where somebody looks."""

    def __init__(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> None:
        self.data, self.offsets = data, offsets

    def __len__(self) -> int:
        return max(len(self.offsets) - 1, 0)

    def __getitem__(self, place: Any) -> Any:
        return self.data[self.offsets[place] : self.offsets[place + 1]].tobytes().decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Equally long columns as a sender gave them.

    `channel` holds places in `names` (-1: none was given), or, where `names` is None, registry
    numbers. `time` is microseconds UTC, `no_time` marks rows without one. A value that is not a
    number was not measured.
    """

    channel: npt.NDArray[np.int64]
    names: Sequence[str] | None
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    no_time: npt.NDArray[np.bool_] | None = None


def decode_columns(
    columns: Columns, key: str, source: str, channels: dict[str, ChannelRow], arrival: int, now: int
) -> Decoded:
    """Good rows and an error for each bad one, by the same rules as JSON. Raises BadInput for too many."""
    check_rows(len(columns.channel))
    table = table_of(channels)
    place = places(columns, table)
    batch, bad = judge(table, source, place, columns.time, columns.value, arrival, now)
    if columns.no_time is not None:
        bad |= columns.no_time
    if not bad.any():
        return DecodedAs(key=key, batch=batch, errors=())
    errors = tuple(_why(columns, table, place, row, source, now) for row in np.flatnonzero(bad).tolist())
    return DecodedAs(key=key, batch=batch.take(~bad), errors=errors)


def places(columns: Columns, table: ChannelTable) -> Places:
    """Where each row's channel stands in the table, -1 where nowhere."""
    if columns.names is None:
        return table.at_numbers(columns.channel)
    # One more for the rows that name none: place -1 is the last.
    known = np.full(len(columns.names) + 1, -1, dtype=np.int64)
    if isinstance(columns.names, Texts):
        known[:-1] = table.names.find(columns.names.data, columns.names.offsets)
    else:
        known[:-1] = [table.index.get(name, -1) for name in columns.names]
    return known[columns.channel]


def judge(
    table: ChannelTable,
    source: str,
    place: Places,
    time: npt.NDArray[np.int64],
    value: npt.NDArray[np.float64],
    arrival: int,
    now: int,
) -> tuple[ReadingBatch, npt.NDArray[np.bool_]]:
    """The batch of all rows in canonical units, and which of them are bad."""
    rows = len(place)
    columns = {name: np.empty(rows, dtype=dtype) for name, dtype in COLUMNS.items()}
    bad = np.empty(rows, dtype=np.bool_)
    latest = min(int(LATEST), now + MOST_AHEAD)
    compiled.judge(
        place, time, value, table.terms, table.owner(source), int(EARLIEST), latest,
        columns["channel"], columns["event_time"], columns["value"], columns["quality"], bad,
    )  # fmt: skip
    columns["arrival_time"].fill(arrival)
    columns["message"].fill(0)
    return ReadingBatch(source=source, **columns), bad


def _why(columns: Columns, table: ChannelTable, place: Places, row: int, source: str, now: int) -> BadInput:
    """The error of a bad row: the first rule that it breaks, in the order of JSON."""
    number = row + 1
    try:
        channel = owned(
            table.rows[place[row]] if place[row] >= 0 else None, _named(columns, row), source, number
        )
        if columns.no_time is not None and columns.no_time[row]:
            raise BadInput("reading.bad_time", value="", row=number)
        check_time(int(columns.time[row]), str(columns.time[row]), number, now)
        checked_value(float(columns.value[row]), channel, number)
    except BadInput as error:
        return error
    raise AssertionError(f"row {number} was refused without a reason")


def _named(columns: Columns, row: int) -> Any:
    given = int(columns.channel[row])
    if columns.names is None:
        return given
    return columns.names[given] if given >= 0 else ""


def owned(channel: ChannelRow | None, said: Any, source: str, row: int) -> ChannelRow:
    """The channel, where it is registered and the source's. Raises BadInput otherwise."""
    if channel is None:
        raise BadInput("reading.unknown_channel", channel=str(said)[:MOST_SAID], row=row)
    if channel.source != source:
        raise BadInput("reading.foreign_channel", channel=channel.key, source=source, row=row)
    return channel
