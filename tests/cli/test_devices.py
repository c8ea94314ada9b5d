"""`liandong decode`: one JSON object a line, whatever the line is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.adapters.gb26875.test_codec import REPLIED, SMOKE
from tests.adapters.hj212.test_codec import DATA, OLD, REQUEST

pytestmark = pytest.mark.slow


def decode(given: bytes, *arguments: str) -> tuple[list[dict[str, Any]], int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "liandong", "decode", *arguments], input=given, capture_output=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr.decode()


def test_hj212_as_text_and_as_hex() -> None:
    lines, code, _ = decode(REQUEST + DATA + OLD + REQUEST.hex().encode() + b"\n\n", "hj212")
    assert code == 0 and [line["ok"] for line in lines] == [True] * 4
    assert lines[0] == lines[3]
    assert lines[1]["items"]["a21001"] == {"Rtd": 25.4, "Flag": "N"}
    assert lines[1]["data_time"] == "2019-10-12T05:37:10Z"
    assert (lines[2]["version"], lines[2]["qn"], lines[2]["flag"]) == ("2005", None, None)
    assert "pw" not in lines[0]


def test_a_bad_line_is_said_and_the_next_is_read() -> None:
    given = b"\n".join([b"hello", DATA.strip().replace(b"25.4", b"26.4"), b"\xff\x00", REQUEST.strip()])
    lines, code, _ = decode(given, "hj212", "--language", "en")
    assert code == 1 and [line["ok"] for line in lines] == [False, False, False, True]
    assert [line.get("error") for line in lines[:2]] == ["decode.not_hex", "hj212.bad_crc"]
    assert "CC01 in the frame" in lines[1]["message"]


def test_gb26875_with_blanks_between_the_bytes() -> None:
    lines, code, _ = decode(f"{SMOKE}\n{REPLIED}\n".encode(), "gb26875")
    assert code == 0
    thing = lines[0]["objects"][0]
    assert (thing["state"], thing["state_names"], thing["zone"], thing["unit"]) == (2, ["fire"], 10, 2)
    assert (lines[0]["source"], lines[0]["serial"], lines[0]["type"]) == (889, 1, 2)
    assert lines[1]["objects"][0]["state_names"] == ["duty_reply"]


def test_what_comes_later_says_so() -> None:
    lines, code, _ = decode(b"7e02\n", "jt808")
    assert code == 1 and lines[0]["error"] == "decode.later" and "JT/T 808" in lines[0]["message"]


@pytest.mark.parametrize("arguments", [("modbus",), ("hj212", "--zone", "Mars/Olympus")])
def test_a_wrong_call_is_unreadable_input(arguments: tuple[str, ...]) -> None:
    lines, code, said = decode(b"", *arguments)
    assert code == 2 and not lines and arguments[-1] in said


def test_each_line_is_answered_before_the_next_comes() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "liandong", "decode", "hj212"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for _ in range(2):
            process.stdin.write(REQUEST)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["ok"]
        process.stdin.close()
        assert process.wait(30) == 0
