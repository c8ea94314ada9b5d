"""Why: from a closed case back to the very bytes that a device sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from liandong.app.why import explain_case, findings_of
from liandong.core.values.errors import NotFound
from liandong.core.values.times import format_time
from liandong.stores.readings import EvidenceStore
from liandong.texts import text
from liandong.wiring.inspect import why_case, why_channel
from tests.app.machine import START
from tests.app.running import GAS, City


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, str, bytes]]:
    town = City(tmp_path_factory.mktemp("why"))
    town.send(3.0)
    town.pass_time()
    case, first = town.open_case()
    town.finish(case.id)
    yield town, case.id, first
    town.stop()


def lines(town: City, case: str, language: str = "zh") -> list[str]:
    say: Any = lambda key, **params: text(key, language, **params)  # noqa: E731
    return list(explain_case(town.store, EvidenceStore(town.data / "evidence"), case, say))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_closed_case_leads_back_to_the_bytes(closed: tuple[City, str, bytes], language: str) -> None:
    town, case, first = closed
    said = lines(town, case, language)
    assert town.case().stage == "archived"
    whole = "\n".join(said)
    assert first.decode() in whole, "the message of the first reading, as it was sent"
    assert f"[1:1] {first.decode()}" in whole, "and where the log keeps it"
    assert "gas_ch4_medium" in whole and GAS in whole and "⟦" not in whole
    assert "王小明" not in whole, "people's words stay in the vault"
    for sequence in range(1, 10):
        assert any(f"#{sequence} [" in line for line in said)


def test_every_decision_of_the_case_is_told_in_order(closed: tuple[City, str, bytes]) -> None:
    town, case, _ = closed
    said = lines(town, case)
    stored = town.store.entries_of(f"case:{case}")
    numbered = [line for line in said if any(f"#{r.sequence} [" in line for r in stored)]
    assert len(numbered) >= len(stored)
    assert "CaseOpened" in next(line for line in said if "#1 [coordinate]" in line)
    assert any("CaseClosed" in line for line in said)


def test_the_command_says_the_same(closed: tuple[City, str, bytes]) -> None:
    town, case, _ = closed
    data = Path(town.city.intake.log._folder).parent
    assert why_case(data, case, "zh") == lines(town, case)


def test_a_channel_tells_how_its_rules_stood(closed: tuple[City, str, bytes]) -> None:
    town, _, _ = closed
    data = Path(town.city.intake.log._folder).parent
    before = "\n".join(why_channel(data, GAS, format_time(START), "en"))
    after = "\n".join(why_channel(data, GAS, format_time(town.now), "en"))
    assert ": 60" not in before and "normal" in before and "raised" not in before
    assert "raised" in after and "Finding" in after.splitlines()[-1]
    with pytest.raises(NotFound):
        why_channel(data, "channel:none", format_time(START), "en")


def test_lost_evidence_is_said_and_does_not_end_the_answer(
    closed: tuple[City, str, bytes], tmp_path: Path
) -> None:
    town, case, first = closed
    say: Any = partial(lambda key, **params: text(key, "en", **params))
    said = "\n".join(explain_case(town.store, EvidenceStore(tmp_path), case, say))
    assert first.decode() not in said and "gas_ch4_medium" in said


def test_a_case_that_is_not_there(closed: tuple[City, str, bytes]) -> None:
    town, _, _ = closed
    with pytest.raises(NotFound):
        lines(town, "case_none")
    assert [*findings_of(town.store, set())] == []
