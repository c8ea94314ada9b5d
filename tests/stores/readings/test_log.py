"""The log on a real disk: order, look-ups, segments, torn tails and damage."""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.errors import BadInput, Broken, Fatal, NotFound
from liandong.stores.readings import segments
from liandong.stores.readings.forgetful import ForgetfulFiles
from liandong.stores.readings.frames import MAGIC, LogRecord, encode
from liandong.stores.readings.log import Position, ReadingLog
from tests.stores.readings.made import advance, keys_of, message, plain, records


def fill(folder: Path, appends: int = 6, segment_bytes: int = 550) -> list[Position]:
    """Appends of two records each, over several segments."""
    log = ReadingLog(folder, segment_bytes=segment_bytes)
    positions = []
    for n in range(appends):
        positions += log.append([message(f"m{2 * n}"), message(f"m{2 * n + 1}")])
    log.close()
    return positions


def test_an_empty_log(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path / "a" / "log")
    assert (log.last, log.keys(9), list(log.read()), log.append([]), log.cut_bytes) == (None, [], [], [], 0)
    assert ReadingLog(tmp_path / "a" / "log").last is None


@given(st.lists(st.lists(records(), max_size=4), max_size=6), st.integers(100, 2000))
def test_everything_comes_back_in_order_also_after_reopening(
    appends: list[list[LogRecord]], segment_bytes: int
) -> None:
    files, folder = ForgetfulFiles(), Path("/log")
    log = ReadingLog(folder, files, segment_bytes)
    positions = [position for group in appends for position in log.append(group)]
    wanted = [(at, plain(record)) for at, record in zip(positions, chain(*appends), strict=True)]
    assert positions == sorted(set(positions))
    for opened in (log, ReadingLog(folder, files, segment_bytes)):
        assert [(at, plain(record)) for at, record in opened.read()] == wanted
        assert opened.last == (positions[-1] if positions else None)
        for index, at in enumerate(positions):
            assert plain(opened.get(at)) == wanted[index][1]
            assert [p for p, _ in opened.read(at)] == positions[index + 1 :]


def test_segments_roll_and_are_read_through(tmp_path: Path) -> None:
    positions = fill(tmp_path)
    assert len(list(tmp_path.glob("*.log"))) == 3
    log = ReadingLog(tmp_path, segment_bytes=550)
    assert keys_of(log.read()) == [f"m{n}" for n in range(12)]
    assert [at for at, _ in log.read()] == positions
    assert log.verify() == 12


def test_a_plain_tuple_is_a_position(tmp_path: Path) -> None:
    fill(tmp_path)
    log = ReadingLog(tmp_path)
    assert log.get((1, 1)).message_key == "m1"
    assert keys_of(log.read((1, 1)))[0] == "m2"


def test_unknown_positions(tmp_path: Path) -> None:
    fill(tmp_path)
    log = ReadingLog(tmp_path)
    for at in ((0, 0), (1, 99), (1, -1), (9, 0), (3, 50)):
        with pytest.raises(NotFound):
            log.get(at)
        with pytest.raises(Broken, match=r"log\.gap"):
            log.read(at)


def test_old_segments_may_be_taken_away(tmp_path: Path) -> None:
    positions = fill(tmp_path)
    segments.path_of(tmp_path, 1).unlink()
    log = ReadingLog(tmp_path)
    last_gone = max(at for at in positions if at.segment == 1)
    assert [at for at, _ in log.read(last_gone)] == [at for at in positions if at.segment > 1]
    with pytest.raises(Broken, match=r"log\.gap"):
        log.read((1, 0))


def test_keys_are_the_newest_messages_across_segments(tmp_path: Path) -> None:
    fill(tmp_path)
    log = ReadingLog(tmp_path)
    log.append([advance(), message("x", source="source:b")])
    assert log.keys(4) == [
        ("source:gas", "m9"),
        ("source:gas", "m10"),
        ("source:gas", "m11"),
        ("source:b", "x"),
    ]
    assert len(log.keys(100)) == 13
    assert log.keys(0) == []


def test_find_wants_channel_and_time_in_one_row(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path)
    log.append([
        message("a", channel=np.array([1, 2]), event_time=np.array([100, 200])),
        message("b", channel=np.array([2, 1]), event_time=np.array([100, 300])),
        advance(),
    ])  # fmt: skip
    assert keys_of(log.find(1, 100, 300)) == ["a"]
    assert keys_of(log.find(1, 100, 301)) == ["a", "b"]
    assert keys_of(log.find(2, 101, 200)) == []


def test_a_record_that_cannot_be_written_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path)
    with pytest.raises(BadInput):
        log.append([message("good"), advance("\ud800")])
    assert log.append([message("next")]) == [(1, 0)]
    assert keys_of(ReadingLog(tmp_path).read()) == ["next"]


def test_reading_goes_on_until_it_has_caught_up(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path, segment_bytes=550)
    log.append([message("0")])
    seen = []
    for _, record in log.read():
        seen.append(record.message_key)
        if len(seen) < 9:
            log.append([message(str(len(seen)))])
    assert seen == [str(n) for n in range(9)]


def test_a_closed_log_still_reads(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path)
    log.append([message("a")])
    log.close()
    log.close()
    assert keys_of(log.read()) == ["a"]
    with pytest.raises(Fatal):
        log.append([message("b")])


def test_large_records_are_looked_up_from_marks(tmp_path: Path) -> None:
    log = ReadingLog(tmp_path, segment_bytes=3_000_000)
    positions = []
    for n in range(60):
        positions += log.append([message(f"m{n}", raw=bytes(70_000 + 5_000 * (n % 9)))])
    again = ReadingLog(tmp_path)
    for n in (59, 0, 31, 30, 45, 7):
        assert again.get(positions[n]).message_key == log.get(positions[n]).message_key == f"m{n}"


def test_marks_of_so_many_segments_are_kept_and_every_record_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liandong.stores.readings.log.MARKED_SEGMENTS", 3)
    log = ReadingLog(tmp_path, segment_bytes=550)
    positions = [position for n in range(20) for position in log.append([message(f"m{n}")])]
    assert len(log.segments()) == 5
    assert len(log._marks) == 3
    assert [log.get(position).message_key for position in positions] == [f"m{n}" for n in range(20)]
    assert len(log._marks) == 3
    log.append([message("next")])
    assert keys_of(log.read(positions[-1])) == ["next"]


# Torn tails and damage


def one_segment(folder: Path) -> tuple[Path, list[int]]:
    """Three appends of one record; the file, and where each record begins and the last ends."""
    log = ReadingLog(folder)
    path = segments.path_of(folder, 1)
    ends = [path.stat().st_size]
    for key in "abc":
        log.append([message(key)])
        ends.append(path.stat().st_size)
    log.close()
    return path, ends


def test_a_tail_torn_at_any_byte_is_cut_and_appending_goes_on(tmp_path: Path) -> None:
    path, ends = one_segment(tmp_path / "log")
    whole = path.read_bytes()
    for length in range(ends[2], ends[3]):
        path.write_bytes(whole[:length])
        log = ReadingLog(tmp_path / "log")
        assert log.cut_bytes == length - ends[2]
        assert path.stat().st_size == ends[2]
        assert log.append([message("d")]) == [(1, 2)]
        log.close()
        assert keys_of(ReadingLog(tmp_path / "log").read()) == ["a", "b", "d"]


def test_a_tail_of_zeros_or_rubbish_is_cut(tmp_path: Path) -> None:
    path, ends = one_segment(tmp_path)
    whole = path.read_bytes()
    for tail in (bytes(5000), b"LDrf" * 100, np.random.default_rng(1).bytes(5000)):
        path.write_bytes(whole + tail)
        log = ReadingLog(tmp_path)
        assert (log.cut_bytes, log.last) == (len(tail), (1, 2))
        assert path.stat().st_size == ends[3]


def test_damage_before_the_last_append_is_broken_and_names_the_place(tmp_path: Path) -> None:
    path, ends = one_segment(tmp_path)
    whole = path.read_bytes()
    for at in range(ends[0], ends[2]):
        bad = bytearray(whole)
        bad[at] ^= 0x10
        path.write_bytes(bad)
        with pytest.raises(Broken, match=r"log\.corrupt") as caught:
            ReadingLog(tmp_path)
        assert caught.value.params["segment"] == 1
        assert caught.value.params["offset"] == (ends[0] if at < ends[1] else ends[1])
        assert path.read_bytes() == bad


def test_a_damaged_head_of_a_filled_segment_is_broken(tmp_path: Path) -> None:
    path, ends = one_segment(tmp_path)
    whole = path.read_bytes()
    for at in range(ends[0]):
        bad = bytearray(whole)
        bad[at] ^= 1
        path.write_bytes(bad)
        with pytest.raises(Broken):
            ReadingLog(tmp_path)


def test_damage_in_an_older_segment_is_found_when_read(tmp_path: Path) -> None:
    fill(tmp_path / "good")
    size = segments.path_of(tmp_path / "good", 2).stat().st_size
    for at in range(segments.HEAD_SIZE, size, 7):
        folder = tmp_path / str(at)
        shutil.copytree(tmp_path / "good", folder)
        path = segments.path_of(folder, 2)
        bad = bytearray(path.read_bytes())
        bad[at] ^= 1
        path.write_bytes(bad)
        with pytest.raises(Broken, match=r"log\.corrupt") as caught:
            ReadingLog(folder).verify()
        assert caught.value.params["segment"] == 2


def test_swapped_records_are_broken(tmp_path: Path) -> None:
    for name, segment in (("older", 1), ("last", 3)):
        fill(tmp_path / name)
        path = segments.path_of(tmp_path / name, segment)
        whole = path.read_bytes()
        second = whole.index(MAGIC, segments.HEAD_SIZE + 1)
        third = whole.find(MAGIC, second + 1)
        third = third if third > 0 else len(whole)
        head, first = whole[: segments.HEAD_SIZE], whole[segments.HEAD_SIZE : second]
        path.write_bytes(head + whole[second:third] + first + whole[third:])
        with pytest.raises(Broken, match=r"log\.corrupt") as caught:
            ReadingLog(tmp_path / name).verify()
        assert caught.value.params["segment"] == segment


def test_a_shortened_lengthened_missing_or_swapped_segment_is_broken_on_opening(tmp_path: Path) -> None:
    def spoilt(name: str) -> tuple[Path, Path]:
        fill(tmp_path / name)
        return tmp_path / name, segments.path_of(tmp_path / name, 2)

    folder, path = spoilt("short")
    path.write_bytes(path.read_bytes()[:-1])
    folder2, path2 = spoilt("long")
    path2.write_bytes(path2.read_bytes() + b"x")
    folder3, path3 = spoilt("missing")
    path3.unlink()
    folder4, path4 = spoilt("swapped")
    shutil.copy(segments.path_of(folder4, 1), path4)
    for bad in (folder, folder2, folder3, folder4):
        with pytest.raises(Broken, match=r"log\.corrupt") as caught:
            ReadingLog(bad)
        assert caught.value.params["segment"] == 2


def test_a_message_that_looks_like_a_frame_does_not_stop_the_opening(tmp_path: Path) -> None:
    """The raw bytes hold a perfect frame, but without the segment's salt."""
    log = ReadingLog(tmp_path)
    path = segments.path_of(tmp_path, 1)
    hostile = encode(message("fake"), row=1, synced=path.stat().st_size + 60, salt=0)
    log.append([message("real", raw=hostile * 50)])
    log.close()
    path.write_bytes(path.read_bytes()[:-1])
    log = ReadingLog(tmp_path)
    assert log.last is None and log.cut_bytes > 0


def test_a_record_of_a_newer_version_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ReadingLog(tmp_path)
    with monkeypatch.context() as newer:
        newer.setattr("liandong.stores.readings.frames.VERSION", 9)
        log.append([message("from the future")])
    with pytest.raises(Broken, match="version 9"):
        ReadingLog(tmp_path)


@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_as_a_segment_are_cut_or_broken(data: bytes, with_head: bool) -> None:
    files, folder = ForgetfulFiles(), Path("/log")
    handle = files.open(segments.path_of(folder, 1))
    files.write(handle, (segments.SegmentHead(1, 5, 0, 0).encode() if with_head else b"") + data, 0)
    try:
        log = ReadingLog(folder, files)
    except Broken:
        assert not with_head
    else:
        assert log.last is None
        assert log.append([message("a")]) == [(1, 0)]


def test_a_look_touches_nothing_and_cannot_append(tmp_path: Path) -> None:
    """Somebody who looks while another process appends must neither cut nor rewrite its tail."""
    log = ReadingLog(tmp_path / "log")
    log.append([message("one"), message("two")])
    path = next((tmp_path / "log").iterdir())
    torn = path.read_bytes() + b"LDrf half of an append on its way"
    path.write_bytes(torn)
    looking = ReadingLog(tmp_path / "log", read_only=True)
    assert keys_of(looking.read()) == ["one", "two"]
    with pytest.raises(Fatal):
        looking.append([message("three")])
    looking.close()
    assert path.read_bytes() == torn
    assert list(ReadingLog(tmp_path / "none", read_only=True).read()) == []
    assert not (tmp_path / "none").exists()
