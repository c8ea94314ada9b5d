"""What this program promises on two cores, and whether a run of its benches kept it.

A budget is a figure of a bench and what it may be at least or at most. A run that measured another
machine, or one that others used meanwhile, says something about that machine.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SIGNS = {">=": operator.ge, "<=": operator.le, "==": operator.eq}


@dataclass(frozen=True)
class Budget:
    """A promise: the figure at `path` within a bench's results stands so to the limit."""

    what: str
    bench: str
    path: str  #: keys with dots between them
    sign: str
    limit: float
    #: Option that the bench must have been run with, and its value; empty for none.
    option: tuple[str, str] | None = None


BUDGETS = (
    Budget(
        "kernel, 30,000 channels, sorted, million/s", "kernel", "kernel_sorted_30k.million_per_s", ">=", 40
    ),
    Budget(
        "kernel, 30,000 channels, shuffled, million/s", "kernel", "kernel_shuffled_30k.million_per_s", ">=", 6
    ),
    Budget(
        "kernel, 1,000,000 channels, sorted, million/s", "kernel", "kernel_sorted_1m.million_per_s", ">=", 15
    ),
    Budget("durable ingest, Arrow 5,000, readings/s", "ingest", "arrow_readings_per_s", ">=", 2_000_000),
    Budget("durable ingest, JSON 500, readings/s", "ingest", "json_readings_per_s", ">=", 300_000),
    Budget("HJ 212 frames/s", "frames", "hj212_frames_per_s", ">=", 60_000),
    Budget("JT/T 808 frames/s", "frames", "jt808_frames_per_s", ">=", 60_000),
    Budget("GB/T 26875.3 frames/s", "frames", "gb26875_frames_per_s", ">=", 60_000),
    Budget("reading to page at 20,000 readings/s, p99 ms", "latency", "p99_ms", "<=", 1_000),
    Budget("storm: cases of 100,000 findings", "storm", "cases", "<=", 1_000),
    Budget("storm: findings reached from a case", "storm", "of_them_reached_from_a_case", ">=", 100_000),
    Budget("storm: absorbed, s from the first", "storm", "absorbed_in_s", "<=", 90),
    Budget("storm: acknowledgement p95 ms", "storm", "acknowledgement_p95_ms", "<=", 300),
    Budget(
        "case transitions/s, SQLite", "transitions", "transitions_per_s", ">=", 5_000, ("store", "sqlite")
    ),
    Budget(
        "case transitions/s, PostgreSQL",
        "transitions",
        "transitions_per_s",
        ">=",
        2_000,
        ("store", "postgres"),
    ),
    Budget("mechanism proven, s", "mechanism", "proven_s", "<=", 5),
    Budget("start with cached kernels, s", "startup", "seconds", "<=", 3),
    Budget("case with 10,000 findings opens, ms", "casefile", "opens_ms", "<=", 300),
)


def verdicts(results: Mapping[str, Any], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each budget whose bench was run, with its figure and whether it was kept."""
    said = []
    for budget in BUDGETS:
        default = "sqlite" if budget.option else None
        if budget.option and (options.get(budget.option[0]) or default) != budget.option[1]:
            continue
        figure = _figure(results.get(budget.bench), budget.path)
        if figure is not None:
            kept = bool(_SIGNS[budget.sign](figure, budget.limit))
            limit = f"{budget.sign} {budget.limit:,}"
            said.append({"what": budget.what, "figure": figure, "budget": limit, "kept": kept})
    return said


def line(verdict: Mapping[str, Any]) -> str:
    """One verdict as it is printed."""
    mark = "kept  " if verdict["kept"] else "MISSED"
    return f"  {mark} {verdict['what']}: {verdict['figure']:,} ({verdict['budget']})"


def _figure(found: Any, path: str) -> float | None:
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return float(found) if isinstance(found, float) else int(found)
