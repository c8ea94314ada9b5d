"""对账: the open orders of both sides compared. What a push can repair is pushed; the rest is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

import msgspec

from liandong.app.bridge.documents import TheirOrder


class Differs(StrEnum):
    """How the two sides differ about one order."""

    MISSING_THERE = "missing_there"  #: open here, unknown there
    MISSING_HERE = "missing_here"  #: open there, unknown here
    OPEN_THERE = "open_there"  #: over here, still open there
    CLOSED_THERE = "closed_there"  #: closed there, still open here
    STATUS = "status"  #: another status there than the one last reported


#: What another push of the order mends.
REPAIRED = (Differs.MISSING_THERE, Differs.OPEN_THERE)


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """An order as we have it."""

    order: str
    case: str
    live: bool
    their_status: str = ""  #: as last reported
    waiting: bool = False  #: something reported on it waits


class Difference(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One order about which the sides differ."""

    order: str
    kind: Differs
    case: str = ""
    number: str = ""
    theirs: str = ""  #: status there
    ours: str = ""  #: status that was last reported


def compare(
    ours: Mapping[str, Ours], theirs: Iterable[TheirOrder], words: Collection[str]
) -> list[Difference]:
    """Every difference, by order. `ours` holds the live orders and every other one that `theirs` names and
    that we know. Only `words` that mean an action are compared, and what waits here is no difference yet."""
    found: list[Difference] = []
    named: set[str] = set()
    for one in theirs:
        named.add(one.order)
        here = ours.get(one.order)
        kind = _kind(here, one, words)
        if kind is not None:
            found.append(
                Difference(
                    order=one.order, kind=kind, case=here.case if here else "", number=one.number,
                    theirs=one.status, ours=here.their_status if here else "",
                )
            )  # fmt: skip
    found += [
        Difference(order=here.order, kind=Differs.MISSING_THERE, case=here.case)
        for here in ours.values()
        if here.live and here.order not in named
    ]
    return sorted(found)


def _kind(here: Ours | None, there: TheirOrder, words: Collection[str]) -> Differs | None:
    if here is None:
        return Differs.MISSING_HERE if there.open else None
    if here.live and not there.open:
        return None if here.waiting else Differs.CLOSED_THERE
    if not here.live and there.open:
        return Differs.OPEN_THERE
    said = there.status in words and there.status != here.their_status
    return Differs.STATUS if here.live and said and not here.waiting else None
