"""上报: upward reports of a case, first, next and final, each signed before it goes, each version kept.

What was sent cannot be edited or taken back, only corrected by another version. A report that does not
go, because nobody signs it or nobody is there to get it, stays in sight, and its clock goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from liandong.core.coordinate.escalations import receiver
from liandong.core.coordinate.matters import deciding_post, leads
from liandong.core.coordinate.records import stranger
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import join
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, centre_of, person_for, resolve, unit_of_role
from liandong.core.values.case import CaseState, Order, Report, ReportDraft, Timer, VaultRef
from liandong.core.values.case_events import CaseReported, Escalated, ReportOwed, TimerSpent
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.ids import make_id, timer_id
from liandong.core.values.lists import Action, EscalationKind, Participation, ReportKind, Verdict
from liandong.core.values.matter import DecisionDue
from liandong.core.values.messages import Act, TimerFired
from liandong.core.values.report_events import ReportDrafted, ReportHeld, ReportOverdue, ReportReceived
from liandong.core.values.report_fold import CLOCK
from liandong.core.values.rows import EscalationRow, ReportRow
from liandong.core.values.scales import Scale
from liandong.core.values.times import SECOND

KINDS = ("first", "next", "final", "correction")


# What knowing entails.


def owe(draft: Draft) -> None:
    """Once the case is known to be real, or its level has changed: the clocks of upward reports start, and
    whoever has to decide on a response is asked."""
    case = draft.case
    known = case.done.get(Action.JUDGE)
    if case.verdict != Verdict.REAL or known is None:
        return
    for row in upward(draft):
        if row.key not in case.reports:
            limit = None if row.first_s is None else round(row.first_s * SECOND)
            due = None if limit is None else known + limit
            draft.add(
                ReportOwed(
                    case=case.id, row=row.key, to=_recipient(draft, row), started=known, limit_us=limit,
                    due=due, timers=_timers(draft, row.key, 1, known, due),
                )
            )  # fmt: skip
    _ask(draft)


def _ask(draft: Draft) -> None:
    """A level that a row names asks once in a case."""
    case = draft.case
    row = draft.policy.powers.decision(case.hazard, Scale.CASE_LEVEL, case.level)
    if row is None or case.level in case.asked:
        return
    draft.add(
        DecisionDue(
            source=f"case:{case.id}", number=1, hazard=case.hazard, area=case.area, area_path=case.area_path,
            scale=Scale.CASE_LEVEL, code=case.level, mode=case.mode, at=draft.now,
        )
    )  # fmt: skip


def upward(draft: Draft) -> tuple[ReportRow, ...]:
    """The rows that ask for an upward report of this case, at its present level."""
    rows = draft.policy.routing.reports(draft.case.hazard, draft.case.level)
    return tuple(row for row in rows if row.kind == ReportKind.UPWARD)


# Drafting, signing, sending.


def report(draft: Draft, act: Act) -> Decision:
    """上报: one version. Where the row names a signer and it is somebody else, it waits to be signed."""
    rows = {row.key: row for row in upward(draft)}
    refused = None if _signs(draft, act, rows.values()) else stranger(draft, act)
    if refused is not None:
        return refused
    if act.text is None:
        return refuse("act.missing_field", field="text", action=act.action)
    if act.kind not in ("", *KINDS):
        return refuse("act.missing_field", field="kind", action=act.action)
    if act.to and act.to not in draft.policy.city.persons:
        return refuse("act.bad_recipient", to=act.to)
    key = act.reason or _most_urgent(draft, rows)
    row, before = rows.get(key), draft.case.reports.get(key)
    if key and row is None and before is None:
        return refuse("act.missing_field", field="reason", action=act.action)
    first = before is None or before.sent is None
    kind = "first" if first else act.kind if act.kind not in ("", "first") else "next"
    unit = unit_of_role(draft.policy, draft.case, row.signer) if row is not None else ""
    if unit and not leads(draft.policy, act.person, act.post, (unit,), draft.now):
        return _wait(draft, act, key, kind, unit)
    signer = act.person if unit else act.to
    _send(draft, key, kind, act.person, act.post, signer, act.post if unit else "", act.text)
    return draft.done("act.report", post=act.post, to=draft.case.reports[key].to, kind=kind)


def _signs(draft: Draft, act: Act, rows: Iterable[ReportRow]) -> bool:
    """Whoever signs a report of this case may also write one."""
    units = [unit_of_role(draft.policy, draft.case, row.signer) for row in rows if row.signer]
    return bool(leads(draft.policy, act.person, act.post, [unit for unit in units if unit], draft.now))


def _wait(draft: Draft, act: Act, row: str, kind: str, unit: str) -> Decision:
    """待签发: the leader on duty of the signing unit is asked."""
    post = deciding_post(draft.policy, unit, draft.now)
    found = draft.policy.city.on_duty(post.key, draft.now) if post else None
    before = draft.case.reports.get(row)
    number = (before.versions if before else 0) + 1
    draft.add(
        ReportDrafted(
            case=draft.case.id, row=row, number=number, kind=kind, person=act.person, post=act.post,
            signer_unit=unit, signer_post=post.key if post else "", signer=found.person if found else "",
            at=draft.now, text=act.text,
        )
    )  # fmt: skip
    due = before.due if before else None
    _let_see(draft, unit, post.key if post else "")
    draft.tell(
        make_id("rpt", *draft.ids, draft.case.id, row, number, "sign"), found.person if found else "",
        "tell.report_sign", asset=draft.case.asset, hazard=draft.case.hazard, kind=kind, due=due,
    )  # fmt: skip
    return draft.done("act.report_drafted", post=act.post, unit=unit, kind=kind)


def sign(draft: Draft, act: Act) -> Decision:
    """签发: by the leader on duty. Not to sign needs words, and takes nothing off the clock."""
    found = _waiting(draft, act)
    if isinstance(found, Decision):
        return found
    row, waiting = found
    if not leads(draft.policy, act.person, act.post, (waiting.signer_unit,), draft.now):
        return refuse("act.not_yours", action=act.action, needed=waiting.signer_post or waiting.signer_unit)
    if act.passed is None:
        return refuse("act.missing_field", field="passed", action=act.action)
    if not act.passed:
        if act.text is None:
            return refuse("act.missing_field", field="text", action=act.action)
        draft.add(
            ReportHeld(
                case=draft.case.id, row=row, number=waiting.number, person=act.person, post=act.post,
                at=draft.now, text=act.text,
            )
        )  # fmt: skip
        draft.tell(
            make_id("rpt", *draft.ids, draft.case.id, row, waiting.number, "held", draft.now), waiting.person,
            "tell.report_held", asset=draft.case.asset, hazard=draft.case.hazard,
        )  # fmt: skip
        return draft.done("act.report_held", post=act.post, kind=waiting.kind)
    assert waiting.text is not None
    _send(
        draft, row, waiting.kind, waiting.person, waiting.post, act.person, act.post, waiting.text,
        drafted=waiting.at,
    )  # fmt: skip
    return draft.done("act.sign", post=act.post, to=draft.case.reports[row].to, kind=waiting.kind)


def _waiting(draft: Draft, act: Act) -> tuple[str, ReportDraft] | Decision:
    """The draft that the act speaks of: of the row it names, else the first due one."""
    waiting = [
        (r.due is None, r.due or 0, r.row, r.draft)
        for r in draft.case.reports.values()
        if r.draft is not None and act.reason in ("", r.row)
    ]
    found = min(waiting, key=lambda one: one[:3], default=None)
    if found is None or found[3] is None:
        return refuse("report.nothing_to_sign")
    return found[2], found[3]


def _send(
    draft: Draft, row: str, kind: str, person: str, post: str, signer: str, signer_post: str,
    text: VaultRef, drafted: int = 0,
) -> None:  # fmt: skip
    """The version goes to its recipient and to the levels it passes; its clock stops, the next one starts."""
    case = draft.case
    rows = {one.key: one for one in upward(draft)}
    found, before = rows.get(row), case.reports.get(row)
    number = (before.versions if before else 0) + 1
    late = draft.now - before.due if before is not None and before.due is not None else None
    due = _next_due(draft, found, before, kind)
    to = before.to if before is not None else _recipient(draft, found) if found is not None else ""
    order = make_id("rpt", *draft.ids, case.id, row, number)
    receivers, nobody = _receivers(draft, to, found)
    timers = () if kind == "correction" else _timers(draft, row, number + 1, draft.now, due)
    draft.add(
        CaseReported(
            case=case.id, row=row, to=to, number=number, kind=kind, person=person, post=post, signer=signer,
            at=draft.now, late_us=None if kind == "correction" else late, due=due, text=text,
            signer_post=signer_post, drafted=drafted, order=order,
            informed=tuple(one.unit for one in receivers if one.unit != to), unresolved=nobody, timers=timers,
        )
    )  # fmt: skip
    for one in receivers:
        _let_see(draft, one.unit, one.post)
        template = "tell.report" if one.unit == to else "tell.report_informed"
        draft.tell(
            order, one.person, template, only=found.channel if found else "", asset=case.asset,
            hazard=case.hazard, level=case.level, kind=kind, number=number,
        )  # fmt: skip


def _let_see(draft: Draft, unit: str, post: str) -> None:
    """Who is told of a case can see it (P15)."""
    if post and all(
        (p.unit, p.until) != (unit, 0) or p.post not in ("", post) for p in draft.case.participants
    ):
        join(draft, Participation.INFORM, unit, post)


def _receivers(draft: Draft, to: str, row: ReportRow | None) -> tuple[tuple[Resolved, ...], tuple[str, ...]]:
    """Who is on duty where it goes, and at the levels it passes; and where nobody is."""
    found, nobody = [], []
    for role in dict.fromkeys((to, *(row.informs if row else ()))):
        unit = unit_of_role(draft.policy, draft.case, role) if role else ""
        one = person_for(draft.policy, unit, draft.now) if unit else None
        if one is not None:
            found.append(one)
        elif role:
            nobody.append(role)
    return tuple(found), tuple(nobody)


def receive(draft: Draft, act: Act) -> Decision:
    """收讫: somebody of the unit that a report went to confirms the newest version."""
    city = draft.policy.city
    post = city.posts.get(act.post)
    mine = [
        r
        for r in draft.case.reports.values()
        if r.sent is not None and post is not None and r.to == post.unit and act.reason in ("", r.row)
    ]
    if not mine or not city.holds(act.person, act.post, draft.now):
        return refuse("report.not_told", post=act.post)
    newest = max(mine, key=lambda r: (r.received < r.versions, r.sent or 0, r.row))
    if newest.received >= newest.versions:
        return nothing("report.received_before")
    draft.add(
        ReportReceived(
            case=draft.case.id, row=newest.row, number=newest.versions, unit=newest.to, person=act.person,
            post=act.post, at=draft.now,
        )
    )  # fmt: skip
    return draft.done("act.receive", post=act.post)


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


# The clock between knowing and reporting.


def _timers(draft: Draft, row: str, number: int, since: int, due: int | None) -> tuple[Timer, ...]:
    """The moments of one version: those of the escalation rows for reports, and when it is due."""
    rows = draft.policy.routing.escalations(draft.case.hazard, draft.case.level, Action.REPORT)
    moments = [(one.key, at) for one in rows if (at := _moment(one, since, due)) is not None]
    moments += [("due", due)] if due is not None else []
    return tuple(
        Timer(
            id=timer_id(*draft.ids, draft.case.id, CLOCK + row, moment, number), clock=CLOCK + row,
            moment=moment, due=at,
        )
        for moment, at in moments
    )  # fmt: skip


def _moment(row: EscalationRow, since: int, due: int | None) -> int | None:
    """When a row speaks; a fraction of no limit never does. No order of a report could go unanswered, so
    `no_answer_s` counts from when it is owed."""
    if row.fraction is not None:
        return None if due is None else since + round((due - since) * row.fraction)
    after = row.after_s if row.after_s is not None else row.no_answer_s
    return None if after is None else since + round(after * SECOND)


def fire(policy: Policy, state: CaseState, message: TimerFired, now: int) -> Decision:
    """A moment of a report has come and it has not gone out."""
    timer = state.timers[message.timer]
    draft = Draft(policy, state, now)
    draft.add(TimerSpent(case=state.id, timer=timer.id))
    row = timer.clock.removeprefix(CLOCK)
    owed = state.reports[row]
    if timer.moment == "due":
        draft.add(ReportOverdue(case=state.id, row=row, due=timer.due, at=now))
        return draft.done("report.overdue", row=row)
    escalation = policy.routing.escalation(timer.moment)
    if escalation is None:
        return draft.done("timer.row_gone", row=timer.moment)
    return _escalate(draft, owed, escalation)


def _escalate(draft: Draft, owed: Report, row: EscalationRow) -> Decision:
    """Remind who reports, call the leader on duty, tell the superior: as the row says."""
    rows = {one.key: one for one in upward(draft)}
    found = rows.get(owed.row)
    unit = unit_of_role(draft.policy, draft.case, found.signer) if found else ""
    unit = unit or centre_of(draft.policy)
    actor = person_for(draft.policy, unit, draft.now) or resolve(
        draft.policy, draft.case, "centre", draft.now
    )
    stand_in = Order(
        id=owed.row, role="", unit=actor.unit, post=actor.post, person=actor.person, deputy=actor.deputy,
        round=0, steps=(),
    )  # fmt: skip
    to = receiver(draft, stand_in, row.role or "actor")
    notice = make_id("rpt", *draft.ids, draft.case.id, owed.row, row.key, draft.now)
    draft.add(
        Escalated(
            case=draft.case.id, clock=CLOCK + owed.row, kind=row.kind, row=row.key, unit=to.unit,
            post=to.post, person=to.person, fallback=to.fallback, order=notice,
        )
    )  # fmt: skip
    called = row.kind in (EscalationKind.CALL, EscalationKind.TAKE_OVER, EscalationKind.SUPERVISE)
    draft.tell(
        notice, to.person, "tell.report_call" if called else "tell.report_owed", only=row.channel,
        asset=draft.case.asset, hazard=draft.case.hazard, to=owed.to, due=owed.due,
    )  # fmt: skip
    return draft.done("report.escalated", row=owed.row, unit=to.unit)


def blocked(case: CaseState, report: Report) -> str:
    """Why a report that is owed or was sent has not arrived; empty where nothing stands in its way."""
    if report.held:
        return "held"
    if report.draft is not None:
        return "unsigned"
    if report.sent is not None and report.nobody:
        return "nobody"
    if report.sent is not None and case.deliveries.get(report.order) in ("failed", "unknown"):
        return "undelivered"
    return ""
