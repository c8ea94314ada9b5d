"""Who is asking, what they may touch, and the note that is kept of it."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

import msgspec

from liandong.app.bounded import Newest
from liandong.app.clock import TimeSource
from liandong.app.handle import Handler
from liandong.app.ports import Changes, Questions, Store, StreamRow
from liandong.app.writer import Books, Writer
from liandong.core.values.access import AccessScope, Session, scope_of
from liandong.core.values.case import CaseState
from liandong.core.values.errors import Forbidden, NotFound, Unauthenticated
from liandong.core.values.journal import EntryKind, JournalRow
from liandong.core.values.lists import Capability
from liandong.core.values.times import DAY, SECOND

_case_decoder = msgspec.json.Decoder(CaseState)
#: A device sends many times a second; its token is looked up this often, and a revoked one lives as long.
_SENDER_KEPT = SECOND
_MOST_SENDERS = 10_000


class Access:
    """Sessions and scopes; what is looked at or refused is journalled in the person's stream."""

    def __init__(
        self, store: Store, questions: Questions, handler: Handler, writer: Writer, clock: TimeSource
    ) -> None:
        self._store, self._questions, self._handler = store, questions, handler
        self._writer, self._clock = writer, clock
        self._senders: Newest[str, tuple[Session, int]] = Newest(_MOST_SENDERS)

    def session(self, token: str) -> Session:
        """Who a token stands for. Raises Unauthenticated."""
        if not token:
            raise Unauthenticated("auth.missing")
        digest, now = token_digest(token), self._clock.read().now
        kept = self._kept(digest, now)
        if kept is not None:
            return kept
        found = self._store.credential(digest)
        if found is None or (found[1] and found[1] <= now):
            raise Unauthenticated("auth.invalid")
        session = found[0]
        if session.source and not session.post:
            self._senders[digest] = (session, now)
        if session.post and not self._handler.policy.city.holds(
            session.person, session.post, self._writer.now
        ):
            raise Forbidden("auth.post_not_held", post=session.post)
        return session

    def known(self, token: str) -> Session | None:
        """The source of a token that was looked up a moment ago, without asking the store; else None."""
        return self._kept(token_digest(token), self._clock.read().now) if token else None

    def _kept(self, digest: str, now: int) -> Session | None:
        kept = self._senders.get(digest)
        return kept[0] if kept is not None and kept[1] <= now < kept[1] + _SENDER_KEPT else None

    def scope(self, session: Session) -> AccessScope:
        """What the session may touch now."""
        return scope_of(self._handler.policy.city, session, self._writer.now)

    def issue_token(self, session: Session, days: int = 1) -> str:
        """A new token; only its digest is stored."""
        token = secrets.token_urlsafe(32)
        expires = self._clock.read().now + days * DAY

        def keep(changes: Changes) -> None:
            changes.credentials.append((token_digest(token), session, expires))

        self._writer.submit(Books(keep)).result()
        return token

    def note(self, scope: AccessScope, key: str, *, who: str = "", **params: Any) -> None:
        """Journal an access or the refusal of one, in the person's stream, or in that of `who`."""
        now = self._writer.now
        stream = f"access:{who or scope.person or 'unknown'}"

        def keep(changes: Changes) -> None:
            self._handler.note(EntryKind.ACCESS, stream, now, key, post=scope.post, **params)

        self._writer.submit(Books(keep))

    def note_system(self, key: str, **params: Any) -> None:
        """Journal what the platform itself has done, in the stream `system`."""
        now = self._writer.now

        def keep(changes: Changes) -> None:
            self._handler.note(EntryKind.SYSTEM, "system", now, key, **params)

        self._writer.submit(Books(keep))

    def need(self, scope: AccessScope, capability: Capability) -> None:
        """Raise Forbidden, and journal it, where no grant carries the capability."""
        if not scope.may(capability):
            self.note(scope, "access.forbidden", capability=capability.value)
            raise Forbidden("auth.no_capability", capability=capability.value)

    def case(self, scope: AccessScope, id: str) -> StreamRow:
        """A case within the scope; outside it NotFound, journalled."""
        row = self._questions.case(scope, id)
        if row is None:
            self.note(scope, "access.outside_scope", case=id_only(id))
            raise NotFound("case.unknown", case=id[:64])
        return row

    def journal(self, scope: AccessScope, id: str, after: int = 0, limit: int = 50) -> list[JournalRow]:
        """Entries of a case's stream, for who takes part in it or may read the journal there."""
        row = self._store.load([f"case:{id}"]).get(f"case:{id}")
        if row is None:
            self.note(scope, "access.outside_scope", case=id_only(id))
            raise NotFound("case.unknown", case=id[:64])
        allowed = scope.covers(Capability.JOURNAL_READ, row.domain, row.area_path, row.mode)
        if not allowed and not takes_part(scope, row):
            self.case(scope, id)
            self.note(scope, "access.forbidden", capability=Capability.JOURNAL_READ.value, case=id)
            raise Forbidden("auth.no_capability", capability=Capability.JOURNAL_READ.value)
        return self._store.entries_of(row.stream, after, limit)


def takes_part(scope: AccessScope, row: StreamRow) -> bool:
    """True where the post or its unit takes part in a case at the scope's moment."""
    if row.body is None:
        return False
    return any(
        p.since <= scope.now
        and (not p.until or scope.now < p.until)
        and (p.post == scope.post != "" or p.unit == scope.unit != "")
        for p in _case_decoder.decode(row.body).participants
    )


def id_only(text: str) -> str:
    """What was asked for, unless somebody typed something else than an id: the journal holds no words."""
    return text if re.fullmatch(r"[a-z0-9_]{1,64}", text) else "?"


def token_digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
