"""办结: finished means proven. What is missing is said exactly; what is scored can be computed again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.core.mechanism.reports import disposal_reports
from liandong.core.route import DECIDE, owner_of
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.case_events import (
    CaseArchived,
    CaseClosed,
    ClockPaused,
    ClockResumed,
    ClockStarted,
    ClockStopped,
)
from liandong.core.values.lists import Action, CaseStage, Cause, OrderStatus, ReportKind, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.rows import ReportRow
from liandong.core.values.score import CaseScored
from liandong.core.values.times import HOUR, MINUTE
from tests.core.rough import rough_mechanism
from tests.core.world import ALL, HIGH, LEADER, UP_TO_REVIEW, Life, demo_policy, make_policy, opened

A = Action


def at_closing(*done: Action) -> Life:
    """The centre holds the order to close; of the proof only these steps are done."""
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.do(A.JUDGE, level="IV")
    assert [s.action for s in life.order().steps][-2:] == [A.CLOSE, A.ARCHIVE]
    life.now += 1
    life.find(HIGH)  # level II: review before closing, and everything before it
    for action in done:
        life.do(action)
    return life


WAY = (A.PUSH, A.ACKNOWLEDGE, A.ARRIVE, A.CHECK, A.HANDLE, A.FEED_BACK, A.REVIEW)


@pytest.mark.parametrize("count", range(len(WAY) + 1))
def test_closing_names_exactly_what_is_missing(count):
    life = at_closing(*WAY[:count])
    decision = life.act(A.CLOSE, cause=Cause.REAL)
    missing = [a.value for a in (A.HANDLE, A.FEED_BACK, A.REVIEW) if a not in WAY[:count]]
    if missing:
        assert decision.reason.key == "close.missing"
        assert decision.reason.params["missing"] == ", ".join(missing)
        assert decision.reason.params["needed"] != "-" and not decision.events
    else:
        assert not decision.refused and life.case.over


@pytest.mark.parametrize("cause", ["", "because", "REAL"])
def test_closing_needs_a_cause_of_the_list(cause):
    life = opened()
    life.do(*ALL[:8])
    assert life.act(A.CLOSE, cause=cause).reason.params["missing"] == "cause"


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("verdict", Verdict)
def test_which_cause_goes_with_which_verdict(verdict, cause):
    life = opened()
    life.do(A.JUDGE, verdict=verdict)
    false = verdict in (Verdict.FALSE, Verdict.TEST)
    if not false:
        life.do(*ALL[1:8])
    assert life.act(A.CLOSE, cause=cause).refused == (false and cause == Cause.REAL)


def test_the_archive_comes_after_the_closing_and_ends_it():
    life = opened()
    life.do(*ALL[:8])
    assert life.act(A.ARCHIVE).refused
    life.do(A.CLOSE)
    assert life.act(A.CLOSE, cause=Cause.REAL).refused
    for action in (A.PAUSE, A.HAND_OVER, A.RETURN, A.HANDLE):
        assert life.act(action).reason.key == "act.not_allowed"
    life.do(A.ARCHIVE)
    assert len(life.of(CaseArchived)) == 1
    for action in ALL:
        assert life.act(action, verdict="real", passed=True, cause=Cause.REAL).refused


@pytest.mark.parametrize("action", [A.CLOSE, A.ARCHIVE, A.JUDGE, A.NOTE])
def test_a_case_that_does_not_exist(action):
    act = Act(id="a", body_digest="", action=action, case="case_x", person="p", post="q", version=0)
    step = owner_of(act)
    assert step and DECIDE[step](demo_policy(), CaseState(), act, 0).reason.key == "case.unknown"


def test_an_archive_that_is_somebody_elses_gets_its_order():
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.finish(life.case, 7)
    assert life.case.over and life.order().unit == "unit:emergency"
    life.do(A.ARCHIVE)
    assert [s.action for s in life.order().steps] == [A.DISPOSAL_REPORT]


# 处置报告


def test_the_disposal_report_follows_the_archive_and_goes_to_everybody_who_took_part():
    life = opened(policy=make_policy(mechanism=reporting_mechanism()))
    life.finish(life.case, 7)
    assert life.case.over and life.act(A.DISPOSAL_REPORT).reason.key == "act.not_allowed", "not before it"
    life.do(A.ARCHIVE)
    order, told = life.order(), len(life.made)
    (clock,) = [c for c in life.case.clocks.values() if c.stopped is None]
    assert (clock.action, clock.due) == (A.DISPOSAL_REPORT, life.case.done[A.ARCHIVE] + HOUR)
    (wanted,) = disposal_reports(life.policy, life.case, life.now)
    assert (wanted.row, wanted.due, wanted.issued) == ("report", clock.due, None)
    assert wanted.signer is not None and wanted.signer.post == LEADER
    life.do(A.DISPOSAL_REPORT)
    assert life.case.stage == CaseStage.REPORTED and life.case.over and not life.live()
    assert not life.case.timers and life.case.clocks[clock.key].stopped == life.now
    effects = life.made[told].decision.effects
    persons = {to.person for to in wanted.to if to.person}
    assert {e.recipient for e in effects} == persons and len(effects) == len(persons) > 3
    assert {(e.order, e.template) for e in effects} == {(order.id, "notice.disposal_report")}
    assert life.act(A.DISPOSAL_REPORT).reason.params["needed"] == A.REOPEN


def test_a_report_that_is_late_is_said_after_the_archive():
    life = opened(policy=make_policy(mechanism=reporting_mechanism()))
    life.finish(life.case, 8)
    assert life.case.stage == CaseStage.ARCHIVED
    life.wait(2 * HOUR)
    (clock,) = [c for c in life.case.clocks.values() if c.stopped is None]
    assert clock.overdue and life.case.escalations


def test_a_false_alarm_needs_no_disposal_report():
    life = opened(policy=make_policy(mechanism=reporting_mechanism()))
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    life.do(A.CLOSE, A.ARCHIVE)
    assert life.case.stage == CaseStage.ARCHIVED and not life.live()


def test_a_case_is_opened_again_from_its_report():
    life = opened(policy=make_policy(mechanism=reporting_mechanism()))
    life.finish(life.case)
    assert life.case.stage == CaseStage.REPORTED
    life.act(A.REOPEN, as_=LEADER)
    assert not life.case.over and A.DISPOSAL_REPORT not in life.case.done
    life.finish(life.case)
    assert life.case.stage == CaseStage.REPORTED


def reporting_mechanism():
    report = ReportRow(
        key="report", flow="*", level="*", kind=ReportKind.CLOSING, recipient="participants",
        signer="unit:emergency",
    )  # fmt: skip
    upward = msgspec.structs.replace(report, key="upward", kind=ReportKind.UPWARD, recipient="superior")
    return msgspec.structs.replace(rough_mechanism(), reports=(report, upward))


def test_what_is_left_over_ends_with_the_case():
    """An order that only another level asked for: its clocks must not run on behind a closed case."""
    life = opened(HIGH, make_policy(mechanism=rough_mechanism()))
    life.do(A.JUDGE, level="IV")
    assert len(life.live()) == 2, "push is still held, and closing already"
    life.act(A.CLOSE, as_=life.live()[1], cause=Cause.REAL)
    assert life.case.over
    status = [o.status for o in life.case.orders.values()]
    assert OrderStatus.CANCELLED in status
    life.finish(life.case)
    version = life.case.version
    life.wait(9 * HOUR)
    assert life.case.version == version and not life.case.timers
    assert not [o for o in life.case.orders.values() if o.status in LIVE]


def test_nothing_is_archived_that_is_not_closed():
    """The order to archive may be held apart from the one to close, once level and review have changed it."""
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.finish(life.case, 6)  # level III: reviewed, and the centre holds the closing alone
    life.now += 1
    life.find(HIGH)
    life.do(A.PUSH, A.ARRIVE)
    life.do(A.REVIEW, passed=False)
    assert (A.CLOSE,) in [tuple(s.action for s in o.steps) for o in life.live()]
    assert life.act(A.ARCHIVE).reason.key == "act.not_allowed"
    life.finish(life.case)


def test_a_clock_that_stands_at_closing_is_scored_without_its_pause():
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.do(A.JUDGE, level="I")
    life.do(*ALL[1:8])
    archive = life.order()
    life.wait(5 * MINUTE)
    assert not life.act(A.PAUSE, reason="road_closure").refused
    life.wait(40 * MINUTE)
    life.do(A.CLOSE)
    (event,) = life.of(CaseClosed)
    assert "I.archive" not in {c.clause for c in event.clauses}, (
        "it stood at 5 of 10 minutes: neither met nor late"
    )
    assert archive.id == life.order().id


def recomputed(events: list) -> list[tuple]:
    """Clauses from the events alone: start, stop, pauses and limits, nothing of the state."""
    found = []
    closed = events[-1].closed
    for start in (e for e in events if isinstance(e, ClockStarted)):
        mine = [e for e in events if getattr(e, "clock", "") == start.clock]
        stop = next((e for e in mine if isinstance(e, ClockStopped)), None)
        end = stop.at if stop else closed
        paused, charges, since, whom = 0, {}, None, ""
        for event in mine:
            if isinstance(event, ClockPaused):
                since, whom = event.at, event.charged_to
            elif isinstance(event, (ClockResumed, ClockStopped)) and since is not None:
                paused += event.at - since
                charges[whom] = charges.get(whom, 0) + event.at - since
                since = None
        if since is not None:
            paused += closed - since
        taken = end - start.started - paused
        outcome = "void" if stop and stop.void else "late" if taken > start.limit_us else "met"
        if stop or outcome == "late":
            found.append(
                (
                    start.clause,
                    start.round,
                    start.unit,
                    start.origin,
                    start.limit_us,
                    taken,
                    paused,
                    charges,
                    outcome,
                )
            )
        if stop:
            assert stop.late_us == taken - start.limit_us
    return sorted(found, key=lambda row: f"{row[0]}#{row[1]}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from("wwsssssprRhx"), st.integers(0, 50)), max_size=40),
    st.sampled_from(["IV", "III", "II", "I"]),
)
def test_what_is_scored_equals_what_the_events_say(moves, level):
    life = opened(policy=make_policy(mechanism=rough_mechanism()))
    life.do(A.JUDGE, level=level)
    for move, number in moves:
        if move == "w":
            life.wait(number * MINUTE)
        elif move == "s":
            life.finish(life.case, 1)
        elif move == "h" and life.live():
            life.act(A.HAND_OVER, to=life.live()[0].deputy)
        elif move == "x":
            life.act(A.REOPEN, as_=LEADER)
        elif life.live():
            action = {"p": A.PAUSE, "r": A.RESUME, "R": A.RETURN}.get(move, A.RESUME)
            life.act(action, reason="road_closure")
    life.finish(life.case)
    events = life.events[f"case:{life.case.id}"]
    scored = life.events[f"score:{life.case.id}"]
    closings = [n for n, event in enumerate(events) if isinstance(event, CaseClosed)]
    assert len(closings) == len(scored)
    for end, score in zip(closings, scored, strict=True):
        assert isinstance(score, CaseScored)
        said = [
            (
                c.clause,
                c.round,
                c.unit,
                c.origin,
                c.limit_us,
                c.taken_us,
                c.paused_us,
                dict(c.charges),
                c.outcome,
            )
            for c in score.clauses
        ]
        assert said == recomputed(events[: end + 1])
        assert score.closed == events[end].closed and score.rules == life.case.rules
        assert score.escalations == sum(type(e).__name__ == "Escalated" for e in events[:end])


@pytest.mark.parametrize(
    ("cause", "real"),
    [
        (Cause.REAL, True), (Cause.FALSE_BIOGAS, False), (Cause.FALSE_RULE, False),
        (Cause.DEVICE_FAULT, False),
        (Cause.NOT_REPRODUCIBLE, False), (Cause.TEST, None), (Cause.DRILL, None), (Cause.DUPLICATE, None),
        (Cause.MAINTENANCE, None),
    ],
)  # fmt: skip
def test_which_causes_speak_for_or_against_a_rule(cause, real):
    life = opened()
    life.do(*UP_TO_REVIEW, A.REVIEW)
    life.do(A.CLOSE, cause=cause)
    score = life.states[f"score:{life.case.id}"].score
    assert (score.cause, score.real, score.lead, score.rules) == (
        cause,
        real,
        "unit:gas",
        ("gas_ch4_medium",),
    )


def test_closing_again_replaces_the_score():
    life = opened()
    life.do(*ALL)
    life.act(A.REOPEN, as_=LEADER)
    life.finish(life.case)
    state = life.states[f"score:{life.case.id}"]
    assert state.version == 2 and state.score.closed == life.case.closed


def test_closing_asks_for_the_review_that_is_missing_and_that_nobody_holds():
    """As cases were left by versions that kept a review as done which no longer counted."""
    life = opened()
    life.do(*UP_TO_REVIEW, A.REVIEW)
    life.states[f"case:{life.case.id}"] = msgspec.structs.replace(life.case, reviewed=None)
    close = life.case.order_for(A.CLOSE)
    decision = life.act(A.CLOSE, as_=close, cause=Cause.REAL)
    assert decision.reason.key == "close.review_issued" and not life.case.over
    assert life.act(A.CLOSE, as_=close, cause=Cause.REAL).reason.key == "close.missing"
    life.do(A.REVIEW, A.CLOSE, A.ARCHIVE)
    assert life.case.over
