"""感知接入: dirt is met here. Any bytes give good rows and named bad ones, or one named refusal."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liandong.core.ingest import MOST_AHEAD, Decoded, decode_json, decoded
from liandong.core.ingest import messages as messages_module
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Quality
from liandong.core.values.readings import COLUMNS
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import SECOND, format_time, parse_time, to_datetime
from liandong.texts import text

NOW = parse_time("2026-05-01T09:00:00+08:00")
CHANNELS = {
    "channel:a": ChannelRow(
        number=7, key="channel:a", group="g", source="s", quantity="q", low=0.0, high=100.0
    ),
    "channel:b": ChannelRow(number=8, key="channel:b", group="g", source="s", quantity="q"),
    "channel:c": ChannelRow(number=9, key="channel:c", group="g", source="other", quantity="q"),
}


def decode(raw: bytes) -> Decoded:
    return decode_json(raw, "s", CHANNELS, NOW + 5, NOW)


def rows(*readings: object, **more: object) -> bytes:
    return json.dumps({"readings": readings} | more).encode()


def one(
    channel: object = "channel:a", time: object = format_time(NOW), value: object = 5
) -> dict[str, object]:
    return {"channel": channel, "time": time, "value": value}


def test_a_good_message():
    got = decode(
        rows(one(value=5), one("channel:b", "2026-05-01T08:59:59.5+08:00", -1e9), one(value=None), id="m1")
    )
    assert (got.key, got.errors, got.batch.source) == ("m1", (), "s")
    assert got.batch.channel.tolist() == [7, 8, 7]
    assert got.batch.event_time.tolist() == [NOW, NOW - SECOND // 2, NOW]
    assert got.batch.value.tolist() == [5.0, -1e9, 0.0]
    assert got.batch.quality.tolist() == [0, 0, Quality.NAN]
    assert set(got.batch.arrival_time.tolist()) == {NOW + 5}


def test_without_an_id_the_bytes_are_the_key():
    assert decode(rows(one())).key == decode(rows(one())).key != decode(rows(one(value=6))).key


BAD = {
    "json.not_an_object": [1, None, "x", [], True],
    "reading.missing_field": [{}, {"channel": "channel:a", "time": format_time(NOW)}],
    "reading.unknown_channel": [
        one("channel:z"), one(None), one(3), one(["channel:a"]), one({"a": 1}), one("x" * 10**5),
    ],
    "reading.foreign_channel": [one("channel:c")],
    "reading.bad_time": [
        one(time=None), one(time=NOW), one(time="yesterday"), one(time="2026-05-01T09:00:00"), one(time=""),
        one(time="9" * 10**5), one(time=[[]]),
    ],
    "reading.absurd_time": [
        one(time="1970-01-01T00:00:00Z"), one(time="1999-12-31T23:59:59Z"), one(time="2101-01-01T00:00:00Z"),
    ],
    "reading.future_time": [one(time=format_time(NOW + MOST_AHEAD + 1))],
    "reading.not_a_number": [
        one(value="5"), one(value=True), one(value=False), one(value=[1]), one(value={}), one(value=10**400),
        one(value=-(10**400)), one("channel:b", value=10**320),
    ],
    "reading.absurd_value": [one(value=100.1), one(value=-0.1), one(value=10**300)],
}  # fmt: skip


@pytest.mark.parametrize(("key", "reading"), [(key, bad) for key, some in BAD.items() for bad in some])
def test_a_bad_row_is_named_and_its_neighbours_go_on(key, reading):
    got = decode(rows(one(value=1), reading, one(value=2)))
    (error,) = got.errors
    assert (error.key, error.params["row"]) == (key, 2)
    assert got.batch.value.tolist() == [1.0, 2.0]
    assert all(len(str(value)) <= 80 for value in error.params.values()), "a device's words stay short"
    assert "⟦" not in text(error.key, "zh", **error.params)


def test_the_edges_are_good():
    got = decode(rows(one(value=0), one(value=100), one(value=-0.0), one(time=format_time(NOW + MOST_AHEAD))))
    assert len(got.batch) == 4 and not got.errors


WHOLE = [
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"readings": null}', b'{"readings": {}}',
    b'{"readings": []',
    b'{"readings": [], "id": 5}', b'{"readings": [NaN]}', b'{"readings": [Infinity]}',
    b'{"readings": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    b"\x00", b'{"readings": []} {}', b"'", b"\xef\xbb\xbf{}",
]  # fmt: skip


@pytest.mark.parametrize("raw", WHOLE)
def test_what_is_unreadable_as_a_whole_is_refused_as_a_whole(raw):
    with pytest.raises(BadInput) as error:
        decode(raw)
    assert error.value.key.startswith("json.")
    assert "⟦" not in text(error.value.key, "en", **error.value.params)


def test_too_many_rows_and_too_many_bytes(monkeypatch):
    monkeypatch.setattr(decoded, "MOST_ROWS", 2)
    assert len(decode(rows(one(), one())).batch) == 2
    with pytest.raises(BadInput, match="too_large"):
        decode(rows(one(), one(), one()))
    monkeypatch.setattr(decoded, "MOST_BYTES", 10)
    with pytest.raises(BadInput, match="too_large"):
        decode(rows())


def test_the_last_of_two_equal_keys_counts():
    raw = b'{"readings":[{"channel":"x","channel":"channel:a","time":"%b","value":1,"value":2}]}'
    assert decode(raw % format_time(NOW).encode()).batch.value.tolist() == [2.0]


@pytest.mark.parametrize("field", ["channel", "time", "value"])
def test_nesting_as_deep_as_the_reader_goes_never_escapes(field):
    """Between what the decoder takes and what can be written back there must be no gap."""
    for depth in range(850, 1050):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            deep = opening * depth + "1" + closing * depth
            raw = json.dumps({"readings": [one() | {field: "DEEP"}]}).replace('"DEEP"', deep)
            try:
                assert len(decode(raw.encode()).errors) == 1
            except BadInput as error:
                assert error.key == "json.malformed"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(list(CHANNELS)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
times = anything | st.datetimes().map(str) | st.integers(NOW - 10**15, NOW + 10**10).map(format_time)
readings = anything | st.fixed_dictionaries(
    {"channel": anything | st.sampled_from(list(CHANNELS)), "time": times, "value": anything | st.floats()}
)
messages = st.fixed_dictionaries({"readings": st.lists(readings, max_size=6)}, optional={"id": anything})
raws = st.binary() | anything.map(json.dumps).map(str.encode) | messages.map(json.dumps).map(str.encode)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with a piece cut out, repeated or changed."""
    raw = bytearray(draw(messages.map(json.dumps).map(str.encode)))
    start = draw(st.integers(0, len(raw)))
    raw[start : start + draw(st.integers(0, 5))] = draw(st.binary(max_size=5))
    return bytes(raw)


@settings(max_examples=300, deadline=None)
@given(raws | damaged())
@example(b'{"readings":[{"channel":{},"time":{},"value":{}}]}')
def test_any_bytes_are_decoded_or_refused(raw):
    try:
        got = decode(raw)
    except BadInput:
        return
    count = len(messages_module.split_message(raw)[1])
    assert len(got.batch) + len(got.errors) == count
    numbers = [error.params["row"] for error in got.errors]
    assert numbers == sorted(set(numbers)) and all(1 <= number <= count for number in numbers)
    assert set(got.batch.channel.tolist()) <= {7, 8}
    assert not len(got.batch) or abs(got.batch.value).max() < float("inf")


# The quick way and the careful way


def both(raw: bytes) -> tuple[Decoded | None, Decoded]:
    quick = messages_module.decode_plain(raw, "s", CHANNELS, NOW + 5, NOW)
    return quick, messages_module._by_rows(raw, "s", CHANNELS, NOW + 5, NOW)


good_times = st.builds(
    lambda at, form: form(at),
    st.integers(NOW - 10**14, NOW),
    st.sampled_from(
        [
            format_time,
            lambda at: to_datetime(at).astimezone(timezone(timedelta(hours=8))).isoformat(),
            lambda at: to_datetime(at).replace(microsecond=0, tzinfo=None).isoformat() + "Z",
            lambda at: to_datetime(at).isoformat(timespec="milliseconds"),
        ]
    ),
)
good_rows = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["channel:a", "channel:b"]),
        "time": good_times,
        "value": st.none() | st.floats(0, 100) | st.integers(0, 100),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(good_rows, max_size=8))
def test_the_quick_way_reads_what_the_careful_way_reads(rows):
    quick, careful = both(json.dumps({"readings": rows}).encode())
    assert not careful.errors
    if quick is not None:  # several forms of times in one message are left to the careful way
        assert quick.key == careful.key
        for name in COLUMNS:
            one, two = getattr(quick.batch, name), getattr(careful.batch, name)
            assert one.dtype == two.dtype and one.tobytes() == two.tobytes(), name


def test_the_quick_way_is_taken_where_all_is_well():
    for time in ("2026-04-30T08:00:00Z", "2026-04-30T08:00:00.25+08:00", "2026-02-28T23:59:59.123456-05:30"):
        quick, _ = both(rows(*[one(time=time, value=v) for v in (1, 2.5, None)], id="m"))
        assert quick is not None and quick.key == "m" and len(quick.batch) == 3


@settings(max_examples=300, deadline=None)
@given(raws | damaged())
def test_the_quick_way_never_takes_what_the_careful_way_refuses(raw):
    quick = messages_module.decode_plain(raw, "s", CHANNELS, NOW + 5, NOW)
    if quick is not None:
        careful = messages_module._by_rows(raw, "s", CHANNELS, NOW + 5, NOW)
        assert not careful.errors and quick.batch.value.tobytes() == careful.batch.value.tobytes()


def test_a_number_that_fits_nowhere_refuses_its_row_and_not_the_message():
    for number in (b"1e400", b"-1e400", b"1e99999999", b"9" * 5000):
        time = format_time(NOW).encode()
        row = b'{"channel":"channel:a","time":"%b","value":%b}'
        raw = b'{"readings":[' + row % (time, b"1") + b"," + row % (time, number) + b"]}"
        got = decode(raw)
        (error,) = got.errors
        assert (error.key, error.params["row"]) == ("reading.not_a_number", 2)
        assert got.batch.value.tolist() == [1.0]


def test_a_channel_in_another_unit_is_converted():
    channels = {
        "c": ChannelRow(
            number=1, key="c", group="g", source="s", quantity="q", low=0.0, high=100.0, factor=20.0
        )
    }
    for extra in ([], [{}]):  # the quick way, and the careful one
        raw = json.dumps({"readings": [one("c", value=1.25), one("c", value=None), *extra]}).encode()
        got = decode_json(raw, "s", channels, NOW, NOW)
        assert got.batch.value.tolist() == [25.0, 0.0] and got.batch.quality.tolist() == [0, 1]
    (error,) = decode_json(rows(one("c", value=5.22)), "s", channels, NOW, NOW).errors
    assert error.key == "reading.absurd_value" and error.params["value"] == pytest.approx(104.4)
