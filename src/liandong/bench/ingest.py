"""Durable ingest over real HTTP: from a device's message to what detect made of it.

The server is a process of its own, as `liandong serve` starts it; the client is this process, and the
machine is shared by both. A reading counts when it was answered as durable and has gone through the
detector.
"""

from __future__ import annotations

import http.client
import io
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np

from liandong.app.clock import perf, system_clock
from liandong.bench.served import Served
from liandong.bench.transitions import START
from liandong.core.values.city import Holding, Source
from liandong.core.values.dataset import CityFolder
from liandong.core.values.lists import Capability
from liandong.core.values.times import MINUTE, SECOND, format_time

SOURCE = "source:bench"
SENSORS = 30_000
CONNECTIONS = 16
#: Event time that the source may be late, because one connection gets ahead of another.
LATENESS_S = 20.0


@dataclass(frozen=True)
class _Run:
    """What is sent: how many readings in all, in messages of how many rows, and how they are written."""

    name: str
    media: str
    rows: int
    readings: int
    encode: Callable[[list[str], Any, Any, Any, str], bytes]
    budget: int


def run() -> dict[str, Any]:
    """Arrow in batches of 5,000, then JSON in batches of 500, each three times over one served city."""
    folder, channels, reader = _prepare()
    with tempfile.TemporaryDirectory() as name, Served(Path(name), folder) as server:
        looks = server.bearer(person=reader.person, post=reader.post)
        at = system_clock().read().now - 50 * MINUTE
        report: dict[str, Any] = {}
        for number, plan in enumerate(_RUNS):
            report |= _measure(plan, server, looks, channels, at + number * 25 * MINUTE)
    return report | {
        "channels": len(channels),
        "connections": CONNECTIONS,
        "includes": "HTTP, sign-in, decoding, checks, log append with fdatasync before the answer, detection "
        "with its committed position; messages are written before the clock starts; client and server share "
        "the machine",
    }


def _measure(
    plan: _Run, server: Served, looks: dict[str, str], channels: Sequence[str], begin: int
) -> dict[str, Any]:
    figures = []
    for turn in range(4):  # the first warms up
        bodies = _bodies(plan, channels, begin + turn * 5 * MINUTE, f"{plan.name}{turn}")
        figures.append(_send(plan, server, looks, bodies))
    best = sorted(figures[1:], key=lambda f: f["readings_per_s"])
    middle = best[len(best) // 2]
    return {
        f"{plan.name}_readings_per_s": middle["readings_per_s"],
        f"{plan.name}_readings_per_s_all": [f["readings_per_s"] for f in best],
        f"{plan.name}_budget": plan.budget,
        f"{plan.name}_rows_a_message": plan.rows,
        f"{plan.name}_seconds": middle["seconds"],
        f"{plan.name}_server_cpu_seconds": middle["server_cpu_seconds"],
        f"{plan.name}_client_cpu_seconds": middle["client_cpu_seconds"],
        f"{plan.name}_server_cpu_us_a_reading": round(middle["server_cpu_seconds"] / plan.readings * 1e6, 2),
        f"{plan.name}_bytes_a_reading": middle["bytes_a_reading"],
    }


def _send(plan: _Run, server: Served, looks: dict[str, str], bodies: list[list[bytes]]) -> dict[str, Any]:
    """Send each connection's messages in order; ends when the detector has gone through all."""
    sender = server.bearer(source=SOURCE)
    before, cpu, mine = _detected(server, looks), server.cpu_seconds(), sum(os.times()[:2])
    taken: list[int] = []
    failed: list[BaseException] = []

    def work(own: list[bytes]) -> None:
        try:
            connection = _connect(server)
            for body in own:
                answer = _post(connection, body, plan.media, sender)
                if answer["errors"] or answer["duplicate"]:
                    raise RuntimeError(str(answer)[:300])
                taken.append(answer["accepted"])
        except BaseException as error:
            failed.append(error)

    began = perf()
    threads = [threading.Thread(target=work, args=(own,)) for own in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answered = perf() - began
    if failed:
        raise failed[0]
    count = sum(taken)
    while _detected(server, looks) - before < count:
        if perf() - began > 120:
            raise TimeoutError("the detector did not get through")
        threading.Event().wait(0.01)  # asking costs the server more than a message
    seconds = perf() - began
    return {
        "readings_per_s": round(count / seconds),
        "seconds": round(seconds, 2),
        "answered_seconds": round(answered, 2),
        "server_cpu_seconds": round(server.cpu_seconds() - cpu, 2),
        "client_cpu_seconds": round(sum(os.times()[:2]) - mine, 2),
        "bytes_a_reading": round(sum(len(body) for own in bodies for body in own) / count, 1),
    }


def _post(
    connection: http.client.HTTPConnection, body: bytes, media: str, sender: dict[str, str]
) -> dict[str, Any]:
    headers = {"Content-Type": media} | sender
    while True:
        connection.request("POST", "/api/v1/readings", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 429:
            threading.Event().wait(0.05)
            continue
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {text[:300]!r}")
        found: dict[str, Any] = msgspec.json.decode(text)
        return found


def _bodies(plan: _Run, channels: Sequence[str], begin: int, name: str) -> list[list[bytes]]:
    """For each connection the messages of its own channels, every channel once a second, in order."""
    made = []
    for number in range(CONNECTIONS):
        own = list(channels[number::CONNECTIONS])
        rng = np.random.default_rng(7 + number)
        every = np.arange(plan.readings // CONNECTIONS)
        channel = every % len(own)
        time = begin + every // len(own) * SECOND + channel * 20
        value = np.round(rng.uniform(0.0, 5.0, len(every)), 3)
        parts = [slice(start, start + plan.rows) for start in range(0, len(every), plan.rows)]
        made.append(
            [plan.encode(own, channel[p], time[p], value[p], f"{name}:{number}:{p.start}") for p in parts]
        )
    return made


def arrow_message(names: list[str], channel: Any, time: Any, value: Any, id: str) -> bytes:
    """Readings as an Arrow stream with a dictionary of those channels that occur; places in `names`."""
    import pyarrow as pa

    used, index = np.unique(channel, return_inverse=True)
    dictionary = pa.DictionaryArray.from_arrays(
        pa.array(index.astype(np.int32)), pa.array([names[n] for n in used])
    )
    schema = pa.schema(
        [("channel", dictionary.type), ("time", pa.timestamp("us", "UTC")), ("value", pa.float64())],
        metadata={"id": id},
    )
    batch = pa.record_batch(
        [dictionary, pa.array(time, pa.timestamp("us", "UTC")), pa.array(value)], schema=schema
    )
    out = io.BytesIO()
    with pa.ipc.new_stream(out, schema) as writer:
        writer.write_batch(batch)
    return out.getvalue()


def json_message(names: list[str], channel: Any, time: Any, value: Any, id: str) -> bytes:
    """The same as JSON."""
    rows = zip(channel.tolist(), time.tolist(), value.tolist(), strict=True)
    readings = [{"channel": names[c], "time": format_time(t), "value": v} for c, t, v in rows]
    return msgspec.json.encode({"id": id, "readings": readings})


_RUNS = (
    _Run("arrow", "application/vnd.apache.arrow.stream", 5_000, 3_000_000, arrow_message, 2_000_000),
    _Run("json", "application/json", 500, 600_000, json_message, 300_000),
)


def _prepare() -> tuple[CityFolder, list[str], Holding]:
    """The demonstration's town with all its gas channels given to one source.

    Gives it, the keys of these, and a post that may read the counts with who holds it.
    """
    from liandong.sim.city import demo_city
    from liandong.wiring.packs import equipped

    folder: CityFolder = equipped(demo_city(1, START, days=1, sensors=SENSORS))
    city = folder.city
    rights = next(p for p in city.permissions if p.capability == Capability.READINGS_SEND)
    mine = [c.key for c in city.channels if c.quantity == "ch4_lel"]
    wanted = set(mine)
    replace = msgspec.structs.replace
    changed = replace(
        city,
        channels=tuple(replace(c, source=SOURCE, device="") if c.key in wanted else c for c in city.channels),
        sources=(*city.sources, Source(key=SOURCE, lateness_s=LATENESS_S)),
        permissions=(*city.permissions, replace(rights, post=SOURCE)),
    )
    readers = {p.post for p in city.permissions if p.capability == Capability.INTAKE_READ}
    reader = next(holding for holding in city.holdings if holding.post in readers)
    return replace(folder, city=changed), mine, reader


def _connect(server: Served) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)


def _detected(server: Served, reader: dict[str, str]) -> int:
    """Readings that the detector is done with, taken or not."""
    connection = _connect(server)
    connection.request("GET", "/api/v1/metrics", headers=reader)
    answer = connection.getresponse()
    lines = answer.read().decode().splitlines()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {lines[0][:200]}")
    connection.close()
    mine = [
        line for line in lines
        if line.startswith("liandong_messages_total{") and f'source="{SOURCE}",step="detect"' in line
        and 'fate="received"' not in line
    ]  # fmt: skip
    return round(sum(float(line.rpartition(" ")[2]) for line in mine))
