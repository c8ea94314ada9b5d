"""The HTTP application: every route below /api/v1, each behind a sign-in, each error a problem."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, FastAPI

from liandong import __version__
from liandong.app.platform import Platform
from liandong.web import cases, operations
from liandong.web.describe import describe
from liandong.web.problems import handle_problems
from liandong.web.signin import sign_in

PREFIX = "/api/v1"


def create_app(
    platform: Platform | None, *, language: str = "zh", routers: Sequence[APIRouter] = ()
) -> FastAPI:
    """The application of one city; `routers` are doors of devices, which get the same sign-in.

    Without a platform only its description is of use.
    """
    app = FastAPI(
        title="联动 liandong", version=__version__, openapi_url=f"{PREFIX}/openapi.json", docs_url=None,
        redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.platform = platform
    app.state.language = language
    for router in (cases.router, operations.router, *routers):
        # Here and not in each route, so that none can be written without it.
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(sign_in)])
    app.include_router(operations.open_router, prefix=PREFIX)
    handle_problems(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app
