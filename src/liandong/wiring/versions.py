"""Versions of a city on the command line: check a folder, commit it, what was committed, what differs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from liandong.adapters.tables import Examined, examine
from liandong.app.clock import system_clock
from liandong.app.dispatch import keep_held
from liandong.app.handle import Handler
from liandong.app.policies import (
    commit_policy,
    current_policy,
    draft_commit,
    empty_policy,
    history,
    numbers_ever,
    pending,
    schedule_policy,
)
from liandong.app.settings import Settings
from liandong.app.standing import Override
from liandong.app.vault import Vault
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.policy import Policy
from liandong.core.values.city import CityIndex
from liandong.core.values.dataset import CityFolder, Difference, differences
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import Mode
from liandong.core.values.messages import PolicyCommitted
from liandong.core.values.times import parse_time
from liandong.stores.keyring import SqliteKeyring
from liandong.stores.readings import FolderLock
from liandong.texts import text
from liandong.texts.faults import Teller
from liandong.wiring.channels import delivery_channels
from liandong.wiring.city import keep_persons
from liandong.wiring.packs import installed, read_equipped
from liandong.wiring.stores import open_store, store_of

replace = msgspec.structs.replace
_PARTS = ("city", "rules", "mechanism")


def check_place(place: Path) -> Examined:
    """All that can be said about a folder or a workbook before it is committed."""
    return examine(place, installed())


def commit_place(
    settings: Settings,
    place: Path,
    author: str,
    reason: str,
    effective: str,
    override: Override | None = None,
) -> str:
    """Commit a folder as a new version, at once or from a later moment. The sentence that says what was done.

    Raises Conflict("data.locked") while the city runs, BadInput where the folder has faults, StandingRefused
    where it breaks what was proven and nobody overrides that.
    """
    folder = read_equipped(place)
    lock = FolderLock(settings.data)
    store, keyring = open_store(settings), SqliteKeyring(settings.keys / "keyring.db")
    try:
        before = current_policy(store, Mode.REAL)
        handler = Handler(store, before or empty_policy(folder.city.key, Mode.REAL))
        last = int(store.meta("now") or 0)
        now = max(last, system_clock(last or None).read().now)
        later = parse_time(effective) if effective else now
        if later < now:
            raise BadInput("policy.effective_past", at=later)
        names = tuple(sorted(channel.name for channel in delivery_channels(settings)))
        drafted = draft_commit(
            before, folder.city, folder.mechanism, keep_held(store, folder.rules),
            before.channels if before else names, author, reason, ever=numbers_ever(store),
        )  # fmt: skip
        keep_persons(store, folder.persons, Vault(keyring, secrets.token_bytes))
        if drafted is None:
            return text("policy.unchanged", settings.language)
        if later > now:
            schedule_policy(handler, now, later, *drafted, override)
            return text("policy.scheduled", settings.language, at=later, author=author, reason=reason)
        commit_policy(handler, now, *drafted, override)
        return text(
            "policy.committed", settings.language, **_versions(drafted[0]), author=author, reason=reason
        )
    finally:
        store.close()
        keyring.close()
        lock.release()


def told_faults(place: Path, faults: Sequence[Fault], language: str) -> list[str]:
    """Faults in words, with the names of the tables that would have been committed."""
    folder = read_equipped(place)
    teller = Teller(folder.mechanism, CityIndex(folder.city), language)
    told = [(fault.proof, *teller.tell(fault)) for fault in faults]
    return [f"{proof} {message} {remedy}" for proof, message, remedy in told]


def _versions(message: PolicyCommitted) -> dict[str, int]:
    return {part: int(getattr(message, part)) for part in _PARTS}


def log_lines(data: Path, language: str) -> list[str]:
    """Every version with its moment, author, reason and what it changed; and the one that waits."""
    store = store_of(data)
    try:
        lines = []
        before = dict.fromkeys(_PARTS, 0)
        for at, message in history(store):
            versions = _versions(message)
            changed = ", ".join(
                f"{part} {versions[part]}" for part in _PARTS if versions[part] != before[part]
            )
            said = {"author": message.author, "reason": message.reason}
            lines.append(text("policy.line", language, at=at, versions=changed or "-", **said))
            before = versions
        waiting = pending(store)
        if waiting is not None:
            said = {"author": waiting.message.author, "reason": waiting.message.reason}
            lines.append(text("policy.scheduled", language, at=waiting.effective, **said))
        return lines
    finally:
        store.close()


def diff_lines(data: Path, place: Path, language: str) -> list[str]:
    """In words, what committing this folder would change; empty where nothing would."""
    folder = read_equipped(place)
    store = store_of(data)
    try:
        before = current_policy(store, Mode.REAL) or empty_policy(folder.city.key, Mode.REAL)
        drafted = draft_commit(
            before, folder.city, folder.mechanism, folder.rules, before.channels, "", "", numbers_ever(store)
        )
        if drafted is None:
            return []
        city = msgspec.json.decode(drafted[1].datasets[drafted[0].city_digest][1], type=type(folder.city))
    finally:
        store.close()
    after = replace(folder, city=city)
    return [line for one in differences(_folder_of(before), after) for line in _words(one, language)]


def _folder_of(policy: Policy) -> CityFolder:
    rules = tuple(policy.rules.values())
    return CityFolder(city=policy.city.city, mechanism=policy.routing.mechanism, rules=rules)


def _words(one: Difference, language: str) -> list[str]:
    """One line for a row, and for each field of a changed one."""
    lines = [text(f"policy.row_{one.change}", language, table=one.table, row=one.key)]
    return lines + [
        "  " + text("policy.field", language, column=field, before=before or "-", after=after or "-")
        for field, before, after in one.fields
    ]
