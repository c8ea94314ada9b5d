"""Observations in: one, or many in data arrays, read in columns and taken through the intake."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec
import numpy as np

from liandong.app.platform import Platform
from liandong.app.receiving import Taken
from liandong.core.ingest import MOST_BYTES as MOST_PIECE
from liandong.core.ingest import MOST_ROWS, Columns, Decoded, decode_columns
from liandong.core.ingest.texttimes import parse_times
from liandong.core.values.access import Session
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput, NotFound
from liandong.core.values.times import parse_time

DOOR = "sensorthings"
MOST_BYTES = 64 * 1024 * 1024
#: Observations of one request; they are kept in pieces of what one message may hold.
MOST_OBSERVATIONS = 1_000_000
_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Ref(msgspec.Struct):
    id: str | int = msgspec.field(name="@iot.id")


class _Observation(msgspec.Struct):
    result: Any = None
    phenomenon: str | None = msgspec.field(default=None, name="phenomenonTime")
    resulted: str | None = msgspec.field(default=None, name="resultTime")
    datastream: _Ref | None = msgspec.field(default=None, name="Datastream")


class _Array(msgspec.Struct):
    datastream: _Ref = msgspec.field(name="Datastream")
    components: list[str]
    rows: list[list[Any]] = msgspec.field(name="dataArray")


class Piece(NamedTuple):
    """Rows that are taken as one message: as they are kept, the channels they name, and the columns."""

    raw: bytes
    names: list[str]
    channel: list[int]
    time: list[Any]
    value: list[Any]


_observation = msgspec.json.Decoder(_Observation)
_arrays = msgspec.json.Decoder(list[_Array])


def read_one(raw: bytes, channel: str) -> Piece:
    """One observation for a channel, or for the one that it names itself. Raises BadInput, NotFound."""
    try:
        one = _observation.decode(raw)
    except _FAILURES as error:
        raise BadInput("json.malformed", why=str(error)[:120]) from error
    named = str(one.datastream.id) if one.datastream else ""
    if channel and named and named != channel:
        raise BadInput("sensorthings.other_datastream", named=named[:80], path=channel)
    if not (channel or named):
        raise BadInput("sensorthings.no_datastream")
    kept: dict[str, Any] = {
        "Datastream": {"@iot.id": channel or named},
        "components": ["phenomenonTime", "result"],
    }
    time = one.phenomenon or one.resulted
    kept["dataArray"] = [[time, one.result]]
    return Piece(msgspec.json.encode([kept]), [channel or named], [0], [time], [one.result])


def read_arrays(raw: bytes) -> list[Piece]:
    """Data arrays in pieces that one message may hold. Raises BadInput."""
    try:
        arrays = _arrays.decode(raw)
    except _FAILURES as error:
        raise BadInput("json.malformed", why=str(error)[:120]) from error
    total = sum(len(array.rows) for array in arrays)
    if total > MOST_OBSERVATIONS:
        raise BadInput("batch.too_large", limit=MOST_OBSERVATIONS, size=total)
    pieces: list[Piece] = []
    kept: list[_Array] = []
    size = 0
    for array in arrays:
        for start in range(0, len(array.rows), MOST_ROWS):
            part = msgspec.structs.replace(array, rows=array.rows[start : start + MOST_ROWS])
            if size + len(part.rows) > MOST_ROWS:
                pieces.append(_piece(kept))
                kept, size = [], 0
            kept.append(part)
            size += len(part.rows)
    return [*pieces, _piece(kept)] if kept else pieces


def fields_of(raw: bytes) -> dict[str, Any]:
    """One observation or data arrays as JSON: which Datastreams, and each observation in its order."""
    pieces = read_arrays(raw) if raw.lstrip().startswith(b"[") else [read_one(raw, "")]
    found = [
        {"datastream": piece.names[place], "phenomenonTime": time, "result": value}
        for piece in pieces
        for place, time, value in zip(piece.channel, piece.time, piece.value, strict=True)
    ]
    return {"observations": found}


def _piece(arrays: list[_Array]) -> Piece:
    names: dict[str, int] = {}
    channel: list[int] = []
    time: list[Any] = []
    value: list[Any] = []
    for array in arrays:
        place = names.setdefault(str(array.datastream.id), len(names))
        columns = {name: at for at, name in enumerate(array.components)}
        at, of = columns.get("phenomenonTime", columns.get("resultTime")), columns.get("result")
        if of is None:
            raise BadInput("sensorthings.no_result")
        width = len(array.components)
        if any(len(row) != width for row in array.rows):
            raise BadInput("sensorthings.ragged_rows", components=width)
        channel += [place] * len(array.rows)
        time += [None] * len(array.rows) if at is None else [row[at] for row in array.rows]
        value += [row[of] for row in array.rows]
    kept = msgspec.json.encode(arrays)
    if len(kept) > MOST_PIECE:
        raise BadInput("batch.too_large", limit=MOST_PIECE, size=len(kept))
    return Piece(kept, list(names), channel, time, value)


def take_piece(
    platform: Platform, session: Session, piece: Piece, again: str = ""
) -> tuple[Taken, list[str]]:
    """A piece on its way into the readings log, and the id of each row's observation; `error` where refused.

    Raises as `Receiving.readings` does.
    """
    ids: list[str] = []

    def decode(source: str, arrival: int, now: int) -> Decoded:
        nonlocal ids
        decoded, ids = _decode(platform, piece, source, arrival, now)
        return decoded

    return platform.receiving.take(session, DOOR, piece.raw, decode, again), ids


def take_again(platform: Platform, session: Session, raw: bytes, again: str = "") -> Taken:
    """A refused piece that an operator sends again."""
    pieces = read_arrays(raw)
    return take_piece(platform, session, pieces[0], again)[0]


def _decode(
    platform: Platform, piece: Piece, source: str, arrival: int, now: int
) -> tuple[Decoded, list[str]]:
    table = platform.receiving.channels
    for name in piece.names:
        # Whoever does not own a channel learns nothing of it, not even that there is one.
        if name not in table or table[name].source != source:
            raise NotFound("sensorthings.unknown_entity", entity="Datastream", id=name[:80])
    rows = len(piece.time)
    time, no_time, untimed = _times(piece.time, arrival)
    value, wrong = _values(piece.value)
    good = ~wrong
    columns = Columns(
        channel=np.array(piece.channel, dtype=np.int64)[good], names=piece.names, time=time[good],
        value=value[good], no_time=no_time[good] if no_time is not None else None,
    )  # fmt: skip
    # Without a time of its own the same value said again is another observation.
    key = short_hash(piece.raw + (str(arrival).encode() if untimed else b""))
    decoded = decode_columns(columns, key, source, table, arrival, now)
    places = np.flatnonzero(good)
    errors = [_moved(error, places) for error in decoded.errors]
    errors += [
        BadInput("sensorthings.not_a_number", channel=piece.names[piece.channel[at]], row=int(at) + 1)
        for at in np.flatnonzero(wrong)
    ]
    numbers = [table[name].number for name in piece.names]
    ids = [f"{numbers[piece.channel[at]]}.{int(time[at])}" for at in range(rows)]
    for error in errors:
        ids[int(error.params["row"] or 1) - 1] = "error"
    if wrong.any():
        decoded = with_errors(decoded, tuple(errors))
    return decoded, ids


def with_errors(decoded: Decoded, errors: tuple[BadInput, ...]) -> Decoded:
    """The same rows with other errors."""
    return type(decoded)(key=decoded.key, batch=decoded.batch, errors=errors)


def _moved(error: BadInput, places: Any) -> BadInput:
    row = int(error.params.get("row") or 1)
    return BadInput(error.key, **(error.params | {"row": int(places[row - 1]) + 1}))


def _times(said: list[Any], arrival: int) -> tuple[Any, Any, bool]:
    """Moments in microseconds UTC, which rows have an unreadable one, and whether some have none."""
    untimed = any(one is None for one in said)
    if not untimed and all(type(one) is str for one in said):
        found = parse_times(said)
        if found is not None:
            return found, None, False
    time = np.zeros(len(said), dtype=np.int64)
    bad = np.zeros(len(said), dtype=bool)
    for at, one in enumerate(said):
        try:
            time[at] = arrival if one is None else parse_time(one)
        except (BadInput, TypeError):
            bad[at] = True
    return time, bad, untimed


def _values(said: list[Any]) -> tuple[Any, Any]:
    """Numbers, NaN for null, and which rows hold something else."""
    try:
        if all(type(one) in (float, int) for one in said):
            return np.array(said, dtype=np.float64), np.zeros(len(said), dtype=bool)
    except OverflowError:
        pass
    value = np.full(len(said), math.nan)
    wrong = np.zeros(len(said), dtype=bool)
    for at, one in enumerate(said):
        if one is None:
            continue
        try:
            if isinstance(one, str) or not isinstance(one, (int, float)):
                wrong[at] = True
            else:
                value[at] = float(one)
        except OverflowError:
            wrong[at] = True
    return value, wrong
