"""Live events over a server that is killed with -9 while people act: nothing is lost, nothing comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from liandong.core.values.errors import BadInput
from liandong.core.values.times import DAY, SECOND, format_time
from liandong.sim.city import demo_city
from liandong.wiring.accounts import make_token
from liandong.wiring.service import free_socket
from tests.web.test_events import Ear

CENTRE = "post:centre.duty"
KILLS = 3
_SERVE = """
import sys, threading
from pathlib import Path
from liandong.app.settings import load_settings
from liandong.sim.city import demo_city
from liandong.wiring import open_city
from liandong.wiring.service import Server, free_socket, make_app
data, port, start = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
city = open_city(load_settings({"data": data}, {}), demo_city(7, start, 3, 36))
city.start(0.2)
Server(make_app(city, "zh"), free_socket("127.0.0.1", port)).start()
threading.Event().wait()
"""


class Process:
    """The server as a process of its own."""

    def __init__(self, data: Path, start: int) -> None:
        # Below the ports that clients are given: one that connects again and again to a port of its own
        # range at last connects to itself, and holds it against the server.
        self.port = next(port for port in range(21_000 + os.getpid() % 5_000, 32_000) if _is_free(port))
        self.data, self.start_at, self.url = data, start, f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self.data), str(self.port), str(self.start_at)],
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/api/v1/health/ready", trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError("the server does not start")

    def kill(self) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)


def _is_free(port: int) -> bool:
    try:
        free_socket("127.0.0.1", port).close()
    except BadInput:
        return False
    return True


class Follower(threading.Thread):
    """A browser: listens, reconnects with the last id, and keeps every position it was told."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(daemon=True)
        self.url, self.token, self.last = url, token, ""
        self.told: list[tuple[int, str]] = []
        self.resyncs = 0
        self.ready, self.stopped = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        while not self.stopped.is_set():
            ear = Ear(self.url, self.token, headers={"Last-Event-ID": self.last} if self.last else None)
            seen = 0
            while not (ear.over.is_set() and seen == len(ear.events)) and not self.stopped.is_set():
                for _, event, id, data in ear.events[seen:]:
                    seen += 1
                    self.last = id or self.last
                    if event == "ready":
                        self.ready.set()
                    if event == "changed":
                        self.told.append((data["position"], data["id"]))
                    self.resyncs += event == "resync"
                time.sleep(0.005)
            time.sleep(0.05)


def _readings(url: str, token: str, channel: str, now: int) -> None:
    rows = [
        {"channel": channel, "time": format_time(now - (30 - n) * 20 * SECOND), "value": 60.0}
        for n in range(30)
    ]
    answer = httpx.post(
        f"{url}/api/v1/readings", json={"readings": rows}, headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


@pytest.mark.slow
def test_nothing_lost_and_nothing_twice_over_kills(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000
    start = now - now % DAY - DAY
    city = demo_city(7, start, 3, 36).city
    channel = next(c for c in city.channels if c.quantity == "ch4_lel")
    server = Process(tmp_path, start)
    server.start()
    duty = next(d for d in city.duties if d.post == CENTRE and d.start <= now < d.end)
    token = make_token(tmp_path, duty.person, CENTRE, "", 1)
    _readings(server.url, make_token(tmp_path, "", "", channel.source, 1), channel.key, now)
    client = httpx.Client(
        base_url=f"{server.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    case = _case(client)
    follower = Follower(server.url, token)
    assert follower.ready.wait(10)
    noted = 0
    for kill in range(KILLS + 1):
        for number in range(15):
            noted += _note(client, case, f"k{kill}-{number}")
        if kill < KILLS:
            server.kill()
            server.start()
    assert noted == 15 * (KILLS + 1)
    wanted = _positions(tmp_path, case, follower)
    follower.stopped.set()
    told = [position for position, id in follower.told if id == case]
    assert told == sorted(set(told)), "something came twice, or in another order"
    assert follower.resyncs == 0
    # Entries of one read are one event: the newest position of each act has to be told.
    assert set(told) <= wanted and max(wanted) == told[-1]
    missing = [p for p in wanted if not any(p <= t for t in told)]
    assert not missing
    print(f"{KILLS} kills, {noted} acts, {len(wanted)} entries, {len(told)} events told, none lost or twice")
    server.kill()


def _case(client: httpx.Client) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        items: list[dict[str, Any]] = client.get("/cases").json()["items"]
        if items:
            return str(items[0]["id"])
        time.sleep(0.1)
    raise AssertionError("no case was opened")


def _note(client: httpx.Client, case: str, key: str) -> int:
    """A note on the newest version; a limit that ran out meanwhile makes it stale, and it is made again."""
    for again in range(5):
        version = client.get(f"/cases/{case}").json()["version"]
        answer = client.post(
            f"/cases/{case}/acts/note", json={"text": "x"},
            headers={"Idempotency-Key": f"{key}-{again}", "If-Match": f'"{version}"'},
        )  # fmt: skip
        if answer.status_code == 200:
            return 1
        assert answer.json()["key"] == "act.stale", answer.text
    return 0


def _positions(data: Path, case: str, follower: Follower) -> set[int]:
    """Positions of the case's entries since the follower began, once the newest of them was told."""
    from liandong.stores.sqlite import open_sqlite

    store = open_sqlite(data)
    try:
        first = min(position for position, _ in follower.told)
        entries = store.entries_of(f"case:{case}")
        wanted = {row.position for row in entries if row.position >= first}
    finally:
        store.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (not follower.told or follower.told[-1][0] < max(wanted)):
        time.sleep(0.05)
    return wanted
