"""What an alert does to a case: open, join, raise, annotate; after the end, the next episode or a note."""

from __future__ import annotations

import msgspec
import pytest

from liandong.core.coordinate import ordinal_for
from liandong.core.values.alarm import AlertChanged, AlertCleared
from liandong.core.values.case_events import CaseFindingChanged, CaseLevelChanged, CaseOpened
from liandong.core.values.lists import Action, CaseStage, Cause, Mode, OrderStatus, Verdict
from liandong.core.values.rows import GradingRow
from liandong.core.values.times import MINUTE
from tests.core.rich import rich_policy, seed_that
from tests.core.world import ALL, HIGH, LEADER, MEDIUM, SHADOW, UP_TO_PUSH, Life, folder, make_policy, opened

A = Action


def test_a_finding_opens_a_case_at_its_level():
    life = opened()
    (event,) = life.of(CaseOpened)
    assert (event.level, event.ordinal, event.alarmed, event.opened) == ("III", 1, life.now, life.now)
    assert life.case.alarm_active and life.case.rules == (MEDIUM,)


def test_a_finding_said_late_counts_from_when_it_was_raised():
    life = Life()
    life.find()
    late = msgspec.structs.replace(next(iter(life.findings.values())), raised=life.now - MINUTE)
    other = Life()
    other.send(late)
    assert other.case.alarmed == other.now - MINUTE < other.case.opened
    ahead = Life()
    ahead.send(msgspec.structs.replace(late, raised=ahead.now + MINUTE))
    assert ahead.case.alarmed == ahead.case.opened


def test_a_second_finding_joins_and_raises_the_level():
    life = opened()
    life.do(*UP_TO_PUSH)
    ended = life.case.orders[next(iter(life.case.orders))]
    life.find(HIGH)
    assert len(life.cases()) == 1 and life.case.level == "II" and len(life.case.findings) == 2
    told = life.made[-1].decision.effects
    assert {e.order for e in told} == {life.order().id} and ended.id not in {e.order for e in told}
    life.now += 1
    life.find(MEDIUM)
    assert life.case.level == "II", "a milder one lowers nothing"


def test_cleared_and_raised_again_joins_the_open_case():
    life = opened()
    life.change(life.case.seen[0], "ended")
    assert not life.case.alarm_active and not life.case.over
    life.now += 1
    life.find()
    assert len(life.cases()) == 1 and life.case.alarm_active and len(life.case.seen) == 2


@pytest.mark.parametrize("still_active", [True, False])
def test_a_finding_after_the_end_opens_the_next_episode(still_active):
    life = opened()
    if not still_active:
        life.change(life.case.seen[0], "ended")
    life.do(*ALL[:9])
    assert life.case.stage == CaseStage.CLOSED and life.case.over, "closed is over, though not archived yet"
    life.now += 1
    life.find()
    assert [c.ordinal for c in life.cases()] == [1, 2]
    for case in life.cases():
        life.finish(case)


def test_a_retraction_annotates_and_never_deletes():
    life = opened()
    finding = life.case.seen[0]
    life.change(finding, "retracted")
    case = life.case
    assert not case.findings and case.seen == (finding,) and case.rules == (MEDIUM,) and not case.over
    assert case.channels == ("channel:gas-001.ch4_lel",), "the sensor's record keeps what people went out for"
    assert life.of(CaseFindingChanged)[-1].change == "cleared"
    life.finish(case)


def test_what_becomes_of_a_finding_is_noted():
    life = opened()
    life.find(HIGH)
    first = life.case.seen[0]
    for how in ("revised", "ended", "reopened", "retracted"):
        life.change(first, how)
        assert life.of(CaseFindingChanged)[-1].change == how
    assert life.change(first, "revised").reason.key == "assess.unknown_finding"


def test_a_shadow_opens_nothing_and_tells_nobody():
    life = Life()
    life.find(SHADOW)
    assert not life.cases() and life.made[-1].decision.reason.key == "warn.shadow"
    life.find(MEDIUM)
    version = life.case.version
    life.now += 1
    life.find(SHADOW)
    assert life.case.version == version


def test_an_older_finding_that_ends_after_a_later_case_opens_nothing():
    """The first case's finding is none of the second case's; that it ends is no news."""
    life = opened()
    first = life.case.seen[0]
    life.finish(life.case)
    life.now += 1
    life.find()
    life.finish(life.case)
    for how in ("revised", "ended"):
        life.change(first, how)
        assert [c.ordinal for c in life.cases()] == [1, 2], how
        assert life.made[-1].decision.reason.key == "case.over_noted"


def test_a_level_that_a_person_lowered_stays_until_something_comes():
    life = opened(HIGH)
    first = life.case.seen[0]
    life.do(A.JUDGE, level="IV")
    life.change(first, "revised")
    assert life.case.level == "IV"
    life.now += 1
    life.find(MEDIUM)
    assert life.case.level == "II"
    assert [(e.before, e.after) for e in life.of(CaseLevelChanged)] == [("II", "IV"), ("IV", "II")]


def test_closed_at_a_lowered_level_is_not_opened_anew_by_a_revision():
    life = opened(HIGH)
    first = life.case.seen[0]
    life.do(A.JUDGE, level="IV")
    life.finish(life.case)
    life.change(first, "revised")
    assert len(life.cases()) == 1
    life.find(HIGH, channel=0, value=99)
    life.now += 1
    life.find(HIGH)
    assert len(life.cases()) == 2


def test_a_severity_without_a_row_raises_no_alarm_and_blocks_nothing():
    rows = tuple(row for row in folder().mechanism.grading if row.severity != "high")
    life = Life(make_policy(mechanism=msgspec.structs.replace(folder().mechanism, grading=rows)))
    finding = life.find(HIGH)
    assert not life.cases() and life.made[-1].decision.reason.key == "warn.no_risk"
    life.find(MEDIUM)
    assert life.case.level == "III"
    life.finish(life.case)
    life.change(finding, "ended")
    assert len(life.cases()) == 1, "a finding that never counted ended"


def test_a_row_of_the_flow_grades_before_the_general_one():
    rows = (*folder().mechanism.grading, GradingRow(key="g", flow="gas_leak", severity="medium", level="I"))
    life = Life(make_policy(mechanism=msgspec.structs.replace(folder().mechanism, grading=rows)))
    life.find()
    assert life.case.level == "I"


def test_another_asset_is_another_case():
    life = opened()
    life.find(channel=1)
    assert len(life.cases()) == 2 and len({c.grouping for c in life.cases()}) == 2
    assert {c.ordinal for c in life.cases()} == {1}


def test_an_alert_without_a_case_and_one_for_a_reopened_case():
    life = opened()
    cleared = AlertCleared(grouping="gas_leak|none", finding="f", retracted=False, mode=Mode.REAL)
    assert life.send(cleared).reason.key == "case.none_open"
    life.finish(life.case)
    life.act(A.REOPEN, as_=LEADER)
    life.now += 1
    life.find()
    assert len(life.cases()) == 1 and len(life.case.findings) == 2, "it joins what was reopened"


def test_ordinals():
    life = opened()
    (raised,) = (m.message for m in life.made if type(m.message).__name__ == "AlertRaised")
    changed = AlertChanged(
        grouping=raised.grouping, hazard="h", asset="a", area="", area_path="/", change="ended", level="I",
        episode=1, finding="other", detail=raised.detail, mode=Mode.REAL,
    )  # fmt: skip
    assert ordinal_for(None, raised) == 1 == ordinal_for(life.case, raised)
    life.finish(life.case)
    assert ordinal_for(life.case, raised) == 2
    assert ordinal_for(life.case, changed) == 1
    assert ordinal_for(life.case, msgspec.structs.replace(changed, change="raised")) == 2
    assert (
        ordinal_for(
            life.case, msgspec.structs.replace(changed, change="raised", finding=raised.finding, level="III")
        )
        == 1
    )


def test_something_else_found_after_a_false_verdict_has_to_be_judged_again() -> None:
    """Judged a false alarm; before it is closed, a second finding comes: nobody may close over it."""
    life = opened()
    life.do(Action.JUDGE, verdict="false")
    assert life.order().steps[0].action == Action.CLOSE
    closing = life.order().id
    life.find(HIGH)
    case = life.case
    assert case.orders[closing].status == OrderStatus.CANCELLED
    assert life.order().steps[0].action == Action.JUDGE and life.order().id != closing
    assert case.verdict == Verdict.LOOK
    life.finish(case)
    assert life.case.over and life.case.done[Action.HANDLE]


def test_an_old_word_after_a_false_verdict_changes_nothing() -> None:
    life = opened()
    life.do(Action.JUDGE, verdict="false")
    before = life.order().id
    life.change(life.case.seen[0], "revised")
    assert life.order().id == before and life.case.verdict == Verdict.FALSE


def test_the_review_of_a_false_alarm_does_not_speak_for_what_is_found_afterwards():
    life = opened(MEDIUM, rich_policy(seed=seed_that(drawn=True)))
    life.do(A.JUDGE, verdict=Verdict.FALSE)
    life.do(A.CLOSE, cause=Cause.FALSE_RULE)  # this one is reviewed first
    life.do(A.REVIEW)
    assert life.case.order_for(A.CLOSE) and life.case.reviewed
    life.now += 1
    life.find(MEDIUM)
    assert A.REVIEW not in life.case.done and life.case.reviewed is None
    life.finish(life.case)
    assert life.case.reviewed
