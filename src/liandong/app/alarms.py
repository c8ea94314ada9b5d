"""The list of alarms and what people do about them. Words go into the vault; the message holds references."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from liandong.app.access import Access
from liandong.app.handle import Answer, Handler
from liandong.app.ports import AlarmsAsked, Changes, Questions, Store, StreamRow, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.values.access import AccessScope
from liandong.core.values.alarm import AlarmAct, AlarmState, stage_on_list
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput, Forbidden, LiandongError, NotFound
from liandong.core.values.ids import act_id
from liandong.core.values.lists import AlarmAction, AlarmStage, Capability, Mode
from liandong.core.values.times import parse_time
from liandong.core.warn.chatter import chatters

_decoder = msgspec.json.Decoder(AlarmState)
#: Whoever handles cases sees and confirms; to keep an alarm from being told needs a right of its own.
_NEEDS = {
    AlarmAction.ACKNOWLEDGE: Capability.CASE_ACT,
    AlarmAction.TAKE_BACK: Capability.CASE_ACT,
}


@dataclass(frozen=True)
class Listed:
    """An alarm as it stands on the list."""

    state: AlarmState
    stage: AlarmStage
    by_case: bool  #: it is acknowledged because its case was judged
    stale: bool  #: active for longer than the policy's term
    chattering: bool


class Alarms:
    """Asks and writes about alarms for a scope."""

    def __init__(
        self, store: Store, questions: Questions, handler: Handler, writer: Writer, vault: Vault,
        access: Access,
    ) -> None:  # fmt: skip
        self._store, self._questions, self._handler = store, questions, handler
        self._writer, self._vault, self._access = writer, vault, access

    def all(
        self, scope: AccessScope, *, stage: AlarmStage | None = None, level: str = "", hazard: str = "",
        area: str = "", stale: bool = False, after: str = "", limit: int = 50,
    ) -> tuple[list[Listed], str]:  # fmt: skip
        """Alarms on the list within the scope, newest first, and the next cursor."""
        policy = self._handler.policy
        if stage == AlarmStage.NORMAL:
            raise BadInput("alarm.normal_not_listed")
        if area and area not in policy.city.areas:
            raise BadInput("warning.bad_area", area=area[:64])
        stages: tuple[str, ...] = (stage.value,) if stage else ()
        if stale and not stage:
            stages = (AlarmStage.UNACKNOWLEDGED.value, AlarmStage.ACKNOWLEDGED.value)
        asked = AlarmsAsked(
            stages=stages, level=level, hazard=hazard, area_path=policy.city.area_path(area) if area else "",
            since_before=scope.now - policy.alarm_terms.stale_us if stale else 0,
        )  # fmt: skip
        rows, cursor = self._questions.alarms(scope, asked, after=after, limit=limit)
        return [self._listed(scope, row, case) for row, case in rows], cursor

    def one(self, scope: AccessScope, grouping: str) -> Listed:
        """One by its grouping. Outside the scope NotFound, journalled."""
        row = self._row(scope, grouping)
        case = self._store.latest("case", row.grouping)
        return self._listed(scope, row, case.stage if case else "")

    def _listed(self, scope: AccessScope, row: StreamRow, case: str) -> Listed:
        state = _decoder.decode(row.body or b"{}")
        terms = self._handler.policy.alarm_terms
        stage = stage_on_list(row.stage, case)
        return Listed(
            state=state, stage=stage, by_case=stage != row.stage,
            stale=state.active and scope.now - state.since >= terms.stale_us,
            chattering=state.chatter > 0 or (state.active and chatters(terms, state.raises)),
        )  # fmt: skip

    def _row(self, scope: AccessScope, grouping: str) -> StreamRow:
        row = self._store.load([f"alarm:{grouping}"]).get(f"alarm:{grouping}")
        if row is None or row.body is None or not self._may_see(scope, row):
            self._access.note(scope, "access.outside_scope", case="?")
            raise NotFound("alarm.unknown", alarm=grouping[:100])
        return row

    def _may_see(self, scope: AccessScope, row: StreamRow) -> bool:
        """By a standing right over hazard and area, or because the unit takes part in the case."""
        if scope.covers(Capability.CASE_READ, row.domain, row.area_path, Mode(row.mode)):
            return True
        case = self._store.latest("case", row.grouping)
        return case is not None and self._questions.case(scope, case.stream[len("case:") :]) is not None

    def words(self, ref: VaultRef | None) -> str | None:
        """What a reference stands for; None where there is none, or where it was erased."""
        row = self._store.vault_row(ref.id) if ref else None
        if row is None or ref is None:
            return None
        try:
            return self._vault.open(row, ref).decode("utf-8", "replace")
        except LiandongError:
            return None

    def act(
        self, scope: AccessScope, grouping: str, action: AlarmAction, fields: Mapping[str, Any], key: str,
        version: int,
    ) -> Future[Answer]:  # fmt: skip
        """A person's act. Raises NotFound outside the scope, Forbidden without the right, both journalled."""
        row = self._row(scope, grouping)
        wanted = _NEEDS.get(action, Capability.ALARM_SHELVE)
        if not scope.covers(wanted, row.domain, row.area_path, Mode(row.mode)):
            self._access.note(scope, "access.forbidden", capability=wanted.value)
            raise Forbidden("auth.no_capability", capability=wanted.value)
        if not scope.post or not scope.person:
            raise Forbidden("power.no_post")
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self._handler.policy
        subject = f"alarm:{grouping}"
        id = act_id(policy.city.key, policy.mode, scope.person, subject, key)
        until, reason = fields.get("until"), fields.get("reason")
        rows: list[VaultRow] = []
        ref: VaultRef | None = None
        digest = sha256(canonical_bytes([id, action.value, scope.post, version, dict(fields)]))
        if reason:
            ref, sealed = self._vault.seal(subject, reason)
            rows.append(sealed)
            digest = self._vault.blind(subject, digest)
        message = AlarmAct(
            id=id, body_digest=digest, grouping=grouping, action=action, person=scope.person, post=scope.post,
            version=version, until=parse_time(until) if until else None, reason=ref,
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self._writer.submit(Admit(message, scope.person, extra=keep))
