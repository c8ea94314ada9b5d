"""Moments. int64 microseconds UTC in arrays and stores, aware UTC datetimes at the door.

A naive datetime is refused wherever it appears: two cities lost an hour of clocks to a guess.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NewType

from liandong.core.values.errors import BadInput

#: Microseconds since 1970-01-01T00:00:00Z.
Micros = NewType("Micros", int)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Readings before 2000 or after 2100 are a clock that was never set, not an event.
EARLIEST = Micros(946_684_800 * SECOND)
LATEST = Micros(4_102_444_800 * SECOND)


def to_micros(moment: datetime) -> Micros:
    """Aware datetime → microseconds UTC, exactly. Raises BadInput for a naive one."""
    if moment.tzinfo is None:
        raise BadInput("time.naive", value=moment.isoformat())
    delta = moment - _EPOCH
    return Micros((delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds)


def to_datetime(at: int) -> datetime:
    """Microseconds UTC → aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=at)


def parse_time(text: str) -> Micros:
    """RFC 3339 with an offset → microseconds. Raises BadInput naming the text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("time.unreadable", value=text[:64]) from error
    try:
        return to_micros(moment)
    except OverflowError as error:
        raise BadInput("time.unreadable", value=text[:64]) from error


def format_time(at: int) -> str:
    """Microseconds → RFC 3339 in UTC, `Z` form, microseconds only when there are any."""
    return to_datetime(at).isoformat().replace("+00:00", "Z")
