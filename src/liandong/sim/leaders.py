"""Simulated leaders and clerks: what each does about a warning, a response, a request or a report, and when.

As with officers everything is a function of (seed, state): nothing is remembered, so a killed demonstration
goes on exactly where it was, and the same intent always has the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import msgspec

from liandong.app.handle import Answer
from liandong.app.platform import Platform
from liandong.core.coordinate.matters import place_of
from liandong.core.coordinate.warning_rows import row_for
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import unit_of_role
from liandong.core.values.access import Session
from liandong.core.values.case import CaseState
from liandong.core.values.lists import (
    Action,
    ResourceAction,
    ResourceStage,
    ResponseAction,
    ResponseStage,
    WarningAction,
    WarningStage,
)
from liandong.core.values.public_warning import WarningState
from liandong.core.values.resource import ResourceState
from liandong.core.values.response import ResponseState
from liandong.core.values.times import MINUTE, SECOND
from liandong.sim.chance import between, chance
from liandong.sim.officers import Intent

#: People act on whole tens of seconds, as officers do.
_BEAT = 10 * SECOND
_MATTER, _MEASURES = "险情可能扩大", "加强监测，组织力量处置，告知周边单位"
_REASON = "经会商研判决定"
_EXPECTED_S = 86_400.0


class PowerIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is going to do about a warning, a response or a request."""

    at: int
    kind: str  #: warning, response or resource
    id: str
    action: str
    post: str
    version: int
    body: dict[str, Any]
    key: str

    @property
    def rank(self) -> tuple[int, str, str]:
        """Order in which intents of one moment are done."""
        return (self.at, self.id, self.key)


def of_case(policy: Policy, seed: int, case: CaseState) -> Iterator[Intent]:
    """Upward reports of a case that the one they went to confirms; officers draft and sign them."""
    for report in case.reports.values():
        post = policy.city.duty_post(report.to)
        if report.sent is not None and report.received < report.versions and post is not None:
            at = report.sent + _after(seed, 3, 20, "got", case.id, report.row, report.versions)
            yield _intent(case, Action.RECEIVE, at, post.key, report.row, report.versions)


def _intent(
    case: CaseState, action: Action, at: int, post: str, row: str, number: int, **body: Any
) -> Intent:
    return Intent(
        at=_beat(at), case=case.id, order="", action=action, body={"reason": row, **body},
        key=f"{case.id}:{action.value}:{row}:{number}", post=post,
    )  # fmt: skip


def of_warning(policy: Policy, seed: int, state: WarningState) -> Iterator[PowerIntent]:
    """Approved, published and, once the danger is over, lifted. Others' warnings are nobody's here."""
    newest = state.at(state.pending or state.current)
    if newest is None or state.source or state.stage in (WarningStage.LIFTED, WarningStage.WITHDRAWN):
        return
    row = row_for(policy, state.hazard, newest.contents.colour, newest.contents.area)
    if row is None:
        return
    action, role, since, leader = None, "", newest.drafted, False
    if newest.number == state.pending and not newest.approved:
        action, role, leader = WarningAction.APPROVE, row.approver, True
    elif newest.number == state.pending:
        action, role, since = WarningAction.PUBLISH, row.publisher, newest.approved
    elif state.danger_over:
        action, role, since = WarningAction.LIFT, row.lifter, state.danger_over
    post = _post(policy, state, role, leader)
    if action is not None and post:
        yield _power(seed, "warning", state, action, post, since, f"{newest.number}", {"reason": _REASON})


def of_response(policy: Policy, seed: int, state: ResponseState) -> Iterator[PowerIntent]:
    """Every question is answered, now and then late; every measure is taken or says why not."""
    body: dict[str, Any]
    for q in state.open:
        late = chance(seed, "late", q.key) < 0.2
        since = q.asked + (round(1.5 * (q.limit_us or 0)) if late else 0)
        start = chance(seed, "start", q.key) < 0.7
        action = ResponseAction.START if start else ResponseAction.DECLINE
        body = {"question": q.key, "reason": _REASON}
        if start and state.stage != ResponseStage.ACTIVE:
            body |= {"matter": _MATTER, "measures": _MEASURES, "expected_s": _EXPECTED_S}
            body |= {"level": q.level or "IV"}
        yield _power(seed, "response", state, action, q.post, since, q.key, body)
    for measure in state.measures.values():
        post = policy.city.duty_post(measure.unit or state.unit)
        if measure.taken is None and state.stage == ResponseStage.ACTIVE and post is not None:
            taken = chance(seed, "taken", state.id, state.episode, measure.key) < 0.85
            noted: dict[str, Any] = {"measure": measure.key, "taken": taken}
            noted |= {} if taken else {"reason": _REASON}
            yield _power(
                seed, "response", state, ResponseAction.MEASURE, post.key, state.since,
                f"{state.episode}:{measure.key}", noted,
            )  # fmt: skip


def of_resource(policy: Policy, seed: int, state: ResourceState) -> Iterator[PowerIntent]:
    """Approved link by link, released or requisitioned, received and given back."""
    row = policy.powers.resource_row(state.row)
    if row is None:
        return
    link, at = (
        state.waits_for,
        max([state.opened, *(a.at for a in state.chain), *(m.at for m in state.moves)]),
    )
    quantity: dict[str, Any] = {"quantity": state.quantity if state.given is None else state.given}
    action, role, leader = ResourceAction.APPROVE, "", True
    if state.stage == ResourceStage.REQUESTED and link is not None:
        role, quantity = link.unit, {}
    elif state.stage == ResourceStage.APPROVED:
        taking = state.requisition
        action = ResourceAction.REQUISITION if taking else ResourceAction.RELEASE
        role, leader = (row.requisitioner if taking else row.releaser), False
    elif state.stage in (ResourceStage.RELEASED, ResourceStage.REQUISITIONED):
        action, role, leader = ResourceAction.RECEIVE, state.unit, False
    elif state.stage == ResourceStage.RECEIVED:
        action, role, leader = ResourceAction.RETURN, state.owner or state.unit, False
    post = _post(policy, state, role, leader)
    if post:
        yield _power(seed, "resource", state, action, post, at, f"{action.value}:{at}", quantity)


def of_matter(
    policy: Policy, seed: int, state: WarningState | ResponseState | ResourceState
) -> Iterator[PowerIntent]:
    """What waits in a stream of one of the three kinds."""
    if isinstance(state, WarningState):
        return of_warning(policy, seed, state)
    if isinstance(state, ResponseState):
        return of_response(policy, seed, state)
    return of_resource(policy, seed, state)


def perform(platform: Platform, intent: PowerIntent) -> Future[Answer]:
    """Do it as whoever is on duty at the post."""
    duty = platform.handler.policy.city.on_duty(intent.post, platform.writer.now)
    session = Session(person=duty.person if duty else "", post=intent.post)
    scope, power = platform.access.scope(session), platform.authority
    given = (intent.body, intent.key, intent.version)
    if intent.kind == "warning":
        return power.warn(scope, intent.id, WarningAction(intent.action), *given)
    if intent.kind == "response":
        return power.respond(scope, intent.id, ResponseAction(intent.action), *given)
    return power.resource(scope, intent.id, ResourceAction(intent.action), *given)


def _post(policy: Policy, state: WarningState | ResourceState, role: str, leader: bool) -> str:
    place = place_of(policy, state.hazard, state.area, state.mode)
    unit = unit_of_role(policy, place, role) if role else ""
    found = (policy.city.leader_post(unit) if leader else None) or policy.city.duty_post(unit)
    return found.key if found else ""


def _power(
    seed: int, kind: str, state: WarningState | ResponseState | ResourceState, action: str, post: str,
    since: int, about: str, body: dict[str, Any],
) -> PowerIntent:  # fmt: skip
    at = since + _after(seed, 3, 15, action, state.id, about)
    return PowerIntent(
        at=_beat(at), kind=kind, id=state.id, action=action, post=post, version=state.version, body=body,
        key=f"{state.id}:{action}:{about}",
    )  # fmt: skip


def _after(seed: int, low: float, high: float, *what: str | int) -> int:
    return round(between(low, high, seed, *what) * MINUTE)


def _beat(at: int) -> int:
    return -(-at // _BEAT) * _BEAT
