"""Accounts with which a visitor looks at the demonstration; their password lies beside its data."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from liandong.app.passwords import Hasher
from liandong.app.ports import AccountRow, Changes
from liandong.app.writer import Books
from liandong.core.values.journal import EntryKind
from liandong.runners.embedded import Embedded

#: Account → post: who sees what is best shown by different desks.
DESKS = {
    "centre": "post:centre.duty",
    "emergency": "post:emergency.leader",
    "gas": "post:gas.duty",
    "housing": "post:housing.duty",
    "reviewer": "post:emergency_chancheng.duty",
    "town": "post:town_zumiao.duty",
    "operator": "post:operator",
}
_FILE = "accounts.json"


def make_accounts(home: Path, city: Embedded) -> Path:
    """The accounts, once, by the writer of a running city; returns the file that holds the password.

    The file is written first, so that a kill between leaves no account whose password nobody knows.
    """
    file = home / _FILE
    if not file.is_file():
        text = {"password": f"Ld-{secrets.token_urlsafe(12)}-7a", "accounts": DESKS}
        half = file.with_suffix(".new")
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(text, out, ensure_ascii=False, indent=2)
        half.rename(file)
    there = {row.name for row in city.store.accounts()}
    missing = [name for name in DESKS if name not in there]
    if missing:
        _add(city, missing, json.loads(file.read_text(encoding="utf-8"))["password"])
    return file


def _add(city: Embedded, names: list[str], password: str) -> None:
    handler, writer = city.platform.handler, city.writer
    holder = {row.post: row.person for row in reversed(handler.policy.city.city.holdings)}
    made = Hasher().hash(password)

    def keep(changes: Changes) -> None:
        now = writer.now
        for name in names:
            person = holder[DESKS[name]]
            changes.accounts.append(
                AccountRow(
                    name=name, person=person, hash=made, must_change=0, disabled=0, created=now, changed=now,
                    ended=0,
                )
            )  # fmt: skip
            handler.note(EntryKind.ACCESS, f"access:{person}", now, "access.account_added")

    writer.submit(Books(keep)).result()
