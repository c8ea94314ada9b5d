"""Columns of a mechanism's rows: axes of several words, hours of the day, lengths of time, precedence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import msgspec

from liandong.adapters.tables.cells import BadCell, Codec, narrow
from liandong.core.mechanism.space import PHASES, SENTENCE, intervals
from liandong.core.values.durations import parse_duration
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AreaKind, DayKind
from liandong.core.values.rows import ANY, GradingRow, Row, Ruling, Where
from liandong.core.values.scales import CASE_LEVELS, EVENT_GRADES, WARNING_COLOURS

#: Stages of a business 业务环节.
STAGES = ("produce", "store", "trade", "use", "transport", "dispose", "build", "operate")
#: Who watches a risk point 监测责任层级.
TIERS = ("city", "department", "owner")
#: Axes that know their words; others take free ones.
_AXES = {
    "level": tuple(CASE_LEVELS),
    "stage": STAGES,
    "tier": TIERS,
    "phase": PHASES,
    "days": tuple(DayKind),
    "grade": tuple(EVENT_GRADES),
    "colour": tuple(WARNING_COLOURS),
}
#: Axes of a row that speaks for a part of the space, in the order of its columns.
_WHERE = ("level", "kind", "stage", "tier", "territory", "phase", "days", "season")
#: Words of the scale that the row itself names.
_SCALED = {("decisions", "code"), ("measures", "code")}
_LAST = ("overrides", "provenance", "place", "mark")
#: What a cell says where the document is silent; the same as an empty one.
UNSET = frozenset({"unset", "未规定"})


def _words(text: str) -> list[str]:
    parts = [part.strip() for part in text.replace("；", ";").split(";")]
    if not all(parts) or len(set(parts)) != len(parts):
        raise BadCell("city.remedy.words")
    return parts


def axis(allowed: tuple[str, ...] = ()) -> Codec:
    """`I;II` or `*`; of free words where none are given. The value keeps the order of the cell."""
    remedy, shown = (
        ("city.remedy.one_of", ", ".join((*allowed, ANY))) if allowed else ("city.remedy.words", "")
    )

    def parse(text: str) -> str:
        parts = _words(text)
        if (ANY in parts and len(parts) > 1) or (allowed and not set(parts) <= {*allowed, ANY}):
            raise BadCell(remedy, shown)
        return ";".join(parts)

    return Codec(parse, _same, remedy, shown)


def _same(value: Any, zone: tzinfo) -> str:
    return str(value)


def _parse_hours(text: str) -> str:
    said = ";".join(_words(narrow(text)))
    try:
        intervals(said)
    except BadInput as error:
        raise BadCell("city.remedy.hours") from error
    return said


def _parse_precedence(text: str) -> tuple[str, ...]:
    """`territory > phase > level`; semicolons are taken too."""
    parts = _words(re.sub(r"[>＞]", ";", text))
    if not set(parts) <= set(SENTENCE):
        raise BadCell("city.remedy.precedence", " > ".join(SENTENCE))
    return tuple(parts)


def _duration(optional: bool) -> Callable[[str], float | None]:
    def parse(text: str) -> float | None:
        if optional and text in UNSET:
            return None
        try:
            return parse_duration(narrow(text))
        except ValueError as error:
            raise BadCell("city.remedy.duration") from error

    return parse


def _seconds(value: float, zone: tzinfo) -> str:
    whole = value == int(value) and abs(value) < 1e12
    return str(int(value)) if whole else repr(value)


HOURS = Codec(_parse_hours, _same, "city.remedy.hours")
PRECEDENCE = Codec(
    _parse_precedence, lambda value, zone: " > ".join(value), "city.remedy.precedence", " > ".join(SENTENCE)
)
#: A length of time; tables show seconds, so that a spreadsheet can reckon with them.
DURATION = Codec(_duration(False), _seconds, "city.remedy.duration")
OPEN_DURATION = Codec(_duration(True), _seconds, "city.remedy.duration")


def of_mechanism(table: str, noun: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Codec | None:
    """The codec of a column that only the rows of a mechanism have; None for one like any other's."""
    if field.name.endswith("_s"):
        return OPEN_DURATION if field.default is None else DURATION
    if (table, field.name) == ("precedence", "axes"):
        return PRECEDENCE
    if (table, field.name) == ("warnings", "territory"):
        return axis(tuple(AreaKind))
    if field.name == "hours":
        return HOURS
    own = field.name in ("colour", "grade") or (field.name == "level" and noun is not GradingRow)
    if own or (issubclass(noun, Where) and field.name in _WHERE):
        return axis(_AXES.get(field.name, ()))
    named = issubclass(noun, Ruling) and field.name == "overrides"
    return axis() if named or (table, field.name) in _SCALED else None


def in_order(noun: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    """Fields as a person reads a row: what and where first, whose word it is last."""
    fields = {field.name: field for field in msgspec.structs.fields(noun)}
    if not issubclass(noun, Row):
        return list(fields.values())
    narrowing = (*_WHERE[1:], "hours") if issubclass(noun, Where) else ()
    last = [name for name in (*narrowing, *_LAST) if name in fields]
    return [f for name, f in fields.items() if name not in last] + [fields[name] for name in last]
