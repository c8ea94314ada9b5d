"""One OPC UA server: told what changes, and read as a whole from time to time.

A subscription is silent while nothing changes, so silence alone would look like a dead sensor: every
`period_s` all nodes are read, and a value that still stands is a reading at the server's own present time
(ServerStatus.CurrentTime), not at ours: two clocks in one series would make its changes come too late.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from liandong.adapters._io.links import Health, no_library, wait_s
from liandong.adapters._io.taking import Declared, take_rows
from liandong.adapters.opcua.points import OpcuaPoint, OpcuaServer, micros, row_of, time_of
from liandong.app.platform import Platform
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.canonical import short_hash
from liandong.core.values.errors import Forbidden
from liandong.core.values.times import SECOND

PROTOCOL = "opcua"
#: Changes of one node that the server keeps for us while we take no more.
_QUEUE = 100
#: Server_ServerStatus_CurrentTime, a standard node (OPC 10000-6, NodeIds).
_CURRENT_TIME = "i=2258"
#: Most nodes of one request.
_MOST_NODES = 500


class Failed(Exception):
    """The session came to nothing; `key` says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class OpcuaLink:
    """A server and its nodes. What it tells is acknowledged once it is durable: asyncua acknowledges with
    its next request, and makes none before `_published` is done."""

    def __init__(
        self, platform: Platform, server: OpcuaServer, points: Sequence[OpcuaPoint], folder: Path,
        password: str,
    ) -> None:  # fmt: skip
        self.name = server.name
        self.server, self.points = server, tuple(points)
        self.health = Health(PROTOCOL, server.name)
        self._platform, self._folder, self._password = platform, folder, password
        self._declared = Declared(platform, PROTOCOL)
        self._subscribed = False
        self._given: dict[OpcuaPoint, int] = {}  #: newest time of each point that was handed over

    @property
    def healths(self) -> list[Health]:
        """One, for the server."""
        return [self.health]

    async def run(self) -> None:
        """Stay connected until cancelled. Raises BadInput where asyncua is not installed."""
        try:
            import asyncua  # noqa: F401
        except ImportError as error:
            raise no_library(self.name, "opcua", error) from error
        while True:
            try:
                await self._session()
            except Failed as error:
                self.health.failed(error.key)
            except Exception as error:
                self.health.failed(f"opcua.{type(error).__name__.lower()}")
            await asyncio.sleep(wait_s(self.name, self.health.in_a_row, 1.0, self.server.most_wait_s))

    async def _session(self) -> None:
        from asyncua import Client

        client = Client(self.server.endpoint, timeout=self.server.timeout_s)
        client.application_uri = self.server.application_uri
        if self.server.user:
            client.set_user(self.server.user)
            client.set_password(self._password)
        await self._secure(client)
        try:
            await client.connect()
        except (OSError, TimeoutError) as error:
            raise Failed("opcua.unreachable") from error
        try:
            nodes = await self._nodes(client)
            self._subscribed = self.server.mode == "subscribe" and await self._subscribe(client, nodes)
            if self._subscribed:
                await asyncio.sleep(2 * self.server.publish_s)  # what changed while we were away comes first
            while True:
                await self._read(client, nodes)
                await asyncio.sleep(self.server.period_s)
        finally:
            await _quietly(client.disconnect(), self.server.timeout_s)

    async def _secure(self, client: Any) -> None:
        if self.server.security == "none":
            return
        from asyncua import ua
        from asyncua.crypto import security_policies

        mode = ua.MessageSecurityMode
        server, folder = self.server, self._folder
        try:
            await client.set_security(
                getattr(security_policies, f"SecurityPolicy{server.policy}"),
                certificate=folder / server.certificate_file,
                private_key=folder / server.key_file,
                server_certificate=str(folder / server.server_certificate_file),
                mode=mode.Sign if server.security == "sign" else mode.SignAndEncrypt,
            )
        except (OSError, ValueError) as error:
            raise Failed("opcua.certificates") from error

    async def _nodes(self, client: Any) -> list[tuple[OpcuaPoint, Any]]:
        """Points with their node ids; a namespace may be named, because servers renumber them."""
        from asyncua import ua

        namespaces = await client.get_namespace_array()
        found = []
        for point in self.points:
            text = point.node
            if text.startswith("nsu="):
                uri, _, rest = text[4:].partition(";")
                if uri not in namespaces:
                    self.health.note("opcua.no_namespace")
                    continue
                text = f"ns={namespaces.index(uri)};{rest}"
            try:
                found.append((point, ua.NodeId.from_string(text)))
            except ua.UaError:
                self.health.note("opcua.bad_node")
        if not found:
            raise Failed("opcua.no_nodes")
        return found

    async def _subscribe(self, client: Any, nodes: list[tuple[OpcuaPoint, Any]]) -> bool:
        """Ask to be told; False where the server does not do that, and reading is what is left."""
        from asyncua import ua

        asked = ua.CreateSubscriptionParameters()
        asked.RequestedPublishingInterval = self.server.publish_s * 1000
        asked.RequestedLifetimeCount = 10_000
        asked.RequestedMaxKeepAliveCount = 10
        asked.MaxNotificationsPerPublish = 1_000
        asked.PublishingEnabled = True
        points = {handle: point for handle, (point, _) in enumerate(nodes, start=1)}

        async def published(result: Any) -> None:
            await self._published(result, points)

        try:
            made = await client.uaclient.create_subscription(asked, published)
        except ua.UaStatusCodeError:
            self.health.note("opcua.no_subscription")
            return False
        wanted = [_monitored(handle, nodes[handle - 1][1], points[handle].sampling_s) for handle in points]
        for start in range(0, len(wanted), _MOST_NODES):
            items = ua.CreateMonitoredItemsParameters()
            items.SubscriptionId = made.SubscriptionId
            items.TimestampsToReturn = ua.TimestampsToReturn.Both
            items.ItemsToCreate = wanted[start : start + _MOST_NODES]
            for answer in await client.uaclient.create_monitored_items(items):
                if not answer.StatusCode.is_good():
                    self.health.note("opcua.bad_node")
        return True

    async def _published(self, result: Any, points: dict[int, OpcuaPoint]) -> None:
        """Changes that the server tells; returns once they are durable."""
        now = self._now()
        rows = []
        for notice in result.NotificationMessage.NotificationData or ():
            for item in getattr(notice, "MonitoredItems", ()):
                point = points.get(item.ClientHandle)
                if point is not None:
                    row = row_of(point, item.Value, now)
                    rows.append(row)
                    self._given[point] = max(row.time, self._given.get(point, 0))
        self.health.answered(now)
        await self._hand_over(rows)

    async def _read(self, client: Any, nodes: list[tuple[OpcuaPoint, Any]]) -> None:
        """Read every node; what stands is a reading of its own. Raises Failed where nobody answers."""
        from asyncua import ua

        clock = ua.NodeId.from_string(_CURRENT_TIME)
        rows: list[DeviceRow] = []
        for start in range(0, len(nodes), _MOST_NODES):
            part = nodes[start : start + _MOST_NODES]
            ids = [clock, *(node for _, node in part)]
            try:
                said = await client.uaclient.read_attributes(ids, ua.AttributeIds.Value)
            except (OSError, TimeoutError, ua.UaError) as error:
                raise Failed("opcua.no_answer") from error
            present = micros(said[0].Value.Value) if said[0].Value is not None else None
            for (point, _), value in zip(part, said[1:], strict=True):
                rows += self._standing(point, value, present)
        self.health.answered(self._now())
        await self._hand_over(rows)

    def _standing(self, point: OpcuaPoint, value: Any, present: int | None) -> list[DeviceRow]:
        """What one value that was read is worth: itself, where nobody told it, and that it still stands.

        `present` is the server's time. Where changes are told, a value is said to stand only up to when
        every change has been told by now, so that no change is overtaken by what came after it. A server
        without a time repeats itself and is heard once.
        """
        now, told = self._now(), self._subscribed
        own, last = time_of(value, now), self._given.get(point, 0)
        rows = []
        if own > last and not told:
            rows.append(row_of(point, value, now))
            last = own
        behind = int((self.server.publish_s + point.sampling_s) * SECOND) if told else 0
        if present is not None and present - behind > max(own, last):
            rows.append(row_of(point, value, now, present - behind))
            last = present - behind
        self._given[point] = last
        return rows

    async def _hand_over(self, rows: Sequence[DeviceRow]) -> None:
        """One message a device, taken once it is durable; the same again is told by its content."""
        devices: dict[str, list[DeviceRow]] = defaultdict(list)
        for row in rows:
            if row.item in self._declared.items(row.device):
                devices[row.device].append(row)
            else:
                self.health.note("device.unknown_item")
        for device, group in devices.items():
            raw = msgspec.json.encode({"link": self.name, "values": group})
            try:
                taken = await take_rows(self._platform, PROTOCOL, device, short_hash(raw), group, raw)
                if taken is not None and not (receipt := await taken).duplicate:
                    self.health.rows += receipt.rows
            except Forbidden as error:
                self.health.note(error.key)

    def _now(self) -> int:
        return self._platform.clock.read().now


def _monitored(handle: int, node: Any, sampling_s: float) -> Any:
    from asyncua import ua

    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor.NodeId = node
    request.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    request.MonitoringMode = ua.MonitoringMode.Reporting
    request.RequestedParameters.ClientHandle = handle
    request.RequestedParameters.SamplingInterval = sampling_s * 1000
    request.RequestedParameters.QueueSize = _QUEUE
    request.RequestedParameters.DiscardOldest = True
    return request


async def _quietly(ending: Any, seconds: float) -> None:
    """Whatever happens on the way out is of no interest any more."""
    try:
        async with asyncio.timeout(seconds):
            await ending
    except Exception:
        return
