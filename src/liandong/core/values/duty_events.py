"""Events of a duty question 职责争议: nobody bounces an order, somebody decides whose it is."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef


class DutyAsked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """职责争议: a unit says that an order is not its duty; meanwhile `holder` keeps acting."""

    case: str
    question: str  #: also the line of the order to whoever decides
    order: str
    line: str = ""  #: line of that order
    unit: str
    post: str
    person: str
    ground: str
    row: str
    decides: str  #: unit that decides
    holder: str  #: unit that keeps acting until then
    at: int


class DutyDecided(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """职责裁定: whose duty it is, by whom, why. No unit is asked again in this case."""

    case: str
    question: str
    asked: str  #: unit that had given it back
    unit: str  #: unit whose duty it is
    person: str
    post: str
    in_name_of: str
    reason: str
    row: str
    at: int
    text: VaultRef | None = None
