"""Simulated Modbus devices behind one TCP port or serial line, served by pymodbus."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Literal

from liandong.sim.loops import LoopThread

Register = Literal["coil", "discrete", "holding", "input"]
_BY_FUNCTION: dict[int, Register] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
#: Size of each block of registers; pymodbus builds it in quadratic time.
_SIZE = 256


class ModbusDevices:
    """Units with registers that may be set while they are asked. Registers that were never set do not exist.

    Needs pymodbus. `framing` is `tcp`, or `rtu` for RTU frames through the connection; with `serial` they
    are on that serial line instead.
    """

    def __init__(
        self, units: tuple[int, ...] = (1,), host: str = "127.0.0.1", port: int = 502,
        framing: str = "tcp", serial: str = "",
    ) -> None:  # fmt: skip
        self.units = units
        self.values: dict[tuple[int, Register, int], int] = {}
        #: (unit, register, address, count) of every request, the oldest first.
        self.asked: list[tuple[int, Register, int, int]] = []
        #: Units that give every request this exception code, e.g. 6 for busy.
        self.refusing: dict[int, int] = {}
        #: Units that hear and say nothing.
        self.silent: set[int] = set()
        self._place = (host, port, framing, serial)
        self._loop = LoopThread("modbus devices")
        self._server: Any = None

    def set(self, unit: int, register: Register, address: int, *values: int) -> None:
        """Put raw registers (0 to 65,535) or bits (0 or 1) from an address (0 to 255) on."""
        for place, value in enumerate(values):
            self.values[unit, register, address + place] = value

    def set_float(self, unit: int, register: Register, address: int, value: float) -> None:
        """Put a float32, big-endian, into two registers."""
        self.set(unit, register, address, *struct.unpack(">2H", struct.pack(">f", value)))

    def start(self) -> ModbusDevices:
        """Listen; raises RuntimeError where the port is taken."""
        self._loop.run(self._start())
        return self

    def stop(self) -> None:
        """Listen no more; may be started again."""
        if self._server is not None:
            self._loop.run(self._server.shutdown())
            self._server = None

    def end(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.end()

    async def _start(self) -> None:
        from pymodbus import FramerType
        from pymodbus.server import ModbusSerialServer, ModbusTcpServer

        host, port, framing, serial = self._place
        devices = [self._device(unit) for unit in self.units]
        if serial:
            self._server = ModbusSerialServer(
                devices, port=serial, framer=FramerType.RTU, ignore_missing_devices=True, trace_pdu=self._note
            )
        else:
            framer = FramerType.RTU if framing == "rtu" else FramerType.SOCKET
            self._server = ModbusTcpServer(
                devices, address=(host, port), framer=framer, ignore_missing_devices=True,
                trace_pdu=self._note,
            )  # fmt: skip
        await self._server.serve_forever(background=True)

    def _note(self, sending: bool, pdu: Any) -> Any:
        register = _BY_FUNCTION.get(pdu.function_code)
        if not sending and register is not None:
            self.asked.append((pdu.dev_id, register, pdu.address, pdu.count))
        return pdu

    def _device(self, unit: int) -> Any:
        from pymodbus.constants import ExcCodes
        from pymodbus.simulator import DataType, SimData, SimDevice

        async def action(
            function: int, start: int, address: int, count: int, registers: list[int], wanted: Any
        ) -> Any:
            register = _BY_FUNCTION.get(function)
            if register is None or wanted is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            bits = register in ("coil", "discrete")
            if unit in self.silent:
                await asyncio.Event().wait()
            if unit in self.refusing:
                return ExcCodes(self.refusing[unit])
            known = {a: v for (u, r, a), v in self.values.items() if u == unit and r == register}
            if bits:
                # pymodbus counts in words of 16 here, so of several bits only the first can be missing.
                if address not in known:
                    return ExcCodes.ILLEGAL_ADDRESS
                for at, value in known.items():
                    word = registers[at // 16]
                    registers[at // 16] = word | 1 << at % 16 if value else word & ~(1 << at % 16)
                return None
            if any(address + place not in known for place in range(count)):
                return ExcCodes.ILLEGAL_ADDRESS
            for place in range(count):
                registers[address - start + place] = known[address + place]
            return None

        words = [SimData(0, count=_SIZE, datatype=DataType.REGISTERS)]
        bits = [SimData(0, count=_SIZE, datatype=DataType.BITS)]
        return SimDevice(unit, simdata=(bits, bits, words, words), action=action)
