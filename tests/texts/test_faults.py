"""Every fault that a proof can find has a sentence and a remedy that say everything in words."""

from __future__ import annotations

import re

import pytest

from liandong.core.mechanism.proofs.catalogue import PROOFS, SILENCES
from liandong.texts import sentences
from liandong.texts.faults import Teller
from tests.core.mechanism.proofs.good import good
from tests.core.mechanism.proofs.planted import DOCUMENT, PLANTED, STANDING, Planted
from tests.core.mechanism.proofs.test_planted import proven
from tests.texts.used import SOURCES

#: Keys of rows, units and areas are for programs; only rows may stand in a sentence.
_CODES = re.compile(r"\b(unit|area|person|city|district|body):|[{}⟦⟧–]")


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p.proof} {p.name}")
def test_a_fault_is_told_in_words(planted: Planted) -> None:
    world = planted.make(good())
    standing = planted in STANDING
    faults = proven(world, planted.city or standing, standing)
    for language in ("zh", "en"):
        teller = Teller(world.mechanism, world.index, language)
        for fault in faults:
            told = teller.tell(fault)
            unknown = fault.kind in ("unknown_word", "duty_no_channel")  # name what the city does not know
            for words in told:
                assert words, fault
                assert unknown or not _CODES.search(words), words


def test_a_gap_is_told_as_a_person_says_it() -> None:
    world = good()
    nobody = next(p for p in DOCUMENT if p.name == "nobody leads in one town").make(world)
    (fault, *_) = proven(nobody, city=True, standing=False)
    told = Teller(nobody.mechanism, nobody.index, "zh").tell(fault)
    assert told.message.startswith("Ⅳ级燃气泄漏，mill") and told.message.endswith("→ 无人牵头")


def test_every_kind_that_the_proofs_name_has_words() -> None:
    """Kinds are found in the code itself, so that none is forgotten."""
    folder = SOURCES / "core" / "mechanism" / "proofs"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    kinds = set(re.findall(r'kind="([a-z_A-Z]+)"|_fault\(\s*"([a-z_A-Z]+)"', code))
    named = {one or other for one, other in kinds} | SILENCES
    assert len(named) > 70
    for language in ("zh", "en"):
        known = sentences(language)
        missing = [k for k in sorted(named) if f"proof.{k}" not in known or f"proof.{k}.remedy" not in known]
        assert not missing
        assert all(f"proof.title.{proof.id}" in known for proof in PROOFS)
