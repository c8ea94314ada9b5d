"""History answers as the log would, however much of it is compacted, and loses nothing on the way."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.errors import Broken, Fatal
from liandong.core.values.readings import POSITION_COLUMNS, PositionBatch, columns_of
from liandong.stores.readings.forgetful import ForgetfulFiles, PowerLost
from liandong.stores.readings.frames import LogRecord
from liandong.stores.readings.history import MOST_WAITING, History
from liandong.stores.readings.log import ReadingLog
from liandong.stores.readings.parquet import piece_of, tables_of
from tests.stores.readings.made import AT, advance, message

NAMES = {n: f"channel:c{n}" for n in range(5)}
HOUR = 3_600_000_000
Row = tuple[int, int, float, int]


def slow(log: ReadingLog, numbers: list[int], start: int, end: int) -> list[Row]:
    """By reading everything."""
    found: dict[tuple[int, int], tuple[int, float, int]] = {}
    for _, record in log.read():
        if record.batch is None:
            continue
        b = record.batch
        for n, t, v, q in zip(
            b.channel.tolist(), b.event_time.tolist(), b.value.tolist(), b.quality.tolist(), strict=True
        ):
            if n in numbers and start <= t < end:
                bits = int(np.float64(v).view(np.uint64))
                key = (n, t)
                if key not in found or bits < found[key][0]:
                    found[key] = (bits, v, q)
    return [(n, t, v, q) for (n, t), (_, v, q) in sorted(found.items())]


def fast(history: History, numbers: list[int], start: int, end: int) -> list[Row]:
    rows = history.rows(numbers, start, end)
    names = ("number", "event_time", "value", "quality")
    return list(zip(*(rows[name].tolist() for name in names), strict=True))


def oldest(log: ReadingLog, numbers: list[int]) -> dict[int, int]:
    """By reading everything."""
    rows = slow(log, numbers, -(1 << 60), 1 << 60)
    return {n: min(t for m, t, *_ in rows if m == n) for n in {row[0] for row in rows}}


def note(key: str, rows: list[tuple[int, int, float]]) -> LogRecord:
    return message(
        key, len(rows), channel=[r[0] for r in rows], event_time=[AT + r[1] for r in rows],
        value=[r[2] for r in rows],
    )  # fmt: skip


_rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 40), st.sampled_from([0.0, 1.5, -2.0, 7.25])), max_size=6
)
_step = st.one_of(_rows.map(lambda rows: ("append", rows)), st.sampled_from([("roll", []), ("compact", [])]))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(_step, max_size=12),
    numbers=st.lists(st.integers(0, 5), max_size=4),
    span=st.tuples(st.integers(-2, 42), st.integers(-2, 42)),
)
def test_it_answers_as_the_log_would_at_every_step(tmp_path_factory, steps, numbers, span):
    home = tmp_path_factory.mktemp("history")
    log = ReadingLog(home / "log", segment_bytes=400)
    history = History(log, home / "history", lambda: NAMES)
    start, end = AT + span[0], AT + span[1]
    for number, (what, rows) in enumerate(steps):
        if what == "append":
            log.append([note(f"k{number}", rows), advance(f"a{number}")])
        elif what == "roll":
            log.roll()
        else:
            history.compact()
            assert history.compacted() == set(log.closed())
        assert fast(history, numbers, start, end) == slow(log, numbers, start, end)
        assert history.first(numbers) == oldest(log, numbers)
    log.close()


def filled(home: Path, hours: int = 4, files: ForgetfulFiles | None = None) -> tuple[ReadingLog, History]:
    log = ReadingLog(home / "log", files)
    history = History(log, home / "history", lambda: NAMES, files)
    for hour in range(hours):
        log.append([note(f"h{hour}", [(n, hour * HOUR + n, hour + n / 10) for n in range(5)])])
        log.roll()
    return log, history


def test_the_oldest_reading_is_found_wherever_it_lies(tmp_path):
    """In the first file, in a later one because it came late, or in what is not compacted yet."""
    log = ReadingLog(tmp_path / "log")
    history = History(log, tmp_path / "history", lambda: NAMES)
    for number, rows in enumerate([[(0, 10), (1, 3)], [(0, 2), (2, 40)], [(2, 30), (3, 50)], [(3, 45)]]):
        log.append([note(f"k{number}", [(channel, at, 1.0) for channel, at in rows])])
        log.roll()
    history.compact()
    log.append([note("open", [(0, 7, 1.0), (1, 1, 1.0), (3, 60, 1.0)])])
    assert history.first([0, 1, 2, 3, 4]) == {0: AT + 2, 1: AT + 1, 2: AT + 30, 3: AT + 45}
    assert history.first([]) == {}


def test_parquet_is_sorted_named_by_its_span_and_any_tool_reads_it(tmp_path):
    log, history = filled(tmp_path)
    log.append([note("late", [(3, -5, 9.0), (1, 7 * HOUR, 8.0)])])
    log.roll()
    pieces = history.compact()
    assert [p.segment for p in pieces] == [1, 2, 3, 4, 5]
    assert (pieces[-1].first, pieces[-1].last) == (AT - 5, AT + 7 * HOUR)
    file = tmp_path / "history" / pieces[0].name
    found = duckdb.sql(f"select channel, number, event_time, value, source, row from '{file}'").fetchall()
    assert [row[0] for row in found] == [NAMES[n] for n in range(5)]
    assert str(found[0][2]) == "2026-01-01 00:00:00" and found[0][4] == "source:gas"


def test_positions_lie_beside_the_readings_and_keep_their_objects(tmp_path):
    log = ReadingLog(tmp_path / "log")
    columns = columns_of(
        POSITION_COLUMNS, 3, object=[1, 0, 1], event_time=[AT + 2, AT + 1, AT], lon=[113.1, 113.2, 113.3],
        lat=[23.0, 23.1, 23.2],
    )  # fmt: skip
    batch = PositionBatch(source="source:cars", names=("car:b", "car:a"), columns=columns)
    log.append(
        [LogRecord(source="source:cars", kind="positions", message_key="p", arrival=AT, positions=batch)]
    )
    log.roll()
    history = History(log, tmp_path / "history", lambda: NAMES)
    (piece,) = history.compact()
    assert piece.kind == "positions"
    file = tmp_path / "history" / piece.name
    found = duckdb.sql(f"select object_key, lon from '{file}'").fetchall()
    assert found == [("car:a", 113.3), ("car:a", 113.1), ("car:b", 113.2)]


def test_many_small_messages_become_few_tables_and_every_row_keeps_what_it_came_with(tmp_path, monkeypatch):
    monkeypatch.setattr("liandong.stores.readings.parquet._TOGETHER", 3)
    log = ReadingLog(tmp_path / "log")
    for n in range(10):
        log.append([message(f"r{n}", 2, source=f"source:{n % 2}", channel=[n % 5, 4], value=[n, -n])])
        cars = columns_of(POSITION_COLUMNS, 1, object=[0], event_time=[AT + n], lon=[n], lat=[23.0])
        batch = PositionBatch(source="source:cars", names=(f"car:{n}",), columns=cars)
        cars_at = {"kind": "positions", "message_key": f"p{n}", "arrival": AT, "positions": batch}
        log.append([LogRecord(source="source:cars", **cars_at)])
    tables = tables_of(log.segment(1), NAMES)
    assert [tables[kind]["row"].num_chunks for kind in ("readings", "positions")] == [4, 4]
    found = [tables["readings"][name].to_pylist() for name in ("row", "source", "channel", "value")]
    assert list(zip(*found, strict=True)) == [
        (2 * n, f"source:{n % 2}", f"channel:c{number}", value)
        for n in range(10)
        for number, value in ((n % 5, n), (4, -n))
    ]
    found = [tables["positions"][name].to_pylist() for name in ("row", "object_key", "lon")]
    assert list(zip(*found, strict=True)) == [(2 * n + 1, f"car:{n}", n) for n in range(10)]


def test_more_than_so_many_closed_segments_do_not_wait_for_their_hour(tmp_path):
    log, history = filled(tmp_path, MOST_WAITING)
    log.append([note("more", [(1, 1, 1.0)])])
    assert not history.crowded()
    log.roll()
    log.append([note("and more", [(1, 2, 1.0)])])
    assert history.crowded()
    history.compact()
    assert not history.crowded()


def test_what_was_compacted_may_leave_the_log_and_is_still_answered(tmp_path):
    log, history = filled(tmp_path)
    before = fast(history, [0, 1], AT, AT + 9 * HOUR)
    history.compact()
    assert log.forget(3) == [1, 2, 3]
    assert fast(history, [0, 1], AT, AT + 9 * HOUR) == before
    log.close()
    again = ReadingLog(tmp_path / "log")
    assert again.segments() == [4, 5]
    assert fast(History(again, tmp_path / "history", lambda: NAMES), [0, 1], AT, AT + 9 * HOUR) == before
    assert len(list(again.read())) == 1
    with pytest.raises(Broken, match=r"log\.gap"):
        list(again.read((1, 0)))


def test_the_last_segment_is_never_forgotten(tmp_path):
    log, _ = filled(tmp_path, 2)
    assert log.forget(99) == [1, 2] and log.segments() == [3]
    log.append([note("more", [(1, 1, 1.0)])])
    assert log.last == (3, 0)


def test_a_forgotten_piece_is_gone_and_is_not_made_again(tmp_path):
    _, history = filled(tmp_path, 2)
    for piece in history.compact():
        if piece.segment == 1:
            history.forget(piece)
    assert history.compact() == []
    assert [row[1] for row in fast(history, [0], AT, AT + 9 * HOUR)] == [AT + HOUR]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.randoms(use_true_random=False), st.sampled_from(["prefix", "sectors"]))
def test_power_lost_while_compacting_loses_and_doubles_nothing(fail_at, rng: random.Random, torn):
    home = Path("/data")
    log, _ = filled(home, 3, files := ForgetfulFiles())
    wanted = slow(log, [0, 3], AT, AT + 9 * HOUR)
    files.fail_at = fail_at
    with contextlib.suppress(PowerLost):
        History(log, home / "history", lambda: NAMES, files).compact()
    files.fail_at = None
    after = files.after_power_loss(rng, torn)
    again = ReadingLog(home / "log", after)
    history = History(again, home / "history", lambda: NAMES, after)
    done = history.compacted()
    # Whoever is marked done has its piece, whole.
    names = {p.segment: p for p in history.pieces()}
    assert done <= names.keys()
    for piece in names.values():
        assert after.read(home / "history" / piece.name)[-4:] == b"PAR1"
    history.compact()
    assert history.compacted() == set(again.closed()) == {1, 2, 3}
    assert slow(again, [0, 3], AT, AT + 9 * HOUR) == wanted


def test_a_disk_that_cannot_sync_is_fatal(tmp_path):
    files = ForgetfulFiles()
    _, history = filled(Path("/data"), 1, files)
    files.fail_sync_at = files.syncs + 1
    with pytest.raises(Fatal, match=r"history\.sync_failed"):
        history.compact()
    assert history.compacted() == set()


@given(st.text(max_size=60))
def test_other_files_are_left_alone(name):
    piece = piece_of(name)
    assert piece is None or piece.name == name


def test_thinning_keeps_first_last_lowest_and_highest_of_every_stretch_and_makes_no_value_up(tmp_path):
    log = ReadingLog(tmp_path / "log")
    history = History(log, tmp_path / "history", lambda: NAMES)
    rng = random.Random(7)
    rows = [(n, minute * 60_000_000, round(rng.uniform(0, 9), 2)) for n in range(2) for minute in range(300)]
    log.append([note("a", rows), advance("b")])
    log.roll()
    history.compact()
    whole = fast(history, [0, 1], AT, AT + 6 * HOUR)
    assert history.thin(AT + 5 * HOUR - 120_000_000, HOUR) == 0, "not old enough yet"
    assert history.thin(AT + 6 * HOUR, HOUR) == 1
    thin = fast(history, [0, 1], AT, AT + 6 * HOUR)
    assert set(thin) < set(whole) and len(thin) <= 2 * 6 * 4
    for n in (0, 1):
        for hour in range(6):

            def part(of: list[Row], n: int = n, hour: int = hour) -> list[Row]:
                return [row for row in of if row[0] == n and row[1] // HOUR == AT // HOUR + hour]

            before, after = part(whole), part(thin)
            if not before:
                continue
            assert (after[0], after[-1]) == (before[0], before[-1])
            assert min(r[2] for r in after) == min(r[2] for r in before)
            assert max(r[2] for r in after) == max(r[2] for r in before)
    assert history.thin(AT + 6 * HOUR, HOUR) == 0, "done once"
    (tmp_path / "history" / "0000000001.3600000000.thin").unlink()
    history.thin(AT + 6 * HOUR, HOUR)
    assert fast(history, [0, 1], AT, AT + 6 * HOUR) == thin, "killed before the mark: again, to the same"
