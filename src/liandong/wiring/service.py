"""Serving a city over HTTP, in the foreground or beside something else."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from liandong.adapters.bridge_api import make_router as bridge_router
from liandong.adapters.cap import make_router as cap_router
from liandong.adapters.documents.router import make_router as documents_router
from liandong.adapters.graded import make_router as graded_router
from liandong.adapters.http.door import Door
from liandong.adapters.http.router import make_router
from liandong.adapters.sensorthings import PREFIX as SENSORTHINGS
from liandong.adapters.sensorthings import make_router as sensorthings_router
from liandong.app.clock import system_clock
from liandong.app.logs import configure_logging, uvicorn_log_config
from liandong.app.platform import Platform
from liandong.app.ports import IdentityProvider
from liandong.app.settings import Settings
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND
from liandong.runners.embedded import Embedded
from liandong.web.app import PREFIX, create_app
from liandong.web.console import safe_headers
from liandong.web.events import close_streams
from liandong.web.schema import openapi_document, render
from liandong.wiring.city import open_city
from liandong.wiring.doors import open_doors
from liandong.wiring.field import field_router, open_field
from liandong.wiring.packs import read_equipped


def make_app(city: Embedded, language: str, settings: Settings | None = None) -> Any:
    """The HTTP application of a city, with the doors of devices mounted."""
    app = create_app(
        city.platform,
        language=language,
        routers=adapter_routers(city.platform),
        standards={SENSORTHINGS: sensorthings_router(city.platform)},
        public_url=str(settings.public_url or "") if settings else "",
        provider=identity_provider(settings) if settings else None,
    )
    headers = safe_headers(api=True, secure=app.state.secure)
    return Door(app, city.platform, f"{PREFIX}/readings", headers.items())


def identity_provider(settings: Settings) -> IdentityProvider | None:
    """The provider of the settings, where there is one. Raises BadInput for a secret that cannot be read."""
    if settings.oidc_issuer is None:
        return None
    secret = ""
    if settings.oidc_client_secret_file is not None:
        try:
            secret = settings.oidc_client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("oidc.no_secret", path=str(settings.oidc_client_secret_file)) from error
    # Only here: a city without a provider starts without the client of HTTP.
    from liandong.adapters.oidc import OidcProvider

    clock = system_clock()
    return OidcProvider(
        str(settings.oidc_issuer), settings.oidc_client_id, secret, settings.oidc_claim,
        lambda: clock.read().now / SECOND, settings.language,
    )  # fmt: skip


class LiveServer(uvicorn.Server):
    """A server that ends its event streams itself, instead of waiting for clients that never leave."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams first, then what every server does."""
        platform = getattr(getattr(self.config.app, "state", None), "platform", None)
        if platform is not None:
            close_streams(platform)
        await super().shutdown(sockets)


def openapi_text() -> str:
    """The OpenAPI document of all doors, as it is committed."""
    return render(openapi_document(adapter_routers(None)))


def adapter_routers(platform: Platform | None) -> list[Any]:
    """Routers of adapters, mounted behind the same sign-in as every other route."""
    return [
        make_router(platform),
        documents_router(platform),
        bridge_router(platform),
        field_router(platform),
        graded_router(platform),
        cap_router(platform),
    ]


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
        self._server = LiveServer(config)
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
    folder = read_equipped(settings.city) if settings.city else None
    city = open_city(settings, folder)
    listening = free_socket(settings.host, settings.port)
    app = make_app(city, settings.language, settings)
    gc.freeze()  # what was imported and built stays as long as the process: no collection need walk it
    doors, field = open_doors(city.platform, settings), open_field(city.platform, settings)
    city.start(settings.tick_s)
    doors.start()
    field.start()
    tell(f"联动 liandong: http://{settings.host}:{listening.getsockname()[1]}/api/v1  data: {settings.data}")
    for name, port in doors.ports.items():
        tell(f"  {name}: {settings.host}:{port}")
    config = uvicorn.Config(
        app, log_config=uvicorn_log_config(), access_log=False, timeout_graceful_shutdown=1, lifespan="off"
    )
    try:
        LiveServer(config).run(sockets=[listening])
    finally:
        field.stop()
        doors.stop()
        city.stop()
