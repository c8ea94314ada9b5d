"""报备: what owners announce, how many alarms each announcement suppressed, and which were real after all."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.app.access import Access, id_only
from liandong.app.handle import Answer, Handler
from liandong.app.ports import Changes, Store, StreamRow, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.values.access import AccessScope
from liandong.core.values.announcement import AnnouncementAct, AnnouncementState
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import CaseState, VaultRef
from liandong.core.values.errors import BadInput, Forbidden, NotFound
from liandong.core.values.ids import act_id, make_id
from liandong.core.values.lists import (
    AnnouncementAction,
    AnnouncementKind,
    AnnouncementStage,
    Capability,
    Cause,
    Mode,
    Verdict,
)
from liandong.core.values.times import DAY, parse_time

_decoder = msgspec.json.Decoder(AnnouncementState)
_case = msgspec.json.Decoder(CaseState)
#: A suppressed alarm counts as real after all if its case opens so soon after it was suppressed and is real
#: (project default).
LATER = DAY
_WORDS = ("contact", "reason")


@dataclass(frozen=True)
class Effect:
    """What an announcement did."""

    suppressed: int  #: alarms held back, each once
    times: int  #: how often
    told: int  #: alarms told after all, because they were still there or became worse
    real: tuple[str, ...]  #: groupings whose case, opened within a day, was found to be real


class Announcements:
    """Asks and writes about announcements for a scope."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, vault: Vault, access: Access) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._access = vault, access

    def all(self, scope: AccessScope, stage: AnnouncementStage | None = None) -> list[AnnouncementState]:
        """Announcements within the scope, the newest first."""
        rows = self._store.states("announcement", stage.value if stage else "")
        ordered = sorted(rows, key=lambda row: (row.opened, row.stream), reverse=True)
        return [_decoder.decode(row.body) for row in ordered if row.body and _sees(scope, row)]

    def one(self, scope: AccessScope, id: str) -> AnnouncementState:
        """One by its id. Outside the scope NotFound, journalled."""
        row = self._store.load([f"announcement:{id}"]).get(f"announcement:{id}")
        if row is None or row.body is None or not _sees(scope, row):
            self._access.note(scope, "access.outside_scope", case=id_only(id))
            raise NotFound("announcement.unknown", announcement=id[:64])
        return _decoder.decode(row.body)

    def effect(self, state: AnnouncementState) -> Effect:
        """How many alarms it suppressed, and which of them were real after all."""
        streams = self._store.load([f"alarm:{grouping}" for grouping in state.alarms])
        #: Grouping of the case → its newest one; alarms of a storm share it, and it is asked for once.
        cases: dict[str, CaseState | None] = {}
        real = []
        for grouping, one in sorted(state.alarms.items()):
            row = streams.get(f"alarm:{grouping}")
            key = row.grouping if row else grouping
            if key not in cases:
                cases[key] = self._case(key)
            if _was_real(cases[key], one.first):
                real.append(grouping)
        return Effect(
            suppressed=len(state.alarms), times=sum(one.count for one in state.alarms.values()),
            told=sum(one.told > 0 for one in state.alarms.values()), real=tuple(real),
        )  # fmt: skip

    def _case(self, grouping: str) -> CaseState | None:
        row = self._store.latest("case", grouping)
        return None if row is None or row.body is None else _case.decode(row.body)

    # Acting.

    def announce(self, scope: AccessScope, fields: Mapping[str, Any], key: str) -> Future[Answer]:
        """A new announcement, for the unit of the scope's post."""
        policy = self._handler.policy
        id = make_id("anc", policy.city.key, policy.mode, scope.person, _key(key))
        return self._do(scope, id, AnnouncementAction.ANNOUNCE, fields, key, 0)

    def act(
        self, scope: AccessScope, id: str, action: AnnouncementAction, fields: Mapping[str, Any], key: str,
        version: int,
    ) -> Future[Answer]:  # fmt: skip
        """Extend, withdraw or end one. Raises NotFound outside the scope."""
        self.one(scope, id)
        if action == AnnouncementAction.ANNOUNCE:
            raise BadInput("announcement.exists", announcement=id)
        return self._do(scope, id, action, fields, key, version)

    def _do(
        self, scope: AccessScope, id: str, action: AnnouncementAction, fields: Mapping[str, Any], key: str,
        version: int,
    ) -> Future[Answer]:  # fmt: skip
        if not scope.post or not scope.person:
            self._access.note(scope, "access.no_shift")
            raise Forbidden("power.no_post")
        policy = self._handler.policy
        subject = f"announcement:{id}"
        act = act_id(policy.city.key, policy.mode, scope.person, subject, _key(key))
        digest = sha256(canonical_bytes([act, action.value, scope.post, version, dict(fields)]))
        rows: list[VaultRow] = []
        refs: dict[str, VaultRef] = {}
        for name in _WORDS:
            if fields.get(name):
                refs[name], row = self._vault.seal(subject, fields[name])
                rows.append(row)
        since, until, kind = fields.get("since"), fields.get("until"), fields.get("kind")
        message = AnnouncementAct(
            id=act, body_digest=self._vault.blind(subject, digest) if rows else digest, announcement=id,
            action=action, person=scope.person, post=scope.post, version=version,
            kind=AnnouncementKind(kind) if kind else None, area=fields.get("area") or "",
            since=parse_time(since) if since else None, until=parse_time(until) if until else None,
            assets=tuple(fields.get("assets") or ()), sensors=tuple(fields.get("sensors") or ()),
            hazards=tuple(fields.get("hazards") or ()), rules=tuple(fields.get("rules") or ()),
            contact=refs.get("contact"), reason=refs.get("reason"),
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self._writer.submit(Admit(message, scope.person, extra=keep))


def _was_real(case: CaseState | None, first: int) -> bool:
    """Whether the case that followed a suppression was found to be real."""
    if case is None or not first <= case.opened <= first + LATER:
        return False
    return case.cause == Cause.REAL or (case.cause is None and case.verdict == Verdict.REAL)


def _sees(scope: AccessScope, row: StreamRow) -> bool:
    return may_see(scope, row.unit, row.area_path, Mode(row.mode))


def may_see(scope: AccessScope, unit: str, area_path: str, mode: Mode) -> bool:
    """Its own unit, and whoever may see what happens in its area, of whatever hazard."""
    own = scope.unit != "" and unit == scope.unit
    return own or any(
        grant.capability == Capability.CASE_READ
        and area_path.startswith(grant.area_path)
        and mode in grant.modes
        for grant in scope.grants
    )


def _key(key: str) -> str:
    if not key or len(key) > 200:
        raise BadInput("act.no_key")
    return key
