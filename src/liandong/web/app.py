"""The HTTP application: every route below /api/v1, each behind a sign-in, each error a problem."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.types import Receive, Scope, Send

from liandong import __version__
from liandong.app.platform import Platform
from liandong.app.ports import IdentityProvider
from liandong.web import (
    accounts,
    alarms,
    announcements,
    bridges,
    cases,
    desk,
    devices,
    evaluation,
    events,
    evidence,
    mechanisms,
    operations,
    queue,
    reports,
    resources,
    responses,
    roster,
    timeline,
    waiting,
    warnings,
)
from liandong.web.console import FOLDER, Console, SafeHeaders
from liandong.web.describe import describe
from liandong.web.errand import Errands
from liandong.web.problems import handle_problems
from liandong.web.signin import sign_in, sign_in_program

PREFIX = "/api/v1"


def create_app(
    platform: Platform | None,
    *,
    language: str = "zh",
    routers: Sequence[APIRouter] = (),
    standards: Mapping[str, APIRouter] | None = None,
    public_url: str = "",
    provider: IdentityProvider | None = None,
    console: Path = FOLDER,
) -> FastAPI:
    """The application of one city; `routers` are doors of devices, which get the same sign-in; `standards`
    are services at addresses that a standard sets, for programs with a token.

    `public_url` is the address by which browsers reach it, where that is not the one it listens on.
    Without a platform only its description is of use.
    """
    app = FastAPI(
        title="联动 liandong", version=__version__, openapi_url=f"{PREFIX}/openapi.json", docs_url=None,
        redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.platform = platform
    app.state.language = language
    app.state.public_url, app.state.secure = public_url, public_url.startswith("https:")
    app.state.provider, app.state.errands = provider, Errands(secrets.token_bytes(32))
    for router in (
        cases.router,
        queue.router,
        timeline.router,
        evidence.router,
        reports.router,
        operations.router,
        events.router,
        desk.router,
        roster.router,
        evaluation.router,
        bridges.router,
        mechanisms.router,
        warnings.router,
        responses.router,
        resources.router,
        waiting.router,
        alarms.router,
        announcements.router,
        devices.router,
        *routers,
    ):
        # Here and not in each route, so that none can be written without it.
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(sign_in)])
    for prefix, router in (standards or {}).items():
        app.include_router(router, prefix=prefix, dependencies=[Depends(sign_in_program)])
    for open_router in (operations.open_router, accounts.open_router, accounts.router):
        app.include_router(open_router, prefix=PREFIX)
    handle_problems(app)
    app.add_middleware(SafeHeaders, api=f"{PREFIX}/", secure=app.state.secure)
    _serve_console(app, Console(PREFIX, console))
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI has it replaced so
    return app


def _serve_console(app: FastAPI, console: Console) -> None:
    """Where no route fits; not a route itself, so that the description holds all that are."""
    no_route = app.router.default

    async def fall_back(scope: Scope, receive: Receive, send: Send) -> None:
        await (console if console.answers(scope) else no_route)(scope, receive, send)

    app.router.default = fall_back
