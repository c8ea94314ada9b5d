"""What people put on record beside the steps of their orders: notes 备注 and calls 通话记录.

It is open to whoever takes part, also after the case is closed: a call may come to light, and a report
(`reporting`) may have to be corrected, when the work is long done.
"""

from __future__ import annotations

from liandong.core.coordinate.calls import answered, ringing_for
from liandong.core.mechanism.authority import may_act_for
from liandong.core.mechanism.draft import Draft
from liandong.core.values.access import Session, scope_of
from liandong.core.values.case_events import CallLogged, CaseNoted
from liandong.core.values.decision import Decision, refuse
from liandong.core.values.lists import Action, Capability
from liandong.core.values.messages import Act

#: Acts that a closed case still takes.
ALWAYS = (Action.NOTE, Action.CALL, Action.REPORT, Action.SIGN, Action.RECEIVE)


def may(draft: Draft, act: Act, capability: Capability) -> bool:
    """The person holds the post now, and the post's standing rows cover this case."""
    case, city = draft.case, draft.policy.city
    scope = scope_of(city, Session(person=act.person, post=act.post), draft.now)
    return city.holds(act.person, act.post, draft.now) and scope.covers(
        capability, case.hazard, case.area_path, case.mode
    )


def stranger(draft: Draft, act: Act) -> Decision | None:
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
    refused = stranger(draft, act)
    if refused is not None:
        return refused
    case = draft.case
    draft.add(CaseNoted(case=case.id, person=act.person, at=draft.now, text=act.text, evidence=act.evidence))
    return draft.done("act.note", post=act.post)


def call(draft: Draft, act: Act) -> Decision:
    """通话记录: whom, when, answered or not. The number and the words are sealed before they come here."""
    refused = stranger(draft, act)
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
    order = ringing_for(draft, act.to) if act.answered else ""
    if order:
        answered(
            draft, order, draft.case.ringing[order].person, draft.case.ringing[order].post, by=act.person
        )
    return draft.done("act.call", post=act.post, answered=str(act.answered).lower())
