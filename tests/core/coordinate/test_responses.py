"""The decision to respond: somebody answers every red warning, and what was started is seen by every case."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.coordinate.responses import id_of
from liandong.core.mechanism.policy import MONITOR, RESPOND
from liandong.core.values.lists import (
    Mode,
    ResourceAction,
    ResponseAction,
    ResponseStage,
    WarningAction,
    WarningChange,
)
from liandong.core.values.matter import DecisionTaken, MatterEscalated
from liandong.core.values.public_warning import ExternalWarning
from liandong.core.values.response import ResponseState
from liandong.core.values.times import HOUR, MINUTE, SECOND
from tests.core.coordinate.authority import START, WORDS, Town, contents, mechanism, policy

R = ResponseAction


def asked(**changes: object) -> Town:
    town = Town()
    town.in_force(**changes)
    return town


def start(town: Town, who: str = "emergency.chief", **more: object) -> object:
    given = {"matter": WORDS, "expected_s": 86_400.0, **more}
    return town.respond(who, R.START, **given)


def test_a_colour_that_a_row_names_asks_its_leader_on_duty() -> None:
    town = asked()
    (question,) = town.response.open
    assert (question.unit, question.person, question.level) == (
        "unit:emergency",
        "person:emergency.chief",
        "II",
    )
    assert question.due == START + 30 * MINUTE
    assert [t.recipient for t in town.told if t.template == "tell.decide"] == ["person:emergency.chief"]
    assert asked(colour="yellow").response == ResponseState(), "yellow forces nobody"


def test_only_the_leader_decides_and_not_to_start_needs_a_reason() -> None:
    town = asked()
    assert town.respond("emergency.a", R.DECLINE, reason=WORDS).reason.key == "power.not_yours"
    assert town.respond("government.chief", R.DECLINE, reason=WORDS).reason.key == "power.not_yours", (
        "not yet"
    )
    assert town.respond("emergency.chief", R.DECLINE).reason.key == "power.no_reason"
    assert not town.respond("emergency.chief", R.DECLINE, reason=WORDS).refused
    assert not town.response.open and not town.warning.undecided
    assert town.policy.phase_of("rainstorm", "/town/") == MONITOR
    assert [d.start for d in town.warning.decisions] == [False]


def test_nobody_decides_and_it_goes_on_to_the_next_and_then_to_the_platform_until_somebody_does() -> None:
    town = asked()
    town.wait(16 * 60)
    assert town.events[-1].kind == "call"
    town.wait(15 * 60)
    assert town.response.open[0].units == ("unit:emergency", "unit:government")
    town.wait(3 * 3600)
    question = town.response.open[0]
    assert question.alarms >= 5
    alarms = [e for e in town.events if isinstance(e, MatterEscalated) and e.alarm]
    assert {e.person for e in alarms} == {"person:centre.a"}
    assert not start(town, "government.chief").refused
    assert not [t for t in town.response.timers.values() if t.clock == question.key]


def test_a_response_starts_whole_or_not_at_all() -> None:
    town = asked()
    lacking = town.respond("emergency.chief", R.START)
    assert lacking.reason.params == {"missing": "matter, expected_s"}
    assert start(town, level="VI").reason.key == "response.bad_level"
    assert not start(town).refused
    state = town.response
    assert (state.stage, state.level, state.until) == (ResponseStage.ACTIVE, "II", START + 24 * HOUR)
    assert set(state.measures) == {"m.red", "m.two"}, "of the colour, and of the level"
    told = {t.recipient for t in town.told if t.template == "tell.response_started"}
    assert told == {"person:government.a", "person:garrison.a", "person:water.a"}
    assert state.unresolved == ("neighbours",)


def test_without_any_measure_there_is_no_response() -> None:
    town = Town(policy(mechanism(measures=())))
    town.in_force()
    assert start(town).reason.params == {"missing": "measures"}
    assert not start(town, measures=WORDS).refused, "in words, where no row names any"
    assert town.response.words == WORDS


def test_the_phase_holds_for_the_flow_below_the_area_while_it_runs() -> None:
    town = asked(area="east")
    start(town)
    phases = [
        town.policy.phase_of(hazard, path)
        for hazard, path in (
            ("rainstorm", "/town/east/"), ("waterlogging", "/town/east/x/"), ("waterlogging", "/town/"),
            ("gas_leak", "/town/east/"),
        )
    ]  # fmt: skip
    assert phases == [RESPOND, RESPOND, MONITOR, MONITOR]
    town.respond("emergency.chief", R.END, reason=WORDS)
    assert town.policy.phase_of("rainstorm", "/town/east/") == MONITOR


def test_another_warning_is_answered_by_the_response_that_runs_and_may_raise_it() -> None:
    town = asked(colour="orange")
    start(town)
    assert not town.warn("emergency.a", WarningAction.RAISE, contents=contents(), reason=WORDS).refused
    assert len(town.response.open) == 1, "red asks anew"
    assert start(town, level="IV").reason.key == "response.answered_by_running"
    assert town.response.level == "II" and not town.response.open
    town.respond("emergency.chief", R.CHANGE_LEVEL, level="I", reason=WORDS)
    assert town.response.level == "I" and "m.one" in town.response.measures


def test_every_measure_is_taken_or_says_why_not_and_what_is_late_is_urged() -> None:
    town = asked()
    start(town)
    assert (
        town.respond("water.a", R.MEASURE, measure="m.nothing", taken=True).reason.key
        == "response.no_measure"
    )
    assert town.respond("water.a", R.MEASURE, measure="m.two", taken=False).reason.key == "power.no_reason"
    assert town.respond("garrison.a", R.MEASURE, measure="m.two", taken=True).reason.key == "power.not_yours"
    assert not town.respond("water.b", R.MEASURE, measure="m.two", taken=False, reason=WORDS).refused
    town.wait(3 * 3600)
    urged = [e.about for e in town.events if isinstance(e, MatterEscalated) and e.kind == "urge"]
    assert urged == ["m.red"]
    noted = town.response.measures["m.two"]
    assert (noted.taken, noted.person, noted.reason) == (False, "person:water.b", WORDS)


def test_a_leader_may_start_without_being_asked_and_an_ended_one_begins_a_new_episode() -> None:
    town = Town()
    id = id_of(town.policy, Mode.REAL, "rainstorm", "town")
    by = {"response": id, "hazard": "rainstorm", "area": "town", "level": "II"}
    assert start(town, "water.chief", **by).reason.key == "power.not_yours"
    assert not start(town, **by).refused
    assert start(town, **by).reason.key == "response.running"
    assert town.respond("emergency.chief", R.END).reason.key == "power.no_reason"
    town.respond("emergency.chief", R.END, reason=WORDS)
    assert not start(town, **by).refused
    assert town.response.episode == 2


def test_a_red_warning_without_a_decision_row_is_asked_of_the_centre_and_called_out() -> None:
    """Zhengzhou, 20 July 2021: a mechanism that forgets the row must not let the warning pass."""
    town = Town(policy(mechanism(decisions=())))
    town.in_force()
    (question,) = town.response.open
    assert question.row == "" and question.person == "person:centre.chief" and question.alarms == 1
    assert town.respond("centre.chief", R.DECLINE, reason=WORDS).refused is False


def test_the_rain_of_zhengzhou_five_red_warnings_five_recorded_decisions() -> None:
    town = Town()
    for number in range(5):
        town.send(
            ExternalWarning(
                source="meteorology", number=f"Z-{number}", revision=1, change=WarningChange.ISSUE,
                contents=contents(issuer="body:meteorology"), issued=town.now,
            )
        )  # fmt: skip
        town.wait(3600)
    assert len(town.response.open) == 5
    for _ in range(5):
        assert not town.respond("government.chief", R.DECLINE, reason=WORDS).refused
    taken = [e for e in town.events if isinstance(e, DecisionTaken)]
    assert len({e.source for e in taken}) == 5 and not town.response.open


_steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["draft", "approve", "publish", "lift", "issue", "update", "cancel", "start", "decline", "end"]
        ),
        st.integers(0, 60),
    ),
    min_size=3, max_size=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_steps)
def test_no_red_warning_is_ever_over_without_a_recorded_decision(steps: list) -> None:
    town = Town()
    revision = 0
    for what, minutes in steps:
        if what in ("issue", "update", "cancel"):
            revision += 1
            town.send(
                ExternalWarning(
                    source="met", number="1", revision=revision, change=WarningChange(what),
                    contents=contents(), issued=town.now,
                )
            )  # fmt: skip
        elif what == "start":
            start(town)
        elif what == "decline":
            town.respond("emergency.chief", R.DECLINE, reason=WORDS)
        elif what == "end":
            town.respond("emergency.chief", R.END, reason=WORDS)
        else:
            who = {
                "draft": "water.a",
                "approve": "emergency.a",
                "publish": "centre.a",
                "lift": "emergency.a",
            }[what]
            town.warn(who, WarningAction(what), contents=contents(), reason=WORDS)
        town.wait(minutes * 60)
        warnings = [s for key, s in town.states.items() if key.startswith("warning:")]
        for warning in warnings:
            red = any(
                v.published and v.change != "cancel" and v.contents.colour == "red" for v in warning.versions
            )
            if red and warning.over:
                assert warning.decisions, "over, and nobody has decided"
        waiting = {q.key for q in town.response.open}
        assert waiting == {key for w in warnings for key in w.undecided}, "both sides know what is open"
        clocks = {t.clock for t in town.response.timers.values()}
        assert waiting <= clocks, "every open question has a moment that comes"


@pytest.mark.parametrize("colour", ["blue", "yellow"])
def test_a_mild_warning_without_a_row_ends_without_a_decision(colour: str) -> None:
    town = asked(colour=colour)
    town.warn("emergency.a", WarningAction.LIFT, reason=WORDS)
    assert town.warning.over and not town.warning.decisions


@settings(max_examples=40, deadline=None)
@given(*[st.integers(60, 86_400)] * 5)
def test_limits_of_the_document_are_those_of_the_clocks(
    decide_s: int, approve_s: int, lift_s: int, measure_s: int, approval_s: int
) -> None:
    """atd-data-tech #14005: the limits in the system and in the documents were not the same."""
    rows = mechanism()
    change = msgspec.structs.replace
    town = Town(
        policy(
            mechanism(
                warnings=(change(rows.warnings[0], approve_s=approve_s, lift_s=lift_s),),
                decisions=(change(rows.decisions[0], limit_s=decide_s),),
                measures=(change(rows.measures[0], limit_s=measure_s),),
                resources=(change(rows.resources[0], approval_s=approval_s),),
            )
        )
    )
    town.warn("water.a", WarningAction.DRAFT, contents=contents())
    assert town.warning.approval_due == START + approve_s * SECOND
    town.warn("emergency.chief", WarningAction.APPROVE)
    town.warn("centre.a", WarningAction.PUBLISH)
    assert town.response.open[0].due == START + decide_s * SECOND
    assert town.response.measures["m.red"].due == START + measure_s * SECOND
    town.warn("water.a", WarningAction.DANGER_OVER)
    assert town.warning.lift_due == START + lift_s * SECOND
    town.ask("centre.a", ResourceAction.REQUEST, resource="pump", quantity=1.0, area="town")
    assert town.request.due == START + approval_s * SECOND
    due = {t.due for s in town.states.values() for t in s.timers.values() if t.moment in ("due", "measure")}
    assert due == {START + s * SECOND for s in (decide_s, lift_s, measure_s, approval_s)}
