"""Columns of readings, judged without a loop over rows; only refused rows are looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.ingest.channels import ChannelTable, checked_value, table_of
from liandong.core.ingest.decoded import MOST_AHEAD, MOST_SAID, Decoded, DecodedAs, check_rows, check_time
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import EARLIEST, LATEST

Places = npt.NDArray[np.int64]


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
    index = table.index
    # One more for the rows that name none: place -1 is the last.
    known = np.array([*(index.get(name, -1) for name in columns.names), -1], dtype=np.int64)
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
    if table.converts:
        # The others stay bit by bit as they are: times one and plus nothing would lose the sign of zero.
        converted = value * table.factor[place] + table.offset[place]
        value = np.where(table.foreign[place], converted, value)
    none = np.isnan(value)
    with np.errstate(invalid="ignore"):  # not a number is neither too low nor too high
        bad = (value < table.low[place]) | (value > table.high[place]) | np.isinf(value)
    bad |= (place < 0) | ~table.of_source(source, place)
    if rows and (time.min() < EARLIEST or time.max() > min(LATEST, now + MOST_AHEAD)):
        bad |= (time < EARLIEST) | (time > min(LATEST, now + MOST_AHEAD))
    batch = ReadingBatch(
        source=source,
        channel=table.number[place],
        event_time=np.ascontiguousarray(time, dtype=np.int64),
        arrival_time=np.full(rows, arrival, dtype=np.int64),
        value=np.where(none, 0.0, value),
        quality=none.astype(np.uint32) * np.uint32(Quality.NAN),
        message=np.zeros(rows, dtype=np.int32),
    )
    return batch, bad


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
