"""What a city's folder holds: the city, its mechanism, its rules, and the persons, who stay apart."""

from __future__ import annotations

import msgspec

from liandong.core.values.city import City
from liandong.core.values.rows import Mechanism
from liandong.core.values.rules import Rule


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """人员: personal data. It goes from the table into the vault and is never part of a City."""

    key: str
    name: str
    phone: str = ""


class CityFolder(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one folder of tables says."""

    city: City
    mechanism: Mechanism
    rules: tuple[Rule, ...] = ()
    persons: tuple[PersonRecord, ...] = ()
