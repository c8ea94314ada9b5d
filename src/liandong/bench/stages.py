"""What a reading costs on its way in, stage by stage, from 1,000 sensors to 1,000,000.

One thread does one thing after the other on the messages that `ingest` sends over HTTP: decoding with all
checks, the log with its sync, detection. So each stage has its own processor time, and the shares add up.
HTTP, the hand-over between threads and the writer are not in it: `ingest` has them all together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from liandong.adapters.http import arrow
from liandong.bench.ingest import arrow_message, json_message
from liandong.bench.kernel import GROUP, SECOND, START, by_channel, kernel_seconds, limit
from liandong.core.detect import Shard
from liandong.core.ingest import ChannelTable, decode_columns, decode_json
from liandong.core.values.lists import Mode
from liandong.core.values.log import LogRecord, record_of
from liandong.core.values.rules import ChannelRow, SourceTerms
from liandong.stores.readings import ReadingLog

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CITY = 30_000
SOURCE = "source:bench"
#: Messages that share one sync, as those of so many connections do.
TOGETHER = 16
LATENESS_S = 10.0


@dataclass(frozen=True)
class _Form:
    """How gateways of 1,000 (Arrow) or 500 (JSON) channels write what they send every few seconds."""

    channels: int
    seconds: int
    encode: Callable[[list[str], Any, Any, Any, str], bytes]
    decode: Callable[[bytes, ChannelTable, int], Any]


@dataclass
class _Spent:
    """Seconds by stage: of the processor, and on the clock."""

    cpu: dict[str, float] = field(default_factory=dict)
    wall: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        """Do it and note how long it took."""
        wall, cpu = perf_counter(), thread_time()
        done = work()
        self.cpu[stage] = self.cpu.get(stage, 0.0) + thread_time() - cpu
        self.wall[stage] = self.wall.get(stage, 0.0) + perf_counter() - wall
        return done


def run() -> dict[str, Any]:
    """Both forms over the channels of a city, then Arrow and the kernel alone over each size."""
    report: dict[str, Any] = {
        "arrow": _measure(CITY, _ARROW, 2_000_000),
        "json": _measure(CITY, _JSON, 300_000),
    }
    sizes = {}
    for size in SIZES:
        kernel = kernel_seconds(size, by_channel(size, max(10, 1_000_000 // size)))
        sizes[str(size)] = {"kernel_ns": round(kernel * 1e9, 1)} | _measure(size, _ARROW, 2_000_000)
    report["by_sensors"] = sizes
    first, last = sizes[str(SIZES[0])], sizes[str(SIZES[-1])]
    report["dearer_at_a_million"] = round(last["cpu_ns"] / first["cpu_ns"], 2)
    report["includes"] = (
        "nanoseconds a reading in one thread: decoding with every check, log append with one fdatasync for "
        f"{TOGETHER} messages (cpu_ns: of the processor; wall_ns: with waiting for the disk), detection with "
        "one rule a channel, window and settled state. share: of the processor's time. HTTP, hand-over and "
        "writer are not in it"
    )
    return report


def _measure(sensors: int, form: _Form, least: int) -> dict[str, Any]:
    """A warm-up of three rounds over all sensors, then as many rounds as make `least` readings."""
    rows = _channels(sensors)
    shard = Shard(rows, [limit()], [SourceTerms(key=SOURCE, lateness_s=LATENESS_S)], "city", Mode.TEST)
    table = ChannelTable(rows)
    keys = [row.key for row in rows]
    rounds = max(1, least // (sensors * form.seconds))
    readings = 0
    with tempfile.TemporaryDirectory() as name:
        log = ReadingLog(Path(name))
        spent = _Spent()
        for number in range(3 + rounds):
            if number == 3:
                spent, readings = _Spent(), 0
            for bodies in _groups(keys, form, number):
                readings += _take(bodies, form, table, log, shard, spent)
        log.close()
    return _figures(spent, readings)


def _take(
    bodies: list[bytes], form: _Form, table: ChannelTable, log: ReadingLog, shard: Shard, spent: _Spent
) -> int:
    def decoded() -> list[LogRecord]:
        return [
            record_of(found.batch, message_key=found.key, arrival=START, raw=raw)
            for raw in bodies
            for found in [form.decode(raw, table, START)]
        ]

    records = spent.timed("decoding", decoded)
    positions = spent.timed("durability", lambda: log.append(records))

    def detect() -> None:
        for record, position in zip(records, positions, strict=True):
            shard.process(record.batch, position)

    spent.timed("detection", detect)
    return sum(record.rows for record in records)


def _figures(spent: _Spent, readings: int) -> dict[str, Any]:
    cpu, wall = sum(spent.cpu.values()), sum(spent.wall.values())
    return {
        "cpu_ns": round(cpu / readings * 1e9, 1),
        "wall_ns": round(wall / readings * 1e9, 1),
        "stages_cpu_ns": {stage: round(s / readings * 1e9, 1) for stage, s in spent.cpu.items()},
        "stages_wall_ns": {stage: round(s / readings * 1e9, 1) for stage, s in spent.wall.items()},
        "share": {stage: f"{s / cpu:.0%}" for stage, s in spent.cpu.items()},
        "readings": readings,
    }


def _channels(count: int) -> list[ChannelRow]:
    return [
        ChannelRow(
            number=n, key=f"channel:gas-{n:07}-ch4", group=f"group:{n // GROUP:06}", source=SOURCE,
            quantity="gas", low=-1e6, high=1e6,
        )
        for n in range(count)
    ]  # fmt: skip


def _groups(keys: list[str], form: _Form, number: int) -> Iterator[list[bytes]]:
    """The messages of one round: every gateway says once what its channels measured since the last."""
    rng = np.random.default_rng(number)
    bodies: list[bytes] = []
    begin = START + number * form.seconds * SECOND
    for first in range(0, len(keys), form.channels):
        own = keys[first : first + form.channels]
        every = np.arange(len(own) * form.seconds)
        channel = every % len(own)
        time = begin + every // len(own) * SECOND + channel * 20
        value = np.round(rng.normal(10.0, 5.0, len(every)), 3)
        bodies.append(form.encode(own, channel, time, value, f"{number}:{first}"))
        if len(bodies) == TOGETHER:
            yield bodies
            bodies = []
    if bodies:
        yield bodies


def _decode_arrow(raw: bytes, table: ChannelTable, now: int) -> Any:
    id, columns = arrow.read_readings(raw)
    return decode_columns(columns, id, SOURCE, table, now, now + 10**12)


def _decode_json(raw: bytes, table: ChannelTable, now: int) -> Any:
    return decode_json(raw, SOURCE, table, now, now + 10**12)


_ARROW = _Form(1_000, 5, arrow_message, _decode_arrow)
_JSON = _Form(500, 1, json_message, _decode_json)
