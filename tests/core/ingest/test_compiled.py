"""What is compiled reads as Python does, to the bit, or leaves it to others."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.ingest import decode_plain, messages
from liandong.core.ingest.compiled import Names
from liandong.core.values.errors import BadInput
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import format_time, parse_time

NOW = parse_time("2026-05-01T09:00:00+08:00")
CHANNELS = {key: ChannelRow(number=n, key=key, group="g", source="s", quantity="q")
            for n, key in enumerate(("a", "b", "通道"))}  # fmt: skip


def plain(raw: str) -> object:
    return decode_plain(raw.encode(), "s", CHANNELS, NOW, NOW)


def row(time: str = format_time(NOW), value: object = 1) -> str:
    return f'{{"channel":"a","time":"{time}","value":{value}}}'


def whole(*rows: str, more: str = "") -> str:
    return f'{{"readings":[{",".join(rows)}]{more}}}'


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


written = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@settings(max_examples=100, deadline=None)
@given(written)
def test_every_number_is_the_nearest(number):
    got = plain(whole(row(value=number)))
    if got is None:
        assert abs(float(number)) == float("inf")
    else:
        assert bits(got.batch.value[0]) == bits(float(number))


@pytest.mark.parametrize("number", ["1.", ".5", "+1", "01", "-", "1e", "1e+", "0x1", "1_0", "NaN", "--1", ""])
def test_what_json_calls_no_number_is_none(number):
    assert plain(whole(row(value=number))) is None


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789-:T.Z+ /", min_size=0, max_size=34) | st.from_regex(
    r"20[0-2][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?(Z|[+-][0-2][0-9]:[0-6][0-9])",
    fullmatch=True))  # fmt: skip
def test_a_time_is_read_as_one_by_one_or_left(time):
    got = plain(whole(row(time)))
    if got is not None:
        assert got.batch.event_time.tolist() == [parse_time(time)]


def test_forms_of_a_message_that_mean_the_same():
    other = f'{{"value":1,"more":true,"time":"{format_time(NOW)}","note":"é","channel":"a"}}'
    for raw in (
        whole(row()),
        f' {{\t"readings" : [\n{row()}\r] , "id" : "" }} ',
        f'{{"unit":"x","sent":1.5e3,"again":null,"test":false,"readings":[{row()}]}}',
        whole(other),
    ):
        got, careful = plain(raw), messages._by_rows(raw.encode(), "s", CHANNELS, NOW, NOW)
        assert got is not None and got.batch.value.tolist() == careful.batch.value.tolist() == [1.0], raw
        assert got.key == careful.key
    assert plain(whole(row().replace('"a"', '"通道"'))).batch.channel.tolist() == [2]


@pytest.mark.parametrize(
    "raw",
    [
        '{"readings":[],"readings":[]}', '{"readings":[{}]}', '{"readings":[%s,]}', '{"readings":[%s]',
        '{"readings":[%s]}}', '{"readings":[%s],}', '{"readings":[%s],"x":{}}', '{"readings":[%s],"id":1}',
        '{"readings":[%s %s]}', '{"id":"a"}', '{"readings":[%s],"id":"a","id":"b"}',
        '{"readings":[%s],"x":tru}',
        '{"readings":[{"channel":"a","channel":"a","time":"2026-05-01T00:00:00Z","value":1}]}',
        '{"readings":[{"channel":"\\u0061","time":"2026-05-01T00:00:00Z","value":1}]}',
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_others(raw):
    said = raw.replace("%s", row()).encode()
    assert decode_plain(said, "s", CHANNELS, NOW, NOW) is None
    for cut in range(len(said)):  # and nothing is read past its end
        try:
            careful = messages._by_rows(said[:cut], "s", CHANNELS, NOW, NOW)
        except BadInput:
            assert decode_plain(said[:cut], "s", CHANNELS, NOW, NOW) is None
        else:
            assert careful.errors or decode_plain(said[:cut], "s", CHANNELS, NOW, NOW) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=6), unique=True, max_size=40), st.lists(st.text(max_size=6), max_size=40))
def test_names_are_found_as_a_dictionary_finds_them(known, asked):
    known = [key.encode("utf-8", "replace") for key in known]
    asked = [key.encode("utf-8", "replace") for key in asked + [k.decode() for k in known]]
    table = {key: known.index(key) for key in known}
    data = np.frombuffer(b"".join(asked) + b"\0", np.uint8).copy()
    ends = np.cumsum([0, *map(len, asked)]).astype(np.int32)
    assert Names(known).find(data, ends).tolist() == [table.get(key, -1) for key in asked]


def test_a_hundred_thousand_names_lie_apart():
    keys = [f"channel:gas-{n:06}.ch4_lel".encode() for n in range(100_000)]
    names = Names(keys)
    data = np.frombuffer(b"".join(keys), np.uint8).copy()
    ends = np.arange(len(keys) + 1, dtype=np.int32) * len(keys[0])
    assert (names.find(data, ends) == np.arange(len(keys))).all()
    used = names.slots >= 0
    longest = max(map(len, "".join("x" if one else " " for one in used.tolist()).split()))
    assert used.sum() == len(keys) and longest < 200, "long runs would make finding slow"


def test_the_id_is_the_key():
    assert plain(json.dumps({"id": "m-1", "readings": []})).key == "m-1"
    assert plain(whole(row(), more=',"id":"é"')).key == "é"
