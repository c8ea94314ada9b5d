"""Mechanisms of any content, made from the types of their rows."""

from __future__ import annotations

import types
from enum import StrEnum
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from liandong.adapters.tables.axes import STAGES, TIERS
from liandong.core.mechanism.space import PHASES, SENTENCE
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.lists import AreaKind, DayKind, EscalationKind, Provenance
from liandong.core.values.rows import Where
from liandong.core.values.scales import (
    CASE_LEVELS,
    EVENT_GRADES,
    RESPONSE_LEVELS,
    SCALES,
    SEVERITIES,
    WARNING_COLOURS,
    Scale,
)

#: What people write, with what YAML, Excel and CSV each take for something else.
WORDS = st.sampled_from(
    [
        *("no", "on", "yes", "~", "null", "12:30", "2022-06", "1e3", "007", "0x1F", "=1+1", "TRUE", "1_000"),
        *(
            "-",
            "- a",
            "a: b",
            "#N/A",
            "a #b",
            "{a}",
            "[a]",
            "*",
            "&a",
            "!b",
            "'",
            '"',
            "%",
            "@",
            "?",
            "|",
            ">",
        ),
        *("，。", "甲乙", "\U0001f692", "_x0041_", "a\tb", "\\n", "\u2028x", "é\u0301", "x:", "none"),
        *("两行\n文字", "》", "未规定", ">"),
    ]
)
ANYTHING = st.text(max_size=12).map(str.strip)
TEXTS = st.one_of(WORDS, ANYTHING, st.text("abc 甲乙:#-*'\"\\", max_size=10).map(str.strip))
#: Items of a list hold no semicolon and are not empty.
ITEMS = st.text("abc甲乙.:-_/ *", min_size=1, max_size=8).map(str.strip).filter(bool)
KEYS = st.text("abyn019.:-_*&!#甲乙~", min_size=1, max_size=6)
FLOWS = st.sampled_from(["*", "gas", "no", "on", "12:30", "城市排水", "~"])
ROLES = st.sampled_from(
    ["owner", "centre", "city:fire", "district:housing", "unit:gas", "body:committee", "town"]
)
SECONDS = st.one_of(
    st.integers(1, 10**6).map(float), st.sampled_from([0.5, 90.25, 3600.0, 86400.0, 604800.0])
)
_NUMBERS = {int: st.integers(1, 1000), float: st.floats(0.01, 1.0), bool: st.booleans()}
_ROLE_COLUMNS = {
    "role", "charged_to", "approver", "decides", "recipient", "signer", "decider", "otherwise", "drafter",
    "in_name_of", "publisher", "raiser", "lowerer", "lifter", "owner", "requester", "releaser",
    "requisitioner", "payer",
}  # fmt: skip
_ROLE_LISTS = {"never", "informs", "onward", "approvals"}
_AXES = {
    "level": tuple(CASE_LEVELS), "stage": STAGES, "tier": TIERS, "phase": PHASES, "days": tuple(DayKind),
    "grade": tuple(EVENT_GRADES), "colour": tuple(WARNING_COLOURS),
}  # fmt: skip


def axis(words: Any) -> Any:
    some = st.lists(words, min_size=1, max_size=3, unique=True).map(";".join)
    return st.one_of(st.just("*"), some)


def _field(table: str, kind: type, field: Any) -> Any:
    name = field.name
    inner = field.type
    if isinstance(inner, types.UnionType):
        inner = next(arg for arg in get_args(inner) if arg is not type(None))
    if name == "key":
        return KEYS
    if name == "flow":
        return FLOWS
    if name == "hours":
        return axis(st.sampled_from(["22:00-06:00", "08:30-24:00", "12:00-13:00"]))
    if (table, name) == ("warnings", "territory"):
        return axis(st.sampled_from(list(AreaKind)))
    if (table, name) == ("grading", "level"):
        return st.sampled_from(list(CASE_LEVELS))
    if name in _AXES and (issubclass(kind, Where) or name in ("level", "grade", "colour")):
        return axis(st.sampled_from(_AXES[name]))
    if issubclass(kind, Where) and name in ("kind", "territory", "season"):
        return axis(st.from_regex("[a-z:]{1,5}", fullmatch=True))
    if name == "overrides":
        return st.one_of(st.just(""), axis(KEYS).filter(lambda text: text != "*"))
    if (table, name) == ("precedence", "axes"):
        return st.lists(st.sampled_from(list(SENTENCE)), min_size=1, unique=True).map(tuple)
    if name == "severity":
        return st.sampled_from(list(SEVERITIES))
    if name == "response":
        return st.sampled_from(["", *RESPONSE_LEVELS])
    if name in _ROLE_COLUMNS:
        return ROLES
    if name in _ROLE_LISTS:
        return st.lists(ROLES, max_size=2, unique=True).map(tuple)
    if name.endswith("_s"):
        return SECONDS
    if get_origin(inner) is tuple:
        item = get_args(inner)[0]
        made = st.sampled_from(list(item)) if issubclass(item, StrEnum) else ITEMS
        return st.lists(made, max_size=3).map(tuple)
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return st.sampled_from(list(inner))
    if inner is str:
        return TEXTS.filter(bool) if field.required else TEXTS
    return _NUMBERS[inner]


def _legal(table: str, row: Any) -> Any:
    """A row that contradicts itself made one that does not."""
    replace = msgspec.structs.replace
    if table == "roles":
        return replace(row, role="" if row.provenance == Provenance.UNSET else row.role or "owner")
    if table == "steps" and row.provenance == Provenance.UNSET:
        return replace(row, limit_s=None)
    if table == "escalations":
        none = row.kind == EscalationKind.NONE
        moments = [name for name in ("fraction", "after_s", "no_answer_s") if getattr(row, name) is not None]
        kept = {name: None for name in moments[0 if none else 1 :]}
        return replace(row, **kept, **({} if none or moments else {"fraction": 1.0}))
    if table in ("decisions", "measures"):
        other = Scale.CASE_LEVEL if table == "decisions" else Scale.RESPONSE_LEVEL
        scale = row.scale if row.scale in (Scale.WARNING_COLOUR, other) else other
        codes = list(SCALES[scale])
        return replace(row, scale=scale, code=codes[len(row.code) % len(codes)])
    if table == "flows":
        return replace(row, within="")
    return row


def _rows(name: str, kind: type) -> Any:
    fields = {
        f.name: _field(name, kind, f) if f.required else st.one_of(st.just(f.default), _field(name, kind, f))
        for f in msgspec.structs.fields(kind)
    }
    made = st.builds(lambda values: _legal(name, kind(**values)), st.fixed_dictionaries(fields))
    return st.lists(made, max_size=3, unique_by=lambda row: row.key).map(tuple)


@st.composite
def mechanisms(draw: Any) -> Mechanism:
    """A document or a supplement with any rows."""
    some = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True))
    kinds = {f.name: get_args(f.type)[0] for f in msgspec.structs.fields(Mechanism) if f.name in some}
    tables = {name: draw(_rows(name, kinds[name])) for name in some}
    made = Mechanism(
        key=draw(KEYS), version=draw(st.integers(0, 9)), title_zh=draw(TEXTS), title_en=draw(TEXTS),
        issuer=draw(TEXTS), number=draw(TEXTS), issued=draw(st.sampled_from(["", "2022-06-01"])),
        supersedes=draw(st.sampled_from(["", "foshan-v1"])),
        includes=draw(st.sampled_from([(), ("law",), ("a", "b")])),
        centre=draw(st.sampled_from(["", "city:centre"])), **tables,
    )  # fmt: skip
    if draw(st.booleans()):
        return made
    ours = {
        name: tuple(
            msgspec.structs.replace(
                row,
                provenance=Provenance.ASSUMED if row.provenance == Provenance.SOURCE else row.provenance,
            )
            for row in rows
        )
        for name, rows in tables.items()
    }
    return msgspec.structs.replace(made, supplement_to="other", **ours)
