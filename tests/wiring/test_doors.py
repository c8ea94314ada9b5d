"""Both doors of a running city over real sockets: taken, answered, refused, asked, and closed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liandong.adapters import gb26875, hj212
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.gb26875 import Gb26875Door
from liandong.adapters.hj212 import Hj212Door
from liandong.app.intake import Receipt
from liandong.app.settings import load_settings
from liandong.core.values.errors import BadInput, Busy, NotFound
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.frames import (
    FrameLink,
    gb_component_state,
    gb_frame,
    gb_operation,
    gb_unit_state,
    hj212_frame,
)
from liandong.wiring.doors import Doors, open_doors
from liandong.wiring.service import free_socket
from tests.adapters.frame_city import (
    FAULT,
    FIRE,
    GAS_1,
    GAS_2,
    LINE_POWER,
    METHANE,
    MN,
    PANEL,
    doors_of,
    frame_city,
    readings,
)
from tests.app.rig import until
from tests.app.running import OPERATOR, City

pytestmark = pytest.mark.slow
ZONE = LocalTime("Asia/Shanghai")


class Town:
    """A city, its doors, and lines to them."""

    def __init__(self, data: Path) -> None:
        self.city = City(data, frame_city())
        self.platform = self.city.platform
        self.doors = doors_of(self.platform, load_settings({"data": data}, {}))
        self.links: list[FrameLink] = []

    @property
    def now(self) -> int:
        return self.city.now

    def link(self, protocol: str, timeout: float = 5.0, tries: int = 1) -> FrameLink:
        port = self.doors.ports[protocol]
        made = FrameLink("127.0.0.1", port, protocol, timeout=timeout, tries=tries)
        self.links.append(made)
        return made

    def refused(self) -> list[tuple[str, str, str]]:
        """(source, path, key) of what was refused, oldest first."""
        self.city.settle()
        scope = self.platform.access.scope(self.city.session(OPERATOR))
        rows, _ = self.platform.questions.rejected(scope, limit=200)
        return [(r.source, r.path, r.key) for r in reversed(rows)]

    def stop(self) -> None:
        for link in self.links:
            link.close()
        self.doors.stop()
        assert self.platform.accounting.check() == []
        self.city.stop()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.stop()


def smoke(town: Town, serial: int = 1, state: int = 2) -> bytes:
    return gb_frame(PANEL, serial, town.now, gb_component_state([(1, 1, 40, 10, 2, state, "感烟", town.now)]))


def test_methane_over_hj212_becomes_a_case(town: Town) -> None:
    link = town.link("hj212")
    for _ in range(4):
        answer = hj212.decode(link.send(hj212_frame(MN, town.now, {METHANE: 60.0})), ZONE)
        assert answer.cn == "9014" and answer.mn == MN
        town.city.pass_time(2 * MINUTE)
    assert [(c, v) for c, _, v, _ in readings(town.platform)] == [(GAS_1, 60.0)] * 4
    case = town.city.case()
    assert case.hazard == "gas_leak" and town.refused() == []


def test_smoke_over_gb26875_becomes_readings_of_the_bits_that_the_city_declares(town: Town) -> None:
    link = town.link("gb26875")
    answer = gb26875.decode(link.send(smoke(town)), ZONE)
    assert (answer.command, answer.serial, answer.destination) == (3, 1, PANEL)
    assert [(c, t, v) for c, t, v, _ in readings(town.platform)] == [
        (FIRE, town.now, 1.0),
        (FAULT, town.now, 0.0),
    ]
    assert link.send(gb_frame(PANEL, 2, town.now)) and link.send(
        gb_frame(PANEL, 3, town.now, gb_unit_state(0b1001, town.now))
    )
    assert readings(town.platform)[2:] == [(LINE_POWER, town.now, 1.0, 0)]
    assert town.refused() == []


def test_the_same_frame_again_is_answered_again_and_is_one_reading(town: Town) -> None:
    link, panel = town.link("hj212"), town.link("gb26875")
    frame, packet = hj212_frame(MN, town.now, {METHANE: 5.0}), smoke(town)
    assert link.send(frame) == link.send(frame)
    assert panel.send(packet) == panel.send(packet)
    assert len(readings(town.platform)) == 3


def test_a_value_without_a_good_mark_is_kept_as_none(town: Town) -> None:
    town.link("hj212").send(hj212_frame(MN, town.now, {METHANE: 60.0}, marks={"a05002": "C"}))
    assert [(v, q) for _, _, v, q in readings(town.platform)] == [(0.0, 1)]


def test_strangers_are_answered_and_kept(town: Town) -> None:
    """Or they would send for ever; an operator sees them."""
    assert town.link("hj212").send(hj212_frame("STRANGER", town.now, {METHANE: 5.0}))
    packet = gb_frame(4711, 1, town.now, gb_unit_state(2, town.now))
    assert town.link("gb26875").send(packet)
    # Both at one moment of the town's clock: which of the two is listed first says nothing.
    assert sorted(town.refused()) == [
        ("protocol:gb26875", "device", "device.unknown"),
        ("protocol:hj212", "device", "device.unknown"),
    ]
    assert readings(town.platform) == []


def test_an_item_that_no_channel_declares_does_not_cost_the_others(town: Town) -> None:
    town.link("hj212").send(hj212_frame(MN, town.now, {METHANE: 5.0, "a21005-Rtd": 1}))
    assert len(readings(town.platform)) == 1
    assert town.refused() == [("source:gas", "device", "device.unknown_item")]


def test_a_broken_check_sum_is_kept_and_not_taken(town: Town) -> None:
    """HJ 212 has no answer for it; GB/T 26875.3 a denial, after which the device sends again."""
    link, panel = town.link("hj212", timeout=0.3), town.link("gb26875")
    frame, packet = hj212_frame(MN, town.now, {METHANE: 5.0}), smoke(town)
    with pytest.raises(ConnectionError, match="no answer"):
        link.send(frame.replace(b"=5.0", b"=6.0"))
    denied = packet[:40] + bytes([packet[40] ^ 1]) + packet[41:]
    with pytest.raises(ConnectionError):
        panel.send(denied)
    assert link.send(frame) and panel.send(packet)
    assert sorted(key for _, _, key in town.refused()) == ["gb26875.bad_checksum", "hj212.bad_crc"]
    assert len(readings(town.platform)) == 3


def test_a_packet_of_the_users_own_type_is_kept_and_confirmed(town: Town) -> None:
    assert town.link("gb26875").send(gb_frame(PANEL, 1, town.now, b"\xc8\x01abc"))[26] == 3
    assert town.refused() == [("protocol:gb26875", "gb26875", "gb26875.unknown_type")]


def test_rubbish_is_kept_and_the_frame_behind_it_is_taken(town: Town) -> None:
    link = town.link("hj212")
    link.tell(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert link.send(hj212_frame(MN, town.now, {METHANE: 5.0}))
    assert town.refused() == [("protocol:hj212", "hj212", "frame.rubbish")]


def test_an_upload_in_packets(town: Town) -> None:
    link = town.link("hj212", timeout=0.4)
    second = hj212_frame(MN, town.now, {METHANE: 5.0}, packet=(2, 2), with_time=False, qn="20260501090000111")
    with pytest.raises(ConnectionError):
        link.send(second)
    assert readings(town.platform) == []
    link = town.link("hj212")
    link.tell(second)
    first = hj212_frame(MN, town.now, {"a05002-Avg": 4.0}, packet=(1, 2), qn="20260501090000111")
    assert link.send(first) and link.read()  # both are answered
    assert readings(town.platform)[0][:3] == (GAS_1, town.now, 5.0)
    # The one whose line was cut before its time came is kept for an operator.
    until(lambda: ("protocol:hj212", "hj212", "hj212.parts_missing") in town.refused())


def test_no_answer_before_it_is_durable_and_none_while_the_intake_is_full(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, held, full = town.platform.intake.submit, threading.Event(), [3]

    def submit(*arguments: Any) -> Future[Receipt]:
        if full[0]:
            full[0] -= 1
            raise Busy("queue.full", retry_after=1)
        late: Future[Receipt] = Future()

        def wait() -> None:
            held.wait(10)
            late.set_result(whole(*arguments).result())

        threading.Thread(target=wait).start()
        return late

    monkeypatch.setattr(town.platform.intake, "submit", submit)
    link = town.link("hj212", timeout=1.2)
    link.tell(hj212_frame(MN, town.now, {METHANE: 5.0}))
    with pytest.raises(TimeoutError):
        link.read()
    assert not full[0] and readings(town.platform) == []
    held.set()
    assert link.read() and len(readings(town.platform)) == 1


def test_hostile_lines_do_not_harm_others(town: Town) -> None:
    """Rubbish, a frame that never ends, drips, and a reader that does not read, beside one good device."""
    stop = threading.Event()

    def hostile(first: bytes, again: bytes, pause: float) -> None:
        with socket.create_connection(("127.0.0.1", town.doors.ports["hj212"])) as line:
            try:
                line.sendall(first)
                while not stop.wait(pause):
                    line.sendall(again)
            except OSError:
                pass  # the door has had enough

    kinds = [(b"##9999", b"x", 0.05), (b"", b"\xff" * 5000, 0.0), (b"#", b"#", 0.05),
             (hj212_frame(MN, town.now, {METHANE: 1})[:-9], b"", 0.05)]  # fmt: skip
    kinds.append((b"", hj212_frame("STRANGER", town.now, {METHANE: 1}) * 20, 0.0))
    threads = [threading.Thread(target=hostile, args=kind) for kind in kinds for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        link, slowest = town.link("hj212", timeout=10), 0.0
        for at in range(30):
            begun = time.monotonic()
            assert link.send(hj212_frame("MN2", town.now + at * SECOND, {METHANE: 1.0}))
            slowest = max(slowest, time.monotonic() - begun)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert slowest < 5.0  # a device waits ten
    assert len([row for row in readings(town.platform) if row[0] == GAS_2]) == 30


def test_who_sends_too_much_rubbish_is_cut_off(town: Town) -> None:
    with socket.create_connection(("127.0.0.1", town.doors.ports["gb26875"])) as line:
        line.settimeout(60)
        for serial in range(60):
            bad = bytearray(gb_frame(1, serial, town.now, command=3))
            bad[-3] ^= 1
            line.sendall(bad)
        with suppress(ConnectionResetError):
            assert line.recv(10) == b""
    assert len(town.refused()) == 50


# Asking.


def test_somebody_is_at_the_desk(town: Town) -> None:
    panel = town.link("gb26875")
    with pytest.raises(NotFound):
        town.doors.gb26875.ask_duty(PANEL)
    panel.send(gb_frame(PANEL, 1, town.now))
    asked = town.doors.gb26875.ask_duty(PANEL)
    question = gb26875.decode(panel.read(), ZONE)
    assert (question.command, question.type, question.things[0].argument) == (1, 91, 10)
    panel.tell(gb_frame(PANEL, question.serial, town.now, command=3))
    panel.send(gb_frame(PANEL, 2, town.now, gb_operation(0b100000, 5, town.now)))
    reply = asked.result(5)
    assert (reply.confirmed, reply.answered, reply.operator, reply.time) == (True, True, 5, town.now)
    clock = town.doors.gb26875.synchronise(PANEL)
    question = gb26875.decode(panel.read(), ZONE)
    assert (question.type, question.things[0].time) == (90, town.now)
    panel.tell(gb_frame(PANEL, question.serial, town.now, command=3))
    assert clock.result(5) is True


def test_nobody_at_the_desk_and_a_unit_that_does_not_confirm(town: Town) -> None:
    door = town.doors.gb26875
    door._answer_s, door._duty_s = 0.2, 0.5
    panel = town.link("gb26875")
    panel.send(gb_frame(PANEL, 1, town.now))
    asked = door.ask_duty(PANEL)
    serials = {gb26875.decode(panel.read(), ZONE).serial for _ in range(3)}
    reply = asked.result(5)
    assert not reply.confirmed and not reply.answered and len(serials) == 1
    panel.close()
    until(lambda: door.connected() == [])


# Opening and closing.


def test_a_password_is_asked_for_and_kept_nowhere(town: Town, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret-9\n", encoding="ascii")
    settings = load_settings({"data": tmp_path, "hj212_password_file": secret}, {})
    doors = open_doors(town.platform, settings, {"hj212": free_socket("127.0.0.1", 0)}).start()
    try:
        link = FrameLink("127.0.0.1", doors.ports["hj212"], "hj212", timeout=0.5, tries=1)
        with pytest.raises(ConnectionError):
            link.send(hj212_frame(MN, town.now, {METHANE: 5.0}, pw="s3cret-8"))
        assert b"s3cret-9" in link.send(hj212_frame(MN, town.now, {METHANE: 6.0}, pw="s3cret-9"))
        link.close()
    finally:
        doors.stop()
    assert town.refused() == [("protocol:hj212", "hj212", "hj212.wrong_password")]
    kept = [record.raw for _, record in town.platform.intake.log.read() if record.batch is not None]
    assert len(kept) == 1 and b"PW=********;" in kept[0]
    for file in tmp_path.rglob("*"):
        if file.is_file() and file != secret:
            assert b"s3cret-" not in file.read_bytes(), file


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_password_file_that_cannot_be_read_is_named(
    town: Town, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    settings = load_settings({"data": tmp_path, "hj212_password_file": path}, {})
    with pytest.raises(BadInput) as refused:
        open_doors(town.platform, settings, {})
    assert refused.value.key == "settings.file_unreadable"


def test_without_a_port_there_is_no_door_and_a_taken_one_is_named(town: Town, tmp_path: Path) -> None:
    none = open_doors(town.platform, load_settings({"data": tmp_path}, {})).start()
    assert none.ports == {}
    none.stop()
    taken = town.doors.ports["hj212"]
    settings = load_settings({"data": tmp_path, "hj212_port": taken}, {})
    with pytest.raises(BadInput) as refused:
        open_doors(town.platform, settings)
    assert refused.value.key == "serve.port_taken"


def test_a_door_closes_at_once_whatever_is_connected(tmp_path: Path) -> None:
    town = Town(tmp_path)
    link = town.link("hj212")
    link.send(hj212_frame(MN, town.now, {METHANE: 5.0}))
    link.tell(b"##0300QN=half a frame")
    idle = town.link("gb26875")
    idle.tell(b"@@")
    until(lambda: town.doors.connections("gb26875") == 1)
    begun = time.monotonic()
    town.stop()
    assert time.monotonic() - begun < 5


def test_doors_are_made_for_the_zone_of_the_city(town: Town) -> None:
    assert isinstance(town.doors, Doors)
    for door in (Hj212Door(town.platform), Gb26875Door(town.platform)):
        assert door.zone.local(town.now).hour == 9
