"""All proofs over anything: whatever stands in the rows, the answer is faults, never a breakdown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.proofs.catalogue import PROOFS, SILENCES, prove_document, prove_standing
from liandong.core.mechanism.proofs.ground import next_days
from liandong.core.values.city import City, CityIndex
from liandong.core.values.document import KINDS, Mechanism
from liandong.core.values.errors import LiandongError
from tests.core.mechanism.proofs.good import START, World, good
from tests.core.mechanism.proofs.planted import DOCUMENT, without

_WORDS = st.sampled_from(
    ("", "*", "x", "x;y", "gas", "gas_leak", "lead", "holder", "superior", "owner", "town", "city:", ":x",
     "grid:x", "city:emergency", "unit:gas", "body:safety_committee", "I", "I;II", "red", "area:hill",
     "judge", "close", "-1")
)  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> World:
    """The good one with some words, numbers and rows changed for others."""
    world = good()
    for _ in range(draw(st.integers(1, 4))):
        table = draw(st.sampled_from([name for name in KINDS if getattr(world.mechanism, name)]))
        rows = list(getattr(world.mechanism, table))
        number = draw(st.integers(0, len(rows) - 1))
        if draw(st.integers(0, 5)) == 0:
            del rows[number]
        else:
            rows[number] = _changed(draw, rows[number])
        world = replace(world, mechanism=msgspec.structs.replace(world.mechanism, **{table: tuple(rows)}))
    return world


def _changed(draw: st.DrawFn, row: Any) -> Any:
    fields = {
        f.name: getattr(row, f.name) for f in msgspec.structs.fields(row) if f.name not in ("key", "hours")
    }
    name = draw(st.sampled_from(sorted(fields)))
    old = fields[name]
    if isinstance(old, str) and type(old) is str:
        new: Any = draw(_WORDS)
    elif isinstance(old, float | None) or type(old) is int:
        new = (
            draw(st.sampled_from((None, 0, 0.0, 1.0, 1e9)))
            if type(old) is not int
            else draw(st.integers(0, 20))
        )
    elif isinstance(old, tuple) and name not in ("actions", "causes", "axes", "hazards"):
        new = tuple(draw(st.lists(_WORDS, max_size=3)))
    else:
        return row
    return msgspec.structs.replace(row, **{name: new})


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt())
def test_whatever_the_rows_say_the_proofs_answer(world: World) -> None:
    index = world.index
    try:
        faults = (*prove_document(world.mechanism), *prove_document(world.mechanism, index))
        faults += prove_standing(world.mechanism, index, world.facts)
    except LiandongError:
        return
    assert all(fault.proof in {f"P{n}" for n in range(1, 18)} and fault.kind for fault in faults)
    rows = {row.key for table in KINDS for row in getattr(world.mechanism, table)}
    assert all(set(fault.rows) <= rows for fault in faults), "a fault names rows of the document"


def test_an_empty_document_claims_nothing_and_is_at_fault_nowhere() -> None:
    empty = Mechanism(key="empty")
    assert prove_document(empty) == ()
    nowhere = CityIndex(City(key="nowhere"))
    assert prove_document(empty, nowhere) == () == prove_standing(empty, nowhere, next_days(START))


def test_faults_come_in_the_order_of_the_proofs() -> None:
    world = without("steps", "step.close", "step.push")(without("roles", "lead.gas")(good()))
    numbers = [int(fault.proof[1:]) for fault in prove_document(world.mechanism)]
    assert numbers == sorted(numbers) and len(set(numbers)) > 1


@pytest.mark.parametrize("proof", ["P1", "P6", "P9", "P11", "P13", "P17"])
def test_what_is_only_silent_is_told_from_what_contradicts(proof: str) -> None:
    """A silence comes of something missing: a row gone, or a cell of it empty."""
    kinds = {planted.kind for planted in DOCUMENT if planted.proof == proof}
    assert kinds & SILENCES and proof in {one.id for one in PROOFS}
    assert not {"two_leads", "limits_collide", "escalation_circle", "verifier_is_handler"} & SILENCES
