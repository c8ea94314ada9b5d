"""One planted fault each is found, by its proof, at its rows, with its witness; the good one has none."""

from __future__ import annotations

import pytest

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.catalogue import PROOFS, prove_document, prove_standing
from tests.core.mechanism.proofs.good import World, good
from tests.core.mechanism.proofs.planted import DOCUMENT, PLANTED, STANDING, Planted


def proven(world: World, city: bool, standing: bool) -> tuple[Fault, ...]:
    """Every fault of a world."""
    index = world.index
    found = prove_document(world.mechanism, index if city else None)
    return found + (prove_standing(world.mechanism, index, world.facts) if standing else ())


def test_the_good_one_is_proven() -> None:
    world = good()
    assert proven(world, city=False, standing=False) == ()
    assert proven(world, city=True, standing=True) == ()


def _found(planted: Planted, faults: tuple[Fault, ...]) -> list[Fault]:
    return [
        fault
        for fault in faults
        if (fault.proof, fault.kind) == (planted.proof, planted.kind)
        and set(planted.rows) <= set(fault.rows)
        and planted.witness.items() <= fault.witness.items()
    ]


@pytest.mark.parametrize("planted", DOCUMENT, ids=lambda p: f"{p.proof} {p.name}")
def test_a_planted_fault_of_the_document_is_found(planted: Planted) -> None:
    faults = proven(planted.make(good()), city=planted.city, standing=False)
    assert _found(planted, faults), faults


@pytest.mark.parametrize("planted", STANDING, ids=lambda p: f"{p.proof} {p.name}")
def test_a_planted_fault_of_the_city_is_found(planted: Planted) -> None:
    faults = proven(planted.make(good()), city=True, standing=True)
    assert _found(planted, faults), faults


@pytest.mark.parametrize("planted", DOCUMENT, ids=lambda p: f"{p.proof} {p.name}")
def test_a_planted_fault_is_found_by_its_proof_and_few_others(planted: Planted) -> None:
    """What the change breaks besides is named, so that a proof which cries at everything is seen."""
    faults = proven(planted.make(good()), city=planted.city, standing=False)
    others = {fault.proof for fault in faults} - {planted.proof}
    assert len(others) <= 2, faults


def test_every_proof_has_planted_faults_of_several_kinds() -> None:
    assert len(PLANTED) >= 45
    assert {planted.proof for planted in PLANTED} == {f"P{n}" for n in range(1, 18)}
    assert {proof.id for proof in PROOFS} | {"P2", "P14"} == {f"P{n}" for n in range(1, 18)}
