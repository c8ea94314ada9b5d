"""Mechanisms on their way into force: drafted, consulted on, proven, published, and taken up when it is time.

A draft's content is a dataset, named by its digest; its stream holds who said what. What enters into force
is the very content that was proven: the policy is committed by digest, in the writer's own turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import msgspec

from liandong.app.access import Access, id_only
from liandong.app.handle import Answer, Handler
from liandong.app.policies import admit_drafted, current_policy, draft_commit
from liandong.app.ports import Changes, Store, VaultRow
from liandong.app.vault import Vault
from liandong.app.writer import Admit, Books, Writer
from liandong.core.mechanism.difference import Change, changes
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.catalogue import prove_document
from liandong.core.mechanism.proofs.ground import Facts
from liandong.core.mechanism.proofs.opens import emitted
from liandong.core.values.access import AccessScope
from liandong.core.values.canonical import canonical_bytes, sha256
from liandong.core.values.case import VaultRef
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput, Forbidden, LiandongError, NotFound
from liandong.core.values.ids import act_id, make_id
from liandong.core.values.lists import Capability, DraftAction, DraftStatus, Stand
from liandong.core.values.publication import DraftState, MechanismAct

_KIND = "mechanism"
_ORIGIN = "publication"
_state = msgspec.json.Decoder(DraftState)
_mechanism = msgspec.json.Decoder(Mechanism)
replace = msgspec.structs.replace


class Publications:
    """Asks and writes about drafts of mechanisms."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, vault: Vault, access: Access) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._vault, self._access = vault, access
        #: Files by name → the document with what fills it; set by whoever knows their form.
        self.read: Callable[[Mapping[str, str]], Mechanism] = _no_reader
        self._waiting: dict[str, DraftState] | None = None  #: published, not yet in force
        writer.listeners.append(self._committed)

    # Reading.

    def all(self, scope: AccessScope) -> list[DraftState]:
        """Drafts that the scope may see: all with the right to read, else those its unit is asked about."""
        found = (_state.decode(row.body) for row in self._store.states(_KIND) if row.body is not None)
        seen = [state for state in found if self._sees(scope, state)]
        return sorted(seen, key=lambda state: (-state.drafted_at, state.id))

    def one(self, scope: AccessScope, draft: str) -> DraftState:
        """One draft. Raises NotFound, journalled, outside the scope."""
        state = self._load(draft)
        if not state.id or not self._sees(scope, state):
            self._access.note(scope, "access.outside_scope", case=id_only(draft))
            raise NotFound("mechanism.unknown", draft=draft[:64])
        return state

    def content(self, state: DraftState) -> Mechanism:
        """The document of a draft."""
        return _mechanism.decode(self._dataset(state.digest))

    def differences(self, state: DraftState, unit: str = "") -> tuple[Change, ...]:
        """What would change against what is in force, for everybody or for one unit."""
        policy = self._handler.policy
        live = emitted(policy.city, policy.rules.values(), policy.routing)
        facts = Facts(since=0, until=0, emitted=frozenset(live))
        found = changes(policy.routing.mechanism, self.content(state), policy.city, facts)
        return tuple(change for change in found if not unit or unit in change.units)

    def proof(self, state: DraftState) -> tuple[Fault, ...]:
        """The document proofs over a draft, in this city's tree and calendar."""
        return prove_document(self.content(state), self._handler.policy.city)

    def words(self, ref: VaultRef | None) -> str | None:
        """What a reference stands for; None where there is none, or where it was erased."""
        row = self._store.vault_row(ref.id) if ref else None
        if row is None or ref is None:
            return None
        try:
            return self._vault.open(row, ref).decode("utf-8", "replace")
        except LiandongError:
            return None

    # Writing.

    def draft(
        self, scope: AccessScope, content: Mechanism, version: int, key: str, draft: str = "", words: str = ""
    ) -> Future[Answer]:
        """A new draft, or new content for one that exists; the content is proven at once."""
        body = canonical_bytes(replace(content, version=0))
        digest = sha256(body)
        if draft:
            self.one(scope, draft)
        else:
            policy = self._handler.policy
            draft = make_id("mec", policy.city.key, policy.mode, content.key, scope.person, key)
        routing = self._handler.policy.routing
        base = sha256(canonical_bytes(replace(routing.mechanism, version=0)))
        faults = tuple(sorted({fault.kind for fault in prove_document(content, self._handler.policy.city)}))

        def keep(changes: Changes) -> None:
            changes.datasets[digest] = (_KIND, body)

        drafted = self._act(
            scope, DraftAction.DRAFT, draft, version, key, words=words, extra=keep,
            mechanism=content.key, digest=digest, base=base, issuer=content.issuer,
        )  # fmt: skip
        answer = drafted.result()
        state = self._load(draft)
        # Also where the answer repeats an earlier one: its proof may have been cut off.
        if answer.status == "refused" or state.digest != digest or state.proven == digest or state.faults:
            return drafted
        proof = MechanismAct(
            id=self._said(draft, DraftAction.PROVE, state.version), draft=draft,
            action=DraftAction.PROVE, person="", post="", version=0, digest=digest, faults=faults,
        )  # fmt: skip
        return self._writer.submit(Admit(proof, _ORIGIN))

    def consult(
        self, scope: AccessScope, draft: str, version: int, key: str, units: Sequence[str], until: int
    ) -> Future[Answer]:
        """Ask units for their opinion on the rows that change for them; none named = all concerned."""
        state = self.one(scope, draft)
        concerned: dict[str, list[str]] = {unit: [] for unit in units}
        for change in self.differences(state):
            for unit in change.units:
                if units and unit not in units:
                    continue
                rows = concerned.setdefault(unit, [])
                rows += [row for row in change.rows if row not in rows]
        asked = tuple((unit, tuple(rows)) for unit, rows in sorted(concerned.items()))
        return self._act(scope, DraftAction.CONSULT, draft, version, key, rows=asked, until=until)

    def act(
        self,
        scope: AccessScope,
        draft: str,
        action: DraftAction,
        version: int,
        key: str,
        fields: Mapping[str, Any],
    ) -> Future[Answer]:
        """Every other act of a person: opinion, decision, countersignature, publication, withdrawal."""
        if action in (DraftAction.PROVE, DraftAction.ENTER_FORCE, DraftAction.SUPERSEDE):
            raise Forbidden("mechanism.platform_only")
        self.one(scope, draft)
        given = dict(fields)
        words = str(given.pop("text", "") or "")
        stand = given.pop("stand", None)
        return self._act(
            scope, action, draft, version, key, words=words, stand=Stand(stand) if stand else None, **given
        )

    def _act(
        self,
        scope: AccessScope,
        action: DraftAction,
        draft: str,
        version: int,
        key: str,
        words: str = "",
        extra: Callable[[Changes], None] | None = None,
        **fields: Any,
    ) -> Future[Answer]:
        if not scope.post or not scope.person:
            raise Forbidden("shift.no_post")
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self._handler.policy
        rows: list[VaultRow] = []
        ref = None
        subject = f"person:{scope.person}"
        if words:
            ref, row = self._vault.seal(subject, words)
            rows.append(row)
        id = act_id(policy.city.key, policy.mode, scope.person, f"{_KIND}:{draft}", key)
        # What follows from the city (`base`) may differ when the same is asked again.
        asked = {name: value for name, value in fields.items() if name != "base"}
        said = sha256(canonical_bytes([id, action, scope.post, version, words, asked]))
        message = MechanismAct(
            id=id, body_digest=self._vault.blind(subject, said), draft=draft, action=action,
            person=scope.person, post=scope.post, version=version, text=ref, **fields,
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.vault += rows
            if extra is not None:
                extra(changes)

        return self._writer.submit(Admit(message, scope.person, extra=keep))

    # Into force.

    def tick(self, now: int) -> None:
        """Take up what was published for a moment that has come."""
        for state in [*self._published().values()]:
            if state.in_force <= now:
                self._writer.submit(Books(partial(self._take_up, state, now)))

    def _take_up(self, state: DraftState, now: int, changes: Changes) -> None:
        """In the writer's turn: commit the policy, and say so in the stream of this draft and of the last."""
        handler = self._handler
        if self._load(state.id).status != DraftStatus.PUBLISHED:
            return
        # From the store: a group that failed is decided again, and by then the handler may know the new one.
        before = current_policy(self._store, handler.policy.mode) or handler.committed
        drafted = draft_commit(
            before, before.city.city, self.content(state), tuple(before.rules.values()), before.channels,
            state.publisher, f"{state.mechanism} {state.number}",
        )  # fmt: skip
        if drafted is not None:
            admit_drafted(handler, drafted, now, changes)
        for older in self._in_force():
            self._say(DraftAction.SUPERSEDE, older, now, supersedes=state.number)
        self._say(DraftAction.ENTER_FORCE, state, now)

    def _said(self, draft: str, action: DraftAction, version: int) -> str:
        """The platform says something once about a version of a draft."""
        policy = self._handler.policy
        return make_id("act", policy.city.key, policy.mode, draft, action.value, version)

    def _say(self, action: DraftAction, state: DraftState, now: int, **fields: Any) -> None:
        message = MechanismAct(
            id=self._said(state.id, action, state.version), draft=state.id, action=action, person="",
            post="", version=0, **fields,
        )  # fmt: skip
        self._handler.admit(message, _ORIGIN, now)

    def _in_force(self) -> Iterable[DraftState]:
        """A city has one mechanism: the next supersedes whatever its key was."""
        for row in self._store.states(_KIND):
            state = _state.decode(row.body) if row.body is not None else DraftState()
            if state.status == DraftStatus.IN_FORCE:
                yield state

    def _published(self) -> dict[str, DraftState]:
        if self._waiting is None:
            rows = (_state.decode(row.body) for row in self._store.states(_KIND) if row.body is not None)
            self._waiting = {s.id: s for s in rows if s.status == DraftStatus.PUBLISHED}
        return self._waiting

    def _committed(self, changes: Changes) -> None:
        if any(stream.startswith(f"{_KIND}:") for stream in changes.streams):
            self._waiting = None

    # Helpers.

    def _sees(self, scope: AccessScope, state: DraftState) -> bool:
        rights = (Capability.MECHANISM_READ, Capability.MECHANISM_DRAFT, Capability.MECHANISM_PUBLISH)
        return any(scope.may(right) for right in rights) or scope.unit in dict(state.asked)

    def _load(self, draft: str) -> DraftState:
        stream = f"{_KIND}:{draft}"
        row = self._store.load([stream]).get(stream)
        return DraftState() if row is None or row.body is None else _state.decode(row.body)

    def _dataset(self, digest: str) -> bytes:
        body = self._store.dataset(digest)
        if body is None:
            raise NotFound("policy.dataset_missing", digest=digest)
        return body


def _no_reader(files: Mapping[str, str]) -> Mechanism:
    raise BadInput("mechanism.no_reader")
