"""Links to field devices that this process opens itself: Modbus, OPC UA, MQTT; in one thread beside the city.

The file of links (`field_file`) has a table for each: `[[modbus]]`, `[[opcua]]`, `[[mqtt]]`.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from liandong.adapters._io.fieldfile import as_struct, read_points, read_secret, read_tables
from liandong.adapters._io.links import FieldLink, end_all, wait_s
from liandong.adapters.modbus import ModbusLine, ModbusLink, ModbusPoint
from liandong.adapters.mqtt import MqttBroker, MqttLink
from liandong.adapters.opcua import OpcuaLink, OpcuaPoint, OpcuaServer
from liandong.app.logs import get_logger
from liandong.app.platform import Platform
from liandong.app.settings import Settings
from liandong.core.values.errors import BadInput, LiandongError
from liandong.core.values.lists import Capability

log = get_logger("field")
PROTOCOLS = ("modbus", "opcua", "mqtt")
#: Bounds of the wait after a fault of our own, seconds.
_LEAST_S, _MOST_S = 1.0, 60.0


class FieldLinks:
    """Runs links until stopped; one that fails is begun again and never stops another."""

    def __init__(self, links: list[FieldLink]) -> None:
        self.links = links
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="field", daemon=True)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> FieldLinks:
        """Begin to ask and to listen; returns at once, whoever answers."""
        if self.links:
            self._thread.start()
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def stop(self) -> None:
        """Ask and listen no more. Before the city stops; what was not acknowledged comes again."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        if not self._loop.is_running():
            self._loop.close()

    def health(self) -> list[dict[str, Any]]:
        """How every device behind every link fares; any thread may ask."""
        return [health.shown() for link in self.links for health in link.healths]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())

    async def _start(self) -> None:
        self._tasks = [asyncio.create_task(_keep(link)) for link in self.links]

    async def _stop(self) -> None:
        await end_all(self._tasks)


async def _keep(link: FieldLink) -> None:
    """Run a link as long as it can run."""
    failures = 0
    while True:
        try:
            await link.run()
        except LiandongError as error:
            # Of a kind that trying again does not mend; the city runs on without this link.
            for health in link.healths:
                health.failed(error.key)
            log.error("field.link_off", error)
            return
        except Exception as error:
            failures += 1
            for health in link.healths:
                health.failed("field.fault")
            log.error("field.link_failed", error)
            await asyncio.sleep(wait_s(link.name, failures, _LEAST_S, _MOST_S))


def open_field(platform: Platform, settings: Settings) -> FieldLinks:
    """The links of the file that the settings name; none where none is named, or where another process
    takes this city's readings. Raises BadInput naming each bad row."""
    path = settings.field_file
    if path is None or platform.intake.elsewhere:
        return FieldLinks([])
    tables = read_tables(path, PROTOCOLS)
    make = {"modbus": _modbus, "opcua": _opcua, "mqtt": _mqtt}
    links = [
        make[protocol](platform, row, path, number)
        for protocol in PROTOCOLS
        for number, row in enumerate(tables.get(protocol, []), start=1)
    ]
    seen: set[str] = set()
    for link in links:
        if link.name in seen:
            raise BadInput("field.link_twice", path=str(path), link=link.name)
        seen.add(link.name)
    made = FieldLinks(links)
    platform.field_health = made.health
    return made


class FieldDevice(BaseModel):
    """How one device fares that this process asks itself."""

    protocol: str
    link: str
    device: str = Field(description="Which of several behind one link, as the protocol numbers them.")
    answers: int
    rows: int = Field(description="Values handed over.")
    failures: int
    failures_in_a_row: int
    last_answer: str | None = Field(description="RFC 3339; null before the first.")
    error: str = Field(description="The newest failure; empty once it answers again.")
    left_out: dict[str, int] = Field(description="What was left out, by reason.")


class FieldDevices(BaseModel):
    """All of them."""

    devices: list[FieldDevice]


def field_router(platform: Platform | None) -> APIRouter:
    """The route for operators. Without a platform only its description is of use."""
    router = APIRouter(tags=["platform"])

    @router.get("/field", operation_id="read_field")
    async def read_field(request: Request) -> FieldDevices:
        """How the devices fare that this process asks itself: Modbus, OPC UA, MQTT. Needs intake.read."""
        assert platform is not None
        platform.access.need(platform.access.scope(request.state.session), Capability.INTAKE_READ)
        return FieldDevices(devices=[FieldDevice(**shown) for shown in platform.field_health()])

    return router


def _modbus(platform: Platform, row: dict[str, Any], path: Path, number: int) -> FieldLink:
    line = as_struct(row, ModbusLine, path, number)
    return ModbusLink(platform, line, read_points(path.parent / line.points, ModbusPoint))


def _opcua(platform: Platform, row: dict[str, Any], path: Path, number: int) -> FieldLink:
    server = as_struct(row, OpcuaServer, path, number)
    points = read_points(path.parent / server.points, OpcuaPoint)
    password = read_secret(path.parent / server.password_file) if server.password_file else ""
    return OpcuaLink(platform, server, points, path.parent, password)


def _mqtt(platform: Platform, row: dict[str, Any], path: Path, number: int) -> FieldLink:
    broker = as_struct(row, MqttBroker, path, number)
    password = read_secret(path.parent / broker.password_file) if broker.password_file else ""
    return MqttLink(platform, broker, path.parent, password)
