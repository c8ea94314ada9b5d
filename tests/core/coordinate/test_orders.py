"""派单: who gets which order when things do not go straight on."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case import LIVE
from liandong.core.values.case_events import (
    CaseJudged,
    CaseReviewed,
    ClockStarted,
    ClockStopped,
    OrderIssued,
    ParticipantJoined,
    StepDone,
)
from liandong.core.values.lists import Action, CaseStage, Cause, OrderStatus, Participation, Verdict
from liandong.core.values.times import MINUTE
from tests.core.rough import rough_mechanism
from tests.core.world import (
    ALL,
    CENTRE,
    GAS,
    HIGH,
    LEADER,
    ON_SITE,
    REVIEWER,
    UP_TO_PUSH,
    UP_TO_REVIEW,
    make_policy,
    opened,
    persons_of,
)

A = Action


def key(decision) -> str:
    assert not decision.refused, decision.reason
    return decision.reason.key


def test_the_straight_way():
    life = opened()
    stages = [life.do(action) and life.case.stage.value for action in ALL]
    wanted = "judged pushed acknowledged on_site on_site handled fed_back reviewed closed archived"
    assert " ".join(stages) == wanted
    assert [e.post for e in life.of(OrderIssued)] == [CENTRE, GAS, REVIEWER, CENTRE]
    assert [e.action for e in life.of(StepDone)] == list(ALL)
    assert life.case.lead == "unit:gas" and not life.case.timers


def test_only_the_lead_returns_and_only_with_a_reason():
    life = opened()
    assert life.act(A.RETURN, reason="no").reason.key == "act.not_allowed"
    life.do(*UP_TO_PUSH)
    assert life.act(A.RETURN).reason.key == "act.missing_field"
    assert life.act(A.RETURN, as_=CENTRE, reason="no").reason.key == "act.not_yours"


def test_handed_over_and_back_are_three_orders():
    life = opened()
    life.do(*UP_TO_PUSH)
    first = life.order()
    running = {k: c.started for k, c in life.case.clocks.items() if c.stopped is None}
    assert first.deputy and running
    life.wait(MINUTE)
    assert key(life.act(A.HAND_OVER, to=first.deputy)) == "act.hand_over"
    second = life.order()
    assert (second.person, second.deputy, second.post) == (first.deputy, first.person, first.post)
    assert key(life.act(A.HAND_OVER, to=first.person)) == "act.hand_over"
    third = life.order()
    assert third.person == first.person and len({first.id, second.id, third.id}) == 3
    # Clocks run on, and none is started a second time.
    assert {k: c.started for k, c in life.case.clocks.items() if c.stopped is None} == running
    assert {c.order for c in life.case.clocks.values() if c.stopped is None} == {third.id}
    life.do(*ON_SITE)
    assert not [e for e in life.of(ClockStopped) if e.void]


@pytest.mark.parametrize("to", ["", "person:nobody", "person:p001"])
def test_an_order_is_handed_only_to_somebody_of_the_same_post(to):
    life = opened()
    life.do(*UP_TO_PUSH)
    assert life.act(A.HAND_OVER, to=to).reason.key == "act.bad_recipient"
    assert life.act(A.HAND_OVER, to=life.order().person).reason.key == "act.bad_recipient"


def test_what_is_left_is_handed_over_and_no_more():
    life = opened()
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE, A.ARRIVE)
    life.act(A.HAND_OVER, to=life.order().deputy)
    assert [s.action for s in life.order().steps] == [A.CHECK, A.HANDLE, A.FEED_BACK]


def test_who_may_act_for_an_order():
    life = opened()
    life.do(*UP_TO_PUSH)
    order = life.order()
    assert life.act(A.ACKNOWLEDGE, as_=GAS, person="person:nobody").reason.key == "act.not_yours"
    assert life.act(A.ACKNOWLEDGE, as_=CENTRE, person=order.person).reason.key == "act.not_yours"
    assert life.act(A.ACKNOWLEDGE, as_="", person="").reason.key == "act.not_yours"
    assert key(life.act(A.ACKNOWLEDGE, person=order.deputy)) == "act.acknowledge"
    life.wait(20 * 60 * MINUTE)  # two shifts later: whoever is on duty now, and who got it then
    now = life.policy.city.on_duty(GAS, life.now)
    assert now is not None and now.person not in (order.person, order.deputy)
    other = opened()
    other.do(*UP_TO_PUSH)
    other.now += 20 * 60 * MINUTE
    assert key(other.act(A.ACKNOWLEDGE, person=now.person)) == "act.acknowledge"
    assert key(other.act(A.ARRIVE, person=order.person)) == "act.arrive"


def test_steps_go_in_their_order_and_with_their_evidence():
    life = opened()
    assert life.act(A.PUSH).reason.key == "act.not_allowed"
    life.do(*UP_TO_PUSH)
    for action in (A.JUDGE, A.PUSH, A.ARRIVE, A.HANDLE, A.FEED_BACK, A.REVIEW, A.CLOSE, A.ARCHIVE, A.REOPEN):
        assert life.act(action).refused, action
    life.do(A.ACKNOWLEDGE, A.ARRIVE)
    assert life.act(A.CHECK, evidence=()).reason.params["field"] == "evidence"
    life.do(A.CHECK)
    assert life.act(A.CHECK).refused


def test_a_version_seen_before_is_refused_and_a_delivery_makes_no_version():
    life = opened()
    assert life.act(A.JUDGE, version=life.case.version - 1, verdict="real").reason.key == "act.stale"
    assert life.act(A.JUDGE, version=life.case.version + 1, verdict="real").reason.key == "act.stale"
    life.do(A.JUDGE)


def test_a_false_alarm_takes_the_short_way():
    life = opened()
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    assert [s.action for s in life.order().steps] == [A.CLOSE, A.ARCHIVE]
    assert life.case.orders[next(iter(life.case.orders))].status == OrderStatus.DONE
    assert life.act(A.CLOSE, cause=Cause.REAL).reason.params["missing"] == "cause other than real"
    assert life.act(A.PUSH).refused
    life.do(A.CLOSE, cause=Cause.FALSE_BIOGAS)
    life.do(A.ARCHIVE)
    assert {p.part for p in life.case.participants} == {Participation.ASSIST}, "nobody was sent out"


def test_needs_a_look_sends_people_out():
    life = opened()
    life.do(A.JUDGE, verdict=Verdict.LOOK)
    life.do(*ALL[1:8])
    life.do(A.CLOSE, cause=Cause.FALSE_CALIBRATION)
    assert life.case.verdict == Verdict.LOOK and life.case.cause == Cause.FALSE_CALIBRATION


@pytest.mark.parametrize("bad", [{"verdict": ""}, {"verdict": "perhaps"}, {"verdict": "real", "level": "V"}])
def test_a_judgement_is_complete(bad):
    life = opened()
    assert life.act(A.JUDGE, **bad).reason.key == "act.missing_field"
    assert not life.of(CaseJudged)


def test_a_failed_review_goes_back_to_who_led():
    life = opened()
    life.do(A.JUDGE)
    life.do(A.PUSH, to="unit:fire")
    life.do(*ON_SITE)
    life.wait(MINUTE)
    life.do(A.REVIEW, passed=False)
    order = life.order()
    assert order.unit == "unit:fire" and [s.action for s in order.steps] == [A.HANDLE, A.FEED_BACK]
    assert life.case.stage == CaseStage.ON_SITE and life.case.reviewed is None
    again = [e for e in life.of(ClockStarted) if e.round == 2]
    assert {e.action for e in again} == {A.HANDLE, A.FEED_BACK} and all(e.started == life.now for e in again)
    life.do(A.HANDLE, A.FEED_BACK, A.REVIEW, A.CLOSE, A.ARCHIVE)
    assert [e.passed for e in life.of(CaseReviewed)] == [False, True]


def test_under_another_level_a_step_done_again_still_gets_its_own_time():
    """Its clause has another key then, so that the round alone would not tell."""
    life = opened(HIGH, make_policy(mechanism=rough_mechanism()))
    life.do(*UP_TO_REVIEW)
    life.wait(40 * MINUTE)
    life.find("gas_ch4_high", value=90)
    case = life.case
    raised = msgspec.structs.replace(case, level="I")
    life.states[f"case:{case.id}"] = raised
    life.do(A.REVIEW, passed=False)
    started = [e for e in life.of(ClockStarted) if e.clause == "I.handle"]
    assert started and all(e.started == life.now for e in started)


def reopen(life):
    return life.act(A.REOPEN, as_=LEADER)


@pytest.mark.parametrize("archived", [False, True])
def test_reopening_cancels_what_was_left_and_sends_new_orders(archived):
    life = opened()
    life.do(A.JUDGE)
    life.do(A.PUSH, to="unit:fire")
    life.do(*ON_SITE, A.REVIEW, A.CLOSE, *((A.ARCHIVE,) if archived else ()))
    before = set(life.case.orders)
    left = [o.id for o in life.live()]
    assert len(left) == (not archived)
    assert key(reopen(life)) == "act.reopen"
    assert all(life.case.orders[o].status == OrderStatus.CANCELLED for o in left)
    case, order = life.case, life.order()
    assert order.id not in before and order.unit == "unit:fire", "whom the push named"
    assert (case.cause, case.closed, case.reviewed, case.stage) == (None, 0, None, CaseStage.PUSHED)
    assert set(case.done) == {A.JUDGE, A.PUSH}
    life.do(*ON_SITE, A.REVIEW, A.CLOSE, A.ARCHIVE)
    assert len(life.of(ClockStarted)) == len({e.clock for e in life.of(ClockStarted)})


def test_what_was_judged_false_is_judged_again():
    life = opened()
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    life.do(A.CLOSE)
    reopen(life)
    assert life.case.verdict == Verdict.LOOK and [s.action for s in life.order().steps] == [A.JUDGE, A.PUSH]
    life.do(*ALL)


def test_only_who_may_reopens_and_only_what_is_over():
    life = opened()
    assert reopen(life).reason.key == "act.not_allowed"
    life.do(*ALL)
    for post in (CENTRE, GAS, ""):
        assert life.act(A.REOPEN, as_=post).reason.key == "act.not_yours"
    assert life.act(A.REOPEN, as_=LEADER, person="person:nobody").reason.key == "act.not_yours", (
        "the post is not held"
    )


def test_a_note_is_for_those_who_have_to_do_with_it():
    life = opened()
    life.do(*UP_TO_PUSH)
    assert key(life.act(A.NOTE, as_=GAS)) == "act.note"
    assert key(life.act(A.NOTE, as_="post:fire.duty")) == "act.note", "it assists"
    assert key(life.act(A.NOTE, as_=CENTRE)) == "act.note"
    assert life.act(A.NOTE, as_="post:drainage.duty").reason.key == "act.not_yours"
    assert life.act(A.NOTE, as_=GAS, person="person:nobody").reason.key == "act.not_yours"
    life.finish(life.case)
    assert key(life.act(A.NOTE, as_=GAS)) == "act.note", "also when it is over"


def test_who_takes_part_and_since_when():
    life = opened()
    life.do(A.JUDGE)
    life.wait(MINUTE)
    life.do(A.PUSH)
    parts = {(e.part, e.unit) for e in life.of(ParticipantJoined) if e.since == life.now}
    assert (Participation.LEAD, "unit:gas") in parts and (Participation.SUPERVISE, "unit:emergency") in parts
    assert (Participation.INFORM, "unit:housing") in parts
    told = [e for e in life.made[-1].decision.effects if e.template != "tell.order"]
    assert len({e.order for e in told}) == len(told), "each notice has an id of its own"


def test_a_review_is_independent():
    """Not by who handled, not by the handler's unit, not by a unit above it."""
    life = opened()
    life.do(*UP_TO_REVIEW)
    handler = life.of(StepDone)[-1].person
    case = life.case
    order = life.order()
    assert life.act(A.REVIEW, passed=None).reason.key == "act.missing_field"
    for handlers, why in (
        (((handler, "unit:gas"), (order.person, "unit:gas")), "handler"),
        ((("person:x", order.unit),), "unit"),
        ((("person:x", "unit:below"),), "unit"),
    ):
        below = msgspec.structs.replace(
            life.policy.city.units["unit:gas"], key="unit:below", parent=order.unit
        )
        city = life.policy.city.city
        life.policy = make_policy(msgspec.structs.replace(city, units=(*city.units, below)))
        life.states[f"case:{case.id}"] = msgspec.structs.replace(case, handlers=handlers)
        decision = life.act(A.REVIEW, passed=True)
        assert (decision.reason.key, decision.reason.params) == ("act.not_independent", {"why": why})


def test_where_the_verifier_handled_somebody_else_reviews():
    """Otherwise the case could never be closed."""
    life = opened()
    life.do(A.JUDGE)
    life.do(A.PUSH, to="unit:emergency_east")
    life.do(*ON_SITE)
    assert life.order().unit == "unit:centre"
    assert life.of(OrderIssued)[-1].fallback == "not independent: unit:emergency_east"
    life.do(A.REVIEW, A.CLOSE, A.ARCHIVE)


def level_raised_before_the_review():
    """Level III: all done but the review, which is held; then level II asks to push and to arrive."""
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.finish(life.case, 5)
    review = life.order()
    assert review.post == REVIEWER
    life.now += 1
    life.find(HIGH)
    return life, review


def test_a_review_waits_for_what_a_worse_level_asks_for_before_it():
    life, review = level_raised_before_the_review()
    refused = life.act(A.REVIEW, as_=review, passed=True)
    assert (refused.reason.key, refused.reason.params["needed"]) == ("act.not_allowed", "push")
    life.do(A.PUSH, A.ARRIVE, A.REVIEW)


def test_a_reviewer_who_handles_meanwhile_loses_the_review():
    life, review = level_raised_before_the_review()
    life.do(A.PUSH, to="unit:emergency_east")
    life.do(A.ARRIVE)
    after = next(o for o in life.live() if any(s.action == A.REVIEW for s in o.steps))
    assert after.unit == "unit:centre" and life.case.orders[review.id].status == OrderStatus.HANDED_OVER
    life.finish(life.case)


def test_a_review_that_has_passed_does_not_speak_for_what_comes_after():
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.finish(life.case, 6)
    assert life.case.reviewed
    life.now += 1
    life.find(HIGH)
    assert life.case.reviewed is None
    life.do(A.PUSH, A.ARRIVE)
    assert life.act(A.CLOSE, cause=Cause.REAL).reason.params["missing"] == "review"
    life.finish(life.case)


def test_a_failed_review_in_an_order_that_goes_on_is_not_lost():
    """Review, closing and archive are one order: after the second handling it has to be reviewed again."""
    life = opened(HIGH, make_policy(mechanism=rough_mechanism()))
    life.do(*UP_TO_REVIEW)
    life.do(A.REVIEW, passed=False)
    life.do(A.HANDLE, A.FEED_BACK)
    assert {s.action for o in life.live() for s in o.steps if s.action not in o.done} == {
        A.REVIEW,
        A.CLOSE,
        A.ARCHIVE,
    }
    life.do(A.REVIEW, A.CLOSE, A.ARCHIVE)


@pytest.mark.parametrize("level", ["IV", "III", "II", "I"])
@pytest.mark.parametrize("before", [0, 1, 2, 4, 6, 7, 8])
def test_a_level_that_asks_for_other_steps_still_ends(level, before):
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    if not before:
        life.do(A.JUDGE, level=level)
    life.finish(life.case, before or 1)
    life.find(HIGH)
    for case in life.cases():
        life.finish(case)
    ends = {
        "IV": CaseStage.ARCHIVED,
        "II": CaseStage.ARCHIVED,
        "III": CaseStage.REPORTED,
        "I": CaseStage.REPORTED,
    }
    for case in life.cases():
        assert case.stage == ends[case.level] and not life.live(case)
    assert not [o for case in life.cases() for o in case.orders.values() if o.status in LIVE]


def test_the_deputy_of_a_handed_over_order_is_who_gave_it():
    life = opened()
    life.do(*UP_TO_PUSH)
    first = life.order()
    life.act(A.HAND_OVER, to=first.deputy)
    assert key(life.act(A.ACKNOWLEDGE, person=first.person)) == "act.acknowledge"
    assert first.person in persons_of(life.policy.city.city, GAS, life.now)
