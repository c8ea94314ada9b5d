"""Events of urging: calls 叫应, supervised handling 督办, urging by a person 催办; the draw of a review."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import Timer
from liandong.core.values.lists import Cause


class WaitStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """等待: moments of an order that no limit gives: so long after, or so long without an answer."""

    case: str
    waits: tuple[str, ...]  #: `order/action`
    timers: tuple[Timer, ...]


class CallPlaced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """叫应: somebody is rung; if nobody answers, the timer rings again, or goes on to the next row."""

    case: str
    order: str
    row: str
    turn: int  #: from 1
    unit: str
    post: str
    person: str
    at: int
    timer: Timer | None = None
    fallback: str = ""


class CallAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """应答: the ringing ends."""

    case: str
    order: str
    person: str
    post: str
    at: int
    by: str  #: person who says so: who answered, or who rang


class CallUnanswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """叫应未应答: nobody answered as often as the row says."""

    case: str
    order: str
    row: str
    turns: int
    at: int


class SupervisionStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """督办: from now on this post is told of every step until the case is done."""

    case: str
    order: str
    unit: str
    post: str
    person: str
    row: str
    at: int


class HolderUrged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """催办 by a person, counted."""

    case: str
    order: str
    number: int
    unit: str  #: that was urged
    person: str  #: who urged
    at: int


class ReviewDrawn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """抽查: whether this closure is reviewed, from the row's rate and a draw that anybody can repeat."""

    case: str
    unit: str  #: whose closure it is
    rate: float
    draw: float  #: 0 ≤ draw < 1; reviewed where it is below the rate
    drawn: bool
    row: str
    raised: bool = False  #: the unit's closures were found hollow
    cause: Cause | None = None
    at: int
