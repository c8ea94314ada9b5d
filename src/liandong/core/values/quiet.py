"""免打扰: when a message may wait until morning, and when it must ring all the same.

A row can only make more levels ring, never fewer: levels I and II, a case without a level, and a call
叫应 always ring. Clocks do not wait with the message, so a row suits notices better than orders.
"""

from __future__ import annotations

import re

import msgspec

from liandong.core.values.calendar import Calendar
from liandong.core.values.scales import CASE_LEVELS
from liandong.core.values.times import DAY, MINUTE

#: Levels that no row can silence.
ALWAYS_RING = ("I", "II")
#: The delivery channel that rings a telephone; it is used only where somebody has to be called.
VOICE = "voice"
#: The templates of a call 叫应.
CALLS = ("tell.call", "tell.report_call")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """免打扰时段: from–to on the city's clock, for a person or a post, on one channel or all of them.

    Raises ValueError for a time that is none, and for a level that the scale does not have.
    """

    who: str  #: person or post; `*` = everybody
    channel: str = "*"  #: delivery channel; `*` = all
    start: str  #: HH:MM
    end: str  #: HH:MM; not later than `start` = the next day
    exempt: tuple[str, ...] = ()  #: levels that ring beside I and II

    def __post_init__(self) -> None:
        minutes(self.start), minutes(self.end)
        if unknown := set(self.exempt) - set(CASE_LEVELS):
            raise ValueError(f"quiet hours: level {', '.join(sorted(unknown))}")

    def until(self, calendar: Calendar, now: int) -> int:
        """When the quiet hours that hold at a moment end, 0 where none do; microseconds UTC."""
        start, end = minutes(self.start), minutes(self.end)
        minute = calendar.at(now).minute
        quiet = start <= minute < end if start < end else minute >= start or minute < end
        if not quiet:
            return 0
        left = (end - minute) % (DAY // MINUTE) or DAY // MINUTE
        # The city's minutes begin with those of UTC: no offset in force since 2000 has seconds in it.
        return now - now % MINUTE + left * MINUTE


def minutes(clock: str) -> int:
    """HH:MM → minute of the day. Raises ValueError."""
    found = _CLOCK.fullmatch(clock)
    if found is None:
        raise ValueError(f"time of day {clock}")
    return int(found[1]) * 60 + int(found[2])


def rings(level: str, template: str, channel: str, exempt: tuple[str, ...] = ()) -> bool:
    """Whether a message must be told at once whatever the hour."""
    if channel == VOICE or template in CALLS:
        return True
    return level not in CASE_LEVELS or level in ALWAYS_RING or level in exempt
