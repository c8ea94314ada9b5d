"""What is asked of Modbus devices: lines, points, and which points one request fetches together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from liandong.adapters._io.fieldfile import Point
from liandong.adapters.modbus.values import Kind, Order, value_of, width

Register = Literal["coil", "discrete", "holding", "input"]
#: Most of one request (MODBUS Application Protocol Specification V1.1b3, 6.1 to 6.4).
MOST = {"coil": 2000, "discrete": 2000, "holding": 125, "input": 125}


class ModbusLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TCP connection or one serial line; a table `[[modbus]]` of the file of links."""

    name: Annotated[str, Meta(pattern=r"^[\w.\-]{1,64}$")]
    points: str  #: table of points, relative to the file
    host: str = ""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 502
    framing: Literal["tcp", "rtu"] = "tcp"  #: of a connection: Modbus TCP, or RTU frames through it
    serial: str = ""  #: device file of a serial line instead of a host
    baud: Annotated[int, Meta(ge=300, le=1_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    timeout_s: Annotated[float, Meta(ge=0.05, le=60)] = 2.0
    most_wait_s: Annotated[float, Meta(ge=0.1, le=3600)] = 60.0
    most_gap: Annotated[int, Meta(ge=0, le=100)] = 0  #: registers nobody wants, read for one request less

    def __post_init__(self) -> None:
        if bool(self.host) == bool(self.serial):
            raise ValueError("field.host_or_serial")


class ModbusPoint(Point, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value in a device's registers; a row of a table of points."""

    register: Register
    address: Annotated[int, Meta(ge=0, le=65_535)]  #: as on the wire, from 0: 40001 is `holding` 0
    unit_id: Annotated[int, Meta(ge=0, le=255)] = 1
    type: Kind = "uint16"  #: of a coil or discrete input always `bool`
    order: Order = "ABCD"
    period_s: Annotated[float, Meta(ge=0.05, le=86_400)] = 10.0
    invalid: float | None = None  #: what the device sends when it has no value, before scale and offset

    def __post_init__(self) -> None:
        if self.address + self.width > 65_536:
            raise ValueError("field.address")
        if self.kind == "bool" and self.register in ("holding", "input"):
            raise ValueError("field.type")

    @property
    def kind(self) -> Kind:
        """The type; of a single bit it needs no saying."""
        return "bool" if self.register in ("coil", "discrete") else self.type

    @property
    def width(self) -> int:
        """Registers or bits that it takes."""
        return width(self.kind)


@dataclass(frozen=True, slots=True)
class Block:
    """One request: neighbouring registers of one kind, and the points in them."""

    register: Register
    address: int
    count: int
    points: tuple[ModbusPoint, ...]

    def values(self, registers: list[int]) -> list[tuple[ModbusPoint, float | None]]:
        """What each point says, scaled; `registers` is the answer, `count` long."""
        found = []
        for point in self.points:
            start = point.address - self.address
            value = value_of(registers[start : start + point.width], point.kind, point.order, point.invalid)
            found.append((point, None if value is None else value * point.scale + point.offset))
        return found


def plan(points: Iterable[ModbusPoint], most_gap: int = 0) -> list[Block]:
    """As few requests as the limits allow; overlapping points share one. Of one device and period."""
    blocks: list[Block] = []
    for point in sorted(points, key=lambda p: (p.register, p.address, p.item)):
        last = blocks[-1] if blocks else None
        end = point.address + point.width
        if (
            last is not None
            and last.register == point.register
            and point.address <= last.address + last.count + most_gap
            and end - last.address <= MOST[point.register]
        ):
            count = max(last.count, end - last.address)
            blocks[-1] = Block(last.register, last.address, count, (*last.points, point))
        else:
            blocks.append(Block(point.register, point.address, point.width, (point,)))
    return blocks


def split(block: Block) -> list[Block]:
    """Each point by itself, after a device has refused them together."""
    return [Block(p.register, p.address, p.width, (p,)) for p in block.points]
