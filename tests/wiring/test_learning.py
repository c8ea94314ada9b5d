"""A proposal is refused or accepted by a person; what is accepted is a version in journal and table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from liandong.adapters.tables import write_city
from liandong.app.policies import current_policy, history
from liandong.app.settings import Settings, load_settings
from liandong.core.evaluate.proposal import Numbers, Proposal, numbers_of
from liandong.core.evaluate.shares import share
from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.errors import BadInput, Conflict, NotFound
from liandong.core.values.lists import Mode
from liandong.core.values.rules import Rule
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.learning import accept, let_speak, proposal_lines
from liandong.wiring.versions import commit_place
from tests.core.world import folder

RULE = folder().rules[0]
TRIAL = RuleTrial(
    rule="x", findings=4, per_day=1.0, hit=1, missed=0, real=1, false=3, unjudged=0, precision=share(1, 4),
    delay_s=60.0,
)  # fmt: skip


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[Settings, Path]]:
    place = tmp_path / "tables"
    write_city(place, folder())
    settings = load_settings({"data": tmp_path / "data"}, {})
    commit_place(settings, place, "张三", "first", "")
    yield settings, place


def proposal(raise_at: float | None = None, version: int = RULE.version) -> Proposal:
    now = numbers_of(RULE)
    wanted = None if raise_at is None else Numbers(raise_at=raise_at, clear_at=now.clear_at, hold_s=600.0)
    return Proposal(
        rule=RULE.key, version=version, now=now, proposed=wanted, tried=30, since=0, split=2, until=3,
        chosen_before=TRIAL, chosen_after=TRIAL, before=TRIAL, after=TRIAL, beside=(TRIAL,),
    )  # fmt: skip


def in_force(settings: Settings) -> Rule:
    store = open_sqlite(settings.data)
    try:
        policy = current_policy(store, Mode.REAL)
        assert policy is not None
        return policy.rules[RULE.key]
    finally:
        store.close()


def test_an_accepted_change_is_a_version_with_a_name_and_stands_in_the_table(
    city: tuple[Settings, Path],
) -> None:
    settings, place = city
    wanted = RULE.raise_at * 1.25
    assert RULE.key in accept(settings, proposal(wanted), "person:li", "夜班误报太多", place)
    rule = in_force(settings)
    assert (rule.version, rule.raise_at, rule.hold_s) == (RULE.version + 1, wanted, 600.0)
    store = open_sqlite(settings.data)
    *_, (_, newest) = history(store)
    store.close()
    assert (newest.author, newest.reason) == ("person:li", "夜班误报太多")
    with (place / "rules.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(line for line in csv.DictReader(file) if line["key"] == RULE.key)
    assert float(row["raise_at"]) == wanted and int(row["version"]) == RULE.version + 1
    assert "没有提交" in commit_place(settings, place, "李四", "again", ""), "table and city say the same"


def test_a_proposal_for_another_version_is_refused_and_changes_nothing(city: tuple[Settings, Path]) -> None:
    settings, place = city
    accept(settings, proposal(RULE.raise_at * 1.1), "person:li", "once", None)
    with pytest.raises(Conflict):
        accept(settings, proposal(RULE.raise_at * 1.5), "person:li", "twice", place)
    assert in_force(settings).raise_at == RULE.raise_at * 1.1
    with pytest.raises(BadInput):
        accept(settings, proposal(None), "person:li", "nothing", None)


def test_a_person_lets_a_rule_speak_again(city: tuple[Settings, Path]) -> None:
    settings, place = city
    quiet = msgspec.structs.replace(folder(), rules=(msgspec.structs.replace(RULE, shadow=True),))
    write_city(place, quiet)
    commit_place(settings, place, "张三", "quiet", "")
    assert in_force(settings).shadow
    let_speak(settings, RULE.key, "person:li", "探头已更换", place)
    assert not in_force(settings).shadow
    with pytest.raises(NotFound):
        let_speak(settings, "none", "person:li", "x", None)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_are_said_in_words_with_the_baselines(language: str) -> None:
    words = "\n".join(proposal_lines(proposal(99.0), language))
    assert RULE.key in words and "99" in words
    assert len(words.splitlines()) == 5, (
        "equal on what was not used: the last line says that it proves nothing"
    )
    better = msgspec.structs.replace(proposal(99.0), after=msgspec.structs.replace(TRIAL, false=0))
    assert len(proposal_lines(better, language)) == 4
    assert "30" in "\n".join(proposal_lines(proposal(None), language))
