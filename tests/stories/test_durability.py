"""The sync comes before the answer: read off the system calls of a real server."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from liandong.adapters.tables import write_city
from liandong.core.values.times import format_time
from tests.small_town import demo_city

_CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\(\d+<(?P<path>[^>]*)>(?P<rest>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>.*= 0")


def _events(trace: str) -> list[str]:
    """`sync readings`, `sync wal` when a sync has returned; `answer …` when one is sent."""
    found: list[str] = []
    waiting: dict[str, str] = {}
    for line in trace.splitlines():
        if resumed := _RESUMED.match(line):
            if path := waiting.pop(resumed["pid"], ""):
                found.append(f"sync {path}")
            continue
        call = _CALL.match(line)
        if call is None:
            continue
        if call["call"] in ("fdatasync", "fsync"):
            name = (
                "readings"
                if "/readings/" in call["path"]
                else "wal"
                if call["path"].endswith("-wal")
                else "other"
            )
            if "unfinished" in call["rest"]:
                waiting[call["pid"]] = name
            elif call["rest"].endswith("= 0"):
                found.append(f"sync {name}")
        elif answer := re.search(r"HTTP/1\.1 (\d+)", call["rest"]):
            found.append(f"answer {answer[1]}")
    return found


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if httpx.get(url + "/health/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.slow
def test_every_answer_comes_after_its_sync(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: the order of system calls was not traced")
    now = int(time.time() * 1_000_000)
    start = now - now % 3_600_000_000
    folder = demo_city(1, start - 86_400_000_000, days=3, sensors=40)
    write_city(tmp_path / "city", folder)
    data, trace = tmp_path / "data", tmp_path / "trace"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [sys.executable, "-m", "liandong", "serve", "--data", str(data), "--port", str(port)]
    calls = "trace=fdatasync,fsync,sendto,sendmsg,write,writev"
    process = subprocess.Popen(
        [
            "strace",
            "-f",
            "-y",
            "-s",
            "40",
            "-e",
            calls,
            "-o",
            str(trace),
            *serve,
            "--city",
            str(tmp_path / "city"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}/api/v1"
    try:
        _wait(url, process)
        source = next(s.key for s in folder.city.sources if s.key != "source:self")
        channel = next(c for c in folder.city.channels if c.source == source and c.quantity == "ch4_lel")
        token = _token(data, "--source", source)
        headers = {"Authorization": f"Bearer {token}"}
        httpx.get(url + "/me", headers=headers, timeout=10)
        time.sleep(1.5)
        mark = len(trace.read_text(errors="replace").splitlines())
        body = {"readings": [{"channel": channel.key, "time": format_time(now), "value": 3.0}]}
        answer = httpx.post(url + "/readings", content=json.dumps(body), headers=headers, timeout=30)
        assert answer.status_code == 201, answer.text
        time.sleep(0.3)
        events = _events("\n".join(trace.read_text(errors="replace").splitlines()[mark:]))
        assert "answer 201" in events
        assert "sync readings" in events[: events.index("answer 201")], events
        # An operator's act on the platform, which is stored in the database.
        system = _token(data, "--person", _holder(folder, "post:operator"), "--post", "post:operator")
        mark = len(trace.read_text(errors="replace").splitlines())
        answer = httpx.post(
            url + "/subjects/case:nothing/erase",
            json={"reason": "test"},
            headers={"Authorization": f"Bearer {system}", "Idempotency-Key": "one"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        time.sleep(0.3)
        events = _events("\n".join(trace.read_text(errors="replace").splitlines()[mark:]))
        assert "sync wal" in events[: events.index("answer 200")], events
    finally:
        subprocess.run(["pkill", "-TERM", "-g", str(process.pid)], check=False)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _holder(folder: object, post: str) -> str:
    return next(h.person for h in folder.city.holdings if h.post == post)


def _token(data: Path, *arguments: str) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "liandong", "token", "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_the_reader_of_traces_sees_a_missing_sync() -> None:
    """The control: an answer before its sync, and a sync that has not returned, are told apart."""
    began = "7  fdatasync(9</d/readings/1.log> <unfinished ...>\n"
    other = '8  write(1<pipe>, "x", 1) = 1\n'
    ended = "7  <... fdatasync resumed>) = 0\n"
    answer = '8  sendto(5<socket:[1]>, "HTTP/1.1 201 Created", 20, 0, NULL, 0) = 20\n'
    assert _events(began + other + ended + answer) == ["sync readings", "answer 201"]
    assert _events(began + answer + ended) == ["answer 201", "sync readings"]
    failed = "7  fdatasync(9</d/readings/1.log>) = -1 EIO (Input/output error)\n"
    assert _events(failed) == []
