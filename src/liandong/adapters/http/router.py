"""POST /readings, /positions, /waveforms: a device's message in, a receipt out once it is durable.

Whoever mounts the router signs the caller in first: `request.state.session` says who it is and
`request.state.language` in which language to answer, and errors that are raised become problems.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from liandong.adapters.http import arrow
from liandong.adapters.http.door import TAKEN
from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.app.receiving import Taken
from liandong.core.ingest import MOST_BYTES, MOST_ROWS, Decoded, decode_columns
from liandong.core.ingest.positions import DecodedPositions, decode_position_columns
from liandong.core.ingest.waveforms import DecodedWaveforms, decode_windows
from liandong.core.values.access import Session
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import BadInput
from liandong.texts import text

_READING = {
    "type": "object",
    "required": ["channel", "time", "value"],
    "properties": {
        "channel": {"type": "string", "description": "Key of a registered channel of this source."},
        "time": {"type": "string", "format": "date-time", "description": "Measured when; with offset."},
        "value": {"type": ["number", "null"], "description": "In the channel's unit; null: none."},
    },
}
_STREAM = (
    "An Arrow IPC stream, not compressed: `channel` (utf8, dictionary of utf8, or int32: the registry "
    "number), `time` (timestamp with a zone, or int64 microseconds UTC), `value` (float64 or float32; null: "
    "none). The schema's metadata may hold `id`."
)
_POSITION = {
    "type": "object",
    "required": ["object", "time", "lon", "lat"],
    "properties": {
        "object": {"type": "string", "description": "What moves, as the source calls it."},
        "time": {"type": "string", "format": "date-time", "description": "Where it was when; with offset."},
        "lon": {"type": "number", "description": "Degrees, EPSG:4490."},
        "lat": {"type": "number", "description": "Degrees, EPSG:4490."},
        "altitude": {"type": ["number", "null"], "description": "Metres."},
        "speed": {"type": ["number", "null"], "description": "Metres a second."},
        "heading": {"type": ["number", "null"], "description": "Degrees from north, clockwise."},
    },
}
_WAVEFORM = {
    "type": "object",
    "required": ["channel", "start", "rate", "samples"],
    "properties": {
        "channel": {"type": "string", "description": "Key of a registered channel of this source."},
        "start": {"type": "string", "format": "date-time", "description": "Moment of the first sample."},
        "rate": {"type": "number", "description": "Samples a second."},
        "samples": {"type": "string", "contentEncoding": "base64", "description": "Little-endian floats."},
        "format": {"type": "string", "enum": ["f4", "f8"], "default": "f4"},
    },
}


def _body(name: str, row: dict[str, Any], stream: str) -> dict[str, Any]:
    """The two ways to write a message of so many rows."""
    message = {
        "type": "object",
        "required": [name],
        "properties": {
            "id": {"type": "string", "description": "The device's own message id; else bytes are compared."},
            name: {"type": "array", "maxItems": MOST_ROWS, "items": row},
        },
    }
    binary = {"type": "string", "format": "binary", "description": stream}
    content = {"application/json": {"schema": message}, arrow.MEDIA: {"schema": binary}}
    return {"requestBody": {"required": True, "content": content}}


class RowRefused(BaseModel):
    """One row that was not taken: what, where (`params.row`, from 1) and what to do."""

    key: str
    detail: str
    params: dict[str, Any]


class ReadingsTaken(BaseModel):
    """What was taken. It is on disk before this is sent."""

    accepted: int = Field(description="Rows taken by this request.")
    duplicate: bool = Field(description="The very same message was taken before; nothing was added.")
    position: str | None = Field(description="Where the readings log keeps it, `segment:row`.")
    errors: list[RowRefused] = Field(description="Rows that were not taken; send them again once corrected.")


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of devices. Without a platform only their description is of use."""
    router = APIRouter(tags=["readings"])
    if platform is not None:
        for name, take in _ARROW.items():
            # By this name a refused message finds its way back when it is replayed.
            platform.receiving.doors[name] = partial(take, platform)

    @router.post(
        "/readings",
        status_code=201,
        operation_id="send_readings",
        openapi_extra=_body("readings", _READING, _STREAM),
    )
    async def send_readings(request: Request) -> ReadingsTaken:
        """Send readings of one source, at most 8 MiB and 100,000 rows. Good rows are taken, bad ones named.

        Where no row is good the answer is a problem and nothing is taken. An Arrow stream
        (application/vnd.apache.arrow.stream) is the quicker way for many readings.
        """
        return await _take(platform, request, "readings", "arrow")

    @router.post(
        "/positions",
        status_code=201,
        operation_id="send_positions",
        openapi_extra=_body("positions", _POSITION, "An Arrow IPC stream with the same columns."),
    )
    async def send_positions(request: Request) -> ReadingsTaken:
        """Send positions of what moves, of one source; bounds and answers as for readings."""
        return await _take(platform, request, "positions", "arrow-positions")

    @router.post(
        "/waveforms",
        status_code=201,
        operation_id="send_waveforms",
        openapi_extra=_body(
            "waveforms",
            _WAVEFORM,
            "An Arrow IPC stream with the same columns; `samples` is a list of floats.",
        ),
    )
    async def send_waveforms(request: Request) -> ReadingsTaken:
        """Send windows of fast signals, of one source. They are kept, and condensed as the city declares.

        Bounds and answers are those of readings.
        """
        return await _take(platform, request, "waveforms", "arrow-waveforms")

    return router


async def _take(platform: Platform | None, request: Request, json: str, stream: str) -> ReadingsTaken:
    """Hand the body to its door and answer once it is durable."""
    assert platform is not None
    taken: Taken | None = request.scope.get(TAKEN)
    if taken is None:
        raw = await _read(request)
        take = platform.receiving.doors[stream if is_arrow(request) else json]
        taken = await to_thread.run_sync(take, request.state.session, raw, "")
    future, errors = taken
    receipt = await _durable(future)
    if errors and not receipt.rows:
        raise NoneTaken(errors)
    return answer(receipt, errors, request.state.language)


def is_arrow(request: Request) -> bool:
    """Whether the body is an Arrow stream by its content type."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == arrow.MEDIA


def take_arrow(platform: Platform, session: Session, raw: bytes, again: str = "") -> Taken:
    """Readings as an Arrow stream, by the same rules as JSON. Raises as `Receiving.readings` does."""

    def decode(source: str, arrival: int, now: int) -> Decoded:
        id, columns = arrow.read_readings(raw)
        key = id or short_hash(raw)
        return decode_columns(columns, key, source, platform.receiving.channels, arrival, now)

    return platform.receiving.take(session, "arrow", raw, decode, again)


def take_arrow_positions(platform: Platform, session: Session, raw: bytes, again: str = "") -> Taken:
    """Positions as an Arrow stream."""

    def decode(source: str, arrival: int, now: int) -> DecodedPositions:
        id, columns = arrow.read_positions(raw)
        return decode_position_columns(columns, id or short_hash(raw), source, arrival, now)

    return platform.receiving.take(session, "arrow-positions", raw, decode, again)


def take_arrow_waveforms(platform: Platform, session: Session, raw: bytes, again: str = "") -> Taken:
    """Waveforms as an Arrow stream."""

    def decode(source: str, arrival: int, now: int) -> DecodedWaveforms:
        id, windows = arrow.read_waveforms(raw)
        return decode_windows(
            windows, id or short_hash(raw), source, platform.receiving.channels, arrival, now
        )

    return platform.receiving.take_waveforms(session, "arrow-waveforms", raw, decode, again)


_ARROW = {
    "arrow": take_arrow,
    "arrow-positions": take_arrow_positions,
    "arrow-waveforms": take_arrow_waveforms,
}


class NoneTaken(BadInput):
    """Every row was refused: the first one's error, with all of them in `errors`."""

    def __init__(self, errors: tuple[BadInput, ...]) -> None:
        super().__init__(errors[0].key, **errors[0].params)
        self.errors = errors


def answer(receipt: Receipt, errors: tuple[BadInput, ...], language: str) -> ReadingsTaken:
    """A receipt in the words of the API."""
    position = receipt.position
    return ReadingsTaken(
        accepted=0 if receipt.duplicate else receipt.rows,
        duplicate=receipt.duplicate,
        position=f"{position[0]}:{position[1]}" if position else None,
        errors=[
            RowRefused(key=e.key, detail=text(e.key, language, **e.params), params=e.params) for e in errors
        ],
    )


async def _read(request: Request) -> bytes:
    """The body, read no further than it takes to know that it is too large: ingest refuses it then."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            break
    return b"".join(chunks)


async def _durable(future: Future[Receipt]) -> Receipt:
    """Wait without blocking; shielded, because a caller who leaves must not cancel what was taken."""
    return await asyncio.shield(asyncio.wrap_future(future))
