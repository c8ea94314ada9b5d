"""资源: who may ask for, approve, release, requisition, receive and give back, by the rows of resources.

A requisition 征用 needs its own power, is given back or used up, and is compensated (突发事件应对法 2024,
art. 12 and 76). Whether a chain is too long, or a stock has two who release, is proven before (P17).
"""

from __future__ import annotations

from collections.abc import Callable

from liandong.core.coordinate.matters import (
    Matter,
    Said,
    acts_for,
    contractor,
    leads,
    not_yours,
    place_of,
    report,
)
from liandong.core.mechanism.policy import Policy
from liandong.core.values.authority_rows import ResourceRow
from liandong.core.values.decision import Decision, nothing, refuse
from liandong.core.values.lists import EscalationKind, ResourceAction, ResourceStage
from liandong.core.values.messages import DeliveryReported, TimerFired
from liandong.core.values.resource import (
    Approval,
    ResourceAct,
    ResourceApproved,
    ResourceMoved,
    ResourceRequested,
    ResourceState,
    evolve_resource,
)

_ENDED = (
    ResourceStage.REFUSED,
    ResourceStage.CANCELLED,
    ResourceStage.RETURNED,
    ResourceStage.COMPENSATED,
)
#: What a contractor never does.
_GUARDED = (ResourceAction.REQUISITION, ResourceAction.APPROVE, ResourceAction.AWARD)
_GIVEN = (ResourceStage.RELEASED, ResourceStage.REQUISITIONED)


def decide(policy: Policy, state: ResourceState, message: object, now: int) -> Decision:
    """One message about one request."""
    if isinstance(message, ResourceAct):
        return _act(policy, state, message, now)
    place = place_of(policy, state.hazard, state.area, state.mode, state.level)
    matter = Matter(policy, state, f"resource:{state.id}", evolve_resource, now, place)
    if isinstance(message, TimerFired):
        return _fire(matter, message)
    assert isinstance(message, DeliveryReported)
    return report(matter, message)


def _act(policy: Policy, state: ResourceState, act: ResourceAct, now: int) -> Decision:
    if not state.id and act.action != ResourceAction.REQUEST:
        return refuse("resource.unknown", request=act.request)
    if act.version != state.version:
        return refuse("power.stale", version=act.version, current=state.version)
    place = place_of(
        policy, state.hazard or act.hazard, state.area or act.area,
        state.mode if state.id else policy.mode, state.level or act.level,
    )  # fmt: skip
    matter = Matter(policy, state, f"resource:{act.request}", evolve_resource, now, place)
    refused = contractor(policy, act.post, act.action) if act.action in _GUARDED else None
    return refused or _ACTS[act.action](matter, act)


def _row(matter: Matter) -> ResourceRow | None:
    return matter.policy.powers.resource_row(matter.state.row)


def _who(matter: Matter, act: ResourceAct, role: str) -> str | Decision:
    """The unit for which the person acts in a role of the row, or the refusal."""
    unit = matter.unit(role)
    mine = acts_for(matter.policy, act.person, act.post, (unit,) if unit else (), matter.now)
    return mine or not_yours(act.action, role, unit)


def _wrong(matter: Matter, act: ResourceAct) -> Decision:
    return refuse("resource.not_allowed", action=act.action, stage=matter.state.stage)


def _request(matter: Matter, act: ResourceAct) -> Decision:
    policy = matter.policy
    if matter.state.id:
        return _wrong(matter, act)
    if act.quantity is None or act.quantity <= 0:
        return refuse("resource.incomplete", missing="quantity")
    if act.area not in policy.city.areas:
        return refuse("resource.incomplete", missing="area")
    row = policy.powers.resource(act.resource, act.level, act.owner)
    if row is None:
        return refuse("resource.no_row", resource=act.resource, level=act.level or "-")
    unit = _who(matter, act, row.requester)
    if isinstance(unit, Decision):
        return unit
    if act.requisition and not row.requisitioner:
        return refuse("power.unset", action=ResourceAction.REQUISITION)
    chain = tuple(Approval(role=role, unit=matter.unit(role)) for role in row.approvals)
    gone = [link.role for link in chain if not link.unit]
    if gone:
        return refuse("resource.no_approver", roles=", ".join(gone))
    roles = (row.owner, row.requester, row.releaser, row.requisitioner, row.payer, row.decides)
    due, timers = matter.clock("approve", row.approval_s) if chain else (None, ())
    matter.add(
        ResourceRequested(
            request=act.request, resource=act.resource, row=row.key, quantity=act.quantity,
            measure=act.measure, case=act.case, hazard=act.hazard, level=act.level, area=act.area,
            area_path=policy.city.area_path(act.area), mode=matter.place.mode,
            requisition=act.requisition, unit=unit, owner=matter.unit(row.owner), chain=chain,
            units=tuple(dict.fromkeys((*matter.units(roles), *(link.unit for link in chain)))),
            person=act.person, post=act.post, at=matter.now, reason=act.reason, due=due, timers=timers,
        )
    )  # fmt: skip
    _tell_next(matter, row)
    return matter.done("resource.requested", resource=act.resource, approvals=len(chain))


def _tell_next(matter: Matter, row: ResourceRow) -> None:
    """Whose turn it is: the next who approves, else who releases or requisitions."""
    state: ResourceState = matter.state
    link = state.waits_for
    said: Said = {"resource": state.resource, "area": state.area, "due": state.due}
    if link is not None:
        to, template = matter.leader(link.unit), "tell.resource_approve"
    else:
        to = matter.duty(row.requisitioner if state.requisition else row.releaser)
        template = "tell.resource_release"
    matter.tell(matter.id("ntc", "turn", state.version), to.person, template, **said)


def _approve(matter: Matter, act: ResourceAct) -> Decision:
    """The next link of the chain, by the leader on duty of its unit; nobody approves what they asked for."""
    state: ResourceState = matter.state
    link, row = state.waits_for, _row(matter)
    if link is None or row is None or state.stage != ResourceStage.REQUESTED:
        return _wrong(matter, act)
    unit = leads(matter.policy, act.person, act.post, (link.unit,), matter.now)
    if not unit:
        return not_yours(act.action, link.role, link.unit)
    if act.person == state.asked_by:
        return refuse("resource.same_person")
    if act.action == ResourceAction.REFUSE:
        if act.reason is None:
            return refuse("power.no_reason", action=act.action)
        return _move(matter, act, ResourceStage.REFUSED, unit)
    step = state.chain.index(link)
    last = step + 1 == len(state.chain)
    due, timers = (None, ()) if last else matter.clock("approve", row.approval_s)
    matter.add(
        ResourceApproved(
            request=state.id, step=step, person=act.person, post=act.post, unit=unit, at=matter.now,
            last=last, due=due, timers=timers,
        )
    )  # fmt: skip
    _tell_next(matter, row)
    return matter.done("resource.approved", step=step + 1, of=len(state.chain))


def _move(matter: Matter, act: ResourceAct, stage: ResourceStage, unit: str) -> Decision:
    state: ResourceState = matter.state
    matter.add(
        ResourceMoved(
            request=state.id, action=act.action, stage=stage, person=act.person, post=act.post, unit=unit,
            at=matter.now, quantity=act.quantity, amount=act.amount, other=act.other, reason=act.reason,
        )
    )  # fmt: skip
    to = matter.duty(state.unit if unit != state.unit else state.owner)
    matter.tell(
        matter.id("ntc", act.action, matter.state.version), to.person, "tell.resource_moved",
        resource=state.resource, area=state.area, stage=stage,
    )  # fmt: skip
    return matter.done("resource.moved", action=act.action, stage=stage)


def _contest(matter: Matter, act: ResourceAct) -> Decision:
    """Two need it: whoever would release it asks the one who decides, naming the other request."""
    state: ResourceState = matter.state
    row = _row(matter)
    if row is None or state.stage != ResourceStage.APPROVED or state.awarded:
        return _wrong(matter, act)
    if not row.decides:
        return refuse("power.unset", action=act.action)
    if not act.other or act.other == state.id:
        return refuse("resource.incomplete", missing="other")
    unit = _who(matter, act, row.releaser)
    if isinstance(unit, Decision):
        return unit
    decision = _move(matter, act, ResourceStage.CONTESTED, unit)
    to = matter.leader(matter.unit(row.decides))
    matter.tell(
        matter.id("ntc", "contest", matter.state.version), to.person, "tell.resource_decide",
        resource=state.resource, area=state.area,
    )  # fmt: skip
    return matter.done(decision.reason.key, **decision.reason.params)


def _award(matter: Matter, act: ResourceAct) -> Decision:
    state: ResourceState = matter.state
    row = _row(matter)
    if row is None or state.stage != ResourceStage.CONTESTED:
        return _wrong(matter, act)
    if act.reason is None:
        return refuse("power.no_reason", action=act.action)
    to = matter.unit(row.decides)
    unit = leads(matter.policy, act.person, act.post, (to,), matter.now)
    return (
        _move(matter, act, ResourceStage.APPROVED, unit) if unit else not_yours(act.action, row.decides, to)
    )


def _refuse(matter: Matter, act: ResourceAct) -> Decision:
    """By who has to approve, or by who decides between two."""
    state: ResourceState = matter.state
    row = _row(matter)
    if row is not None and state.stage == ResourceStage.CONTESTED:
        to = matter.unit(row.decides)
        unit = leads(matter.policy, act.person, act.post, (to,), matter.now)
        if not unit:
            return not_yours(act.action, row.decides, to)
        if act.reason is None:
            return refuse("power.no_reason", action=act.action)
        return _move(matter, act, ResourceStage.REFUSED, unit)
    return _approve(matter, act)


def _give(matter: Matter, act: ResourceAct) -> Decision:
    state: ResourceState = matter.state
    row = _row(matter)
    taking = act.action == ResourceAction.REQUISITION
    if row is None or state.stage != ResourceStage.APPROVED or taking != state.requisition:
        return _wrong(matter, act)
    if act.quantity is None or not 0 < act.quantity <= state.quantity:
        return refuse("resource.bad_quantity", most=state.quantity)
    unit = _who(matter, act, row.requisitioner if taking else row.releaser)
    if isinstance(unit, Decision):
        return unit
    stage = ResourceStage.REQUISITIONED if taking else ResourceStage.RELEASED
    return _move(matter, act, stage, unit)


def _receive(matter: Matter, act: ResourceAct) -> Decision:
    state: ResourceState = matter.state
    if state.stage not in _GIVEN:
        return _wrong(matter, act)
    if act.quantity is None or not 0 <= act.quantity <= (state.given or 0):
        return refuse("resource.bad_quantity", most=state.given)
    unit = acts_for(matter.policy, act.person, act.post, (state.unit,), matter.now)
    return _move(matter, act, ResourceStage.RECEIVED, unit) if unit else not_yours(act.action, "", state.unit)


def _return(matter: Matter, act: ResourceAct) -> Decision:
    """Confirmed by the owner; what is used up or lost is the difference."""
    state: ResourceState = matter.state
    if state.stage != ResourceStage.RECEIVED:
        return _wrong(matter, act)
    if act.quantity is None or not 0 <= act.quantity <= (state.given or 0):
        return refuse("resource.bad_quantity", most=state.given)
    units = (state.owner,) if state.owner else (state.unit,)
    unit = acts_for(matter.policy, act.person, act.post, units, matter.now)
    if not unit:
        return not_yours(act.action, "owner", units[0])
    return _move(matter, act, ResourceStage.RETURNED, unit)


def _compensate(matter: Matter, act: ResourceAct) -> Decision:
    state: ResourceState = matter.state
    row = _row(matter)
    if row is None or not state.requisition or state.stage != ResourceStage.RETURNED:
        return _wrong(matter, act)
    if act.amount is None or act.amount < 0:
        return refuse("resource.incomplete", missing="amount")
    unit = _who(matter, act, row.payer)
    return unit if isinstance(unit, Decision) else _move(matter, act, ResourceStage.COMPENSATED, unit)


def _cancel(matter: Matter, act: ResourceAct) -> Decision:
    state: ResourceState = matter.state
    if state.stage in (*_ENDED, *_GIVEN, ResourceStage.RECEIVED):
        return _wrong(matter, act)
    unit = acts_for(matter.policy, act.person, act.post, (state.unit,), matter.now)
    return (
        _move(matter, act, ResourceStage.CANCELLED, unit) if unit else not_yours(act.action, "", state.unit)
    )


_ACTS: dict[ResourceAction, Callable[[Matter, ResourceAct], Decision]] = {
    ResourceAction.REQUEST: _request,
    ResourceAction.APPROVE: _approve,
    ResourceAction.REFUSE: _refuse,
    ResourceAction.CONTEST: _contest,
    ResourceAction.AWARD: _award,
    ResourceAction.RELEASE: _give,
    ResourceAction.REQUISITION: _give,
    ResourceAction.RECEIVE: _receive,
    ResourceAction.RETURN: _return,
    ResourceAction.COMPENSATE: _compensate,
    ResourceAction.CANCEL: _cancel,
}


def _fire(matter: Matter, message: TimerFired) -> Decision:
    """An approval that is half or wholly late: its own leader, then the one above, then the platform."""
    state: ResourceState = matter.state
    timer = state.timers.get(message.timer)
    link = state.waits_for
    if timer is None or link is None:
        return nothing("timer.gone", timer=message.timer)
    said: Said = {"resource": state.resource, "area": state.area, "due": state.due}
    if timer.moment == "half":
        to = matter.leader(link.unit)
        matter.escalate(timer, EscalationKind.REMIND, to, "tell.resource_approve", **said)
        return matter.done("resource.reminded", unit=link.unit)
    above = matter.policy.city.superior(link.unit)
    if timer.moment == "due" and above:
        again = (matter.timer(timer.clock, "alarm", matter.now + max(timer.due - state.opened, 60_000_000)),)
        to = matter.leader(above)
        matter.escalate(timer, EscalationKind.SUPERVISE, to, "tell.resource_approve", again, **said)
        return matter.done("resource.overdue", unit=link.unit)
    matter.call_out(timer, timer.clock, "tell.alarm_unapproved")
    return matter.done("resource.called_out", unit=link.unit)
