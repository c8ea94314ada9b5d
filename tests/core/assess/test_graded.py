"""Alarms that come graded: whatever order they come in, the newest word alone decides what stands."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.assess.graded import alarm_id, decide
from liandong.core.values.case import VaultRef
from liandong.core.values.graded import GradedFinding, GradedState
from liandong.core.values.lists import GradedAction
from liandong.core.values.risk import RiskState
from liandong.core.values.times import MINUTE
from tests.core.world import START, Life, demo_policy

PLACES = ("asset:gas-005", "asset:gas-006")
LEVEL = {"low": "IV", "medium": "III", "high": "II", "critical": "I"}


def word(action: str, version: int, severity: str = "medium", place: int = 0, **more: Any) -> GradedFinding:
    given = {} if action == "clear" else {"hazard": "gas_leak", "severity": severity, "asset": PLACES[place]}
    return GradedFinding(
        source="source:gas", number="A-1", version=version, action=GradedAction(action), onset=START,
        said=START, **(given | more),
    )  # fmt: skip


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["raise", "update", "clear"]), st.integers(0, 6), st.sampled_from(sorted(LEVEL)),
        st.integers(0, 1),
    ),
    max_size=8,
    unique_by=lambda one: one[1],
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(WORDS, st.randoms(use_true_random=False))
def test_the_newest_word_stands_whatever_came_when(said: list[Any], chance: Any) -> None:
    words = [word(action, version, severity, place) for action, version, severity, place in said] * 2
    chance.shuffle(words)
    life = Life()
    for one in words:
        life.send(one)
        life.now += MINUTE
    if not words:
        return
    newest = max(words, key=lambda one: one.version)
    state: GradedState = life.states[f"graded:{alarm_id(life.policy, 'source:gas', 'A-1')}"]
    assert state.newest == newest.version and state.active == (newest.action != GradedAction.CLEAR)
    for place in PLACES:
        risk: RiskState = life.states.get(f"risk:gas_leak|{place}", RiskState())
        here = state.active and newest.asset == place
        assert risk.level == (LEVEL[newest.severity] if here else "")
        assert list(risk.findings) == ([state.finding] if here else [])


def test_a_worse_word_raises_the_case_and_a_milder_one_does_not_lower_it() -> None:
    life = Life()
    levels = []
    for version, severity in enumerate(("medium", "high", "medium", "critical")):
        life.send(word("update", version, severity))
        levels.append(life.case.level)
    assert levels == ["III", "II", "II", "I"] and len(life.cases()) == 1


def test_a_word_that_nobody_can_act_on_is_refused_and_changes_nothing() -> None:
    policy, empty = demo_policy(), GradedState()
    for wrong, key in (
        ({"severity": "red"}, "graded.unknown_level"),
        ({"asset": "asset:none"}, "graded.unknown_place"),
    ):
        decision = decide(policy, empty, msgspec.structs.replace(word("raise", 1), **wrong), START)
        assert decision.refused and decision.reason.key == key and not decision.events


def test_words_that_were_said_once_still_stand_after_a_word_without_any() -> None:
    life, ref = Life(), VaultRef("vlt_1", "d1")
    life.send(word("raise", 1, words=ref))
    life.send(word("update", 2, "high"))
    life.send(word("clear", 3))
    state: GradedState = life.states[f"graded:{alarm_id(life.policy, 'source:gas', 'A-1')}"]
    assert state.report is not None and state.report.words == ref and not state.active
