"""报备: an owner says beforehand where and when it purges, tests, digs or maintains, and what will feel it.

Words (contact, reason) lie in the vault under the announcement's own subject.
"""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.alarm import AlertReleased, AlertSuppressed, SuppressionEnded
from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import AnnouncementAction, AnnouncementKind, AnnouncementStage, Mode
from liandong.core.values.times import MINUTE

replace = msgspec.structs.replace
#: An announcement made so long after its beginning is marked (project default).
LATE = 5 * MINUTE


class AnnouncementAct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报备动作: a person, as one post, announces, extends, withdraws or ends."""

    id: str  #: from the client's idempotency key within person and target
    body_digest: str
    announcement: str
    action: AnnouncementAction
    person: str
    post: str
    version: int  #: If-Match; 0 for a new one
    kind: AnnouncementKind | None = None
    assets: tuple[str, ...] = ()
    area: str = ""
    sensors: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()  #: empty = all
    rules: tuple[str, ...] = ()  #: empty = all
    since: int | None = None
    until: int | None = None
    contact: VaultRef | None = None
    reason: VaultRef | None = None


class ActiveAnnouncement(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision needs of an announcement: where, what, from when until when."""

    id: str
    kind: AnnouncementKind
    unit: str
    any_owner: bool  #: said by the centre: it covers what other units own as well
    assets: tuple[str, ...]
    area_path: str  #: empty = only the assets and sensors named
    sensors: tuple[str, ...]
    hazards: tuple[str, ...]
    rules: tuple[str, ...]
    since: int
    until: int


class AnnouncementMade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已报备."""

    what: ActiveAnnouncement
    mode: Mode
    area_path: str  #: for who may see it
    declared_since: int  #: as its maker says; what lies before `at` was announced too late
    person: str
    post: str
    at: int
    contact: VaultRef | None = None
    reason: VaultRef | None = None
    timer: Timer


class AnnouncementExtended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报备已延长."""

    id: str
    until: int
    person: str
    post: str
    at: int
    reason: VaultRef | None = None
    timer: Timer


class AnnouncementEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """报备结束: expired, withdrawn by its owner, or ended by the centre."""

    id: str
    stage: AnnouncementStage
    person: str = ""
    post: str = ""
    at: int
    reason: VaultRef | None = None


class SuppressionNoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """屏蔽已记录: an alarm is held back because of this announcement, or no longer."""

    id: str
    grouping: str
    held: bool
    told: bool = False  #: when it is let go: it was still there and was told
    at: int


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """What an announcement did to one alarm."""

    first: int
    count: int = 0  #: how often it was held back
    held: bool = False
    told: int = 0  #: how often it was told after all


class AnnouncementState(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of an announcement's events."""

    id: str = ""
    version: int = 0
    stage: AnnouncementStage = AnnouncementStage.OPEN
    mode: Mode = Mode.REAL
    what: ActiveAnnouncement | None = None
    area_path: str = "/"
    declared_since: int = 0
    person: str = ""
    post: str = ""
    made: int = 0
    ended: int = 0
    ended_by: str = ""
    contact: VaultRef | None = None
    reason: VaultRef | None = None
    end_reason: VaultRef | None = None
    extensions: int = 0
    alarms: dict[str, Suppressed] = {}
    timers: dict[str, Timer] = {}

    @property
    def late(self) -> bool:
        """Whether it began before it was announced, by more than it takes to fill in a form."""
        return self.declared_since < self.made - LATE


def _made(s: AnnouncementState, e: AnnouncementMade) -> AnnouncementState:
    return AnnouncementState(
        id=e.what.id, version=s.version, mode=e.mode, what=e.what, area_path=e.area_path,
        declared_since=e.declared_since, person=e.person, post=e.post, made=e.at, contact=e.contact,
        reason=e.reason, timers={e.timer.id: e.timer},
    )  # fmt: skip


def _extended(s: AnnouncementState, e: AnnouncementExtended) -> AnnouncementState:
    assert s.what is not None
    what = replace(s.what, until=e.until)
    return replace(s, what=what, extensions=s.extensions + 1, timers={e.timer.id: e.timer})


def _ended(s: AnnouncementState, e: AnnouncementEnded) -> AnnouncementState:
    return replace(s, stage=e.stage, ended=e.at, ended_by=e.person, end_reason=e.reason, timers={})


def _noted(s: AnnouncementState, e: SuppressionNoted) -> AnnouncementState:
    one = s.alarms.get(e.grouping) or Suppressed(first=e.at)
    one = replace(one, held=e.held, count=one.count + e.held, told=one.told + e.told)
    return replace(s, alarms=s.alarms | {e.grouping: one})


_APPLY: dict[type, Any] = {
    AnnouncementMade: _made,
    AnnouncementExtended: _extended,
    AnnouncementEnded: _ended,
    SuppressionNoted: _noted,
    SuppressionEnded: lambda s, e: s,
}
#: What alarms make of it is no reason to refuse its owner's next act as stale.
_QUIET = (SuppressionNoted, SuppressionEnded)
ANNOUNCEMENT_EVENTS = tuple(cls for cls in _APPLY if cls.__module__ == __name__)
#: What an alarm tells the announcement that holds it back.
AlarmWord = AlertSuppressed | AlertReleased


def evolve_announcement(state: AnnouncementState, event: Any) -> AnnouncementState:
    """Apply one event; chooses nothing."""
    after: AnnouncementState = _APPLY[type(event)](state, event)
    return after if isinstance(event, _QUIET) else replace(after, version=state.version + 1)
