"""The console's files at `/`, with the headers that keep other people's scripts and frames out.

The console is built into `web/static`; its own addresses (`/cases/…`) all get its first page.
"""

from __future__ import annotations

import html
import os
import stat
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from liandong.texts import text
from liandong.web.signin import language_of

FOLDER = Path(__file__).with_name("static")
#: Of the build, with a digest of the content in each name.
HASHED = "assets/"
_IMMUTABLE = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
CONSOLE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "media-src 'self' data: blob:",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
}


class Console:
    """What the application answers where none of its routes fits."""

    def __init__(self, api: str, folder: Path = FOLDER) -> None:
        self._api, self._folder = api.strip("/"), folder
        self._files = StaticFiles(directory=folder, check_dir=False)

    def answers(self, scope: Scope) -> bool:
        """True for a path that is none of the API's, asked for reading."""
        path = str(scope["path"]).lstrip("/")
        first = self._api.split("/")[0]
        return (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and path != first
            and not path.startswith(f"{first}/")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A file, or the first page for an address of the console, or why there is none."""
        answer = await self._answer(Request(scope), scope)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, scope: Scope) -> Response:
        if not (self._folder / "index.html").is_file():
            return _not_built(request)
        path = os.path.normpath(str(scope["path"]).lstrip("/") or "index.html")
        found, status = self._look_up(path)
        if status is None or not stat.S_ISREG(status.st_mode):
            if path.startswith(HASHED) or "." in path.rsplit("/", 1)[-1]:
                # A page of an older build asks for what is gone: the first page would be no script.
                return _plain(404)
            path = "index.html"
            found, status = self._look_up(path)
            if status is None:
                return _not_built(request)
        answer = self._files.file_response(found, status, scope)
        answer.headers["Cache-Control"] = _IMMUTABLE if path.startswith(HASHED) else _ASK_AGAIN
        return answer

    def _look_up(self, path: str) -> tuple[str, os.stat_result | None]:
        """The file of a path within the folder, None for none."""
        try:
            return self._files.lookup_path(path)
        except (OSError, ValueError):  # a name that no file can have
            return "", None


def _plain(status: int) -> Response:
    return Response(status_code=status, headers={"Cache-Control": "no-store"})


def _not_built(request: Request) -> Response:
    """Says in both languages what to do; the API works all the same."""
    first = language_of(request)
    words = [text("console.not_built", one) for one in sorted(("zh", "en"), key=lambda one: one != first)]
    page = "".join(f"<p>{html.escape(word)}</p>" for word in words)
    return HTMLResponse(
        f'<!doctype html><html lang="{first}"><meta charset="utf-8"><title>联动</title>{page}</html>',
        503,
        {"Cache-Control": "no-store"},
    )


def safe_headers(api: bool, secure: bool) -> dict[str, str]:
    """What browsers need to keep an answer apart from other sites."""
    headers = _ALWAYS | {"Content-Security-Policy": API_POLICY if api else CONSOLE_POLICY}
    if api:
        headers["Cache-Control"] = "no-store"
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


class SafeHeaders:
    """Adds to every answer what browsers need to keep it apart from other sites."""

    def __init__(self, app: ASGIApp, api: str, secure: bool) -> None:
        self.app, self._api, self._secure = app, api, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        api = str(scope["path"]).startswith(self._api)

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in safe_headers(api, self._secure).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, add)
