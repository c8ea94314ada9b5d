"""Start-up: from the command to the first answer, over a city with sensors and open cases."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from liandong.app.clock import perf
from liandong.bench.transitions import START, committed, findings
from liandong.core.values.dataset import CityFolder


def run(sensors: int = 30_000, cases: int = 1_000) -> dict[str, Any]:
    """Start `serve` over such a city three times; the cold start compiles the kernels into a new cache."""
    from liandong.sim.city import demo_city
    from liandong.wiring.packs import equipped

    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        folder = equipped(demo_city(1, START, days=1, sensors=sensors))
        _fill(data, folder, cases)
        cold = _start(data, {"NUMBA_CACHE_DIR": str(Path(name) / "numba")})
        warm = sorted(_start(data, {}) for _ in range(3))
    return {
        "seconds": round(warm[1], 2),
        "seconds_all": [round(s, 2) for s in warm],
        "cold_seconds": round(cold, 2),
        "sensors": sensors,
        "open_cases": cases,
        "includes": "interpreter, imports, opening the store, the policy from the store, the detector, "
        "HTTP up to the first answer of /health/ready; cold: with no compiled kernel at all",
    }


def _fill(data: Path, folder: CityFolder, cases: int) -> None:
    from liandong.stores.sqlite import open_sqlite

    store = open_sqlite(data)
    handler = committed(store, folder)
    found = findings(handler.policy, "gas_ch4_medium", cases)
    for first in range(0, len(found), 200):
        handler.begin()
        for finding in found[first : first + 200]:
            handler.admit(finding, "source:bench", START)
        store.commit(handler.take())
    store.close()


def _start(data: Path, environment: dict[str, str]) -> float:
    from liandong.wiring.service import free_socket

    probe = free_socket("127.0.0.1", 0)
    port = probe.getsockname()[1]
    probe.close()
    began = perf()
    process = subprocess.Popen(
        [sys.executable, "-m", "liandong", "serve", "--data", str(data), "--port", str(port)],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while perf() - began < 120:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/api/v1/health/ready", timeout=5).status_code == 200:
                    return perf() - began
            except httpx.HTTPError:
                if process.poll() is not None:
                    raise RuntimeError(f"serve ended with {process.returncode}") from None
        raise TimeoutError("serve did not answer")
    finally:
        process.terminate()
        process.wait(30)
