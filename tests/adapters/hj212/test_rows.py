"""Which readings a frame of HJ 212 is, and how uploads in several packets come together."""

from __future__ import annotations

import pytest

from liandong.adapters import hj212
from liandong.adapters.hj212.parts import MOST_WAITING, Parts
from liandong.adapters.hj212.rows import key_of
from liandong.core.ingest import DeviceRow
from liandong.core.values.times import SECOND
from liandong.sim.frames import hj212_frame
from tests.adapters.hj212.test_codec import ZONE, sealed
from tests.app.machine import START


def frame_of(raw: bytes) -> hj212.Frame:
    return hj212.decode(raw, ZONE)


def test_every_value_of_every_item_is_a_row() -> None:
    raw = hj212_frame("M", START, {"a01006-Avg": 101.85, "a01006-Min": 101.84, "w-Cou": 3}, cn="2051")
    assert hj212.rows_of(frame_of(raw)) == (
        DeviceRow("M", "a01006-Avg", START, 101.85),
        DeviceRow("M", "a01006-Min", START, 101.84),
        DeviceRow("M", "w-Cou", START, 3.0),
    )


@pytest.mark.parametrize(
    ("mark", "value"),
    [("N", 5.0), ("T", 5.0), *((m, None) for m in ["F", "M", "S", "D", "C", "B", "n", "?"])],
)
def test_data_marks(mark: str, value: float | None) -> None:
    """A value beyond the upper limit is a measurement, and the one that matters most."""
    raw = hj212_frame("M", START, {"a05002-Rtd": 5}, marks={"a05002": mark})
    assert [r.value for r in hj212.rows_of(frame_of(raw))] == [value]


def test_what_is_no_number_is_a_row_without_a_value() -> None:
    assert [r.value for r in hj212.rows_of(frame_of(hj212_frame("M", START, {"a-Rtd": "--"})))] == [None]


@pytest.mark.parametrize("cn", ["1062", "9012", "3020"])
def test_only_uploads_of_data_are_readings(cn: str) -> None:
    assert hj212.rows_of(frame_of(hj212_frame("M", START, {"a-Rtd": 1}, cn=cn))) == ()


def test_the_same_frame_has_the_same_key_and_others_have_not() -> None:
    made = {"a-Rtd": 1}
    frames = [
        hj212_frame("M", START, made),
        hj212_frame("N", START, made),
        hj212_frame("M", START, made, qn="20260501090000001"),
        hj212_frame("M", START, made, cn="2051"),
        hj212_frame("M", START + SECOND, made, qn="20260501090000000"),
        hj212_frame("M", START, made, packet=(1, 2)),
        hj212_frame("M", START, made, packet=(2, 2)),
    ]
    keys = [key_of(frame_of(raw), "digest") for raw in frames]
    assert len(set(keys)) == len(keys) and keys[0] == key_of(frame_of(frames[0]), "other")
    old = frame_of(sealed("ST=1;CN=2011;MN=M;CP=&&DataTime=20260501090000;a-Rtd=1&&"))
    assert key_of(old, "x") != key_of(old, "y")


def packet(no: int, of: int, with_time: bool, qn: str = "1", mn: str = "M") -> bytes:
    return hj212_frame(mn, START, {f"a{no}-Rtd": no}, packet=(no, of), with_time=with_time, qn=qn)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 1, 3), (2, 3, 1)])
def test_packets_in_any_order_share_the_time_of_one(order: tuple[int, ...]) -> None:
    parts, rows = Parts(), []
    for no in order:
        raw = packet(no, 3, with_time=no == 1)
        rows += [r for _, f in parts.take(raw, frame_of(raw)) for r in hj212.rows_of(f)]
    assert sorted(r.item for r in rows) == ["a1-Rtd", "a2-Rtd", "a3-Rtd"]
    assert {r.time for r in rows} == {START} and not parts.waiting


def test_packets_of_other_devices_and_numbers_do_not_lend_their_time() -> None:
    parts = Parts()
    for raw in (packet(1, 2, True, qn="2"), packet(1, 2, True, mn="N")):
        assert len(parts.take(raw, frame_of(raw))) == 1
    raw = packet(2, 2, False)
    assert parts.take(raw, frame_of(raw)) == [] and parts.waiting == 1


def test_a_packet_sent_again_waits_once_and_the_waiting_are_bounded() -> None:
    parts = Parts()
    for _ in range(3):
        raw = packet(2, 2, False)
        assert parts.take(raw, frame_of(raw)) == []
    assert parts.waiting == 1
    for n in range(MOST_WAITING + 10):
        raw = packet(2, 2, False, qn=str(100 + n))
        parts.take(raw, frame_of(raw))
    assert len(parts.overdue()) == 11 and parts.waiting == MOST_WAITING
    assert len(parts.overdue(everything=True)) == MOST_WAITING and not parts.waiting
