"""每月试呼: which contact is rung when, so that a dead number is found by a ring and not in a flood.

Every contact once a month, in working hours of working days, evenly spread. The order is a hash of the
contact: it stays from month to month, and the people of one unit are not rung one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from liandong.core.values.calendar import Calendar
from liandong.core.values.canonical import canonical_bytes, short_hash
from liandong.core.values.lists import DayKind
from liandong.core.values.roster import Contact
from liandong.core.values.times import MINUTE

#: Minutes of a working day in which people may be rung for a test: 9:00–11:30 and 14:30–17:00.
HOURS = ((9 * 60, 11 * 60 + 30), (14 * 60 + 30, 17 * 60))
_A_DAY = sum(end - start for start, end in HOURS)


class PlannedRing(msgspec.Struct, frozen=True, kw_only=True):
    """One contact and the moment at which it is to be rung."""

    person: str
    channel: str
    at: int


def ring_plan(calendar: Calendar, contacts: Iterable[tuple[str, str]], month: str) -> tuple[PlannedRing, ...]:
    """The rings of a month, YYYY-MM, by time. Contacts are (person, channel); repeats are rung once.

    The n contacts stand in the middles of n equal parts of the month's working time, so no two are nearer
    than that time divided by n. Raises ValueError for a month that is none, or that has no working day.
    """
    days = _workdays(calendar, month)
    ordered = sorted(set(contacts), key=lambda contact: short_hash(canonical_bytes(list(contact))))
    total = len(days) * _A_DAY
    return tuple(
        PlannedRing(
            person=person, channel=channel, at=_at(days, (2 * place + 1) * total // (2 * len(ordered)))
        )
        for place, (person, channel) in enumerate(ordered)
    )  # fmt: skip


def rings_due(plan: Sequence[PlannedRing], contacts: Iterable[Contact], now: int) -> list[PlannedRing]:
    """Planned rings whose time has come and whose contact was not rung in working time of that month."""
    tested = {(one.person, one.channel): one.tested for one in contacts}
    begin = min((ring.at for ring in plan), default=0)
    return [ring for ring in plan if ring.at <= now and tested.get((ring.person, ring.channel), 0) < begin]


def dead(contacts: Iterable[Contact]) -> list[Contact]:
    """Contacts that do not work, longest without an answer first."""
    return sorted((one for one in contacts if not one.works), key=lambda one: (one.answered, one.person))


def _workdays(calendar: Calendar, month: str) -> list[int]:
    """The beginnings of the working days of a month."""
    found = []
    start = calendar.start_of(f"{month}-01")
    while (local := calendar.at(start)).date.startswith(month):
        if local.day == DayKind.WORKDAY:
            found.append(start)
        start = calendar.next_day(start)
    if not found:
        raise ValueError(f"{month} has no working day")
    return found


def _at(days: Sequence[int], minute: int) -> int:
    """The moment of a minute of the month's working time."""
    day, rest = divmod(minute, _A_DAY)
    for start, end in HOURS:
        if rest < end - start:
            return days[day] + (start + rest) * MINUTE
        rest -= end - start
    raise AssertionError("the hours of a day are all looked at")
