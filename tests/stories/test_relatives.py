"""Positions and fast signals over real HTTP into a served city that is killed on the way.

A bridge's strain comes in at ten samples a second, as JSON and as Arrow. Its rms of every ten seconds is
what the rule looks at, and the case comes from that.
"""

from __future__ import annotations

import base64
import json
import signal
import time
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from liandong.app.clock import system_clock
from liandong.app.settings import load_settings
from liandong.core.values.city import Channel
from liandong.core.values.dataset import CityFolder
from liandong.core.values.times import SECOND, format_time
from liandong.runners.embedded import Embedded
from liandong.wiring import open_city
from tests.app.machine import cases, folder
from tests.stories.serving import CENTRE, OPERATOR, Served

GAS = "channel:gas-001.ch4_lel"
ARROW = "application/vnd.apache.arrow.stream"
RATE, WINDOW = 10, 10 * SECOND
#: Each message brings so many samples, so that none ends where a window does.
SAMPLES = 37


@cache
def fast_city() -> CityFolder:
    """The small town, whose first methane channel comes fast: the rms of ten seconds is what is judged."""
    made, replace = folder(), msgspec.structs.replace
    plain = next(c for c in made.city.channels if c.key == GAS)
    sent = Channel(
        key="channel:gas-001.fast", number=len(made.city.channels), sensor=plain.sensor,
        quantity=plain.quantity, group=plain.group, source=plain.source, device="D1", item="wave",
    )  # fmt: skip
    judged = replace(plain, reducer="rms@10", device="D1", item="wave")
    channels = (*(judged if c is plain else c for c in made.city.channels), sent)
    return replace(made, city=replace(made.city, channels=channels))


def stream(id: str, **columns: pa.Array) -> bytes:
    table = pa.table(columns).replace_schema_metadata({"id": id})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def samples(number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A tone around nothing, ever the same: its mean says nothing, its rms is 42 %LEL."""
    place = np.arange(number * SAMPLES, (number + 1) * SAMPLES)
    return np.where(place % 2 == 0, 42.0, -42.0).astype("<f4")


def wave(number: int, start: int, arrow: bool) -> tuple[bytes, str]:
    at, key = start + number * SAMPLES * SECOND // RATE, "channel:gas-001.fast"
    if arrow:
        body = stream(
            f"w{number}", channel=pa.array([key]), start=pa.array([at], pa.timestamp("us", "UTC")),
            rate=pa.array([float(RATE)]), samples=pa.array([samples(number)], pa.list_(pa.float32())),
        )  # fmt: skip
        return body, ARROW
    row = {
        "channel": key, "start": format_time(at), "rate": RATE,
        "samples": base64.b64encode(samples(number).tobytes()).decode(),
    }  # fmt: skip
    return json.dumps({"id": f"w{number}", "waveforms": [row]}).encode(), "application/json"


def place(number: int, start: int, arrow: bool) -> tuple[bytes, str]:
    at, lon = start + number * SECOND, 113.0 + number / 1000
    if arrow:
        body = stream(
            f"p{number}", object=pa.array(["truck:7"]), time=pa.array([at], pa.timestamp("us", "UTC")),
            lon=pa.array([lon]), lat=pa.array([23.0]),
        )  # fmt: skip
        return body, ARROW
    row = {"object": "truck:7", "time": format_time(at), "lon": lon, "lat": 23.0}
    return json.dumps({"id": f"p{number}", "positions": [row]}).encode(), "application/json"


def kept(city: Embedded) -> tuple[list[tuple[int, float]], list[tuple[int, float]], list[bytes]]:
    """(moment, longitude) of the positions, (moment, value) of the statistics, samples of the windows."""
    places, statistics, windows = [], [], []
    for _, record in city.intake.log.read():
        if record.positions is not None:
            columns = record.positions.columns
            places += list(zip(columns["event_time"].tolist(), columns["lon"].tolist(), strict=True))
        elif record.waveforms is not None:
            windows += [samples.tobytes() for _, _, _, samples in record.waveforms.windows()]
        elif record.batch is not None:
            statistics += list(
                zip(record.batch.event_time.tolist(), record.batch.value.tolist(), strict=True)
            )
    return places, statistics, windows


@pytest.mark.slow
def test_fast_signals_make_a_case_and_a_kill_loses_nothing(tmp_path: Path) -> None:
    messages, kills = 100, {13, 14, 40, 77}
    data = tmp_path / "data"
    served = Served(data, fast_city())
    span = messages * SAMPLES * SECOND // RATE
    start = (system_clock().read().now - span) // WINDOW * WINDOW - WINDOW
    served.start()
    try:
        for number in range(messages):
            arrow = number % 2 == 1
            said = served.post("waveforms", *wave(number, start, arrow))
            assert (said["accepted"], said["errors"]) == (1, [])
            if number in kills:
                served.end(signal.SIGKILL)
                served.start()
            said = served.post("positions", *place(number, start, arrow))
            assert (said["accepted"], said["errors"]) == (1, [])
        # What was answered is a repeat, in whichever life it was answered.
        assert served.post("waveforms", *wave(5, start, True))["duplicate"]
        assert served.post("positions", *place(5, start, True))["duplicate"]
        assert served.ask(OPERATOR, "health")["equation"] == []
        for _ in range(100):
            found = served.ask(CENTRE, "queue")["items"]
            if found:
                break
            time.sleep(0.1)
        served.end(signal.SIGTERM)
    finally:
        if served.process is not None:
            served.process.kill()
    assert [item["hazard"] for item in found] == ["gas_leak"]
    assert round(found[0]["value"]["value"], 3) == 42.0
    city = open_city(load_settings({"data": data}, {}), None)
    try:
        places, statistics, windows = kept(city)
        opened = cases(city.store)
    finally:
        city.stop()
    assert places == [(start + n * SECOND, 113.0 + n / 1000) for n in range(messages)]
    assert sorted(windows) == sorted(samples(n).tobytes() for n in range(messages))
    whole = (span - 1) // WINDOW  # the last one waits for the sample that ends it
    assert [at for at, _ in statistics] == [start + (n + 1) * WINDOW for n in range(whole)]
    assert np.allclose([value for _, value in statistics], 42.0)
    assert [c.hazard for c in opened] == ["gas_leak"]
