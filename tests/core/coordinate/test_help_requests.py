"""协助: asked within the rows, answered by a clock, given as a linked order or refused on a listed ground."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case_events import OrderIssued, StepDone
from liandong.core.values.city import Holding, Liaison, Post
from liandong.core.values.help_events import HelpAnswered, HelpAsked
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import HelpGround, Participation
from liandong.core.values.rows import TransferRow
from liandong.core.values.times import HOUR
from tests.core.world import CENTRE, GAS, MEDIUM, START, UP_TO_PUSH, Life, folder, make_policy, opened

FIRE = "post:fire.duty"
ASK = TransferRow(key="help", flow="*", action=A.ASK_HELP, role="holder", limit_s=600.0)


def asked() -> Life:
    mechanism = msgspec.structs.replace(folder().mechanism, transfers=(ASK,))
    life = opened(MEDIUM, make_policy(mechanism=mechanism))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    assert not life.act(A.ASK_HELP, to="unit:fire", reason="beyond_means").refused
    return life


def test_it_is_asked_with_a_clock():
    life = asked()
    (event,) = life.of(HelpAsked)
    assert (event.asker, event.unit, event.row) == ("unit:gas", "unit:fire", "help")
    clock = next(c for c in life.case.clocks.values() if c.action == A.ANSWER_HELP)
    assert (clock.unit, clock.limit_us) == ("unit:fire", 600 * 1_000_000)
    life.wait(HOUR)
    assert life.case.clocks[clock.key].overdue
    assert life.act(A.ASK_HELP, to="unit:fire", reason="again").reason.key == "act.bad_recipient"
    assert life.act(A.ASK_HELP, to="unit:gas", reason="again").reason.key == "act.bad_recipient"
    assert life.act(A.ASK_HELP, as_=CENTRE, to="unit:housing", reason="x").refused


def test_help_given_is_a_linked_order():
    life = asked()
    life.act(A.ANSWER_HELP, as_=FIRE, passed=True)
    order = next(o for o in life.live() if o.line == "help.1")
    assert (order.unit, [s.action for s in order.steps]) == ("unit:fire", [A.SUPPORT, A.FEED_BACK])
    assert any(p.part == Participation.ASSIST and p.unit == "unit:fire" for p in life.case.participants)
    life.finish(life.case)
    assert life.case.helps["help.1"].given is True
    assert {A.SUPPORT, A.FEED_BACK} <= set(life.case.line_done["help.1"])


@pytest.mark.parametrize("ground", ["", "no_wish", *HelpGround])
def test_help_is_refused_only_on_a_ground_of_the_list(ground):
    life = asked()
    found = life.act(A.ANSWER_HELP, as_=FIRE, passed=False, reason=ground)
    assert found.refused == (ground not in list(HelpGround))
    if not found.refused:
        (answer,) = life.of(HelpAnswered)
        assert (answer.given, answer.ground) == (False, ground)
        assert not [o for o in life.live() if o.line]
        told = [e for e in found.effects if e.template == "tell.help_refused"]
        assert told and told[0].params["ground"] == ground
        life.finish(life.case)


def test_only_who_was_asked_answers():
    life = asked()
    assert life.act(A.ANSWER_HELP, as_=GAS, passed=True).refused
    assert life.act(A.ANSWER_HELP, as_=CENTRE, passed=True).refused


# 派驻联络员.

DESK = "post:centre.liaison"


def seconded(**limits) -> Life:
    city = folder().city
    made = msgspec.structs.replace(
        city,
        posts=(*city.posts, Post(key=DESK, unit="unit:centre", title_zh="燃气派驻席")),
        holdings=(*city.holdings, Holding(post=DESK, person="person:envoy")),
        liaisons=(Liaison(key="envoy", person="person:envoy", unit="unit:gas", at="unit:centre", **limits),),
    )
    life = opened(MEDIUM, make_policy(made))
    life.do(*UP_TO_PUSH)
    return life


def test_somebody_seconded_acts_for_their_unit_within_the_limits():
    life = seconded(actions=(A.ACKNOWLEDGE,), domains=("gas_leak",))
    assert not life.act(A.ACKNOWLEDGE, as_=DESK, person="person:envoy").refused
    done = life.of(StepDone)[-1]
    assert (done.person, done.post, done.unit, done.in_name_of) == (
        "person:envoy", DESK, "unit:gas", "unit:gas",
    )  # fmt: skip
    assert life.act(A.ARRIVE, as_=DESK, person="person:envoy").reason.key == "act.not_yours"


@pytest.mark.parametrize(
    "limits",
    [
        dict(actions=(A.FEED_BACK,)),
        dict(domains=("waterlogging",)),
        dict(until=START),
        dict(since=START + 9 * HOUR),
    ],
)
def test_outside_the_limits_they_do_not(limits):
    life = seconded(**limits)
    assert life.act(A.ACKNOWLEDGE, as_=DESK, person="person:envoy").reason.key == "act.not_yours"
    assert life.act(A.ACKNOWLEDGE, as_=GAS, person="person:envoy").reason.key == "act.not_yours"
    assert len(life.of(OrderIssued)) == 2
