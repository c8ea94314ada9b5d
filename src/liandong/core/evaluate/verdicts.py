"""What closed cases say about rules, sensors, units and hours: how often an alarm was real, what was missed.

Tests, drills, duplicates and maintenance say nothing and are not counted. An event counts as missed by a
rule where people found it real at an asset that the rule looks at, and no finding of the rule belonged to
the case: somebody rang, a sub-platform said it, or a re-inspection found what had been closed as false.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from liandong.core.evaluate.shares import Share, share
from liandong.core.evaluate.trial import Watched
from liandong.core.values.lists import Cause


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A closed case as far as it says something about what raised it."""

    case: str
    hazard: str
    asset: str
    unit: str  #: that led it
    hour: int  #: local hour of its onset, 0..23
    cause: Cause
    real: bool | None  #: None = says nothing
    onset: int
    closed: int
    found: tuple[tuple[str, str], ...]  #: (rule, channel) of every finding that belonged to it


class PrecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """How often alarms of one key were real."""

    key: str
    real: Share  #: of the cases that say something
    causes: dict[str, int]


class MissedLine(msgspec.Struct, frozen=True, kw_only=True):
    """How often a rule was silent at a real event that it could have seen."""

    rule: str
    missed: Share
    cases: tuple[str, ...]


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that closed cases say, worst precision first."""

    cases: int
    rules: tuple[PrecisionLine, ...]
    sensors: tuple[PrecisionLine, ...]
    units: tuple[PrecisionLine, ...]
    hours: tuple[PrecisionLine, ...]  #: by the clock
    missed: tuple[MissedLine, ...]


def verdicts(judged: Iterable[Judged], watched: Iterable[Watched]) -> Verdicts:
    """Count closed cases; `watched` says which rule looks at which asset."""
    said = [case for case in judged if case.real is not None]
    return Verdicts(
        cases=len(said),
        rules=_lines(said, lambda case: sorted({rule for rule, _ in case.found})),
        sensors=_lines(said, lambda case: sorted({channel for _, channel in case.found})),
        units=_lines(said, lambda case: [case.unit] if case.unit else []),
        hours=tuple(
            sorted(_lines(said, lambda case: [f"{case.hour:02d}"]), key=lambda line: line.key)
        ),
        missed=_missed(said, watched),
    )  # fmt: skip


def _lines(cases: Sequence[Judged], keys: Callable[[Judged], list[str]]) -> tuple[PrecisionLine, ...]:
    real: Counter[str] = Counter()
    causes: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        for key in keys(case):
            causes[key][case.cause.value] += 1
            real[key] += bool(case.real)
    lines = [
        PrecisionLine(key=key, real=share(real[key], n.total()), causes=dict(sorted(n.items())))
        for key, n in causes.items()
    ]
    return tuple(sorted(lines, key=lambda line: (line.real.share or 0.0, -line.real.count, line.key)))


def _missed(cases: Sequence[Judged], watched: Iterable[Watched]) -> tuple[MissedLine, ...]:
    looking: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in watched:
        looking[row.hazard, row.asset].add(row.rule)
    seen: Counter[str] = Counter()
    silent: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        spoke = {rule for rule, _ in case.found}
        for rule in looking.get((case.hazard, case.asset), ()) if case.real else ():
            seen[rule] += 1
            if rule not in spoke:
                silent[rule].append(case.case)
    return tuple(
        MissedLine(rule=rule, missed=share(len(silent[rule]), seen[rule]), cases=tuple(silent[rule]))
        for rule in sorted(seen)
    )
