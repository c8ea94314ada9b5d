"""An offer is made exactly where the act would be done, at every stage of a case and for every post."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from liandong.app.offers import Offer, offers
from liandong.core.route import DECIDE, owner_of
from liandong.core.values.access import Session
from liandong.core.values.case import CaseState, VaultRef
from liandong.core.values.lists import Action, Cause
from liandong.core.values.messages import Act
from tests.core.world import (
    CENTRE,
    GAS,
    HIGH,
    HOUSING,
    LEADER,
    MEDIUM,
    REVIEWER,
    Life,
    demo_policy,
    persons_of,
)

POSTS = (CENTRE, GAS, REVIEWER, LEADER, HOUSING, "post:operator", "")
#: Every value that any field could have, so that an act fails for no want of one.
_WORDS = VaultRef("vlt_x", "d")
_REASONS = ("road_closure", "severe_weather", "excavation_permit")


def taken(life: Life, case: CaseState, act: Act) -> bool:
    step = owner_of(act)
    assert step is not None
    return not DECIDE[step](life.policy, case, act, life.now).refused


def possible(life: Life, case: CaseState, session: Session, action: Action) -> bool:
    """By trying every value there is, without a thought."""
    base = Act(
        id="", body_digest="", action=action, case=case.id, person=session.person, post=session.post,
        version=case.version, text=_WORDS, evidence=("sha:1",), verdict="real", passed=True,
        number=_WORDS, answered=True,
    )  # fmt: skip
    people = persons_of(life.policy.city.city, session.post, life.now) if session.post else []
    ways: list[dict[str, Any]] = [{}, *({"cause": cause.value} for cause in Cause)]
    ways += [{"reason": reason} for reason in _REASONS] + [{"to": person} for person in people]
    return any(taken(life, case, msgspec.structs.replace(base, **way)) for way in ways)


def filled(offer: Offer, life: Life, case: CaseState, session: Session) -> Act:
    """The act as somebody would send it who fills in what is required, taking the first choice."""
    given: dict[str, Any] = {"text": _WORDS, "number": _WORDS, "evidence": ("sha:1",)}
    fields: dict[str, Any] = {}
    for field in offer.fields:
        if field.required:
            value = given.get(field.name, field.options[0] if field.options else "lunch")
            fields[field.name] = value == "true" if field.name in ("passed", "answered") else value
    return Act(
        id="", body_digest="", action=offer.action, case=case.id, person=session.person, post=session.post,
        version=case.version, **fields,
    )  # fmt: skip


@pytest.mark.parametrize("rule", [MEDIUM, HIGH])
@pytest.mark.parametrize("back", [0, 3])
def test_offered_is_what_would_be_done(rule: str, back: int) -> None:
    life = Life(demo_policy())
    life.find(rule)
    seen = set()
    for _ in range(16):
        case = life.case
        for post in POSTS:
            people = persons_of(life.policy.city.city, post, life.now) if post else []
            session = Session(person=people[back % len(people)] if people else "", post=post)
            made = offers(life.policy, case, session, life.now)
            wanted = {action for action in Action if possible(life, case, session, action)}
            assert {offer.action for offer in made} == wanted, (post, case.stage)
            assert all(taken(life, case, filled(offer, life, case, session)) for offer in made)
            seen |= wanted
        life.finish(case, 1)
    rare = {Action.RESUME, Action.CHECK, Action.DISPOSAL_REPORT, *([Action.PAUSE] if rule == HIGH else [])}
    assert seen >= set(Action) - rare, "the walk sees them all"


def test_choices_are_only_those_that_would_be_taken() -> None:
    life = Life(demo_policy())
    life.find()
    life.act(Action.JUDGE, verdict="false")
    (person,) = persons_of(life.policy.city.city, CENTRE, life.now)[:1]
    made = offers(life.policy, life.case, Session(person=person, post=CENTRE), life.now)
    close = next(offer for offer in made if offer.action == Action.CLOSE)
    cause = next(field for field in close.fields if field.name == "cause")
    assert cause.required and "real" not in cause.options and "false_biogas" in cause.options
