"""GB/T 26875.3: every type of data unit, up and down, between a simulated unit and the door of a city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from liandong.adapters import gb26875
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.gb26875.codec import unit
from liandong.adapters.gb26875.tables import ANSWERS, TYPES
from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time
from liandong.sim.frames import (
    FrameLink,
    gb_analogue,
    gb_component_state,
    gb_frame,
    gb_operation,
    gb_system_state,
    gb_time,
    gb_unit_state,
)
from tests.adapters.frame_city import FAULT, FIRE, LINE_POWER, PANEL
from tests.adapters.town import Town

pytestmark = pytest.mark.slow
ZONE = LocalTime("Asia/Shanghai")
START = parse_time("2026-05-01T09:00:00+08:00")
TEXT = "东区".encode("gb18030")


def said(type_: int, at: int) -> bytes:
    """A data unit of this type as a unit builds it."""
    return {
        1: gb_system_state([(1, 1, 2, at)]),
        2: gb_component_state([(1, 1, 40, 10, 2, 2, "感烟", at)]),
        3: gb_analogue([(1, 1, 40, 10, 2, 3, 215, at)]),
        4: bytes([4, 1, 1, 1, 1, 7]) + gb_time(at),
        5: bytes([5, 1, 1, 1, 2, 3]),
        6: bytes([6, 1, 1, 1, len(TEXT)]) + TEXT,
        7: bytes([7, 1, 1, 1, 40, 10, 0, 2, 0]) + TEXT.ljust(31, b"\0"),
        8: bytes([8, 1, 1, 1]) + gb_time(at),
        21: gb_unit_state(8, at),
        24: gb_operation(1, 7, at),
        25: bytes([25, 1, 2, 3]),
        26: bytes([26, 1, len(TEXT)]) + TEXT,
        28: bytes([28, 1]) + gb_time(at),
    }[type_]


#: Type → what the city of these tests takes of it, and items that it names but does not declare.
TAKEN: dict[int, tuple[list[tuple[str, float]], int]] = {
    1: ([], 1), 2: ([(FIRE, 1.0), (FAULT, 0.0)], 0), 3: ([], 1), 4: ([], 1), 5: ([], 0), 6: ([], 0),
    7: ([], 0), 8: ([], 0), 21: ([(LINE_POWER, 1.0)], 0), 24: ([], 1), 25: ([], 0), 26: ([], 0), 28: ([], 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("gb26875"))
    yield made
    made.stop()


@pytest.fixture
def panel(running: Town) -> Iterator[FrameLink]:
    running.next_hour()
    link = FrameLink("127.0.0.1", running.doors.ports["gb26875"], "gb26875", timeout=5.0, tries=1)
    yield link
    link.close()


def test_every_type_of_the_table_has_a_test() -> None:
    up = {type_ for type_ in TYPES if type_ < 61}
    assert up == set(TAKEN) == set(ANSWERS.values())
    assert {type_ for type_ in TYPES if type_ > 60} == set(ANSWERS) | {89, 90, 91}


@pytest.mark.parametrize("type_", sorted(TAKEN))
def test_uplink(running: Town, panel: FrameLink, type_: int) -> None:
    """Confirmed once it is durable; the repeat is confirmed and taken once."""
    frame = gb_frame(PANEL, type_, running.now, said(type_, running.now))
    first = gb26875.decode(panel.send(frame), ZONE)
    assert (first.command, first.serial, first.source, first.destination) == (3, type_, 1, PANEL)
    assert panel.send(frame)[26] == 3
    rows, unknown = TAKEN[type_]
    assert running.taken() == rows
    assert len(running.refused()) == (2 * unknown if unknown else 0)


@pytest.mark.parametrize("type_", sorted(ANSWERS))
def test_questions_and_their_answers(running: Town, panel: FrameLink, type_: int) -> None:
    """Asked, repeated without an answer, and what is answered is taken as what comes by itself."""
    door = running.doors.gb26875
    door._answer_s = 0.3
    panel.send(gb_frame(PANEL, 1, running.now))
    time = gb_time(running.now)
    thing = {
        61: (1, 1), 62: (1, 1, 10, 2), 63: (1, 1, 10, 2), 64: (1, 1, 5, time), 65: (1, 1), 66: (1, 1),
        67: (1, 1, 10, 2), 68: (1, 1), 84: (5, time),
    }.get(type_)  # fmt: skip
    asked = door.ask(PANEL, type_, *([thing] if thing else []))
    heard = panel.read()
    again = panel.read() if type_ == 61 else heard
    question = gb26875.decode(heard, ZONE)
    assert again == heard and (question.command, question.type) == (4, type_)
    # Every other unit answers with a serial of its own.
    serial = question.serial if type_ % 2 else 9_000
    panel.tell(gb_frame(PANEL, serial, running.now, said(type_ - 60, running.now), command=5))
    answer = asked.result(5)
    assert (answer.command, answer.type) == (5, type_ - 60)
    panel.send(gb_frame(PANEL, 2, running.now))
    assert running.taken() == TAKEN[type_ - 60][0]
    door._answer_s = 10.0


def test_commands_are_confirmed_denied_or_given_up(running: Town, panel: FrameLink) -> None:
    """89, 90 and 91; a denial is no confirmation, and the same is sent again."""
    door = running.doors.gb26875
    panel.send(gb_frame(PANEL, 1, running.now))
    for command, type_ in ((door.initialise, 89), (door.synchronise, 90)):
        waiting = command(PANEL)
        question = gb26875.decode(panel.read(), ZONE)
        assert (question.command, question.type) == (1, type_)
        panel.tell(gb_frame(PANEL, question.serial, running.now, command=6))
        assert gb26875.decode(panel.read(), ZONE).serial == question.serial
        panel.tell(gb_frame(PANEL, question.serial, running.now, command=3))
        assert waiting.result(5) is True
    asked = door.ask(PANEL, 81)
    serial = gb26875.decode(panel.read(), ZONE).serial
    panel.tell(gb_frame(PANEL, serial, running.now, command=6))
    with pytest.raises(BadInput, match="denied"):
        asked.result(5)
    door._answer_s = 0.05
    silent = door.ask(PANEL, 81)
    with pytest.raises(TimeoutError):
        silent.result(5)
    door._answer_s = 10.0
    with pytest.raises(ValueError, match="asks for nothing"):
        door.ask(PANEL, 21)


def test_what_does_not_fit_a_layout_is_no_unit() -> None:
    for type_, things in ((6, [(1,)]), (91, []), (81, [(0,), (0,)]), (91, [(300,)])):
        with pytest.raises(ValueError, match=r"."):
            unit(type_, *things)
