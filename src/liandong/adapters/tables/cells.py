"""One cell: text ↔ value, derived from the type of the field it fills."""

from __future__ import annotations

import math
import re
import types
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from enum import StrEnum
from typing import Any, get_args, get_origin

from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time, to_datetime

YES = frozenset({"yes", "true", "1", "是"})
NO = frozenset({"no", "false", "0", "否"})


class BadCell(ValueError):
    """A cell that cannot be read; `remedy` is the key of the text that says what to write."""

    def __init__(self, remedy: str, allowed: str = "") -> None:
        super().__init__(remedy)
        self.remedy = remedy
        self.allowed = allowed


@dataclass(frozen=True)
class Codec:
    """How one kind of cell is read and written; an empty cell never gets here."""

    parse: Callable[[str], Any]
    render: Callable[[Any, tzinfo], str]
    hint: str = ""  #: key of the text that says what to write
    allowed: str = ""  #: the words it takes, where they are few


def one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    """A reader that takes these words only."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise BadCell("city.remedy.one_of", ", ".join(allowed))
        return text

    return parse


def codec_for(kind: Any) -> Codec:
    """The codec of a field's type. Raises TypeError for a type that no table has."""
    if isinstance(kind, types.UnionType):
        return codec_for(next(arg for arg in get_args(kind) if arg is not type(None)))
    if get_origin(kind) is tuple:
        return _list_codec(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        read = one_of(tuple(kind))
        return Codec(
            lambda text: kind(read(text)),
            lambda value, zone: str(value),
            "city.remedy.one_of",
            ", ".join(kind),
        )
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    raise TypeError(f"no codec for {kind}")


def _list_codec(inner: Any) -> Codec:
    """`a;b;c`, `system=number;system=number` where the items are pairs, `0=关|off;1=开|on` for codes."""
    composed = {2: _PAIR, 3: _CODE}
    item = composed[len(get_args(inner))] if get_origin(inner) is tuple else codec_for(inner)

    def parse(text: str) -> tuple[Any, ...]:
        parts = [part.strip() for part in text.replace("；", ";").split(";")]
        if not all(parts):
            raise BadCell("city.remedy.list")
        return tuple(item.parse(part) for part in parts)

    def render(value: tuple[Any, ...], zone: tzinfo) -> str:
        return ";".join(item.render(part, zone) for part in value)

    hint = item.hint if item in composed.values() else "city.remedy.list"
    return Codec(parse, render, hint, item.allowed)


def few(words: tuple[str, ...]) -> Codec:
    """The codec of a column whose words are few."""
    return Codec(one_of(words), lambda value, zone: value, "city.remedy.one_of", ", ".join(words))


def several(words: tuple[str, ...]) -> Codec:
    """The codec of a column of several such words."""
    plain, one = codec_for(tuple[str, ...]), one_of(words)
    return Codec(
        lambda text: tuple(one(word) for word in plain.parse(text)),
        plain.render,
        "city.remedy.one_of",
        ", ".join(words),
    )


def narrow(text: str) -> str:
    """Full-width digits, letters and signs as a Chinese keyboard types them, made narrow."""
    return unicodedata.normalize("NFKC", text).strip()


def _parse_pair(text: str) -> tuple[str, str]:
    system, sign, number = text.replace("＝", "=", 1).partition("=")
    if not (sign and system.strip() and number.strip()):
        raise BadCell("city.remedy.pairs")
    return system.strip(), number.strip()


def _parse_code(text: str) -> tuple[int, str, str]:
    code, sign, words = text.partition("=")
    zh, _, en = words.partition("|")
    if not (sign and re.fullmatch(r"-?[0-9]{1,9}", code.strip()) and zh.strip()):
        raise BadCell("city.remedy.codes")
    return int(code), zh.strip(), en.strip()


def _render_code(code: tuple[int, str, str], zone: tzinfo) -> str:
    number, zh, en = code
    return f"{number}={zh}|{en}" if en else f"{number}={zh}"


def _parse_bool(text: str) -> bool:
    word = text.lower()
    if word not in YES | NO:
        raise BadCell("city.remedy.yes_no")
    return word in YES


def _parse_int(text: str) -> int:
    # A registry number is int32 and a version counts up: nothing in the tables is negative or larger.
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > 2**31 - 1:
        raise BadCell("city.remedy.whole_number")
    return int(text)


def _parse_float(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadCell("city.remedy.number") from error
    # float() also takes `1_000`, which a spreadsheet would show as text.
    if not math.isfinite(value) or "_" in text:
        raise BadCell("city.remedy.number")
    return value


def _render_float(value: float, zone: tzinfo) -> str:
    whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)


def _parse_time(text: str) -> int:
    try:
        return parse_time(text)
    except BadInput as error:
        raise BadCell("city.remedy.time") from error


def _parse_clock(text: str) -> str:
    """22:00, and 22：00 or 22:00:00 as spreadsheets show it."""
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::00)?", text.replace("：", ":"))
    if found is None:
        raise BadCell("city.remedy.clock")
    return f"{int(found[1]):02d}:{found[2]}"


def _parse_date(text: str) -> str:
    """2026-02-16, and 2026/2/16 or 2026年2月16日 as spreadsheets show it."""
    found = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", text)
    try:
        if found is None:
            raise ValueError
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError as error:
        raise BadCell("city.remedy.date") from error


def _parse_month_day(text: str) -> str:
    """04-15, and 4月15日."""
    found = re.fullmatch(r"([0-9]{1,2})[-/.月]([0-9]{1,2})日?", text)
    try:
        if found is None:
            raise ValueError
        # A leap year: a season may end on 29 February.
        return date(2000, int(found[1]), int(found[2])).isoformat()[5:]
    except ValueError as error:
        raise BadCell("city.remedy.month_day") from error


_PAIR = Codec(_parse_pair, lambda pair, zone: f"{pair[0]}={pair[1]}", "city.remedy.pairs")
_CODE = Codec(_parse_code, _render_code, "city.remedy.codes")
TEXT = Codec(lambda text: text, lambda value, zone: value)
WHOLE = Codec(_parse_int, lambda value, zone: str(value), "city.remedy.whole_number")
NUMBER = Codec(_parse_float, _render_float, "city.remedy.number")
YES_NO = Codec(_parse_bool, lambda value, zone: "yes" if value else "no", "city.remedy.yes_no")
_SIMPLE: dict[Any, Codec] = {str: TEXT, bool: YES_NO, int: WHOLE, float: NUMBER}
#: Times are shown on the city's own clock, because that is what a roster is checked against.
TIME = Codec(
    _parse_time, lambda value, zone: to_datetime(value).astimezone(zone).isoformat(), "city.remedy.time"
)
CLOCK = Codec(_parse_clock, lambda value, zone: value, "city.remedy.clock")
DATE = Codec(_parse_date, lambda value, zone: value, "city.remedy.date")
MONTH_DAY = Codec(_parse_month_day, lambda value, zone: value, "city.remedy.month_day")
