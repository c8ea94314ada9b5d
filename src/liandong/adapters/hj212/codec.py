"""HJ 212 frames as values, both ways; pure functions.

Versions HJ/T 212-2005 (no QN and Flag needed) and HJ 212-2017. HJ 212-2025, in force since
2026-01-01, is not known to us in its text: a frame that names another version is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from liandong.adapters._io.localtime import LocalTime
from liandong.adapters.hj212.crc import crc16
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

#: `##` and four digits before the data, four digits of check sum and CR LF behind.
OVERHEAD = 12
#: Version number in bits 2 to 7 of Flag → edition. Without Flag it is the one of 2005.
VERSIONS = {0: "2005", 1: "2017"}

_CP = ";CP=&&"
_digits = re.compile(r"[0-9]+").fullmatch
_hex = re.compile(r"[0-9A-Fa-f]{4}").fullmatch


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame. Codes and values of `items` and `params` are as sent."""

    version: str  #: edition of the standard: `2005` or `2017`
    qn: str  #: request number, a time to the millisecond; empty where the device sends none
    st: str  #: system, e.g. 31 air from a stack, 32 surface water
    cn: str  #: command, e.g. 2011 real-time data
    pw: str  #: the device's password
    mn: str  #: the device's own number
    flag: int | None  #: bit 0 answer wanted, bit 1 packets are numbered, bits 2 to 7 version
    pnum: int | None  #: packets altogether
    pno: int | None  #: number of this packet, from 1
    data_time: int | None  #: microseconds UTC
    items: dict[str, dict[str, str]]  #: code of what is measured → name of a value → value
    params: dict[str, str]  #: fields of CP that belong to no item
    crc: str  #: as sent, in capitals

    @property
    def answer_wanted(self) -> bool:
        """Bit 0 of Flag."""
        return self.flag is not None and bool(self.flag & 1)


def decode(raw: bytes, zone: LocalTime) -> Frame:
    """A whole frame, with or without its line end. Raises BadInput saying what is wrong."""
    data, crc = _open(raw)
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadInput("hj212.not_ascii", place=error.start + 1) from None
    head, mark, rest = text.partition(_CP)
    if not mark:
        raise BadInput("hj212.missing_field", field="CP")
    body = rest[:-2]
    if rest[-2:] != "&&":
        raise BadInput("hj212.unterminated_cp")
    fields = _fields(head)
    items, params = _content(body)
    flag = _number(fields, "Flag", 255)
    version = VERSIONS.get(flag >> 2) if flag is not None else "2005"
    if version is None:
        raise BadInput("hj212.unknown_version", flag=flag, version=(flag or 0) >> 2)
    pnum, pno = _packets(fields) if "PNUM" in fields or "PNO" in fields else (None, None)
    time = params.get("DataTime")
    return Frame(
        version=version, qn=fields.get("QN", ""), st=_needed(fields, "ST"), cn=_needed(fields, "CN"),
        pw=fields.get("PW", ""), mn=_needed(fields, "MN"), flag=flag, pnum=pnum, pno=pno,
        data_time=None if time is None else moment(time, zone), items=items, params=params, crc=crc,
    )  # fmt: skip


def _open(raw: bytes) -> tuple[bytes, str]:
    """The data segment, its length and check sum proven; and the check sum as sent."""
    if raw[:2] != b"##":
        raise BadInput("hj212.no_start")
    declared = raw[2:6]
    if len(declared) < 4 or not declared.isdigit():
        raise BadInput("hj212.bad_length", declared=_shown(declared), found=max(0, len(raw) - OVERHEAD))
    size = int(declared)
    ended = raw[-2:] == b"\r\n"
    found = len(raw) - (OVERHEAD if ended else OVERHEAD - 2)
    if found != size:
        raise BadInput("hj212.bad_length", declared=size, found=max(0, found))
    data, given = raw[6 : 6 + size], raw[6 + size : 10 + size].decode("latin-1")
    if not _hex(given):
        raise BadInput("hj212.bad_crc", given=_shown(given.encode("latin-1")), computed=f"{crc16(data):04X}")
    computed = crc16(data)
    if int(given, 16) != computed:
        raise BadInput("hj212.bad_crc", given=given.upper(), computed=f"{computed:04X}")
    return data, given.upper()


def _fields(head: str) -> dict[str, str]:
    try:
        fields: dict[str, str] = dict(part.split("=", 1) for part in head.split(";"))  # type: ignore[misc]  # no pair: ValueError, caught below
    except ValueError:
        bad = next(part for part in head.split(";") if "=" not in part)
        raise BadInput("hj212.bad_item", item=_shown(bad.encode())) from None
    if len(fields) != head.count(";") + 1:
        raise BadInput("hj212.twice", field=_first_repeated([p.partition("=")[0] for p in head.split(";")]))
    return fields


def _content(body: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """What stands between the marks of CP: `code=value` or `code-name=value`, between `;` and `,`."""
    parts = body.replace(",", ";").split(";")
    try:
        sent: dict[str, str] = dict([part.split("=") for part in parts])  # type: ignore[misc]  # no pair: ValueError, caught below
    except ValueError:
        return _content_of([part for part in parts if part])
    if len(sent) != len(parts):
        raise BadInput("hj212.twice", field=_first_repeated([p.partition("=")[0] for p in parts]))
    if "&" in body:
        raise BadInput("hj212.bad_item", item=_shown(next(p for p in parts if "&" in p).encode()))
    items, params = _shape(tuple(sent))
    values = list(sent.values())
    return (
        {code: {name: values[at] for name, at in names} for code, names in items},
        {name: values[at] for name, at in params},
    )


def _content_of(parts: list[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """A separator too many is no fault; anything else that is not `name=value` is."""
    for part in parts:
        if part.count("=") != 1:
            raise BadInput("hj212.bad_item", item=_shown(part.encode()))
    return _content(";".join(parts)) if parts else ({}, {})


_Places = tuple[tuple[str, int], ...]


@lru_cache(maxsize=1024)
def _shape(keys: tuple[str, ...]) -> tuple[tuple[tuple[str, _Places], ...], _Places]:
    """Which value belongs to which item. A device sends the same names in the same order, again and again."""
    items: dict[str, list[tuple[str, int]]] = {}
    params: list[tuple[str, int]] = []
    for at, key in enumerate(keys):
        code, dash, name = key.partition("-")
        if not code or (dash and not name):
            raise BadInput("hj212.bad_item", item=_shown(key.encode()))
        if dash:
            items.setdefault(code, []).append((name, at))
        else:
            params.append((code, at))
    return tuple((code, tuple(places)) for code, places in items.items()), tuple(params)


def _first_repeated(names: list[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # `add` gives None on purpose


def _needed(fields: dict[str, str], field: str) -> str:
    value = fields.get(field, "")
    if not value:
        raise BadInput("hj212.missing_field", field=field)
    return value


def _number(fields: dict[str, str], field: str, most: int) -> int | None:
    text = fields.get(field)
    if text is None:
        return None
    if not _digits(text) or len(text) > 9 or int(text) > most:
        raise BadInput("hj212.bad_field", field=field, value=_shown(text.encode()))
    return int(text)


def _packets(fields: dict[str, str]) -> tuple[int, int]:
    """PNUM and PNO, which only make sense together."""
    total, number = _number(fields, "PNUM", 9999), _number(fields, "PNO", 9999)
    if total is None or number is None:
        raise BadInput("hj212.missing_field", field="PNUM" if total is None else "PNO")
    if not 1 <= number <= total:
        raise BadInput("hj212.bad_field", field="PNO", value=f"{number}/{total}")
    return total, number


def moment(text: str, zone: LocalTime) -> int:
    """`yyyyMMddHHmmss`, the device's local time → microseconds UTC. Raises BadInput."""
    try:
        if len(text) != 14 or not text.isascii() or not text.isdigit():
            raise ValueError(text)
        return zone.micros(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:])
        )
    except (ValueError, OverflowError):
        raise BadInput("hj212.bad_time", value=_shown(text.encode())) from None


def encode(*, st: str, cn: str, mn: str, pw: str = "", qn: str = "", flag: int | None = 4,
           cp: str = "", pnum: int | None = None, pno: int | None = None) -> bytes:  # fmt: skip
    """A frame with length, check sum and line end. Raises ValueError where it would be too long."""
    parts = [("QN", qn), ("ST", st), ("CN", cn), ("PW", pw), ("MN", mn)]
    head = [f"{name}={value}" for name, value in parts if value]
    if pnum is not None and pno is not None:
        head += [f"PNUM={pnum}", f"PNO={pno}"]
    if flag is not None:
        head.append(f"Flag={flag}")
    data = f"{';'.join(head)}{_CP}{cp}&&".encode("ascii")
    if len(data) > 9999:
        raise ValueError(f"{len(data)} bytes do not fit into a frame")
    return b"##%04d%b%04X\r\n" % (len(data), data, crc16(data))


#: Notices of a device, answered with 9013; everything else that it uploads, with 9014. 9015 is the
#: heartbeat that makers have added (V in a maker's public description); the standard has none.
NOTICES = frozenset({"1013", "9015"})
#: A device's answers: to a request, when it has carried it out, to a notice, to data.
READY, EXECUTED, NOTICE_TAKEN, DATA_TAKEN = "9011", "9012", "9013", "9014"


def answer(frame: Frame) -> bytes | None:
    """What the centre answers an upload once it is durable; None where no answer is wanted or due.

    9014 (data taken) for data, 9013 (notice taken) for notices; answers are not answered. Request
    number, password and device are repeated.
    """
    if not frame.answer_wanted or (frame.cn.startswith("90") and frame.cn not in NOTICES):
        return None
    assert frame.flag is not None
    cn = NOTICE_TAKEN if frame.cn in NOTICES else DATA_TAKEN
    return encode(st="91", cn=cn, mn=frame.mn, pw=frame.pw, qn=frame.qn, flag=frame.flag & ~3)


_password = re.compile(rb"PW=([^;]*)")


def without_password(raw: bytes) -> bytes:
    """The same bytes with stars for the password: what is kept must not carry a secret."""
    return _password.sub(lambda found: b"PW=" + b"*" * len(found[1]), raw)


def fields_of(frame: Frame) -> dict[str, Any]:
    """A frame as plain values for people and programs; numbers where the text is one."""
    return {
        "version": frame.version, "qn": frame.qn or None, "st": frame.st, "cn": frame.cn, "mn": frame.mn,
        "flag": frame.flag, "answer_wanted": frame.answer_wanted, "pnum": frame.pnum, "pno": frame.pno,
        "data_time": None if frame.data_time is None else format_time(frame.data_time),
        "items": {code: {n: _plain(n, v) for n, v in names.items()} for code, names in frame.items.items()},
        "params": frame.params, "crc": frame.crc,
    }  # fmt: skip


#: Names of an item's fields that are no measured values.
NO_VALUES = frozenset({"Flag", "EFlag", "SampleTime", "Info", "SN"})


def number(text: str) -> float | None:
    """A value as sent → float; None where it is not a plain finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    # Python also reads `nan`, `1e999`, `1_0` and digits of other scripts.
    return value if abs(value) < 1e300 and "_" not in text and text.isascii() else None


def _plain(name: str, text: str) -> str | float:
    value = None if name in NO_VALUES else number(text)
    return text if value is None else value


def _shown(raw: bytes) -> str:
    """Bytes of a stranger, short and printable."""
    return "".join(chr(b) if 32 <= b < 127 else "?" for b in raw[:40])
