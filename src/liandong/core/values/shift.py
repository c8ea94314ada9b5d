"""交接班: a shift of a post is handed over and taken over, each under a name, open items one by one."""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef


class HandedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One open case as it was handed over; the words about it are in the vault."""

    case: str
    remark: VaultRef | None = None


class HandOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """交班: whoever goes names every open item and signs."""

    id: str  #: from the client's idempotency key
    post: str
    person: str
    version: int  #: the shift that the person saw
    open: tuple[str, ...]  #: cases that were open for the post when the message came in
    items: tuple[HandedItem, ...]
    remark: VaultRef | None = None


class TakeOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """接班: whoever comes confirms every item and signs."""

    id: str
    post: str
    person: str
    version: int
    confirmed: tuple[str, ...]
    remark: VaultRef | None = None


class ShiftHandedOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已交班."""

    post: str
    person: str
    at: int
    by: str  #: id of the message
    items: tuple[HandedItem, ...]
    expected: str = ""  #: who was on duty by the roster
    remark: VaultRef | None = None


class ShiftTakenOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已接班."""

    post: str
    person: str
    at: int
    by: str
    handed_by: str  #: person
    handed_at: int
    items: tuple[str, ...]
    expected: str = ""
    remark: VaultRef | None = None


class ShiftState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest hand-over of a post, and who has the shift by signature."""

    version: int = 0
    pending: ShiftHandedOver | None = None
    holder: str = ""  #: person who took over last; empty where nobody ever did
    since: int = 0
    last: str = ""  #: id of the message that was taken last, so that a repeat is known


def evolve_shift(state: ShiftState, event: ShiftHandedOver | ShiftTakenOver) -> ShiftState:
    """Apply one event; chooses nothing."""
    if isinstance(event, ShiftHandedOver):
        return msgspec.structs.replace(state, version=state.version + 1, pending=event, last=event.by)
    return ShiftState(
        version=state.version + 1, pending=None, holder=event.person, since=event.at, last=event.by
    )
