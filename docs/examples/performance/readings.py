"""The readings and the rules that all contenders get; needs NumPy alone.

30,000 channels, one reading a second for 40 seconds, about N(10, 3), rounded to three places. 300 channels
rise to about 30 for four seconds. Two rules on each channel: a limit (raise at 25, hold 1 s, clear below
20) and a z-score (raise at 5, clear below 3, forgetting with 20 s).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS, ROUNDS, SPIKES = 30_000, 40, 300
START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z in microseconds
SECOND = 1_000_000
RAISE, CLEAR, HOLD = 25.0, 20.0, 1.0
Z_RAISE, Z_CLEAR, Z_WINDOW, Z_WARM = 5.0, 3.0, 20.0, 20


def make() -> tuple[Any, Any, Any]:
    """Channel, time (microseconds) and value in the order in which they arrive."""
    rng = np.random.default_rng(7)
    channel = np.tile(np.arange(CHANNELS), ROUNDS)
    times = START + np.repeat(np.arange(ROUNDS), CHANNELS) * SECOND + channel * 20
    value = rng.normal(10.0, 3.0, (ROUNDS, CHANNELS)).clip(-4.0, 20.0)
    value[30:34, :: CHANNELS // SPIKES] = rng.uniform(29.0, 31.0, (4, SPIKES))
    return channel, times, np.round(value, 3).ravel()


def key(channel: int) -> str:
    """Name of a channel."""
    return f"channel:gas-{channel:05}"


class Limit:
    """A limit with hysteresis and hold, in plain Python: the rule as a user would write it."""

    __slots__ = ("onset", "raised")

    def __init__(self) -> None:
        self.onset, self.raised = 0.0, False

    def see(self, at: float, value: float, raise_at: float, clear_at: float, hold: float) -> bool:
        """True where this reading raises the alarm."""
        if self.raised:
            self.raised = value >= clear_at
            return False
        if value < raise_at:
            self.onset = 0.0
            return False
        self.onset = self.onset or at
        self.raised = at - self.onset >= hold
        return self.raised


class ZScore:
    """Mean and variance that forget, in plain Python; learns only while calm."""

    __slots__ = ("count", "limit", "mean", "variance")

    def __init__(self) -> None:
        self.count, self.mean, self.variance, self.limit = 0, 0.0, 0.0, Limit()

    def see(self, at: float, value: float) -> bool:
        """True where this reading raises the alarm."""
        raised = False
        if self.count >= Z_WARM:
            score = (value - self.mean) / max(self.variance**0.5, 1e-9)
            raised = self.limit.see(at, score, Z_RAISE, Z_CLEAR, 0.0)
        if not self.limit.raised:
            self.count += 1
            weight = max(min(1.0 / (1.0 + Z_WINDOW), 1.0 / Z_WARM), 1.0 / self.count)
            away = value - self.mean
            self.mean += weight * away
            self.variance = (1.0 - weight) * (self.variance + weight * away * away)
        return raised


class Clock:
    """Seconds of the clock and of the processor since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self, readings: int, limit: int, zscore: int) -> dict[str, Any]:
        """The figures of a run."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {
            "readings": readings, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2),
            "limit_alarms": limit, "zscore_alarms": zscore,
        }  # fmt: skip


def write(figures: dict[str, Any]) -> None:
    """Where the one who compares reads them."""
    Path(sys.argv[1]).write_text(json.dumps(figures), encoding="utf-8")
