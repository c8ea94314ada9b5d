"""The tables of a folder: which file holds which noun, and how each of its columns is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Any

import msgspec

from liandong.adapters.tables.cells import (
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    YES_NO,
    BadCell,
    Codec,
    codec_for,
    few,
    narrow,
)
from liandong.adapters.tables.headers import TABLE_ZH, column_zh
from liandong.core.values import city as nouns
from liandong.core.values.dataset import PersonRecord
from liandong.core.values.rows import (
    ContactRow,
    EscalationRow,
    FlowRow,
    GatherRow,
    GradingRow,
    Mechanism,
    PauseRow,
    ReportRow,
    RoleRow,
    StepRow,
)
from liandong.core.values.rules import Rule
from liandong.core.values.scales import CASE_LEVELS, SEVERITIES

TIMES = {
    ("holdings", "since"),
    ("holdings", "until"),
    ("duties", "start"),
    ("duties", "end"),
    ("sensors", "calibrated"),
}
#: What an error must never repeat, because errors are logged (CONTRACTS 11).
PERSONAL = {("persons", "name"), ("persons", "phone")}
#: Numbers that are names: Excel drops their leading noughts, so they must be text there.
CODES = {"code", "phone", "numbers", "device", "item"}
#: Computed where they are left empty, or left out.
DERIVED = {("areas", "path"), ("channels", "number")}
WORDS = {"severity": tuple(SEVERITIES), "level": tuple(CASE_LEVELS)}
#: Stages of a business 业务环节.
STAGES = ("produce", "store", "trade", "use", "transport", "dispose", "build", "operate")
#: Columns whose words are few, and are not a closed list of the core.
FEW = {
    ("assets", "tier"): ("city", "department", "owner"),
    ("assets", "stage"): STAGES,
    ("sources", "protocol"): ("http", "hj212", "gb26875", "file"),
    ("packs", "maturity"): ("live", "shadow"),
    ("roles", "tier"): ("*", "city", "department", "owner"),
    ("roles", "stage"): ("*", *STAGES),
}
#: Tables that came later: a folder written before them is still whole.
OPTIONAL = {"packs", "retentions", "flows", "gatherings", "contacts", "reports"}
SLUG = r"[^\s;=/]+"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; an empty cell means the default, and a required one refuses it."""

    name: str
    codec: Codec
    required: bool
    default: Any = None
    personal: bool = False
    zh: str = ""  #: Chinese header, accepted beside the name
    strict: bool = False  #: takes no free words, so that full-width signs in it are a slip of the keyboard

    @property
    def kind(self) -> str:
        """How a cell of a workbook is read: text, code, number, time or other."""
        kinds = {id(TIME): "time", id(NUMBER): "number", id(WHOLE): "number", id(TEXT): "text"}
        return "code" if self.name in CODES else kinds.get(id(self.codec), "other")

    def parse(self, text: str) -> Any:
        """Value of a cell. Raises BadCell."""
        if text:
            return self.codec.parse(narrow(text) if self.strict else text)
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
    optional: bool = False  #: may be missing, which is the same as empty

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.csv"

    @property
    def zh(self) -> str:
        """Chinese name, and name of its sheet."""
        return TABLE_ZH.get(self.name, self.name)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Every header that a column may bear → the column."""
        return {column.zh: name for name, column in self.columns.items()} | {n: n for n in self.columns}


def _key_codec(prefix: str) -> Codec:
    """Keys are slugs, `unit:gas`; the prefix says at every other place what is meant."""
    pattern = re.compile(f"{prefix}:{SLUG}" if prefix else SLUG)

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise BadCell("city.remedy.key", f"{prefix}:" if prefix else "")
        return text

    return Codec(
        parse, lambda value, zone: value, "city.remedy.key" if prefix else "", f"{prefix}:" if prefix else ""
    )


def _level_codec(column: str, noun: type) -> Codec:
    """A word of its scale; a row of the mechanism may say `*` for any level, except where it grades."""
    any_level = column == "level" and noun is not GradingRow
    return few((*WORDS[column], "*") if any_level else WORDS[column])


def _column(table: str, noun: type, field: msgspec.structs.FieldInfo, prefix: str) -> Column:
    place = (table, field.name)
    if place in TIMES:
        codec = TIME
    elif field.name == "key":
        codec = _key_codec(prefix)
    elif place in FEW:
        codec = few(FEW[place])
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
        zh=column_zh(table, field.name),
        strict=field.name == "key" or codec.allowed != "" or codec in (TIME, NUMBER, WHOLE, YES_NO),
    )


def _table(name: str, noun: type[msgspec.Struct], prefix: str = "", only: tuple[str, ...] = ()) -> Table:
    fields = [f for f in msgspec.structs.fields(noun) if not only or f.name in only]
    columns = {f.name: _column(name, noun, f, prefix) for f in fields}
    return Table(
        name=name, noun=noun, columns=columns, key="key" in columns, single=bool(only),
        optional=name in OPTIONAL,
    )  # fmt: skip


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
    _table("packs", nouns.PackUse),
    _table("retentions", nouns.Retention),
    _table("rules", Rule),
    _table("mechanism", Mechanism, only=("key", "title_zh", "title_en", "issuer", "centre", "version")),
    _table("flows", FlowRow),
    _table("grading", GradingRow),
    _table("roles", RoleRow),
    _table("steps", StepRow),
    _table("escalations", EscalationRow),
    _table("pauses", PauseRow),
    _table("gatherings", GatherRow),
    _table("contacts", ContactRow),
    _table("reports", ReportRow),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
#: Tables that fill a field of the same name of the City, and of the Mechanism.
OF_CITY = tuple(
    n for n in TABLES if n in {f.name for f in msgspec.structs.fields(nouns.City)} and n not in ("city",)
)
OF_MECHANISM = (
    "flows", "grading", "roles", "steps", "escalations", "pauses", "gatherings", "contacts", "reports"
)  # fmt: skip
#: Everything that makes a mechanism, the document's head first.
MECHANISM = ("mechanism", *OF_MECHANISM)
