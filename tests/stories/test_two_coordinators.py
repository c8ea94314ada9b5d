"""Two `liandong serve` on one PostgreSQL database: one is killed, one sleeps, and every case goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from liandong.app.partitions import partition_of
from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.times import SECOND, format_time
from liandong.stores.postgres import open_postgres
from liandong.wiring import open_city
from tests.ports import free_port
from tests.small_town import demo_city
from tests.stores.postgres_server import PostgresServer
from tests.stores.sql.conftest import postgres as postgres  # the server of this process

LEASE_S = 2
CENTRE, SOURCE = "post:centre.duty", "source:gas"
CHANNELS = tuple(f"channel:gas-00{n}.ch4_lel" for n in range(1, 7))


class Process:
    """`liandong serve` with a name and a folder of its own."""

    def __init__(self, home: Path, name: str, shared: dict[str, str]) -> None:
        self.name = name
        self.environment = os.environ | shared | {"LIANDONG_COORDINATOR": name}
        self.environment["LIANDONG_LOG_FILE"] = str(home / f"{name}.log")
        self.errors = home / f"{name}.errors"
        self.data, self.log = home / name, home / f"{name}.log"
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A port of its own every time: while nobody listened somebody else may have taken the last one.
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api/v1"
        command = [sys.executable, "-m", "liandong", "serve", "--data", str(self.data), "--port", str(port)]
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.DEVNULL, stderr=errors
            )
        for _ in range(600):
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        said = "\n".join(file.read_text()[-2000:] for file in (self.errors, self.log) if file.exists())
        raise AssertionError(f"{self.name} does not answer, exit {self.process.poll()}: {said}")

    def send(self, which: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(which)

    def end(self, which: signal.Signals) -> None:
        self.send(which)
        assert self.process is not None
        self.process.wait(60)


class Town:
    """The database, both processes, and tokens that hold everywhere."""

    def __init__(self, home: Path, postgres: PostgresServer) -> None:
        self.postgres, self.database = postgres, postgres.new_database()
        self.shared = {
            "LIANDONG_STORE": postgres.url(self.database),
            "LIANDONG_STORE_PASSWORD_FILE": str(postgres.password_file),
            "LIANDONG_KEYS": str(home / "keys"),
            "LIANDONG_LEASE_S": str(LEASE_S),
            "LIANDONG_TICK_S": "0.2",
        }
        self.one, self.two = (Process(home, name, self.shared) for name in ("one", "two"))
        self.now = time.time_ns() // 1_000
        city = demo_city(7, self.now - 3_600 * SECOND, 3, 36)
        settings = load_settings({"data": home / "one", "coordinator": "one"}, self.shared)
        made = open_city(settings, city)
        made.start()
        holders = {held.post: held.person for held in city.city.holdings}
        self.source = made.platform.access.issue_token(Session(source=SOURCE))
        self.duty = made.platform.access.issue_token(Session(person=holders[CENTRE], post=CENTRE))
        made.stop()

    def readings(self, process: Process) -> httpx.Response:
        rows = [
            {"channel": channel, "time": format_time(self.now - (30 - n) * 20 * SECOND), "value": 60.0}
            for n in range(30)
            for channel in CHANNELS
        ]
        return httpx.post(
            f"{process.url}/readings", json={"readings": rows}, timeout=30, trust_env=False,
            headers={"Authorization": f"Bearer {self.source}"},
        )  # fmt: skip

    def cases(self, process: Process) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{process.url}/cases",
            headers={"Authorization": f"Bearer {self.duty}"},
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def note(self, process: Process, case: str, key: str) -> None:
        """A note on a case. Where nobody answers it is sent again as it was; where it is stale, anew."""
        for again in range(20):
            headers = {"Authorization": f"Bearer {self.duty}"}
            here = httpx.get(f"{process.url}/cases/{case}", headers=headers, timeout=30, trust_env=False)
            headers |= {"Idempotency-Key": f"{key}-{again}", "If-Match": f'"{here.json()["version"]}"'}
            answer = self._post(process, case, key, headers)
            if answer.status_code == 200:
                return
            assert answer.json()["key"] == "act.stale", answer.text
        raise AssertionError(f"{case} was always newer")

    def _post(self, process: Process, case: str, words: str, headers: dict[str, str]) -> httpx.Response:
        for _ in range(60):
            answer = httpx.post(
                f"{process.url}/cases/{case}/acts/note", json={"text": words}, headers=headers, timeout=60,
                trust_env=False,
            )  # fmt: skip
            if answer.status_code != 503:
                return answer
            time.sleep(0.5)
        raise AssertionError(f"{case} was never answered")


@pytest.fixture
def town(tmp_path: Path, postgres: PostgresServer) -> Iterator[Town]:
    made = Town(tmp_path, postgres)
    yield made
    for process in (made.one, made.two):
        if process.process is not None and process.process.poll() is None:
            process.send(signal.SIGCONT)
            process.end(signal.SIGKILL)
    postgres.drop(made.database)


def _owners(town: Town) -> dict[int, str]:
    return dict(town.postgres.run("SELECT partition, owner FROM lease", town.database))


@pytest.mark.slow
def test_one_is_killed_one_sleeps_and_every_case_goes_on(town: Town) -> None:
    town.one.start()
    town.two.start()
    assert town.readings(town.one).status_code == 201
    elsewhere = town.readings(town.two)
    assert (elsewhere.status_code, elsewhere.json()["key"]) == (503, "readings.elsewhere")
    assert "one" in elsewhere.json()["detail"]
    deadline = time.monotonic() + 30
    while len(town.cases(town.two)) < len(CHANNELS) and time.monotonic() < deadline:
        time.sleep(0.2)
    ids = [case["id"] for case in town.cases(town.two)]
    assert len(ids) == len(CHANNELS) and ids == [case["id"] for case in town.cases(town.one)]
    owners = _owners(town)
    deadline = time.monotonic() + 30
    while set(owners.values()) != {"one", "two"} and time.monotonic() < deadline:  # until they have shared
        time.sleep(0.2)
        owners = _owners(town)
    found = {owners[partition_of(id)] for id in ids}
    assert found == {"one", "two"}, (owners, ids)

    for id in ids:  # everybody takes acts on all cases
        town.note(town.one, id, "through one")
        town.note(town.two, id, "through two")
    town.one.end(signal.SIGKILL)
    for id in ids:  # cases of the dead are answered once the lease is over
        town.note(town.two, id, "one is dead")
    town.one.start()
    time.sleep(LEASE_S)
    town.two.send(signal.SIGSTOP)
    time.sleep(LEASE_S * 3)
    for id in ids:
        town.note(town.one, id, "two sleeps")
    town.two.send(signal.SIGCONT)
    for id in ids:
        town.note(town.two, id, "two is awake")
    time.sleep(LEASE_S)
    owners = dict(town.postgres.run("SELECT partition, owner FROM lease", town.database))
    assert sorted({str(owner) for owner in owners.values()}) == ["one", "two"]
    for process in (town.two, town.one):
        process.end(signal.SIGTERM)

    store = open_postgres(town.shared["LIANDONG_STORE"], town.postgres.password_file)
    for id in ids:
        said = [row for row in store.entries_of(f"case:{id}") if b'"CaseNoted"' in row.body]
        assert len(said) == 5, "each note once"
    store.close()
    for command in ("verify", "rebuild"):
        done = subprocess.run(
            [sys.executable, "-m", "liandong", command, "--data", str(town.one.data)],
            env=town.one.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
