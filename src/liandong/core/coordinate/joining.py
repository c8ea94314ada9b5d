"""并案与分办: two cases that are one, and one case that is two. Each decides about itself only; what the
other has to know goes to it as a message."""

from __future__ import annotations

from liandong.core.coordinate.levels import raise_level
from liandong.core.mechanism.closure import closure
from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.orders import cancel_rest, issue_next, join
from liandong.core.mechanism.policy import Policy
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.case_events import CaseFindingChanged, CaseOpened
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.ids import case_id
from liandong.core.values.lists import Action, Cause, Participation
from liandong.core.values.messages import Act
from liandong.core.values.rows import TransferRow
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.sidelines import TransferRequest
from liandong.core.values.transfer_events import (
    CaseAbsorbed,
    CaseMerged,
    CasePartSplit,
    FindingPassedOn,
    MergeAsked,
    MovedFinding,
)

#: Events of one case that are messages to another.
Joining = MergeAsked | CaseAbsorbed | CasePartSplit | FindingPassedOn


def target(message: Joining) -> str:
    """The case that a message speaks to."""
    if isinstance(message, CaseAbsorbed):
        return message.merged
    if isinstance(message, CasePartSplit):
        return message.child
    return message.into


def decide(policy: Policy, state: CaseState, message: Joining, now: int) -> Decision:
    """What one case tells another."""
    draft = Draft(policy, state, now)
    if isinstance(message, CasePartSplit):
        return _open(draft, message) if not state.id else nothing("case.known", case=state.id)
    if not state.id:
        return nothing("case.unknown", case=target(message))
    if isinstance(message, FindingPassedOn):
        return follow(draft, message)
    if state.over:
        return nothing("merge.declined", case=state.id)
    return _absorb(draft, message) if isinstance(message, MergeAsked) else _close(draft, message)


def _moved(case: CaseState, findings: tuple[str, ...]) -> tuple[MovedFinding, ...]:
    return tuple(
        MovedFinding(finding=key, detail=case.findings[key]) for key in findings if key in case.findings
    )


# 并案.


def may_merge(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """Into another case; whether that one is the asker's to see is looked up before the act comes here."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if not act.to or act.to == draft.case.id:
        return refuse("act.bad_recipient", to=act.to)
    return None


def merge(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """Ask the other case to take this one in; it answers with `CaseAbsorbed`, or this case goes on."""
    case = draft.case
    draft.add(
        MergeAsked(
            case=case.id, into=asked.to, findings=_moved(case, tuple(case.findings)), seen=case.seen,
            rules=case.rules, level=case.level,
            participants=tuple((p.part.value, p.unit, p.post) for p in case.participants if not p.until),
            alarm_active=case.alarm_active, person=asked.person, post=asked.post, at=draft.now, row=row.key,
        )
    )  # fmt: skip


def _absorb(draft: Draft, message: MergeAsked) -> Decision:
    draft.add(
        CaseAbsorbed(
            case=draft.case.id, merged=message.case, findings=message.findings, seen=message.seen,
            rules=message.rules, alarm_active=message.alarm_active, person=message.person,
            post=message.post, at=draft.now,
        )
    )  # fmt: skip
    for part, unit, post in message.participants:
        # Who led or verified the other one only assists here: this case has its own lead.
        alone = part in (Participation.LEAD, Participation.VERIFY)
        join(draft, Participation.ASSIST if alone else Participation(part), unit, post)
    for order in tuple(draft.case.orders.values()):
        if order.status in LIVE:
            draft.tell(order.id, order.person, "tell.absorbed", asset=draft.case.asset)
    if CASE_LEVELS[message.level].worse_than(CASE_LEVELS[draft.case.level]):
        raise_level(draft, message.level, message.case)
    return draft.done("merge.absorbed", case=message.case)


def _close(draft: Draft, message: CaseAbsorbed) -> Decision:
    case = draft.case
    act = Act(
        id="", body_digest="", action=Action.MERGE, case=case.id, person=message.person, post=message.post,
        version=case.version,
    )  # fmt: skip
    cancel_rest(draft, act)
    draft.add(
        CaseMerged(
            case=case.id, into=message.case, person=message.person, post=message.post, at=draft.now,
            findings=case.seen,
        )
    )  # fmt: skip
    draft.add(closure(draft.case, Cause.DUPLICATE, draft.now))
    issue_next(draft)
    return draft.done("merge.merged", case=message.case)


# 分办.


def may_split(draft: Draft, act: Act, order: Order | None, row: TransferRow) -> Decision | None:
    """Findings that are this case's, but not all of them; the unit that is to lead, where one is named."""
    if not act.reason:
        return refuse("act.missing_field", field="reason", action=act.action)
    if act.to and act.to not in draft.policy.city.units:
        return refuse("act.bad_recipient", to=act.to)
    findings = set(act.findings)
    if findings - set(draft.case.findings) or (findings and findings == set(draft.case.findings)):
        return refuse("split.bad_findings", known=len(draft.case.findings))
    if not draft.case.findings:
        return refuse("split.bad_findings", known=0)
    return None


def split(draft: Draft, asked: TransferRequest, row: TransferRow) -> None:
    """A new case with this one as its parent."""
    case = draft.case
    grouping = f"{case.grouping}#{len(case.children) + 1}"
    made = case_id(*draft.ids, grouping, 1)
    first = next(iter(case.findings))
    draft.add(
        CasePartSplit(
            case=case.id, child=made, grouping=grouping, hazard=case.hazard, asset=case.asset,
            area=case.area, area_path=case.area_path, level=case.level, mode=case.mode,
            alarmed=case.alarmed, findings=_moved(case, asked.findings),
            shared=MovedFinding(finding=first, detail=case.findings[first]), lead=asked.to,
            person=asked.person, post=asked.post, at=draft.now, row=row.key,
        )
    )  # fmt: skip


def _open(draft: Draft, message: CasePartSplit) -> Decision:
    """The new case begins like any other: it is judged first, because it was split by a person's view."""
    first, *rest = message.findings or (message.shared,)
    draft.add(
        CaseOpened(
            case=message.child, grouping=message.grouping, ordinal=1, hazard=message.hazard,
            asset=message.asset, area=message.area, area_path=message.area_path, level=message.level,
            mode=message.mode, finding=first.finding, detail=first.detail, alarmed=message.alarmed,
            opened=draft.now, parents=(message.case,), lead=message.lead,
        )
    )  # fmt: skip
    for one in rest:
        draft.add(
            CaseFindingChanged(
                case=message.child, change="raised", finding=one.finding, detail=one.detail,
                alarm_active=True,
            )
        )  # fmt: skip
    issue_next(draft)
    return draft.done("case.split_off", parent=message.case, level=message.level)


# A finding that another case follows now.


def follow(draft: Draft, message: FindingPassedOn) -> Decision:
    """What became of a finding that came from another case; passed on again where this one gave it away."""
    case = draft.case
    if message.finding in case.passed_on:
        return pass_on(draft, message.finding, message.change, message)
    if case.over:
        return nothing("case.over_noted", case=case.id)
    ended = message.detail is None or message.change in ("ended", "retracted")
    others = any(key != message.finding for key in case.findings)
    draft.add(
        CaseFindingChanged(
            case=case.id, change=message.change, finding=message.finding, detail=message.detail,
            alarm_active=message.alarm_active or (ended and others and case.alarm_active),
        )
    )  # fmt: skip
    return draft.done("case.finding_followed", finding=message.finding, change=message.change)


def pass_on(draft: Draft, finding: str, change: str, message: FindingPassedOn) -> Decision:
    """Tell the case that follows this finding now."""
    into = draft.case.passed_on[finding]
    draft.add(
        FindingPassedOn(
            case=draft.case.id, into=into, change=change, finding=finding, detail=message.detail,
            alarm_active=message.alarm_active,
        )
    )  # fmt: skip
    return draft.done("case.finding_passed_on", finding=finding, into=into)
