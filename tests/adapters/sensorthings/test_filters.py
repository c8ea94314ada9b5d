"""The language of queries: what holds for one and for a column, and that rubbish is refused and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.adapters.sensorthings.filters import Unknown, holds, may_hold, parse_filter, time_bounds
from liandong.adapters.sensorthings.options import parse_options
from liandong.core.values.errors import BadInput
from liandong.core.values.times import parse_time

THING = {"name": "阀室 O'1", "id": "asset:1", "depth": 2.5, "open": True, "none": None}


def look(names: tuple[str, ...]) -> Any:
    return THING["/".join(names)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name eq '阀室 O''1'", True),
        ("id ne 'asset:1'", False),
        ("depth gt 2 and depth le 2.5e0", True),
        ("not (depth lt 3) or id eq 'x'", False),
        ("id eq 'x' or id eq 'y' and id eq 'asset:1' or open eq true", True),
        ("substringof('室',name) and startswith(id, 'asset:') and endswith(toupper(id),'1')", True),
        ("length(id) eq 7", True),
        ("none eq null", True),
        ("none gt 1 or none ne null", False),
        ("contains(none, 'x')", False),
    ],
)
def test_what_holds_for_one(text: str, wanted: bool) -> None:
    assert bool(holds(parse_filter(text), look)) is wanted


def test_what_holds_for_a_column_holds_for_each_of_its_rows() -> None:
    tree = parse_filter("result ge 2 and not (result eq 3) or result eq null")
    values = [1.0, 2.0, 3.0, 4.0, float("nan")]
    column = holds(tree, lambda names: np.array(values))
    single = [holds(tree, lambda names, v=v: None if v != v else v) for v in values]
    assert column.tolist() == [bool(one) for one in single] == [False, True, False, True, True]


def test_a_channel_is_passed_over_only_where_no_reading_could_matter() -> None:
    def outside(names: tuple[str, ...]) -> Any:
        if names[0] == "Datastream":
            return "a"
        raise Unknown

    assert not may_hold(parse_filter("result gt 1 and Datastream/id eq 'b'"), outside)
    assert may_hold(parse_filter("result gt 1 or Datastream/id eq 'b'"), outside)
    assert may_hold(parse_filter("not (result gt 1 and Datastream/id eq 'b')"), outside)


def test_bounds_of_time_are_those_of_the_filter() -> None:
    at = parse_time("2026-05-01T08:00:00+08:00")
    tree = parse_filter(
        "result gt 1 and phenomenonTime ge 2026-05-01T00:00:00Z and 2026-05-02T00:00:00Z gt phenomenonTime"
    )
    assert time_bounds(tree, 0, 1 << 60) == (at, at + 86_400_000_000)
    either = parse_filter("phenomenonTime ge 2026-05-01T00:00:00Z or result gt 1")
    assert time_bounds(either, 0, 9) == (0, 9)
    assert time_bounds(parse_filter("phenomenonTime eq 2026-05-01T00:00:00Z"), 0, 1 << 60) == (at, at + 1)


@pytest.mark.parametrize(
    "text",
    ["", "name eq", "eq 1", "name eq 'x", "geo.distance(a,b) lt 1", "(" * 60 + "a eq 1",
     "not " * 60 + "a eq 1", "a eq 1 b", "name gt 1", "'x'", "substringof('a')", "a eq 2026-13-01T00:00:00Z"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        holds(parse_filter(text), lambda names: "x")


@pytest.mark.parametrize(
    "pairs",
    [[("$top", "-1")], [("$top", "1"), ("$top", "2")], [("$count", "yes")], [("$expand", "Nothing")],
     [("$expand", "Datastreams($top)")], [("$expand", "Datastreams(")], [("$orderby", "name up")],
     [("$skiptoken", "x_y")], [("$what", "1")],
     [("$expand", "Datastreams/Thing/Datastreams/Thing/Datastreams/Thing/Datastreams")]],
)  # fmt: skip
def test_options_that_cannot_be_answered_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(BadInput):
        parse_options("Thing", pairs)


def test_expansions_of_one_property_are_merged() -> None:
    asked = parse_options(
        "Thing",
        [("$expand", "Datastreams/Sensor,Datastreams/Observations($top=1;$orderby=phenomenonTime desc)")],
    )
    inner = asked.expand["Datastreams"].expand
    assert set(inner) == {"Sensor", "Observations"} and inner["Observations"].top == 1


_WORDS = ["(", ")", "'", "''", "and", "or", "not", "eq", "lt", ",", "/", "$top=1", ";", "name", "1",
          " ", "Datastreams", "Thing", "null", "substringof(", "2026-05-01T00:00:00Z", "é",
          "\x00", "-"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_WORDS) | st.text(max_size=4), max_size=30).map("".join))
def test_rubbish_is_refused_and_nothing_else(text: str) -> None:
    for what in ("$filter", "$expand", "$orderby", "$select", "$skiptoken"):
        try:
            asked = parse_options("Thing", [(what, text)])
            if asked.filter is not None:
                holds(asked.filter, lambda names: 1.0)
        except BadInput:
            pass
