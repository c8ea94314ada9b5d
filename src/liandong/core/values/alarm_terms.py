"""告警规矩: the numbers of the alarm model, each with its source and how far that is known.

ANSI/ISA-18.2-2016 and EEMUA 191 (3rd edition) are quoted as common knowledge (trust K): neither text is
freely available, so the numbers want checking against the paper before they are used as evidence.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.quiet import ALWAYS_RING
from liandong.core.values.times import SECOND


class AlarmTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of shelving, suppressing and announcing, and what counts as chatter, stale and too many."""

    #: The levels that no quiet hours silence are not held back either (project default).
    never_levels: tuple[str, ...] = ALWAYS_RING
    #: A fire panel's own maintenance is said at the panel (GB/T 26875 屏蔽), never here (project default).
    never_hazards: tuple[str, ...] = ("fire", "forest_fire")
    shelf_longest_s: float = 8 * 3600.0  #: one shift (project default; ISA-18.2 asks for a limit, K)
    out_longest_s: float = 7 * 86_400.0  #: suppressed or out of service by hand (project default)
    announced_longest_s: float = 72 * 3600.0  #: of one announcement, extensions included (project default)
    rearm_s: float = 1800.0  #: cleared by hand while still bad: told again after so long (project default)
    chatter_count: int = 3  #: raises … (EEMUA 191, K)
    chatter_within_s: float = 60.0  #: … within so long, event time, are chatter (EEMUA 191, K)
    calm_s: float = 300.0  #: with no raise for so long the chatter is over (project default)
    stale_s: float = 86_400.0  #: active for longer is stale (ISA-18.2: standing more than 24 h, K)
    manageable: float = 6.0  #: alarms an hour and person (ISA-18.2, EEMUA 191: one in ten minutes, K)
    most: float = 12.0  #: alarms an hour and person that can be managed at most (the same, K)

    @property
    def stale_us(self) -> int:
        """After how long an active alarm is stale, microseconds."""
        return round(self.stale_s * SECOND)

    def may_hold(self, hazard: str, level: str) -> bool:
        """Whether an alarm of this hazard and level may be held back at all."""
        return level not in self.never_levels and hazard not in self.never_hazards


TERMS = AlarmTerms()
