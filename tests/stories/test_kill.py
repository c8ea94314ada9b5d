"""The demonstration killed with -9 at fifty random moments comes to the same result."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = int(os.environ.get("LIANDONG_TEST_KILLS", "50"))
_SIZE = ["--hours", "6", "--sensors", "36"]


def _demo(data: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "liandong", "demo", "--once", "--data", str(data), "--json", str(out)]
    return subprocess.Popen(
        [*command, *_SIZE, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def _finish(process: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    error = process.communicate(timeout=600)[1]
    assert process.returncode == 0, error.decode()[-2000:]
    return dict(json.loads(out.read_text(encoding="utf-8")))


def _wait_until_awake(process: subprocess.Popen[bytes]) -> None:
    """Until it has said where to look, which is when its doors are open; returns also where it has died."""
    assert process.stdout is not None
    for line in process.stdout:
        if b"accounts.json" in line:
            return


def _run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "liandong", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_killed_at_fifty_random_moments_the_result_is_the_same(tmp_path: Path) -> None:
    undisturbed = _finish(_demo(tmp_path / "calm", tmp_path / "calm.json"), tmp_path / "calm.json")
    chance = random.Random(20261122)
    kills = awake = life = 0
    data, out = tmp_path / "killed", tmp_path / "killed.json"
    while kills < KILLS:
        process = _demo(data, out, "--step-ms", "12")
        # Every fifth while it starts, the others while the city lives.
        asleep = kills % 5 == 4
        try:
            if not asleep:
                _wait_until_awake(process)
            process.wait(chance.uniform(0.3, 2.0) if asleep else chance.uniform(0.0, 2.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            awake += not asleep
            continue
        result = _finish(process, out)
        assert result["result"] == undisturbed["result"], f"after {kills} kills"
        life += 1
        data, out = tmp_path / f"killed{life}", tmp_path / f"killed{life}.json"
    final = _finish(_demo(data, out), out)
    assert final["result"] == undisturbed["result"]
    assert final["run"]["verify_findings"] == 0
    assert final["run"]["equation"] == []
    assert final["result"]["cases"] > 3 and final["result"]["closed"] == final["result"]["cases"]
    assert awake >= KILLS * 4 // 5 and (final["run"]["restarts"] > 0 or life)
    for command in ("verify", "rebuild"):
        done = _run(data, command)
        assert done.returncode == 0, done.stdout + done.stderr
    print(
        f"kills {kills}, of them {awake} while the city lived; runs finished on the way {life}; "
        f"restarts of the last {final['run']['restarts']}"
    )


#: Sends a frame over the device's connection and dies before it has read the answer.
_DIES_AT_A_FRAME = """
import os, signal, sys, time
from liandong.sim import frames
number, seconds, sent, send = int(sys.argv[1]), float(sys.argv[2]), 0, frames.FrameLink.send
def die(link, frame):
    global sent
    sent += 1
    if sent == number:
        link._open().sendall(frame)
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)
    return send(link, frame)
frames.FrameLink.send = die
sys.argv = ["liandong", *sys.argv[3:]]
from liandong.cli import main
main()
"""


@pytest.mark.slow
def test_killed_between_a_frame_and_its_acknowledgement_the_result_is_the_same(tmp_path: Path) -> None:
    """At once, when the city may not have read it; and later, when it may have stored and answered it."""
    undisturbed = _finish(_demo(tmp_path / "calm", tmp_path / "calm.json"), tmp_path / "calm.json")
    data, out = tmp_path / "killed", tmp_path / "killed.json"
    options = ["demo", "--once", "--data", str(data), "--json", str(out), *_SIZE]
    for number, seconds in ((1, 0.0), (3, 0.0), (3, 0.2), (9, 0.0), (9, 0.2)):
        command = [sys.executable, "-c", _DIES_AT_A_FRAME, str(number), str(seconds), *options]
        done = subprocess.run(command, capture_output=True, timeout=300)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    final = _finish(_demo(data, out), out)
    assert final["result"] == undisturbed["result"]
    assert final["run"]["verify_findings"] == 0 and final["run"]["equation"] == []
    assert final["run"]["restarts"] == 5


@pytest.mark.slow
def test_another_seed_is_another_story(tmp_path: Path) -> None:
    """The control: equality above means something only if results can differ."""
    first = _finish(_demo(tmp_path / "a", tmp_path / "a.json", "--hours", "4"), tmp_path / "a.json")
    second = _finish(
        _demo(tmp_path / "b", tmp_path / "b.json", "--hours", "4", "--seed", "2"), tmp_path / "b.json"
    )
    assert first["result"] != second["result"]
