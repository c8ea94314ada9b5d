"""Local accounts and the sessions of who is signed in. Every change is journalled under the person's key.

A session is a secret in the browser's cookie, of which only the digest is stored; it acts as one post,
ends after a while without activity, and at the latest after its longest time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from liandong.app.bounded import Newest
from liandong.app.clock import TimeSource
from liandong.app.handle import Handler
from liandong.app.passwords import Hasher, check_password
from liandong.app.ports import AccountRow, Changes, GuardRow, SessionRow, Store
from liandong.app.writer import Books, Writer
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput, Forbidden, Unauthenticated
from liandong.core.values.journal import EntryKind
from liandong.core.values.times import DAY, HOUR, MINUTE, SECOND

replace = msgspec.structs.replace
_NAME = re.compile(r"[\w.@\-]{1,64}")
#: Activity is written down only this often: a session is read with every request.
_RENEW_US = MINUTE
_LONGEST_LOCK = DAY
_UNKNOWN_EVERY = SECOND
#: Sessions ended here that are remembered until what was on its way about them has been written.
_MOST_GONE = 10_000


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What the settings say of passwords, locks and sessions; moments in microseconds."""

    password_length: int = 10
    password_us: int = 90 * DAY  #: then another has to be chosen; 0 = never
    attempts: int = 5
    lock_us: int = 15 * MINUTE
    idle_us: int = 30 * MINUTE
    longest_us: int = 12 * HOUR


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that is good at the moment it was looked up."""

    row: SessionRow
    account: AccountRow
    must_change: bool
    held: bool  #: the post is still held

    @property
    def session(self) -> Session:
        """Who acts, as what."""
        return Session(person=self.row.person, post=self.row.post)


def fold_name(name: str) -> str:
    """An account's name as it is kept: Unicode NFKC, without case. Raises BadInput."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    if not _NAME.fullmatch(folded):
        raise BadInput("account.bad_name")
    return folded


def cookie_digest(cookie: str) -> str:
    """What is stored of a session's cookie."""
    return hashlib.sha256(b"session:" + cookie.encode("utf-8", "replace")).hexdigest()


class Accounts:
    """Signs in and out. `ended` is told the digest of every session that is ended here."""

    def __init__(
        self, store: Store, writer: Writer, handler: Handler, clock: TimeSource, rules: SignInRules
    ) -> None:
        self.rules = rules
        self.ended: list[Callable[[str, str], None]] = []
        self._store, self._writer, self._handler, self._clock = store, writer, handler, clock
        self._hasher = Hasher()
        self._lock = threading.Lock()
        self._gone: Newest[str, None] = Newest(_MOST_GONE)
        self._unknown_at = 0

    # In.

    def sign_in(self, name: str, password: str, post: str = "") -> tuple[str, Visit]:
        """A cookie and its session. Raises Unauthenticated with the same words whatever was wrong with
        name, password or lock, and Forbidden where the person holds no post."""
        try:
            key = fold_name(name)
        except BadInput:
            key = ""
        account = self._store.account(key) if key else None
        good = self._hasher.matches(account.hash if account else "", password)
        now = self._clock.read().now
        if account is None:
            self._unknown(now)
            raise Unauthenticated("auth.sign_in_failed")
        with self._lock:  # or attempts side by side would count as one
            guard = self._store.guard(key)
            if not good or account.disabled or (guard is not None and guard.locked_until > now):
                self._failed(account, guard, now)
                raise Unauthenticated("auth.sign_in_failed")
            return self._begin(account, post, now, "access.signed_in", guard is not None)

    def trusted(self, name: str, post: str = "") -> tuple[str, Visit]:
        """The same for a name that an identity provider vouches for."""
        try:
            account = self._store.account(fold_name(name))
        except BadInput:
            account = None
        if account is None or account.disabled:
            self._unknown(self._clock.read().now)
            raise Unauthenticated("auth.no_account")
        return self._begin(account, post, self._clock.read().now, "access.signed_in_elsewhere", False)

    def _begin(self, account: AccountRow, post: str, now: int, key: str, guarded: bool) -> tuple[str, Visit]:
        chosen = self._post_for(account.person, post)
        cookie = secrets.token_urlsafe(32)
        row = SessionRow(
            digest=cookie_digest(cookie), account=account.name, person=account.person, post=chosen,
            created=max(now, account.ended + 1), seen=now,
            expires=now + min(self.rules.idle_us, self.rules.longest_us),
            ends=now + self.rules.longest_us,
        )  # fmt: skip

        def keep(changes: Changes) -> None:
            changes.sessions.append(row)
            changes.sessions_expired = max(changes.sessions_expired, now)
            if guarded:
                changes.guards_gone.append(account.name)
            self._note(account.person, key, post=chosen)

        self._writer.submit(Books(keep)).result()
        return cookie, self._visit(row, account, now)

    def _post_for(self, person: str, post: str) -> str:
        """The post that was asked for, else the one with the duty, else the first."""
        city, now = self._handler.policy.city, self._writer.now
        if post:
            if not city.holds(person, post, now):
                raise Forbidden("auth.post_not_held", post=post)
            return post
        held = [found.key for found in city.posts_of(person, now)]
        if not held:
            raise Forbidden("auth.no_post")
        duties = [key for key in held if (duty := city.on_duty(key, now)) and duty.person == person]
        rostered = [key for key in duties if city.duties_around(key, now)[1]]
        return (rostered or duties or held)[0]

    # Failures.

    def _failed(self, account: AccountRow, guard: GuardRow | None, now: int) -> None:
        """Count it; the last attempt locks, each lock twice as long as the one before. A locked
        account stays locked as long as was said, or anybody could keep its owner out for ever."""
        old = guard or GuardRow(name=account.name, failures=0, locks=0, locked_until=0, at=0)
        if now - old.at > _LONGEST_LOCK:
            old = replace(old, failures=0, locks=0)
        minutes = 0
        row = replace(old, at=now)
        if old.locked_until <= now:
            row = replace(row, failures=old.failures + 1)
            if row.failures >= self.rules.attempts:
                span = min(self.rules.lock_us << min(old.locks, 20), _LONGEST_LOCK)
                row = replace(row, failures=0, locks=old.locks + 1, locked_until=now + span)
                minutes = span // MINUTE

        def keep(changes: Changes) -> None:
            changes.guards.append(row)
            if minutes:
                self._note(account.person, "access.locked", minutes=minutes)
            else:
                self._note(account.person, "access.sign_in_failed")

        self._writer.submit(Books(keep)).result()

    def _unknown(self, now: int) -> None:
        """Journalled once a second at most: nobody may fill the disk by guessing names."""
        with self._lock:
            told, self._unknown_at = self._unknown_at, max(self._unknown_at, now)
            if now - told < _UNKNOWN_EVERY:
                self._unknown_at = told
                return
        self._writer.submit(Books(lambda _: self._note("unknown", "access.sign_in_unknown"))).result()

    # During.

    def visit(self, cookie: str, renew: bool = False) -> Visit:
        """The session of a cookie. Raises Unauthenticated once it is over, for whatever reason."""
        return self.visit_of(cookie_digest(cookie), renew)

    def visit_of(self, digest: str, renew: bool = False) -> Visit:
        """The same by the digest."""
        found = self._store.session(digest)
        now = self._clock.read().now
        if found is None:
            raise Unauthenticated("auth.expired")
        row, account = found
        over = min(row.expires, row.ends) <= now or account is None or account.disabled
        if over or account is None or row.created <= account.ended:
            raise Unauthenticated("auth.expired")
        if renew and now - row.seen >= min(_RENEW_US, self.rules.idle_us // 2):
            row = replace(row, seen=now, expires=min(now + self.rules.idle_us, row.ends))
            self._renew(row)
        return self._visit(row, account, now)

    def _visit(self, row: SessionRow, account: AccountRow, now: int) -> Visit:
        held = self._handler.policy.city.holds(row.person, row.post, self._writer.now)
        aged = 0 < self.rules.password_us <= now - account.changed and bool(account.hash)
        return Visit(row, account, bool(account.must_change) or aged, held)

    def _renew(self, row: SessionRow) -> None:
        def keep(changes: Changes) -> None:
            if row.digest not in self._gone:  # else it was ended while this was on its way
                changes.sessions.append(row)

        self._writer.submit(Books(keep))

    def act_as(self, visit: Visit, post: str) -> Visit:
        """Go on as another post that the person holds now. Raises Forbidden."""
        chosen = self._post_for(visit.row.person, post)
        row = replace(visit.row, post=chosen)

        def keep(changes: Changes) -> None:
            changes.sessions.append(row)
            self._note(row.person, "access.post_changed", post=chosen)

        self._writer.submit(Books(keep)).result()
        return self._visit(row, visit.account, self._clock.read().now)

    def set_language(self, visit: Visit, language: str) -> Visit:
        """The language in which this account is spoken to."""
        account = replace(visit.account, language=language)
        self._writer.submit(Books(lambda changes: changes.accounts.append(account))).result()
        return self._visit(visit.row, account, self._clock.read().now)

    def change_password(self, visit: Visit, old: str, new: str) -> tuple[str, Visit]:
        """Another password, by whoever knows the one so far; every other session of the account ends.

        Raises BadInput for a wrong old one, which counts as a failed sign-in, and for a new one that
        will not do; Unauthenticated while the account is locked.
        """
        account = self._store.account(visit.account.name) or visit.account
        now = self._clock.read().now
        good = self._hasher.matches(account.hash, old)
        with self._lock:
            guard = self._store.guard(account.name)
            if guard is not None and guard.locked_until > now:
                raise Unauthenticated("auth.sign_in_failed")
            if not good:
                self._failed(account, guard, now)
                raise BadInput("password.wrong_old")
        check_password(new, account.name, self.rules.password_length)
        if new == old:
            raise BadInput("password.same")
        changed = replace(account, hash=self._hasher.hash(new), must_change=0, changed=now, ended=now)
        cookie = secrets.token_urlsafe(32)
        row = replace(visit.row, digest=cookie_digest(cookie), created=now + 1, seen=now)

        def keep(changes: Changes) -> None:
            changes.accounts.append(changed)
            changes.sessions.append(row)
            self._note(account.person, "access.password_changed")

        self._writer.submit(Books(keep)).result()
        self._tell(visit.row.digest, account.name)
        return cookie, self._visit(row, changed, now)

    # Out.

    def end(self, visit: Visit) -> None:
        """Sign out; the event streams of the session close."""
        digest = visit.row.digest

        def keep(changes: Changes) -> None:
            self._gone[digest] = None
            changes.sessions[:] = [row for row in changes.sessions if row.digest != digest]
            changes.sessions_gone.append(digest)
            self._note(visit.row.person, "access.signed_out")

        self._writer.submit(Books(keep)).result()
        self._tell(digest, "")

    def _tell(self, digest: str, account: str) -> None:
        for listener in self.ended:
            listener(digest, account)

    def _note(self, person: str, key: str, **params: str | int) -> None:
        """In the writer's thread: an entry of the person's own stream, without names."""
        self._handler.note(EntryKind.ACCESS, f"access:{person}", self._writer.now, key, **params)
