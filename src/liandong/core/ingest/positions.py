"""Positions of what moves: vehicles, vessels, people on duty. Kept and accounted, not detected on yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.ingest.decoded import MOST_SAID, DecodedAs, check_rows, check_size, check_time
from liandong.core.ingest.messages import Fields, fields_of, message_key, plain, split_message, time_of
from liandong.core.values.errors import BadInput
from liandong.core.values.readings import POSITION_COLUMNS, PositionBatch, columns_of

DecodedPositions = DecodedAs[PositionBatch]
#: Field → least and most; beyond them it is no measurement.
RANGES = {
    "lon": (-180.0, 180.0),  # degrees
    "lat": (-90.0, 90.0),  # degrees
    "altitude": (-500.0, 20_000.0),  # m
    "speed": (0.0, 150.0),  # m/s
    "heading": (0.0, 360.0),  # degrees
}
#: These may be left out; NaN then.
OPTIONAL = ("altitude", "speed", "heading")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionColumns:
    """Equally long columns as a sender gave them; `object` holds places in `names` (-1: none given)."""

    object: npt.NDArray[np.int64]
    names: Sequence[str]
    time: npt.NDArray[np.int64]
    numbers: dict[str, npt.NDArray[np.float64]]  #: the fields of RANGES; NaN where there is none
    no_time: npt.NDArray[np.bool_] | None = None


def decode_positions(raw: bytes, source: str, arrival: int, now: int) -> DecodedPositions:
    """`{"id": …, "positions": [{"object", "time", "lon", "lat", "altitude", "speed", "heading"}, …]}`.

    Degrees in EPSG:4490, metres, metres a second, degrees from north. Raises BadInput where the message
    as a whole is unreadable.
    """
    check_size(raw)
    id, parts = split_message(raw, "positions")
    rows: list[tuple[Any, ...]] = []
    errors: list[BadInput] = []
    for number, part in enumerate(parts, start=1):
        try:
            rows.append(_row(fields_of(part, ("object", "time", "lon", "lat"), number), number, now))
        except BadInput as error:
            errors.append(error)
    return DecodedAs(key=message_key(id, raw), batch=_batch(source, rows, arrival), errors=tuple(errors))


def decode_position_columns(
    columns: PositionColumns, key: str, source: str, arrival: int, now: int
) -> DecodedPositions:
    """The same of columns. Raises BadInput for too many."""
    check_rows(len(columns.time))
    rows: list[tuple[Any, ...]] = []
    errors: list[BadInput] = []
    for row in range(len(columns.time)):
        try:
            place = int(columns.object[row])
            key_of = _object(columns.names[place] if place >= 0 else None, row + 1)
            if columns.no_time is not None and columns.no_time[row]:
                raise BadInput("reading.bad_time", value="", row=row + 1)
            at = check_time(int(columns.time[row]), str(columns.time[row]), row + 1, now)
            numbers = [_number(float(columns.numbers[f][row]), f, row + 1) for f in RANGES]
            rows.append((key_of, at, *numbers))
        except BadInput as error:
            errors.append(error)
    return DecodedAs(key=key, batch=_batch(source, rows, arrival), errors=tuple(errors))


def _row(fields: Fields, row: int, now: int) -> tuple[Any, ...]:
    at = time_of(plain(fields["time"]), row, now)
    numbers = [_field(fields, field, row) for field in RANGES]
    return (_object(plain(fields["object"]), row), at, *numbers)


def _object(name: Any, row: int) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MOST_SAID:
        raise BadInput("position.bad_object", object=str(name)[:MOST_SAID], row=row)
    return name


def _field(fields: Fields, field: str, row: int) -> float:
    if field in OPTIONAL and (field not in fields or bytes(fields[field]) == b"null"):
        return math.nan
    value = plain(fields[field])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput("position.not_a_number", field=field, row=row)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return _number(number, field, row)


def _number(value: float, field: str, row: int) -> float:
    low, high = RANGES[field]
    if math.isnan(value) and field in OPTIONAL:
        return value
    if not low <= value <= high:
        raise BadInput("position.out_of_range", field=field, row=row, value=value, low=low, high=high)
    return value


def _batch(source: str, rows: list[tuple[Any, ...]], arrival: int) -> PositionBatch:
    columns = list(zip(*rows, strict=True)) or [()] * 7
    places: dict[str, int] = {}
    objects = [places.setdefault(name, len(places)) for name in columns[0]]
    made = columns_of(
        POSITION_COLUMNS,
        len(rows),
        object=objects,
        event_time=columns[1],
        arrival_time=np.full(len(rows), arrival),
        **dict(zip(RANGES, columns[2:], strict=True)),
    )
    return PositionBatch(source=source, names=tuple(places), columns=made)
