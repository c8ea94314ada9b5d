"""What runs is what the rows say: the compiled form against the slow, obvious reading, cell by cell."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.compile import Compiled
from liandong.core.mechanism.proofs.cells import cells, claims
from liandong.core.mechanism.proofs.grid import count_group
from liandong.core.mechanism.routing import Routing, Situation
from liandong.core.mechanism.space import AXES, Cell
from liandong.core.values.calendar import Season
from liandong.core.values.city import Area, City, CityIndex
from liandong.core.values.document import Mechanism, OverrideRow, PrecedenceRow, ScopeRow
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AreaKind, DayKind, Participation
from liandong.core.values.rows import FlowRow, RoleRow
from tests.core.mechanism import slow

LEAD = Participation.LEAD


def area(key: str, parent: str, kind: AreaKind, path: str) -> Area:
    return Area(
        key=f"area:{key}", name_zh=key, kind=kind, parent=f"area:{parent}" if parent else "", path=path
    )


CITY = CityIndex(
    City(
        key="c",
        areas=(
            area("c", "", AreaKind.CITY, "/c/"),
            area("east", "c", AreaKind.DISTRICT, "/c/east/"),
            area("e1", "east", AreaKind.TOWN, "/c/east/e1/"),
            area("e2", "east", AreaKind.TOWN, "/c/east/e2/"),
            area("west", "c", AreaKind.DISTRICT, "/c/west/"),
            area("w1", "west", AreaKind.TOWN, "/c/west/w1/"),
        ),
        seasons=(
            Season(key="flood", title_zh="汛期", start="04-15", end="10-15"),
            Season(key="dry", title_zh="旱季", start="10-01", end="03-31"),
        ),
    )
)
FLOWS = (
    FlowRow(key="gas"),
    FlowRow(key="gas_outdoors", within="gas", hazards=("gas_leak",)),
    FlowRow(key="water", hazards=("flooding",)),
)
axis = {
    "flow": st.sampled_from(["*", "gas", "gas_outdoors", "gas_leak", "water"]),
    "level": st.sampled_from(["*", "I", "I;II", "IV"]),
    "kind": st.sampled_from(["*", "*", "pipe", "pipe;well"]),
    "stage": st.sampled_from(["*", "*", "store"]),
    "tier": st.sampled_from(["*", "*", "owner"]),
    "territory": st.sampled_from(["*", "*", "area:east", "area:e1;area:w1", "area:e1"]),
    "phase": st.sampled_from(["*", "*", "respond"]),
    "days": st.sampled_from(["*", "*", "holiday;restday"]),
    "season": st.sampled_from(["*", "*", "flood", "dry"]),
    "hours": st.sampled_from(["*", "*", "22:00-06:00", "08:00-12:00;14:00-24:00"]),
}
sentences = st.lists(
    st.sampled_from(["territory", "phase", "calendar", "level", "kind", "stage", "tier"]),
    unique=True,
    max_size=5,
)


@st.composite
def mechanisms(draw: st.DrawFn) -> Mechanism:
    count = draw(st.integers(0, 6))
    rows = [
        RoleRow(
            key=f"r{n}", part=LEAD, role="owner",
            overrides=draw(st.sampled_from(["", "", f"r{(n + 1) % 6}", "r0;r2"])),
            **{name: draw(words) for name, words in axis.items()},
        )
        for n in range(count)
    ]  # fmt: skip
    stated = [
        OverrideRow(
            key=f"o{n}", row=f"r{draw(st.integers(0, 5))}", over=f"r{draw(st.integers(0, 5))}",
            **{name: draw(words) for name, words in axis.items()},
        )
        for n in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    order = [
        PrecedenceRow(key=f"p{flow}", flow=flow, axes=tuple(draw(sentences)))
        for flow in draw(st.sets(st.sampled_from(["*", "gas", "gas_outdoors", "water"])))
    ]
    return Mechanism(
        key="m", flows=FLOWS, roles=tuple(rows), overrides=tuple(stated), precedence=tuple(order)
    )


situations = st.builds(
    Situation,
    kind=st.sampled_from(["", "pipe", "well", "lift"]),
    stage=st.sampled_from(["", "store"]),
    tier=st.sampled_from(["", "owner", "city"]),
    area=st.sampled_from([*CITY.areas, "area:unknown"]),
    phase=st.sampled_from(["monitor", "respond"]),
    day=st.sampled_from(DayKind),
    seasons=st.sampled_from([(), ("flood",), ("dry",), ("flood", "dry")]),
    minute=st.sampled_from([0, 359, 360, 479, 480, 719, 720, 839, 840, 1319, 1320, 1439]),
)


@settings(max_examples=150, deadline=None)
@given(
    mechanisms(),
    st.lists(st.tuples(situations, st.sampled_from(["IV", "III", "II", "I"])), min_size=1, max_size=12),
)
def test_the_compiled_form_says_what_the_rows_say(
    mechanism: Mechanism, asked: list[tuple[Situation, str]]
) -> None:
    compiled = Compiled(mechanism, CITY)
    routing = Routing(mechanism, CITY)
    for (situation, level), hazard in product(asked, ("gas_leak", "flooding", "unheard_of")):
        cell = routing.cell(level, situation)
        found = {row.key for row in compiled.roles(hazard, LEAD).speaking(cell)}
        assert found == slow.speaking(mechanism, CITY, mechanism.roles, hazard, level, situation)
        row = routing.role(hazard, level, LEAD, situation)
        assert (row is None) == (not found) and (row is None or row.key in found)


@settings(max_examples=25, deadline=None)
@given(mechanisms())
def test_what_is_counted_is_what_speaks(mechanism: Mechanism) -> None:
    """The count over the whole space against every cell asked one by one."""
    compiled = Compiled(mechanism, CITY)
    atoms = compiled.space.atoms
    for hazard in ("gas_leak", "flooding"):
        group = compiled.roles(hazard, LEAD)
        found = count_group(compiled, group, claims(compiled, hazard))
        every = list(product(*(range(len(values)) for values in atoms.values())))
        order = [list(atoms).index(name) for name in AXES]
        holes: dict[int, int] = {}
        doubles: set[tuple[str, str]] = set()
        speaking: set[str] = set()
        circle = False
        for place in every:
            cell = Cell(*(place[i] for i in order))
            rows = sorted(row.key for row in group.speaking(cell))
            held = any(candidate.holds(cell) for candidate in group.candidates)
            speaking |= set(rows)
            circle |= held and not rows
            if not held:
                holes[cell.level] = holes.get(cell.level, 0) + 1
            doubles |= {(a, b) for a, b in product(rows, rows) if a < b}
        assert {cell.level: count for cell, count in found.holes} == holes
        assert {tuple(sorted(pair[:2])) for pair in found.doubles} == doubles
        assert found.speaking == speaking
        assert bool(found.circles) == circle


def lead(key: str, **axes: str) -> RoleRow:
    return RoleRow(key=key, part=LEAD, role="owner", **({"flow": "gas"} | axes))


def faults(*rows: RoleRow, **more) -> list[tuple[str, str, tuple[str, ...]]]:
    compiled = Compiled(Mechanism(key="m", flows=FLOWS[:2], roles=rows, **more), CITY)
    return [(fault.proof, fault.kind, fault.rows) for fault in cells(compiled)]


def test_a_sentence_decides_by_the_highest_axis_that_one_row_alone_narrows():
    general, town, worst = lead("general"), lead("town", territory="area:e1"), lead("worst", level="I")
    sentence = (PrecedenceRow(key="p", flow="gas", axes=("territory", "level")),)
    assert ("P2", "two_leads", ("general", "town")) in faults(general, town)
    assert faults(general, town, worst, precedence=sentence) == []
    compiled = Compiled(
        Mechanism(key="m", flows=FLOWS[:2], roles=(general, town, worst), precedence=sentence), CITY
    )
    pairs = {(pair.winner, pair.loser, pair.by) for pair in compiled.roles("gas_leak").pairs()}
    assert pairs == {
        ("town", "general", "sentence"), ("worst", "general", "sentence"), ("town", "worst", "sentence"),
    }  # fmt: skip
    # Two that narrow the same highest axis and still overlap: the sentence is silent, and says so.
    both = lead("both", territory="area:east", level="I")
    assert faults(general, town, both, precedence=sentence) == [("P2", "two_leads", ("both", "town"))]
    named = lead("town", territory="area:e1", overrides="both")
    assert faults(general, named, both, precedence=sentence) == []


def test_a_hole_is_shown_with_a_level_a_place_and_a_time():
    rows = [
        lead(f"day{n}", level=level, hours="06:00-22:00") for n, level in enumerate(("I", "II", "III", "IV"))
    ]
    night = [
        lead(f"night{n}", level=level, hours="22:00-06:00") for n, level in enumerate(("I", "III", "IV"))
    ]
    part = lead("part", level="II", hours="22:00-06:00", territory="area:west", days="workday")
    compiled = Compiled(Mechanism(key="m", flows=FLOWS[:2], roles=(*rows, *night, part)), CITY)
    (fault,) = cells(compiled)
    assert (fault.proof, fault.kind, fault.witness["level"]) == ("P1", "no_lead", "II")
    assert fault.witness["flow"] == "gas_leak" and fault.witness["hours"] in ("00:00", "22:00")


def test_dead_rows_circles_and_words_of_nowhere():
    always = [lead(f"x{level}", level=level) for level in ("I", "II", "III", "IV")]
    found = faults(*always, lead("nearer", flow="gas_outdoors"))
    assert {f[2] for f in found if f[1] == "dead_row"} == {(r.key, "nearer") for r in always}
    assert ("P14", "unknown_word", ("odd",)) in faults(*always, lead("odd", territory="area:moon"))
    adrift = Mechanism(key="m", flows=(FlowRow(key="gas", within="floods"),), roles=tuple(always))
    assert [(f.kind, f.rows, f.witness["word"]) for f in cells(Compiled(adrift)) if f.proof == "P14"] == [
        ("unknown_word", ("gas",), "floods")
    ]
    ring = (lead("a", overrides="b"), lead("b", overrides="a"))
    assert [f[1] for f in faults(*ring)].count("override_circle") == 1


def test_scope_limits_what_has_to_have_a_lead():
    scope = (ScopeRow(key="s", flow="gas", level="I"),)
    assert faults(lead("one", level="I"), scope=scope) == []
    assert [f[1] for f in faults(lead("one", level="II"), scope=scope)] == ["no_lead"]


@pytest.mark.parametrize("hours", ["8-9", "08:00-08:00", "25:00-26:00", "08:00", "24:30-25:00"])
def test_hours_that_are_none_are_refused(hours: str):
    with pytest.raises(BadInput):
        Compiled(Mechanism(key="m", roles=(lead("r", hours=hours),)), CITY)
