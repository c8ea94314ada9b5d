"""`liandong decode`: one JSON object a line, whatever the line is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.adapters.gb26875.test_codec import REPLIED, SMOKE
from tests.adapters.hj212.test_codec import DATA, OLD, REQUEST
from tests.adapters.jt808.test_codec import ESCAPED

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


def test_jt808_and_modbus_say_given_and_computed_check() -> None:
    lines, code, _ = decode(f"{ESCAPED}\n{ESCAPED[:-4]}127E\n".encode(), "jt808")
    assert code == 1 and lines[1]["params"] == {"given": "12", "computed": "13"}
    assert (lines[0]["id"], lines[0]["serial"], lines[0]["lat"]) == ("0x0200", 126, 12.222222)
    # The classic examples of the Modbus serial line guide.
    given = b"010304436633335B4D\n01040209C4BEF3\n018302C0F1\n01030000000AC5CE\n11 03 00 6B 00 03 76 87\n"
    lines, code, _ = decode(given, "modbus")
    assert code == 1 and [line["ok"] for line in lines] == [True, True, True, False, True]
    assert lines[0]["float32"] == [230.2] and lines[1]["registers"] == [2500]
    assert lines[2]["exception_name"] == "illegal_data_address"
    assert lines[3]["params"] == {"given": "C5CE", "computed": "C5CD"}
    assert (lines[4]["unit"], lines[4]["address"], lines[4]["count"]) == (17, 107, 3)


@pytest.mark.parametrize("arguments", [("profibus",), ("hj212", "--zone", "Mars/Olympus")])
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
