"""The pack contract: data types only. A pack is a folder of rows; the first ones come with their issue."""

from __future__ import annotations

import msgspec

from liandong.core.values.city import Quantity
from liandong.core.values.rules import Rule


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain knows: quantities and detector rows, and how far they are trusted."""

    id: str
    title_zh: str
    title_en: str
    version: str
    maturity: str  #: draft, shadow or live
    quantities: tuple[Quantity, ...] = ()
    rules: tuple[Rule, ...] = ()
