"""A small run of the fuzzing, and that it would notice."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import fuzz_decoders
from tests.fuzz_decoders import Run, main
from tests.fuzz_targets import TARGETS, Target

#: Their samples need a whole city or a large library.
HEAVY = sorted(set(TARGETS) - {"hj212", "gb26875", "jt808", "modbus"})


@pytest.mark.parametrize("name", ["hj212", "gb26875", "jt808", "modbus"])
def test_frames_are_read_or_refused(name: str) -> None:
    found = Run(name, 1_500, seed=7).run()
    assert found["ok"], found["failures"]
    assert found["read"] > 50 and len(found["refused"]) > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_messages_are_read_or_refused(name: str) -> None:
    found = Run(name, 3_000, seed=7).run()
    assert found["ok"], found["failures"]
    assert found["read"] > 50 and found["refused"]


def test_what_escapes_hangs_or_stays_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept: list[bytes] = []

    def escaping(raw: bytes) -> None:
        if len(raw) % 7 == 0:
            raise IndexError("planted")

    def hanging(raw: bytes) -> None:
        end = time.monotonic() + 0.3
        while len(raw) > 100 and time.monotonic() < end:
            pass

    def keeping(raw: bytes) -> None:
        kept.append(bytes(200_000))

    monkeypatch.setattr(fuzz_decoders, "LIMIT_S", 0.02)
    for read, wrong in ((escaping, "planted"), (hanging, "Hang"), (keeping, "growth")):
        made: dict[str, Any] = {"x": lambda read=read: Target([bytes(150)], read)}
        monkeypatch.setattr(fuzz_decoders, "TARGETS", made)
        assert main(["x", "--frames", "600"]) == 1
        assert wrong in capsys.readouterr().out
        kept.clear()
