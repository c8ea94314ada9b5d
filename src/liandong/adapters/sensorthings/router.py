"""The service at /sensorthings/v1.1. Whoever mounts the router signs the caller in first.

The city is a versioned dataset that its tables own, so nothing of it is created or changed here;
observations are, by the source of their channel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from liandong.adapters.sensorthings.catalogue import Catalogue
from liandong.adapters.sensorthings.model import SETS
from liandong.adapters.sensorthings.places import Periods, Places
from liandong.adapters.sensorthings.posting import (
    DOOR,
    MOST_BYTES,
    Piece,
    read_arrays,
    read_one,
    take_again,
    take_piece,
)
from liandong.adapters.sensorthings.service import Raw, Service
from liandong.app.access import id_only
from liandong.app.platform import Platform
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.errors import BadInput, Forbidden, NotFound

PREFIX = "/sensorthings/v1.1"
T = TypeVar("T")
_KEPT = 32


class Catalogues:
    """Catalogues of those who asked lately, made anew when city or rules change."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._places = Places(platform)
        self._made: dict[Any, Catalogue] = {}
        self._of: tuple[Any, Any] = (None, None)

    def of(self, session: Session, scope: AccessScope) -> Catalogue:
        """What this session may see by its standing rights."""
        policy = self._platform.handler.policy
        if self._of[0] is not policy.city.city or self._of[1] is not policy.rules:
            self._made, self._of = {}, (policy.city.city, policy.rules)
        key = (session.source, scope.unit, scope.grants)
        found = self._made.get(key)
        if found is None:
            found = Catalogue(policy, scope, session.source, self._places.moves())
            if len(self._made) >= _KEPT:
                self._made.pop(next(iter(self._made)))
            self._made[key] = found
        return found


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of the service; they describe themselves at the root, as the standard has it."""
    router = APIRouter(tags=["sensorthings"], include_in_schema=False)
    if platform is None:
        return router
    catalogues, periods = Catalogues(platform), Periods(platform)
    platform.receiving.doors[DOOR] = partial(take_again, platform)

    def service(request: Request) -> Service:
        session = request.state.session
        root = (getattr(request.app.state, "public_url", "") or str(request.base_url)).rstrip("/") + PREFIX
        return Service(platform, catalogues.of(session, platform.access.scope(session)), root, periods)

    async def read(request: Request, path: str = "") -> Response:
        """A set, an entity, or what one leads to."""
        pairs = request.query_params.multi_items()
        try:
            found = await to_thread.run_sync(lambda: service(request).get(path, pairs))
        except NotFound as error:
            # What is not there and what the asker may not see look the same, and either is noted.
            session = request.state.session
            scope = platform.access.scope(session)
            id = id_only(str(error.params.get("id", "")))
            platform.access.note(scope, "access.outside_scope", who=session.source, case=id)
            raise
        if isinstance(found, Raw):
            return PlainTextResponse("" if found.value is None else str(found.value))
        return JSONResponse(found)

    async def create(request: Request, path: str = "") -> Response:
        """Observations; everything else belongs to the city's tables."""
        kind = path.rstrip("/").rpartition("/")[2]
        if kind == "CreateObservations":
            return await _many(request, service(request))
        if kind != "Observations":
            raise Forbidden("sensorthings.city_is_elsewhere", entity=kind[:40])
        answer = service(request)
        channel = await to_thread.run_sync(answer.datastream, path)
        piece = read_one(await _body(request), channel)
        ids = await _taken(platform, request, [piece])
        return Response(status_code=201, headers={"Location": answer.observation_link(ids[0])})

    async def _many(request: Request, answer: Service) -> Response:
        raw = await _body(request)
        pieces = await to_thread.run_sync(read_arrays, raw)
        ids = await _taken(platform, request, pieces, partly=True)
        return await to_thread.run_sync(lambda: JSONResponse(_links(ids, answer), 201))

    async def refuse(request: Request, path: str = "") -> Response:
        """PUT, PATCH and DELETE: the city changes by its tables, and readings never do."""
        set_name = path.strip("/").partition("(")[0]
        key = "sensorthings.readings_stay" if set_name == "Observations" else "sensorthings.city_is_elsewhere"
        raise Forbidden(key, entity=SETS.get(set_name, set_name)[:40])

    for methods, endpoint in ((["GET"], read), (["POST"], create), (["PUT", "PATCH", "DELETE"], refuse)):
        for path in ("", "/", "/{path:path}"):
            name = f"sensorthings_{endpoint.__name__}"
            router.add_api_route(path, endpoint, methods=methods, name=name, response_model=None)
    return router


def _links(ids: list[str], answer: Service) -> list[str]:
    return [one if one == "error" else answer.observation_link(one) for one in ids]


async def _taken(
    platform: Platform, request: Request, pieces: list[Piece], partly: bool = False
) -> list[str]:
    """Hand pieces to the intake one after the other; answers once each is durable."""
    ids: list[str] = []
    for piece in pieces:
        take: Callable[[], Any] = partial(take_piece, platform, request.state.session, piece)
        (future, errors), made = await to_thread.run_sync(take)
        await asyncio.shield(asyncio.wrap_future(future))
        if errors and not partly:
            raise errors[0]
        ids += made
    return ids


async def _body(request: Request) -> bytes:
    """The body, read no further than it takes to know that it is too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadInput("batch.too_large", limit=MOST_BYTES, size=size)
    return b"".join(chunks)
