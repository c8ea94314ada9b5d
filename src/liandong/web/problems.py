"""Every refusal is one document: RFC 9457, with a key, its parameters and what to do in words."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liandong.app.handle import Answer
from liandong.app.logs import get_logger
from liandong.core.values import errors
from liandong.core.values.errors import LiandongError
from liandong.texts import text
from liandong.web.fields import accepted
from liandong.web.signin import language_of

MEDIA = "application/problem+json"
log = get_logger("web")

#: Class of error → status; the first that fits.
STATUS: dict[type[LiandongError], int] = {
    errors.BadInput: 422,
    errors.NotFound: 404,
    errors.Forbidden: 403,
    errors.Unauthenticated: 401,
    errors.Conflict: 409,
    errors.Busy: 429,
    errors.Unreachable: 503,
}
#: Bad input whose status says more than 422.
STATUS_OF_KEY = {"json.malformed": 400, "batch.too_large": 413, "http.body_too_large": 413}
#: Refused acts whose status says more than 409.
STATUS_OF_REFUSAL = {
    "act.not_yours": 403,
    "act.not_independent": 403,
    "request.own": 403,
    "case.unknown": 404,
    "power.not_yours": 403,
    "power.contractor": 403,
    "announcement.foreign": 403,
    "alarm.never_held": 403,
    "mechanism.not_yours": 403,
    "mechanism.no_right": 403,
    "mechanism.contractor": 403,
    "mechanism.not_issuing": 403,
    "mechanism.not_asked": 403,
    "mechanism.same_person": 403,
}
#: A fault of ours that the asker may be told, because it names what an operator can replay.
_TOLD = ("writer.dead_letter",)


class RowProblem(BaseModel):
    """One of several things that were wrong."""

    key: str
    detail: str
    params: dict[str, Any]


class Problem(BaseModel):
    """What is wrong, where, and what to do; for people in `detail`, for programs in `key` and `params`."""

    type: str = Field(description="`urn:liandong:error:` and the key.")
    title: str
    status: int
    detail: str
    key: str
    params: dict[str, Any]
    instance: str = Field(description="Path of the request.")
    version: int | None = Field(None, description="Current version of the case, where one is concerned.")
    repeated: bool | None = Field(None, description="This is the answer that was given before.")
    errors: list[RowProblem] | None = Field(None, description="Each row, where several were refused.")


def problem(
    request: Request,
    status: int,
    key: str,
    params: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The document as an answer."""
    language = language_of(request)
    shown = {name: _plain(value) for name, value in params.items()}
    body = Problem(
        type=f"urn:liandong:error:{key}",
        title=text(f"problem.{status}", language),
        status=status,
        detail=text(key, language, **shown),
        key=key,
        params=shown,
        instance=request.url.path,
        **more,
    )
    # Half a character, which JSON can escape but UTF-8 cannot hold, must not turn a refusal into a fault.
    said = json.dumps(body.model_dump(exclude_none=True), ensure_ascii=False, allow_nan=False)
    return Response(
        said.encode("utf-8", "backslashreplace"),
        status,
        {"Content-Language": language, "Vary": "Accept-Language", **(headers or {})},
        MEDIA,
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def rows_of(refused: Sequence[LiandongError], language: str) -> list[RowProblem]:
    """Several errors as members of one document."""
    return [
        RowProblem(key=e.key, detail=text(e.key, language, **e.params), params=dict(e.params))
        for e in refused
    ]


def refused_act(request: Request, answer: Answer) -> Response:
    """An act that the rows or the state do not allow: the reason names what would be needed."""
    return problem(
        request,
        STATUS_OF_REFUSAL.get(answer.key, 409),
        answer.key,
        answer.params,
        {"ETag": f'"{answer.version}"'} if answer.case else None,
        version=answer.version if answer.case else None,
        repeated=answer.repeated or None,
    )


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LiandongError)
    if error.key in _TOLD:
        return problem(request, 500, error.key, error.params)
    status = next((code for cls, code in STATUS.items() if isinstance(error, cls)), 500)
    if status == 500:
        return _fault(request, error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = str(error.params.get("retry_after") or 1)
    rows = getattr(error, "errors", None)
    more = {"errors": rows_of(rows, language_of(request))} if rows else {}
    return problem(request, STATUS_OF_KEY.get(error.key, status), error.key, error.params, headers, **more)


def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the log knows more, the asker gets a number to name."""
    incident = f"inc:{secrets.token_hex(6)}"
    route = request.scope.get("route")
    log.error("web.failed", error, signal=incident, route=getattr(route, "path", ""), method=request.method)
    return problem(request, 500, "http.internal", {"incident": incident})


async def _on_parameters(request: Request, error: Exception) -> Response:
    """A query, path or header parameter that does not fit; bodies are read elsewhere."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    return problem(request, 422, "http.bad_parameter", {"name": name, "accepts": accepted(first)})


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return problem(request, 404, "http.not_found", {"path": request.url.path[:200]}, headers)
    if error.status_code == 405:
        allowed = headers.get("Allow") or headers.get("allow") or ""
        return problem(
            request, 405, "http.wrong_method", {"method": request.method, "allowed": allowed}, headers
        )
    return problem(request, error.status_code, "http.refused", {"status": error.status_code}, headers)


class LastResort:
    """Turns what nobody caught into a problem, and keeps its words out of the server's own log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if started:
                raise
            await _fault(Request(scope), error)(scope, receive, send)


def handle_problems(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""
    app.add_exception_handler(LiandongError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_parameters)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(LastResort)
