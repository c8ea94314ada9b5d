"""`liandong bench`: prints figures of this machine, each with what it includes."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from inspect import signature
from multiprocessing import get_context
from typing import Any

from liandong import __version__
from liandong.app.clock import system_clock
from liandong.bench.budgets import line, verdicts
from liandong.core.values.errors import BadInput
from liandong.core.values.times import format_time

#: Name → module with a `run() -> dict`.
BENCHES = {
    "kernel": "liandong.bench.kernel",
    "transitions": "liandong.bench.transitions",
    "startup": "liandong.bench.startup",
    "frames": "liandong.bench.frames",
    "ingest": "liandong.bench.ingest",
    "stages": "liandong.bench.stages",
    "latency": "liandong.bench.latency",
    "storm": "liandong.bench.storm",
    "mechanism": "liandong.bench.mechanism",
    "casefile": "liandong.bench.casefile",
}


#: No measurement but a proof, and long: only where it is named.
PROOFS = {"crash": "liandong.bench.crash", "soak": "liandong.bench.soak"}
_ALL = BENCHES | PROOFS
#: A table longer than this is not for the screen.
_LONG = 1_000


def run_benches(
    names: list[str], tell: Callable[[str], None], options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run the named ones, or all measurements. Options go to those that know them; None is not given.

    Raises BadInput naming those that exist.
    """
    for name in names:
        if name not in _ALL:
            raise BadInput("bench.unknown", name=name, known=", ".join(_ALL))
    given = {key: value for key, value in (options or {}).items() if value is not None}
    report: dict[str, Any] = {
        "command": " ".join(
            ["liandong", "bench", *names, *(f"--{key} {value}" for key, value in given.items())]
        ),
        "date": format_time(system_clock().read().now),
        "version": __version__,
        "machine": {
            "processor": _processor(),
            "cores": _cores(),
            "load_before": _load(),
            "system": platform.platform(terse=True),
            "python": sys.version.split()[0],
        },
        "results": {},
    }
    tell(f"machine: {report['machine']}")
    for name in names or list(BENCHES):
        tell(f"{name} …")
        figures = _alone(name, given)
        report["results"][name] = figures
        for key, value in figures.items():
            long = isinstance(value, dict) and len(str(value)) > _LONG
            tell(f"  {key}: {f'{len(value)}, in the file of --json' if long else value}")
    report["budgets"] = verdicts(report["results"], given)
    for verdict in report["budgets"]:
        tell(line(verdict))
    return report


def _alone(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """In a process of its own: what one bench leaves in memory must not slow the next."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measure, name, dict(options)).result()


def _measure(name: str, options: dict[str, Any]) -> dict[str, Any]:
    run = import_module(_ALL[name]).run
    known = signature(run).parameters
    figures: dict[str, Any] = run(**{key: value for key, value in options.items() if key in known})
    return figures


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _load() -> float:
    """Processes that wanted to run in the last minute: far above nothing, the figures are others' as well."""
    import os

    return round(os.getloadavg()[0], 1)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
