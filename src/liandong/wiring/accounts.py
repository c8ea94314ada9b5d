"""Accounts and tokens from the command line, while the city runs or stands still.

Another process writes into the same database, so each change is one transaction with its journal
entry, decided again where the running city was first.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from liandong.app.access import token_digest
from liandong.app.accounts import SignInRules, fold_name
from liandong.app.clock import system_clock
from liandong.app.handle import Handler
from liandong.app.passwords import Hasher, check_password
from liandong.app.policies import current_policy
from liandong.app.ports import AccountRow, Changes, Store
from liandong.app.settings import Settings
from liandong.core.values.access import Session
from liandong.core.values.errors import BadInput, Broken, Conflict, NotFound
from liandong.core.values.journal import EntryKind
from liandong.core.values.lists import Mode
from liandong.core.values.times import DAY, HOUR, MINUTE
from liandong.wiring.stores import store_of

_RACES = 100
replace = msgspec.structs.replace


def sign_in_rules(settings: Settings) -> SignInRules:
    """What the settings say of sessions, passwords and locks."""
    return SignInRules(
        password_length=settings.password_length, password_us=settings.password_days * DAY,
        attempts=settings.sign_in_attempts, lock_us=settings.lock_minutes * MINUTE,
        idle_us=settings.session_idle_minutes * MINUTE, longest_us=settings.session_hours * HOUR,
    )  # fmt: skip


@contextmanager
def _opened(data: Path) -> Iterator[tuple[Store, int]]:
    store = store_of(data)
    try:
        yield store, max(int(store.meta("now") or 0), system_clock().read().now)
    finally:
        store.close()


def make_token(data: Path, person: str, post: str, source: str, days: int) -> str:
    """A token for a person as a post or for a source; may be made while the city runs."""
    if bool(source) == bool(person and post):
        raise BadInput("token.person_or_source")
    with _opened(data) as (store, now):
        token = secrets.token_urlsafe(32)
        session = Session(person=person, post=post, source=source)
        store.commit(Changes(credentials=[(token_digest(token), session, now + days * DAY)]))
        return token


def add_account(data: Path, name: str, person: str, password: str, settings: Settings) -> str:
    """A new account; without a password only an identity provider can sign it in. Its folded name."""
    key = fold_name(name)
    if password:
        check_password(password, key, settings.password_length)
    made = Hasher().hash(password) if password else ""
    with _opened(data) as (store, now):

        def change(handler: Handler) -> AccountRow:
            if store.account(key) is not None:
                raise BadInput("account.exists", name=key)
            city = handler.policy.city
            if person not in city.persons and not any(d.person == person for d in city.city.duties):
                raise BadInput("account.unknown_person", person=person[:80])
            handler.pending.accounts.append(
                AccountRow(
                    name=key, person=person, hash=made, must_change=int(bool(made)), disabled=0,
                    created=now, changed=now, ended=0,
                )
            )  # fmt: skip
            handler.note(EntryKind.ACCESS, f"access:{person}", now, "access.account_added")
            return handler.pending.accounts[0]

        return _commit(store, change).name


def set_password(data: Path, name: str, password: str, settings: Settings) -> None:
    """Another first password, to be changed at the next sign-in: sessions end, a lock is lifted."""
    check_password(password, fold_name(name), settings.password_length)
    made = Hasher().hash(password)

    def change(row: AccountRow, now: int, handler: Handler) -> None:
        handler.pending.accounts.append(
            replace(row, hash=made, must_change=1, changed=now, ended=now, disabled=0)
        )
        handler.pending.guards_gone.append(row.name)
        handler.note(EntryKind.ACCESS, f"access:{row.person}", now, "access.password_set")

    _change(data, name, change)


def disable_account(data: Path, name: str) -> None:
    """Nobody signs in with it any more, and its sessions end."""

    def change(row: AccountRow, now: int, handler: Handler) -> None:
        handler.pending.accounts.append(replace(row, disabled=1, ended=now))
        handler.note(EntryKind.ACCESS, f"access:{row.person}", now, "access.account_disabled")

    _change(data, name, change)


def remove_account(data: Path, name: str) -> None:
    """Gone with its name; what was done with it stays in the journal under the person's key."""

    def change(row: AccountRow, now: int, handler: Handler) -> None:
        handler.pending.accounts_gone.append(row.name)
        handler.pending.guards_gone.append(row.name)
        handler.note(EntryKind.ACCESS, f"access:{row.person}", now, "access.account_removed")

    _change(data, name, change)


def list_accounts(data: Path) -> list[tuple[AccountRow, bool]]:
    """Every account, and whether it is locked now."""
    with _opened(data) as (store, now):
        guards = [(row, store.guard(row.name)) for row in store.accounts()]
        return [(row, guard is not None and guard.locked_until > now) for row, guard in guards]


def _change(data: Path, name: str, change: Callable[[AccountRow, int, Handler], None]) -> None:
    key = fold_name(name)
    with _opened(data) as (store, now):

        def found(handler: Handler) -> None:
            row = store.account(key)
            if row is None:
                raise NotFound("account.unknown", name=key)
            change(row, now, handler)

        _commit(store, found)


def _commit(store: Store, change: Callable[[Handler], Any]) -> Any:
    """One transaction; decided again where the running city has written the same stream meanwhile."""
    policy = current_policy(store, Mode.REAL)
    if policy is None:
        raise BadInput("account.no_city")
    for _ in range(_RACES):
        handler = Handler(store, policy)
        handler.begin()
        result = change(handler)
        changes = handler.take()
        changes.meta.pop("admission", None)  # the running city counts its admissions itself
        try:
            store.commit(changes)
        except Conflict:
            continue
        return result
    raise Broken("writer.always_raced", count=_RACES)
