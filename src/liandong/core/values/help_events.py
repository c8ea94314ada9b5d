"""Events of help 协助 between units."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef


class HelpAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """请求协助."""

    case: str
    help: str  #: also the line of the order to answer, and of the help itself
    order: str  #: for whose work
    asker: str  #: unit that asks
    unit: str  #: unit that is asked
    person: str
    post: str
    reason: str
    row: str
    at: int
    text: VaultRef | None = None


class HelpAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """答复协助: given, or refused on a ground of the closed list."""

    case: str
    help: str
    unit: str
    given: bool
    ground: str = ""
    person: str
    post: str
    row: str
    at: int
    text: VaultRef | None = None
