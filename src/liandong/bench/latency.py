"""From a reading to the unit's page: at 20,000 readings a second, how long until the case is there.

Readings flow in Arrow batches from a sender of its own. Now and then one asset rises; the moment from
sending that reading to having read its case, as the duty officer whom a live event told, is one sample.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from liandong.app.clock import perf, system_clock
from liandong.bench.served import Served
from liandong.bench.storm_city import QUIET, SOURCE, STORM, storm_city
from liandong.core.values.times import format_time

_CENTRE = "post:centre.duty"


def run(rate: int = 20_000, seconds: float = 40.0, probes: int = 200) -> dict[str, Any]:
    """Send background and probes for so long; the time of each probe."""
    folder = storm_city(system_clock().read().now, rate, probes)
    with tempfile.TemporaryDirectory() as name, Served(Path(name), folder) as served:
        stop = multiprocessing.get_context("spawn").Event()
        counted = multiprocessing.get_context("spawn").Value("q", 0)
        sender = multiprocessing.get_context("spawn").Process(
            target=_background, args=(served.url, served.bearer(source=SOURCE), rate, stop, counted)
        )
        page = _Page(served)
        page.start()
        page.ready.wait(30)
        sender.start()
        nap = threading.Event()
        nap.wait(5.0)  # the sender's imports, and a steady state
        began, before, cpu = perf(), counted.value, served.cpu_seconds()
        sent = _probe(served, seconds, probes)
        span = perf() - began
        flowed = (counted.value - before) / span
        used = served.cpu_seconds() - cpu
        page.wait_for(probes, 20.0)
        stop.set()
        sender.join(30)
        page.stop()
    found = [page.seen[name] - at for name, at in sent.items() if name in page.seen]
    return {
        "samples": len(found),
        "never_seen": len(sent) - len(found),
        "p50_ms": _ms(found, 0.5),
        "p99_ms": _ms(found, 0.99),
        "worst_ms": _ms(found, 1.0),
        "background_readings_per_s": round(flowed),
        "server_cores_used": round(used / span, 2),
        "includes": "HTTP, log and sync, detection, assess, warn, coordinate with journal and commit, the "
        "live event, and reading the case over HTTP as the centre's duty officer; sender and page run on "
        "the same cores",
    }


def _background(url: str, headers: dict[str, str], rate: int, stop: Any, counted: Any) -> None:
    """Five thousand readings in each message, evenly, until told to stop; a process of its own."""
    import pyarrow as pa

    size = 5_000
    names = pa.array([f"channel:{STORM}-{n}" for n in range(rate)]).dictionary_encode()
    rng = np.random.default_rng(1)
    nap = threading.Event()
    began, number = perf(), 0
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stop.is_set():
            first = (number * size) % rate
            table = pa.table(
                {
                    "channel": names[first : first + size],
                    "time": np.full(size, system_clock().read().now, dtype=np.int64),
                    "value": rng.uniform(0.0, 5.0, size),
                }
            )
            out = pa.BufferOutputStream()
            with pa.ipc.new_stream(out, table.schema) as writer:
                writer.write_table(table)
            response = client.post(
                "/readings",
                content=out.getvalue().to_pybytes(),
                headers=headers | {"Content-Type": "application/vnd.apache.arrow.stream"},
            )
            response.raise_for_status()
            number += 1
            with counted.get_lock():
                counted.value += size
            nap.wait(max(0.0, began + number * size / rate - perf()))


class _Page(threading.Thread):
    """What a browser does: holds the event stream and reads each case that it names for the first time."""

    def __init__(self, served: Served) -> None:
        super().__init__(name="page", daemon=True)
        now = system_clock().read().now
        duties = served.folder.city.duties
        person = next(d.person for d in duties if d.post == _CENTRE and d.start <= now < d.end)
        self._served, self._headers = served, served.bearer(person=person, post=_CENTRE)
        self._stopped = False
        self.ready = threading.Event()
        self.seen: dict[str, float] = {}
        self._more = threading.Condition()

    def run(self) -> None:
        known: set[str] = set()
        with (
            self._served.client() as reader,
            self._served.client() as client,
            client.stream("GET", "/events", headers=self._headers, timeout=None) as stream,
        ):
            self.ready.set()
            for line in stream.iter_lines():
                if self._stopped:
                    return
                event = json.loads(line[5:]) if line.startswith("data:") else {}
                if event.get("kind") == "case" and event["id"] not in known:
                    known.add(event["id"])
                    self._look(reader, event["id"])

    def _look(self, reader: httpx.Client, case: str) -> None:
        view = reader.get(f"/cases/{case}", headers=self._headers).json()
        with self._more:
            self.seen[view["asset"]] = perf()
            self._more.notify_all()

    def wait_for(self, count: int, most: float) -> None:
        """Until so many were seen, or long enough."""
        with self._more:
            self._more.wait_for(lambda: len(self.seen) >= count, most)

    def stop(self) -> None:
        """Read no more; the next ping ends the thread."""
        self._stopped = True


def _probe(served: Served, seconds: float, probes: int) -> dict[str, float]:
    """One asset after the other rises; asset → when its reading was sent."""
    sent: dict[str, float] = {}
    nap = threading.Event()
    channels = [c for c in served.folder.city.channels if c.quantity == QUIET][:probes]
    began = perf()
    with served.client() as client:
        for number, channel in enumerate(channels):
            nap.wait(max(0.0, began + seconds * number / probes - perf()))
            row = {"channel": channel.key, "time": format_time(system_clock().read().now), "value": 20.0}
            sent[channel.group] = perf()
            client.post(
                "/readings",
                content=json.dumps({"readings": [row]}),
                headers=served.bearer(source=SOURCE) | {"Content-Type": "application/json"},
            ).raise_for_status()
    return sent


def _ms(seconds: list[float], q: float) -> float:
    return round(float(np.quantile(seconds, q)) * 1000, 1) if seconds else float("nan")
