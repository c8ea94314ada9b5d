"""Upward reports: signed before they go, every version kept, late ones pressed for, blocked ones in sight."""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.app.audit import audit_cases
from liandong.core.coordinate.reporting import blocked
from liandong.core.mechanism.policy import Policy
from liandong.core.values.authority_rows import DecisionRow
from liandong.core.values.case import VaultRef
from liandong.core.values.case_events import CaseReported, Escalated
from liandong.core.values.events import record_event
from liandong.core.values.journal import Entry, EntryKind, Versions
from liandong.core.values.lists import Action, EscalationKind, Mode, Outcome, ReportKind
from liandong.core.values.matter import DecisionDue, DecisionNoted
from liandong.core.values.messages import DeliveryReported
from liandong.core.values.report_events import ReportDrafted, ReportHeld, ReportOverdue, ReportReceived
from liandong.core.values.response import ResponseState
from liandong.core.values.rows import EscalationRow, ReportRow
from liandong.core.values.scales import Scale
from liandong.core.values.times import MINUTE
from tests.core.world import CENTRE, GAS, Life, folder, make_policy

WORDS, MORE = VaultRef("vlt_words", "digest"), VaultRef("vlt_more", "digest")
SIGNER, GOVERNMENT = "post:emergency.leader", "post:government.duty"
ROW = ReportRow(
    key="report.first", flow="*", level="*", kind=ReportKind.UPWARD, recipient="unit:government",
    signer="unit:emergency", first_s=1_800.0, next_s=3_600.0, informs=("unit:housing", "unit:province"),
)  # fmt: skip
LATE = tuple(
    EscalationRow(key=f"late.{kind}", flow="*", action=Action.REPORT, kind=kind, role=role, fraction=fraction)
    for kind, role, fraction in (
        (EscalationKind.REMIND, "actor", 0.5),
        (EscalationKind.CALL, "leader", 0.9),
        (EscalationKind.NOTIFY, "superior", 1.2),
    )
)


def policy(*reports: ReportRow, **more: Any) -> Policy:
    mechanism = folder().mechanism
    escalations = (*mechanism.escalations, *LATE)
    return make_policy(
        mechanism=msgspec.structs.replace(mechanism, reports=reports, escalations=escalations, **more)
    )


def judged(*rows: ReportRow, **more: Any) -> Life:
    life = Life(policy(*(rows or (ROW,)), **more))
    life.find()
    assert not life.act(Action.JUDGE, verdict="real").refused
    return life


def of(life: Life, cls: type) -> list[Any]:
    return life.of(cls, case=life.case)


def told(life: Life, template: str) -> list[str]:
    return [e.recipient for m in life.made for e in m.decision.effects if e.template == template]


def test_a_report_waits_for_the_leader_on_duty_and_goes_when_signed() -> None:
    life = judged()
    assert life.act(Action.REPORT, as_=CENTRE, text=WORDS).reason.key == "act.report_drafted"
    report = life.case.reports["report.first"]
    assert report.sent is None and report.draft is not None and blocked(life.case, report) == "unsigned"
    assert told(life, "tell.report_sign") == [report.draft.signer] and not told(life, "tell.report")
    assert life.act(Action.SIGN, as_=CENTRE, passed=True).reason.key == "act.not_yours"
    life.wait(MINUTE)
    assert life.act(Action.SIGN, as_=SIGNER, passed=True).reason.key == "act.sign"
    (sent,) = of(life, CaseReported)
    assert (sent.post, sent.signer_post, sent.text, sent.number, sent.kind) == (
        CENTRE,
        SIGNER,
        WORDS,
        1,
        "first",
    )
    assert sent.late_us == sent.at - life.case.done[Action.JUDGE] - 30 * MINUTE
    assert sent.informed == ("unit:housing",) and sent.unresolved == ("unit:province",)
    assert len(told(life, "tell.report")) == 1 and len(told(life, "tell.report_informed")) == 1
    seen = {p.unit for p in life.case.participants if not p.until}
    assert {"unit:government", "unit:housing", "unit:emergency"} <= seen, "who is told can see it"


def test_the_leader_on_duty_who_reports_signs_by_it() -> None:
    life = judged()
    assert life.act(Action.REPORT, as_=SIGNER, text=WORDS).reason.key == "act.report"
    assert of(life, CaseReported)[0].signer_post == SIGNER


def test_not_to_sign_needs_words_and_takes_nothing_off_the_clock() -> None:
    life = judged()
    life.act(Action.REPORT, as_=CENTRE, text=WORDS)
    due = life.case.reports["report.first"].due
    assert life.act(Action.SIGN, as_=SIGNER, passed=False).reason.params["field"] == "text"
    assert not life.act(Action.SIGN, as_=SIGNER, passed=False, text=MORE).refused
    report = life.case.reports["report.first"]
    assert of(life, ReportHeld) and blocked(life.case, report) == "held" and report.due == due
    life.act(Action.REPORT, as_=CENTRE, text=MORE)
    assert blocked(life.case, life.case.reports["report.first"]) == "unsigned"
    assert len(of(life, ReportDrafted)) == 2, "every draft is kept"


def test_between_knowing_and_reporting_people_are_pressed_until_it_goes() -> None:
    life = judged()
    life.wait(29 * MINUTE)
    kinds = [e.kind for e in of(life, Escalated) if e.clock == "report:report.first"]
    assert kinds == ["remind", "call"] and told(life, "tell.report_owed") and told(life, "tell.report_call")
    life.wait(2 * MINUTE)
    assert life.case.reports["report.first"].overdue and of(life, ReportOverdue)
    life.act(Action.REPORT, as_=SIGNER, text=WORDS)
    before = len(of(life, Escalated))
    life.wait(20 * MINUTE)
    assert len([e for e in of(life, Escalated)[before:] if e.clock.startswith("report:")]) == 0, (
        "not after it went"
    )
    life.wait(60 * MINUTE)
    assert [e.kind for e in of(life, Escalated)[before:] if e.clock.startswith("report:")][:1] == [
        "remind"
    ], "next one"


def test_a_correction_is_signed_too_and_moves_no_clock() -> None:
    life = judged()
    life.act(Action.REPORT, as_=SIGNER, text=WORDS)
    due, timers = life.case.reports["report.first"].due, dict(life.case.timers)
    life.act(Action.REPORT, as_=CENTRE, text=MORE, kind="correction")
    life.act(Action.SIGN, as_=SIGNER, passed=True)
    first, second = of(life, CaseReported)
    assert (first.text, second.text, second.number, second.kind) == (WORDS, MORE, 2, "correction")
    assert life.case.reports["report.first"].due == due and life.case.timers == timers


def test_receipt_and_what_did_not_arrive() -> None:
    life = judged(msgspec.structs.replace(ROW, informs=()))
    assert life.act(Action.RECEIVE, as_=GOVERNMENT).reason.key == "report.not_told"
    life.act(Action.REPORT, as_=SIGNER, text=WORDS)
    order = life.case.reports["report.first"].order
    life.send(
        DeliveryReported(
            case=life.case.id, order=order, attempt="dlv_1", number=1, recipient="person:x", channel="file",
            outcome=Outcome.FAILED,
        )
    )  # fmt: skip
    assert blocked(life.case, life.case.reports["report.first"]) == "undelivered"
    assert life.act(Action.RECEIVE, as_=GAS).reason.key == "report.not_told"
    assert not life.act(Action.RECEIVE, as_=GOVERNMENT).refused
    assert of(life, ReportReceived)[0].unit == "unit:government"
    assert life.act(Action.RECEIVE, as_=GOVERNMENT).reason.key == "report.received_before"


def test_a_grave_case_that_is_real_asks_for_a_decision_once_and_keeps_the_answer() -> None:
    level = "III"
    row = DecisionRow(
        key="d", flow="*", scale=Scale.CASE_LEVEL, code=level, decider="unit:emergency", limit_s=900.0,
        response="IV", otherwise="unit:government",
    )  # fmt: skip
    life = judged(decisions=(row,))
    assert life.case.level == level and len(of(life, DecisionDue)) == 1 and life.case.asked == (level,)
    (response,) = [s for s in life.states.values() if isinstance(s, ResponseState)]
    assert response.open[0].source == f"case:{life.case.id}" and response.area == life.case.area
    assert not of(life, DecisionNoted)


def test_the_auditor_has_nothing_to_say_about_the_moments_of_a_report() -> None:
    life = judged()
    life.wait(40 * MINUTE)
    pressed = [e for e in of(life, Escalated) if e.clock == "report:report.first"]
    assert len(pressed) == 3
    stream = f"case:{life.case.id}"
    entries = [
        Entry(
            kind=EntryKind.DECISION, stream=stream, now=m.now, mode=Mode.REAL, versions=Versions(),
            reason=m.decision.reason, events=tuple(record_event(e) for e in m.decision.events),
            effects=m.decision.effects,
        )
        for m in life.made
        if m.stream == stream
    ]  # fmt: skip
    found = audit_cases([(life.case.id, iter(entries))], lambda _: life.policy, life.now).findings
    keys = {p.row for p in pressed} | {"due"}
    assert [f for f in found if f.moment in keys and f.kind != "untold"] == [], "nothing was delivered here"
