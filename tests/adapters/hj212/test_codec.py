"""HJ 212: the frames that others published, every error, and every byte string."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.adapters import hj212
from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.hj212.codec import fields_of, number, without_password
from liandong.adapters.hj212.crc import crc16
from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time
from liandong.sim.frames import hj212_check, hj212_frame
from liandong.texts import text

ZONE = LocalTime("Asia/Shanghai")
SHARED = Path(os.environ.get("LIANDONG_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))

# HJ 212-2017, the example of the standard as public repositories repeat it.
REQUEST = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)
# github.com/guocay/hj212-protocol, ApplicationTest.java (MIT).
DATA = (
    b"##0317QN=20191012133710130;ST=22;CN=2011;PW=123456;MN=Y80110010000010;Flag=4;"
    b"CP=&&DataTime=20191012133710;a21005-Rtd=0.00,a21005-Flag=N;a21004-Rtd=0.00,a21004-Flag=N;"
    b"a21007-Rtd=0.033,a21007-Flag=N;a21006-Rtd=0.036,a21006-Flag=N;a21001-Rtd=25.40,a21001-Flag=N;"
    b"a21003-Rtd=101.94,a21003-Flag=N;a21002-Rtd=49.20,a21002-Flag=N&&cc01\r\n"
)
# The edition of 2005: no QN, no Flag.
OLD = (
    b"##0178ST=32;CN=2011;PW=123456;MN=0873HHMZWSLH02;CP=&&DataTime=20160103133030;060-Rtd=3.0943,"
    b"060-Flag=N;011-Rtd=18.0412,011-Flag=N;001-Rtd=8.2137,001-Flag=N;B01-Rtd=10.9890,B01-Flag=N&&a9c1\r\n"
)


def refused(raw: bytes) -> BadInput:
    with pytest.raises(BadInput) as error:
        hj212.decode(raw, ZONE)
    for language in ("zh", "en"):
        words = text(error.value.key, language, **error.value.params)
        assert "{" not in words and "⟦" not in words
    return error.value


def sealed(
    data: str | bytes, *, length: int | None = None, crc: str | None = None, end: bytes = b"\r\n"
) -> bytes:
    """A frame around any data, with whatever is wanted wrong."""
    body = data.encode() if isinstance(data, str) else data
    check = f"{hj212_check(body):04X}" if crc is None else crc
    return b"##%04d%b%b%b" % (len(body) if length is None else length, body, check.encode("latin-1"), end)


def test_the_standards_example() -> None:
    frame = hj212.decode(REQUEST, ZONE)
    assert (frame.version, frame.qn, frame.st, frame.cn) == ("2017", "20160801085857223", "32", "1062")
    assert (frame.mn, frame.pw, frame.flag) == ("010000A8900016F000169DC0", "100000", 5)
    assert frame.params == {"RtdInterval": "30"} and not frame.items and frame.answer_wanted


def test_a_frame_with_seven_pollutants() -> None:
    shown = fields_of(hj212.decode(DATA, ZONE))
    assert len(shown["items"]) == 7 and shown["items"]["a21001"] == {"Rtd": 25.4, "Flag": "N"}
    assert shown["data_time"] == "2019-10-12T05:37:10Z" and shown["crc"] == "CC01"
    assert not shown["answer_wanted"] and shown["pnum"] is None


def test_the_edition_of_2005_has_no_number_and_no_flag() -> None:
    frame = hj212.decode(OLD, ZONE)
    assert (frame.version, frame.qn, frame.flag) == ("2005", "", None)
    assert frame.items["B01"] == {"Rtd": "10.9890", "Flag": "N"}
    assert frame.data_time == parse_time("2016-01-03T13:30:30+08:00")
    assert hj212.answer(frame) is None


@pytest.mark.parametrize("end", [b"\r\n", b""])
@pytest.mark.parametrize("crc", ["1C80", "1c80", "1C80".lower()])
def test_check_sums_are_compared_whatever_their_case(crc: str, end: bytes) -> None:
    assert hj212.decode(REQUEST[:-6] + crc.encode() + end, ZONE).crc == "1C80"


def _shared() -> list[tuple[bytes, bool, str]]:
    folder = SHARED / "frames"
    if not folder.is_dir():
        return []
    found = [
        (row["f"].encode(), row["ok"], row.get("crc_computed", ""))
        for row in json.loads((folder / "vectors.json").read_text())["hj212"]
    ]
    rows = json.loads((folder / "hj212_samples.json").read_text())
    return found + [(row["frame"].encode(), row["ok"], row["crc_calc"]) for row in rows]


def test_published_frames_decode_or_are_refused_as_they_should() -> None:
    frames = _shared()
    if not frames:
        pytest.skip("no shared data: set LIANDONG_SHARED_DATA")
    for raw, good, computed in frames:
        if good:
            assert hj212.decode(raw, ZONE).mn
        else:
            error = refused(raw)
            assert error.key == "hj212.bad_crc" and error.params["computed"] == computed
    assert len(frames) == 12


HEAD = "QN=20191012133710130;ST=22;CN=2011;PW=1;MN=M;Flag=5"


@pytest.mark.parametrize(
    ("raw", "key", "params"),
    [
        (b"", "hj212.no_start", {}),
        (b"@@0101", "hj212.no_start", {}),
        (b"##01", "hj212.bad_length", {"declared": "01", "found": 0}),
        (b"##00x1" + DATA[6:], "hj212.bad_length", {"declared": "00x1", "found": 317}),
        (b"##0316" + DATA[6:], "hj212.bad_length", {"declared": 316, "found": 317}),
        (DATA[:-20], "hj212.bad_length", {"declared": 317, "found": 299}),
        (DATA.replace(b"25.40", b"35.40"), "hj212.bad_crc", {"given": "CC01"}),
        (sealed(f"{HEAD};CP=&&&&", crc="12G4"), "hj212.bad_crc", {"given": "12G4"}),
        (sealed(f"{HEAD};CP=&&a-Rtd=温&&"), "hj212.not_ascii", {"place": 64}),
        (sealed(HEAD), "hj212.missing_field", {"field": "CP"}),
        (sealed("ST=22;CN=2011;PW=1;Flag=5;CP=&&&&"), "hj212.missing_field", {"field": "MN"}),
        (sealed("ST=22;PW=1;MN=M;CP=&&&&"), "hj212.missing_field", {"field": "CN"}),
        (sealed("CN=2011;PW=1;MN=M;CP=&&&&"), "hj212.missing_field", {"field": "ST"}),
        (sealed(f"{HEAD};CP=&&a21005-Rtd=1"), "hj212.unterminated_cp", {}),
        (sealed(f"{HEAD};CP=&&a21005-Rtd=1&"), "hj212.unterminated_cp", {}),
        (sealed(f"{HEAD};CP=&&a21005-Rtd&&"), "hj212.bad_item", {"item": "a21005-Rtd"}),
        (sealed(f"{HEAD};CP=&&a=1;-Rtd=1&&"), "hj212.bad_item", {"item": "-Rtd"}),
        (sealed(f"{HEAD};CP=&&a=1&&b=2&&"), "hj212.bad_item", {"item": "a=1&&b=2"}),
        (sealed(f"{HEAD};CP=&&a-=1&&"), "hj212.bad_item", {"item": "a-"}),
        (sealed(f"{HEAD};CP=&&a=1;b=&2&&"), "hj212.bad_item", {"item": "b=&2"}),
        (sealed(f"{HEAD};CP=&&a=1=2&&"), "hj212.bad_item", {"item": "a=1=2"}),
        (sealed(f"{HEAD};X;CP=&&&&"), "hj212.bad_item", {"item": "X"}),
        (sealed(f"{HEAD};CP=&&a-Rtd=1;a-Rtd=2&&"), "hj212.twice", {"field": "a-Rtd"}),
        (sealed(f"{HEAD};MN=N;CP=&&&&"), "hj212.twice", {"field": "MN"}),
        (sealed("ST=1;CN=2;MN=M;Flag=8;CP=&&&&"), "hj212.unknown_version", {"flag": 8, "version": 2}),
        (sealed("ST=1;CN=2;MN=M;Flag=256;CP=&&&&"), "hj212.bad_field", {"field": "Flag", "value": "256"}),
        (sealed("ST=1;CN=2;MN=M;Flag=x;CP=&&&&"), "hj212.bad_field", {"field": "Flag", "value": "x"}),
        (sealed("ST=1;CN=2;MN=M;Flag=7;PNUM=2;CP=&&&&"), "hj212.missing_field", {"field": "PNO"}),
        (sealed("ST=1;CN=2;MN=M;PNUM=2;PNO=3;CP=&&&&"), "hj212.bad_field", {"field": "PNO"}),
        (sealed("ST=1;CN=2;MN=M;PNUM=0;PNO=0;CP=&&&&"), "hj212.bad_field", {"field": "PNO"}),
        (sealed(f"{HEAD};CP=&&DataTime=20191312000000&&"), "hj212.bad_time", {"value": "20191312000000"}),
        (sealed(f"{HEAD};CP=&&DataTime=2019101213371&&"), "hj212.bad_time", {"value": "2019101213371"}),
        (sealed(f"{HEAD};CP=&&DataTime=20191012250000&&"), "hj212.bad_time", {"value": "20191012250000"}),
    ],
)  # fmt: skip
def test_every_fault_is_named(raw: bytes, key: str, params: dict[str, Any]) -> None:
    error = refused(raw)
    assert error.key == key
    assert {name: error.params[name] for name in params} == params


def test_a_semicolon_too_many_is_no_fault() -> None:
    frame = hj212.decode(sealed(f"{HEAD};CP=&&DataTime=20191012133710;a-Rtd=1;&&"), ZONE)
    assert frame.items == {"a": {"Rtd": "1"}}


def test_the_check_sum_is_the_standards_loop() -> None:
    chance = random.Random(212)
    for size in [*range(300), 1023, 1024, 1025, 9999]:
        data = chance.randbytes(size)
        assert crc16(data) == hj212_check(data), size


_word = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=12)
_value = st.text("0123456789.+-ENab ", max_size=10)


@given(
    mn=_word, qn=st.text("0123456789", max_size=17), flag=st.sampled_from([None, 0, 1, 4, 5]),
    items=st.dictionaries(_word, st.dictionaries(_word, _value, min_size=1, max_size=3), max_size=5),
)  # fmt: skip
def test_what_is_encoded_is_decoded(
    mn: str, qn: str, flag: int | None, items: dict[str, dict[str, str]]
) -> None:
    cp = ";".join(",".join(f"{c}-{n}={v}" for n, v in values.items()) for c, values in items.items())
    raw = hj212.encode(st="31", cn="2011", mn=mn, pw="x", qn=qn, flag=flag, cp=cp)
    frame = hj212.decode(raw, ZONE)
    assert (frame.mn, frame.qn, frame.flag, frame.items) == (mn, qn, flag, items)
    json.dumps(fields_of(frame))


@given(st.binary(max_size=200))
def test_every_byte_string_is_a_frame_or_refused(raw: bytes) -> None:
    try:
        hj212.decode(raw, ZONE)
    except BadInput as error:
        text(error.key, "zh", **error.params)


_sent = st.sampled_from([REQUEST, DATA, OLD]).map(lambda raw: raw[6:-6].decode())


@given(st.one_of(st.text(max_size=120), _sent), st.data())
def test_every_well_sealed_text_is_a_frame_or_refused(data: str, more: st.DataObject) -> None:
    """Past length and check sum, with single characters changed."""
    if data:
        at = more.draw(st.integers(0, len(data) - 1))
        data = (
            data[:at]
            + more.draw(st.sampled_from(["", "&", ";", ",", "=", "-", "#", "\0", "é"]))
            + data[at + 1 :]
        )
    try:
        frame = hj212.decode(sealed(data), ZONE)
        json.dumps(fields_of(frame))
        hj212.rows_of(frame)
        hj212.answer(frame)
    except BadInput as error:
        text(error.key, "zh", **error.params)


def test_answers() -> None:
    """9014 for data, 9013 for a notice, nothing for what asks for none or is itself an answer."""
    at = parse_time("2026-05-01T09:00:00+08:00")
    frame = hj212.decode(hj212_frame("M1", at, {"a-Rtd": 1}, qn="20260501090000123"), ZONE)
    answer = hj212.decode(hj212.answer(frame) or b"", ZONE)
    assert (answer.qn, answer.st, answer.cn, answer.mn) == ("20260501090000123", "91", "9014", "M1")
    assert answer.flag == 4 and answer.pw == "123456" and not answer.items
    notice = hj212.decode(sealed("QN=1;ST=31;CN=1013;PW=1;MN=M;Flag=5;CP=&&PolId=a&&"), ZONE)
    assert hj212.decode(hj212.answer(notice) or b"", ZONE).cn == "9013"
    assert hj212.answer(hj212.decode(hj212_frame("M1", at, {"a-Rtd": 1}, flag=4), ZONE)) is None
    assert (
        hj212.answer(hj212.decode(sealed("QN=1;ST=91;CN=9012;PW=1;MN=M;Flag=5;CP=&&ExeRtn=1&&"), ZONE))
        is None
    )
    old = hj212.decode(sealed("QN=1;ST=31;CN=2011;PW=1;MN=M;Flag=1;CP=&&&&"), ZONE)
    assert old.version == "2005" and hj212.decode(hj212.answer(old) or b"", ZONE).flag == 0


def test_a_password_becomes_stars_of_its_length() -> None:
    kept = without_password(DATA)
    assert b"123456" not in kept.replace(b"a210", b"") and len(kept) == len(DATA)
    assert b";PW=******;" in kept


@pytest.mark.parametrize(
    ("sent", "value"),
    [("1.50", 1.5), ("-3", -3.0), ("1e3", 1000.0), (".5", 0.5), ("", None), ("nan", None), ("inf", None),
     ("1_0", None), ("0x1", None), ("--", None), ("1e999", None), ("１", None)],
)  # fmt: skip
def test_numbers(sent: str, value: float | None) -> None:
    assert number(sent) == value
