"""从起草到施行: who may do what to a draft, and what is missing before it may be published (MECHANISM 3a)."""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.mechanism.policy import Policy
from liandong.core.values.decision import Decision, because, nothing, refuse
from liandong.core.values.lists import Capability, DraftAction, DraftStatus, Stand, UnitKind
from liandong.core.values.publication import (
    ConsultationOpened,
    DraftState,
    MechanismAct,
    MechanismCountersigned,
    MechanismDrafted,
    MechanismEnded,
    MechanismInForce,
    MechanismProven,
    MechanismPublished,
    ObjectionDecided,
    OpinionGiven,
)

_ENDED = (DraftStatus.WITHDRAWN, DraftStatus.SUPERSEDED)
_PUBLISHED = (DraftStatus.PUBLISHED, DraftStatus.IN_FORCE)


def decide(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    """One act about one draft, or what is missing for it."""
    if act.action in (DraftAction.PROVE, DraftAction.ENTER_FORCE, DraftAction.SUPERSEDE):
        # These are the platform's own words, not a person's: nobody's post is asked.
        return _ACTS[act.action](policy, state, act, now)
    if not policy.city.holds(act.person, act.post, now):
        return refuse("mechanism.not_yours", post=act.post)
    if act.version != state.version:
        return refuse("act.stale", version=act.version, current=state.version)
    if state.status in _ENDED:
        return refuse("mechanism.ended", status=state.status)
    return _ACTS[act.action](policy, state, act, now)


def unit_of(policy: Policy, act: MechanismAct) -> str:
    """The unit of the post that acts."""
    post = policy.city.posts.get(act.post)
    return post.unit if post else ""


def may(policy: Policy, act: MechanismAct, capability: Capability) -> Decision | None:
    """The refusal where the post has no such right, or its unit may not hold it (SYSTEMS 95)."""
    if all(row.capability != capability for row in policy.city.permissions(act.post)):
        return refuse("mechanism.no_right", needed=capability, post=act.post)
    unit = policy.city.units.get(unit_of(policy, act))
    if unit is not None and unit.kind == UnitKind.CONTRACTOR:
        return refuse("mechanism.contractor", unit=unit.key)
    return None


def _draft(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    refused = may(policy, act, Capability.MECHANISM_DRAFT)
    if refused is not None:
        return refused
    if state.status in _PUBLISHED:
        return refuse("mechanism.published", number=state.number)
    if not act.mechanism or not act.digest:
        return refuse("act.missing_field", field="mechanism", action=act.action)
    if state.digest == act.digest:
        return nothing("mechanism.unchanged")
    event = MechanismDrafted(
        draft=act.draft, mechanism=act.mechanism, digest=act.digest, base=act.base, issuer=act.issuer,
        person=act.person, post=act.post, unit=unit_of(policy, act), at=now, text=act.text,
    )  # fmt: skip
    return Decision((event,), (), because("mechanism.drafted", mechanism=act.mechanism))


def _consult(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    refused = may(policy, act, Capability.MECHANISM_DRAFT)
    if refused is not None:
        return refused
    if not state.digest or state.status in _PUBLISHED:
        return refuse("mechanism.nothing_to_ask")
    if act.until <= now:
        return refuse("mechanism.until_past")
    if not act.rows:
        return refuse("mechanism.nobody_concerned")
    unknown = [unit for unit, _ in act.rows if unit not in policy.city.units]
    if unknown:
        return refuse("mechanism.unknown_units", units=", ".join(unknown))
    event = ConsultationOpened(draft=act.draft, units=act.rows, until=act.until, person=act.person, at=now)
    return Decision((event,), (), because("mechanism.consulting", units=len(act.rows)))


def _opinion(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    unit = unit_of(policy, act)
    if unit not in dict(state.asked):
        return refuse("mechanism.not_asked", unit=unit)
    if state.status in _PUBLISHED:
        return refuse("mechanism.published", number=state.number)
    if act.row and act.row not in dict(state.asked)[unit]:
        return refuse("mechanism.unknown_row", row=act.row)
    if act.stand is None:
        return refuse("act.missing_field", field="stand", action=act.action)
    if act.stand != Stand.ACCEPT and act.text is None:
        return refuse("act.missing_field", field="text", action=act.action)
    event = OpinionGiven(
        draft=act.draft, unit=unit, row=act.row, stand=act.stand, person=act.person, post=act.post,
        at=now, late=now > state.until, text=act.text,
    )  # fmt: skip
    return Decision((event,), (), because("mechanism.opinion", unit=unit, stand=act.stand))


def _decide_objection(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    refused = _issuing(policy, state, act)
    if refused is not None:
        return refused
    opinion = state.opinions.get(f"{act.unit}|{act.row}")
    if opinion is None or opinion.stand == Stand.ACCEPT:
        return refuse("mechanism.no_objection", unit=act.unit, row=act.row or "*")
    if act.accepted is None or act.text is None:
        field = "accepted" if act.accepted is None else "text"
        return refuse("act.missing_field", field=field, action=act.action)
    event = ObjectionDecided(
        draft=act.draft, unit=act.unit, row=act.row, accepted=act.accepted, person=act.person,
        post=act.post, at=now, text=act.text,
    )  # fmt: skip
    return Decision((event,), (), because("mechanism.objection_decided", unit=act.unit, row=act.row or "*"))


def _issuing(policy: Policy, state: DraftState, act: MechanismAct) -> Decision | None:
    """The issuing body acts through its office; a unit that issues, through its own posts."""
    unit = unit_of(policy, act)
    body = policy.city.bodies.get(state.issuer)
    wanted = body.office if body else state.issuer
    if wanted in policy.city.units and unit != wanted:
        return refuse("mechanism.not_issuing", unit=wanted)
    return may(policy, act, Capability.MECHANISM_DRAFT)


def _countersign(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    unit = unit_of(policy, act)
    if unit not in dict(state.asked):
        return refuse("mechanism.not_asked", unit=unit)
    if act.digest != state.digest:
        return refuse("mechanism.other_content")
    mine = [o for o in state.open_objections if o.unit == unit]
    if mine:
        return refuse("mechanism.objects_itself", rows=", ".join(o.row or "*" for o in mine))
    event = MechanismCountersigned(
        draft=act.draft, unit=unit, person=act.person, post=act.post, digest=act.digest, at=now
    )
    return Decision((event,), (), because("mechanism.countersigned", unit=unit))


def _prove(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    if act.digest != state.digest or state.status in (*_ENDED, *_PUBLISHED):
        return nothing("mechanism.other_content")
    event = MechanismProven(draft=act.draft, digest=act.digest, faults=act.faults, at=now)
    if act.faults:
        return Decision((event,), (), because("mechanism.draft_refused", faults=len(act.faults)))
    return Decision((event,), (), because("mechanism.draft_proven", digest=act.digest[:16]))


def _publish(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    refused = may(policy, act, Capability.MECHANISM_PUBLISH) or _missing(state, act, now)
    if refused is not None:
        return refused
    agreed = {o.unit for o in state.opinions.values() if o.stand == Stand.ACCEPT}
    overruled = {o.unit for o in state.opinions.values() if o.accepted is False}
    event = MechanismPublished(
        draft=act.draft, mechanism=state.mechanism, digest=state.digest, issuer=state.issuer,
        number=act.number, in_force=act.in_force, person=act.person, post=act.post, at=now,
        agreed=tuple(sorted(agreed - overruled)), silent=state.silent, overruled=tuple(sorted(overruled)),
    )  # fmt: skip
    return Decision((event,), (), because("mechanism.published_now", number=act.number, at=act.in_force))


def _missing(state: DraftState, act: MechanismAct, now: int) -> Decision | None:
    """What stands between a draft and its publication, first thing first."""
    if state.status in _PUBLISHED:
        return refuse("mechanism.published", number=state.number)
    if act.person == state.drafter:
        return refuse("mechanism.same_person")
    if not state.asked:
        return refuse("mechanism.nobody_asked")
    if state.open_objections:
        first = state.open_objections[0]
        return refuse(
            "mechanism.open_objections", count=len(state.open_objections), unit=first.unit,
            row=first.row or "*",
        )  # fmt: skip
    if state.silent and now <= state.until:
        return refuse("mechanism.still_waiting", units=", ".join(state.silent), until=state.until)
    stale = sorted(unit for unit, digest in state.signatures.items() if digest != state.digest)
    if stale:
        return refuse("mechanism.signed_otherwise", units=", ".join(stale))
    if state.proven != state.digest or not state.digest:
        return refuse("mechanism.not_proven", faults=", ".join(state.faults) or "-")
    if not act.number:
        return refuse("act.missing_field", field="number", action=act.action)
    if act.in_force < now:
        return refuse("mechanism.in_force_past")
    return None


def _enter_force(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    if state.status != DraftStatus.PUBLISHED or now < state.in_force:
        return nothing("mechanism.not_yet")
    return Decision(
        (MechanismInForce(draft=act.draft, at=now),), (), because("mechanism.in_force", number=state.number)
    )


def _supersede(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    if state.status not in _PUBLISHED:
        return nothing("mechanism.not_yet")
    ended = MechanismEnded(draft=act.draft, status=DraftStatus.SUPERSEDED, by=act.supersedes, at=now)
    return Decision((ended,), (), because("mechanism.superseded", by=act.supersedes))


def _withdraw(policy: Policy, state: DraftState, act: MechanismAct, now: int) -> Decision:
    refused = may(policy, act, Capability.MECHANISM_DRAFT)
    if refused is not None:
        return refused
    if not state.digest or state.status in _PUBLISHED:
        return refuse("mechanism.published", number=state.number)
    if act.text is None:
        return refuse("act.missing_field", field="text", action=act.action)
    ended = MechanismEnded(
        draft=act.draft, status=DraftStatus.WITHDRAWN, by=act.person, at=now, text=act.text
    )
    return Decision((ended,), (), because("mechanism.withdrawn"))


_ACTS: dict[DraftAction, Callable[[Policy, DraftState, MechanismAct, int], Decision]] = {
    DraftAction.DRAFT: _draft,
    DraftAction.CONSULT: _consult,
    DraftAction.OPINION: _opinion,
    DraftAction.DECIDE: _decide_objection,
    DraftAction.COUNTERSIGN: _countersign,
    DraftAction.PROVE: _prove,
    DraftAction.PUBLISH: _publish,
    DraftAction.ENTER_FORCE: _enter_force,
    DraftAction.SUPERSEDE: _supersede,
    DraftAction.WITHDRAW: _withdraw,
}
