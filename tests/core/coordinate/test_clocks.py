"""时限: where clocks start, how pauses move them, and what happens when a moment comes."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.case_events import (
    ClockOverdue,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockStopped,
    Escalated,
    OrderIssued,
    ParticipantJoined,
    TimerSpent,
)
from liandong.core.values.document import Mechanism
from liandong.core.values.lists import Action, ClockOrigin, EscalationKind, OrderStatus, Participation
from liandong.core.values.messages import TimerFired
from liandong.core.values.rows import PauseRow, StepRow
from liandong.core.values.times import HOUR, MINUTE
from tests.core.rough import LEVELS, rough_mechanism
from tests.core.world import (
    GAS,
    HOUSING,
    MEDIUM,
    ON_SITE,
    UP_TO_PUSH,
    Life,
    city_without,
    folder,
    make_policy,
    opened,
)

A, C = Action, ClockOrigin
LIMIT = HOUR


def one_limit(action: Action, origin: ClockOrigin = C.ISSUED, longest_s: float = 1800.0, **more) -> Mechanism:
    """The demonstration with one limit of an hour, and one reason to stop its clock."""
    mechanism = folder().mechanism
    steps: tuple[StepRow, ...] = tuple(
        msgspec.structs.replace(row, limit_s=LIMIT / 1e6 if row.action == action else None, origin=origin)
        for row in mechanism.steps
    )
    escalations = tuple(e for e in rough_mechanism().escalations if e.action == action)
    pause = PauseRow(
        key="p", flow="*", reason="rain", actions=(action,), charged_to="regulator", longest_s=longest_s
    )
    given = {"escalations": escalations, "pauses": (pause,), **more}
    return msgspec.structs.replace(mechanism, steps=steps, **given)


def started(action: Action, origin: ClockOrigin = C.ISSUED, **more) -> Life:
    """A case at the point where this clock runs."""
    life = opened(policy=make_policy(mechanism=one_limit(action, origin, **more)))
    for step in (*UP_TO_PUSH, *ON_SITE):
        if step == action:
            break
        life.wait(MINUTE)
        life.do(step)
    return life


def clock(life: Life):
    (found,) = (c for c in life.case.clocks.values() if c.stopped is None)
    return found


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        (C.FINDING, 0), (C.OPENED, 0), (C.ISSUED, 2), (C.PUSHED, 2), (C.ACKNOWLEDGED, 3), (C.ARRIVED, 4),
        (C.PREVIOUS, 5),
    ],
)  # fmt: skip
def test_a_clock_starts_at_its_origin(origin, wanted):
    """Judge, push, acknowledge, arrive, check at minutes 1 to 5; handle is what is measured."""
    life = started(A.HANDLE, origin)
    begin = life.case.opened
    running = clock(life)
    assert running.started == begin + wanted * MINUTE and running.due == running.started + LIMIT
    (event,) = life.of(ClockStarted)
    assert event.origin == origin and event.origin_assumed
    life.wait(MINUTE)
    life.do(A.HANDLE)
    (stopped,) = life.of(ClockStopped)
    assert stopped.late_us == life.now - running.due


def test_a_clock_waits_for_its_origin():
    life = opened(policy=make_policy(mechanism=one_limit(A.HANDLE, C.ARRIVED)))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE)
    assert not life.case.clocks
    life.do(A.ARRIVE)
    assert clock(life).started == life.now


def test_previous_follows_the_steps_of_a_partial_order():
    """After handing over in the middle, the step before is still the step before."""
    life = opened(policy=make_policy(mechanism=one_limit(A.FEED_BACK, C.PREVIOUS)))
    life.do(*UP_TO_PUSH, A.ACKNOWLEDGE, A.ARRIVE)
    life.act(A.HAND_OVER, to=life.order().deputy)
    life.wait(MINUTE)
    life.do(A.CHECK)
    assert not life.case.clocks
    life.wait(MINUTE)
    life.do(A.HANDLE)
    assert clock(life).started == life.now
    life.act(A.HAND_OVER, to=life.order().deputy)
    assert len(life.of(ClockStarted)) == 1
    life.do(A.FEED_BACK)
    life.wait(MINUTE)
    life.do(A.REVIEW, passed=False)
    assert not [c for c in life.case.clocks.values() if c.stopped is None]
    life.wait(MINUTE)
    life.do(A.HANDLE)
    assert (clock(life).round, clock(life).started) == (2, life.now)


def test_the_ladder():
    """Remind the actor, urge by its leader, supervise and take over from above."""
    life = started(A.ARRIVE)
    begin = clock(life).started
    life.wait(2 * HOUR)
    steps = [(e.kind, e.unit, e.post) for e in life.of(Escalated)]
    assert steps == [
        (EscalationKind.REMIND, "unit:gas", GAS),
        (EscalationKind.URGE, "unit:gas", "post:gas.leader"),
        (EscalationKind.SUPERVISE, "unit:housing", HOUSING),
        (EscalationKind.TAKE_OVER, "unit:housing", HOUSING),
    ]
    moments = [m.now for m in life.made if any(isinstance(e, Escalated) for e in m.decision.events)]
    assert moments == [begin + round(LIMIT * x) for x in (0.5, 0.8, 1.0, 1.5)]
    (overdue,) = life.of(ClockOverdue)
    assert overdue.due == begin + LIMIT == clock(life).due and clock(life).overdue
    assert life.case.escalations == 4 and not life.case.timers
    told = [
        e.template
        for m in life.made
        for e in m.decision.effects
        if e.template.removeprefix("tell.") in list(EscalationKind)
    ]
    assert told == ["tell.remind", "tell.urge", "tell.supervise", "tell.take_over"]
    joined = [(e.part, e.unit) for e in life.of(ParticipantJoined)]
    assert (Participation.SUPERVISE, "unit:housing") in joined and (
        Participation.LEAD,
        "unit:housing",
    ) in joined


def test_a_take_over_moves_the_running_clock():
    life = started(A.ARRIVE)
    first, running = life.order(), clock(life)
    life.wait(2 * HOUR)
    second = life.order()
    assert life.case.orders[first.id].status == OrderStatus.TAKEN_OVER and second.unit == "unit:housing"
    assert life.of(OrderIssued)[-1].replaces == first.id and life.case.lead == "unit:housing"
    after = clock(life)
    assert (after.key, after.started, after.due, after.unit) == (
        running.key,
        running.started,
        running.due,
        "unit:gas",
    )
    assert after.order == second.id and [s.action for s in second.steps] == list(ON_SITE[1:])
    assert life.act(A.ARRIVE, as_=GAS).reason.key == "act.not_yours"
    life.finish(life.case)


@pytest.mark.parametrize(
    ("role", "taken"), [("actor", False), ("deputy", False), ("leader", True), ("centre", True)]
)
def test_only_somebody_else_takes_over(role, taken):
    rows = tuple(msgspec.structs.replace(e, role=role) for e in one_limit(A.ARRIVE).escalations)
    life = started(A.ARRIVE, escalations=rows)
    life.wait(2 * HOUR)
    assert (len(life.of(OrderIssued)) == 3) == taken
    assert len(life.of(Escalated)) == 4, "told all the same"


def test_nobody_below_takes_over():
    """There is nobody above the government: the centre is told, and the order stays."""
    life = opened(policy=make_policy(mechanism=one_limit(A.ARRIVE)))
    life.do(A.JUDGE)
    life.do(A.PUSH, to="unit:government")
    life.wait(2 * HOUR)
    assert life.order().unit == "unit:government"
    last = life.of(Escalated)[-1]
    assert (last.unit, last.fallback) == ("unit:centre", "no superior: unit:government")


def test_who_cannot_be_found_is_said():
    life = opened(policy=make_policy(city_without(HOUSING, "post:gas.leader"), one_limit(A.ARRIVE)))
    life.do(*UP_TO_PUSH)
    life.wait(2 * HOUR)
    assert [(e.unit, e.fallback) for e in life.of(Escalated)][1:] == [
        ("unit:gas", "no leader on duty: unit:gas"),
        ("unit:centre", "nobody on duty: unit:housing"),
        ("unit:centre", "nobody on duty: unit:housing"),
    ]


def test_a_timer_fires_once():
    life = started(A.ARRIVE)
    timer = next(iter(life.case.timers.values()))
    life.now = timer.due
    message = TimerFired(case=life.case.id, timer=timer.id, due=timer.due)
    assert life.send(message).reason.key == "escalation.remind"
    assert life.send(message).reason.key == "timer.gone" and len(life.of(TimerSpent)) == 1


def test_a_row_that_is_gone_does_nothing():
    life = started(A.ARRIVE)
    life.policy = make_policy(mechanism=one_limit(A.ARRIVE, escalations=()))
    version = life.case.version
    life.wait(31 * MINUTE)
    assert life.made[-1].decision.reason.key == "timer.row_gone" and life.case.version == version


# Pauses.


def test_which_pauses_are_refused():
    life = started(A.ARRIVE)
    assert life.act(A.PAUSE, reason="lunch").reason.key == "act.pause_not_allowed"
    assert life.act(A.RESUME).reason.key == "act.nothing_paused"
    assert life.act(A.PAUSE, as_="post:centre.duty", reason="rain").reason.key == "act.not_yours"
    assert not life.act(A.PAUSE, reason="rain").refused
    assert life.act(A.PAUSE, reason="rain").reason.key == "act.pause_not_allowed", "it stands already"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 100 * 60 * 1_000_000), min_size=1, max_size=7))
def test_pauses_move_every_moment_by_exactly_their_length(gaps):
    """By turns running and paused: no moment fires twice, none is lost, time is booked to whom it belongs."""
    longest = 30 * MINUTE
    life = started(A.ARRIVE)
    begin = clock(life).started
    regulator = life.policy.city.assets[life.case.asset].regulator
    paused, ran = 0, life.now - begin
    for index, gap in enumerate(gaps):
        if index % 2:
            life.act(A.PAUSE, reason="rain", person=life.order().person)
            life.wait(gap)
            stood = min(gap, longest)
            life.act(A.RESUME)
            paused, ran = paused + stood, ran + gap - stood
        else:
            life.wait(gap)
            ran += gap
        now = clock(life)
        assert (now.due, now.paused_us) == (begin + LIMIT + paused, paused)
        assert now.charges == ({regulator: paused} if index else {})
        assert now.overdue == (ran >= LIMIT)
        wanted = [
            k
            for k, x in (("remind", 0.5), ("urge", 0.8), ("supervise", 1.0), ("take_over", 1.5))
            if ran >= LIMIT * x
        ]
        assert [e.kind.value for e in life.of(Escalated)] == wanted
    life.do(A.ARRIVE)
    (stopped,) = life.of(ClockStopped)
    assert stopped.late_us == ran - LIMIT


def test_the_longest_pause_ends_by_itself_at_its_moment():
    life = started(A.ARRIVE)
    life.act(A.PAUSE, reason="rain")
    (event,) = life.of(ClockPaused)
    life.wait(29 * MINUTE)
    assert clock(life).paused_at is not None
    life.wait(MINUTE)
    (resumed,) = life.of(ClockResumed)
    assert (resumed.by, resumed.at) == ("timer", event.timer.due) and clock(life).paused_at is None


def test_an_outage_does_not_make_a_pause_longer():
    life = started(A.ARRIVE)
    life.act(A.PAUSE, reason="rain")
    begin = life.now
    life.wait(5 * HOUR, fire=False)
    life.wait(0)
    assert life.of(ClockResumed)[0].at == begin + 30 * MINUTE and clock(life).paused_us == 30 * MINUTE
    assert clock(life).overdue and len(life.of(Escalated)) == 4


def test_what_was_due_before_a_pause_is_not_lost():
    """The clock was in question and no tick came; then somebody pauses, and then the ticks come."""
    life = started(A.ARRIVE)
    life.wait(70 * MINUTE, fire=False)
    life.act(A.PAUSE, reason="rain")
    life.wait(MINUTE)
    assert clock(life).overdue and [e.kind.value for e in life.of(Escalated)] == [
        "remind",
        "urge",
        "supervise",
    ]
    life.act(A.RESUME)
    life.wait(18 * MINUTE)
    assert len(life.of(Escalated)) == 3
    life.wait(2 * MINUTE)
    assert len(life.of(Escalated)) == 4


def test_a_pause_across_the_due_moment():
    life = started(A.ARRIVE)
    life.wait(clock(life).due - life.now - MINUTE)
    life.act(A.PAUSE, reason="rain")
    life.wait(10 * MINUTE)
    assert not clock(life).overdue and not life.of(ClockOverdue)
    life.act(A.RESUME)
    life.wait(MINUTE - 1)
    assert not clock(life).overdue
    life.wait(1)
    assert clock(life).overdue


def test_a_pause_at_the_very_moment_fires_it_once():
    life = started(A.ARRIVE)
    life.wait(clock(life).started + LIMIT // 2 - life.now)
    assert len(life.of(Escalated)) == 1
    life.act(A.PAUSE, reason="rain")
    life.wait(MINUTE)
    life.act(A.RESUME)
    assert {t.moment for t in life.case.timers.values()} == {
        "arrive.urge",
        "arrive.supervise",
        "arrive.take_over",
        "due",
    }
    life.wait(LIMIT // 4)
    assert len(life.of(Escalated)) == 1


def test_a_step_done_while_paused_books_the_pause():
    life = started(A.ARRIVE)
    life.wait(clock(life).due - life.now - 10 * MINUTE)
    life.act(A.PAUSE, reason="rain")
    life.wait(20 * MINUTE)
    life.do(A.ARRIVE)
    (stopped,) = life.of(ClockStopped)
    (after,) = life.case.clocks.values()
    assert (
        stopped.late_us == -10 * MINUTE
        and sum(after.charges.values()) == 20 * MINUTE
        and not life.case.timers
    )


def test_a_pause_goes_on_when_the_order_is_handed_over():
    life = started(A.ARRIVE)
    life.act(A.PAUSE, reason="rain")
    life.wait(5 * MINUTE)
    life.act(A.HAND_OVER, to=life.order().deputy)
    assert clock(life).paused_at is not None
    life.wait(5 * MINUTE)
    assert not life.act(A.RESUME).refused
    assert clock(life).paused_us == 10 * MINUTE


@pytest.mark.parametrize("level", LEVELS)
def test_rounds_of_a_clause_never_overlap(level):
    life = opened(MEDIUM, make_policy(mechanism=rough_mechanism()))
    life.do(A.JUDGE, level=level)
    for _ in range(3):
        life.finish(life.case, 5)
        life.act(A.RETURN, reason="no")
        life.wait(MINUTE)
    life.finish(life.case)
    rounds: dict[str, list] = {}
    for found in life.case.clocks.values():
        rounds.setdefault(found.clause, []).append(found)
    for some in rounds.values():
        some.sort(key=lambda c: c.round)
        assert [c.round for c in some] == list(range(1, len(some) + 1))
        assert all(left.stopped <= right.started for left, right in pairwise(some))
