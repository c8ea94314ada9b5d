"""A rule that cries wolf loses its voice, keeps being scored, and gets it back from a person only."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from liandong.app.dispatch import DispatchBudget, false_share, held_back, keep_held, released
from liandong.app.policies import current_policy, draft_commit, history, policy_of
from liandong.app.ports import Changes, StreamRow
from liandong.app.writer import Writer
from liandong.core.values.lists import Cause, Mode
from liandong.core.values.rules import Rule
from liandong.core.values.score import CaseScored, ScoreState
from liandong.core.values.times import HOUR
from liandong.stores.memory import open_memory
from tests.app.machine import START, folder, make_writer
from tests.app.rig import until

KEY = "gas_ch4_medium"


@pytest.fixture
def writer() -> Iterator[Writer]:
    """A city whose first gas rule may be false half of the time."""
    store = open_memory()
    made = make_writer(store)
    before = made.handler.policy
    rules = {**before.rules, KEY: msgspec.structs.replace(before.rules[KEY], false_budget=0.5)}
    drafted = draft_commit(
        before, before.city.city, before.routing.mechanism, tuple(rules.values()), before.channels, "t", "t"
    )
    assert drafted is not None
    made.handler.begin()
    made.handler.admit(drafted[0], "policy", START)
    changes = made.handler.take()
    changes.datasets |= drafted[1].datasets
    store.commit(changes)
    made.handler.policy = policy_of(store, drafted[0], Mode.REAL)
    made.handler.forget()
    made.start()
    yield made
    made.stop()
    store.close()


def close_cases(writer: Writer, false: int, real: int, at: int = START, prefix: str = "case") -> None:
    rows = {}
    for number in range(false + real):
        bad = number < false
        name = f"{prefix}-{number}"
        score = CaseScored(
            case=name, hazard="gas_leak", level="IV", area_path="/", lead="unit:gas", mode=Mode.REAL,
            cause=Cause.FALSE_BIOGAS if bad else Cause.REAL, real=not bad, rules=(KEY,), onset=at, opened=at,
            closed=at + number, escalations=0, clauses=(),
        )  # fmt: skip
        body = msgspec.json.encode(ScoreState(score=score, version=1))
        rows[f"score:{name}"] = StreamRow(
            stream=f"score:{name}", kind="score", sequence=1, hash="h", body=body
        )
    writer.store.commit(Changes(streams=rows))


def look(writer: Writer) -> DispatchBudget:
    """An hour passes, and whatever it decided is written."""
    budget = DispatchBudget(writer.store, writer.handler, writer)
    budget.tick(START)
    budget.tick(START + HOUR)
    until(writer.idle)
    return budget


def test_a_rule_beyond_its_budget_goes_to_shadow_at_once_and_the_journal_says_why(writer: Writer) -> None:
    close_cases(writer, false=18, real=2)
    look(writer)
    assert writer.handler.policy.rules[KEY].shadow, "whatever is decided next already knows"
    stored = current_policy(writer.store, Mode.REAL)
    assert stored is not None and stored.rules[KEY].shadow
    *_, (_, newest) = history(writer.store)
    assert newest.author == "system:dispatch" and "18/20" in newest.reason
    quiet = {rule.key for rule in folder().rules if rule.shadow}
    assert set(_shadow(tuple(stored.rules.values()))) == quiet | {KEY}, "no other rule pays for it"


@pytest.mark.parametrize(("false", "real"), [(9, 0), (12, 10), (0, 20)])
def test_few_cases_or_bad_luck_silence_nobody(writer: Writer, false: int, real: int) -> None:
    close_cases(writer, false, real)
    look(writer)
    assert not writer.handler.policy.rules[KEY].shadow


def test_a_start_with_the_same_table_does_not_give_it_its_voice_back(writer: Writer) -> None:
    close_cases(writer, 20, 0)
    look(writer)
    rules = tuple(folder().rules)
    assert set(_shadow(keep_held(writer.store, rules))) == {*_shadow(rules), KEY}
    newer = tuple(msgspec.structs.replace(r, version=r.version + 1) if r.key == KEY else r for r in rules)
    assert KEY not in _shadow(keep_held(writer.store, newer)), "other numbers are another rule"


def test_a_person_gives_it_back_and_the_count_begins_anew(writer: Writer) -> None:
    close_cases(writer, 20, 0)
    look(writer)
    writer.store.commit(Changes(meta=released(writer.store, KEY, START + 2 * HOUR)))
    assert held_back(writer.store) == {}
    assert false_share(writer.store, KEY).count == 0
    close_cases(writer, 3, 0, at=START + 3 * HOUR, prefix="later")
    assert false_share(writer.store, KEY).hits == 3


def _shadow(rules: tuple[Rule, ...]) -> list[str]:
    return [rule.key for rule in rules if rule.shadow]
