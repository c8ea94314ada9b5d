"""Events of acts beside the steps: every transition with its actor, post, name, reason, evidence and row;
approvals, extension 延期, deferral 挂账, correction 更正, cancelling 撤销, merging 并案, splitting 分办."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import Action, Mode
from liandong.core.values.risk import OpenFinding


class ActTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """动作留痕: an act that is no step: who, as which post, in whose name, why, and which row allowed it."""

    case: str
    action: Action
    order: str  #: order that it speaks of; empty where it speaks of the case
    person: str
    post: str
    unit: str  #: unit of the post
    in_name_of: str
    at: int
    row: str  #: row that allowed it; `default.…` where the rows are silent and the project's own one spoke
    reason: str = ""
    to: str = ""
    until: int | None = None
    text: VaultRef | None = None
    evidence: tuple[str, ...] = ()
    device_at: int | None = None
    client_seq: int | None = None


class RequestMade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """申请: an act waits for the approval that its row asks for."""

    case: str
    request: str  #: also the line of the order to whoever approves
    action: Action
    order: str
    unit: str
    person: str
    post: str
    row: str
    approver: str  #: role
    reason: str = ""
    to: str = ""
    until: int | None = None
    findings: tuple[str, ...] = ()
    at: int


class RequestDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """审批: granted or not, by whom, why."""

    case: str
    request: str
    action: Action
    granted: bool
    person: str
    post: str
    unit: str
    at: int
    reason: str = ""
    failed: str = ""  #: key of why what was granted could no longer be done


class ClockExtended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """延期: a clock is due later; its limit stays what it is."""

    case: str
    clock: str
    by_us: int
    due: int
    row: str
    person: str
    at: int
    timers: tuple[Timer, ...]


class CaseDeferred(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """挂账: the case rests until it is looked at again; its clocks stand still, charged to a unit."""

    case: str
    order: str
    until: int
    charged_to: str
    row: str
    person: str
    at: int
    timer: Timer


class DeferralEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """挂账到期."""

    case: str
    at: int
    by: str  #: person, or `timer`


class StepWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """更正: a step that was acknowledged by mistake is open again, and its clock runs as if never stopped."""

    case: str
    order: str
    action: Action
    person: str
    at: int
    row: str
    clocks: dict[str, int]  #: clock → when it is due
    timers: tuple[Timer, ...]


class CaseCancelled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """撤销: the case ends without having been handled."""

    case: str
    person: str
    at: int
    row: str
    reason: str


class MovedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that another case follows from now on."""

    finding: str
    detail: OpenFinding


class MergeAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """并案申请: what this case would bring along. A message to the case that is to take it in."""

    case: str
    into: str
    findings: tuple[MovedFinding, ...]
    seen: tuple[str, ...]
    rules: tuple[str, ...]
    level: str
    participants: tuple[tuple[str, str, str], ...]  #: part, unit, post
    alarm_active: bool
    person: str
    post: str
    at: int
    row: str


class CaseAbsorbed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """并入: another case's findings belong here now. A message to that case, which then closes."""

    case: str
    merged: str
    findings: tuple[MovedFinding, ...]
    seen: tuple[str, ...]
    rules: tuple[str, ...]
    alarm_active: bool
    person: str
    post: str
    at: int


class CaseMerged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """并案: this case is a duplicate; the other one goes on."""

    case: str
    into: str
    person: str
    post: str
    at: int
    findings: tuple[str, ...]


class CasePartSplit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """分办: part of the case becomes one of its own. A message that opens it."""

    case: str
    child: str
    grouping: str  #: of the new case
    hazard: str
    asset: str
    area: str
    area_path: str
    level: str
    mode: Mode
    alarmed: int
    findings: tuple[MovedFinding, ...]  #: what goes over; without any it shares `shared`
    shared: MovedFinding
    lead: str  #: unit that is to lead it; empty = whom the rows name
    person: str
    post: str
    at: int
    row: str


class FindingPassedOn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """转告: a finding that another case follows now has changed. A message to that case."""

    case: str
    into: str
    change: str
    finding: str
    detail: OpenFinding | None
    alarm_active: bool
