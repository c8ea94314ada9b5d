"""The TCP doors of devices, in one thread beside the city."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

from liandong.adapters._io.server import Limits, Link, Server, Talk
from liandong.adapters.gb26875 import Gb26875Door
from liandong.adapters.hj212 import Hj212Door
from liandong.adapters.hj212.door import read_password
from liandong.adapters.jt808 import Jt808Door, open_secret
from liandong.app.platform import Platform
from liandong.app.settings import Settings

#: A transmission unit sends a heartbeat every 20 to 30 s (GB/T 26875.3, public transcription): one
#: that was silent for ten of them has lost its line without saying so.
GB26875_LIMITS = Limits(idle_s=300.0)
#: HJ 212 knows no heartbeat that every device sends; hourly data are the rarest in use.
HJ212_LIMITS = Limits(idle_s=2 * 3600.0)
#: A terminal says by its parameter 0x0001 how often it sends a heartbeat; minutes are usual.
JT808_LIMITS = Limits(idle_s=900.0)


class Doors:
    """Opens what the settings name; without a port there is no door."""

    def __init__(self, platform: Platform, settings: Settings, sockets: dict[str, socket.socket]) -> None:
        secret = settings.hj212_password_file
        self.hj212 = Hj212Door(platform, read_password(secret) if secret else None)
        self.gb26875 = Gb26875Door(platform)
        # The secret is made on first use, and not where nobody needs one.
        self.jt808 = Jt808Door(
            platform, open_secret(settings.jt808_secret_file) if "jt808" in sockets else b""
        )
        opens: dict[str, tuple[Callable[[Link], Talk], Limits]] = {
            "hj212": (self.hj212.open_talk, HJ212_LIMITS),
            "gb26875": (self.gb26875.open_talk, GB26875_LIMITS),
            "jt808": (self.jt808.open_talk, JT808_LIMITS),
        }
        self._servers = {name: Server(listening, *opens[name]) for name, listening in sockets.items()}
        self.ports = {name: server.port for name, server in self._servers.items()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="doors", daemon=True)

    def start(self) -> Doors:
        """Listen; returns once devices may connect."""
        if self._servers:
            self._thread.start()
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def stop(self) -> None:
        """Read no more, answer what is durable, close. Before the city stops, or nothing would be."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(15)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        if not self._loop.is_running():
            self._loop.close()

    def connections(self, name: str) -> int:
        """How many devices are connected at a door."""
        return self._servers[name].connections if name in self._servers else 0

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())

    async def _start(self) -> None:
        for server in self._servers.values():
            await server.start()

    async def _stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._servers.values()))


def open_doors(
    platform: Platform, settings: Settings, sockets: dict[str, socket.socket] | None = None
) -> Doors:
    """Doors on the ports of the settings, or on given listening sockets by protocol.

    Raises BadInput where a port is taken or the file of the password cannot be read.
    """
    from liandong.wiring.service import free_socket

    if sockets is None:
        ports = {
            "hj212": settings.hj212_port, "gb26875": settings.gb26875_port, "jt808": settings.jt808_port,
        }  # fmt: skip
        sockets = {}
        try:
            for name, port in ports.items():
                if port is not None:
                    sockets[name] = free_socket(settings.host, port)
            return Doors(platform, settings, sockets)
        except BaseException:
            for listening in sockets.values():
                listening.close()
            raise
    return Doors(platform, settings, sockets)
