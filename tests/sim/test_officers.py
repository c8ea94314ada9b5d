"""Simulated people: what they do is a function of seed, case, step and round, and of nothing else."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.lists import Action, Cause
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.device_story import Episode, Kind
from liandong.sim.officers import Intent, Officers
from tests.core.world import ON_SITE, UP_TO_PUSH, opened

replace = msgspec.structs.replace


def episode(asset: str, cause: Cause, begin: int, minutes: int = 60, hazard: str = "gas_leak") -> Episode:
    return Episode(
        kind=Kind.LEAK, hazard=hazard, asset=asset, channels=(), begin=begin, end=begin + minutes * MINUTE,
        peak=1.0, cause=cause,
    )  # fmt: skip


def case_after(*actions: Action) -> CaseState:
    life = opened()
    life.do(*actions)
    return life.case


def live(case: CaseState) -> Order:
    return next(order for order in case.orders.values() if order.status in LIVE)


def next_of(officers: Officers, case: CaseState) -> Intent:
    intent = officers.intent(case, live(case))
    assert intent is not None
    return intent


@pytest.mark.parametrize("done", [(), UP_TO_PUSH, (*UP_TO_PUSH, *ON_SITE)])
def test_the_same_case_gives_the_same_intent_whoever_asks_and_whenever(done: tuple[Action, ...]) -> None:
    case = case_after(*done) if done else opened().case
    busy = Officers(1, ())
    for seed in range(5):
        busy.intent(replace(case, id=f"case_{seed}"), live(case))
    assert next_of(busy, case) == next_of(Officers(1, ()), case)
    assert [next_of(Officers(n, ()), case).at for n in range(20)] != [next_of(busy, case).at] * 20


def test_nobody_acts_before_the_order_was_issued_and_all_on_whole_tens_of_seconds() -> None:
    case = case_after(*UP_TO_PUSH)
    for seed in range(50):
        intent = next_of(Officers(seed, ()), case)
        assert intent.at > live(case).issued and intent.at % (10 * SECOND) == 0


def test_some_are_too_late() -> None:
    case = case_after(*UP_TO_PUSH)
    waits = [next_of(Officers(seed, ()), case).at - live(case).issued for seed in range(200)]
    assert 5 < sum(wait > 5 * MINUTE for wait in waits) < 120


def test_what_is_found_on_site_is_what_went_on_there() -> None:
    case = opened().case
    at, here = case.alarmed, case.asset
    cases = {
        Cause.FALSE_BIOGAS: (episode(here, Cause.FALSE_BIOGAS, at - MINUTE),),
        Cause.NOT_REPRODUCIBLE: (episode("asset:other", Cause.REAL, at),),
        # Both at one place: what is real is what counts.
        Cause.REAL: (
            episode(here, Cause.FALSE_BIOGAS, at - MINUTE),
            episode(here, Cause.REAL, at + 5 * MINUTE),
        ),
    }
    for cause, story in cases.items():
        assert Officers(1, story).truth(case, at + 30 * MINUTE) == cause
    later = (episode(here, Cause.FALSE_BIOGAS, at - MINUTE), episode(here, Cause.REAL, at + 40 * MINUTE))
    assert Officers(1, later).truth(case, at + 30 * MINUTE) == Cause.FALSE_BIOGAS


def test_a_rule_that_chatters_is_seen_at_the_desk_and_biogas_is_not() -> None:
    case = opened().case
    for cause, verdict in ((Cause.FALSE_RULE, "false"), (Cause.FALSE_BIOGAS, "real"), (Cause.REAL, "real")):
        officers = Officers(1, (episode(case.asset, cause, case.alarmed - MINUTE),))
        intent = next_of(officers, case)
        assert intent.action == Action.JUDGE and intent.body["verdict"] == verdict


def test_toxic_gas_is_pushed_and_handled_within_five_minutes() -> None:
    for seed in range(40):
        officers, spent = Officers(seed, ()), 0
        case = replace(opened().case, hazard="toxic_gas")
        order = live(case)
        for action in (Action.ACKNOWLEDGE, Action.ARRIVE, Action.CHECK, Action.HANDLE):
            step = replace(order.steps[0], action=action)
            intent = officers.intent(case, replace(order, steps=(step,), done=(), role="lead"))
            assert intent is not None and intent.action == action
            spent += intent.at - order.issued
        assert spent <= 5 * MINUTE


def test_the_centre_rings_the_lead_of_a_grave_case_until_it_is_answered() -> None:
    case = replace(case_after(*UP_TO_PUSH), level="I", lead="unit:gas", reports={})
    seen = set()
    for seed in range(30):
        officers, now = Officers(seed, ()), case
        answers = []
        while intents := officers.beside(now):
            (intent,) = intents
            assert (intent.action, intent.post, intent.body["to"]) == (
                Action.CALL,
                "post:centre.duty",
                "unit:gas",
            )
            answers.append(intent.body["answered"])
            now = replace(now, calls=now.calls + 1)
        assert answers in ([True], [False, True])
        seen.add(len(answers))
    assert seen == {1, 2}
    assert Officers(1, ()).beside(replace(case, level="III")) == []


def test_a_duty_question_is_answered_and_not_asked_again() -> None:
    life = opened()
    life.do(*UP_TO_PUSH)
    asking = [n for n in range(200) if next_of(Officers(n, ()), life.case).action == Action.RETURN]
    assert 5 < len(asking) < 60
    life.act(Action.RETURN, reason="not_our_duty")
    case = life.case
    assert all(next_of(Officers(n, ()), case).action != Action.RETURN for n in asking)
    question = case.order_for(Action.DECIDE_DUTY, "duty.1")
    assert question is not None
    answers = [Officers(n, ()).intent(case, question) for n in range(60)]
    units = {intent.body["to"] for intent in answers if intent is not None}
    assert len(units) == 2 and "unit:gas" in units
    intent = answers[0]
    assert intent is not None and intent.body["order"] == question.id
    assert life.act(Action.DECIDE_DUTY, as_=question, **intent.body).reason.key == "act.decide_duty"
