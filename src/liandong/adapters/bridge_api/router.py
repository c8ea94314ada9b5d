"""The door of receivers' own systems: their events in, their orders and our answers out.

Whoever mounts the router signs the caller in first, with the token of the bridge's source; another
bridge, and another unit's order, is not found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from liandong.app.bridge.desk import Bridges
from liandong.app.bridge.documents import MOST_BYTES, MOST_EVENTS
from liandong.app.bridge.inward import unreadable
from liandong.app.platform import Platform
from liandong.core.values.errors import BadInput, NotFound
from liandong.texts import text

T = TypeVar("T")
BridgeName = Annotated[str, Path(max_length=128, description="Key of the bridge, without `bridge:`.")]
_FILE = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "name": {"type": "string"},
        "media": {"type": "string", "description": "e.g. image/jpeg"},
        "data": {"type": "string", "contentEncoding": "base64"},
    },
}
_EVENT = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {"type": "string", "description": "Your own id of this event; sent again it counts once."},
        "order": {"type": "string", "description": "Our number of the order; or `number` alone."},
        "number": {"type": "string", "description": "Your number of the order."},
        "status": {"type": "string", "description": "Your word, as the bridge's row has it."},
        "at": {"type": "string", "format": "date-time", "description": "By your clock, with offset."},
        "user": {"type": "string", "description": "Your user; sealed, never shown in lists."},
        "words": {"type": "string"},
        "reason": {"type": "string"},
        "cause": {"type": "string"},
        "verdict": {"type": "string"},
        "passed": {"type": "boolean"},
        "evidence": {"type": "array", "maxItems": 20, "items": _FILE},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        _EVENT,
                        {
                            "type": "object",
                            "required": ["events"],
                            "properties": {
                                "events": {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT}
                            },
                        },
                    ]
                }
            }
        },
    }
}
_LIST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["order"],
                        "properties": {
                            "order": {"type": "string"},
                            "number": {"type": "string"},
                            "status": {"type": "string"},
                            "open": {"type": "boolean", "default": True},
                        },
                    },
                }
            }
        },
    }
}


class EventAnswer(BaseModel):
    """What became of one event. `parked` waits for something, and another answer follows."""

    event: str
    outcome: str = Field(description="done, parked or refused")
    order: str = ""
    number: str = ""
    key: str = ""
    params: dict[str, Any] = {}
    text: str = Field(default="", description="The reason in words: what is missing, and by which row.")
    at: str = ""


class EventAnswers(BaseModel):
    """In the order of the events."""

    answers: list[EventAnswer]
    next: str = Field(default="", description="Give it as `after`; empty where there is nothing newer.")


class BridgeOrders(BaseModel):
    """Every open order of the unit, each in full."""

    orders: list[dict[str, Any]]


class Differences(BaseModel):
    """Where the two sides differ after comparing."""

    differences: list[dict[str, Any]]


def make_router(platform: Platform | None) -> APIRouter:
    """The routes of bridges. Without a platform only their description is of use."""
    router = APIRouter(tags=["bridge"])

    @router.post("/bridge/{bridge}/events", operation_id="report_events", openapi_extra=_BODY)
    async def report_events(request: Request, bridge: BridgeName) -> EventAnswers:
        """Report what has happened to orders: one event, or up to 500. Sent again, an event counts once.

        Each answer says what became of it; what is parked waits for an earlier step or an unknown order,
        and is done by itself once that has come.
        """
        raw = await _read(request)
        return await _run(platform, request, bridge, lambda desk, key: _take(desk, key, raw, request))

    @router.get("/bridge/{bridge}/orders", operation_id="fetch_orders")
    async def fetch_orders(request: Request, bridge: BridgeName) -> BridgeOrders:
        """Every open order of the bridge's unit, for a system that cannot be called."""
        return await _run(platform, request, bridge, _orders)

    @router.get("/bridge/{bridge}/orders/{order}", operation_id="fetch_order")
    async def fetch_order(
        request: Request, bridge: BridgeName, order: Annotated[str, Path(max_length=128)]
    ) -> dict[str, Any]:
        """One order as it is now, also one that is over: what became of it stands under `outcome`."""
        return await _run(platform, request, bridge, lambda desk, key: desk.document(key, order))

    @router.get("/bridge/{bridge}/answers", operation_id="fetch_answers")
    async def fetch_answers(
        request: Request,
        bridge: BridgeName,
        after: Annotated[str, Query(max_length=200, description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> EventAnswers:
        """What became of events, oldest first: done or refused with the reason."""
        return await _run(platform, request, bridge, lambda d, key: _answers(d, key, after, limit))

    @router.post("/bridge/{bridge}/open-orders", operation_id="compare_orders", openapi_extra=_LIST)
    async def compare_orders(request: Request, bridge: BridgeName) -> Differences:
        """Send the list of your open orders; it is compared with ours, and what a push mends is pushed."""
        raw = await _read(request)

        def compare(desk: Bridges, key: str) -> Differences:
            found = desk.compare_sent(key, raw)
            return Differences(differences=[msgspec.to_builtins(one) for one in found])

        return await _run(platform, request, bridge, compare)

    return router


async def _run(
    platform: Platform | None, request: Request, bridge: str, do: Callable[[Bridges, str], T]
) -> T:
    """Do something as the source of this bridge; any other asker learns nothing of it."""
    assert platform is not None
    key = f"bridge:{bridge.removeprefix('bridge:')}"
    desk = platform.bridges
    if desk is None:
        raise NotFound("bridge.unknown", bridge=key[:64])
    row = desk.row(key)
    if not row.source or request.state.session.source != row.source:
        raise NotFound("bridge.unknown", bridge=key[:64])
    return await to_thread.run_sync(do, desk, key)


async def _read(request: Request) -> bytes:
    """The body, read no further than it takes to know that it is too large."""
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadInput("bridge.bad_event", problem=f"> {MOST_BYTES} bytes")
    return b"".join(chunks)


def _take(desk: Bridges, key: str, raw: bytes, request: Request) -> EventAnswers:
    bridge, language = desk.row(key), request.state.language
    found = []
    for one in _events(raw):
        try:
            found.append(EventAnswer(**msgspec.to_builtins(desk.inward.take(bridge, one))))
        except BadInput as error:

            def say(name: str, /, **params: Any) -> str:
                return text(name, language, **params)

            found.append(EventAnswer(event=_id_of(one), **unreadable(error, say)))
    return EventAnswers(answers=found)


def _events(raw: bytes) -> list[bytes]:
    """The events of a message, each as its own bytes. Raises BadInput."""
    try:
        outer: Any = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        listed = msgspec.json.decode(outer["events"], type=list[msgspec.Raw]) if "events" in outer else [raw]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bridge.bad_event", problem="JSON") from error
    if len(listed) > MOST_EVENTS:
        raise BadInput("bridge.bad_event", problem=f"> {MOST_EVENTS} events")
    return [bytes(one) for one in listed]


def _id_of(raw: bytes) -> str:
    """The id of an event that could not be read, as far as it has one."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return str(found.get("event", ""))[:128] if isinstance(found, dict) else ""


def _orders(desk: Bridges, key: str) -> BridgeOrders:
    # Only here: a city without such a bridge starts without the client of HTTP.
    from liandong.adapters.bridge_api.link import ApiLink

    found = desk.open_orders(key)
    link = desk.links.get(key)
    if isinstance(link, ApiLink):
        link.fetched(found)
    return BridgeOrders(orders=found)


def _answers(desk: Bridges, key: str, after: str, limit: int) -> EventAnswers:
    moment, _, event = after.partition("-")
    if after and not (moment.isascii() and moment.isdigit() and len(moment) < 19):
        raise BadInput("bridge.bad_event", problem="after")
    rows = desk.inward.answers(key, (int(moment or 0), event), limit)
    return EventAnswers(
        answers=[EventAnswer(**msgspec.to_builtins(desk.inward.answer_of(row))) for row in rows],
        next=f"{rows[-1].moment}-{rows[-1].event}" if rows else "",
    )
