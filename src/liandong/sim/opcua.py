"""A simulated OPC UA server with nodes of numbers, served by asyncua."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from liandong.sim.loops import LoopThread

NAMESPACE = "urn:liandong:sim"
URI = "urn:liandong:sim:server"


class OpcuaNodes:
    """Nodes `ns=2;s=<name>` whose values, times and statuses may be set. Needs asyncua.

    With a certificate and its key only signed and encrypted sessions are taken, with users only theirs.
    """

    def __init__(
        self, names: tuple[str, ...], host: str = "127.0.0.1", port: int = 4840,
        certificate: Path | None = None, key: Path | None = None, users: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.endpoint = f"opc.tcp://{host}:{port}/liandong/"
        self._names, self._certificate, self._key, self._users = names, certificate, key, users
        self._nodes: dict[str, Any] = {}
        self._loop = LoopThread("opcua nodes")
        self._server: Any = None

    def start(self) -> OpcuaNodes:
        """Listen; every node holds 0.0 at first."""
        self._loop.run(self._start())
        return self

    def stop(self) -> None:
        """Listen no more; may be started again."""
        if self._server is not None:
            self._loop.run(self._server.stop())
            self._server = None

    def end(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.end()

    def set(self, name: str, value: float | str | bool, at: int, status: int = 0) -> None:
        """Give a node a value with its source time (microseconds UTC) and status code."""
        self._loop.run(self._set(name, value, at, status))

    async def _start(self) -> None:
        from asyncua import Server, ua

        users: Any = _Users(self._users) if self._users is not None else None
        server = Server(user_manager=users)
        await server.init()
        server.set_endpoint(self.endpoint)
        await server.set_application_uri(URI)
        if self._certificate is not None and self._key is not None:
            await server.load_certificate(self._certificate)
            await server.load_private_key(self._key)
            kinds = ua.SecurityPolicyType
            server.set_security_policy([kinds.Basic256Sha256_SignAndEncrypt, kinds.Basic256Sha256_Sign])
        number: Any = await server.register_namespace(NAMESPACE)
        for name in self._names:
            node: Any = ua.NodeId.from_string(f"ns={number};s={name}")
            self._nodes[name] = await server.nodes.objects.add_variable(node, name, 0.0)
        await server.start()
        self._server = server

    async def _set(self, name: str, value: float | str | bool, at: int, status: int) -> None:
        from asyncua import ua

        code: Any = status
        kind = {bool: ua.VariantType.Boolean, str: ua.VariantType.String}.get(
            type(value), ua.VariantType.Double
        )
        moment: Any = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
        said = ua.DataValue(
            ua.Variant(float(value) if kind == ua.VariantType.Double else value, kind),
            StatusCode=ua.StatusCode(code), SourceTimestamp=moment,
        )  # fmt: skip
        await self._server.write_attribute_value(self._nodes[name].nodeid, said)


class _Users:
    """Takes the users it was given, by name and password."""

    def __init__(self, users: dict[str, str]) -> None:
        self._users = users

    def get_user(
        self, iserver: Any, username: str | None = None, password: Any = None, certificate: Any = None
    ) -> Any:
        """The user, or None."""
        from asyncua.server.user_managers import User, UserRole

        if username is not None and self._users.get(username) == password:
            return User(role=UserRole.User, name=username)
        return None
