"""What people put on record beside the steps of their orders: notes, calls 通话记录, upward reports 上报.

All of it is open to whoever takes part, also after the case is closed; a call may come to light, and a
report may have to be corrected, when the work is long done.
"""

from __future__ import annotations

from liandong.core.mechanism.authority import may_act_for
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.resolve import person_for, unit_of_role
from liandong.core.values.access import Session, scope_of
from liandong.core.values.case import Report
from liandong.core.values.case_events import CallLogged, CaseNoted, CaseReported, ReportOwed
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, Capability, ReportKind, Verdict
from liandong.core.values.messages import Act
from liandong.core.values.rows import ReportRow
from liandong.core.values.times import SECOND

#: Acts that a closed case still takes.
ALWAYS = (Action.NOTE, Action.CALL, Action.REPORT)
REPORT_KINDS = ("first", "next", "final", "correction")


def may(draft: Draft, act: Act, capability: Capability) -> bool:
    """The person holds the post now, and the post's standing rows cover this case."""
    case, city = draft.case, draft.policy.city
    scope = scope_of(city, Session(person=act.person, post=act.post), draft.now)
    return city.holds(act.person, act.post, draft.now) and scope.covers(
        capability, case.hazard, case.area_path, case.mode
    )


def _stranger(draft: Draft, act: Act) -> Decision | None:
    """The refusal for somebody who neither takes part nor has a standing right."""
    case = draft.case
    part = any(p.post == act.post and not p.until for p in case.participants)
    part = part and draft.policy.city.holds(act.person, act.post, draft.now)
    part = part or any(may_act_for(draft.policy, o, act, draft.now) for o in case.orders.values())
    if part or may(draft, act, Capability.CASE_ACT):
        return None
    return refuse("act.not_yours", action=act.action, needed=Capability.CASE_ACT)


def note(draft: Draft, act: Act) -> Decision:
    """备注."""
    refused = _stranger(draft, act)
    if refused is not None:
        return refused
    case = draft.case
    draft.add(CaseNoted(case=case.id, person=act.person, at=draft.now, text=act.text, evidence=act.evidence))
    return draft.done("act.note", post=act.post)


def call(draft: Draft, act: Act) -> Decision:
    """通话记录: whom, when, answered or not. The number and the words are sealed before they come here."""
    refused = _stranger(draft, act)
    if refused is not None:
        return refused
    city = draft.policy.city
    if not act.to and act.number is None:
        return refuse("act.missing_field", field="to", action=act.action)
    if act.to and not (act.to in city.persons or act.to in city.posts or act.to in city.units):
        return refuse("act.bad_recipient", to=act.to)
    if act.answered is None:
        return refuse("act.missing_field", field="answered", action=act.action)
    # A clock that runs ahead is not believed: nobody was rung in the future.
    rung = draft.now if act.rung_at is None else min(act.rung_at, draft.now)
    draft.add(
        CallLogged(
            case=draft.case.id, person=act.person, post=act.post, at=draft.now, to=act.to, number=act.number,
            answered=act.answered, rung_at=rung, device_at=act.device_at, client_seq=act.client_seq,
            text=act.text,
        )
    )  # fmt: skip
    return draft.done("act.call", post=act.post, answered=str(act.answered).lower())


def upward(draft: Draft) -> tuple[ReportRow, ...]:
    """The rows that ask for an upward report of this case, at its present level."""
    rows = draft.policy.routing.reports(draft.case.hazard, draft.case.level)
    return tuple(row for row in rows if row.kind == ReportKind.UPWARD)


def owe(draft: Draft) -> None:
    """Start the clocks of upward reports once the case is known to be real, or its level has changed."""
    case = draft.case
    known = case.done.get(Action.JUDGE)
    if case.verdict != Verdict.REAL or known is None:
        return
    for row in upward(draft):
        if row.key not in case.reports:
            limit = None if row.first_s is None else round(row.first_s * SECOND)
            draft.add(
                ReportOwed(
                    case=case.id, row=row.key, to=_recipient(draft, row), started=known, limit_us=limit,
                    due=None if limit is None else known + limit,
                )
            )  # fmt: skip


def report(draft: Draft, act: Act) -> Decision:
    """上报: one version is recorded as sent; its clock stops, and that of the next one starts."""
    refused = _stranger(draft, act)
    if refused is not None:
        return refused
    if act.text is None:
        return refuse("act.missing_field", field="text", action=act.action)
    if act.kind not in ("", *REPORT_KINDS):
        return refuse("act.missing_field", field="kind", action=act.action)
    if act.to and act.to not in draft.policy.city.persons:
        return refuse("act.bad_recipient", to=act.to)
    rows = {row.key: row for row in upward(draft)}
    key = act.reason or _most_urgent(draft, rows)
    row, before = rows.get(key), draft.case.reports.get(key)
    if key and row is None and before is None:
        return refuse("act.missing_field", field="reason", action=act.action)
    first = before is None or before.sent is None
    kind = "first" if first else act.kind if act.kind not in ("", "first") else "next"
    late = draft.now - before.due if before is not None and before.due is not None else None
    to = before.to if before is not None else _recipient(draft, row) if row is not None else ""
    draft.add(
        CaseReported(
            case=draft.case.id, row=key, to=to, number=(before.versions if before else 0) + 1, kind=kind,
            person=act.person, post=act.post, signer=act.to, at=draft.now,
            late_us=None if kind == "correction" else late, due=_next_due(draft, row, before, kind),
            text=act.text,
        )
    )  # fmt: skip
    return draft.done("act.report", post=act.post, to=to, kind=kind)


def _recipient(draft: Draft, row: ReportRow) -> str:
    """The unit that receives it; the role itself where nobody fills it."""
    return unit_of_role(draft.policy, draft.case, row.recipient) or row.recipient


def _most_urgent(draft: Draft, rows: dict[str, ReportRow]) -> str:
    """The report that is due first, else the first row; empty where no row asks for any."""
    owed = [r for r in draft.case.reports.values() if r.due is not None]
    first = min(owed, key=lambda r: (r.due or 0, r.row), default=None)
    return first.row if first else next(iter(rows), "")


def _next_due(draft: Draft, row: ReportRow | None, before: Report | None, kind: str) -> int | None:
    """When the version after this one is due, as far as the row says; a correction changes nothing."""
    if kind == "correction":
        return before.due if before is not None else None
    if row is None or kind == "final":
        return None
    started = before.started if before is not None else draft.now
    following = [draft.now + round(row.next_s * SECOND)] if row.next_s is not None else []
    if row.final_s is not None:
        following.append(max(started + round(row.final_s * SECOND), draft.now))
    return min(following, default=None)


def signer_of(draft: Draft, row: ReportRow) -> str:
    """The leader on duty who signs; empty where the row names none or nobody is on duty."""
    unit = unit_of_role(draft.policy, draft.case, row.signer) if row.signer else ""
    found = person_for(draft.policy, unit, draft.now, leader=True) if unit else None
    return found.person if found else ""
