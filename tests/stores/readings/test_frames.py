"""The codec: nothing is lost or changed, and no bytes whatever raise anything but Broken."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.errors import BadInput, Broken
from liandong.core.values.readings import ReadingBatch
from liandong.stores.readings import frames, segments
from liandong.stores.readings.frames import HEAD_SIZE, LogRecord, decode_body, decode_head, encode
from liandong.stores.readings.segments import SegmentHead
from tests.stores.readings.made import AT, advance, message, plain, records

GOLDEN = Path(__file__).parent / "golden"
SALT = 0x5EED


def decode(data: bytes, salt: int = SALT) -> LogRecord:
    head = decode_head(data, 0, salt)
    assert head is not None
    return decode_body(head, data[HEAD_SIZE : head.size])


@given(records(), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_record_comes_back_bit_by_bit(record: LogRecord, row: int, salt: int) -> None:
    data = encode(record, row=row, synced=40, salt=salt)
    head = decode_head(data, 0, salt)
    assert head is not None
    assert (head.row, head.synced, head.size) == (row, 40, len(data))
    assert plain(decode(data, salt)) == plain(record)


def test_decoded_columns_are_aligned_and_writable() -> None:
    batch = decode(encode(message("k", 3, source="s"), row=0, synced=40, salt=SALT)).batch
    assert batch is not None
    assert batch.value.flags.aligned and batch.value.flags.writeable and batch.quality.flags.writeable


def test_constant_columns_take_one_value_and_keep_nan_and_signed_zero() -> None:
    for value in (math.nan, -0.0):
        record = message(
            "k", 1000, event_time=np.full(1000, AT), value=np.full(1000, value), channel=np.zeros(1000)
        )
        data = encode(record, row=0, synced=40, salt=SALT)
        assert len(data) < 200
        assert plain(decode(data)) == plain(record)
    mixed = message("k", 2, value=np.array([0.0, -0.0]))
    assert plain(decode(encode(mixed, row=0, synced=40, salt=SALT))) == plain(mixed)


def test_what_cannot_be_written_is_refused() -> None:
    for bad in (
        advance("\ud800"),
        advance("k" * 70_000),
        advance(watermark=2**63),
        LogRecord(source="s", kind="advance", message_key="k", arrival=-(2**63) - 1),
    ):
        with pytest.raises(BadInput):
            encode(bad, row=0, synced=40, salt=SALT)


def test_a_body_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_BODY", 100)
    with pytest.raises(BadInput, match=r"log\.record_too_large"):
        encode(message("k", raw=bytes(101)), row=0, synced=40, salt=SALT)


def test_a_record_says_what_it_is() -> None:
    batch = ReadingBatch.from_columns("other", channel=[1])
    for fields in (
        {"kind": "readings", "batch": None},
        {"kind": "advance", "batch": batch, "source": "other"},
        {"kind": "readings", "batch": batch},
        {"kind": "else", "batch": None},
    ):
        with pytest.raises(TypeError):
            LogRecord(**{"source": "s", "message_key": "k", "arrival": 0, **fields})


@given(records(), st.data())
def test_one_flipped_bit_is_always_seen(record: LogRecord, data: st.DataObject) -> None:
    good = encode(record, row=0, synced=40, salt=SALT)
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    head = decode_head(bytes(bad), 0, SALT)
    if head is not None:
        with pytest.raises(Broken):
            decode_body(head, bytes(bad[HEAD_SIZE:]))


def test_a_frame_of_another_segment_is_not_ours() -> None:
    assert decode_head(encode(advance(), row=0, synced=40, salt=SALT), 0, SALT + 1) is None


@given(st.binary(max_size=300), st.integers(0, 10))
def test_random_bytes_are_no_frame(data: bytes, offset: int) -> None:
    assert decode_head(data, offset, SALT) is None
    assert decode_head(frames.MAGIC + data, 0, SALT) is None


_small = st.integers(0, 40)


@given(
    body=st.binary(max_size=120),
    fields=st.tuples(
        st.integers(0, 2), st.integers(0, 3), st.integers(0, 255), _small, _small, _small, _small
    ),
    fit=st.booleans(),
)
def test_a_head_that_lies_gives_broken_or_a_record(body: bytes, fields: tuple[int, ...], fit: bool) -> None:
    version, kind, constant, rows, raw, source, key = fields
    if fit:  # so that many get past the sum of the lengths
        version, constant, rows, raw = 1, 0, 0, max(len(body) - source - key, 0)
    head = frames.Head(
        frames.MAGIC,
        version,
        kind,
        constant,
        len(body),
        0,
        40,
        0,
        0,
        rows,
        raw,
        source,
        key,
        zlib.crc32(body),
    )
    try:
        record = decode_body(head, body)
    except Broken:
        return
    assert len(record.raw) == raw


# Golden: written once by version 1 through `golden_files`, and never again.


def golden_files() -> dict[str, bytes]:
    quality = np.array([0, 1, 0x8000_0000], np.uint32)
    readings = message(
        "报文-0001",
        3,
        source="source:燃气",
        raw='{"浓度": [20.5, null, -0.0]}'.encode(),
        channel=np.array([7, -1, 2**31 - 1]),
        arrival_time=np.full(3, AT + 5),
        value=np.array([20.5, 0.0, -0.0]),
        quality=quality,
    )
    tick = advance("tick:17", AT + 60_000_000, source="source:燃气")
    head = SegmentHead(2, SALT, 9, 4242).encode()
    first = encode(readings, row=0, synced=len(head), salt=SALT)
    second = encode(tick, row=1, synced=len(head), salt=SALT)
    return {"segment_v1.bin": head, "readings_v1.bin": first, "advance_v1.bin": second}


def test_todays_writer_writes_the_golden_bytes() -> None:
    for name, data in golden_files().items():
        assert (GOLDEN / name).read_bytes() == data, name


def test_todays_reader_reads_the_golden_bytes() -> None:
    assert segments.decode_head((GOLDEN / "segment_v1.bin").read_bytes()) == SegmentHead(2, SALT, 9, 4242)
    record = decode((GOLDEN / "readings_v1.bin").read_bytes())
    assert (record.source, record.message_key, record.arrival) == ("source:燃气", "报文-0001", AT + 7)
    assert record.raw.decode() == '{"浓度": [20.5, null, -0.0]}'
    assert record.batch is not None
    assert record.batch.channel.tolist() == [7, -1, 2**31 - 1]
    assert record.batch.event_time.tolist() == [AT, AT + 1, AT + 2]
    assert record.batch.arrival_time.tolist() == [AT + 5] * 3
    assert str(record.batch.value.tolist()) == "[20.5, 0.0, -0.0]"
    assert record.batch.quality.tolist() == [0, 1, 0x8000_0000]
    assert record.batch.message.tolist() == [0, 0, 0]
    tick = decode((GOLDEN / "advance_v1.bin").read_bytes())
    assert (tick.kind, tick.message_key, tick.watermark) == ("advance", "tick:17", AT + 60_000_000)
    assert tick.batch is None and tick.raw == b""
