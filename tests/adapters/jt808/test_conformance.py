"""JT/T 808: every message type that is handled, from a simulated terminal to the door of a running city."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.adapters.jt808 import decode, decode_location, encode_parts, fields_of
from liandong.app.settings import load_settings
from liandong.core.values.errors import NotFound
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.jt808 import jt808_location, jt808_locations, jt808_message, jt808_registration
from liandong.sim.jt808_terminal import Terminal
from liandong.wiring.doors import open_doors
from liandong.wiring.service import free_socket
from tests.adapters.frame_city import BUS, OTHER_PHONE, PHONE, PLATE
from tests.adapters.town import Town
from tests.app.rig import until
from tests.app.running import OPERATOR

pytestmark = pytest.mark.slow
LON, LAT = 113.123456, 23.012345
FATIGUE = 1 << 2


class Roads(Town):
    """The town with terminals at its door."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.door = self.doors.jt808
        self.terminals: list[Terminal] = []

    def terminal(self, phone: str = PHONE, version: int = 0, enter: bool = True) -> Terminal:
        made = Terminal(
            "127.0.0.1", self.doors.ports["jt808"], phone, version=version, timeout=5.0,
            where=lambda: jt808_location(self.now, LON, LAT),
        )  # fmt: skip
        self.terminals.append(made)
        if enter:
            assert made.register(plate=PLATE) == 0 and made.authenticate() == 0
        return made

    def items(self) -> list[tuple[str, float]]:
        """(bus and item, value) of this hour."""
        return [(channel[len(BUS) - 2 :], value) for channel, value in self.taken()]

    def states(self) -> list[str]:
        """Of the sources that speak it."""
        return [one.state.value for one in self.platform.devices.sources() if one.protocol == "jt808"]

    def places(self) -> list[tuple[str, int, float, float, float]]:
        """(object, moment, lon, lat, m/s) of the positions of this hour."""
        found = []
        for _, record in self.platform.intake.log.read():
            if record.positions is not None:
                p, c = record.positions, record.positions.columns
                columns = (c["object"], c["event_time"], c["lon"], c["lat"], c["speed"])
                found += [
                    (p.names[o], int(t), float(x), float(y), float(v))
                    for o, t, x, y, v in zip(*columns, strict=True)
                    if t > self.now - 30 * MINUTE
                ]
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    made = Roads(tmp_path_factory.mktemp("jt808"))
    yield made
    for terminal in made.terminals:
        terminal.close()
    made.stop()


@pytest.fixture
def town(running: Roads) -> Roads:
    running.next_hour()
    return running


@pytest.mark.parametrize("version", [0, 1])
def test_registration_authentication_heartbeat_location_deregistration(town: Roads, version: int) -> None:
    """0x0100 → 0x8100, 0x0102, 0x0002, 0x0200 and 0x0003 → 0x8001."""
    bus = town.terminal(version=version, enter=False)
    assert bus.heartbeat() == 1  # nobody speaks before it is known
    assert bus.register(plate=PLATE) == 0 and len(bus.code) == 24
    assert bus.report(jt808_location(town.now, LON, LAT)) == 1
    assert bus.authenticate() == 0 and town.states() != ["live"]
    assert bus.heartbeat() == 0 and town.states() == ["live"], "heard, before any reading"
    extras = {1: struct.pack(">I", 1000), 0xE5: b"own"}
    body = jt808_location(town.now, LON, LAT, alarm=FATIGUE, speed=36.0, direction=90, extras=extras)
    assert bus.report(body) == 0
    # The answer came once it was durable: it can be read at once.
    assert sorted(town.items()) == [("1.alarm-fatigue", 1.0), ("1.speed", 10.0)]
    assert town.places() == [("asset:bus-1", town.now, LON, LAT, 10.0)]
    assert bus.deregister() == 0 and bus.heartbeat() == 1
    assert town.refused() == [("protocol:jt808", "jt808.not_authenticated")] * 3


def test_strangers_and_impostors_are_refused_by_result_and_kept(town: Roads) -> None:
    stranger = town.terminal("15900000000", enter=False)
    assert stranger.register() == 4
    other = town.terminal(enter=False)
    assert other.register(plate="粤E99999") == 2
    assert other.authenticate(b"GUESSED") == 1
    assert town.refused() == [
        ("protocol:jt808", "device.unknown"),
        ("protocol:jt808", "jt808.other_vehicle"),
        ("protocol:jt808", "jt808.wrong_code"),
    ]
    scope = town.platform.access.scope(town.city.session(OPERATOR))
    rows, _ = town.platform.questions.rejected(scope, limit=3)
    assert all(b"GUESSED" not in town.platform.rejected.raw(scope, row.id)[1] for row in rows)


def test_bulk_upload_of_both_kinds_and_a_repeat(town: Roads) -> None:
    """0x0704: what was kept in a blind area comes late, with its own times."""
    bus = town.terminal()
    times = [town.now - 3 * MINUTE, town.now - 2 * MINUTE]
    bodies = [jt808_location(at, LON, LAT, speed=36.0 * n) for n, at in enumerate(times)]
    assert bus.catch_up(bodies) == 0 and bus.catch_up(bodies) == 0
    assert bus.say(0x0704, jt808_locations([jt808_location(town.now, LON, LAT)])) == 0
    assert [p[1] for p in town.places()] == [*times, town.now]
    assert len(town.items()) == 6  # the repeat is answered, and taken once


def test_alarms_without_fix_clock_or_channel_are_not_lost(town: Roads) -> None:
    bus = town.terminal()
    unset = jt808_location(town.now, 0, 0, alarm=FATIGUE | 1, status=0)[:22] + bytes(6)
    assert bus.report(unset + b"\x01\x04\x00") == 0  # and the tail is cut off
    assert sorted(town.items()) == [("1.alarm-fatigue", 1.0), ("1.speed", 0.0)] and town.places() == []
    assert town.refused() == [("source:drainage", "device.unknown_item")]  # alarm-emergency: no channel


def test_parts_are_joined_asked_for_and_given_up(town: Roads) -> None:
    """Sub-packages, 0x8003, and a repeated last part."""
    town.door.parts_s = 0.1
    for version in (0, 1):
        bus = town.terminal(version=version)
        bodies = [jt808_location(town.now - n * SECOND, LON, LAT) for n in range(1 + version, 30, 2)]
        assert bus.say_in_parts(0x0704, jt808_locations(bodies), 100, leave_out=(2, 4)) == 0
        assert [heard.id for heard in bus.heard] == [0x8003] and bus.resends == 2
    assert len(town.places()) == 30 - 1
    last = bus._kept[min(bus._kept)][-1]
    bus._open().sendall(last)
    assert bus.until(decode(last).serial, 0x8001).body[4] == 0
    bus._open().sendall(jt808_message(0x0200, PHONE, 900, b"x", version=1, part=(1, 2)))
    assert bus.until(900, 0x8001).body[4] == 0
    bus.close()
    until(lambda: town.door.connected() == [])
    assert town.refused() == [("protocol:jt808", "jt808.parts_missing")]
    town.door.parts_s = 5.0


def test_what_a_cut_line_has_lost_is_asked_for(town: Roads) -> None:
    """The terminal repeats only what was not answered: its last part."""
    town.door.parts_s = 0.1
    bus = town.terminal()
    body = jt808_locations([jt808_location(town.now - n * SECOND, LON, LAT) for n in range(4)])
    parts = encode_parts(id=0x0704, phone=PHONE, serial=500, body=body, size=50)
    for raw in parts[:-1]:
        bus._open().sendall(raw)
    assert [bus.until(500 + n, 0x8001).body[4] for n in range(len(parts) - 1)] == [0] * (len(parts) - 1)
    bus.close()
    until(lambda: town.door.connected() == [])
    assert town.places() == []
    bus._kept[500] = parts
    assert bus.authenticate() == 0
    bus._open().sendall(parts[-1])
    assert bus.until(500, 0x8001).body[4] == 0  # the first of those that were asked for
    until(lambda: len(town.places()) == 4)
    assert {heard.id for heard in bus.heard} == {0x8003}
    town.door.parts_s = 5.0


def test_what_the_centre_asks(town: Roads) -> None:
    """0x8201 → 0x0201, 0x8104 → 0x0104, 0x8107 → 0x0107; 0x8103, 0x8202, 0x8203, 0x8300 → 0x0001."""
    door = town.door
    with pytest.raises(NotFound):
        door.locate(OTHER_PHONE)
    for version in (0, 1):
        bus = town.terminal(OTHER_PHONE, version=version)
        asked = door.locate(OTHER_PHONE)
        assert bus.serve().id == 0x8201
        found = decode_location(asked.result(5).body[2:])
        assert found.place == (LON, LAT)
        until(lambda: ("asset:bus-2", town.now, LON, LAT, 0.0) in town.places())
        for question, name, value in [
            (door.set_parameters(OTHER_PHONE, {1: struct.pack(">I", 30)}), "result", 0),
            (door.read_parameters(OTHER_PHONE), "parameters", [{"id": "00000001", "value": "0000001e"}]),
            (door.read_attributes(OTHER_PHONE), "terminal", "T000001"),
            (door.follow(OTHER_PHONE, 5, 600), "result", 0),
            (door.confirm_alarm(OTHER_PHONE, 0, 1), "result", 0),
            (door.tell(OTHER_PHONE, "前方积水，请绕行"), "result", 0),
        ]:
            heard = bus.serve()
            assert fields_of(question.result(5))[name] == value, hex(heard.id)
        assert heard.body.endswith("请绕行".encode("gb18030"))
        bus.close()


def test_a_question_is_repeated_and_given_up(town: Roads) -> None:
    town.door._answer_s, before = 0.05, town.door._answer_s
    bus = town.terminal()
    asked = town.door.locate(PHONE)
    assert [bus.read().id for _ in range(3)] == [0x8201] * 3
    with pytest.raises(TimeoutError):
        asked.result(5)
    town.door._answer_s = before


def test_the_rest_is_said_to_be_unsupported_or_wrong(town: Roads) -> None:
    bus = town.terminal(version=1)
    assert bus.say(0x0108, b"\0\0") == 0
    assert bus.say(0x0702, b"\x01" + bytes(6)) == 3
    assert bus.say(0x0F01, b"?") == 3
    assert bus.report(b"short") == 2
    bad = bytearray(jt808_message(2, PHONE, 77, version=1))
    bad[-2] ^= 1
    bus._open().sendall(bytes(bad) + b"noise\x7e")
    bus._tell(2, b"")
    assert bus.heartbeat() == 0 and [bus._serial - 1, bus._serial] == bus.answered[-2:]
    assert {key for _, key in town.refused()} == {
        "jt808.not_supported", "jt808.body_short", "jt808.bad_check", "frame.rubbish",
    }  # fmt: skip


def test_the_server_time_is_utc(town: Roads) -> None:
    """0x0004 → 0x8004: the one time of the standard that is not GMT+8."""
    bus = town.terminal(version=1)
    bus._tell(0x0004, b"")
    heard = bus.read()
    assert heard.id == 0x8004 and heard.body.hex().startswith("260501")
    assert heard.body == jt808_location(town.now - 8 * 60 * MINUTE, 0, 0)[22:28]


def test_a_repeat_without_an_answer(town: Roads) -> None:
    """The terminal sends the same again, on a new line: it has to authenticate and is taken once."""
    bus = town.terminal()
    body = jt808_location(town.now, LON, LAT)
    assert bus.report(body) == 0
    bus.close()
    assert bus.authenticate() == 0 and bus.report(body) == 0
    assert len(town.places()) == 1


def test_the_port_of_the_settings_and_another_secret(town: Roads, tmp_path: Path) -> None:
    old = town.terminal().code
    with free_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    doors = open_doors(town.platform, load_settings({"data": tmp_path, "jt808_port": port}, {})).start()
    try:
        assert doors.ports == {"jt808": port}
        bus = Terminal("127.0.0.1", port, PHONE, timeout=5.0)
        assert bus.authenticate(old) == 1  # codes of another secret are void
        assert bus.register(plate=PLATE) == 0 and bus.code != old and bus.authenticate() == 0
        bus.close()
    finally:
        doors.stop()
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or bus.code not in file.read_bytes()
    for file in town.city.data.rglob("*"):
        assert file.is_dir() or old not in file.read_bytes()  # nor is a code kept or logged anywhere


def test_registration_in_the_layout_of_the_standard() -> None:
    message = decode(jt808_message(0x0100, PHONE, 1, jt808_registration("T000001", PLATE)))
    found = fields_of(message)
    assert (found["terminal"], found["plate"], found["plate_colour"]) == ("T000001", PLATE, 2)
