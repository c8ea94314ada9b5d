"""Ids: `<kind>_<base32(blake2b-128(canonical tuple))>`, opaque to everybody.

City and mode are always in the tuple, so a drill can never be taken for the real thing.
"""

from __future__ import annotations

from liandong.core.values.canonical import canonical_bytes, short_hash
from liandong.core.values.lists import Mode

_NO_IDENTITY = frozenset((float, bool, type(None), bytes, list, tuple, dict))


def make_id(kind: str, city: str, mode: Mode, *parts: str | int) -> str:
    """An id from its canonical tuple; floats and None are refused because they are no identity."""
    for part in parts:
        if part.__class__ in _NO_IDENTITY:
            raise TypeError(f"id part {part!r} is no str or int")
    return f"{kind}_{short_hash(canonical_bytes([kind, city, mode, *parts]))}"


def finding_id(city: str, mode: Mode, rule: str, channel: str, group: str, onset: int) -> str:
    """Rule key, channel, group and provisional onset as first emitted (CONTRACTS 2)."""
    return make_id("fnd", city, mode, rule, channel, group, onset)


def case_id(city: str, mode: Mode, grouping: str, ordinal: int) -> str:
    """Grouping key and the ordinal of that key's episode."""
    return make_id("case", city, mode, grouping, ordinal)


def order_id(city: str, mode: Mode, case: str, step: str, actor: str, round_: int) -> str:
    """Case, step, actor and round; a re-issue raises the round, so it is never taken for a repeat."""
    return make_id("ord", city, mode, case, step, actor, round_)


def attempt_id(city: str, mode: Mode, order: str, recipient: str, channel: str, attempt: int) -> str:
    """One attempt to deliver one order to one recipient over one channel."""
    return make_id("dlv", city, mode, order, recipient, channel, attempt)


def timer_id(city: str, mode: Mode, owner: str, clause: str, moment: str, round_: int) -> str:
    """Owner, clause, moment and round."""
    return make_id("tmr", city, mode, owner, clause, moment, round_)


def act_id(city: str, mode: Mode, person: str, target: str, key: str) -> str:
    """The client's idempotency key within person and target."""
    return make_id("act", city, mode, person, target, key)
