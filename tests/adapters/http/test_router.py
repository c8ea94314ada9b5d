"""The router alone: it answers once the message is durable, not before, and never takes back."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from liandong.adapters.http import make_router
from liandong.adapters.http.router import NoneTaken
from liandong.app.intake import Receipt
from liandong.core.ingest import MOST_BYTES
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput

SOURCE = Session(source="source:gas")


class Waiting:
    """A platform whose receipts the test gives."""

    def __init__(self, errors: tuple[BadInput, ...] = ()) -> None:
        self.future: Future[Receipt] = Future()
        self.errors = errors
        self.receiving = self
        self.doors: dict[str, Any] = {"readings": self.readings}
        self.seen: list[tuple[Session, bytes]] = []

    def readings(
        self, session: Session, raw: bytes, again: str
    ) -> tuple[Future[Receipt], tuple[BadInput, ...]]:
        self.seen.append((session, raw))
        return self.future, self.errors


def _client(platform: Waiting) -> httpx.AsyncClient:
    app = FastAPI()

    @app.middleware("http")
    async def signed_in(request: Request, call_next: Any) -> Any:
        request.state.session, request.state.language = SOURCE, "en"
        return await call_next(request)

    app.include_router(make_router(platform))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")


def test_no_answer_before_it_is_durable() -> None:
    platform = Waiting()

    async def story() -> httpx.Response:
        async with _client(platform) as client:
            asked = asyncio.ensure_future(client.post("/readings", content=b"bytes"))
            await asyncio.sleep(0.1)
            assert platform.seen == [(SOURCE, b"bytes")] and not asked.done()
            platform.future.set_result(Receipt(position=(3, 17), rows=2))
            return await asked

    answer = asyncio.run(story())
    assert answer.status_code == 201
    assert answer.json() == {"accepted": 2, "duplicate": False, "position": "3:17", "errors": []}


def test_who_leaves_takes_nothing_back() -> None:
    platform = Waiting()

    async def story() -> None:
        async with _client(platform) as client:
            asked = asyncio.ensure_future(client.post("/readings", content=b"bytes"))
            await asyncio.sleep(0.1)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(story())
    assert not platform.future.cancelled()
    platform.future.set_result(Receipt(position=(0, 0), rows=1))  # what the appender does; it must not fail


def test_a_lost_log_is_no_receipt() -> None:
    platform = Waiting()
    platform.future.set_exception(OSError("disk"))

    async def story() -> None:
        async with _client(platform) as client:
            await client.post("/readings", content=b"bytes")

    with pytest.raises(BaseException) as caught:
        asyncio.run(story())
    assert "disk" in repr(caught.value) or isinstance(caught.value, ExceptionGroup)


def test_bad_rows_are_named_beside_the_good() -> None:
    platform = Waiting((BadInput("reading.missing_field", field="value", row=2),))
    platform.future.set_result(Receipt(position=(0, 1), rows=1))

    async def story() -> httpx.Response:
        async with _client(platform) as client:
            return await client.post("/readings", content=b"bytes")

    error = asyncio.run(story()).json()["errors"][0]
    assert error["key"] == "reading.missing_field" and error["params"] == {"field": "value", "row": 2}
    assert error["detail"].startswith("Row 2 lacks")


def test_where_no_row_is_good_it_is_an_error_with_all_of_them() -> None:
    errors = tuple(BadInput("reading.missing_field", field="value", row=row) for row in (1, 2))
    platform = Waiting(errors)
    platform.future.set_result(Receipt(position=None, rows=0))

    async def story() -> None:
        async with _client(platform) as client:
            await client.post("/readings", content=b"bytes")

    with pytest.raises((NoneTaken, ExceptionGroup)) as caught:
        asyncio.run(story())
    found = caught.value.exceptions[0] if isinstance(caught.value, ExceptionGroup) else caught.value
    assert isinstance(found, NoneTaken) and found.errors == errors and found.params["row"] == 1


def test_a_body_is_read_no_further_than_its_limit() -> None:
    platform = Waiting()
    platform.future.set_result(Receipt(position=(0, 1), rows=1))
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(64):
            sent += 1_000_000
            yield b" " * 1_000_000

    async def story() -> None:
        async with _client(platform) as client:
            await client.post("/readings", content=endless())

    asyncio.run(story())
    assert MOST_BYTES < len(platform.seen[0][1]) < MOST_BYTES + 2_000_000
