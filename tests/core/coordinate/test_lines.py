"""联合处置: linked orders beside the main line, each with its own life; the case waits for all of them."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case_events import OrderIssued, StepDone
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import CaseStage, ClockOrigin, Verdict
from liandong.core.values.rows import StepRow, TransferRow
from liandong.core.values.times import MINUTE
from tests.core.world import (
    HIGH,
    HOUSING,
    MEDIUM,
    ON_SITE,
    UP_TO_PUSH,
    UP_TO_REVIEW,
    Life,
    folder,
    make_policy,
    opened,
)

FIRE = "post:fire.duty"


def step(line: str, order: int, action: A, role: str, limit: float | None = None, after: str = "") -> StepRow:
    return StepRow(
        key=f"{line or 'main'}.{action}", flow="*", order=order, action=action, role=role, line=line,
        limit_s=limit, origin=ClockOrigin.ISSUED, after_failed=after,
    )  # fmt: skip


ROADS = (
    step("roads", 3, A.ACKNOWLEDGE, "unit:housing", 300.0),
    step("roads", 4, A.HANDLE, "unit:housing", 1800.0),
    step("roads", 5, A.FEED_BACK, "unit:housing"),
)
WATER = (step("water", 3, A.HANDLE, "unit:fire"), step("water", 4, A.CHECK, "unit:housing"))


def life_with(*rows: StepRow, transfers: tuple[TransferRow, ...] = ()) -> Life:
    demo = folder().mechanism
    mechanism = msgspec.structs.replace(demo, steps=(*demo.steps, *rows), transfers=transfers)
    return opened(MEDIUM, make_policy(mechanism=mechanism))


def lines(life: Life) -> dict[str, str]:
    return {order.line: order.unit for order in life.live() if order.line}


def test_lines_go_out_together_once_what_comes_before_is_done():
    life = life_with(*ROADS, *WATER)
    life.do(A.JUDGE)
    assert not lines(life)
    life.do(A.PUSH)
    assert lines(life) == {"roads": "unit:housing", "water": "unit:fire"}
    assert life.case.lead == "unit:gas", "who leads is the main line's alone"
    running = {(c.action, c.unit) for c in life.case.clocks.values() if c.stopped is None}
    assert (A.ACKNOWLEDGE, "unit:housing") in running


def test_each_line_has_its_own_life():
    life = life_with(*ROADS, *WATER)
    life.do(*UP_TO_PUSH)
    life.wait(MINUTE)
    life.act(A.ACKNOWLEDGE, as_=HOUSING)
    done = life.of(StepDone)[-1]
    assert (done.unit, done.stage) == ("unit:housing", None)
    assert life.case.stage == CaseStage.PUSHED and A.ACKNOWLEDGE not in life.case.done
    assert life.case.line_done == {"roads": {A.ACKNOWLEDGE: life.now}}
    # The next role of a line gets its own order, whatever the main line does.
    life.act(A.HANDLE, as_=FIRE)
    assert lines(life) == {"roads": "unit:housing", "water": "unit:housing"}
    life.do(*ON_SITE)
    assert life.case.order_for(A.REVIEW) is None and life.act(A.CLOSE, cause="real").refused
    for action in (A.HANDLE, A.FEED_BACK, A.CHECK):
        assert not life.act(action, as_=HOUSING).refused
    life.do(A.REVIEW, A.CLOSE)
    assert life.case.stage == CaseStage.CLOSED


def test_somebody_with_two_orders_says_which():
    life = life_with(step("roads", 3, A.ACKNOWLEDGE, "lead"))
    life.do(*UP_TO_PUSH)
    main = next(o for o in life.live() if not o.line)
    other = next(o for o in life.live() if o.line)
    assert main.post == other.post
    life.act(A.ACKNOWLEDGE, as_=other, order=other.id)
    assert life.of(StepDone)[-1].order == other.id and A.ACKNOWLEDGE not in life.case.done
    life.act(A.ACKNOWLEDGE, as_=main)
    assert life.of(StepDone)[-1].order == main.id


def test_a_false_alarm_sends_no_lines_and_calls_back_those_that_went():
    life = life_with(step("early", 0, A.HANDLE, "unit:housing"))
    assert lines(life) == {"early": "unit:housing"}
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    life.do(A.CLOSE)
    assert not life.live() or not lines(life)


def test_handlers_of_a_line_do_not_review():
    life = life_with(step("roads", 3, A.HANDLE, "unit:emergency_east"))
    life.do(*UP_TO_PUSH)
    line = life.case.order_for(A.HANDLE, "roads")
    assert not life.act(A.HANDLE, as_=line, order=line.id).refused
    life.do(*ON_SITE)
    review = life.case.order_for(A.REVIEW)
    assert review is not None and review.unit != "unit:emergency_east"


STREET = (
    step("pavement", 3, A.SELF_CORRECT, "unit:gas"),
    step("pavement", 4, A.PERSUADE, "unit:fire", after=A.SELF_CORRECT),
    step("pavement", 5, A.ENFORCE, "unit:housing", after=A.PERSUADE),
)


@pytest.mark.parametrize(("tries", "sent"), [((True,), 1), ((False, True), 2), ((False, False), 3)])
def test_the_order_of_three_steps_is_fixed_and_the_next_goes_out_only_where_one_failed(tries, sent):
    """Street trading: put right, else persuaded, else enforced, never enforcement first."""
    life = life_with(*STREET)
    life.do(*UP_TO_PUSH)
    assert life.act(A.ENFORCE, as_=HOUSING).refused
    for action, passed in zip((A.SELF_CORRECT, A.PERSUADE), tries, strict=False):
        order = life.case.order_for(action, "pavement")
        assert life.act(action, as_=order, order=order.id).reason.params["field"] == "passed"
        life.act(action, as_=order, order=order.id, passed=passed, evidence=("photo:1",))
        assert life.of(StepDone)[-1].passed is passed and life.of(StepDone)[-1].evidence
    issued = [e.unit for e in life.of(OrderIssued) if e.line == "pavement"]
    assert issued == ["unit:gas", "unit:fire", "unit:housing"][:sent]
    if sent == 3:
        life.act(A.ENFORCE, as_=HOUSING)
    assert not lines(life)
    life.finish(life.case)


def test_the_same_on_the_main_line():
    demo = folder().mechanism
    kept = [row for row in demo.steps if row.action in (A.JUDGE, A.PUSH, A.CLOSE, A.ARCHIVE)]
    rows = [msgspec.structs.replace(row, line="", order=row.order + 2) for row in STREET]
    mechanism = msgspec.structs.replace(
        demo,
        steps=(
            *(msgspec.structs.replace(r, order=r.order if r.order < 3 else r.order + 20) for r in kept),
            *rows,
        ),
    )
    life = opened(MEDIUM, make_policy(mechanism=mechanism))
    life.do(*UP_TO_PUSH)
    assert life.order().unit == "unit:gas"
    life.do(A.SELF_CORRECT, passed=False)
    assert life.order().unit == "unit:fire"
    life.do(A.PERSUADE, passed=True)
    assert life.order().steps[0].action == A.CLOSE, "nothing to enforce"
    life.do(A.CLOSE, A.ARCHIVE)


def test_a_line_given_back_is_decided_about_like_any_other():
    row = TransferRow(key="return", flow="*", action=A.RETURN, role="holder", decides="unit:emergency")
    life = life_with(*ROADS, transfers=(row,))
    life.do(*UP_TO_PUSH)
    life.act(A.ACKNOWLEDGE, as_=HOUSING)
    assert not life.act(A.RETURN, as_=HOUSING, reason="not_our_duty").refused
    asked = life.case.order_for(A.DECIDE_DUTY, "duty.1")
    life.act(A.DECIDE_DUTY, as_=asked, to="unit:fire", reason="own_duty")
    assert lines(life) == {"roads": "unit:fire"} and life.case.line_done["roads"] == {}
    assert life.case.lead == "unit:gas"
    life.finish(life.case)


def test_a_reopened_case_sends_its_lines_again():
    life = life_with(*ROADS)
    life.finish(life.case)
    life.act(A.REOPEN, as_="post:emergency.leader")
    assert lines(life) == {"roads": "unit:housing"}
    life.finish(life.case)
    assert len([e for e in life.of(OrderIssued) if e.line == "roads"]) == 2


def test_a_review_waits_for_what_the_others_still_do():
    life = life_with(*ROADS)
    life.do(*UP_TO_REVIEW)
    assert life.case.order_for(A.REVIEW) is None
    assert life.act(A.REVIEW, passed=True).reason.key == "act.not_allowed"
    for action in (A.ACKNOWLEDGE, A.HANDLE, A.FEED_BACK):
        assert not life.act(action, as_=HOUSING).refused
    life.do(A.REVIEW)


def test_a_level_that_brings_a_line_takes_the_review_back():
    life = life_with(*(msgspec.structs.replace(row, level="II") for row in ROADS))
    life.do(*UP_TO_REVIEW, A.REVIEW)
    life.find(HIGH)
    assert lines(life) == {"roads": "unit:housing"}
    assert life.case.reviewed is None and A.REVIEW not in life.case.done
    life.finish(life.case)
    assert life.case.reviewed is True
