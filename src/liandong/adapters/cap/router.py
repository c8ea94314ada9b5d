"""POST /cap: warnings of others as CAP 1.2; GET /warnings/{id}/cap: one of ours.

Whoever mounts the router signs the caller in first.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from liandong.adapters.cap.reading import MOST_BYTES
from liandong.adapters.cap.taking import DOOR, Part, take, take_again
from liandong.adapters.cap.writing import Words, published, write_warning
from liandong.app.platform import Platform
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import WarningChange
from liandong.core.values.public_warning import WarningState
from liandong.texts import text

MEDIA = "application/cap+xml"
_XML = {"schema": {"type": "string", "format": "binary", "description": "One CAP 1.2 document, UTF-8."}}
_BODY = {"requestBody": {"required": True, "content": {MEDIA: _XML, "application/xml": _XML}}}
_OUT: dict[int | str, dict[str, Any]] = {
    200: {"description": "A CAP 1.2 document.", "content": {MEDIA: {"schema": {"type": "string"}}}}
}


class CapPart(BaseModel):
    """What a message has done to one warning: of one hazard, in one area."""

    number: str = Field(description="The issuer's identifier, the hazard and the area.")
    area: str
    warning: str = Field(description="Id under which it is shown; empty where it was refused.")
    change: WarningChange
    outcome: str = Field(description="taken, known or refused.")
    key: str
    params: dict[str, Any]
    text: str


class CapTaken(BaseModel):
    """Each part is committed before this is sent."""

    warnings: list[CapPart]


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of CAP. Without a platform only their description is of use."""
    router = APIRouter(tags=["warnings"])
    if platform is not None:
        platform.receiving.doors[DOOR] = partial(take_again, platform)

    @router.post("/cap", operation_id="take_cap", openapi_extra=_BODY)
    async def take_cap(request: Request) -> CapTaken:
        """A warning of another issuer as CAP 1.2: Alert, Update or Cancel. Sent again it counts once.

        It is shown as it was issued, and asks for the decision that the rows want. The source's row `kinds`
        converts events into hazards; areas are found by their official codes.
        """
        assert platform is not None
        raw = await _read(request)
        parts = await to_thread.run_sync(take, platform, request.state.session, raw)
        return CapTaken(warnings=[await _answer(part, request.state.language) for part in parts])

    @router.get(
        "/warnings/{id}/cap", operation_id="read_warning_cap", response_class=Response, responses=_OUT
    )
    async def read_warning_cap(
        request: Request,
        id: Annotated[str, Path(max_length=128)],
        version: Annotated[
            int, Query(ge=0, le=10_000, description="A version that came into force; 0: the newest word.")
        ] = 0,
    ) -> Response:
        """A public warning of ours as CAP 1.2, as the newest word about it, or as one version had it."""
        assert platform is not None
        session = request.state.session

        def write() -> bytes:
            state = platform.authority.one(platform.access.scope(session), WarningState, id)
            found = published(state, version)
            said = found.contents if found else None
            words = Words(
                platform.authority.words(said.caution if said else None),
                platform.authority.words(said.measures if said else None),
            )
            return write_warning(state, words, platform.handler.policy.city, version)

        return Response(await to_thread.run_sync(write), media_type=MEDIA)

    return router


async def _answer(part: Part, language: str) -> CapPart:
    # Shielded: who leaves takes nothing back.
    answer = await asyncio.shield(asyncio.wrap_future(part.answer))
    refused = answer.status == "refused"
    outcome = "refused" if refused else "known" if answer.key == "warning.known_revision" else "taken"
    return CapPart(
        number=part.number, area=part.area, warning="" if refused else answer.case, change=part.change,
        outcome=outcome, key=answer.key, params=answer.params,
        text=text(answer.key, language, **answer.params),
    )  # fmt: skip


async def _read(request: Request) -> bytes:
    """The body, read no further than it takes to know that it is too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadInput("batch.too_large", limit=MOST_BYTES, size=size)
    return b"".join(chunks)
