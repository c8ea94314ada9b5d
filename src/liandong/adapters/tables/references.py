"""Which column names a key of which table, and the check that the key is there."""

from __future__ import annotations

import re
from collections.abc import Collection

from liandong.adapters.tables.sheets import Line, bad
from liandong.core.mechanism.reports import PARTICIPANTS
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AreaKind, Capability

#: (table, column) → tables in one of which the key must be.
REFERENCES: dict[tuple[str, str], tuple[str, ...]] = {
    ("areas", "parent"): ("areas",),
    ("units", "parent"): ("units",),
    ("units", "area"): ("areas",),
    ("units", "principal"): ("units",),
    ("bodies", "chairs"): ("persons", "posts"),
    ("bodies", "office"): ("units",),
    ("bodies", "members"): ("units",),
    ("posts", "unit"): ("units",),
    ("holdings", "post"): ("posts",),
    ("holdings", "person"): ("persons",),
    ("duties", "post"): ("posts",),
    ("duties", "person"): ("persons",),
    ("duties", "deputy"): ("persons",),
    ("assets", "area"): ("areas",),
    ("assets", "owner"): ("units",),
    ("assets", "operator"): ("units",),
    ("assets", "regulator"): ("units",),
    ("relations", "source"): ("assets",),
    ("relations", "target"): ("assets",),
    ("sensors", "asset"): ("assets",),
    ("channels", "sensor"): ("sensors",),
    ("channels", "quantity"): ("quantities",),
    ("channels", "source"): ("sources",),
    ("sources", "unit"): ("units",),
    # A source that sends readings has standing rights of its own, as a post has.
    ("permissions", "post"): ("posts", "sources"),
    ("permissions", "area"): ("areas",),
    ("rules", "quantity"): ("quantities",),
    ("rules", "channel"): ("channels",),
    ("flows", "within"): ("flows",),
    ("contacts", "post"): ("posts",),
    ("contacts", "deputy"): ("posts",),
}

_UNIT_ROLES = ("owner", "operator", "regulator", "territorial", "town", "centre", "superior")
_STEP_ROLES = ("lead", "verifier", *_UNIT_ROLES)
#: (table, column) → words that mean a role; anything else must be a unit's key.
ROLES: dict[tuple[str, str], tuple[str, ...]] = {
    ("roles", "role"): _UNIT_ROLES,
    ("steps", "role"): _STEP_ROLES,
    ("escalations", "role"): ("actor", "deputy", "leader", *_STEP_ROLES),
    ("pauses", "charged_to"): ("actor", *_STEP_ROLES),
    ("contacts", "role"): _STEP_ROLES,
    ("reports", "recipient"): (PARTICIPANTS, *_STEP_ROLES),
    ("reports", "signer"): _STEP_ROLES,
    ("mechanism", "centre"): (),
    ("roles", "in_name_of"): _UNIT_ROLES,
}
#: A function within a territory, `district:housing`; whether anybody has it is another question.
_IN_TERRITORY = re.compile(f"({'|'.join(AreaKind)}):[^\\s;=/:]+")


def check_references(
    lines: dict[str, list[Line]], errors: list[BadInput], quantities: Collection[str]
) -> None:
    """Add an error for every key that is nowhere, with the table in which it was looked for.

    `quantities` are those of domain packs, which a city need not repeat.
    """
    keys = {name: {line.text("key") for line in rows} for name, rows in lines.items()}
    keys["quantities"] |= set(quantities)
    for (name, column), targets in REFERENCES.items():
        known = set().union(*(keys[target] for target in targets))
        for line in lines[name]:
            for value in _named(line, column):
                if value not in known and value != "*":
                    errors.append(_unknown(name, line.row, column, value, targets))
    for (name, column), words in ROLES.items():
        for line in lines[name]:
            role = line.text(column)
            if role and role not in words and not _names_unit(role, keys):
                allowed = ", ".join((*words, "unit:…", "city:…", "district:…", "town:…"))
                errors.append(
                    bad("city.unknown_role", f"{name}.csv", line.row, column, role, allowed=allowed)
                )
    for line in lines["permissions"]:
        # A machine that could read or act would be a person without a face.
        source = line.text("post").startswith("source:")
        if source and line.text("capability") not in ("", Capability.READINGS_SEND):
            errors.append(
                bad(
                    "city.bad_value",
                    "permissions.csv",
                    line.row,
                    "capability",
                    line.text("capability"),
                    remedy="city.remedy.one_of",
                    allowed=str(Capability.READINGS_SEND),
                )
            )


def _names_unit(role: str, keys: dict[str, set[str]]) -> bool:
    """A unit, a body in whose name somebody acts, or a function within a territory."""
    return role in keys["units"] or role in keys["bodies"] or _IN_TERRITORY.fullmatch(role) is not None


def _named(line: Line, column: str) -> tuple[str, ...]:
    """Keys that a cell names: one, several, or none."""
    value = line.values.get(column)
    if not value:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _unknown(name: str, row: int, column: str, value: str, targets: tuple[str, ...]) -> BadInput:
    table = ", ".join(f"{target}.csv" for target in targets)
    return bad("city.unknown_reference", f"{name}.csv", row, column, value, table=table)
