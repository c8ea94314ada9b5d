"""Files as they come: encodings, zips, units, zones, swapped days; and no file that ends in a crash."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from liandong.adapters.files import read_batches, read_series
from liandong.adapters.files.members import encoding_of
from liandong.core.values.errors import BadInput, LiandongError, NotFound
from liandong.core.values.times import parse_time
from liandong.texts import text

DATA = Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
AT = parse_time("2026-05-01T08:00:00+08:00")


def put(folder: Path, data: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return made.getvalue()


LONG = "channel,time,value\nchannel:a,2026-05-01T08:00:00+08:00,1.5\nchannel:b,2026-05-01T08:00:01+08:00,\n"
WIDE = (
    "Time (-),FRC-01 [kN],DMS_CN (um\\m),\n2026-05-01 08:00:00.250,1,2,\n2026-05-01 08:00:01.000,NaN,-3e2,\n"
)


def test_a_long_table(tmp_path):
    a, b = read_series(put(tmp_path, LONG))
    assert (a.name, a.times.tolist(), a.values.tolist()) == ("channel:a", [AT], [1.5])
    assert (b.name, b.times.tolist()) == ("channel:b", [AT + 1_000_000]) and np.isnan(b.values).all()


def test_a_wide_table_with_units_and_a_comma_at_the_end(tmp_path):
    force, strain = read_series(put(tmp_path, WIDE))
    assert [(s.name, s.unit) for s in (force, strain)] == [("FRC-01", "kN"), ("DMS_CN", "um/m")]
    assert force.times.tolist() == [AT + 250_000, AT + 1_000_000]
    assert force.values[0] == 1.0 and np.isnan(force.values[1]) and strain.values.tolist() == [2.0, -300.0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_in_several_encodings(tmp_path, encoding):
    (one,) = read_series(put(tmp_path, "监测时间,水位（m）\n2026年5月1日 08:00:00,1.25\n".encode(encoding)))
    assert (one.name, one.unit, one.times.tolist(), one.values.tolist()) == ("水位", "m", [AT], [1.25])


def test_latin_1_is_told_from_gb18030(tmp_path):
    raw = "time;T (\xb0C);eps (\xb5m/m)\n2026-05-01 08:00:00;1,5;-2,25\n".encode("latin-1")
    first, second = read_series(put(tmp_path, raw))
    assert (first.unit, second.unit) == ("°C", "µm/m") and second.values.tolist() == [-2.25]
    assert encoding_of("温度".encode()[:5]) == "utf-8-sig", "a sample may end within a character"


def test_zips_in_zips_under_any_name(tmp_path):
    inner = zipped(**{"x.csv.zip": LONG.encode()})
    path = put(tmp_path, zipped(**{"..__deep__a.csv.zip": WIDE.encode(), "b.bin": inner}), "all.zip")
    found = read_series(path)
    assert [s.name for s in found] == ["FRC-01", "DMS_CN", "channel:a", "channel:b"]
    assert found[2].file == "all.zip!b.bin!x.csv.zip"


@pytest.mark.parametrize(
    ("text_", "wanted"),
    [
        ("2026-05-01 08:00:00", "2026-05-01T08:00:00+08:00"),
        ("2026-05-01 08:00", "2026-05-01T08:00:00+08:00"),
        ("2026/5/1 8:00:00", "2026-05-01T08:00:00+08:00"),
        ("01.05.2026 08:00:00,5", "2026-05-01T08:00:00.5+08:00"),
        ("25/05/2026 08:00:00", "2026-05-25T08:00:00+08:00"),
        ("05/25/2026 08:00:00", "2026-05-25T08:00:00+08:00"),
        ("05/05/2026 08:00:00", "2026-05-05T08:00:00+08:00"),
        ("2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"),
        ("2026-05-01 08:00:00+0900", "2026-05-01T08:00:00+09:00"),
        ("2026-05-01", "2026-05-01T00:00:00+08:00"),
        ("1777593600", "2026-05-01T00:00:00Z"),
        ("1777593600000", "2026-05-01T00:00:00Z"),
        ("1777593600.25", "2026-05-01T00:00:00.25Z"),
    ],
)
def test_times_as_they_are_written(tmp_path, text_, wanted):
    (one,) = read_series(put(tmp_path, f'time,v\n"{text_}",1\n'))
    assert one.times.tolist() == [parse_time(wanted)]


def test_a_zone_with_two_offsets(tmp_path):
    path = put(tmp_path, "time,v\n2026-03-29 01:59:59,1\n2026-03-29 03:00:00,2\n2026-12-01 00:00:00,3\n")
    (one,) = read_series(path, zone="Europe/Berlin")
    zone = ZoneInfo("Europe/Berlin")
    wanted = [datetime(2026, 3, 29, 1, 59, 59), datetime(2026, 3, 29, 3), datetime(2026, 12, 1)]
    assert one.times.tolist() == [int(w.replace(tzinfo=zone).timestamp()) * 1_000_000 for w in wanted]


def test_day_and_month_are_put_right_by_the_name_and_it_is_said(tmp_path):
    rows = "time,v\n2022-11-04 23:59:59.897,1\n2022-12-04 00:00:01.000,2\n"
    (one,) = read_series(put(tmp_path, rows, "x_2022-04-11_y.csv"))
    assert one.times.tolist() == [
        parse_time("2022-04-11T23:59:59.897+08:00"), parse_time("2022-04-12T00:00:01+08:00")
    ]  # fmt: skip
    assert "2022-11-04" in one.note and "2022-04-11" in one.note
    (kept,) = read_series(put(tmp_path, rows, "x_2022-11-04.csv"))
    assert not kept.note and kept.times[0] == parse_time("2022-11-04T23:59:59.897+08:00")
    (other,) = read_series(put(tmp_path, rows, "x_2021-04-11.csv"))
    assert not other.note


def test_a_date_that_can_be_read_two_ways_is_refused_unless_the_name_tells(tmp_path):
    rows = "time,v\n04/11/2022 08:00:00,1\n"
    with pytest.raises(BadInput, match=r"file\.ambiguous_date"):
        read_series(put(tmp_path, rows))
    (one,) = read_series(put(tmp_path, rows, "2022-04-11.csv"))
    assert one.times[0] == parse_time("2022-04-11T08:00:00+08:00")


def test_parquet_in_both_layouts(tmp_path):
    moments = pa.array([AT, AT + 1], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"time": moments, "A [kN]": [1.0, None], "B": [1, 2]}), tmp_path / "w.parquet")
    a, b = read_series(tmp_path / "w.parquet")
    assert (a.name, a.unit, a.times.tolist()) == ("A", "kN", [AT, AT + 1]) and np.isnan(a.values[1])
    assert b.values.tolist() == [1.0, 2.0]
    naive = pa.array([AT + 8 * 3_600_000_000] * 2, pa.timestamp("us"))
    table = pa.table({"channel": ["y", "x"], "time": naive, "value": pa.array([1.0, 2.0], pa.float32())})
    pq.write_table(table, tmp_path / "l.parquet")
    assert [(s.name, s.times.tolist()) for s in read_series(tmp_path / "l.parquet")] == [
        ("y", [AT]),
        ("x", [AT]),
    ]
    (zipped_one, _) = read_series(put(tmp_path, zipped(x=(tmp_path / "l.parquet").read_bytes()), "p.zip"))
    assert zipped_one.name == "y"


def test_pieces_are_the_whole_and_progress_rises(tmp_path):
    lines = "".join(f"2026-05-01 08:{n // 60:02}:{n % 60:02},{n},{-n}\n" for n in range(500))
    path = put(tmp_path, "time,a,b\n" + lines)
    pieces = list(read_batches(path, rows=64))
    assert len(pieces) > 10 and [p.done for p in pieces] == sorted(p.done for p in pieces)
    assert pieces[-1].done == 1.0 and pieces[1].line == pieces[0].line + 32
    a, _ = read_series(path)
    assert a.values.tolist() == [float(n) for n in range(500)]


BAD = {
    "file.no_time_column": "a,b\n1,2\n",
    "file.no_value_column": "time\n2026-05-01 08:00:00\n",
    "file.column_twice": "time,a (m),a\n2026-05-01 08:00:00,1,2\n",
    "file.short_line": "time,a,b\n2026-05-01 08:00:00,1,2\n2026-05-01 08:00:00,1\n",
    "file.bad_time": "time,a\n2026-05-01 08:00:00,1\n2026-05-32 08:00:00,1\n",
    "file.not_a_number": "time,a\n2026-05-01 08:00:00,1\n2026-05-01 08:00:00,x\n",
    "file.not_a_table": "\n",
}


@pytest.mark.parametrize(("key", "content"), BAD.items())
def test_what_is_wrong_is_named_with_its_place(tmp_path, key, content):
    with pytest.raises(BadInput) as error:
        read_series(put(tmp_path, content))
    assert error.value.key == key and error.value.params["file"] == "file.csv"
    if key in ("file.short_line", "file.bad_time", "file.not_a_number"):
        assert error.value.params["line"] == 3
    for language in ("zh", "en"):
        assert "⟦" not in text(key, language, **error.value.params)


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1_000", "1e400", "0x10", "1 2"])
def test_what_python_takes_for_a_number_is_none_here(tmp_path, cell):
    with pytest.raises(BadInput, match=r"file\.not_a_number"):
        read_series(put(tmp_path, f"time,a\n2026-05-01 08:00:00,{cell}\n"))


def test_absent_files_and_zones_and_bombs(tmp_path, monkeypatch):
    with pytest.raises(NotFound):
        read_series(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="unknown_zone"):
        read_series(put(tmp_path, LONG), zone="Mars/Base")
    with pytest.raises(BadInput):
        read_series(tmp_path)
    monkeypatch.setattr("liandong.adapters.files.members.MOST_UNPACKED", 1000)
    bomb = zipped(**{"a.csv": WIDE.encode() + b"2026-05-01 08:00:00.250,1,2,\n" * 10_000})
    with pytest.raises(BadInput, match=r"file\.too_large"):
        read_series(put(tmp_path, bomb, "bomb.zip"))
    nested = zipped(a=zipped(a=zipped(a=zipped(a=b"x"))))
    with pytest.raises(BadInput, match=r"file\.nested_too_deep"):
        read_series(put(tmp_path, nested, "deep.zip"))


parquet = io.BytesIO()
pq.write_table(pa.table({"channel": ["a"] * 9, "time": [AT] * 9, "value": [1.0] * 9}), parquet)
WHOLE = [LONG.encode(), WIDE.encode(), zipped(a=LONG.encode(), b=WIDE.encode()), parquet.getvalue()]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WHOLE), st.data())
@example(b"time,v\n\x00,1\n", None)
@example(b'time,v\n"2026,1\n', None)
@example(b"PK\x03\x04", None)
@example(b"PAR1" * 5, None)
def test_damaged_files_are_read_or_refused(tmp_path, raw, data):
    damaged = bytearray(raw)
    if data is not None:
        for _ in range(data.draw(st.integers(1, 3))):
            start = data.draw(st.integers(0, len(damaged)))
            damaged[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        found = read_series(put(tmp_path, bytes(damaged)))
    except LiandongError:
        return
    assert all(len(s.times) == len(s.values) and not np.isinf(s.values).any() for s in found)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([b"", b"time,v\n", b"PK\x03\x04", b"PAR1", b"\xff\xfe"]))
def test_any_bytes(tmp_path, raw, start):
    try:
        read_series(put(tmp_path, start + raw))
    except LiandongError:
        return


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no shared data in {DATA} (LIANDONG_SHARED_DATA)")
def test_the_bridge_of_munich():
    folder = DATA / "munich_bridge"
    (strain,) = read_series(
        folder / "UniBw_2022-04-11_ref_support_load_01DMS_CNAt100Hz.csv.zip", zone="Europe/Berlin"
    )
    assert (strain.name, strain.unit, len(strain.times)) == ("DMS_CN", "um/m", 72_000) and strain.note
    air = read_series(folder / "TemperatureData2022-04-11.zip", zone="Europe/Berlin")
    beside = next(s for s in air if s.file.endswith("ref_load_01.csv"))
    # The thermometer and the strain gauge wrote their dates differently and ran at the same time.
    assert abs(int(beside.times[0]) - int(strain.times[0])) < 2_000_000 and not beside.note
    assert beside.unit == "°C"
