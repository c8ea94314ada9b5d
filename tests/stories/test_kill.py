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
_SIZE = ["--hours", "12", "--sensors", "60"]


def _demo(data: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "liandong", "demo", "--once", "--data", str(data), "--json", str(out)]
    return subprocess.Popen(
        [*command, *_SIZE, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def _finish(process: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    error = process.communicate(timeout=600)[1]
    assert process.returncode == 0, error.decode()[-2000:]
    return dict(json.loads(out.read_text(encoding="utf-8")))


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
    kills = finished_early = 0
    life = 0
    data, out = tmp_path / "killed", tmp_path / "killed.json"
    while kills < KILLS:
        process = _demo(data, out, "--step-ms", "12")
        # From inside the start-up to well into the day.
        try:
            process.wait(chance.uniform(0.6, 4.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        result = _finish(process, out)
        assert result["result"] == undisturbed["result"], f"after {kills} kills"
        finished_early += 1
        life += 1
        data, out = tmp_path / f"killed{life}", tmp_path / f"killed{life}.json"
    final = _finish(_demo(data, out), out)
    assert final["result"] == undisturbed["result"]
    assert final["run"]["verify_findings"] == 0
    assert final["run"]["equation"] == []
    assert final["result"]["cases"] > 3 and final["result"]["closed"] == final["result"]["cases"]
    assert final["run"]["restarts"] > 0 or finished_early
    for command in ("verify", "rebuild"):
        done = _run(data, command)
        assert done.returncode == 0, done.stdout + done.stderr
    print(
        f"kills {kills}, runs finished on the way {finished_early}, "
        f"restarts of the last {final['run']['restarts']}"
    )


@pytest.mark.slow
def test_another_seed_is_another_story(tmp_path: Path) -> None:
    """The control: equality above means something only if results can differ."""
    first = _finish(_demo(tmp_path / "a", tmp_path / "a.json", "--hours", "4"), tmp_path / "a.json")
    second = _finish(
        _demo(tmp_path / "b", tmp_path / "b.json", "--hours", "4", "--seed", "2"), tmp_path / "b.json"
    )
    assert first["result"] != second["result"]
