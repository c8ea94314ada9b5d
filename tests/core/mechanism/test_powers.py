"""Which row of authority speaks: the nearest flow, then the narrower colour or level, then the territory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.powers import Powers
from liandong.core.mechanism.routing import Routing
from liandong.core.values.authority_rows import DecisionRow, MeasureRow, ResourceRow, WarningRow
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import MeasureKind
from liandong.core.values.rows import FlowRow
from liandong.core.values.scales import Scale

FLOWS = (
    FlowRow(key="water", hazards=("waterlogging",), within="nature"),
    FlowRow(key="nature", hazards=("rainstorm",)),
)


def powers(**tables: tuple) -> Powers:
    mechanism = Mechanism(key="m", flows=FLOWS, **tables)
    return Powers(mechanism, Routing(Mechanism(key="m", flows=FLOWS)).flows)


def warnings(*rows: tuple[str, str, str]) -> Powers:
    return powers(
        warnings=tuple(
            WarningRow(key="/".join(row), flow=row[0], colour=row[1], territory=row[2]) for row in rows
        )
    )


@pytest.mark.parametrize(
    ("rows", "speaks"),
    [
        ((("*", "*", "*"), ("nature", "*", "*"), ("water", "*", "*")), "water/*/*"),
        ((("nature", "red", "city"), ("water", "blue", "*")), "nature/red/city"),
        ((("nature", "*", "city"), ("nature", "red;orange", "*")), "nature/red;orange/*"),
        ((("nature", "red", "*"), ("nature", "red", "city")), "nature/red/city"),
        ((("nature", "red", "district"),), None),
        ((("gas", "*", "*"),), None),
    ],
)
def test_one_row_speaks_for_a_colour_in_a_territory(rows: tuple, speaks: str | None) -> None:
    found = warnings(*rows).warning("waterlogging", "red", "city")
    assert (found.key if found else None) == speaks


def test_a_flow_of_its_own_takes_over_what_the_wider_one_forces() -> None:
    """As everywhere (decision 0034): of the rows that hold, those of the nearest flow remain."""
    row = DecisionRow(key="wide", flow="nature", scale=Scale.WARNING_COLOUR, code="red", decider="a")
    near = DecisionRow(key="near", flow="water", scale=Scale.WARNING_COLOUR, code="red", decider="b")
    assert powers(decisions=(row,)).decision("waterlogging", Scale.WARNING_COLOUR, "red") == row
    both = powers(decisions=(row, near))
    assert both.decision("waterlogging", Scale.WARNING_COLOUR, "red") == near
    assert both.decision("rainstorm", Scale.WARNING_COLOUR, "red") == row
    assert both.decision("waterlogging", Scale.CASE_LEVEL, "red") is None, "scales never mix"
    assert both.deciders("waterlogging") == ("b", "a")


def test_measures_are_all_that_hold() -> None:
    rows = tuple(
        MeasureRow(
            key=key, flow=flow, scale=Scale.WARNING_COLOUR, code=code, kind=MeasureKind.CLOSE, title_zh="关"
        )
        for key, flow, code in (("a", "*", "red"), ("b", "nature", "*"), ("c", "nature", "blue;yellow"))
    )  # fmt: skip
    found = powers(measures=rows).measures("rainstorm", Scale.WARNING_COLOUR, "red")
    assert [row.key for row in found] == ["b", "a"], "the law's beside the flow's own"


def test_a_resource_row_of_the_level_and_owner() -> None:
    rows = (
        ResourceRow(key="any", resource="pump", owner="x"),
        ResourceRow(key="grave", resource="pump", level="I;II", owner="x"),
        ResourceRow(key="other", resource="pump", level="I", owner="y"),
    )
    found = powers(resources=rows)
    assert [found.resource("pump", level, "x").key for level in ("I", "IV")] == ["grave", "any"]
    assert found.resource("pump", "I", "y").key == "other" and found.resource("boat", "I") is None


_rows = st.lists(
    st.tuples(
        st.sampled_from(["*", "nature", "water", "waterlogging", "gas"]),
        st.sampled_from(["*", "red", "red;blue", "blue"]), st.sampled_from(["*", "city", "district"]),
    ),
    max_size=6, unique=True,
)  # fmt: skip


@given(_rows, st.sampled_from(["red", "blue"]), st.sampled_from(["city", "district"]))
def test_the_row_that_speaks_holds_and_none_that_holds_is_narrower(
    rows: list, colour: str, where: str
) -> None:
    found = warnings(*rows).warning("waterlogging", colour, where)
    names = ["waterlogging", "water", "nature", "*"]
    holds = [r for r in rows if r[0] in names and r[1] in ("*", colour, "red;blue") and r[2] in ("*", where)]
    near = min((names.index(r[0]) for r in holds), default=None)
    holds = [r for r in holds if names.index(r[0]) == near]
    assert (found is None) == (not holds)
    if found is not None:
        mine = (found.colour == "*", found.territory == "*")
        assert all(mine <= (r[1] == "*", r[2] == "*") for r in holds)
