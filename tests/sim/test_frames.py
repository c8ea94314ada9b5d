"""Frames of simulated devices: the same bytes for the same facts, and a line that sends again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from liandong.core.values.times import parse_time
from liandong.sim.frames import FrameLink, gb_frame, gb_time, hj212_check, hj212_frame

START = parse_time("2026-05-01T09:00:00+08:00")


def test_the_check_sum_of_the_standards_example() -> None:
    """HJ 212-2017: also in many public repositories."""
    data = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    data += b"CP=&&RtdInterval=30&&"
    assert f"{hj212_check(data):04X}" == "1C80"


def test_the_same_facts_are_the_same_bytes() -> None:
    frame = hj212_frame("M", START, {"a-Rtd": 1.5, "a-Max": 2}, marks={"a": "D"})
    assert frame == hj212_frame("M", START, {"a-Rtd": 1.5, "a-Max": 2}, marks={"a": "D"})
    assert b"QN=20260501090000000;" in frame and b";Flag=5;" in frame
    assert b"DataTime=20260501090000;a-Rtd=1.5,a-Max=2,a-Flag=D&&" in frame
    assert b"PNUM=3;PNO=2;Flag=7;" in hj212_frame("M", START, {}, packet=(2, 3))


def test_a_heartbeat_has_thirty_bytes() -> None:
    packet = gb_frame(889, 1, START)
    assert len(packet) == 30 and packet[6:12] == gb_time(START) == bytes([0, 0, 9, 1, 5, 26])


@contextmanager
def centre(answers: list[bytes | None]) -> Iterator[int]:
    """Accepts lines; gives each frame that comes the next answer, hangs up for None."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while answers:
                    line, _ = listening.accept()
                    with line:
                        while answers and line.recv(65_536):
                            answer = answers.pop(0)
                            if answer is None:
                                break
                            line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
    thread.join(5)


def test_a_frame_is_sent_again_until_it_is_answered() -> None:
    frame, answer = gb_frame(889, 7, START), gb_frame(1, 7, START, destination=889, command=3)
    other = gb_frame(1, 6, START, destination=889, command=3)
    with centre([None, b"", other + answer]) as port:
        link = FrameLink("127.0.0.1", port, "gb26875", timeout=0.3)
        assert link.send(frame) == answer and link.resends == 2
        link.close()


@pytest.mark.parametrize("answer", [None, gb_frame(1, 7, START, destination=889, command=6)])
def test_without_an_answer_or_denied_it_gives_up(answer: bytes | None) -> None:
    with centre([answer] * 3) as port:
        link = FrameLink("127.0.0.1", port, "gb26875", timeout=0.3)
        with pytest.raises(ConnectionError):
            link.send(gb_frame(889, 7, START))
        assert link.resends == 2
        link.close()
