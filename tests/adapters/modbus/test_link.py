"""A running city asks a real pymodbus server, by Modbus TCP and RTU frames: each function code and fault."""

from __future__ import annotations

import importlib.util
import os
import pty
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from liandong.core.values.times import SECOND
from liandong.sim.modbus import ModbusDevices
from tests.adapters.field_city import DEVICE, GAS_1, GAS_2, FieldTown
from tests.ports import free_port

pytestmark = pytest.mark.slow
HEADER = "device,item,unit_id,register,address,type,scale,offset,period_s,invalid\n"


def town(path: Path, port: int, points: str, more: str = "", timeout_s: float = 2.0) -> FieldTown:
    link = f'[[modbus]]\nname = "line"\nhost = "127.0.0.1"\nport = {port}\npoints = "points.csv"\n'
    return FieldTown(
        path, "modbus", f"{link}timeout_s = 0.2\nmost_wait_s = 0.3\n{more}", points=HEADER + points
    )


@pytest.fixture
def port() -> Iterator[int]:
    yield free_port()


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_each_kind_of_register_is_asked_and_neighbours_in_one_request(
    tmp_path: Path, port: int, framing: str
) -> None:
    """Function codes 1 to 4 (MODBUS Application Protocol Specification V1.1b3, 6.1 to 6.4)."""
    devices = ModbusDevices((3,), port=port, framing=framing).start()
    made = town(tmp_path, port, f"{DEVICE},ch4,3,coil,5,,,,0.05,\n", f'framing = "{framing}"\n')
    kinds = [
        ("coil", "", (0, 1, 1)), ("discrete", "", (1, 0, 1)), ("holding", "int16", (0xFFF6, 35, 7)),
        ("input", "float32", (0x4248, 0, 0x4120, 0)),
    ]  # fmt: skip
    try:
        for register, _, values in kinds:
            devices.set(3, register, 5, *values)
        for register, type_, _ in kinds:
            second = 7 if type_ == "float32" else 6
            rows = f"{DEVICE},ch4,3,{register},5,{type_},0.5,10,0.05,\n"
            rows += f"{DEVICE},ch4-b,3,{register},{second},{type_},,,0.05,\n"
            made.links.stop()
            (made.file.parent / "points.csv").write_text(HEADER + rows, encoding="utf-8")
            made.city.pass_time(SECOND)
            made.links = type(made.links)([_again(made)]).start()
            made.until(lambda: made.health()["rows"] == 2)
        assert [round(value, 6) for _, value in made.readings()] == [10, 1, 10.5, 0, 5, 35, 35, 10]
        assert {(r, a): c for _, r, a, c in devices.asked} == {
            ("coil", 5): 2, ("discrete", 5): 2, ("holding", 5): 2, ("input", 5): 4,
        }  # fmt: skip
    finally:
        made.stop()
        devices.end()


def _again(made: FieldTown):
    from liandong.wiring.field import open_field

    return open_field(made.platform, made.settings).links[0]


def test_what_one_device_refuses_or_does_not_answer_costs_the_others_nothing(
    tmp_path: Path, port: int
) -> None:
    """Unit 2 is silent, and of unit 1 one register does not exist: it is asked for by itself from then on."""
    devices = ModbusDevices((1, 2), port=port).start()
    devices.set(1, "holding", 0, 60)
    devices.silent.add(2)
    asked = [("ch4", 1, 0), ("ch4-b", 1, 1), ("x", 2, 0)]
    points = "".join(f"{DEVICE},{item},{unit},holding,{at},,,,0.05,\n" for item, unit, at in asked)
    made = town(tmp_path, port, points, timeout_s=0.4).start()
    try:
        made.until(lambda: made.readings())
        made.until(lambda: made.health("2")["failures"] >= 2)
        before = (made.health("1")["answers"], made.health("2")["failures"])
        made.until(lambda: made.health("2")["failures"] >= before[1] + 4)
        # Asked in turn, unit 1 would get one answer for each time-out; the other's waits free the line.
        assert made.health("1")["answers"] - before[0] >= 12
        assert made.readings() == [(GAS_1, 60.0)] and made.health("2")["error"] == "modbus.no_answer"
        assert (1, "holding", 0, 2) in devices.asked and (1, "holding", 1, 1) in devices.asked
        devices.set(1, "holding", 1, 4)
        made.city.pass_time(SECOND)
        made.until(lambda: (GAS_2, 4.0) in made.readings())
        assert "modbus.exception_2" in made.health("1")["left_out"]
    finally:
        made.stop()
        devices.end()


def test_a_device_that_comes_back_is_asked_again_and_its_absence_is_no_reading(
    tmp_path: Path, port: int
) -> None:
    devices = ModbusDevices((1,), port=port)
    devices.set(1, "input", 0, 0x8000, 2)
    points = f"{DEVICE},ch4,1,input,0,int16,,,0.05,-32768\n{DEVICE},ch4-b,1,input,1,,,,0.05,\n"
    made = town(tmp_path, port, points).start()
    try:
        made.until(lambda: made.health()["failures"] >= 2)
        assert made.health()["error"] == "modbus.unreachable" and made.full() == []
        devices.start()
        made.until(lambda: made.readings())
        assert [(channel, value, quality) for channel, _, value, quality in made.full()] == [
            (GAS_1, 0.0, 1), (GAS_2, 2.0, 0),
        ]  # fmt: skip
        devices.stop()
        made.until(lambda: made.health()["error"] == "modbus.unreachable")
        made.city.pass_time(SECOND)
        assert len(made.readings()) == 2
        devices.start()
        made.until(lambda: len(made.readings()) == 4)
        assert made.health()["failures_in_a_row"] == 0
    finally:
        made.stop()
        devices.end()


@pytest.mark.skipif(importlib.util.find_spec("serial") is None, reason="pyserial is not installed")
def test_a_serial_line_is_asked_in_rtu_frames(tmp_path: Path) -> None:
    """Over two pseudo-terminals whose ends are joined, as a line joins two ports."""
    ends = [pty.openpty() for _ in range(2)]
    for _, slave in ends:
        tty.setraw(slave)
    masters = [master for master, _ in ends]

    def join() -> None:
        with suppress(OSError):
            while True:
                for ready in select.select(masters, [], [])[0]:
                    os.write(masters[ready == masters[0]], os.read(ready, 512))

    threading.Thread(target=join, daemon=True).start()
    devices = ModbusDevices((1,), serial=os.ttyname(ends[0][1]))
    devices.set(1, "holding", 0, 60)
    devices.start()
    line = f'[[modbus]]\nname = "line"\nserial = "{os.ttyname(ends[1][1])}"\npoints = "points.csv"\n'
    made = FieldTown(tmp_path, "modbus", line, points=f"{HEADER}{DEVICE},ch4,1,holding,0,,,,0.1,\n").start()
    try:
        made.until(lambda: made.readings() == [(GAS_1, 60.0)])
    finally:
        made.stop()
        devices.end()
