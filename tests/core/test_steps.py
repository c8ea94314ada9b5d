"""Decide and evolve: two pure functions. Decide gives a reason, always; evolve chooses nothing."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import msgspec
import pytest

import liandong.core
from liandong.core import route
from liandong.core.mechanism.draft import Draft
from liandong.core.values import alarm, case_fold, events, risk, score
from liandong.core.values.case import CaseState, VaultRef
from liandong.core.values.case_fold import CASE_EVENTS, evolve_case
from liandong.core.values.events import EVENT_TYPES, evolve, read_event, record_event
from liandong.core.values.findings import FindingMessage
from liandong.core.values.lists import Action, AreaKind, Mode, Outcome, ReportKind, Step, Verdict
from liandong.core.values.messages import Act, DeliveryReported, TimerFired
from liandong.core.values.rows import GatherRow, ReportRow
from liandong.core.values.times import HOUR, MINUTE
from liandong.texts import placeholders, sentences
from tests.core.rich import rich_life
from tests.core.rough import rough_mechanism
from tests.core.world import (
    ALL,
    HIGH,
    LEADER,
    SHADOW,
    UP_TO_PUSH,
    UP_TO_REVIEW,
    Life,
    folder,
    make_policy,
    opened,
)

A = Action
CORE = Path(liandong.core.__file__).parent


def full_life(policy=None) -> Life:
    """One life in which everything happens once."""
    life = Life(policy)
    first = life.find()
    life.find(SHADOW)
    for how in ("settled", "settled", "revised", "ended", "reopened"):
        life.now += 1
        life.change(first, how)
    life.find(HIGH)
    life.change(first, "ended")
    life.change(first, "dropped")
    life.change(first, "dropped")
    life.act(A.JUDGE, version=0)
    life.act(A.JUDGE)
    life.finish(life.case, 2)
    life.act(A.RETURN, reason="not_our_duty")
    asked = next(order for order in life.live() if order.line)
    life.act(A.DECIDE_DUTY, as_=asked, order=asked.id, to="unit:fire", reason="own_duty")
    life.wait(40 * MINUTE)
    life.act(A.PAUSE, reason="road_closure")
    life.wait(MINUTE)
    life.act(A.RESUME)
    life.act(A.RESUME)
    life.act(A.PAUSE, reason="road_closure")
    life.wait(9 * HOUR)
    life.act(A.HAND_OVER, to=life.order().deputy)
    life.finish(life.case, 5)
    life.act(A.REVIEW, passed=False)
    life.finish(life.case, 3)
    life.act(A.NOTE)
    life.act(A.CALL, to="post:gas.duty", answered=True)
    life.act(A.REPORT, text=VaultRef("vlt_words", "digest"))
    for outcome in Outcome:
        life.send(
            DeliveryReported(
                case=life.case.id,
                order="o",
                attempt="d",
                number=1,
                recipient="p",
                channel="file",
                outcome=outcome,
            )
        )
    life.finish(life.case)
    life.act(A.REOPEN, as_=LEADER)
    life.finish(life.case)
    for finding in list(life.findings)[::-1]:
        life.change(finding, "retracted")
    life.send(TimerFired(case=life.case.id, timer="gone", due=0))
    unknown = DeliveryReported(
        case="x", order="o", attempt="d", number=1, recipient="p", channel="f", outcome=Outcome.FAILED
    )
    life.send(unknown)
    return life


@pytest.fixture(scope="module", params=["demo", "rough", "rich"])
def life(request) -> Life:
    """Life itself asserts after every decision that it is repeatable and leaves its inputs alone."""
    if request.param == "rich":
        return rich_life()
    return full_life(make_policy(mechanism=rough_mechanism()) if request.param == "rough" else None)


def storm_life() -> Life:
    """More alarms than the row allows apart, and all of them over again."""
    row = GatherRow(key="gather", flow="*", area_kind=AreaKind.CITY, count=2, within_s=600.0, quiet_s=600.0)
    life = Life(make_policy(mechanism=msgspec.structs.replace(folder().mechanism, gatherings=(row,))))
    for channel in range(6):
        life.find(channel=channel)
    for finding in list(life.findings):
        life.change(finding, "ended")
    return life


def test_every_event_type_is_reachable():
    upward = ReportRow(
        key="report.first", flow="*", level="*", kind=ReportKind.UPWARD, recipient="unit:government",
        first_s=1_800.0,
    )  # fmt: skip
    rough = rough_mechanism()
    policy = make_policy(mechanism=msgspec.structs.replace(rough, reports=(*rough.reports, upward)))
    lives = (full_life(), full_life(policy), storm_life(), rich_life())
    seen = {type(e).__name__ for one in lives for m in one.made for e in m.decision.events}
    # What other doors bring (other systems, responses, reports of grade) is reached by their own tests.
    elsewhere = {"OrderHeard", "OrderNumbered"} | {
        name for name in EVENT_TYPES if name.startswith(("Report", "Decision"))
    }
    case = {event.__name__ for event in CASE_EVENTS} - elsewhere
    assert not case - seen, "no life reaches these"


def test_every_decision_says_why_in_both_languages(life):
    for made in life.made:
        reason = made.decision.reason
        for language in ("zh", "en"):
            sentence = sentences(language)[reason.key]
            assert placeholders(sentence) <= set(reason.params), reason
        for effect in made.decision.effects:
            assert placeholders(sentences("zh")[effect.template]) <= set(effect.params), effect
            assert effect.recipient and effect.order and effect.channel == "file"


def test_only_people_are_refused_and_a_refusal_changes_nothing(life):
    assert any(m.decision.refused for m in life.made)
    for made in life.made:
        if made.decision.refused:
            assert isinstance(made.message, Act) and not made.decision.events and not made.decision.effects


def test_the_events_alone_make_the_state(life):
    """Also after a journey through the journal."""
    for stream, happened in life.events.items():
        state = events.AGGREGATES[events.kind_of(stream)][0]
        for event in happened:
            state = evolve(stream, state, read_event(record_event(event)))
        assert state == life.states[stream]
        assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


def test_folding_gives_the_state_that_the_draft_saw(monkeypatch):
    drafts: list[CaseState] = []
    done = Draft.done
    monkeypatch.setattr(
        Draft, "done", lambda self, key, **p: (drafts.append(self.case), done(self, key, **p))[1]
    )
    life = full_life()
    assert len(drafts) > 60
    folded = []
    for made in life.made:
        if made.stream.startswith("case:"):
            state = made.before if made.before.id else CaseState(mode=made.before.mode)
            for event in made.decision.events:
                state = evolve_case(state, event)
            folded.append(state)
    assert all(state in folded for state in drafts)


def test_evolve_leaves_the_state_it_is_given_alone(life):
    for stream, happened in life.events.items():
        state = events.AGGREGATES[events.kind_of(stream)][0]
        for event in happened:
            kept = msgspec.json.encode(state)
            evolve(stream, state, event)
            assert msgspec.json.encode(state) == kept
            state = evolve(stream, state, event)


MODULES = (case_fold, alarm, risk, score, events)
#: What would let evolve choose: rules, the city, a clock, chance, the outside.
FORBIDDEN = (
    "mechanism",
    "city",
    "policy",
    "routing",
    "rows",
    "rules",
    "times",
    "ids",
    "datetime",
    "time",
    "random",
    "os",
    "uuid",
)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_evolve_reads_no_policy_no_clock_and_no_chance(module):
    tree = ast.parse(inspect.getsource(module))
    names = [
        part
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        for part in name.split(".")
    ]
    assert not set(names) & set(FORBIDDEN)


def test_every_evolving_function_takes_state_and_event_and_nothing_else():
    functions = [
        *case_fold._APPLY.values(),
        evolve_case,
        alarm.evolve_alarm,
        risk.evolve_risk,
        score.evolve_score,
    ]
    assert set(case_fold._APPLY) == set(CASE_EVENTS)
    for function in functions:
        assert len(inspect.signature(function).parameters) == 2, function
        closure = inspect.getclosurevars(function)
        assert not closure.nonlocals
        assert not [name for name in closure.globals if name in ("now", "policy", "rng")]


def test_decide_reads_no_clock_and_no_chance():
    for path in CORE.rglob("*.py"):
        if "detect" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {a.name.split(".")[0] for a in node.names} & {
                    "time",
                    "random",
                    "os",
                    "secrets",
                    "uuid",
                }, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("now", "utcnow", "today") or not _called_on_a_class(node), path


def _called_on_a_class(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date")


def test_each_message_has_one_owner_and_each_owner_a_decide():
    assert set(route.OWNERS.values()) == set(route.DECIDE) - {Step.CLOSE}
    assert set(FindingMessage.__args__) <= set(route.OWNERS)
    for action in Action:
        act = Act(id="a", body_digest="", action=action, case="c", person="p", post="q", version=0)
        wanted = Step.CLOSE if action in (A.CLOSE, A.ARCHIVE, A.DISPOSAL_REPORT) else Step.COORDINATE
        assert route.owner_of(act) == wanted
    assert route.owner_of(CaseState()) is None


def test_the_same_admissions_make_the_same_everything():
    """Everything from assess on is a function of the admission log."""
    one, two = full_life(), full_life()
    assert one.states == two.states and one.events == two.events


def test_a_drill_shares_nothing_with_the_real_thing():
    real, drill = full_life(), full_life(make_policy(mode=Mode.DRILL))
    assert not set(real.orders) & set(drill.orders)
    assert {c.mode for c in drill.cases()} == {Mode.DRILL}
    timers = [
        {t.id for m in one.made for e in m.decision.events for t in getattr(e, "timers", ())}
        for one in (real, drill)
    ]
    assert timers[0] and not timers[0] & timers[1]


# Assess and warn, branch by branch.


def keys(life: Life, step: Step) -> list[str]:
    return [m.decision.reason.key for m in life.made if m.step == step]


def test_assess_says_why():
    life = Life()
    first = life.find()
    wanted = ["assess.raised"]
    for how, key in (
        ("revised", "revised"), ("settled", "settled"), ("settled", "nothing_new"), ("ended", "ended"),
        ("ended", "nothing_new"), ("reopened", "reopened"), ("reopened", "nothing_new"),
        ("retracted", "retracted"),
        ("retracted", "unknown_finding"), ("dropped", "unknown_finding"),
    ):  # fmt: skip
        life.change(first, how)
        wanted.append(f"assess.{key}")
    assert keys(life, Step.ASSESS) == wanted
    second = life.find(HIGH)
    life.change(second, "dropped")
    assert keys(life, Step.ASSESS)[-1] == "assess.dropped"
    assert life.states[f"risk:{life.case.grouping}"].level == ""


def test_the_level_is_that_of_the_worst_finding_that_counts():
    life = Life()
    medium, high = life.find(), life.find(HIGH)
    life.find(SHADOW)
    levels = []
    for finding, how in ((high, "ended"), (high, "reopened"), (high, "retracted"), (medium, "ended")):
        life.change(finding, how)
        levels.append(life.states[f"risk:{life.case.grouping}"].level)
    assert levels == ["III", "II", "III", ""]


def test_that_a_finding_is_settled_reaches_its_case_and_makes_no_act_stale():
    life = Life()
    finding = life.find()
    before = life.case.version
    assert not life.case.findings[finding].settled
    life.change(finding, "settled")
    assert life.case.findings[finding].settled and life.case.version == before
    assert life.do(Action.JUDGE, verdict="real").reason.key == "act.judge"


def test_warn_says_why():
    life = Life()
    shadow = life.find(SHADOW)
    medium = life.find()
    life.change(shadow, "ended")
    life.change(medium, "settled")
    high = life.find(HIGH)
    life.change(medium, "retracted")
    life.change(high, "ended")
    life.change(high, "dropped")
    assert keys(life, Step.WARN) == [
        "warn.shadow", "warn.raised", "warn.shadow", "warn.changed", "warn.changed", "warn.changed",
        "warn.cleared", "warn.no_risk",
    ]  # fmt: skip
    state = life.states[f"alarm:{life.case.grouping}"]
    assert not state.active and state.episode == 1 and state.level == ""
    life.change(high, "reopened")
    life.now += 1
    life.find()
    assert life.states[f"alarm:{life.case.grouping}"].episode == 2


def test_coordinate_and_close_say_why():
    life = opened()
    life.do(*UP_TO_PUSH)
    assert keys(life, Step.COORDINATE) == ["case.opened", "act.judge", "act.push"]
    other = opened()
    other.do(*ALL)
    assert keys(other, Step.CLOSE) == ["close.closed", "close.archived"]
    assert keys(other, Step.EVALUATE) == ["evaluate.scored"]
    false = opened()
    false.do(A.JUDGE, verdict=Verdict.TEST)
    false.do(A.CLOSE, A.ARCHIVE)
    assert UP_TO_REVIEW[0] == A.JUDGE
