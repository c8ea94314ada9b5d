"""The tables of a folder: which file holds which noun, and how each of its columns is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import msgspec

from liandong.adapters.tables.cells import TIME, BadCell, Codec, codec_for, one_of
from liandong.core.values import city as nouns
from liandong.core.values.dataset import PersonRecord
from liandong.core.values.rows import EscalationRow, GradingRow, Mechanism, PauseRow, RoleRow, StepRow
from liandong.core.values.rules import Rule
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES

TIMES = {("holdings", "since"), ("holdings", "until"), ("duties", "start"), ("duties", "end")}
#: What an error must never repeat, because errors are logged (CONTRACTS 11).
PERSONAL = {("persons", "name"), ("persons", "phone")}
#: Computed where they are left empty, or left out.
DERIVED = {("areas", "path"), ("channels", "number")}
WORDS = {"severity": tuple(SEVERITIES), "level": tuple(CASE_LEVELS)}
SLUG = r"[^\s;=/]+"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; an empty cell means the default, and a required one refuses it."""

    name: str
    codec: Codec
    required: bool
    default: Any = None
    personal: bool = False

    def parse(self, text: str) -> Any:
        """Value of a cell. Raises BadCell."""
        if text:
            return self.codec.parse(text)
        if self.required:
            raise BadCell("city.remedy.fill")
        return self.default

    def render(self, value: Any, zone: tzinfo) -> str:
        """Cell of a value. Raises BadCell where reading it again would give something else."""
        empty = value is None or value == () or (value == self.default and self.codec is TIME)
        text = "" if empty else self.codec.render(value, zone)
        if any(ord(c) < 32 and c not in "\n\t" for c in text) or text != text.strip():
            raise BadCell("city.remedy.plain_text")
        if self.parse(text) != value:
            raise BadCell("city.remedy.plain_text")
        return text


@dataclass(frozen=True, kw_only=True)
class Table:
    """One file and the noun it holds, a row each."""

    name: str
    noun: type[msgspec.Struct]
    columns: dict[str, Column]
    key: bool  #: has a `key` column, unique within the file
    single: bool = False  #: exactly one row

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.csv"


def _key_codec(prefix: str) -> Codec:
    """Keys are slugs, `unit:gas`; the prefix says at every other place what is meant."""
    pattern = re.compile(f"{prefix}:{SLUG}" if prefix else SLUG)

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise BadCell("city.remedy.key", f"{prefix}:" if prefix else "")
        return text

    return Codec(parse, lambda value, zone: value)


def _level_codec(column: str, noun: type) -> Codec:
    """A word of its scale; a row of the mechanism may say `*` for any level, except where it grades."""
    any_level = column == "level" and noun is not GradingRow
    return Codec(one_of((*WORDS[column], "*") if any_level else WORDS[column]), lambda value, zone: value)


def _column(table: str, noun: type, field: msgspec.structs.FieldInfo, prefix: str) -> Column:
    place = (table, field.name)
    if place in TIMES:
        codec = TIME
    elif field.name == "key":
        codec = _key_codec(prefix)
    elif field.name in WORDS:
        codec = _level_codec(field.name, noun)
    else:
        codec = codec_for(field.type)
    return Column(
        name=field.name,
        codec=codec,
        required=field.required and place not in DERIVED,
        default=None if field.required else field.default,
        personal=place in PERSONAL,
    )


def _table(name: str, noun: type[msgspec.Struct], prefix: str = "", only: tuple[str, ...] = ()) -> Table:
    fields = [f for f in msgspec.structs.fields(noun) if not only or f.name in only]
    columns = {f.name: _column(name, noun, f, prefix) for f in fields}
    return Table(name=name, noun=noun, columns=columns, key="key" in columns, single=bool(only))


_ALL = (
    _table("city", nouns.City, only=("key", "zone", "version")),
    _table("areas", nouns.Area, "area"),
    _table("units", nouns.Unit, "unit"),
    _table("bodies", nouns.Body, "body"),
    _table("posts", nouns.Post, "post"),
    _table("holdings", nouns.Holding),
    _table("duties", nouns.Duty),
    _table("persons", PersonRecord, "person"),
    _table("assets", nouns.Asset, "asset"),
    _table("relations", nouns.Relation),
    _table("sensors", nouns.Sensor, "sensor"),
    _table("quantities", nouns.Quantity),
    _table("channels", nouns.Channel, "channel"),
    _table("sources", nouns.Source, "source"),
    _table("permissions", nouns.Permission),
    _table("rules", Rule),
    _table("mechanism", Mechanism, only=("key", "title_zh", "title_en", "issuer", "centre", "version")),
    _table("grading", GradingRow),
    _table("roles", RoleRow),
    _table("steps", StepRow),
    _table("escalations", EscalationRow),
    _table("pauses", PauseRow),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
#: Tables that fill a field of the same name of the City, and of the Mechanism.
OF_CITY = tuple(
    n for n in TABLES if n in {f.name for f in msgspec.structs.fields(nouns.City)} and n not in ("city",)
)
OF_MECHANISM = ("grading", "roles", "steps", "escalations", "pauses")
