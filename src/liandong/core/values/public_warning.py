"""预警: a public warning under the Emergency Response Law, in versions, and those issued by others.

Its eight contents are those of 突发事件应对法 (2024) art. 64. Its words are in the vault. A version is never
changed: whoever revises it, raises or lowers it makes the next one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import Mode, WarningAction, WarningChange, WarningStage
from liandong.core.values.matter import (
    DecisionDue,
    DecisionNoted,
    MatterEscalated,
    MatterReceived,
    Receipt,
    Sending,
    SendingReported,
    replace,
    reported,
    sent,
    with_timers,
    without_clock,
)


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """预警内容: what a public warning has to say."""

    category: str = ""  #: 类别: the hazard
    colour: str = ""  #: 级别
    starts: int | None = None  #: 起始时间
    area: str = ""  #: 可能影响的范围: an area with everything below it
    caution: VaultRef | None = None  #: 警示事项
    measures: VaultRef | None = None  #: 应当采取的措施
    issuer: str = ""  #: 发布单位
    issues: int | None = None  #: 发布时间 as intended; when it really went out is kept beside it
    until: int | None = None  #: when it is expected to be over; not one of the eight


#: What art. 64 asks for, in its order.
EIGHT = ("category", "colour", "starts", "area", "caution", "measures", "issuer", "issues")


def missing(contents: Contents) -> tuple[str, ...]:
    """Which of the eight are not there."""
    return tuple(name for name in EIGHT if getattr(contents, name) in (None, ""))


class WarningAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """预警动作: a person, as one post, does something about a public warning."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str
    warning: str
    action: WarningAction
    person: str
    post: str
    version: int  #: If-Match
    contents: Contents | None = None  #: whole, for draft, revise, raise and lower
    reason: VaultRef | None = None


class ExternalWarning(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """外部预警: a statutory warning as its issuer sends it, e.g. the meteorological office. Only shown."""

    source: str
    number: str  #: the source's own id of the warning
    revision: int  #: rises with every update; the same or an older one changes nothing
    change: WarningChange  #: issue, update or cancel
    contents: Contents
    issued: int
    message: str = ""  #: `sender,identifier,sent` of what said it, where the issuer names each (CAP 1.2)


class WarningDrafted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已拟稿: a new version, not yet in force."""

    warning: str
    number: int
    contents: Contents
    change: WarningChange
    person: str
    post: str
    unit: str
    row: str
    at: int
    mode: Mode
    area_path: str
    units: tuple[str, ...] = ()  #: who has a part in it by the row, and so may see it
    reason: VaultRef | None = None
    due: int | None = None  #: by when it has to be approved
    timers: tuple[Timer, ...] = ()


class WarningApproved(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已批准."""

    warning: str
    number: int
    person: str
    post: str
    unit: str
    at: int
    late_us: int | None = None


class WarningRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """未批准: of what went out by the green channel, whoever may lift it is told."""

    warning: str
    number: int
    person: str
    post: str
    unit: str
    at: int
    reason: VaultRef | None = None


class WarningPublished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已发布: a version is in force."""

    warning: str
    number: int
    person: str
    post: str
    unit: str
    at: int
    green: bool = False  #: before its approval
    sendings: tuple[Sending, ...] = ()
    unresolved: tuple[str, ...] = ()  #: roles of the onward list that nobody fills here
    due: int | None = None  #: by when it has to be approved afterwards
    timers: tuple[Timer, ...] = ()


class WarningResent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """重发: the same version again, under the same names, to whom it did not reach."""

    warning: str
    number: int
    person: str
    post: str
    at: int
    sendings: tuple[Sending, ...]


class WarningDangerOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """危险解除: from now the duty to lift runs."""

    warning: str
    at: int
    person: str = ""  #: empty: the expected end has come
    due: int | None = None
    timers: tuple[Timer, ...] = ()


class WarningLifted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已解除."""

    warning: str
    number: int
    person: str
    post: str
    unit: str
    at: int
    late_us: int | None = None
    reason: VaultRef | None = None
    sendings: tuple[Sending, ...] = ()


class WarningWithdrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已撤回, before anybody outside was told."""

    warning: str
    number: int
    person: str
    post: str
    unit: str
    at: int
    reason: VaultRef | None = None


class ExternalWarningTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已接收外部预警: one revision as its issuer sent it."""

    warning: str
    source: str
    number: str
    revision: int
    change: WarningChange
    contents: Contents
    issued: int
    at: int
    mode: Mode
    area_path: str
    message: str = ""  #: as its issuer names what said it


class WarningVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version: what it says and who did what with it when."""

    number: int
    contents: Contents
    change: WarningChange
    drafter: str = ""
    drafted: int = 0
    approver: str = ""
    approved: int = 0
    refuser: str = ""
    refused: int = 0
    publisher: str = ""
    published: int = 0
    green: bool = False
    unresolved: tuple[str, ...] = ()
    reason: VaultRef | None = None
    message: str = ""  #: of an external one, the issuer's name of what said it


class WarningState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fold of a public warning's events."""

    id: str = ""
    version: int = 0
    mode: Mode = Mode.REAL
    stage: WarningStage = WarningStage.DRAFTED
    hazard: str = ""
    area: str = ""
    area_path: str = "/"
    source: str = ""  #: of an external one, who issued it
    source_number: str = ""
    revision: int = 0
    versions: tuple[WarningVersion, ...] = ()
    current: int = 0  #: number of the version in force; 0 = none
    pending: int = 0  #: number of a version that waits to come into force; 0 = none
    approval_due: int | None = None
    approval_owed: int = 0  #: number of a version that went out before its approval
    danger_over: int = 0
    lift_due: int | None = None
    lifted: int = 0
    units: tuple[str, ...] = ()
    sendings: dict[str, Sending] = {}
    receipts: tuple[Receipt, ...] = ()
    undecided: tuple[str, ...] = ()  #: questions that it has raised and nobody has answered
    decisions: tuple[DecisionNoted, ...] = ()
    timers: dict[str, Timer] = {}
    escalations: int = 0

    def at(self, number: int) -> WarningVersion | None:
        """A version by its number."""
        return self.versions[number - 1] if 0 < number <= len(self.versions) else None

    @property
    def colour(self) -> str:
        """Of the version in force, else of the newest draft."""
        found = self.at(self.current or self.pending) or (self.versions[-1] if self.versions else None)
        return found.contents.colour if found else ""

    @property
    def over(self) -> bool:
        """Nothing is left to do: lifted or withdrawn, and every decision it asked for is on record."""
        return self.stage in (WarningStage.LIFTED, WarningStage.WITHDRAWN) and not self.undecided


def _version(s: WarningState, number: int, **changes: Any) -> tuple[WarningVersion, ...]:
    return tuple(replace(v, **changes) if v.number == number else v for v in s.versions)


def _drafted(s: WarningState, e: WarningDrafted) -> WarningState:
    made = WarningVersion(
        number=e.number, contents=e.contents, change=e.change, drafter=e.person, drafted=e.at, reason=e.reason
    )
    # While the approval of what is out is owed, its clock goes on.
    kept = s.timers if s.approval_owed else without_clock(s.timers, "approve")
    timers = with_timers(kept, e.timers)
    return replace(
        s, id=e.warning, mode=e.mode, hazard=s.hazard or e.contents.category, area=e.contents.area,
        area_path=e.area_path, versions=(*s.versions, made), pending=e.number, approval_due=e.due,
        stage=s.stage if s.current else WarningStage.DRAFTED, timers=timers,
        units=tuple(dict.fromkeys((*s.units, *e.units))),
    )  # fmt: skip


def _approved(s: WarningState, e: WarningApproved) -> WarningState:
    return replace(
        s, versions=_version(s, e.number, approver=e.person, approved=e.at), approval_due=None,
        approval_owed=0 if s.approval_owed == e.number else s.approval_owed,
        stage=s.stage if s.current else WarningStage.APPROVED, timers=without_clock(s.timers, "approve"),
    )  # fmt: skip


def _refused(s: WarningState, e: WarningRefused) -> WarningState:
    return replace(
        s, versions=_version(s, e.number, refuser=e.person, refused=e.at), approval_due=None,
        approval_owed=0 if s.approval_owed == e.number else s.approval_owed,
        pending=0 if s.pending == e.number and s.current else s.pending,
        timers=without_clock(s.timers, "approve"),
    )  # fmt: skip


def _published(s: WarningState, e: WarningPublished) -> WarningState:
    found = s.at(e.number)
    contents = found.contents if found else Contents()
    versions = _version(
        s, e.number, publisher=e.person, published=e.at, green=e.green, unresolved=e.unresolved
    )
    owed = bool(s.approval_owed)
    ended = ("lift", "until") if owed else ("approve", "lift", "until")
    return replace(
        s, versions=versions, current=e.number, pending=0, stage=WarningStage.PUBLISHED, area=contents.area,
        approval_owed=e.number if e.green else s.approval_owed,
        approval_due=s.approval_due if owed else e.due, danger_over=0, lift_due=None,
        sendings=sent(s.sendings, e.sendings),
        timers=with_timers(without_clock(s.timers, *ended), e.timers),
    )  # fmt: skip


def _lifted(s: WarningState, e: WarningLifted) -> WarningState:
    return replace(
        s, stage=WarningStage.LIFTED, lifted=e.at, pending=0, sendings=sent(s.sendings, e.sendings),
        timers=without_clock(s.timers, "lift", "until"),
    )  # fmt: skip


def _external(s: WarningState, e: ExternalWarningTaken) -> WarningState:
    made = WarningVersion(
        number=len(s.versions) + 1, contents=e.contents, change=e.change, published=e.issued,
        publisher=e.contents.issuer, message=e.message,
    )  # fmt: skip
    cancelled = e.change == WarningChange.CANCEL
    return replace(
        s, id=e.warning, mode=e.mode, hazard=e.contents.category, area=e.contents.area, area_path=e.area_path,
        source=e.source, source_number=e.number, revision=e.revision, versions=(*s.versions, made),
        current=made.number, stage=WarningStage.LIFTED if cancelled else WarningStage.PUBLISHED,
        lifted=e.issued if cancelled else 0,
    )  # fmt: skip


def _noted(s: WarningState, e: DecisionNoted) -> WarningState:
    return replace(s, undecided=tuple(q for q in s.undecided if q != e.question), decisions=(*s.decisions, e))


def _over(s: WarningState, e: WarningDangerOver) -> WarningState:
    timers = with_timers(without_clock(s.timers, "lift", "until"), e.timers)
    return replace(s, danger_over=e.at, lift_due=e.due, timers=timers)


_APPLY: dict[type, Any] = {
    WarningDrafted: _drafted,
    WarningApproved: _approved,
    WarningRefused: _refused,
    WarningPublished: _published,
    WarningResent: lambda s, e: replace(s, sendings=sent(s.sendings, e.sendings)),
    WarningDangerOver: _over,
    WarningLifted: _lifted,
    WarningWithdrawn: lambda s, e: replace(s, stage=WarningStage.WITHDRAWN, pending=0, timers={}),
    ExternalWarningTaken: _external,
    DecisionDue: lambda s, e: replace(s, undecided=(*s.undecided, e.question)),
    DecisionNoted: _noted,
    MatterReceived: lambda s, e: replace(s, receipts=(*s.receipts, e.receipt)),
    MatterEscalated: lambda s, e: replace(
        s, escalations=s.escalations + 1, timers=with_timers(s.timers, e.timers, gone=e.timer)
    ),
    SendingReported: lambda s, e: replace(s, sendings=reported(s.sendings, e)),
}
#: What makes no act stale.
_QUIET = (SendingReported, MatterEscalated)
WARNING_EVENTS = tuple(cls for cls in _APPLY if cls.__module__ == __name__)


def evolve_warning(state: WarningState, event: Any) -> WarningState:
    """Apply one event; chooses nothing."""
    after: WarningState = _APPLY[type(event)](state, event)
    return after if isinstance(event, _QUIET) else replace(after, version=state.version + 1)
