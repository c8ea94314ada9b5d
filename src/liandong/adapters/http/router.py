"""POST /readings: a device's message in, a receipt out once it is durable.

Whoever mounts the router signs the caller in first: `request.state.session` says who it is and
`request.state.language` in which language to answer, and errors that are raised become problems.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from liandong.app.intake import Receipt
from liandong.app.platform import Platform
from liandong.core.ingest import MOST_BYTES, MOST_ROWS
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
_MESSAGE = {
    "type": "object",
    "required": ["readings"],
    "properties": {
        "id": {"type": "string", "description": "The device's own message id; else the bytes are compared."},
        "readings": {"type": "array", "maxItems": MOST_ROWS, "items": _READING},
    },
}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _MESSAGE}}}}


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

    @router.post("/readings", status_code=201, operation_id="send_readings", openapi_extra=_BODY)
    async def send_readings(request: Request) -> ReadingsTaken:
        """Send readings of one source, at most 8 MiB and 100,000 rows. Good rows are taken, bad ones named.

        Where no row is good the answer is a problem and nothing is taken.
        """
        assert platform is not None
        raw = await _read(request)
        future, errors = await to_thread.run_sync(platform.readings, request.state.session, raw)
        receipt = await _durable(future)
        if errors and not receipt.rows:
            raise NoneTaken(errors)
        return answer(receipt, errors, request.state.language)

    return router


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
