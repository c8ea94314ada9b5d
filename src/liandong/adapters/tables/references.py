"""Which column names a key of which table, and the check that the key is there."""

from __future__ import annotations

import re
from collections.abc import Collection

from liandong.adapters.tables.sheets import Line, bad
from liandong.core.mechanism.reports import PARTICIPANTS
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import AreaKind, Capability
from liandong.core.values.rows import words

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
    ("swaps", "post"): ("posts",),
    ("swaps", "giver"): ("persons",),
    ("swaps", "taker"): ("persons",),
    ("swaps", "proposed_by"): ("persons",),
    ("swaps", "agreed_by"): ("persons",),
    ("leaves", "person"): ("persons",),
    ("wakes", "post"): ("posts",),
    ("quiet", "who"): ("persons", "posts"),
    ("wakes", "whom"): ("posts",),
    ("assets", "area"): ("areas",),
    ("assets", "owner"): ("units",),
    ("assets", "operator"): ("units",),
    ("assets", "regulator"): ("units",),
    ("relations", "source"): ("assets",),
    ("relations", "target"): ("assets",),
    ("sensors", "asset"): ("assets",),
    ("sensors", "owner"): ("units",),
    ("sensors", "upkeep"): ("units",),
    ("channels", "sensor"): ("sensors",),
    ("channels", "quantity"): ("quantities",),
    ("channels", "source"): ("sources",),
    ("sources", "unit"): ("units",),
    ("bridges", "unit"): ("units",),
    ("bridges", "source"): ("sources",),
    ("liaisons", "person"): ("persons",),
    ("liaisons", "unit"): ("units",),
    ("liaisons", "at"): ("units",),
    # A source that sends readings has standing rights of its own, as a post has.
    ("permissions", "post"): ("posts", "sources"),
    ("permissions", "area"): ("areas",),
    ("rules", "quantity"): ("quantities",),
    ("rules", "channel"): ("channels",),
    ("flows", "within"): ("flows",),
    ("contacts", "post"): ("posts",),
    ("contacts", "deputy"): ("posts",),
    **{
        (table, column): (target,)
        for table in ("scope", "roles", "overrides")
        for column, target in (("territory", "areas"), ("season", "seasons"))
    },
}

#: Columns of which a value is several keys in one word.
_AXES = ("territory", "season")
_UNIT_ROLES = ("owner", "operator", "regulator", "territorial", "town", "centre", "superior")
_STEP_ROLES = ("lead", "verifier", *_UNIT_ROLES)
#: (table, column) → words that mean a role; anything else must be a unit's key.
ROLES: dict[tuple[str, str], tuple[str, ...]] = {
    ("roles", "role"): _UNIT_ROLES,
    ("steps", "role"): _STEP_ROLES,
    ("escalations", "role"): ("actor", "deputy", "leader", *_STEP_ROLES),
    ("pauses", "charged_to"): ("actor", *_STEP_ROLES),
    ("pauses", "approver"): _STEP_ROLES,
    ("transfers", "role"): ("holder", *_STEP_ROLES),
    ("transfers", "approver"): _STEP_ROLES,
    ("transfers", "decides"): _STEP_ROLES,
    ("verifications", "role"): _STEP_ROLES,
    ("verifications", "never"): ("handler", *_STEP_ROLES),
    ("contacts", "role"): _STEP_ROLES,
    ("reports", "recipient"): (PARTICIPANTS, *_STEP_ROLES),
    ("reports", "signer"): _STEP_ROLES,
    ("reports", "informs"): _STEP_ROLES,
    ("decisions", "decider"): _STEP_ROLES,
    ("decisions", "otherwise"): _STEP_ROLES,
    ("measures", "role"): _STEP_ROLES,
    **{
        ("warnings", column): _STEP_ROLES
        for column in ("drafter", "approver", "publisher", "raiser", "lowerer", "lifter", "onward")
    },
    **{
        ("resources", column): _STEP_ROLES
        for column in ("owner", "requester", "releaser", "requisitioner", "payer", "approvals", "decides")
    },
    ("mechanism", "centre"): (),
    ("roles", "in_name_of"): _UNIT_ROLES,
}
#: A function within a territory, `district:housing`; whether anybody has it is another question.
_ANY_UNIT = re.compile(r"(unit|body):[^\s;=/]+")
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
    check_roles(lines, errors, keys)
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


def check_roles(
    lines: dict[str, list[Line]], errors: list[BadInput], keys: dict[str, set[str]] | None = None
) -> None:
    """Add an error for every role that is none; without `keys`, any unit's or body's key may be one."""
    for (name, column), known in ROLES.items():
        for line in lines[name]:
            for role in _named(line, column):
                if role not in known and not _names_unit(role, keys):
                    allowed = ", ".join((*known, "unit:…", "city:…", "district:…", "town:…"))
                    errors.append(
                        bad("city.unknown_role", f"{name}.csv", line.row, column, role, allowed=allowed)
                    )


def _names_unit(role: str, keys: dict[str, set[str]] | None) -> bool:
    """A unit, a body in whose name somebody acts, or a function within a territory."""
    if keys is None:
        return _ANY_UNIT.fullmatch(role) is not None or _IN_TERRITORY.fullmatch(role) is not None
    return role in keys["units"] or role in keys["bodies"] or _IN_TERRITORY.fullmatch(role) is not None


def _named(line: Line, column: str) -> tuple[str, ...]:
    """Keys that a cell names: one, several, or none."""
    value = line.values.get(column)
    if not value:
        return ()
    if column in _AXES:
        return words(str(value))
    return value if isinstance(value, tuple) else (value,)


def _unknown(name: str, row: int, column: str, value: str, targets: tuple[str, ...]) -> BadInput:
    table = ", ".join(f"{target}.csv" for target in targets)
    return bad("city.unknown_reference", f"{name}.csv", row, column, value, table=table)
