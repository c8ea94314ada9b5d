"""延期、挂账、转办、撤销、更正、并案、分办: by a row, or refused with the one that would be needed."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.values.case import LIVE
from liandong.core.values.case_events import CaseClosed, ClockStopped, OrderIssued
from liandong.core.values.lists import Action as A
from liandong.core.values.lists import CaseStage, Cause, OrderStatus
from liandong.core.values.rows import TransferRow
from liandong.core.values.times import HOUR, MINUTE, SECOND
from liandong.core.values.transfer_events import (
    ActTaken,
    CaseDeferred,
    CaseMerged,
    ClockExtended,
    DeferralEnded,
    FindingPassedOn,
    RequestDecided,
)
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

EMERGENCY = "post:emergency.duty"


def by(action: A, role: str = "holder", **more) -> TransferRow:
    return TransferRow(key=f"{action}.{role}", flow="*", action=action, role=role, **more)


def life_with(*rows: TransferRow, rule: str = MEDIUM) -> Life:
    mechanism = msgspec.structs.replace(folder().mechanism, transfers=rows)
    return opened(rule, make_policy(mechanism=mechanism))


def on_site(life: Life) -> Life:
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE, A.ARRIVE)
    return life


def handling(life: Life):
    return next(c for c in life.case.clocks.values() if c.action == A.HANDLE and c.stopped is None)


BY_ROW = (A.EXTEND, A.DEFER, A.CANCEL, A.MERGE, A.SPLIT, A.ASK_HELP, A.TAKE_OVER, A.SUPERVISE)


@pytest.mark.parametrize("action", BY_ROW)
def test_what_no_row_allows_is_refused_with_the_row_that_would_be_needed(action):
    life = on_site(life_with())
    found = life.act(action, reason="grave", to="unit:fire", until=life.now + HOUR)
    assert found.refused and found.reason.key == "transfer.no_row"
    assert found.reason.params == {"action": action, "flow": "gas_leak", "level": "III"}


@pytest.mark.parametrize("action", BY_ROW)
def test_what_a_row_allows_to_others_names_them(action):
    life = on_site(life_with(by(action, "unit:government")))
    found = life.act(action, as_=GAS, reason="grave", to="unit:fire", until=life.now + HOUR)
    assert (found.reason.key, found.reason.params["needed"]) == ("act.not_yours", "unit:government")


# 延期.


def test_an_extension_waits_for_approval_and_moves_every_moment():
    life = on_site(life_with(by(A.EXTEND, approver="unit:emergency", longest_s=7200.0, limit_s=600.0)))
    clock = handling(life)
    until = clock.due + HOUR
    assert life.act(A.EXTEND, reason="needs_time").reason.params["field"] == "until"
    assert (
        life.act(A.EXTEND, reason="needs_time", until=clock.due + 3 * HOUR).reason.key == "transfer.too_long"
    )
    assert life.act(A.EXTEND, reason="needs_time", until=life.now).reason.key == "extend.nothing"
    assert life.act(A.EXTEND, reason="needs_time", until=until).reason.key == "act.requested"
    assert handling(life).due == clock.due, "nothing moves before somebody approves"
    request = life.case.order_for(A.APPROVE, "request.1")
    assert request.unit == "unit:emergency" and request.steps[0].limit_us == 600 * SECOND
    assert life.act(A.APPROVE, as_=GAS).refused
    life.act(A.APPROVE, as_=request)
    moved = handling(life)
    assert (moved.due, moved.extended_us, moved.limit_us) == (until, HOUR, clock.limit_us)
    assert {t.due for t in life.case.timers.values() if t.clock == clock.key and t.moment == "due"} == {until}
    life.wait(until - life.now - MINUTE)
    life.do(A.CHECK, A.HANDLE)
    stopped = next(e for e in life.of(ClockStopped) if e.clock == clock.key)
    assert stopped.late_us == -MINUTE
    life.finish(life.case)
    (result,) = [c for c in life.of(CaseClosed)[0].clauses if c.action == A.HANDLE]
    assert (result.outcome, result.extended_us) == ("met", HOUR) and result.taken_us > result.limit_us


def test_a_refusal_has_a_reason_and_nobody_approves_their_own():
    life = on_site(life_with(by(A.EXTEND, approver="lead", longest_s=7200.0)))
    clock = handling(life)
    order = next(o for o in life.live() if o.role == "lead")
    life.act(A.EXTEND, reason="needs_time", until=clock.due + HOUR)
    request = life.case.order_for(A.APPROVE, "request.1")
    assert life.act(A.APPROVE, as_=request, person=order.person).reason.key == "request.own"
    assert life.act(A.REFUSE, as_=request, person=order.deputy).reason.params["field"] == "reason"
    life.act(A.REFUSE, as_=request, person=order.deputy, reason="not_justified")
    (decided,) = life.of(RequestDecided)
    assert not decided.granted and handling(life).due == clock.due and not life.of(ClockExtended)


def test_as_often_as_the_row_says_and_what_was_not_granted_does_not_count():
    life = on_site(life_with(by(A.EXTEND, approver="unit:emergency", at_most=1)))
    for word, wanted in ((A.REFUSE, False), (A.APPROVE, False)):
        until = handling(life).due + MINUTE
        assert life.act(A.EXTEND, reason="needs_time", until=until).refused is wanted
        request = next(o for o in life.live() if o.line)
        life.act(word, as_=request, reason="not_justified")
    found = life.act(A.EXTEND, reason="needs_time", until=handling(life).due + MINUTE)
    assert found.reason.key == "transfer.too_often"
    moved = [event.clock for event in life.of(ClockExtended)]
    assert len(moved) == len(set(moved)) == 2, "each clock that runs, once"


def test_what_was_granted_too_late_is_said():
    life = on_site(life_with(by(A.EXTEND, approver="unit:emergency")))
    life.act(A.EXTEND, reason="needs_time", until=handling(life).due + HOUR)
    request = life.case.order_for(A.APPROVE, "request.1")
    life.do(A.CHECK, A.HANDLE, A.FEED_BACK)
    life.act(A.APPROVE, as_=request)
    (decided,) = life.of(RequestDecided)
    assert (decided.granted, decided.failed) == (False, "act.no_such_order")


# 挂账.


def test_a_deferred_case_comes_back_by_itself_and_its_rest_is_charged():
    life = on_site(life_with(by(A.DEFER, "lead", approver="unit:emergency", longest_s=360000.0)))
    clock, review = handling(life), life.now + 48 * HOUR
    life.act(A.DEFER, reason="needs_material", until=review)
    life.act(A.APPROVE, as_=life.case.order_for(A.APPROVE, "request.1"))
    (event,) = life.of(CaseDeferred)
    assert (event.until, event.charged_to, life.case.deferred) == (review, "unit:gas", review)
    assert all(c.paused_at == life.now for c in life.case.clocks.values() if c.stopped is None)
    assert life.act(A.DEFER, reason="again", until=review + HOUR).reason.key == "defer.already"
    life.wait(review - life.now + 1)
    assert life.case.deferred == 0 and len(life.of(DeferralEnded)) == 1
    back = handling(life)
    assert back.due == clock.due + 48 * HOUR and back.charges == {"unit:gas": 48 * HOUR}
    told = [e for m in life.made for e in m.decision.effects if e.template == "tell.deferral_ended"]
    assert told
    life.finish(life.case)


def test_a_deferral_is_ended_before_its_date_by_resuming():
    life = on_site(life_with(by(A.DEFER, "lead")))
    life.act(A.DEFER, reason="needs_material", until=life.now + 48 * HOUR)
    life.wait(HOUR)
    assert not life.act(A.RESUME).refused
    assert life.case.deferred == 0 and handling(life).paused_us == HOUR
    assert not [t for t in life.case.timers.values() if t.moment in ("review_date", "pause_end")]


# 转办.


def test_to_several_people_by_name():
    life = life_with()
    life.do(*UP_TO_PUSH)
    first = life.order()
    made = life.act(A.HAND_OVER, to=first.deputy, persons=(first.person,))
    order = life.order()
    assert (order.person, order.others) == (first.deputy, (first.person,))
    assert {e.recipient for e in made.effects if e.template == "tell.order"} == {first.person, first.deputy}
    life.do(A.ACKNOWLEDGE, as_=order, person=first.person)


def test_to_another_unit_only_by_a_row_and_with_its_own_time():
    life = life_with()
    life.do(*UP_TO_PUSH)
    assert life.act(A.HAND_OVER, to="unit:fire").reason.key == "transfer.no_row"
    life = life_with(by(A.HAND_OVER, approver="unit:emergency"))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    first = life.order()
    life.wait(20 * MINUTE)
    life.act(A.HAND_OVER, to="unit:fire", reason="wrong_place")
    assert life.case.lead == "unit:gas"
    life.act(A.APPROVE, as_=life.case.order_for(A.APPROVE, "request.1"))
    order = next(o for o in life.live() if o.role == "lead")
    assert (order.unit, life.case.lead) == ("unit:fire", "unit:fire")
    assert [s.action for s in order.steps] == [A.ARRIVE, A.CHECK, A.HANDLE, A.FEED_BACK]
    assert life.case.orders[first.id].status == OrderStatus.HANDED_OVER
    clocks = [c for c in life.case.clocks.values() if c.order == order.id]
    assert clocks and all(c.unit == "unit:fire" and c.started == life.now for c in clocks)
    life.finish(life.case)


# 撤销, 更正, 重开.


def test_a_review_is_not_handed_to_who_has_handled_the_case():
    life = life_with(by(A.HAND_OVER))
    life.do(*UP_TO_PUSH, *ON_SITE)
    review = life.case.order_for(A.REVIEW)
    for unit in ("unit:gas", "unit:centre"):
        found = life.act(A.HAND_OVER, as_=review, to=unit, reason="grave", order=review.id)
        assert found.refused == (unit == "unit:gas"), found.reason
    assert life.case.order_for(A.REVIEW).unit == "unit:centre"
    life.finish(life.case)


def test_a_cancelled_case_has_nothing_left_to_do():
    life = on_site(life_with(by(A.CANCEL, "centre")))
    assert life.act(A.CANCEL, as_=CENTRE).reason.params["field"] == "reason"
    life.act(A.CANCEL, as_=CENTRE, reason="no_longer_needed")
    assert life.case.stage == CaseStage.CANCELLED and not life.live() and not life.case.timers
    assert life.act(A.HANDLE, as_=GAS).refused
    life.act(A.REOPEN, as_=LEADER)
    life.finish(life.case)


def test_a_wrong_acknowledgement_is_taken_back_and_the_clock_runs_as_if_never_stopped():
    life = life_with(rule=HIGH)
    life.do(*UP_TO_PUSH)
    clock = next(c for c in life.case.clocks.values() if c.action == A.ACKNOWLEDGE)
    timers = {t.id: t.due for t in life.case.timers.values() if t.clock == clock.key}
    life.do(A.ACKNOWLEDGE)
    assert life.case.stage == CaseStage.ACKNOWLEDGED
    life.wait(MINUTE)
    assert life.act(A.UNDO).reason.params["field"] == "reason"
    life.act(A.UNDO, reason="mistaken")
    kept = life.case.clocks[clock.key]
    assert (kept.stopped, kept.started, kept.due) == (None, clock.started, clock.due)
    assert {t.id: t.due for t in life.case.timers.values() if t.clock == clock.key} == timers
    assert life.case.stage == CaseStage.PUSHED and life.order().status == OrderStatus.ISSUED
    life.wait(10 * MINUTE)
    assert life.case.clocks[clock.key].overdue
    life.finish(life.case)


def test_only_what_nothing_has_followed_is_taken_back():
    life = on_site(life_with())
    assert life.act(A.UNDO, reason="mistaken").reason.key == "undo.nothing"


def test_reopening_by_a_row():
    life = life_with(by(A.REOPEN, "centre", at_most=1))
    for wanted in (False, True):
        life.finish(life.case)
        found = life.act(A.REOPEN, as_=CENTRE)
        assert found.refused is wanted
    assert found.reason.key == "transfer.too_often"
    taken = [e for e in life.of(ActTaken) if e.action == A.REOPEN]
    assert [e.row for e in taken] == ["reopen.centre"]


# 并案, 分办.


def two(life: Life):
    first = life.case
    life.now += 1
    life.find(HIGH, channel=1)
    return first, life.case


def test_two_cases_that_are_one():
    life = on_site(life_with(by(A.MERGE, "centre")))
    first, second = two(life)
    assert first.id != second.id
    assert life.act(A.MERGE, second, as_=CENTRE, to=second.id, reason="same_event").refused
    life.act(A.MERGE, second, as_=CENTRE, to=first.id, reason="same_event")
    first, second = life.again(first), life.again(second)
    assert (second.merged_into, second.cause) == (first.id, Cause.DUPLICATE)
    assert set(second.findings) <= set(first.findings) and set(second.seen) <= set(first.seen)
    assert first.level == "II", "the worse level counts"
    units = {(p.unit, p.part.value) for p in first.participants}
    assert {p.unit for p in second.participants} <= {unit for unit, _ in units}
    assert [s.action for o in life.live(second) for s in o.steps] == [A.ARCHIVE]
    # What becomes of its finding is told to the case that goes on.
    finding = list(life.findings)[-1]
    life.change(finding, "revised")
    assert life.of(FindingPassedOn, case=second)[0].into == first.id
    assert life.again(first).findings[finding].value == life.findings[finding].value + 1
    life.finish(second)
    life.finish(first)
    assert len(life.of(CaseMerged, case=second)) == 1


def test_a_case_that_is_over_takes_nothing_in():
    life = on_site(life_with(by(A.MERGE, "centre")))
    first, second = two(life)
    life.finish(first)
    life.act(A.MERGE, second, as_=CENTRE, to=first.id, reason="same_event")
    assert not life.again(second).over and not life.again(second).merged_into
    life.act(A.MERGE, second, as_=CENTRE, to="case_nobody", reason="same_event")
    assert not life.again(second).over
    life.finish(second)


def test_one_case_that_is_two():
    life = on_site(life_with(by(A.SPLIT, "centre")))
    life.now += 1
    second = life.find(HIGH)
    parent = life.case
    assert (
        life.act(A.SPLIT, as_=CENTRE, reason="x", findings=("fnd_other",)).reason.key == "split.bad_findings"
    )
    every = tuple(parent.findings)
    assert life.act(A.SPLIT, as_=CENTRE, reason="x", findings=every).reason.key == "split.bad_findings"
    life.act(A.SPLIT, as_=CENTRE, reason="several_matters", to="unit:fire", findings=(second,))
    child, parent = life.case, life.again(parent)
    assert child.id != parent.id and child.parents == (parent.id,) and parent.children == (child.id,)
    assert set(child.findings) == {second} and second not in parent.findings
    life.change(second, "ended")
    assert life.again(child).findings[second].ended and second not in life.again(parent).findings
    life.do(*UP_TO_PUSH, case=child)
    assert life.again(child).lead == "unit:fire"
    life.finish(child)
    life.finish(parent)


def test_every_transition_says_who_as_what_why_and_by_which_row():
    life = on_site(life_with(by(A.EXTEND), by(A.DEFER, "lead")))
    evidence = ("photo:1",)
    life.act(A.EXTEND, reason="needs_time", until=handling(life).due + HOUR, evidence=evidence)
    life.act(A.DEFER, reason="needs_material", until=life.now + HOUR)
    life.act(A.RESUME)
    life.act(A.URGE, as_=CENTRE)
    taken = life.of(ActTaken)
    assert [e.row for e in taken] == ["extend.holder", "defer.lead", "default.resume", "default.urge.centre"]
    assert all(e.person and e.post and e.unit and e.in_name_of for e in taken)
    assert taken[0].evidence == evidence and taken[0].reason == "needs_time"


def test_nothing_is_left_open_by_any_of_them():
    life = on_site(life_with(by(A.EXTEND), by(A.CANCEL, "centre")))
    life.act(A.EXTEND, reason="needs_time", until=handling(life).due + HOUR)
    life.act(A.CANCEL, as_=CENTRE, reason="no_longer_needed")
    assert not [o for o in life.case.orders.values() if o.status in LIVE]
    assert not [c for c in life.case.clocks.values() if c.stopped is None]
    assert len(life.of(OrderIssued)) == 2 and ON_SITE


# 暂停.


def test_a_pause_waits_for_approval_where_its_row_says_so():
    demo = folder().mechanism
    pauses = tuple(msgspec.structs.replace(row, approver="unit:emergency") for row in demo.pauses)
    life = on_site(opened(MEDIUM, make_policy(mechanism=msgspec.structs.replace(demo, pauses=pauses))))
    assert life.act(A.PAUSE, reason="road_closure").reason.key == "act.requested"
    assert handling(life).paused_at is None
    life.act(A.APPROVE, as_=life.case.order_for(A.APPROVE, "request.1"))
    paused = handling(life)
    assert paused.paused_at == life.now and paused.pause_reason == "road_closure"
    life.wait(48 * HOUR)
    assert handling(life).paused_at is None
