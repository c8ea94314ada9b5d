"""A city that is really served, for stories that talk to it over HTTP and kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from liandong.app.settings import load_settings
from liandong.core.values.access import Session
from liandong.core.values.dataset import CityFolder
from liandong.wiring import open_city
from tests.ports import free_port

SOURCE, OPERATOR, CENTRE = "source:gas", "post:operator", "post:centre.duty"


class Served:
    """`liandong serve` on one port over all its lives."""

    def __init__(self, data: Path, city: CityFolder) -> None:
        self.data = data
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        made = open_city(load_settings({"data": data}, {}), city)
        made.start()
        self.token = made.platform.access.issue_token(Session(source=SOURCE))
        holders = {held.post: held.person for held in city.city.holdings}
        self.tokens = {
            post: made.platform.access.issue_token(Session(person=holders[post], post=post))
            for post in (OPERATOR, CENTRE)
            if post in holders
        }
        made.stop()

    def start(self) -> None:
        environment = os.environ | {"LIANDONG_LOG_FILE": str(self.data / "log.jsonl")}
        command = [sys.executable, "-m", "liandong", "serve", "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def wait(self) -> None:
        """Until it takes messages."""
        for _ in range(600):
            try:
                if httpx.get(f"{self.url}/api/v1/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                assert self.process is not None and self.process.poll() is None, "serve has ended"
            time.sleep(0.1)
        raise AssertionError("serve does not answer")

    def size(self) -> int:
        """Bytes of the readings log so far."""
        return sum(path.stat().st_size for path in (self.data / "readings").glob("*") if path.is_file())

    def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, body: bytes, media: str) -> dict[str, Any]:
        """As a device does it: again until it is answered."""
        for _ in range(300):
            try:
                answer = httpx.post(
                    f"{self.url}/api/v1/{path}", content=body, timeout=10,
                    headers={"Authorization": f"Bearer {self.token}", "Content-Type": media},
                )  # fmt: skip
            except httpx.HTTPError:
                assert self.process is not None and self.process.poll() is None, "serve has ended"
                time.sleep(0.2)
                continue
            assert answer.status_code == 201, answer.text
            said: dict[str, Any] = answer.json()
            return said
        raise AssertionError("never answered")

    def ask(self, post: str, path: str) -> Any:
        answer = httpx.get(
            f"{self.url}/api/v1/{path}", headers={"Authorization": f"Bearer {self.tokens[post]}"}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        return answer.json()
