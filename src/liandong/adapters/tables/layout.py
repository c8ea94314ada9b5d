"""The tables of a folder: which file holds which noun, and how each of its columns is read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from functools import cached_property
from typing import Any, get_args, get_origin

import msgspec

from liandong.adapters.tables.axes import (
    DURATION,
    HOURS,
    OPEN_DURATION,
    STAGES,
    TIERS,
    in_order,
    of_mechanism,
)
from liandong.adapters.tables.cells import (
    CLOCK,
    DATE,
    MONTH_DAY,
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
    several,
)
from liandong.adapters.tables.headers import TABLE_ZH, column_zh
from liandong.core.values import city as nouns
from liandong.core.values.calendar import CalendarDay, Season
from liandong.core.values.dataset import PersonRecord
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.quiet import QuietHours
from liandong.core.values.roster import Leave, Swap, Wake
from liandong.core.values.rules import Rule
from liandong.core.values.scales import CASE_LEVELS, RESPONSE_LEVELS, SEVERITIES
from liandong.texts import label

TIMES = {
    ("holdings", "since"),
    ("holdings", "until"),
    ("duties", "start"),
    ("duties", "end"),
    ("swaps", "start"),
    ("swaps", "at"),
    ("leaves", "start"),
    ("leaves", "end"),
    ("bridges", "since"),
    ("bridges", "until"),
    ("liaisons", "since"),
    ("liaisons", "until"),
    ("sensors", "calibrated"),
    ("sensors", "calibration_due"),
    ("sensors", "installed"),
}
#: Days, and days of any year.
DATES = {
    ("days", "date"): DATE,
    ("seasons", "start"): MONTH_DAY,
    ("seasons", "end"): MONTH_DAY,
    ("mechanism", "issued"): DATE,
    ("mechanism", "in_force"): DATE,
}
#: Times of day, and levels that ring all the same.
QUIET = {("quiet", "start"): CLOCK, ("quiet", "end"): CLOCK, ("quiet", "exempt"): several(tuple(CASE_LEVELS))}
#: What an error must never repeat, because errors are logged (CONTRACTS 11).
PERSONAL = {("persons", "name"), ("persons", "phone"), ("persons", "numbers")}
#: Numbers that are names: Excel drops their leading noughts, so they must be text there.
CODES = {"code", "phone", "numbers", "device", "item"}
#: Computed where they are left empty, or left out.
DERIVED = {("areas", "path"), ("channels", "number")}
WORDS = {"severity": tuple(SEVERITIES), "level": tuple(CASE_LEVELS)}
#: Columns whose words are few, and are not a closed list of the core.
FEW = {
    ("assets", "tier"): TIERS,
    ("assets", "stage"): STAGES,
    ("sources", "protocol"): ("http", "hj212", "gb26875", "jt808", "file", "modbus", "opcua", "mqtt"),
    ("packs", "maturity"): ("live", "shadow"),
    ("decisions", "response"): tuple(RESPONSE_LEVELS),
}
#: Tables of a mechanism that a folder always has.
_FIRST = ("grading", "roles", "steps", "escalations", "pauses")
#: Tables that came later: a folder written before them is still whole.
OPTIONAL = {
    "packs", "retentions", "swaps", "leaves", "wakes", "days", "seasons", "quiet", "bridges",
    "liaisons",
    *(name for name in KINDS if name not in _FIRST),
}  # fmt: skip
SLUG = r"[^\s;=/]+"
_KINDS = {
    id(TIME): "time", id(DATE): "date", id(MONTH_DAY): "day", id(NUMBER): "number", id(WHOLE): "number",
    id(DURATION): "number", id(OPEN_DURATION): "number", id(TEXT): "text",
}  # fmt: skip
_STRICT = (TIME, DATE, MONTH_DAY, NUMBER, WHOLE, YES_NO, HOURS)
#: What an empty list is called where an empty cell means another one.
NONE = frozenset({"none", "无"})


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
    many: bool = False  #: several words, parted by semicolons
    labels: dict[str, str] = field(default_factory=dict)  #: Chinese word → code, of a closed list

    @property
    def duration(self) -> bool:
        """Whether it is a length of time."""
        return self.codec in (DURATION, OPEN_DURATION)

    @property
    def kind(self) -> str:
        """How a cell of a workbook is read: text, code, number, time, date, day or other."""
        return "code" if self.name in CODES else _KINDS.get(id(self.codec), "other")

    def parse(self, text: str) -> Any:
        """Value of a cell. Raises BadCell."""
        if text in NONE and isinstance(self.default, tuple) and self.default:
            return ()
        if text:
            return self.codec.parse(self._coded(narrow(text) if self.strict else text))
        if self.required:
            raise BadCell("city.remedy.fill")
        return self.default

    def _coded(self, text: str) -> str:
        """Words of a closed list as codes: 牵头 → lead."""
        if not self.labels:
            return text
        parts = text.replace("；", ";").split(";") if self.many else [text]
        return ";".join(self.labels.get(part.strip(), part) for part in parts)

    def render(self, value: Any, zone: tzinfo) -> str:
        """Cell of a value. Raises BadCell where reading it again would give something else."""
        if value == () and isinstance(self.default, tuple) and self.default:
            return "none"
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
        names = {column.zh: name for name, column in self.columns.items()} | {n: n for n in self.columns}
        short = {
            said.removesuffix(end): name
            for said, name in names.items()
            for end in ("_s", "秒数")
            if self.columns[name].duration and said.endswith(end)
        }
        return short | names


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


def _column(table: str, noun: type, field: msgspec.structs.FieldInfo, prefix: str) -> Column:
    place = (table, field.name)
    if place in TIMES:
        codec = TIME
    elif place in DATES:
        codec = DATES[place]
    elif place in QUIET:
        codec = QUIET[place]
    elif field.name == "key":
        codec = _key_codec(prefix)
    elif place in FEW:
        codec = few(FEW[place])
    elif table in KINDS and (own := of_mechanism(table, noun, field)):
        codec = own
    elif field.name in WORDS:
        codec = few(WORDS[field.name])
    else:
        codec = codec_for(field.type)
    return Column(
        name=field.name,
        codec=codec,
        required=field.required and place not in DERIVED,
        default=None if field.required else field.default,
        personal=place in PERSONAL,
        zh=column_zh(table, field.name),
        strict=field.name == "key" or codec.allowed != "" or codec in _STRICT,
        many=get_origin(field.type) is tuple or codec.parse.__module__.endswith(".axes"),
        labels=_labels(field.type),
    )


def _labels(kind: Any) -> dict[str, str]:
    """Chinese words of a closed list; one that stands for two codes is no word."""
    inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
    if not (isinstance(inner, type) and issubclass(inner, StrEnum)):
        return {}
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", inner.__name__).lower()
    said = [(label(name, code, "zh"), code) for code in inner]
    counted = Counter(word for word, _ in said)
    return {word: code for word, code in said if counted[word] == 1 and word not in list(inner)}


def _table(name: str, noun: type[msgspec.Struct], prefix: str = "", only: tuple[str, ...] = ()) -> Table:
    fields = [f for f in in_order(noun) if not only or f.name in only]
    columns = {f.name: _column(name, noun, f, prefix) for f in fields}
    return Table(
        name=name, noun=noun, columns=columns, key="key" in columns, single=bool(only),
        optional=name in OPTIONAL,
    )  # fmt: skip


def _noun_of(name: str) -> type[msgspec.Struct]:
    """The rows of a mechanism's table."""
    (found,) = [get_args(f.type)[0] for f in msgspec.structs.fields(Mechanism) if f.name == name]
    noun: type[msgspec.Struct] = found
    return noun


#: The head of a document.
HEAD = (
    "key", "version", "title_zh", "title_en", "issuer", "number", "issued", "in_force", "supersedes",
    "includes", "supplement_to", "centre",
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
    _table("swaps", Swap),
    _table("leaves", Leave),
    _table("wakes", Wake),
    _table("days", CalendarDay),
    _table("seasons", Season),
    _table("quiet", QuietHours),
    _table("bridges", nouns.Bridge, "bridge"),
    _table("liaisons", nouns.Liaison),
    _table("rules", Rule),
    _table("mechanism", Mechanism, only=HEAD),
    *(_table(name, _noun_of(name)) for name in KINDS),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
#: Tables that fill a field of the same name of the City, and of the Mechanism.
OF_CITY = tuple(
    n for n in TABLES if n in {f.name for f in msgspec.structs.fields(nouns.City)} and n not in ("city",)
)
OF_MECHANISM = KINDS
#: Everything that makes a mechanism, the document's head first.
MECHANISM = ("mechanism", *OF_MECHANISM)
