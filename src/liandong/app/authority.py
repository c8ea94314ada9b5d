"""The doors of warnings, responses and resources: who may see them, and what persons do about them.

Words (what to be careful of, measures, matter, reasons) go into the vault under the stream they belong to;
the messages hold references. There are few of these streams, so lists are read and filtered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec

from liandong.app.access import Access, id_only
from liandong.app.handle import Answer, Handler
from liandong.app.ports import CaseFacts, Changes, ParticipantRow, Store, StreamRow, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Writer
from liandong.core.coordinate.matters import is_centre
from liandong.core.coordinate.responses import id_of
from liandong.core.values.access import AccessScope, Session
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import VaultRef
from liandong.core.values.errors import BadInput, Forbidden, LiandongError, NotFound
from liandong.core.values.ids import act_id, make_id
from liandong.core.values.lists import (
    Capability,
    Mode,
    Participation,
    ResourceAction,
    ResponseAction,
    WarningAction,
    WarningChange,
)
from liandong.core.values.public_warning import Contents, ExternalWarning, WarningAct, WarningState
from liandong.core.values.resource import ResourceAct, ResourceState
from liandong.core.values.response import ResponseAct, ResponseState
from liandong.core.values.times import parse_time

State = TypeVar("State", WarningState, ResponseState, ResourceState)
Fields = Mapping[str, Any]
#: Kind of stream → type of its state.
MATTERS: dict[str, type[WarningState] | type[ResponseState] | type[ResourceState]] = {
    "warning": WarningState,
    "response": ResponseState,
    "resource": ResourceState,
}
_KIND: dict[type, str] = {state: kind for kind, state in MATTERS.items()}
_TIMES = ("starts", "issues", "until")
_SEALED = ("caution", "measures")


class Authority:
    """Asks and writes about warnings, responses and resources for a scope."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, vault: Vault, access: Access) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._access = vault, access

    # Reading.

    def all(self, scope: AccessScope, kind: type[State], only: Callable[[State], bool] = bool) -> list[State]:
        """Everything of a kind within the scope, the newest first."""
        rows = sorted(self._store.states(_KIND[kind]), key=lambda row: (row.opened, row.stream), reverse=True)
        found = ((row, self._state(row, kind)) for row in rows)
        return [
            state for row, state in found if state is not None and may_see(scope, row, state) and only(state)
        ]

    def one(self, scope: AccessScope, kind: type[State], id: str) -> State:
        """One by its id. Outside the scope NotFound, journalled."""
        stream = f"{_KIND[kind]}:{id}"
        row = self._store.load([stream]).get(stream)
        state = self._state(row, kind) if row else None
        if row is None or state is None or not may_see(scope, row, state):
            self._access.note(scope, "access.outside_scope", case=id_only(id))
            raise NotFound(f"{_KIND[kind]}.unknown", **{_NAMED[kind]: id[:64]})
        return state

    def words(self, ref: VaultRef | None) -> str | None:
        """What a reference stands for; None where there is none, or where it was erased."""
        row = self._store.vault_row(ref.id) if ref else None
        if row is None or ref is None:
            return None
        try:
            return self._vault.open(row, ref).decode("utf-8", "replace")
        except LiandongError:
            return None

    def _state(self, row: StreamRow, kind: type[State]) -> State | None:
        if row.body is None:
            return None
        state = msgspec.json.decode(row.body, type=kind)
        return state if state.id else None

    # Acting. Each raises BadInput for what says too little, NotFound outside the scope.

    def draft_warning(self, scope: AccessScope, fields: Fields, key: str) -> Future[Answer]:
        """A new public warning, drafted as the post of the scope."""
        id = self._new(scope, "wrn", key)
        return self._warn(scope, id, WarningAction.DRAFT, fields, key, 0, Contents())

    def warn(
        self, scope: AccessScope, id: str, action: WarningAction, fields: Fields, key: str, version: int
    ) -> Future[Answer]:
        """Something about a warning. Fields that are not given stay as in the newest version."""
        state = self.one(scope, WarningState, id)
        before = state.versions[-1].contents if state.versions else Contents()
        return self._warn(scope, id, action, fields, key, version, before)

    def _warn(
        self, scope: AccessScope, id: str, action: WarningAction, fields: Fields, key: str, version: int,
        before: Contents,
    ) -> Future[Answer]:  # fmt: skip
        rows: list[VaultRow] = []
        subject = f"warning:{id}"
        changes = {name: fields[name] for name in Contents.__struct_fields__ if fields.get(name) is not None}
        changes |= {name: parse_time(changes[name]) for name in _TIMES if name in changes}
        changes |= {name: self._seal(subject, changes[name], rows) for name in _SEALED if name in changes}
        with_contents = action in (
            WarningAction.DRAFT, WarningAction.REVISE, WarningAction.RAISE, WarningAction.LOWER
        )  # fmt: skip
        message = WarningAct(
            **self._head(scope, subject, action, fields, key, version), warning=id, action=action,
            contents=msgspec.structs.replace(before, **changes) if with_contents else None,
            reason=self._seal(subject, fields.get("reason"), rows),
        )  # fmt: skip
        return self._admit(scope, message, rows)

    def external(
        self,
        session: Session,
        source: str,
        number: str,
        revision: int,
        change: WarningChange,
        fields: Fields,
    ) -> Future[Answer]:
        """A warning as its issuer sent it: by a source of the city that may send, or typed in at the centre.

        Raises Forbidden for everybody else.
        """
        self._may_take(session)
        policy = self._handler.policy
        id = make_id("wrn", policy.city.key, policy.mode, source, number)
        rows: list[VaultRow] = []
        subject = f"warning:{id}"
        given: dict[str, Any] = {name: self._seal(subject, fields.get(name), rows) for name in _SEALED}
        given |= {name: parse_time(fields[name]) if fields.get(name) else None for name in _TIMES}
        issued = given["issues"]
        if issued is None:
            raise BadInput("warning.incomplete", missing="issues")
        contents = Contents(
            category=fields.get("category") or "", colour=fields.get("colour") or "",
            area=fields.get("area") or "", issuer=fields.get("issuer") or "", **given,
        )  # fmt: skip
        message = ExternalWarning(
            source=source, number=number, revision=revision, change=change, contents=contents, issued=issued,
            message=fields.get("message") or "",
        )  # fmt: skip
        return self._admit(self._access.scope(session), message, rows)

    def _may_take(self, session: Session) -> None:
        city = self._handler.policy.city
        if session.source:
            rights = city.permissions(session.source)
            if any(row.capability == Capability.READINGS_SEND for row in rights):
                return
        elif (post := city.posts.get(session.post)) and is_centre(self._handler.policy, post.unit):
            return
        wanted = Capability.READINGS_SEND.value
        self._access.note(
            self._access.scope(session), "access.forbidden", who=session.source, capability=wanted
        )
        raise Forbidden("auth.no_capability", capability=wanted)

    def start_response(self, scope: AccessScope, fields: Fields, key: str) -> Future[Answer]:
        """A response that nobody has asked for yet, for a hazard and an area."""
        policy = self._handler.policy
        area = fields.get("area") or ""
        if area not in policy.city.areas:
            raise BadInput("warning.bad_area", area=area[:64])
        id = id_of(policy, policy.mode, fields.get("hazard") or "", area)
        row = self._store.load([f"response:{id}"]).get(f"response:{id}")
        return self._respond(scope, id, ResponseAction.START, fields, key, row.version if row else 0)

    def respond(
        self, scope: AccessScope, id: str, action: ResponseAction, fields: Fields, key: str, version: int
    ) -> Future[Answer]:
        """A decision about a response, or what was done under it."""
        self.one(scope, ResponseState, id)
        return self._respond(scope, id, action, fields, key, version)

    def _respond(
        self, scope: AccessScope, id: str, action: ResponseAction, fields: Fields, key: str, version: int
    ) -> Future[Answer]:
        rows: list[VaultRow] = []
        subject = f"response:{id}"
        given = {
            name: fields[name]
            for name in ("hazard", "area", "question", "level", "expected_s", "measure", "taken")
            if fields.get(name) is not None
        }
        message = ResponseAct(
            **self._head(scope, subject, action, fields, key, version), response=id, action=action,
            told=tuple(fields.get("told") or ()), matter=self._seal(subject, fields.get("matter"), rows),
            measures=self._seal(subject, fields.get("measures"), rows),
            reason=self._seal(subject, fields.get("reason"), rows), **given,
        )  # fmt: skip
        return self._admit(scope, message, rows)

    def request(self, scope: AccessScope, fields: Fields, key: str) -> Future[Answer]:
        """A new request for a resource."""
        return self._resource(scope, self._new(scope, "rsq", key), ResourceAction.REQUEST, fields, key, 0)

    def resource(
        self, scope: AccessScope, id: str, action: ResourceAction, fields: Fields, key: str, version: int
    ) -> Future[Answer]:
        """The next step of a request."""
        self.one(scope, ResourceState, id)
        return self._resource(scope, id, action, fields, key, version)

    def _resource(
        self, scope: AccessScope, id: str, action: ResourceAction, fields: Fields, key: str, version: int
    ) -> Future[Answer]:
        rows: list[VaultRow] = []
        subject = f"resource:{id}"
        names = (
            "resource", "owner", "quantity", "measure", "case", "hazard", "level", "area", "other",
            "requisition", "amount",
        )  # fmt: skip
        given = {name: fields[name] for name in names if fields.get(name) is not None}
        message = ResourceAct(
            **self._head(scope, subject, action, fields, key, version), request=id, action=action,
            reason=self._seal(subject, fields.get("reason"), rows), **given,
        )  # fmt: skip
        return self._admit(scope, message, rows)

    # What all of them need.

    def _new(self, scope: AccessScope, kind: str, key: str) -> str:
        self._post(scope)
        policy = self._handler.policy
        return make_id(kind, policy.city.key, policy.mode, scope.person, _key(key))

    def _post(self, scope: AccessScope) -> str:
        if not scope.post or not scope.person:
            self._access.note(scope, "access.no_shift")
            raise Forbidden("power.no_post")
        return scope.post

    def _head(
        self, scope: AccessScope, subject: str, action: str, fields: Fields, key: str, version: int
    ) -> dict[str, Any]:
        """Who does it under which name; the digest is keyed with the stream's secret, as it covers words."""
        policy = self._handler.policy
        id = act_id(policy.city.key, policy.mode, scope.person, subject, _key(key))
        body = {name: value for name, value in fields.items() if value is not None}
        digest = sha256(canonical_bytes([id, action, scope.post, version, body]))
        return {
            "id": id, "body_digest": self._vault.blind(subject, digest), "person": scope.person,
            "post": self._post(scope), "version": version,
        }  # fmt: skip

    def _seal(self, subject: str, words: str | None, rows: list[VaultRow]) -> VaultRef | None:
        if not words:
            return None
        ref, row = self._vault.seal(subject, words)
        rows.append(row)
        return ref

    def _admit(self, scope: AccessScope, message: Any, rows: list[VaultRow]) -> Future[Answer]:
        def keep(changes: Changes) -> None:
            changes.vault += rows

        return self._writer.submit(Admit(message, scope.person or "source", extra=keep))


_NAMED: dict[type, str] = {WarningState: "warning", ResponseState: "response", ResourceState: "request"}


def may_see(scope: AccessScope, row: StreamRow, state: WarningState | ResponseState | ResourceState) -> bool:
    """By a standing right over its hazard and area, or because the unit has a part in it."""
    covered = scope.covers(Capability.CASE_READ, row.domain, row.area_path, Mode(row.mode))
    return covered or (scope.unit != "" and scope.unit in units_of(state))


def units_of(state: WarningState | ResponseState | ResourceState) -> set[str]:
    """Units that have a part in it: they draft, decide, take measures, release, or are told."""
    if isinstance(state, ResourceState):
        return {state.unit, state.owner, *state.units} - {""}
    told: Iterable[str] = (one.unit for one in state.sendings.values())
    if isinstance(state, WarningState):
        return {*state.units, *told} - {""}
    asked = (unit for question in state.questions.values() for unit in question.units)
    takers = (measure.unit for measure in state.measures.values())
    return {state.unit, *told, *asked, *takers} - {""}


def facts_of(rows: Iterable[StreamRow]) -> dict[str, CaseFacts]:
    """Of streams of these kinds, who may know of them; as `may_see` says it."""
    found = {}
    for row in rows:
        state = None if row.body is None else msgspec.json.decode(row.body, type=MATTERS[row.kind])
        if state is None:
            continue
        units = sorted(units_of(state))
        found[row.stream] = CaseFacts(
            domain=row.domain, area_path=row.area_path, mode=row.mode,
            participants=tuple(
                ParticipantRow(case=row.stream, part=Participation.INFORM, unit=u, post="", since=0, until=0)
                for u in units
            ),
        )  # fmt: skip
    return found


def _key(key: str) -> str:
    if not key or len(key) > 200:
        raise BadInput("act.no_key")
    return key
