"""Frames into a served city that is killed again and again: nothing is lost and nothing counted twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from liandong.app.clock import system_clock
from liandong.app.settings import load_settings
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.frames import FrameLink, gb_component_state, gb_frame, hj212_frame
from liandong.wiring import open_city
from tests.adapters.frame_city import FIRE, GAS_1, GAS_2, METHANE, MN, PANEL, frame_city, readings
from tests.app.machine import cases
from tests.ports import free_port

KILLS = 6


class Served:
    """`liandong serve` with both doors, on ports that stay the same over its lives."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ports = {name: free_port() for name in ("http", "hj212", "gb26875")}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "LIANDONG_HJ212_PORT": str(self.ports["hj212"]),
            "LIANDONG_GB26875_PORT": str(self.ports["gb26875"]),
            "LIANDONG_LOG_FILE": str(self.data / "log.jsonl"),
        }
        command = [sys.executable, "-m", "liandong", "serve", "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.ports["http"])],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def wait(self) -> None:
        address = f"http://127.0.0.1:{self.ports['http']}/api/v1/health/ready"
        for _ in range(600):
            try:
                if httpx.get(address, timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                assert self.process is not None and self.process.poll() is None, "serve has ended"
            time.sleep(0.1)
        raise AssertionError("serve does not answer")

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)


def _send(served: Served, link: FrameLink, frame: bytes) -> None:
    """As a device does it: again until it is answered, over a new line if the old one is dead."""
    for _ in range(60):
        try:
            link.send(frame)
            return
        except (ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError("never answered")


@pytest.mark.slow
def test_killed_between_and_within_frames_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    open_city(load_settings({"data": data}, {}), frame_city()).stop()
    served = Served(data)
    served.start()
    served.wait()
    chance = random.Random(26875)
    links = {n: FrameLink("127.0.0.1", served.ports[n], n, timeout=2.0) for n in ("hj212", "gb26875")}
    start = (system_clock().read().now // SECOND) * SECOND - 60 * MINUTE
    sent: Counter[tuple[str, int, float]] = Counter()
    try:
        for number in range(60):
            at = start + number * 30 * SECOND
            if number % 9 == 4 and number < 9 * KILLS:
                # A line that dies with its frame on it: the device cannot know whether it was taken.
                with_it = FrameLink("127.0.0.1", served.ports["hj212"], "hj212", timeout=2.0)
                with_it.tell(hj212_frame(MN, at, {METHANE: 60.0}))
                time.sleep(chance.uniform(0, 0.02))
                served.end(signal.SIGKILL)
                with_it.close()
                served.start()
            _send(served, links["hj212"], hj212_frame(MN, at, {METHANE: 60.0}))
            _send(served, links["hj212"], hj212_frame("MN2", at, {METHANE: 1.0}))
            state = 2 if number >= 30 else 1
            body = gb_component_state([(1, 1, 40, 10, 2, state, "", at)])
            _send(served, links["gb26875"], gb_frame(PANEL, number, at, body))
            sent.update([(GAS_1, at, 60.0), (GAS_2, at, 1.0), (FIRE, at, float(state == 2))])
        served.wait()
        served.end(signal.SIGTERM)
    finally:
        for link in links.values():
            link.close()
        if served.process is not None:
            served.process.kill()
    city = open_city(load_settings({"data": data}, {}), None)
    try:
        kept = readings(city.platform)
        found = cases(city.store)
    finally:
        city.stop()
    counted = Counter(
        (channel, at, value) for channel, at, value, _ in kept if channel in (GAS_1, GAS_2, FIRE)
    )
    assert set(counted) == set(sent), "lost or invented"
    assert counted == sent, "taken twice"
    assert [c.hazard for c in found] == ["gas_leak"]
    for command in ("verify", "rebuild"):
        done = subprocess.run(
            [sys.executable, "-m", "liandong", command, "--data", str(data)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
