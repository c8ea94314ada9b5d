"""The only reader of time. Everybody else is given `now`, so a test or a replay can give it too.

Two witnesses are compared: the wall clock, which people and servers may set, and the monotonic
clock, which nobody can set but which knows no date and stands still while a machine sleeps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from liandong.core.values.errors import Conflict
from liandong.core.values.times import DAY, SECOND, format_time

#: A quartz off by more than this is broken, so a faster parting of the two clocks is not drift.
DRIFT_PPM = 100
#: Drift is forgiven little by little; saved up without end it would forgive a step.
_MOST_DRIFT = 1 * SECOND


class Anomaly(StrEnum):
    """时钟异常: what is wrong with the wall clock."""

    AHEAD = "ahead"  #: 超前
    BEHIND = "behind"  #: 滞后
    HELD = "held"  #: 等待追平


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock, from which a tick is made."""

    now: int  #: microseconds UTC; never less than in an earlier reading
    deadlines: bool  #: whether a tick of this reading may let limits run out
    anomaly: str | None  #: why a person should look at the clock, or None
    difference: int = 0  #: how far the wall is ahead of what it should say, to show to that person


class TimeSource(Protocol):
    """What a runner asks for the time: `Clock` in service, `VirtualClock` in demo, drill and test."""

    def read(self) -> Reading: ...


class Clock:
    """The wall clock, believed only as far as the monotonic clock bears it out."""

    def __init__(
        self,
        wall: Callable[[], int],
        monotonic: Callable[[], int],
        last: int | None = None,
        max_ahead: int = 60 * SECOND,
        max_gap_at_start: int = 7 * DAY,
    ) -> None:
        """`last` is the newest admitted tick in the store; all durations are in microseconds."""
        self._wall, self._monotonic = wall, monotonic
        self._tolerance = max_ahead
        self._lock = threading.Lock()
        self._seen = monotonic()
        self._now = wall() if last is None else last
        #: What the wall should say: the last moment at which it was believed plus the time elapsed.
        self._expected = self._now
        #: Until the wall is first believed after a start, the machine may have been off this long.
        self._gap = 0 if last is None else max_gap_at_start
        self._drift = 0
        #: A difference that a person has declared to be the wall's fault.
        self._excused: int | None = None

    def read(self) -> Reading:
        """The time now. Safe from any thread."""
        with self._lock:
            return self._look()

    def confirm(self, accept_wall: bool, difference: int | None = None) -> Reading:
        """A person says which witness is right: the wall, or the time counted since it was believed.

        With the `difference` that the person was shown, a wall that has jumped again since then is
        refused as a Conflict, because nobody has looked at that one.
        """
        with self._lock:
            shown = self._look()
            if difference is not None and abs(shown.difference - difference) > self._tolerance:
                found = shown.difference // SECOND
                raise Conflict("clock.moved_again", shown=difference // SECOND, now=found)
            wall = self._expected + shown.difference
            self._excused = None if accept_wall else wall - self._now
            self._expected = wall if accept_wall else self._now
            self._gap = 0
            return self._look()

    def _look(self) -> Reading:
        """Count the elapsed time, then ask whether the wall agrees."""
        monotonic, wall = max(self._monotonic(), self._seen), self._wall()
        elapsed = monotonic - self._seen
        # A clock that waits for a wall set back by a person must not be pushed on by elapsed time.
        lead = min(self._now - self._expected, self._tolerance)
        self._seen = monotonic
        self._expected += elapsed
        self._drift = min(self._drift + elapsed * DRIFT_PPM, _MOST_DRIFT * 1_000_000)
        difference = wall - self._expected
        if -self._tolerance <= difference <= max(self._tolerance, self._gap):
            return self._believe(wall, difference)
        self._now = max(self._now, self._expected + lead)
        if self._excused is not None and abs(difference - self._excused) <= self._tolerance:
            return Reading(self._now, True, None, difference)
        # Ahead, limits stop: either the wall is wrong, or the machine slept and `now` is; and a limit
        # declared broken by mistake cannot be taken back. Behind, they go on: the monotonic clock has
        # counted every second, and a clock that is set back must not silence an escalation.
        if difference > 0:
            return Reading(self._now, False, Anomaly.AHEAD, difference)
        return Reading(self._now, True, Anomaly.BEHIND, difference)

    def _believe(self, wall: int, difference: int) -> Reading:
        """Go with the wall, forward only."""
        if self._gap:
            # The first agreement after a start tells how long the machine was off.
            self._expected, self._gap, self._drift = wall, 0, 0
        else:
            # Slow drift is forgiven, so that two honest clocks never part; a chain of steps is not.
            allowed = self._drift // 1_000_000
            forgiven = max(-allowed, min(allowed, difference))
            self._expected += forgiven
            self._drift -= abs(forgiven) * 1_000_000
        self._excused = None
        self._now = max(self._now, wall)
        waits = self._now - wall > self._tolerance
        return Reading(self._now, True, Anomaly.HELD if waits else None, wall - self._expected)


class VirtualClock:
    """Time that the agenda sets: demo, drill, back-test and tests live in it."""

    def __init__(self, now: int) -> None:
        self._now = now

    def read(self) -> Reading:
        """The moment that was set last; limits always run."""
        return Reading(self._now, True, None)

    def set(self, now: int) -> None:
        """Go to a moment. Going back is refused, because decisions were made after it."""
        if now < self._now:
            raise Conflict("clock.went_back", now=format_time(self._now), wanted=format_time(now))
        self._now = now


class Ticker:
    """Calls a function at a steady beat from its own thread, until stopped."""

    def __init__(
        self, call: Callable[[], object], on_error: Callable[[Exception], object], every_s: float = 1.0
    ) -> None:
        self._call, self._on_error, self._every = call, on_error, every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> Ticker:
        """Begin; the first call comes at once."""
        self._thread.start()
        return self

    def stop(self, timeout_s: float = 5.0) -> bool:
        """No further call begins; whether the running one has ended within the timeout."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            try:
                self._call()
            except Exception as error:  # a beat that fails must not end the heart: limits hang on it
                self._on_error(error)
            # Missed beats are not made up for: one late tick says as much as ten in a row.
            due = max(due + self._every, time.monotonic())
            self._stopped.wait(due - time.monotonic())


def system_clock(last: int | None = None) -> Clock:
    """The machine's own clocks; `last` is the newest admitted tick in the store."""
    return Clock(lambda: time.time_ns() // 1_000, lambda: time.monotonic_ns() // 1_000, last)


def perf() -> float:
    """Seconds from an arbitrary start: for measuring how long something takes, never for dates."""
    return time.perf_counter()
