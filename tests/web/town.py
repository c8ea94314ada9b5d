"""A small city with an open case, tokens for whoever is asked for, and clients with and without a server."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

from liandong.adapters.http import make_router
from liandong.app.clock import VirtualClock
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.city import Permission
from liandong.core.values.rows import GatherRow, ReportRow
from liandong.core.values.rules import Rule
from liandong.core.values.times import HOUR, MINUTE, format_time, parse_time
from liandong.runners.embedded import Embedded
from liandong.web.app import create_app
from liandong.wiring import open_city
from tests.small_town import demo_city

START = parse_time("2026-05-01T09:00:00+08:00")
CENTRE = "post:centre.duty"
OPERATOR = "post:operator"
API = "/api/v1"


class Town:
    """A running city whose time the test sets."""

    def __init__(
        self,
        data: Path,
        reports: tuple[ReportRow, ...] = (),
        gatherings: tuple[GatherRow, ...] = (),
        rules: tuple[Rule, ...] = (),
        permissions: tuple[Permission, ...] = (),
        **tables: Any,
    ) -> None:
        """With rows and `permissions` of its own; with `rules` in place of all others, and other `tables`."""
        self.data = data
        made = demo_city(7, START, 3, 36)
        mechanism = msgspec.structs.replace(made.mechanism, reports=reports, gatherings=gatherings, **tables)
        city = msgspec.structs.replace(made.city, permissions=made.city.permissions + permissions)
        self.folder = msgspec.structs.replace(made, city=city, mechanism=mechanism, rules=rules or made.rules)
        self.clock = VirtualClock(START)
        self.city: Embedded = open_city(load_settings({"data": data}, {}), self.folder, clock=self.clock)
        self.city.start()
        self.platform = self.city.platform
        self.app = create_app(self.platform, routers=[make_router(self.platform)])
        self.now = START
        self.pass_time(1)
        self._tokens: dict[Session, str] = {}

    def close(self) -> None:
        self.city.stop()

    def pass_time(self, by: int = MINUTE) -> None:
        """A tick, and everything that follows from it."""
        self.now += by
        self.clock.set(self.now)
        self.platform.tick().result(10)
        self.settle()

    def settle(self) -> None:
        """Until nothing moves."""
        for _ in range(2_000):
            if self.platform.quiet():
                return
            time.sleep(0.005)
        raise AssertionError("the city does not come to rest")

    def token(self, *, post: str = "", source: str = "", person: str = "") -> str:
        """A token of whoever is on duty at the post, or of the source."""
        if post and not person:
            duty = self.platform.handler.policy.city.on_duty(post, self.now)
            assert duty is not None, post
            person = duty.person
        session = Session(person=person, post=post, source=source)
        if session not in self._tokens:
            self._tokens[session] = self.platform.access.issue_token(session)
        return self._tokens[session]

    def channels(self, quantity: str = "ch4_lel") -> list[Any]:
        return [c for c in self.folder.city.channels if c.quantity == quantity]

    def open_case(self, number: int = 0) -> str:
        """Methane at one channel until a case is there; its id."""
        channel = self.channels()[number]
        asset = self.platform.handler.policy.city.asset_of_channel(channel.key)
        assert asset is not None
        for _ in range(4):
            body = message(reading(channel.key, self.now, 60.0))
            future, errors = self.platform.receiving.readings(Session(source=channel.source), body)
            assert not errors and future.result(10).rows == 1
            self.pass_time(2 * MINUTE)
        found = self.platform.store.latest("case", f"gas_leak|{asset.key}")
        assert found is not None, "no case was opened"
        return found.stream.removeprefix("case:")

    def version(self, case: str) -> int:
        return self.platform.store.load([f"case:{case}"])[f"case:{case}"].version

    def notes(self, person: str) -> list[str]:
        """Reason keys of what a person looked at or was refused."""
        self.settle()
        rows = self.platform.store.entries_of(f"access:{person}")
        return [json.loads(row.body)["reason"]["key"] for row in rows]


def reading(channel: str, at: int, value: Any) -> dict[str, Any]:
    return {"channel": channel, "time": format_time(at), "value": value}


def message(*rows: Any, id: str = "") -> bytes:
    return json.dumps({"readings": list(rows)} | ({"id": id} if id else {})).encode()


class Client:
    """Asks the application as the holder of a token, in this process or over a socket."""

    def __init__(self, town: Town, url: str = "") -> None:
        self.town = town
        self.url = url

    def ask(
        self,
        method: str,
        path: str,
        token: str = "",
        *,
        headers: dict[str, str] | None = None,
        language: str = "",
        **more: Any,
    ) -> httpx.Response:
        given = dict(headers or {})
        if token:
            given["Authorization"] = f"Bearer {token}"
        if language:
            given["Accept-Language"] = language
        path = path if path.startswith("/") else f"{API}/{path}"
        return asyncio.run(self._send(method, path, given, more))

    async def _send(
        self, method: str, path: str, headers: dict[str, str], more: dict[str, Any]
    ) -> httpx.Response:
        transport = None if self.url else httpx.ASGITransport(self.town.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=self.url or "http://town", timeout=30, trust_env=False
        ) as client:
            return await client.request(method, path, headers=headers, **more)

    def get(self, path: str, token: str = "", **more: Any) -> httpx.Response:
        return self.ask("GET", path, token, **more)

    def post(self, path: str, token: str = "", **more: Any) -> httpx.Response:
        return self.ask("POST", path, token, **more)

    def act(
        self, case: str, action: str, token: str, *, key: str, version: int | None = None, **body: Any
    ) -> httpx.Response:
        """An act on the version that the case now has, unless another is given."""
        seen = self.town.version(case) if version is None else version
        headers = {"Idempotency-Key": key, "If-Match": f'"{seen}"'}
        return self.post(f"cases/{case}/acts/{action}", token, headers=headers, json=body)

    def send(self, source: str, body: bytes) -> httpx.Response:
        return self.post("readings", self.town.token(source=source), content=body)


def is_problem(answer: httpx.Response, status: int, key: str) -> dict[str, Any]:
    """The document, where the answer is the problem that is expected; else an assertion fails."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["key"] == key, body
    assert body["type"] == f"urn:liandong:error:{key}" and body["status"] == status
    assert body["title"] and body["detail"] and "⟦" not in body["detail"] + body["title"], body
    return body


__all__ = ["API", "CENTRE", "HOUR", "OPERATOR", "START", "Client", "Town", "is_problem", "message", "reading"]
