"""A rule that cries wolf loses its voice, keeps being scored, and gets it back from a person only."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from liandong.app.dispatch import (
    RULE,
    DispatchBudget,
    false_share,
    held_back,
    keep_held,
    released,
    silenced,
)
from liandong.app.policies import commit_policy, current_policy, draft_commit, history, policy_of
from liandong.app.ports import Changes, StreamRow
from liandong.app.writer import Writer
from liandong.core.values.findings import Finding, FindingEnded
from liandong.core.values.lists import Cause, Mode
from liandong.core.values.rules import Rule
from liandong.core.values.score import CaseScored, ScoreState
from liandong.core.values.times import HOUR
from liandong.stores.memory import open_memory
from tests.app.machine import START, admitted, folder, make_writer
from tests.app.rig import until

KEY, OTHER = "gas_ch4_medium", "gas_ch4_high"
replace = msgspec.structs.replace


@pytest.fixture
def writer() -> Iterator[Writer]:
    """A city whose first gas rule may be false half of the time, and which is told of silenced rules."""
    store = open_memory()
    made = make_writer(store)
    before = made.handler.policy
    rules = dict(before.rules)
    for key in (KEY, OTHER):
        rules[key] = replace(rules[key], false_budget=0.5)
    rules[RULE] = replace(rules["self.delivery"], key=RULE, quantity="self_dispatch")
    city = before.city.city
    quantity = next(q for q in city.quantities if q.key == "self_delivery")
    channel = next(c for c in city.channels if c.quantity == quantity.key)
    number = max(c.number for c in city.channels) + 1
    city = replace(
        city, quantities=(*city.quantities, replace(quantity, key="self_dispatch")),
        channels=(
            *city.channels,
            replace(channel, key="channel:self.dispatch", number=number, quantity="self_dispatch"),
        ),
    )  # fmt: skip
    drafted = draft_commit(
        before, city, before.routing.mechanism, tuple(rules.values()), before.channels, "t", "t"
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


def close_cases(
    writer: Writer, false: int, real: int, at: int = START, prefix: str = "case",
    rules: tuple[str, ...] = (KEY,),
) -> None:  # fmt: skip
    rows = {}
    for number in range(false + real):
        bad = number < false
        name = f"{prefix}-{number}"
        score = CaseScored(
            case=name, hazard="gas_leak", level="IV", area_path="/", lead="unit:gas", mode=Mode.REAL,
            cause=Cause.FALSE_BIOGAS if bad else Cause.REAL, real=not bad, rules=rules, onset=at, opened=at,
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


def test_the_duty_centre_is_told_while_it_is_silent_with_rule_and_figures(writer: Writer) -> None:
    def told() -> list[str]:
        said = (m for m, *_ in admitted(writer.store) if isinstance(m, Finding | FindingEnded))
        return [type(m).__name__ for m in said if m.rule == RULE]

    close_cases(writer, false=18, real=2)
    budget = look(writer)
    [(rule, held)] = silenced(writer.store, writer.handler.policy)
    assert (rule.key, held.false, held.count, held.at) == (KEY, 18, 20, START + HOUR)
    assert told() == ["Finding"], "as of a leak, by the ordinary route"
    budget.tick(START + 2 * HOUR)
    until(writer.idle)
    assert told() == ["Finding"], "once"

    before = current_policy(writer.store, Mode.REAL)
    assert before is not None
    rules = {**before.rules, KEY: replace(before.rules[KEY], version=9, shadow=False)}
    drafted = draft_commit(
        before, before.city.city, before.routing.mechanism, tuple(rules.values()), before.channels, "t", "t"
    )
    assert drafted is not None
    writer.store.commit(Changes(meta=released(writer.store, KEY, START + 2 * HOUR)))
    commit_policy(writer.handler, START + 2 * HOUR, *drafted)
    assert silenced(writer.store, writer.handler.policy) == []
    budget.tick(START + 3 * HOUR)
    until(writer.idle)
    assert told() == ["Finding", "FindingEnded"], "and it is over once a person has given it its voice back"


def test_two_that_go_beyond_it_in_the_same_hour_are_both_silenced(writer: Writer) -> None:
    close_cases(writer, false=18, real=2, rules=(KEY, OTHER))
    look(writer)
    stored = current_policy(writer.store, Mode.REAL)
    assert stored is not None and {KEY, OTHER} <= set(_shadow(tuple(stored.rules.values())))
    assert held_back(writer.store).keys() == {KEY, OTHER}


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
    newer = tuple(replace(r, version=r.version + 1) if r.key == KEY else r for r in rules)
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
