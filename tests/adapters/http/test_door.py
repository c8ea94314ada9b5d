"""The short way in says and does what the ordinary way does, or leaves it to that one."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from liandong.adapters.http.door import TAKEN, Door
from liandong.adapters.http.router import answer
from liandong.app.intake import Receipt
from liandong.core.ingest import ChannelTable
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import parse_time

NOW = parse_time("2026-05-01T09:00:00+08:00")
GOOD = b'{"readings":[{"channel":"a","time":"2026-05-01T08:00:00+08:00","value":1}]}'
HEADERS = {"Authorization": "Bearer right", "Content-Type": "application/json"}


class City:
    """A platform whose receipts the test gives."""

    def __init__(self, receipt: Receipt | BaseException | None = None) -> None:
        self.access = self.receiving = self
        self.channels = ChannelTable([ChannelRow(number=7, key="a", group="g", source="s", quantity="q")])
        self.taken: list[bytes] = []
        self.future: Future[Receipt] = Future()
        if isinstance(receipt, BaseException):
            self.future.set_exception(receipt)
        elif receipt is not None:
            self.future.set_result(receipt)

    def known(self, token: str) -> Session | None:
        return Session(source="s") if token == "right" else None

    def plain(self, session: Session, raw: bytes, decode: Any) -> Future[Receipt] | None:
        try:
            decoded = decode(session.source, NOW, NOW)
        except BadInput:
            return None
        if decoded is None or decoded.errors:
            return None
        self.taken.append(raw)
        return self.future


def ask(
    city: City, body: bytes, headers: dict[str, str] = HEADERS, path: str = "/readings"
) -> tuple[Any, list[Any]]:
    """The answer, and what came to the application behind the door: (body, what was taken before)."""
    came: list[Any] = []
    app = FastAPI()

    @app.post("/{path:path}")
    async def behind(request: Request) -> dict[str, bool]:
        came.append((await request.body(), request.scope.get(TAKEN)))
        return {"behind": True}

    async def story() -> httpx.Response:
        door = Door(app, city, "/readings", [("X-Safe", "yes")])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            return await client.post(path, content=body, headers=headers)

    return asyncio.run(story()), came


@pytest.mark.parametrize("duplicate", [False, True])
def test_the_answer_is_that_of_the_ordinary_way(duplicate):
    receipt = Receipt(position=None if duplicate else (3, 17), rows=1, duplicate=duplicate)
    city = City(receipt)
    got, came = ask(city, GOOD)
    assert (got.status_code, came, city.taken) == (201, [], [GOOD])
    assert got.content == answer(receipt, (), "zh").model_dump_json().encode()
    assert got.headers["x-safe"] == "yes" and got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "headers", "path"),
    [
        (GOOD.replace(b'"a"', b'"b"'), HEADERS, "/readings"),
        (b"{", HEADERS, "/readings"),
        (GOOD, HEADERS | {"Authorization": "Bearer wrong"}, "/readings"),
        (GOOD, HEADERS | {"Authorization": "Basic right"}, "/readings"),
        (GOOD, {}, "/readings"),
        (GOOD, HEADERS, "/positions"),
        (b" " * (8 * 1024 * 1024 + 1), HEADERS, "/readings"),
        (GOOD, HEADERS | {"Content-Type": "application/vnd.apache.arrow.stream"}, "/readings"),
    ],
)
def test_whatever_is_not_right_goes_the_ordinary_way_whole(body, headers, path):
    city = City(Receipt(position=(1, 1), rows=1))
    got, came = ask(city, body, headers, path)
    assert got.json() == {"behind": True} and came == [(body, None)] and not city.taken


def test_no_answer_before_it_is_durable_and_none_taken_twice():
    city = City(RuntimeError("the disk died"))
    _, came = ask(city, GOOD)
    assert came == [(GOOD, (city.future, ()))] and city.taken == [GOOD], "the ordinary way tells the rest"

    waiting = City()

    async def story() -> dict[str, Any]:
        door = Door(FastAPI(), waiting, "/readings")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://door") as client:
            asked = asyncio.ensure_future(client.post("/readings", content=GOOD, headers=HEADERS))
            while not waiting.taken:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            assert not asked.done()
            waiting.future.set_result(Receipt(position=(1, 2), rows=1))
            return (await asked).json()

    assert asyncio.run(story())["position"] == "1:2"
