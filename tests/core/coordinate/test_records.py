"""Calls and upward reports: who may, what is kept, and how the clock of a report runs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from liandong.app.project import queue_row
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import VaultRef
from liandong.core.values.case_events import CallLogged, CaseReported, ReportOwed
from liandong.core.values.lists import Action, ReportKind
from liandong.core.values.rows import ReportRow
from liandong.core.values.times import MINUTE, SECOND
from tests.core.world import CENTRE, GAS, HIGH, MEDIUM, Life, folder, make_policy

WORDS = VaultRef("vlt_words", "digest")


def policy(*rows: ReportRow) -> Policy:

    return make_policy(mechanism=msgspec.structs.replace(folder().mechanism, reports=rows))


def row(key: str = "report.first", **fields: Any) -> ReportRow:
    given = dict(flow="*", level="*", kind=ReportKind.UPWARD, recipient="unit:government", first_s=1_800.0)
    return ReportRow(key=key, **{**given, **fields})


def judged(*rows: ReportRow, rule: str = MEDIUM) -> Life:
    life = Life(policy(*rows))
    life.find(rule)
    life.act(Action.JUDGE, verdict="real")
    return life


def last(life: Life, cls: type) -> Any:
    return life.of(cls, case=life.case)[-1]


def test_the_clock_of_a_report_runs_from_the_judgement_and_leads_the_queue() -> None:
    life = Life(policy(row()))
    life.find()
    assert not life.case.reports
    life.wait(MINUTE)
    life.act(Action.JUDGE, verdict="real")
    known = life.case.done[Action.JUDGE]
    report = life.case.reports["report.first"]
    assert (report.to, report.started, report.due) == ("unit:government", known, known + 30 * MINUTE)
    assert queue_row(life.case).turn <= report.due


@pytest.mark.parametrize("verdict", ["false", "test", "look"])
def test_what_is_not_known_to_be_real_is_not_owed(verdict: str) -> None:
    life = Life(policy(row()))
    life.find()
    life.act(Action.JUDGE, verdict=verdict)
    assert not life.case.reports


def test_a_report_stops_its_clock_and_a_correction_is_another_version() -> None:
    life = judged(row())
    life.wait(MINUTE)
    assert not life.act(Action.REPORT, as_=CENTRE, text=WORDS).refused
    first = last(life, CaseReported)
    assert (first.number, first.kind, first.to) == (1, "first", "unit:government")
    assert first.late_us == life.now - life.case.done[Action.JUDGE] - 30 * MINUTE
    report = life.case.reports["report.first"]
    assert (report.sent, report.due, report.versions) == (life.now, None, 1)
    assert not life.act(Action.REPORT, as_=CENTRE, text=WORDS, kind="correction").refused
    second = last(life, CaseReported)
    assert (second.number, second.kind, second.late_us) == (2, "correction", None)
    assert len(life.of(CaseReported, case=life.case)) == 2, "nothing is edited"


def test_the_next_report_is_due_by_its_own_limit_until_the_final_one() -> None:
    life = judged(row(next_s=600.0, final_s=86_400.0))
    life.act(Action.REPORT, as_=CENTRE, text=WORDS)
    assert life.case.reports["report.first"].due == life.now + 600 * SECOND
    life.act(Action.REPORT, as_=CENTRE, text=WORDS, kind="correction")
    assert life.case.reports["report.first"].due == life.now + 600 * SECOND, "a correction is no report"
    life.act(Action.REPORT, as_=CENTRE, text=WORDS, kind="final")
    assert life.case.reports["report.first"].due is None


def test_an_unset_limit_stays_unset() -> None:
    life = judged(row(first_s=None))
    owed = last(life, ReportOwed)
    assert (owed.limit_us, owed.due) == (None, None)
    life.act(Action.REPORT, as_=CENTRE, text=WORDS)
    assert last(life, CaseReported).late_us is None


def test_a_higher_level_may_owe_more() -> None:
    life = judged(row(), row("report.ii", level="II", recipient="unit:emergency", first_s=600.0))
    assert set(life.case.reports) == {"report.first"}
    life.now += 1
    life.find(HIGH)
    assert life.case.level == "II" and set(life.case.reports) == {"report.first", "report.ii"}
    life.act(Action.REPORT, as_=CENTRE, text=WORDS)
    assert last(life, CaseReported).row == "report.ii", "what is due first goes first"


def test_a_closing_report_is_no_upward_one() -> None:
    assert not judged(row(kind=ReportKind.CLOSING, first_s=None)).case.reports


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "act.missing_field"),
        ({"text": WORDS, "kind": "gossip"}, "act.missing_field"),
        ({"text": WORDS, "reason": "report.nothing"}, "act.missing_field"),
        ({"text": WORDS, "to": "person:nobody"}, "act.bad_recipient"),
    ],
)
def test_a_report_that_says_too_little(fields: dict[str, Any], key: str) -> None:
    assert judged(row()).act(Action.REPORT, as_=CENTRE, **fields).reason.key == key


def test_a_call_keeps_whom_when_and_whether_and_no_number() -> None:
    life = judged()
    before = life.case
    said = life.act(
        Action.CALL, as_=CENTRE, number=WORDS, answered=False, rung_at=life.now + MINUTE, text=WORDS
    )
    assert not said.refused
    call = last(life, CallLogged)
    assert (call.number, call.answered, call.rung_at, call.text) == (WORDS, False, life.now, WORDS)
    assert (life.case.calls, life.case.orders, life.case.clocks) == (1, before.orders, before.clocks)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"answered": True}, "act.missing_field"),
        ({"to": "post:gas.duty"}, "act.missing_field"),
        ({"to": "unit:nobody", "answered": True}, "act.bad_recipient"),
        ({"to": "unit:gas", "answered": True}, "act.call"),
    ],
)
def test_a_call_needs_somebody_and_an_answer(fields: dict[str, Any], key: str) -> None:
    assert judged().act(Action.CALL, as_=CENTRE, **fields).reason.key == key


def test_strangers_put_nothing_on_record_and_a_closed_case_still_takes_it() -> None:
    life = judged(row())
    fields = {"to": "unit:gas", "answered": True, "text": WORDS}
    for action in (Action.CALL, Action.REPORT):
        assert (
            life.act(action, as_="post:housing.leader", **fields | {"to": ""}).reason.key == "act.not_yours"
        )
    assert life.act(Action.CALL, as_=GAS, **fields).reason.key == "act.not_yours", "not told yet"
    life.finish(life.case)
    assert life.case.over
    assert not life.act(Action.CALL, as_=GAS, **fields).refused
    assert not life.act(Action.REPORT, as_=CENTRE, text=WORDS).refused
