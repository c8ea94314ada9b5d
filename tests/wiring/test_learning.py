"""A proposal is refused or accepted by a person; what is accepted is a version in journal and table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from liandong.adapters.tables import write_city
from liandong.app.policies import current_policy, history
from liandong.app.ports import Changes, StreamRow
from liandong.app.settings import Settings, load_settings
from liandong.core.evaluate.proposal import Numbers, Proposal, numbers_of
from liandong.core.evaluate.shares import share
from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.case import CaseState
from liandong.core.values.errors import BadInput, Conflict, NotFound
from liandong.core.values.lists import Cause, Mode, Statistic
from liandong.core.values.rules import Rule
from liandong.core.values.times import DAY, HOUR
from liandong.stores.readings import ReadingLog
from liandong.stores.sqlite import open_sqlite
from liandong.wiring.learning import accept, let_speak, proposal_lines, propose
from liandong.wiring.versions import commit_place
from tests.core.world import folder
from tests.stores.readings.made import AT, message

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


@pytest.mark.slow
def test_a_rule_that_its_budget_silenced_speaks_again_with_other_numbers(city: tuple[Settings, Path]) -> None:
    settings, place = city
    quiet = msgspec.structs.replace(RULE, shadow=True, false_budget=0.5)
    write_city(place, msgspec.structs.replace(folder(), rules=(quiet,)))
    commit_place(settings, place, "张三", "quiet", "")
    store = open_sqlite(settings.data)
    store.commit(Changes(meta={"dispatch.held": json.dumps({RULE.key: RULE.version})}))
    store.close()
    accept(settings, proposal(RULE.raise_at * 1.25), "person:li", "夜班误报太多", place)
    assert not in_force(settings).shadow


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


QUORUM = Rule(
    key="half_of_them", version=1, hazard="gas_leak", severity="high", quantity="ch4_lel", asset_kind="*",
    statistic=Statistic.SCORE, scorer="quorum", params="limit=20;least=2", raise_at=0.5, clear_at=0.5,
    window_s=7200.0, basis="test",
)  # fmt: skip
#: Days on which two of four probes rise for nothing, and on which all four do because there is gas.
FALSE_DAYS, REAL_DAYS = (*range(1, 60, 3),), (5, 17, 29, 38, 47, 56)


def probes_in_one_room(tmp_path: Path) -> tuple[Settings, Path, str]:
    """A city with four probes under one quorum rule, sixty days of readings, and what people found."""
    made = folder()
    four = [c.key for c in made.city.channels if c.quantity == "ch4_lel"][:4]
    channels = tuple(
        msgspec.structs.replace(c, group="asset:gas-001") if c.key in four else c for c in made.city.channels
    )
    rule = msgspec.structs.replace(QUORUM, members=tuple(four), channel=four[0])
    place = tmp_path / "tables"
    city = msgspec.structs.replace(made.city, channels=channels)
    write_city(place, msgspec.structs.replace(made, city=city, rules=(*made.rules, rule)))
    settings = load_settings({"data": tmp_path / "data"}, {})
    commit_place(settings, place, "张三", "first", "")

    hours = np.arange(60 * 24)
    day, hour = hours // 24, hours % 24
    value = np.full((len(hours), 4), 1.0)
    up = (hour >= 8) & (hour < 11)
    value[np.ix_(up & np.isin(day, FALSE_DAYS), [0, 1])] = 25.0
    value[up & np.isin(day, REAL_DAYS)] = 25.0
    store = open_sqlite(settings.data)
    policy = current_policy(store, Mode.REAL)
    assert policy is not None
    numbers = np.array([policy.city.channels[key].number for key in four])
    log = ReadingLog(settings.data / "readings")
    log.append(
        [
            message(
                "all", 4 * len(hours), channel=np.tile(numbers, len(hours)), value=value.ravel(),
                event_time=np.repeat(AT + hours * HOUR, 4),
            )
        ]
    )  # fmt: skip
    log.close()
    asset = policy.city.asset_of_channel(four[0])
    assert asset is not None
    rows = {}
    for day in sorted({*FALSE_DAYS, *REAL_DAYS}):
        cause = Cause.REAL if day in REAL_DAYS else Cause.FALSE_INTERFERENCE
        onset = AT + day * DAY + 8 * HOUR
        case = CaseState(
            id=f"case_{day}", hazard="gas_leak", asset=asset.key, opened=onset, onset=onset,
            closed=onset + 4 * HOUR, cause=cause,
        )  # fmt: skip
        rows[f"case:case_{day}"] = StreamRow(
            stream=f"case:case_{day}", kind="case", sequence=1, hash="h", cause=cause,
            body=msgspec.json.encode(case),
        )  # fmt: skip
    store.commit(Changes(streams=rows))
    store.close()
    return settings, place, rule.key


@pytest.mark.slow
def test_a_quorum_is_proposed_on_stored_history_and_applies_only_when_accepted(tmp_path: Path) -> None:
    settings, place, key = probes_in_one_room(tmp_path)
    found = propose(settings.data, key, "", "", 1, tmp_path / "work", lambda done, total: None)
    assert found.proposed is not None and found.after is not None and found.chosen_after is not None
    assert (found.now.raise_at, found.proposed.raise_at) == (0.5, 0.66), "the smallest quorum that does it"
    assert found.proposed.member_limit == found.now.member_limit == 20.0
    # Chosen on 40 days, shown on the 20 that were not used.
    assert (found.chosen_before.false, found.chosen_before.hit) == (13, 4)
    assert (found.chosen_after.false, found.chosen_after.hit) == (0, 4)
    assert (found.before.false, found.before.hit, found.before.missed) == (7, 2, 0)
    assert (found.after.false, found.after.hit, found.after.missed) == (0, 2, 0)
    assert [trial.rule for trial in found.beside] == ["always", "never"]
    words = proposal_lines(found, "zh")[0]
    assert "0.5 → 0.66" in words and "20 → 20" in words

    def rule() -> Rule:
        store = open_sqlite(settings.data)
        policy = current_policy(store, Mode.REAL)
        store.close()
        assert policy is not None
        return policy.rules[key]

    assert rule().raise_at == 0.5, "nothing is applied by proposing"
    written = msgspec.json.decode(msgspec.json.encode(found), type=Proposal)
    said = accept(settings, written, "person:li", "两探头常受干扰", place)
    assert "一致 0.66" in said
    assert (rule().version, rule().raise_at, rule().params) == (2, 0.66, "limit=20;least=2")
