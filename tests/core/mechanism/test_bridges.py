"""Work orders of a unit with a system of its own: what is pushed, and what may be reported."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.mechanism.bridges import Meant, actions_of, bridge_of, meaning_of
from liandong.core.values.case import CaseState, Order, VaultRef
from liandong.core.values.case_events import OrderHeard, OrderNumbered, StepDone
from liandong.core.values.city import Bridge
from liandong.core.values.decision import Decision
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Action, BridgeKind, Capability, OrderStatus
from liandong.core.values.messages import OrderReported
from liandong.core.values.times import HOUR, MINUTE
from tests.core.world import CENTRE, GAS, HIGH, START, UP_TO_PUSH, Life, folder, make_policy, opened

BRIDGE, UNIT = "bridge:gas", "unit:gas"
ROW = Bridge(
    key=BRIDGE, unit=UNIT, system="gas", kind=BridgeKind.API,
    statuses=(("new", "-"), ("on", "arrive"), ("end", "check+handle"), ("no", "return:wrong_duty")),
)  # fmt: skip


def life(**row: Any) -> Life:
    city = msgspec.structs.replace(folder().city, bridges=(msgspec.structs.replace(ROW, **row),))
    return opened(policy=make_policy(city))


def pushed(made: Life) -> list[tuple[str, str]]:
    """(order, kind) of every push, in order."""
    return [
        (e.order, e.template.removeprefix("bridge."))
        for one in made.made
        for e in one.decision.effects
        if e.channel == BRIDGE
    ]


def order(made: Life, unit: str = UNIT) -> Order:
    return [o for o in made.case.orders.values() if o.unit == unit][-1]


def hand_over(made: Life, old: Order) -> Decision:
    """To a colleague: the order ends, and the colleague's is a new one."""
    holders = [h.person for h in made.policy.city.city.holdings if h.post == old.post]
    return made.act(Action.HAND_OVER, as_=old, to=next(p for p in holders if p != old.person))


def report(made: Life, action: Action, **fields: Any) -> Decision:
    made.acts += 1
    which = fields.pop("order", None) or order(made).id
    given = {
        "id": f"act_b{made.acts}", "body_digest": "", "action": action, "case": made.case.id, "person": "",
        "post": "", "version": 0, "bridge": BRIDGE, "unit": UNIT, "order": which,
        "event": f"e{made.acts}", "status": "x", "evidence": ("vlt_a:b",),
    } | fields  # fmt: skip
    return made.send(OrderReported(**given))


def test_every_change_of_its_order_is_pushed_and_of_no_other() -> None:
    made = life()
    assert not pushed(made), "the centre's order is none of theirs"
    made.do(*UP_TO_PUSH)
    mine = order(made).id
    assert pushed(made) == [(mine, "issued")]
    made.do(Action.ACKNOWLEDGE)
    assert pushed(made)[-1] == (mine, "changed")
    made.find(HIGH, value=60.0)
    assert (mine, "level") in pushed(made)
    assert {order for order, _ in pushed(made)} <= {o.id for o in made.case.orders.values() if o.unit == UNIT}


def test_the_end_and_the_reopening_are_told() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    made.finish(made.case)
    kinds = [kind for _, kind in pushed(made)]
    assert kinds.count("closed") == 1 and kinds[0] == "issued"
    may = next(r.post for r in folder().city.permissions if r.capability == Capability.CASE_REOPEN)
    assert not made.act(Action.REOPEN, as_=may).refused
    after = [kind for _, kind in pushed(made)][len(kinds) :]
    assert after and set(after) <= {"reopened", "issued"} and "reopened" in after


def test_who_is_late_is_urged_over_the_bridge() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    made.wait(3 * HOUR)
    assert (order(made).id, "urged") in pushed(made) or "urged" in {kind for _, kind in pushed(made)}


def test_an_order_taken_back_is_withdrawn() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    mine = order(made)
    assert not hand_over(made, mine).refused
    assert made.case.orders[mine.id].status == OrderStatus.HANDED_OVER
    assert pushed(made)[-2:] == [(mine.id, "withdrawn"), (order(made).id, "issued")]


def test_a_bridge_that_is_not_in_force_pushes_nothing() -> None:
    made = life(until=START)
    made.do(*UP_TO_PUSH)
    assert not pushed(made)
    assert bridge_of(made.policy, UNIT, START - 1) is not None
    assert bridge_of(made.policy, UNIT, START) is None


def test_a_report_is_the_act_of_whoever_is_on_duty() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    at = made.now - 3 * MINUTE
    decision = report(made, Action.ACKNOWLEDGE, theirs="RQ-1", device_at=at, user=VaultRef("vlt_u", "0"))
    assert not decision.refused
    step = made.of(StepDone)[-1]
    duty = made.policy.city.on_duty(GAS, made.now)
    assert duty is not None and (step.person, step.post, step.device_at) == (duty.person, GAS, at)
    assert order(made).numbers == (("gas", "RQ-1"),)
    heard = made.of(OrderHeard)[-1]
    assert (heard.device_at, heard.at, heard.user) == (at, made.now, VaultRef("vlt_u", "0"))


def test_a_person_that_the_row_names_acts_where_that_person_holds_the_post() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    holders = [h.person for h in made.policy.city.city.holdings if h.post == GAS]
    duty = made.policy.city.on_duty(GAS, made.now)
    assert duty is not None
    other = next(p for p in holders if p != duty.person)
    report(made, Action.ACKNOWLEDGE, person=other)
    assert made.of(StepDone)[-1].person == other
    stranger = next(h.person for h in made.policy.city.city.holdings if h.post == CENTRE)
    report(made, Action.ARRIVE, person=stranger)
    assert made.of(StepDone)[-1].person == duty.person


def test_the_number_is_noted_once_and_makes_no_act_stale() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    version = made.case.version
    for _ in range(2):
        decision = report(made, Action.NOTE, plain=True, theirs="RQ-1", status="new")
        assert decision.reason.key == "bridge.heard"
    assert len(made.of(OrderNumbered)) == 1 and made.case.version == version


@pytest.mark.parametrize(
    ("action", "key"),
    [
        (Action.ARRIVE, "bridge.too_early"),
        (Action.HANDLE, "bridge.too_early"),
        (Action.CLOSE, "act.not_allowed"),
        (Action.ACKNOWLEDGE, "act.acknowledge"),
    ],
)
def test_the_rows_decide_as_for_a_person(action: Action, key: str) -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    assert report(made, action, cause="real").reason.key == key


def test_another_units_order_is_refused_whatever_the_report_says() -> None:
    made = life()
    centre = order(made, "unit:centre")
    decision = report(made, Action.JUDGE, order=centre.id, verdict="false")
    assert decision.refused and decision.reason.key == "bridge.not_your_order"
    assert made.case.verdict is None and made.case.orders[centre.id].done == ()


def test_an_order_that_has_ended_takes_nothing_more_but_a_word() -> None:
    made = life()
    made.do(*UP_TO_PUSH)
    old = order(made)
    hand_over(made, old)
    assert report(made, Action.ACKNOWLEDGE, order=old.id).reason.key == "bridge.order_over"
    assert report(made, Action.PAUSE, order=old.id, reason="weather").reason.key == "bridge.order_over"
    assert report(made, Action.NOTE, order=old.id, plain=True).reason.key == "bridge.heard"


def test_what_was_done_before_is_not_done_again() -> None:
    made = life()
    made.do(*UP_TO_PUSH, Action.ACKNOWLEDGE)
    steps = len(made.of(StepDone))
    decision = report(made, Action.ACKNOWLEDGE)
    assert decision.reason.key == "bridge.done_before" and len(made.of(StepDone)) == steps


def test_words_and_what_they_mean() -> None:
    assert meaning_of(ROW, "on") == "arrive" and meaning_of(ROW, "never") is None
    assert actions_of("-") == actions_of("") == ()
    assert actions_of("check + handle") == (Meant(Action.CHECK), Meant(Action.HANDLE))
    assert actions_of("return:wrong_duty") == (Meant(Action.RETURN, {"reason": "wrong_duty"}),)
    assert actions_of("review:yes+close:real") == (
        Meant(Action.REVIEW, {"passed": True}), Meant(Action.CLOSE, {"cause": "real"})
    )  # fmt: skip


@given(st.text(max_size=40))
def test_any_meaning_is_actions_or_a_clear_refusal(meaning: str) -> None:
    try:
        found = actions_of(meaning)
    except BadInput as error:
        assert error.key == "bridge.bad_meaning"
    else:
        assert all(one.action in Action for one in found)


def test_without_a_bridge_nothing_is_added() -> None:
    made = opened()
    made.do(*UP_TO_PUSH)
    assert not pushed(made) and isinstance(made.case, CaseState)
