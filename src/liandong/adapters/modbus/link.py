"""One line to Modbus devices: asks each unit in its periods and hands over what it answers."""

from __future__ import annotations

import asyncio
import importlib.util
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from liandong.adapters._io.links import Health, no_library, run_all, wait_s
from liandong.adapters._io.taking import Declared, take_rows
from liandong.adapters.modbus.points import Block, ModbusLine, ModbusPoint, plan, split
from liandong.app.platform import Platform
from liandong.core.ingest.rows import DeviceRow
from liandong.core.values.errors import Forbidden, LiandongError

PROTOCOL = "modbus"
#: Exceptions of the specification (V1.1b3, 7): what was asked does not exist; a gateway reached nobody.
_NO_SUCH, _NOBODY = (2, 3), (10, 11)


class NoAnswer(Exception):
    """A request came to nothing; `key` says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Refusal(Exception):
    """The device answered that it does not give this; `code` is the specification's."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Unit:
    """One device behind a line: what it is asked, and how it fares."""

    def __init__(self, line: ModbusLine, number: int, points: Sequence[ModbusPoint]) -> None:
        self.number = number
        self.health = Health(PROTOCOL, line.name, str(number))
        periods: dict[float, list[ModbusPoint]] = defaultdict(list)
        for point in points:
            periods[point.period_s].append(point)
        self.blocks = {period: plan(group, line.most_gap) for period, group in periods.items()}


class ModbusLink:
    """A line and its units. One request at a time is on it; a unit that is silent is left alone for longer
    each time, so that it costs its neighbours one time-out and no more."""

    def __init__(self, platform: Platform, line: ModbusLine, points: Sequence[ModbusPoint]) -> None:
        self.name = line.name
        self.line = line
        units: dict[int, list[ModbusPoint]] = defaultdict(list)
        for point in points:
            units[point.unit_id].append(point)
        self._units = [_Unit(line, number, group) for number, group in sorted(units.items())]
        self._platform = platform
        self._declared = Declared(platform, PROTOCOL)
        self._client: Any = None
        self._turn = asyncio.Lock()
        self._refused, self._retry_at = 0, 0.0

    @property
    def healths(self) -> list[Health]:
        """One for each unit."""
        return [unit.health for unit in self._units]

    async def run(self) -> None:
        """Poll until cancelled. Raises BadInput where pymodbus is not installed."""
        self._library()
        try:
            await run_all([self._poll_for_ever(unit) for unit in self._units])
        finally:
            self._close()

    async def _poll_for_ever(self, unit: _Unit) -> None:
        loop = asyncio.get_running_loop()
        due = dict.fromkeys(unit.blocks, loop.time())
        while True:
            period = min(due, key=lambda p: due[p])
            await asyncio.sleep(max(0.0, due[period] - loop.time()))
            answered = await self._poll(unit, period)
            now = loop.time()
            if answered:
                # On the beat, and what was missed meanwhile is not made up for.
                due[period] += period * max(1, int((now - due[period]) / period))
            else:
                least = min(1.0, *unit.blocks)
                name = f"{self.name}/{unit.number}"
                later = now + wait_s(name, unit.health.in_a_row, least, self.line.most_wait_s)
                due = {p: max(at, later) for p, at in due.items()}

    async def _poll(self, unit: _Unit, period: float) -> bool:
        """Ask for what is due; False where the unit did not answer and is to be left alone."""
        answers: list[tuple[Block, list[int]]] = []
        kept: list[Block] = []
        silent = ""
        asked = unit.blocks[period]
        for at, block in enumerate(asked):
            try:
                answers.append((block, await self._ask(unit.number, block)))
                kept.append(block)
            except Refusal as refusal:
                key = f"modbus.exception_{refusal.code}"
                apart = len(block.points) > 1 and refusal.code in _NO_SUCH
                kept += split(block) if apart else [block]
                if refusal.code in _NOBODY:
                    silent = key
                else:
                    unit.health.note(key)
            except NoAnswer as error:
                silent = error.key
                kept.append(block)
            if silent:
                kept += asked[at + 1 :]
                break
        unit.blocks[period] = kept
        if silent:
            unit.health.failed(silent)
        else:
            unit.health.answered(self._now())
        await self._hand_over(unit, answers)
        return not silent

    async def _hand_over(self, unit: _Unit, answers: Sequence[tuple[Block, list[int]]]) -> None:
        """The values as messages, one a device, taken once they are durable."""
        at = self._now()
        rows: dict[str, list[DeviceRow]] = defaultdict(list)
        for block, registers in answers:
            for point, value in block.values(registers):
                if point.item in self._declared.items(point.device):
                    rows[point.device].append(DeviceRow(point.device, point.item, at, value))
                else:
                    unit.health.note("device.unknown_item")
        said = [
            {"unit": unit.number, "register": b.register, "address": b.address, "values": registers}
            for b, registers in answers
        ]
        raw = msgspec.json.encode({"link": self.name, "answers": said})
        for device, group in rows.items():
            key = f"{self.name}/{unit.number}/{at}"
            try:
                taken = await take_rows(self._platform, PROTOCOL, device, key + "/" + device, group, raw)
                if taken is not None and not (receipt := await taken).duplicate:
                    unit.health.rows += receipt.rows
            except Forbidden as error:
                unit.health.note(error.key)
            except LiandongError as error:
                unit.health.failed(error.key)

    async def _ask(self, unit: int, block: Block) -> list[int]:
        """One request. Raises NoAnswer or Refusal."""
        from pymodbus.exceptions import ConnectionException, ModbusException

        async with self._turn:
            client = await self._connected()
            ask = {
                "coil": client.read_coils, "discrete": client.read_discrete_inputs,
                "holding": client.read_holding_registers, "input": client.read_input_registers,
            }[block.register]  # fmt: skip
            try:
                answer = await ask(block.address, count=block.count, device_id=unit)
            except ConnectionException as error:
                self._close()
                raise NoAnswer("modbus.disconnected") from error
            except (ModbusException, TimeoutError, OSError) as error:
                # A late answer must never be taken for the next one's: the line is opened anew.
                self._close()
                raise NoAnswer("modbus.no_answer") from error
            if answer.isError():
                raise Refusal(int(getattr(answer, "exception_code", 0)))
            bits = block.register in ("coil", "discrete")
            registers = [int(value) for value in (answer.bits if bits else answer.registers)[: block.count]]
            if len(registers) != block.count:
                self._close()
                raise NoAnswer("modbus.wrong_count")
            return registers

    async def _connected(self) -> Any:
        """The client. Raises NoAnswer while nobody listens; that is tried no oftener than `wait_s` says."""
        if self._client is not None and self._client.connected:
            return self._client
        self._close()
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at:
            raise NoAnswer("modbus.unreachable")
        self._client = self._open()
        try:
            there = await self._client.connect()
        except OSError:
            there = False
        if not there:
            self._close()
            self._refused += 1
            self._retry_at = loop.time() + wait_s(self.name, self._refused, 0.5, self.line.most_wait_s)
            raise NoAnswer("modbus.unreachable")
        self._refused = 0
        return self._client

    def _library(self) -> None:
        try:
            import pymodbus.client  # noqa: F401

            if self.line.serial and importlib.util.find_spec("serial") is None:
                raise ImportError(name="pyserial")
        except ImportError as error:
            raise no_library(self.name, "modbus", error) from error

    def _open(self) -> Any:
        from pymodbus import FramerType
        from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

        line = self.line
        same: dict[str, Any] = {"timeout": line.timeout_s, "retries": 0, "reconnect_delay": 0}
        if line.serial:
            return AsyncModbusSerialClient(
                line.serial, baudrate=line.baud, parity=line.parity, stopbits=line.stop_bits, **same
            )
        framer = FramerType.RTU if line.framing == "rtu" else FramerType.SOCKET
        return AsyncModbusTcpClient(line.host, port=line.port, framer=framer, **same)

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _now(self) -> int:
        return self._platform.clock.read().now
