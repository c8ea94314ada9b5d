"""退回: nothing bounces. A unit asks, who issued the mechanism decides, and nobody is asked twice."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.case_events import (
    ClockStopped,
    Escalated,
    OrderIssued,
    ParticipantLeft,
    StepDone,
    StepsUndone,
)
from liandong.core.values.case_fold import evolve_case
from liandong.core.values.duty_events import DutyAsked, DutyDecided
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import CaseStage, EscalationKind, OrderStatus
from liandong.core.values.rows import EscalationRow, TransferRow
from liandong.core.values.times import HOUR, MINUTE
from tests.core.rich import done, rich_policy
from tests.core.world import (
    CENTRE,
    GAS,
    HIGH,
    LEADER,
    MEDIUM,
    ON_SITE,
    UP_TO_PUSH,
    Life,
    folder,
    make_policy,
    opened,
)

GOVERNMENT = "post:government.duty"


def with_row(**fields) -> Life:
    """A case under a mechanism that says who decides."""
    row = TransferRow(key="return", flow="*", action=A.RETURN, role="holder", **fields)
    mechanism = msgspec.structs.replace(folder().mechanism, transfers=(row,))
    return opened(MEDIUM, make_policy(mechanism=mechanism))


def returned(life: Life) -> Life:
    life.do(*UP_TO_PUSH)
    assert life.act(A.RETURN, reason="not_our_duty").reason.key == "act.return"
    return life


def decision(life: Life):
    return life.case.order_for(A.DECIDE_DUTY, "duty.1")


def test_the_unit_keeps_the_order_while_somebody_else_decides():
    life = returned(with_row(decides="unit:emergency", limit_s=1800.0))
    first = next(o for o in life.live() if o.role == "lead")
    (asked,) = life.of(DutyAsked)
    assert (asked.unit, asked.holder, asked.decides) == ("unit:gas", "unit:gas", "unit:emergency")
    assert (asked.row, asked.ground) == ("return", "not_our_duty")
    order = decision(life)
    assert order.unit == "unit:emergency" and order.steps[0].limit_us == 1800 * 1_000_000
    life.do(A.ACKNOWLEDGE)  # meanwhile the work goes on
    assert life.of(StepDone)[-1].order == first.id
    life.wait(40 * MINUTE)
    late = [c for c in life.case.clocks.values() if c.action == A.DECIDE_DUTY]
    assert len(late) == 1 and late[0].overdue and late[0].unit == "unit:emergency"


def test_this_unit_after_all_and_it_does_not_ask_again():
    life = returned(with_row(decides="unit:emergency"))
    before = {k: c.started for k, c in life.case.clocks.items() if c.stopped is None}
    assert life.act(A.RETURN, reason="again").reason.key == "duty.open"
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:gas", reason="own_duty")
    (decided,) = life.of(DutyDecided)
    assert (decided.asked, decided.unit, decided.reason, decided.row) == (
        "unit:gas", "unit:gas", "own_duty", "return",
    )  # fmt: skip
    assert decided.in_name_of == "unit:emergency"
    assert {
        k: c.started for k, c in life.case.clocks.items() if c.stopped is None and c.action != A.DECIDE_DUTY
    } == {k: v for k, v in before.items()}
    refused = life.act(A.RETURN, reason="not_our_duty")
    assert refused.refused and refused.reason.key == "duty.decided_before"
    life.finish(life.case)


def test_that_unit_begins_anew_and_the_first_is_not_asked_a_second_time():
    life = returned(with_row(decides="unit:emergency"))
    life.do(A.ACKNOWLEDGE)
    first = next(o for o in life.live() if o.role == "lead")
    life.wait(20 * MINUTE)
    assert life.act(A.DECIDE_DUTY, as_=decision(life), reason="own_duty").reason.key == "act.bad_recipient"
    assert life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire").reason.key == "act.missing_field"
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty")
    assert life.case.orders[first.id].status == OrderStatus.RETURNED
    assert life.case.lead == "unit:fire" and life.case.stage == CaseStage.PUSHED
    assert life.of(StepsUndone)[-1].undone == (A.ACKNOWLEDGE,)
    assert [e.unit for e in life.of(ParticipantLeft)] == ["unit:gas"]
    second = next(o for o in life.live() if o.role == "lead")
    clocks = [c for c in life.case.clocks.values() if c.order == second.id]
    assert clocks and all(c.started == second.issued == life.now for c in clocks)
    mine = {c.key for c in life.case.clocks.values() if c.order == first.id}
    assert all(e.void for e in life.of(ClockStopped) if e.clock in mine and e.at == life.now)
    # The one it was given to was decided about as well: the case does not bounce on.
    assert life.act(A.RETURN, as_=second, reason="no").reason.key == "duty.decided_before"
    life.do(A.ACKNOWLEDGE)
    assert life.of(StepDone)[-1].order == second.id
    life.finish(life.case)


def test_where_life_is_at_stake_the_centre_acts_meanwhile():
    life = returned(opened(HIGH))
    (asked,) = life.of(DutyAsked)
    assert asked.holder == "unit:centre"
    acting = next(o for o in life.live() if o.role == "lead")
    assert acting.unit == "unit:centre" and acting.steps[0].action == A.ACKNOWLEDGE
    running = {c.order for c in life.case.clocks.values() if c.stopped is None and c.action == A.ACKNOWLEDGE}
    assert running == {acting.id}
    life.do(A.ACKNOWLEDGE, as_=acting)
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:gas", reason="own_duty")
    back = next(o for o in life.live() if o.role == "lead")
    assert back.unit == life.case.lead == "unit:gas"
    assert next(s.action for s in back.steps) == A.ARRIVE  # what the centre has done stays done
    life.finish(life.case)


def test_without_a_row_for_it_the_issuer_or_the_centre_decides_never_who_asks():
    life = returned(opened())
    assert life.of(DutyAsked)[0].decides == "unit:centre"
    assert decision(life).unit != "unit:gas"
    # Who leads because nobody else does is not asked by itself either.
    city = folder().city
    issuer = msgspec.structs.replace(folder().mechanism, issuer="unit:government")
    life = returned(opened(MEDIUM, make_policy(mechanism=issuer)))
    assert life.of(DutyAsked)[0].decides == "unit:government" and city.units


def test_only_who_was_asked_decides():
    life = returned(with_row(decides="unit:emergency"))
    for post in (GAS, CENTRE):
        found = life.act(A.DECIDE_DUTY, as_=post, to="unit:fire", reason="own_duty")
        assert found.refused and found.reason.key == "act.not_yours"


def test_a_case_is_not_closed_over_an_open_question():
    life = returned(with_row(decides="unit:emergency"))
    life.do(A.ACKNOWLEDGE, A.ARRIVE, A.CHECK, A.HANDLE, A.FEED_BACK, A.REVIEW)
    missing = life.act(A.CLOSE, cause="real")
    assert missing.refused and missing.reason.params["missing"] == "open lines"
    assert "decide_duty" in missing.reason.params["needed"]
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty")
    life.finish(life.case)


def test_an_order_id_of_another_case_is_not_taken_on_trust():
    life = returned(with_row(decides="unit:emergency"))
    life.find(MEDIUM, 1)
    other = next(o for o in life.live(life.case))
    mine = life.cases()[0]
    refused = life.act(A.URGE, mine, as_=CENTRE, order=other.id)
    assert refused.refused and refused.reason.key == "act.no_such_order"


def test_a_report_that_nobody_owns_names_the_next_step():
    city = folder().city
    orphan = msgspec.structs.replace(
        city, assets=tuple(msgspec.structs.replace(a, owner="", operator="") for a in city.assets)
    )
    life = opened(MEDIUM, make_policy(orphan))
    life.do(*UP_TO_PUSH)
    issued = life.of(OrderIssued)[-1]
    assert issued.unit == "unit:centre" and issued.fallback and issued.person
    order = life.order()
    assert order.steps[0].action == A.ACKNOWLEDGE and order.person
    life.finish(life.case)


def test_pushing_to_a_unit_that_it_was_decided_not_to_be():
    life = returned(with_row(decides="unit:emergency"))
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty")
    life.finish(life.case)
    life.act(A.REOPEN, as_=LEADER)
    assert all(o.unit != "unit:gas" for o in life.live() if o.role == "lead")


def test_the_state_is_the_fold_of_the_events():
    life = returned(with_row(decides="unit:emergency", limit_s=60.0))
    life.wait(HOUR)
    state = CaseState()
    for event in life.events[f"case:{life.case.id}"]:
        state = evolve_case(state, event)
    assert state == life.case and any(o.status in LIVE for o in state.orders.values())


@pytest.mark.parametrize("at_most", [0, 1])
def test_how_often_a_row_says(at_most):
    life = with_row(decides="unit:emergency", at_most=at_most)
    life.do(*UP_TO_PUSH)
    found = life.act(A.RETURN, reason="not_our_duty")
    assert found.refused == (at_most == 0)
    assert not found.refused or found.reason.params["row"] == "return"


def _not_the_governments(life: Life) -> None:
    """The government takes the lead over, asks, and it is decided to be the fire brigade's duty."""
    life.do(*UP_TO_PUSH)
    lead = life.case.order_for(A.ACKNOWLEDGE)
    done(life.act(A.TAKE_OVER, as_=GOVERNMENT, reason="not_answered", order=lead.id))
    done(life.act(A.RETURN, as_=life.case.order_for(A.ACKNOWLEDGE), reason="not_our_duty"))
    done(life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty"))
    assert life.case.lead == "unit:fire"


def test_who_is_free_of_the_duty_cannot_take_it_over_either():
    life = opened(MEDIUM, rich_policy())
    _not_the_governments(life)
    lead = life.case.order_for(A.ACKNOWLEDGE)
    refused = life.act(A.TAKE_OVER, as_=GOVERNMENT, reason="not_answered", order=lead.id)
    assert refused.reason.key == "act.bad_recipient" and life.case.lead == "unit:fire"
    life.finish(life.case)


def test_a_row_does_not_let_who_is_free_of_the_duty_take_over_when_it_is_late():
    row = EscalationRow(
        key="late", flow="*", action=A.ACKNOWLEDGE, kind=EscalationKind.TAKE_OVER, fraction=1.0,
        role="unit:government",
    )  # fmt: skip
    rich = rich_policy().routing.mechanism
    mechanism = msgspec.structs.replace(rich, escalations=(*rich.escalations, row))
    life = opened(MEDIUM, make_policy(mechanism=mechanism))
    _not_the_governments(life)
    life.wait(2 * HOUR)
    assert "late" in {e.row for e in life.of(Escalated)} and life.case.lead == "unit:fire"
    life.finish(life.case)


def test_decided_when_its_work_was_done_the_work_is_done_again_by_whose_duty_it_is():
    life = returned(opened(MEDIUM))
    life.do(*ON_SITE)
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty")
    life.do(A.REVIEW, passed=False)
    assert life.case.order_for(A.HANDLE).unit == "unit:fire"
    life.finish(life.case)


def test_every_order_of_the_lead_goes_to_whose_duty_it_is():
    """Two of them, as after a worse level has asked for one step more."""
    life = returned(opened(MEDIUM))
    lead = life.case.order_for(A.ACKNOWLEDGE)
    parts = ((lead.id, lead.steps[:2]), (f"{lead.id}_2", lead.steps[2:]))
    two = {id: msgspec.structs.replace(lead, id=id, steps=steps) for id, steps in parts}
    life.states[f"case:{life.case.id}"] = msgspec.structs.replace(life.case, orders=life.case.orders | two)
    life.act(A.DECIDE_DUTY, as_=decision(life), to="unit:fire", reason="own_duty")
    assert [o.unit for o in life.live() if o.role == "lead"] == ["unit:fire"]
    life.finish(life.case)
