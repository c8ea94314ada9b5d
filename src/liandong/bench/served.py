"""A served city in a process of its own, with tokens for whoever is asked for."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from liandong.app.clock import perf
from liandong.core.values.dataset import CityFolder

_COUNT = "select count(*) from streams where kind = ?"


class Served:
    """`liandong serve` over a city folder written for it; ends with the block."""

    def __init__(self, home: Path, folder: CityFolder, port: int = 0, **settings: object) -> None:
        """`settings` go to the server alone, by their names."""
        from liandong.adapters.tables import write_city

        self.folder = folder
        self.data = home / "data"
        self._tables = home / "city"
        self._errors = home / "serve.log"
        write_city(self._tables, folder)
        self._port = port or free_port()
        self._environment = {f"LIANDONG_{name.upper()}": str(value) for name, value in settings.items()}
        self._tokens: dict[tuple[str, str, str], str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Served:
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "liandong", "serve", "--data", str(self.data),
                    "--city", str(self._tables), "--port", str(self._port),
                ],
                env=os.environ | self._environment, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip
        began = perf()
        while perf() - began < 120:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                if self._process.poll() is not None:
                    raise RuntimeError(self._errors.read_text(errors="replace")[-2000:]) from None
        raise TimeoutError("serve did not answer")

    def __exit__(self, *error: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self._port}/api/v1"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Processor time that the server has used so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))

    def memory_mb(self) -> float:
        """Memory that the server holds now (resident), megabytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

    def client(self) -> httpx.Client:
        """A client with its own connection."""
        return httpx.Client(base_url=self.url, timeout=60)

    def bearer(self, *, person: str = "", post: str = "", source: str = "") -> dict[str, str]:
        """The header of a token."""
        from liandong.wiring.accounts import make_token

        key = (person, post, source)
        if key not in self._tokens:
            self._tokens[key] = make_token(self.data, person, post, source, 1)
        return {"Authorization": f"Bearer {self._tokens[key]}"}

    def count(self, kind: str) -> int:
        """Streams of a kind in the store."""
        with self.database() as db:
            return int(db.execute(_COUNT, (kind,)).fetchone()[0])

    @contextmanager
    def database(self) -> Iterator[Any]:
        """The store, to look and not to write."""
        connection = sqlite3.connect(f"file:{self.data / 'liandong.db'}?mode=ro", uri=True)
        try:
            yield connection
        finally:
            connection.close()


def free_port() -> int:
    """A TCP port of this machine on which nobody listens just now."""
    from liandong.wiring.service import free_socket

    probe = free_socket("127.0.0.1", 0)
    port = int(probe.getsockname()[1])
    probe.close()
    return port
