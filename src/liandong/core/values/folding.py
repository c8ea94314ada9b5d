"""What the folds of a case share."""

from __future__ import annotations

from typing import Any

import msgspec

from liandong.core.values.case import CaseState, Clock, Timer

replace = msgspec.structs.replace
Timers = dict[str, Timer]


def touched(s: CaseState, **changes: Any) -> CaseState:
    """Fields replaced, and the version raised, because people may have to react. What must make no
    act stale (a delivery report, a spent timer, a finding settled) uses `replace`."""
    return replace(s, version=s.version + 1, **changes)


def without(timers: Timers, *owners: str) -> Timers:
    """Timers but those of a clock, or of an order's wait."""
    return {key: timer for key, timer in timers.items() if timer.clock not in owners}


def with_(timers: Timers, added: tuple[Timer, ...]) -> Timers:
    """Timers and these."""
    return timers | {timer.id: timer for timer in added}


def of_order(timers: Timers, order: str) -> tuple[str, ...]:
    """Owners of the waits of an order."""
    return tuple({timer.clock for timer in timers.values() if timer.clock.startswith(f"{order}/")})


def settle_pause(clock: Clock, at: int) -> Clock:
    """Book a running pause up to `at`; no-op where none runs."""
    if clock.paused_at is None:
        return clock
    paused = at - clock.paused_at
    charges = clock.charges | {clock.charged_to: clock.charges.get(clock.charged_to, 0) + paused}
    return replace(clock, paused_at=None, paused_us=clock.paused_us + paused, charges=charges)
