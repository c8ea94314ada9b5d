"""Arrow streams: what a library writes is read, and whatever else comes is refused in words."""

from __future__ import annotations

import io
import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.http import arrow
from liandong.core.values.errors import BadInput
from liandong.texts import text

AT = 1_777_593_600_000_000
UTC = pa.timestamp("us", "UTC")


def stream(columns: dict[str, pa.Array], id: str = "", batches: int = 1, **options: object) -> bytes:
    fields = [(name, column.type) for name, column in columns.items()]
    schema = pa.schema(fields, metadata={"id": id} if id else None)
    out = io.BytesIO()
    with pa.ipc.new_stream(out, schema, **options) as writer:
        for _ in range(batches):
            writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
    return out.getvalue()


def readings(channel: pa.Array | None = None, time: pa.Array | None = None, value: pa.Array | None = None):
    return {
        "channel": pa.array(["a", "b", "a"]) if channel is None else channel,
        "time": pa.array([AT, AT + 1, None], UTC) if time is None else time,
        "value": pa.array([1.5, None, float("nan")]) if value is None else value,
    }


CHANNELS = [
    pa.array(["a", "b", "a"]),
    pa.array(["a", "b", "a"], pa.large_string()),
    pa.array(["a", "b", "a"]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), pa.array(["a", "b"])),
]
TIMES = [
    pa.array([AT, AT + 1_000_000, None], UTC),
    pa.array([AT, AT + 1_000_000, None], pa.int64()),
    pa.array([AT * 1000, (AT + 1_000_000) * 1000, None], pa.timestamp("ns", "Asia/Shanghai")),
    pa.array([AT // 1000, AT // 1000 + 1000, None], pa.timestamp("ms", "UTC")),
    pa.array([AT // 10**6, AT // 10**6 + 1, None], pa.timestamp("s", "+08:00")),
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_every_encoding_of_the_same_rows(channel, time, kind):
    raw = stream(readings(channel, time, pa.array([1.5, None, float("nan")], kind)), "m1", batches=2)
    id, columns = arrow.read_readings(raw)
    assert id == "m1" and columns.names is not None and columns.no_time is not None
    assert [columns.names[place] for place in columns.channel] == ["a", "b", "a"] * 2
    assert columns.time[[0, 1]].tolist() == [AT, AT + 1_000_000]
    assert columns.no_time.tolist() == [False, False, True] * 2
    assert columns.value[0] == 1.5 and np.isnan(columns.value[[1, 2]]).all()


def test_registry_numbers_and_dictionaries_that_change():
    _, columns = arrow.read_readings(stream(readings(pa.array([7, None, 9], pa.int32()))))
    assert columns.names is None and columns.channel.tolist() == [7, -1, 9]
    out = io.BytesIO()
    first = pa.record_batch(readings(pa.array(["a", "b", None]).dictionary_encode()))
    second = pa.record_batch(readings(pa.array(["c", "a", "c"]).dictionary_encode()))
    with pa.ipc.new_stream(out, first.schema) as writer:
        writer.write_batch(first)
        writer.write_batch(second)
    _, columns = arrow.read_readings(out.getvalue())
    assert columns.names is not None
    said = [columns.names[place] if place >= 0 else None for place in columns.channel]
    assert said == ["a", "b", None, "c", "a", "c"]


def test_none_at_all():
    empty = {
        "channel": pa.array([], pa.string()),
        "time": pa.array([], UTC),
        "value": pa.array([], pa.float64()),
    }
    for batches in (0, 1):
        _, columns = arrow.read_readings(stream(empty, batches=batches))
        assert len(columns.channel) == len(columns.time) == len(columns.value) == 0


def bomb() -> bytes:
    """A batch that claims more rows than it has bytes for."""
    raw = bytearray(stream(readings()))
    at = raw.index(struct.pack("<q", 3))
    raw[at : at + 8] = struct.pack("<q", 1 << 40)
    return bytes(raw)


good = stream(readings())
BAD = {
    "arrow.truncated": [good[:-8], good[: len(good) // 2], b"", b"\0" * 8],
    "arrow.compressed": [
        stream(readings(), options=pa.ipc.IpcWriteOptions(compression=codec)) for codec in ("lz4", "zstd")
    ],
    "arrow.wrong_columns": [
        stream({"channel": pa.array(["a"])}),
        stream(readings() | {"more": pa.array([1, 2, 3])}),
    ],
    "arrow.wrong_type": [
        stream(readings(channel=pa.array([1.0, 2.0, 3.0]))),
        stream(readings(value=pa.array(["1", "2", "3"]))),
        stream(readings(time=pa.array(["x", "y", "z"]))),
        stream(readings(value=pa.array([[1.0], [2.0], [3.0]]))),
        stream(readings(value=pa.array([{"a": 1}] * 3))),
        stream(readings(channel=pa.nulls(3))),
    ],
    "arrow.naive_time": [stream(readings(time=pa.array([AT, AT, AT], pa.timestamp("us"))))],
    "arrow.too_many_messages": [],
    "batch.too_large": [bomb(), b"\0" * (8 * 1024 * 1024 + 1)],
    "arrow.malformed": [
        arrow._END,
        b"ARROW1\0\0" + arrow._END,
        b"\xff\xff\xff\xff\xff\xff\xff\x7f" + arrow._END,
    ],
}


@pytest.mark.parametrize(("key", "raw"), [(key, raw) for key, raws in BAD.items() for raw in raws])
def test_what_is_wrong_is_said(key, raw):
    with pytest.raises(BadInput) as error:
        arrow.read_readings(raw)
    assert error.value.key == key
    for language in ("zh", "en"):
        assert "⟦" not in text(key, language, **error.value.params)


def test_a_huge_dictionary_and_many_batches_are_refused(monkeypatch):
    monkeypatch.setattr(arrow, "MOST_ROWS", 100)
    big = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array([str(n) for n in range(101)]))
    with pytest.raises(BadInput, match=r"batch\.too_large"):
        arrow.read_readings(stream(readings(big)))
    with pytest.raises(BadInput, match=r"batch\.too_large"):
        arrow.read_readings(stream(readings(), batches=34))
    monkeypatch.setattr(arrow, "MOST_MESSAGES", 5)
    with pytest.raises(BadInput, match=r"arrow\.too_many_messages"):
        arrow.read_readings(stream(readings(), batches=9))


def test_an_index_beyond_its_dictionary_is_refused():
    wild = pa.DictionaryArray.from_arrays(pa.array([0, 77, 2]), pa.array(["a", "b", "c"]), safe=False)
    with pytest.raises(BadInput, match=r"arrow\.malformed"):
        arrow.read_readings(stream(readings(wild)))


POSITIONS = {
    "object": pa.array(["truck:1", "truck:2"]),
    "time": pa.array([AT, AT], UTC),
    "lon": pa.array([113.1, 113.2]),
    "lat": pa.array([23.0, 23.1]),
    "speed": pa.array([5.0, None]),
}
WAVES = {
    "channel": pa.array(["a", "b"]),
    "start": pa.array([AT, AT], UTC),
    "rate": pa.array([100.0, 50.0]),
    "samples": pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32())),
}


def test_positions_and_waveforms():
    _, columns = arrow.read_positions(stream(POSITIONS))
    assert columns.numbers["lon"].tolist() == [113.1, 113.2] and np.isnan(columns.numbers["altitude"]).all()
    _, windows = arrow.read_waveforms(stream(WAVES))
    assert [(key, start, rate, s.tolist()) for key, start, rate, s in windows] == [
        ("a", AT, 100.0, [1.0, 2.0]),
        ("b", AT, 50.0, [3.0]),
    ]
    with pytest.raises(BadInput, match=r"arrow\.wrong_columns"):
        arrow.read_positions(stream({k: v for k, v in POSITIONS.items() if k != "lon"}))
    with pytest.raises(BadInput, match=r"arrow\.wrong_type"):
        arrow.read_waveforms(stream(WAVES | {"samples": pa.array([1.0, 2.0])}))


WHOLE = [
    stream(readings(CHANNELS[2]), "x", 2),
    stream(readings()),
    stream(POSITIONS),
    stream(WAVES),
    stream(readings(), options=pa.ipc.IpcWriteOptions(compression="zstd")),
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_damaged_streams_are_read_or_refused(raw, data):
    damaged = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        damaged[start : start + len(piece)] = piece
    if data.draw(st.booleans()):
        damaged[-8:] = arrow._END
    for read in (arrow.read_readings, arrow.read_positions, arrow.read_waveforms):
        try:
            read(bytes(damaged))
        except BadInput as error:
            assert all(len(str(value)) <= 200 for value in error.params.values())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes(raw, cut):
    for whole in (raw, good[:cut] + raw):
        for end in (b"", arrow._END):
            try:
                arrow.read_readings(whole + end)
            except BadInput:
                continue
