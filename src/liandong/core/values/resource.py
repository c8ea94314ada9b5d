"""资源: a request for a resource from asking to giving back, or to compensation."""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import Mode, ResourceAction, ResourceStage
from liandong.core.values.matter import (
    MatterEscalated,
    SendingReported,
    replace,
    with_timers,
    without_clock,
)


class ResourceAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """资源动作: a person, as one post, does something about a request for a resource."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str
    request: str
    action: ResourceAction
    person: str
    post: str
    version: int  #: If-Match
    resource: str = ""  #: kind of resource, as the rows name it; for request
    owner: str = ""  #: role of the rows that owns the stock, where several do; for request
    quantity: float | None = None
    measure: str = ""  #: unit of the quantity, e.g. `piece`, `person`, `t`
    case: str = ""
    hazard: str = ""
    level: str = ""
    area: str = ""
    other: str = ""  #: for contest: the request that needs the same
    requisition: bool = False  #: for request: from somebody who does not release it (征用)
    amount: float | None = None  #: for compensate, in yuan
    reason: VaultRef | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain: whose it is, and who gave it."""

    role: str
    unit: str
    person: str = ""
    post: str = ""
    at: int = 0


class ResourceRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已申请资源."""

    request: str
    resource: str
    row: str
    quantity: float
    measure: str
    case: str
    hazard: str
    level: str
    area: str
    area_path: str
    mode: Mode
    requisition: bool
    unit: str  #: who asks
    owner: str
    chain: tuple[Approval, ...]
    units: tuple[str, ...]
    person: str
    post: str
    at: int
    reason: VaultRef | None = None
    due: int | None = None
    timers: tuple[Timer, ...] = ()


class ResourceApproved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """一级已批准: one link of the chain; with the last one it may be released."""

    request: str
    step: int
    person: str
    post: str
    unit: str
    at: int
    last: bool
    due: int | None = None
    timers: tuple[Timer, ...] = ()


class ResourceMoved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """资源流转: any step of a request but its approvals."""

    request: str
    action: ResourceAction
    stage: ResourceStage
    person: str
    post: str
    unit: str
    at: int
    quantity: float | None = None
    amount: float | None = None
    other: str = ""
    reason: VaultRef | None = None
    timers: tuple[Timer, ...] = ()


class ResourceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of a request's events."""

    id: str = ""
    version: int = 0
    mode: Mode = Mode.REAL
    stage: ResourceStage = ResourceStage.REQUESTED
    resource: str = ""
    row: str = ""
    quantity: float = 0.0
    measure: str = ""
    case: str = ""
    hazard: str = ""
    level: str = ""
    area: str = ""
    area_path: str = "/"
    requisition: bool = False
    unit: str = ""
    owner: str = ""
    chain: tuple[Approval, ...] = ()
    units: tuple[str, ...] = ()
    contested_with: str = ""
    awarded: bool = False
    asked_by: str = ""
    due: int | None = None
    given: float | None = None
    got: float | None = None
    back: float | None = None
    amount: float | None = None
    moves: tuple[ResourceMoved, ...] = ()
    opened: int = 0
    timers: dict[str, Timer] = {}
    escalations: int = 0

    @property
    def waits_for(self) -> Approval | None:
        """The link of the chain that is next; None where all have approved."""
        return next((link for link in self.chain if not link.at), None)


def _requested(s: ResourceState, e: ResourceRequested) -> ResourceState:
    return ResourceState(
        id=e.request, version=s.version, mode=e.mode, resource=e.resource, row=e.row, quantity=e.quantity,
        measure=e.measure, case=e.case, hazard=e.hazard, level=e.level, area=e.area, area_path=e.area_path,
        requisition=e.requisition, unit=e.unit, owner=e.owner, chain=e.chain, units=e.units,
        asked_by=e.person, due=e.due, opened=e.at, timers=with_timers({}, e.timers),
        stage=ResourceStage.REQUESTED if e.chain else ResourceStage.APPROVED,
    )  # fmt: skip


def _approved(s: ResourceState, e: ResourceApproved) -> ResourceState:
    chain = tuple(
        replace(link, person=e.person, post=e.post, at=e.at) if number == e.step else link
        for number, link in enumerate(s.chain)
    )
    stage = ResourceStage.APPROVED if e.last else s.stage
    timers = with_timers(without_clock(s.timers, "approve"), e.timers)
    return replace(s, chain=chain, stage=stage, due=e.due, timers=timers)


#: Action → the field that keeps how much it was.
_AMOUNTS = {
    ResourceAction.RELEASE: "given",
    ResourceAction.REQUISITION: "given",
    ResourceAction.RECEIVE: "got",
    ResourceAction.RETURN: "back",
}


def _moved(s: ResourceState, e: ResourceMoved) -> ResourceState:
    kept = {_AMOUNTS[e.action]: e.quantity} if e.action in _AMOUNTS else {}
    return replace(
        s, stage=e.stage, moves=(*s.moves, e), timers=with_timers({}, e.timers), due=None,
        contested_with=e.other or s.contested_with, awarded=s.awarded or e.action == ResourceAction.AWARD,
        amount=e.amount if e.amount is not None else s.amount, **kept,
    )  # fmt: skip


_APPLY: dict[type, Any] = {
    ResourceRequested: _requested,
    ResourceApproved: _approved,
    ResourceMoved: _moved,
    MatterEscalated: lambda s, e: replace(
        s, escalations=s.escalations + 1, timers=with_timers(s.timers, e.timers, gone=e.timer)
    ),
    SendingReported: lambda s, e: s,
}
_QUIET = (SendingReported, MatterEscalated)
RESOURCE_EVENTS = tuple(cls for cls in _APPLY if cls.__module__ == __name__)


def evolve_resource(state: ResourceState, event: Any) -> ResourceState:
    """Apply one event; chooses nothing."""
    after: ResourceState = _APPLY[type(event)](state, event)
    return after if isinstance(event, _QUIET) else replace(after, version=state.version + 1)
