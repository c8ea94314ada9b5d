"""Columns of a mechanism's rows: several words, Chinese words, lengths of time, the sentence."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from liandong.adapters.tables.cells import BadCell
from liandong.adapters.tables.headers import COLUMN_ZH, TABLE_ZH
from liandong.adapters.tables.layout import MECHANISM, OF_MECHANISM, TABLES, Column
from liandong.core.values.document import KINDS
from liandong.core.values.lists import Action, Participation


def column(table: str, name: str) -> Column:
    return TABLES[table].columns[name]


@pytest.mark.parametrize(
    ("table", "name", "text", "value"),
    [
        ("roles", "level", "I; II", "I;II"),
        ("roles", "level", "", "*"),
        ("roles", "level", "Ⅰ", "I"),
        ("roles", "kind", "bridge；gas_pipe", "bridge;gas_pipe"),
        ("roles", "part", "牵头", Participation.LEAD),
        ("roles", "hours", "22:00－06:00", "22:00-06:00"),
        ("roles", "phase", "respond", "respond"),
        ("roles", "days", "workday", "workday"),
        ("steps", "limit_s", "70 分钟", 4200.0),
        ("steps", "limit_s", "未规定", None),
        ("steps", "limit_s", "", None),
        ("steps", "action", "处置", Action.HANDLE),
        ("pauses", "actions", "到场;handle", (Action.ARRIVE, Action.HANDLE)),
        ("precedence", "axes", "territory > level", ("territory", "level")),
        ("precedence", "axes", "territory＞level", ("territory", "level")),
        ("verifications", "never", "none", ()),
        ("verifications", "never", "", ("handler", "superior")),
        ("warnings", "territory", "city;district", "city;district"),
        ("warnings", "colour", "red", "red"),
        ("measures", "code", "orange;red", "orange;red"),
        ("decisions", "response", "II", "II"),
    ],
)
def test_a_cell_is_read(table: str, name: str, text: str, value: Any) -> None:
    one = column(table, name)
    assert one.parse(text) == value
    assert one.parse(one.render(value, UTC)) == value


@pytest.mark.parametrize(
    ("table", "name", "text", "remedy"),
    [
        ("roles", "level", "V", "one_of"),
        ("roles", "level", "I;*", "one_of"),
        ("roles", "level", "I;;II", "words"),
        ("roles", "kind", "a;a", "words"),
        ("roles", "kind", "*;a", "words"),
        ("roles", "hours", "25:00-26:00", "hours"),
        ("roles", "hours", "morning", "hours"),
        ("steps", "limit_s", "soon", "duration"),
        ("pauses", "longest_s", "unset", "duration"),
        ("precedence", "axes", "level > colour", "precedence"),
        ("precedence", "axes", "level > level", "words"),
        ("warnings", "territory", "village", "one_of"),
        ("grading", "level", "*", "one_of"),
        ("grading", "level", "I;II", "one_of"),
    ],
)
def test_a_cell_is_refused_with_what_to_write(table: str, name: str, text: str, remedy: str) -> None:
    with pytest.raises(BadCell) as error:
        column(table, name).parse(text)
    assert error.value.remedy == f"city.remedy.{remedy}"


def test_every_table_and_column_of_a_mechanism_has_a_chinese_name_of_its_own() -> None:
    assert OF_MECHANISM == KINDS
    for name in MECHANISM:
        headers = [one.zh for one in TABLES[name].columns.values()]
        assert name in TABLE_ZH and len(set(headers)) == len(headers)
        assert all(f"{name}.{c}" in COLUMN_ZH or c in COLUMN_ZH for c in TABLES[name].columns)
    sheets = [table.zh for table in TABLES.values()]
    assert len(set(sheets)) == len(sheets)


def test_whose_a_row_is_stands_last_and_a_limit_may_lose_its_unit() -> None:
    for name in KINDS:
        columns = list(TABLES[name].columns)
        assert columns[0] == "key" and columns[-3:] == ["provenance", "place", "mark"]
    headers = TABLES["steps"].headers
    assert {headers[said] for said in ("limit_s", "limit", "时限秒数", "时限")} == {"limit_s"}
