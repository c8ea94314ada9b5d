"""`liandong bench`: prints figures of this machine, each with what it includes."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from liandong import __version__
from liandong.app.clock import system_clock
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

#: Name → module with a `run() -> dict`.
BENCHES = {
    "kernel": "liandong.bench.kernel",
    "transitions": "liandong.bench.transitions",
    "startup": "liandong.bench.startup",
}


def run_benches(names: list[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Run the named ones, or all. Raises BadInput naming those that exist."""
    for name in names:
        if name not in BENCHES:
            raise BadInput("bench.unknown", name=name, known=", ".join(BENCHES))
    report: dict[str, Any] = {
        "command": " ".join(["liandong", "bench", *names]),
        "date": format_time(system_clock().read().now),
        "version": __version__,
        "machine": {
            "processor": _processor(),
            "cores": _cores(),
            "system": platform.platform(terse=True),
            "python": sys.version.split()[0],
        },
        "results": {},
    }
    for name in names or list(BENCHES):
        tell(f"{name} …")
        figures = import_module(BENCHES[name]).run()
        report["results"][name] = figures
        for key, value in figures.items():
            tell(f"  {key}: {value}")
    return report


def warm_up() -> None:
    """Compile and cache the kernels by running them once on next to nothing."""
    import numpy as np

    from liandong.core.detect.shard import Shard
    from liandong.core.values.lists import Mode
    from liandong.core.values.readings import ReadingBatch
    from liandong.core.values.rules import ChannelRow, Rule, SourceTerms

    channels = (ChannelRow(number=0, key="c", group="g", source="s", quantity="q"),)
    rules = (Rule(key="r", version=1, hazard="h", severity="low", quantity="q", raise_at=1.0, clear_at=0.5),)
    shard = Shard(channels, rules, (SourceTerms(key="s", lateness_s=60.0),), "warm", Mode.TEST)
    for number, at in enumerate(([10, 20], [15, 200], [100, 300])):
        moments = np.array(at) * 1_000_000
        batch = ReadingBatch.from_columns("s", channel=[0, 0], event_time=moments, value=[0.0, 2.0])
        shard.process(batch, (1, number))
    shard.advance("s", 400_000_000, (1, 9))
    shard.due_advances(900_000_000)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
