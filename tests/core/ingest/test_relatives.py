"""Positions and waveforms: good rows go on, bad ones are named, any bytes are decoded or refused."""

from __future__ import annotations

import base64
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.ingest.positions import PositionColumns, decode_position_columns, decode_positions
from liandong.core.ingest.waveforms import Statistics, decode_waveforms, decode_windows
from liandong.core.values.city import Channel, City
from liandong.core.values.errors import BadInput
from liandong.core.values.readings import PositionBatch, WaveformBatch
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import SECOND, format_time, parse_time
from liandong.texts import text

NOW = parse_time("2026-05-01T09:00:00+08:00")
CHANNELS = {
    "channel:a": ChannelRow(number=7, key="channel:a", group="g", source="s", quantity="q"),
    "channel:f": ChannelRow(number=8, key="channel:f", group="g", source="s", quantity="q", factor=1000.0),
    "channel:c": ChannelRow(number=9, key="channel:c", group="g", source="other", quantity="q"),
}


def place(**more: object) -> dict[str, object]:
    return {"object": "truck:1", "time": format_time(NOW), "lon": 113.1, "lat": 23.0} | more


def positions(*rows: object) -> bytes:
    return json.dumps({"positions": rows}).encode()


def test_positions():
    got = decode_positions(
        positions(place(speed=12.5, heading=270), place(object="truck:2", altitude=None), place()),
        "s",
        NOW + 1,
        NOW,
    )
    batch = got.batch
    assert isinstance(batch, PositionBatch) and len(batch) == 3 and not got.errors
    assert batch.names == ("truck:1", "truck:2") and batch.columns["object"].tolist() == [0, 1, 0]
    assert batch.columns["speed"][0] == 12.5 and math.isnan(batch.columns["altitude"][1])
    assert set(batch.columns["arrival_time"].tolist()) == {NOW + 1}


BAD = {
    "json.not_an_object": [3, None],
    "reading.missing_field": [{"object": "x"}],
    "position.bad_object": [place(object=""), place(object="x" * 81), place(object=5)],
    "reading.bad_time": [place(time="2026-05-01 09:00")],
    "reading.future_time": [place(time=format_time(NOW + 600 * SECOND))],
    "position.not_a_number": [place(lon="113"), place(lat=True), place(speed=[]), place(lon=None)],
    "position.out_of_range": [
        place(lon=180.1),
        place(lat=-90.1),
        place(heading=361),
        place(speed=-1),
        place(altitude=1e9),
        place(speed=10**400),
    ],
}


@pytest.mark.parametrize(("key", "row"), [(key, row) for key, rows in BAD.items() for row in rows])
def test_a_bad_position_is_named(key, row):
    got = decode_positions(positions(place(), row, place()), "s", NOW, NOW)
    (error,) = got.errors
    assert (error.key, error.params["row"], len(got.batch)) == (key, 2, 2)
    assert "⟦" not in text(key, "zh", **error.params)


def test_position_columns_are_judged_alike():
    columns = PositionColumns(
        object=np.array([0, -1, 0, 0]),
        names=["truck:1"],
        time=np.array([NOW, NOW, NOW + 10**9, NOW]),
        numbers={
            "lon": np.array([113.0, 113.0, 113.0, 999.0]),
            "lat": np.full(4, 23.0),
            "altitude": np.full(4, np.nan),
            "speed": np.full(4, np.nan),
            "heading": np.full(4, 1.0),
        },
    )
    got = decode_position_columns(columns, "k", "s", NOW, NOW)
    assert [(e.key, e.params["row"]) for e in got.errors] == [
        ("position.bad_object", 2),
        ("reading.future_time", 3),
        ("position.out_of_range", 4),
    ]
    assert len(got.batch) == 1


def wave(samples: object = (1.0, 2.0, 3.0), form: str = "f4", **more: object) -> dict[str, object]:
    data = base64.b64encode(np.array(samples, dtype=f"<{form}").tobytes()).decode()
    return {
        "channel": "channel:a",
        "start": format_time(NOW - 60 * SECOND),
        "rate": 100,
        "samples": data,
    } | more


def waves(*rows: object) -> bytes:
    return json.dumps({"waveforms": rows}).encode()


def test_waveforms():
    raw = waves(wave(), wave([1e-3], "f8", format="f8", channel="channel:f"))
    got = decode_waveforms(raw, "s", CHANNELS, NOW, NOW)
    assert isinstance(got.batch, WaveformBatch) and not got.errors
    (one, two) = got.batch.windows()
    assert (one[0], one[1], one[2], one[3].tolist()) == (7, NOW - 60 * SECOND, 100.0, [1.0, 2.0, 3.0])
    assert two[0] == 8 and two[3].tolist() == [1.0]


WRONG = {
    "reading.unknown_channel": [wave(channel="channel:z"), wave(channel=4)],
    "reading.foreign_channel": [wave(channel="channel:c")],
    "waveform.bad_rate": [wave(rate=0), wave(rate=-1), wave(rate="100"), wave(rate=1e9), wave(rate=True)],
    "waveform.bad_samples": [wave([]), wave([math.inf])],
    "waveform.bad_encoding": [
        wave() | {"samples": "%%%"},
        wave() | {"samples": "AAA="},
        wave() | {"samples": 5},
        wave(format="i2"),
        wave(format=None),
    ],
    "reading.future_time": [wave(start=format_time(NOW + 299 * SECOND), rate=1)],
    "reading.bad_time": [wave(start=5)],
}


@pytest.mark.parametrize(("key", "row"), [(key, row) for key, rows in WRONG.items() for row in rows])
def test_a_bad_waveform_is_named(key, row):
    got = decode_waveforms(waves(wave(), row, wave()), "s", CHANNELS, NOW, NOW)
    (error,) = got.errors
    assert (error.key, error.params["row"], len(got.batch)) == (key, 2, 2)
    assert "⟦" not in text(key, "en", **error.params)


def test_windows_without_a_start_are_named():
    got = decode_windows([("channel:a", None, 1.0, np.zeros(3))], "k", "s", CHANNELS, NOW, NOW)
    assert [e.key for e in got.errors] == ["reading.bad_time"] and len(got.batch) == 0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
rows = anything | st.fixed_dictionaries(
    {k: anything | st.just(v) for k, v in (place(speed=1, heading=2) | wave()).items()}
)
raws = st.binary() | st.builds(
    lambda name, found: json.dumps({name: found}).encode(),
    st.sampled_from(["positions", "waveforms"]),
    st.lists(rows, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(raws)
def test_any_bytes_are_decoded_or_refused(raw):
    for decode in (
        lambda: decode_positions(raw, "s", NOW, NOW),
        lambda: decode_waveforms(raw, "s", CHANNELS, NOW, NOW),
    ):
        try:
            got = decode()
        except BadInput:
            continue
        numbers = [error.params["row"] for error in got.errors]
        assert numbers == sorted(set(numbers))


# Statistics


def channel(key: str, number: int, item: str = "", reducer: str = "") -> Channel:
    return Channel(
        key=key,
        number=number,
        sensor="x",
        quantity="q",
        group="g",
        source="s",
        device="d",
        item=item,
        reducer=reducer,
    )


CITY = City(
    key="t",
    channels=(
        channel("channel:a", 7, "acc"),
        channel("channel:rms", 20, "acc", "rms@1"),
        channel("channel:max", 21, "acc", "max@2"),
        channel("channel:alone", 22, "", "mean@1"),
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 399), max_size=5, unique=True).map(sorted))
def test_statistics_do_not_show_how_a_signal_was_cut(cuts):
    rate, start = 100.0, NOW - NOW % (2 * SECOND) - 10 * SECOND
    signal = np.sin(np.arange(401) / 7)
    made = Statistics(CITY)
    said: set[tuple[int, int, float]] = set()
    for a, b in zip([0, *cuts], [*cuts, 401], strict=True):
        window = ("channel:a", start + a * 10_000, rate, signal[a:b])
        batch = decode_windows([window], "k", "s", CHANNELS, NOW, NOW).batch
        done = made.condense(batch, NOW)
        said |= set(zip(done.channel.tolist(), done.event_time.tolist(), done.value.tolist(), strict=True))
    parts = signal[:400].reshape(4, 100)
    wanted = {(20, start + (n + 1) * SECOND, float(np.sqrt(np.mean(p * p)))) for n, p in enumerate(parts)}
    wanted |= {
        (21, start + (n + 1) * 2 * SECOND, float(signal[n * 200 : n * 200 + 200].max())) for n in range(2)
    }
    assert [row[:2] for row in sorted(said)] == [row[:2] for row in sorted(wanted)]
    assert [row[2] for row in sorted(said)] == pytest.approx([row[2] for row in sorted(wanted)])


def test_a_statistic_channel_may_be_fed_by_its_own_name():
    channels = {
        "channel:alone": ChannelRow(number=22, key="channel:alone", group="g", source="s", quantity="q")
    }
    start = NOW - NOW % SECOND - 10 * SECOND
    window = ("channel:alone", start, 2.0, np.array([1.0, 3.0, 5.0]))
    batch = decode_windows([window], "k", "s", channels, NOW, NOW).batch
    done = Statistics(CITY).condense(batch, NOW)
    assert (done.channel.tolist(), done.value.tolist()) == ([22], [2.0])
