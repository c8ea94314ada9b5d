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
from liandong.core.values.times import MINUTE
from tests.core.model import BY_ROW, CLOSING, STEPS
from tests.core.rich import rich_mechanism
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
    make_policy,
    persons_of,
)

POSTS = (CENTRE, GAS, REVIEWER, LEADER, HOUSING, "post:operator", "")
_OTHERS = ("post:emergency.duty", "post:fire.duty", "post:government.duty")
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
    # Beside the steps: with a ground, a receiver, and a moment that suits.
    units = [*life.policy.city.units, "case_other", ""]
    due = [clock.due for clock in case.clocks.values() if clock.stopped is None]
    moments = {max(life.now, moment) + MINUTE for moment in (life.now, *due)}
    ways += [
        {"reason": "own_duty", "to": to, "until": until}
        for to in (("",) if action in (Action.EXTEND, Action.DEFER) else (*units, *people))
        for until in sorted(moments)
    ]
    return any(taken(life, case, msgspec.structs.replace(base, **way)) for way in ways)


def act_of(offer: Offer, case: CaseState, session: Session) -> Act:
    """The bare act."""
    return Act(
        id="", body_digest="", action=offer.action, case=case.id, person=session.person, post=session.post,
        version=case.version,
    )  # fmt: skip


def filled(offer: Offer, life: Life, case: CaseState, session: Session) -> Act:
    """The act as somebody would send it who fills in what is required, taking the first choice."""
    given: dict[str, Any] = {"text": _WORDS, "number": _WORDS, "evidence": ("sha:1",)}
    fields: dict[str, Any] = {}
    for field in offer.fields:
        if field.required:
            value = given.get(field.name, field.options[0] if field.options else "lunch")
            if field.name == "until":
                due = [clock.due for clock in case.clocks.values() if clock.stopped is None]
                moments = sorted(max(life.now, moment) + MINUTE for moment in (life.now, *due))
                tried = (
                    msgspec.structs.replace(act_of(offer, case, session), **fields, until=moment)
                    for moment in moments
                )
                value = next((act.until for act in tried if taken(life, case, act)), moments[0])
            fields[field.name] = value == "true" if field.name in ("passed", "answered") else value
    return msgspec.structs.replace(act_of(offer, case, session), **fields)


#: What is done on the way, so that what it opens is offered to somebody.
_BESIDE: tuple[tuple[Action, dict[str, Any]], ...] = (
    (Action.RETURN, {"reason": "not_our_duty"}),
    (Action.ASK_HELP, {"reason": "beyond_means", "to": "unit:fire"}),
    (Action.EXTEND, {"reason": "needs_time"}),
)
#: Tried by others: steps that this mechanism has not, and what a level or a draw decides.
_RARE = {Action.RESUME, Action.CHECK, Action.DISPOSAL_REPORT, Action.PAUSE, Action.TRACK, Action.REVIEW}
_RARE |= {Action.PERSUADE, Action.ENFORCE}


_WALKS = [(rule, back, False) for rule in (MEDIUM, HIGH) for back in (0, 3)]
_SLOW = [pytest.param(rule, back, True, marks=pytest.mark.slow) for rule, back in ((MEDIUM, 0), (HIGH, 3))]


@pytest.mark.parametrize(("rule", "back", "rich"), [*_WALKS, *_SLOW])
def test_offered_is_what_would_be_done(rule: str, back: int, rich: bool) -> None:
    life = Life(make_policy(mechanism=rich_mechanism(), seed="b") if rich else demo_policy())
    life.find(rule)
    seen = set()
    for _ in range(24):
        case = life.case
        for post in (*POSTS, *(_OTHERS if rich else ())):
            people = persons_of(life.policy.city.city, post, life.now) if post else []
            session = Session(person=people[back % len(people)] if people else "", post=post)
            made = offers(life.policy, case, session, life.now)
            wanted = {action for action in Action if possible(life, case, session, action)}
            assert {offer.action for offer in made} == wanted, (post, case.stage)
            assert all(taken(life, case, filled(offer, life, case, session)) for offer in made)
            seen |= wanted
        if rich:
            _beside(life, seen)
        life.finish(life.case, 1)
    if rich:
        assert seen >= {*STEPS, *BY_ROW, Action.REFUSE, Action.RETURN, Action.ANSWER_CALL} - _RARE, "all"
    else:
        assert seen >= {*STEPS[:8], *CLOSING, Action.RETURN, Action.REOPEN, Action.URGE} - _RARE, "all"


def _beside(life: Life, seen: set[Action]) -> None:
    """What the lead does that is no step, once each, and a call that rings."""
    order = next((order for order in life.live() if order.role == "lead" and not order.line), None)
    if order is None or len(life.case.acts) >= len(_BESIDE):
        return
    due = [clock.due for clock in life.case.clocks.values() if clock.order == order.id]
    action, fields = _BESIDE[len(life.case.acts)]
    life.act(action, as_=order, **{"until": max([life.now, *due]) + MINUTE, **fields})
    life.wait(3 * MINUTE)


def test_choices_are_only_those_that_would_be_taken() -> None:
    life = Life(demo_policy())
    life.find()
    life.act(Action.JUDGE, verdict="false")
    (person,) = persons_of(life.policy.city.city, CENTRE, life.now)[:1]
    made = offers(life.policy, life.case, Session(person=person, post=CENTRE), life.now)
    close = next(offer for offer in made if offer.action == Action.CLOSE)
    cause = next(field for field in close.fields if field.name == "cause")
    assert cause.required and "real" not in cause.options and "false_biogas" in cause.options
