"""A real `liandong serve` in a process of its own, behind a proxy, with people who have accounts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.console.city import PEOPLE, first_password, password_of, write_city
from tests.console.proxy import Proxy

API = "/api/v1"
#: Has not signed in yet.
NEWCOMER = "newcomer"
T = TypeVar("T")


class Serve:
    """The server of a small city; it can be killed and started again on the same data and port."""

    def __init__(self, folder: Path, storm: bool = False) -> None:
        self.folder = folder
        self.city = write_city(folder / "city", storm)
        self.data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.proxy = Proxy(self.port)
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self.log = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        for account, person in PEOPLE.items():
            self._add_account(account, person, changed=account != NEWCOMER)
        self._source = self.run("token", "--source", "source:gas").strip()
        self._people: dict[str, Person] = {}

    def run(self, *arguments: str) -> str:
        """One command of `liandong` on the data; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "liandong", *arguments, "--data", str(self.data)],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _add_account(self, account: str, person: str, changed: bool = True) -> None:
        """An account; its first password is changed, as everybody has to."""
        file = self.folder / "first-password"
        file.write_text(first_password(account) + "\n", encoding="utf-8")
        self.run("account", "add", account, "--person", person, "--password-file", str(file))
        file.unlink()
        if changed:
            address = f"http://127.0.0.1:{self.port}{API}/session"
            with httpx.Client(headers={"X-Liandong": "1"}, timeout=30, trust_env=False) as client:
                first = {"account": account, "password": first_password(account)}
                assert client.post(address, json=first).status_code == 200
                words = {"old": first["password"], "new": password_of(account)}
                answer = client.post(f"{address}/password", json=words)
                assert answer.status_code == 200, answer.text

    def start(self) -> None:
        """Start, and wait until it can take readings and acts."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "liandong", "serve", "--data", str(self.data),
                 "--city", str(self.city), "--port", str(self.port)],
                stdout=log, stderr=log, start_new_session=True, env={**os.environ, "LIANDONG_TICK_S": "0.2"},
            )  # fmt: skip
        wait_for(self._ready, 90, "the server is not ready; see " + str(self.log))

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")[-3000:]
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{API}/health/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """kill -9: nothing is said good-bye to."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End both."""
        self.kill()
        self.proxy.close()

    def person(self, account: str, post: str = "") -> Person:
        """Somebody who works through the API, signed in once."""
        if account not in self._people:
            self._people[account] = Person(self, account, post)
        return self._people[account]

    def send(self, channel: str, value: float) -> None:
        """One reading of a device, measured now."""
        now = datetime.now(UTC).isoformat()
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}{API}/readings",
            json={"readings": [{"channel": channel, "time": now, "value": value}]},
            headers={"Authorization": f"Bearer {self._source}"}, timeout=30,
        )  # fmt: skip
        assert answer.status_code < 300, answer.text

    def alarm(self, valve: int = 1) -> str:
        """Gas in a valve chamber until a case is there; its id."""
        channel, asset = f"channel:valve-{valve}.ch4", f"asset:valve-{valve}"
        officer = self.person("officer")

        def case() -> str:
            rows = officer.get("queue?limit=100")["items"]
            return next((row["id"] for row in rows if row["asset"] == asset and row["live"]), "")

        self.send(channel, 12.0)
        self.send(channel, 61.5)
        return wait_for(case, 20, f"no case for {asset}")


class Person:
    """Somebody with an account, asking like the console does."""

    def __init__(self, serve: Serve, account: str, post: str = "") -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{serve.port}{API}/", headers={"X-Liandong": "1"}, timeout=30,
            trust_env=False,
        )  # fmt: skip
        body = {"account": account, "password": password_of(account)} | ({"post": post} if post else {})
        answer = self._client.post("session", json=body)
        assert answer.status_code == 200, answer.text
        self._count = 0

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""
        return self._client.request(method, path, **more)

    def get(self, path: str) -> Any:
        """The answer's body, where it is one."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def act(self, case: str, action: str, **body: Any) -> Any:
        """An act on the version that the case has."""
        for _ in range(10):
            self._count += 1
            version = self.get(f"cases/{case}")["version"]
            headers = {"Idempotency-Key": f"{id(self)}-{self._count}", "If-Match": f'"{version}"'}
            answer = self.ask("POST", f"cases/{case}/acts/{action}", json=body, headers=headers)
            if answer.status_code != 409 or not answer.json()["key"].endswith("stale"):
                break
        assert answer.status_code == 200, (action, answer.text)
        return answer.json()


def wait_for(look: Callable[[], T], seconds: float, otherwise: str) -> T:
    """The first answer that is not empty."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(otherwise)
