"""催督: every moment and every kind of row; calls go on until somebody answers; supervision and take-over."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case import LIVE
from liandong.core.values.case_events import Escalated, OrderIssued, ParticipantLeft
from liandong.core.values.case_fold import evolve_case
from liandong.core.values.events import AGGREGATES, read_event, record_event
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import EscalationKind as K
from liandong.core.values.lists import OrderStatus, Participation
from liandong.core.values.messages import TimerFired
from liandong.core.values.rows import EscalationRow, TransferRow
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND
from liandong.core.values.urging_events import CallAnswered, CallPlaced, CallUnanswered, HolderUrged
from tests.core.world import (
    CENTRE,
    GAS,
    HIGH,
    MEDIUM,
    UP_TO_PUSH,
    Life,
    folder,
    make_policy,
    opened,
    persons_of,
)

GOVERNMENT = "post:government.duty"


def row(action: A, kind: K, role: str, **moment) -> EscalationRow:
    return EscalationRow(
        key=f"{action}.{kind}.{role}", flow="*", action=action, kind=kind, role=role, **moment
    )


def life_with(*rows: EscalationRow, transfers: tuple[TransferRow, ...] = (), rule: str = MEDIUM) -> Life:
    mechanism = msgspec.structs.replace(folder().mechanism, escalations=rows, transfers=transfers)
    return opened(rule, make_policy(mechanism=mechanism))


def rings(life: Life) -> list[tuple[int, int, str]]:
    return [((e.at - life.case.opened) // SECOND, e.turn, e.person) for e in life.of(CallPlaced)]


CALL = row(A.ACKNOWLEDGE, K.CALL, "actor", no_answer_s=120.0, repeat_s=60.0, repeats=4)


def test_a_call_rings_the_person_and_the_deputy_by_turns_and_then_the_next_row_comes_at_once():
    life = life_with(CALL, row(A.ACKNOWLEDGE, K.NOTIFY, "unit:emergency", no_answer_s=7200.0))
    life.do(*UP_TO_PUSH)
    order = life.order()
    life.wait(HOUR)
    assert rings(life) == [
        (120, 1, order.person), (180, 2, order.deputy), (240, 3, order.person), (300, 4, order.deputy),
    ]  # fmt: skip
    (gave_up,) = life.of(CallUnanswered)
    (told,) = life.of(Escalated)
    assert gave_up.turns == 4 and told.kind == K.NOTIFY and told.unit == "unit:emergency"
    waiting = [timer for timer in life.case.timers.values() if "/" in timer.clock]
    assert not waiting and not life.case.ringing, "the later moment of that row is spent"
    assert any(p.part == Participation.INFORM and p.unit == "unit:emergency" for p in life.case.participants)


@pytest.mark.parametrize("how", ["acknowledge", "answer", "logged", "deputy"])
def test_an_answer_of_any_kind_ends_the_ringing(how):
    life = life_with(CALL)
    life.do(*UP_TO_PUSH)
    order = life.order()
    life.wait(3 * MINUTE)
    assert len(rings(life)) == 2 and order.id in life.case.ringing
    if how == "acknowledge":
        life.do(A.ACKNOWLEDGE)
    elif how == "logged":
        life.act(A.CALL, as_=CENTRE, to="unit:gas", answered=True)
    else:
        person = order.deputy if how == "deputy" else order.person
        assert not life.act(A.ANSWER_CALL, as_=GAS, person=person).refused
    if how != "acknowledge":
        (answered,) = life.of(CallAnswered)
        assert answered.order == order.id and life.case.orders[order.id].called
    assert not life.case.ringing
    life.wait(DAY)
    assert len(rings(life)) == 2


def test_a_call_that_nobody_took_goes_on_and_strangers_do_not_answer_it():
    life = life_with(CALL)
    life.do(*UP_TO_PUSH)
    assert life.act(A.ANSWER_CALL, as_=GAS).reason.key == "call.none"
    life.wait(2 * MINUTE)
    life.act(A.CALL, as_=CENTRE, to="unit:gas", answered=False)
    assert life.act(A.ANSWER_CALL, as_=CENTRE, order=life.order().id).reason.key == "act.not_yours"
    life.wait(MINUTE)
    assert len(rings(life)) == 2


def test_a_call_on_a_clause_rings_at_its_fraction_and_repeats_from_any_step():
    life = life_with(row(A.ARRIVE, K.CALL, "leader", fraction=1.0, repeat_s=600.0, repeats=2))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    life.wait(3 * HOUR)
    clock = next(c for c in life.case.clocks.values() if c.action == A.ARRIVE)
    assert [e.at - clock.due for e in life.of(CallPlaced)] == [0, 600 * SECOND]
    assert {e.post for e in life.of(CallPlaced)} == {"post:gas.leader"}


def test_without_a_limit_there_are_still_moments():
    """An unset limit stays unset; what is said in time after the origin comes all the same."""
    life = life_with(
        row(A.CHECK, K.REMIND, "actor", after_s=600.0),
        row(A.CHECK, K.URGE, "leader", after_s=1200.0),
        row(A.CHECK, K.REMIND, "superior", fraction=0.5),
    )
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE, A.ARRIVE)
    assert not any(c.action == A.CHECK for c in life.case.clocks.values())
    life.wait(15 * MINUTE)
    assert [(e.kind, e.order) for e in life.of(Escalated)] == [(K.REMIND, life.order().id)]
    life.do(A.CHECK)
    life.wait(DAY)
    assert len(life.of(Escalated)) == 1 and not [t for t in life.case.timers.values() if "/" in t.clock]


@pytest.mark.parametrize("wait", [59.0, 86400.0 * 40])
def test_a_wait_of_any_length_survives_a_restart(wait):
    """The process is killed while an escalation waits: only events are left, and it comes in its moment."""
    life = life_with(row(A.ACKNOWLEDGE, K.CALL, "actor", no_answer_s=wait, repeat_s=wait, repeats=2))
    life.do(*UP_TO_PUSH)
    stream = f"case:{life.case.id}"
    for _ in range(2):
        state = AGGREGATES["case"][0]
        for event in life.events[stream]:
            state = evolve_case(state, read_event(record_event(event)))
        assert state == life.states[stream] and any("/" in t.clock for t in state.timers.values())
        life.states[stream] = state
        life.wait(round(wait * SECOND))
    assert [e.turn for e in life.of(CallPlaced)] == [1, 2]
    assert life.of(CallPlaced)[1].at - life.of(CallPlaced)[0].at == round(wait * SECOND)


def test_an_order_that_ended_is_not_rung_for_any_more():
    life = life_with(CALL)
    life.do(*UP_TO_PUSH)
    first = life.order()
    life.wait(2 * MINUTE)
    life.act(A.HAND_OVER, to=first.deputy)
    assert first.id not in life.case.ringing
    gone = [t for t in life.case.timers.values() if t.clock.startswith(first.id)]
    assert not gone
    life.wait(2 * MINUTE)
    assert {e.order for e in life.of(CallPlaced)} == {first.id, life.order().id}, "the new one is waited for"
    late = life.send(TimerFired(case=life.case.id, timer="tmr_of_the_first", due=0))
    assert late.reason.key == "timer.gone"


def test_a_row_that_says_none_makes_nothing():
    life = life_with(EscalationRow(key="none", flow="*", action=A.ARRIVE, kind=K.NONE))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    life.wait(DAY)
    assert not life.of(Escalated, CallPlaced)


def test_who_supervises_is_told_of_every_step_until_the_case_is_done():
    life = life_with(row(A.ARRIVE, K.SUPERVISE, "unit:government", fraction=1.0))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    life.wait(2 * HOUR)
    (one,) = life.case.supervisors
    assert one.unit == "unit:government" and one.post == GOVERNMENT
    before = len(life.made)
    life.finish(life.case)
    told = [
        effect.params["action"]
        for made in life.made[before:]
        for effect in made.decision.effects
        if effect.template == "tell.step_done" and effect.recipient == one.person
    ]
    assert told == [A.ARRIVE, A.CHECK, A.HANDLE, A.FEED_BACK, A.REVIEW, A.CLOSE, A.ARCHIVE]


# By a person.


def by(action: A, role: str, **more) -> TransferRow:
    return TransferRow(key=f"{action}.{role}", flow="*", action=action, role=role, **more)


def test_a_superior_takes_the_order_over_and_the_old_holder_can_do_nothing():
    life = life_with(transfers=(by(A.TAKE_OVER, "superior"),), rule=HIGH)
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    first = life.order()
    clocks = {k: c.started for k, c in life.case.clocks.items() if c.stopped is None}
    assert life.act(A.TAKE_OVER, as_=GOVERNMENT).reason.key == "act.missing_field"
    assert life.act(A.TAKE_OVER, as_=CENTRE, reason="grave").reason.key == "act.not_yours"
    assert not life.act(A.TAKE_OVER, as_=GOVERNMENT, reason="grave").refused
    second = life.order()
    assert (second.unit, second.role, life.case.lead) == ("unit:government", "lead", "unit:government")
    assert life.case.orders[first.id].status == OrderStatus.TAKEN_OVER
    assert [s.action for s in second.steps] == [A.ARRIVE, A.CHECK, A.HANDLE, A.FEED_BACK]
    assert {k: c.started for k, c in life.case.clocks.items() if c.stopped is None} == clocks
    assert [e.unit for e in life.of(ParticipantLeft)] == ["unit:gas"]
    assert any(p.part == Participation.ASSIST and p.unit == "unit:gas" for p in life.case.participants)
    for action in (A.ARRIVE, A.HANDLE, A.RETURN, A.HAND_OVER, A.PAUSE):
        found = life.act(action, as_=GAS, person=first.person, reason="no", to=first.deputy)
        assert found.refused, action
    life.finish(life.case)


def test_taking_over_needs_a_row_and_names_it():
    life = life_with()
    life.do(*UP_TO_PUSH)
    found = life.act(A.TAKE_OVER, as_=GOVERNMENT, reason="grave")
    assert found.reason.key == "transfer.no_row"
    assert found.reason.params == {"action": A.TAKE_OVER, "flow": "gas_leak", "level": "III"}


def test_a_person_urges_and_it_is_counted():
    life = life_with()
    life.do(*UP_TO_PUSH)
    order = life.order()
    for number in (1, 2):
        made = life.act(A.URGE, as_=CENTRE)
        assert made.effects[0].recipient == order.person and made.effects[0].params["number"] == number
    assert [e.number for e in life.of(HolderUrged)] == [1, 2] and life.case.urged == 2
    assert life.act(A.URGE, as_="post:fire.duty").refused
    assert life.act(A.URGE, as_=GAS).refused, "nobody urges themselves"


def test_a_person_supervises_by_a_row():
    life = life_with(transfers=(by(A.SUPERVISE, "unit:government"),))
    life.do(*UP_TO_PUSH)
    assert life.act(A.SUPERVISE, as_=CENTRE, reason="grave").refused
    assert not life.act(A.SUPERVISE, as_=GOVERNMENT, reason="grave").refused
    assert life.case.supervisors[0].row == "supervise.unit:government"
    person = persons_of(life.policy.city.city, GOVERNMENT, life.now)[0]
    made = life.do(A.ACKNOWLEDGE)
    assert [e.recipient for e in made.effects if e.template == "tell.step_done"] == [person]
    assert all(o.status in LIVE for o in life.live()) and life.of(OrderIssued)
