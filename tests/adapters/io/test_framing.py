"""Frames out of a stream: any cut gives the same pieces, and rubbish never hides what follows it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.adapters import gb26875, hj212
from liandong.adapters._io.framing import MOST_RUBBISH, Framer, Piece
from liandong.sim.frames import gb_frame, gb_unit_state, hj212_frame
from tests.app.machine import START

HJ = [hj212_frame("MN", START + at, {"a21005-Rtd": at / 8}) for at in range(3)]
GB = [gb_frame(889, at, START, gb_unit_state(at, START)) for at in range(2)]
GB += [gb_frame(0x404040404040, 0x4040, START, b"\x01\x40@@@@@@@@", destination=0x404040404040)]
MAKERS: dict[str, tuple[Callable[[], Framer], list[bytes]]] = {
    "hj212": (hj212.make_framer, HJ),
    "gb26875": (gb26875.make_framer, GB),
}
BOTH = pytest.mark.parametrize("name", MAKERS)


def fed(make: Callable[[], Framer], stream: bytes, cuts: list[int]) -> list[Piece]:
    """The pieces of a stream that arrives in parts."""
    framer, found = make(), []
    places = sorted({0, len(stream), *(c % (len(stream) + 1) for c in cuts)})
    for begin, end in pairwise(places):
        found += framer.feed(stream[begin:end])
    return found + framer.close()


def shape(pieces: list[Piece]) -> list[tuple[bytes, str]]:
    return [(p.raw, p.error.key if p.error else "") for p in pieces]


def frames(pieces: list[Piece]) -> list[bytes]:
    return [p.raw for p in pieces if p.error is None]


@st.composite
def streams(draw: st.DrawFn, good: list[bytes]) -> bytes:
    """Whole frames, broken ones, and rubbish with the marks in it."""
    part = st.one_of(
        st.sampled_from(good),
        st.sampled_from(good).flatmap(lambda f: st.integers(0, len(f)).map(lambda n: f[:n])),
        st.sampled_from([b"@@", b"##", b"@", b"#", b"\r\n", b"##9999", b"##0010", b"##abcd", b"@" * 40]),
        st.binary(max_size=60),
    )
    return b"".join(draw(st.lists(part, max_size=8)))


@BOTH
@given(data=st.data(), cuts=st.lists(st.integers(0, 5000), max_size=30))
def test_any_cut_gives_the_same_pieces_and_loses_no_byte(
    name: str, data: st.DataObject, cuts: list[int]
) -> None:
    make, good = MAKERS[name]
    stream = data.draw(streams(good))
    whole = fed(make, stream, [])
    cut = fed(make, stream, cuts)
    assert frames(cut) == frames(whole)
    assert shape(cut) == shape(whole)
    # Only blanks and line ends between frames may go unmentioned.
    left = b"".join(p.raw for p in whole)
    assert len(left) + stream.count(b"\r") + stream.count(b"\n") + stream.count(b" ") + stream.count(
        b"\t"
    ) + stream.count(b"\0") >= len(stream)


@BOTH
def test_sticky_frames_byte_by_byte(name: str) -> None:
    make, good = MAKERS[name]
    stream = b"".join(good * 3)
    pieces = fed(make, stream, list(range(len(stream))))
    assert frames(pieces) == good * 3 and len(pieces) == len(good) * 3


@BOTH
def test_rubbish_before_between_and_behind(name: str) -> None:
    make, good = MAKERS[name]
    pieces = fed(make, b"GET / HTTP/1.1" + good[0] + b"\xff\xfe" + good[1] + b"tail", [])
    assert frames(pieces) == good[:2]
    assert [p.raw for p in pieces if p.error] == [b"GET / HTTP/1.1", b"\xff\xfe", b"tail"]
    assert {p.error.key for p in pieces if p.error} == {"frame.rubbish", "frame.cut_off"}


def test_a_length_that_lies_does_not_swallow_the_next_frames() -> None:
    lying = b"##9999" + HJ[0][6:]
    framer = hj212.make_framer()
    pieces = framer.feed(lying + HJ[1])
    assert frames(pieces) == [HJ[1]]
    assert pieces[0].error is not None and pieces[0].error.key == "hj212.bad_length"
    assert pieces[0].error.params == {"declared": 9999, "found": len(HJ[0]) - 12}
    short = b"##0005" + HJ[0][6:]
    pieces = hj212.make_framer().feed(short + HJ[1])
    assert frames(pieces) == [HJ[1]] and [p.raw for p in pieces] == [short, HJ[1]]


def test_a_packet_whose_length_lies_is_given_up_in_time() -> None:
    framer = gb26875.make_framer()
    lying = GB[0][:24] + b"\x00\x04" + GB[0][26:]
    assert framer.feed(lying + GB[1]) == [] and framer.partial
    assert frames(framer.expire()) == [GB[1]] and not framer.partial


@BOTH
def test_endless_rubbish_is_handed_on_in_pieces_and_not_held(name: str) -> None:
    make, good = MAKERS[name]
    framer = make()
    seen = 0
    for _ in range(100):
        pieces = framer.feed(b"x" * 1000)
        assert all(len(p.raw) <= MOST_RUBBISH for p in pieces)
        seen += sum(len(p.raw) for p in pieces)
        assert len(framer._buffer) <= MOST_RUBBISH + 1000
    assert seen > 90_000
    assert frames(framer.feed(good[0])) == [good[0]]


@BOTH
def test_a_line_of_start_marks_is_one_piece_and_not_thousands(name: str) -> None:
    make, good = MAKERS[name]
    mark = b"@" if name == "gb26875" else b"#"
    pieces = fed(make, mark * 3000 + b"x" * 2000 + good[0], [])
    assert frames(pieces) == [good[0]] and len(pieces) <= 4


def test_line_ends_between_frames_are_no_rubbish() -> None:
    pieces = fed(hj212.make_framer, b"\r\n" + HJ[0] + b"\r\n \r\n" + HJ[1] + b"\n", [])
    assert shape(pieces) == [(HJ[0], ""), (HJ[1], "")]
