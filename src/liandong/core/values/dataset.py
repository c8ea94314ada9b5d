"""What a city's folder holds: the city, its mechanism, its rules, and the persons, who stay apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from liandong.core.values.city import City
from liandong.core.values.document import Mechanism
from liandong.core.values.rules import Rule


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """人员: personal data. It goes from the table into the vault and is never part of a City."""

    key: str
    name: str
    phone: str = ""
    numbers: tuple[tuple[str, str], ...] = ()  #: pairs (system, what it calls the person): `email`, `wecom` …


class CityFolder(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one folder of tables says."""

    city: City
    mechanism: Mechanism
    rules: tuple[Rule, ...] = ()
    persons: tuple[PersonRecord, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One row that differs between two versions; `fields` of a changed one: (field, before, after)."""

    table: str
    change: str  #: added, removed or changed
    key: str
    fields: tuple[tuple[str, str, str], ...] = ()


def differences(before: CityFolder, after: CityFolder) -> tuple[Difference, ...]:
    """Every row that is added, removed or changed, table by table. Persons are not compared: they are no
    part of a version."""
    return tuple(
        difference
        for name, old, new in _tables(before, after)
        for difference in (_keyed if hasattr((*old, *new)[0], "key") else _whole)(name, old, new)
    )


def _tables(before: CityFolder, after: CityFolder) -> Iterator[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """Name and rows of every table that has any; the head of city and mechanism is a table of one row."""
    for name, old, new in (
        ("city", before.city, after.city),
        ("mechanism", before.mechanism, after.mechanism),
    ):
        yield name, (_head(old),), (_head(new),)
        for field in msgspec.structs.fields(type(old)):
            left, right = getattr(old, field.name), getattr(new, field.name)
            if isinstance(left, tuple) and (left or right):
                yield field.name, left, right
    if before.rules or after.rules:
        yield "rules", before.rules, after.rules


def _head(noun: Any) -> Any:
    """City or mechanism without rows and without the version, which the platform counts."""
    empty = {
        field.name: ()
        for field in msgspec.structs.fields(noun)
        if isinstance(getattr(noun, field.name), tuple)
    }
    return msgspec.structs.replace(noun, version=0, **empty)


def _keyed(name: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[Difference]:
    rows = {row.key: row for row in old}
    wanted = {row.key: row for row in new}
    single = name in ("city", "mechanism")
    for key in dict.fromkeys((*rows, *wanted)) if not single else ():
        if key not in wanted:
            yield Difference(table=name, change="removed", key=key)
        elif key not in rows:
            yield Difference(table=name, change="added", key=key)
        elif rows[key] != wanted[key]:
            yield _changed(name, key, rows[key], wanted[key])
    if single and old != new:
        yield _changed(name, new[0].key, old[0], new[0])


def _changed(name: str, key: str, old: Any, new: Any) -> Difference:
    fields = tuple(
        (field, str(getattr(old, field)), str(getattr(new, field)))
        for field in old.__struct_fields__
        if getattr(old, field) != getattr(new, field)
    )
    return Difference(table=name, change="changed", key=key, fields=fields)


def _whole(name: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[Difference]:
    """Rows without a key are what they say: another word makes another row."""
    counts = Counter(_said(row) for row in new)
    counts.subtract(Counter(_said(row) for row in old))
    for key, count in counts.items():
        for _ in range(abs(count)):
            yield Difference(table=name, change="added" if count > 0 else "removed", key=key)


def _said(row: Any) -> str:
    values = row if isinstance(row, tuple) else (getattr(row, field) for field in row.__struct_fields__)
    return " ".join(str(value) for value in values if value not in ("", 0, (), None))
