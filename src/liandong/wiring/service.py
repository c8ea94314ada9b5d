"""Serving a city over HTTP, in the foreground or beside something else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from liandong.adapters.http.router import make_router
from liandong.adapters.tables import read_city
from liandong.app.logs import configure_logging, uvicorn_log_config
from liandong.app.platform import token_digest
from liandong.app.ports import Changes
from liandong.app.settings import Settings
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput
from liandong.core.values.times import DAY
from liandong.runners.embedded import Embedded
from liandong.stores.sqlite import open_sqlite
from liandong.web.app import create_app
from liandong.web.schema import openapi_document, render
from liandong.wiring.city import open_city


def make_app(city: Embedded, language: str) -> Any:
    """The HTTP application of a city, with the doors of devices mounted."""
    return create_app(city.platform, language=language, routers=[make_router(city.platform)])


def openapi_text() -> str:
    """The OpenAPI document of all doors, as it is committed."""
    return render(openapi_document([make_router(None)]))


def free_socket(host: str, port: int) -> socket.socket:
    """A listening socket, so that the port is known before the server runs. Raises BadInput if taken."""
    # The protocol is named because asyncio turns Nagle's algorithm off only for sockets that name it;
    # with it every answer waited 40 ms for an acknowledgement.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise BadInput("serve.port_taken", host=host, port=port) from error
    made.listen(1024)
    return made


class Server:
    """An HTTP server in a thread of its own."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=uvicorn_log_config(),
            access_log=False,
            timeout_graceful_shutdown=1,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._listening = listening
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def _run(self) -> None:
        self._server.run(sockets=[self._listening])

    def start(self) -> Server:
        """Listen; the socket is bound already, so a client may connect at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish open requests, then end."""
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()


def serve_city(settings: Settings, tell: Callable[[str], None]) -> None:
    """Run until a signal; what was accepted is finished before the process ends."""
    configure_logging(settings.log_level, settings.log_file)
    folder = read_city(settings.city) if settings.city else None
    city = open_city(settings, folder)
    listening = free_socket(settings.host, settings.port)
    city.start(settings.tick_s)
    tell(f"联动 liandong: http://{settings.host}:{listening.getsockname()[1]}/api/v1  data: {settings.data}")
    config = uvicorn.Config(
        make_app(city, settings.language), log_config=uvicorn_log_config(), access_log=False,
        timeout_graceful_shutdown=1, lifespan="off",
    )  # fmt: skip
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        city.stop()


def make_token(data: Path, person: str, post: str, source: str, days: int) -> str:
    """A token for a person as a post or for a source; may be made while the city runs."""
    import secrets

    from liandong.app.clock import system_clock

    if bool(source) == bool(person and post):
        raise BadInput("token.person_or_source")
    store = open_sqlite(data)
    try:
        token = secrets.token_urlsafe(32)
        now = max(int(store.meta("now") or 0), system_clock().read().now)
        session = Session(person=person, post=post, source=source)
        store.commit(Changes(credentials=[(token_digest(token), session, now + days * DAY)]))
        return token
    finally:
        store.close()
