"""Positions and waveforms in the log: nothing is lost or changed, old bytes stay readable, damage is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.errors import Broken
from liandong.core.values.log import LogRecord, record_of
from liandong.core.values.readings import (
    POSITION_COLUMNS,
    WAVEFORM_COLUMNS,
    PositionBatch,
    ReadingBatch,
    WaveformBatch,
    columns_of,
)
from liandong.stores.readings import ReadingLog
from liandong.stores.readings.frames import HEAD_SIZE, decode_body, decode_head, encode
from tests.stores.readings.made import AT, message

GOLDEN = Path(__file__).parent / "golden"
SALT = 0x5EED


def positions(rows: int, names: tuple[str, ...] = ("车辆:1", "b")) -> LogRecord:
    columns = columns_of(
        POSITION_COLUMNS,
        rows,
        object=np.arange(rows) % len(names),
        event_time=AT + np.arange(rows),
        arrival_time=np.full(rows, AT + 9),
        lon=113 + np.arange(rows) / 7,
        lat=np.full(rows, -0.0),
        speed=np.full(rows, np.nan),
        heading=np.arange(rows) * 90.0,
        quality=np.full(rows, 0x8000_0000),
    )
    batch = PositionBatch(source="source:燃气", names=names, columns=columns)
    return record_of(batch, message_key="p1", arrival=AT + 7, raw="原文".encode())


def waveforms(counts: list[int], dtype: str = "<f4") -> LogRecord:
    columns = columns_of(
        WAVEFORM_COLUMNS,
        len(counts),
        channel=np.arange(len(counts)),
        start=AT + np.arange(len(counts)),
        rate=np.full(len(counts), 100.0),
        count=counts,
    )
    samples = (np.arange(sum(counts)) / 3).astype(dtype)
    batch = WaveformBatch(source="source:桥梁", columns=columns, samples=samples)
    return record_of(batch, message_key="w1", arrival=AT + 7, raw=b"\x00\xff")


def plain(record: LogRecord) -> tuple[object, ...]:
    held = record.content
    assert isinstance(held, PositionBatch | WaveformBatch)
    columns = [(name, column.dtype.str, column.tobytes()) for name, column in held.columns.items()]
    more = held.names if isinstance(held, PositionBatch) else (held.samples.dtype.str, held.samples.tobytes())
    return (record.source, record.kind, record.message_key, record.arrival, record.raw, columns, more)


def decode(data: bytes) -> LogRecord:
    head = decode_head(data, 0, SALT)
    assert head is not None
    return decode_body(head, data[HEAD_SIZE : head.size])


@pytest.mark.parametrize(
    "record",
    [positions(3), positions(0), positions(1000), waveforms([3, 0, 2]), waveforms([]), waveforms([5], "<f8")],
)
def test_a_record_comes_back_bit_by_bit(record: LogRecord) -> None:
    data = encode(record, row=4, synced=40, salt=SALT)
    assert plain(decode(data)) == plain(record)


def test_the_log_holds_all_kinds_side_by_side(tmp_path: Path) -> None:
    written = [message("r1"), positions(2), waveforms([4]), message("r2")]
    log = ReadingLog(tmp_path)
    log.append(written)
    log.close()
    again = ReadingLog(tmp_path)
    assert [record.kind for _, record in again.read()] == ["readings", "positions", "waveforms", "readings"]
    assert [key for _, key in again.keys(10)] == ["r1", "positions:p1", "waveforms:w1", "r2"]
    assert again.verify() == 4 and again.cut_bytes == 0
    again.close()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([positions(3), waveforms([3, 2])]), st.data())
def test_bodies_that_lie_give_broken_or_a_record(record: LogRecord, data: st.DataObject) -> None:
    """Also where the checksum is right: the bytes were written by a program that errs."""
    import zlib

    good = encode(record, row=0, synced=40, salt=SALT)
    head = decode_head(good, 0, SALT)
    assert head is not None
    body = bytearray(good[HEAD_SIZE:])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    rows = data.draw(st.sampled_from([head.rows, 0, 1, 2**31]))
    kind, version = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 3))
    lying = head._replace(rows=rows, kind=kind, version=version, body_crc=zlib.crc32(bytes(body)))
    try:
        decode_body(lying, bytes(body))
    except Broken:
        return


def test_a_record_holds_one_batch_of_its_kind() -> None:
    batch = positions(1).positions
    readings = ReadingBatch.from_columns("source:燃气", channel=[1])
    for fields in (
        {"kind": "positions"},
        {"kind": "readings", "positions": batch},
        {"kind": "advance", "positions": batch},
        {"kind": "positions", "positions": batch, "batch": readings},
        {"kind": "waveforms", "positions": batch},
        {"kind": "positions", "positions": batch, "source": "other"},
    ):
        with pytest.raises(TypeError):
            LogRecord(**{"source": "source:燃气", "message_key": "k", "arrival": 0, **fields})


# Golden: written once by version 2 through `golden_files`, and never again.


def golden_files() -> dict[str, bytes]:
    return {
        "positions_v2.bin": encode(positions(3), row=0, synced=40, salt=SALT),
        "waveforms_v2.bin": encode(waveforms([3, 0, 2]), row=1, synced=40, salt=SALT),
    }


def test_todays_writer_writes_the_golden_bytes() -> None:
    for name, data in golden_files().items():
        assert (GOLDEN / name).read_bytes() == data, name


def test_todays_reader_reads_the_golden_bytes() -> None:
    read = decode((GOLDEN / "positions_v2.bin").read_bytes())
    assert read.positions is not None and read.positions.names == ("车辆:1", "b")
    assert read.positions.columns["lon"].tolist() == [113.0, 113 + 1 / 7, 113 + 2 / 7]
    assert read.raw.decode() == "原文" and np.isnan(read.positions.columns["speed"]).all()
    waves = decode((GOLDEN / "waveforms_v2.bin").read_bytes()).waveforms
    assert waves is not None
    assert next((c, s - AT, r, x.tolist()) for c, s, r, x in waves.windows()) == (
        0,
        0,
        100.0,
        [0.0, float(np.float32(1 / 3)), float(np.float32(2 / 3))],
    )
