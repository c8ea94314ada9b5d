"""What rules would have said on a stored history, judged by what people found on site.

An event is a closed case: a hazard at an asset from its onset to its closing, found real, false or
neither. A finding meets an event of its hazard and asset where the two share a moment. Beside every
figure stand the two detectors that cost nothing to build: one that always says something is wrong
(once a day on each channel), and one that never does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from liandong.core.evaluate.period import FALSE
from liandong.core.evaluate.shares import Share, share
from liandong.core.values.lists import Cause
from liandong.core.values.times import DAY, SECOND

#: A finding may come before what the case took for the onset, and is still of the same event.
BEFORE = 6 * 3600 * SECOND
ALWAYS, NEVER = "always", "never"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What people found: a closed case."""

    case: str
    hazard: str
    asset: str
    onset: int
    until: int
    cause: Cause


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One settled finding; moments are microseconds, `ended` None where it was still open."""

    rule: str
    channel: str
    hazard: str
    asset: str
    onset: int
    raised: int
    value: float
    ended: int | None = None


class Watched(NamedTuple):
    """A rule on a channel, and the event that it is to find there."""

    rule: str
    channel: str
    hazard: str
    asset: str


class RuleTrial(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule, all of them together, or a baseline did."""

    rule: str
    findings: int
    per_day: float
    hit: int  #: real events, of its hazard at an asset that it looks at, that a finding met
    missed: int
    real: int  #: findings that met a real event
    false: int  #: findings that met only events found false
    unjudged: int  #: findings that met no closed case, or only ones that say nothing
    precision: Share  #: real among those judged
    delay_s: float | None  #: median from the onset of a real event to the first finding; None without any


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A set of rules over a stretch of history. A counterfactual: nobody was told, nothing was decided."""

    since: int
    until: int
    days: float
    channels: int  #: that at least one rule looks at
    events: int  #: real ones
    total: RuleTrial
    rules: tuple[RuleTrial, ...]
    beside: tuple[RuleTrial, ...]
    missed: tuple[str, ...]  #: cases of real events that no finding met


def judge(
    found: Sequence[Found],
    events: Iterable[Event],
    watched: Sequence[Watched],
    since: int,
    until: int,
) -> Trial:
    """Score findings of [since, until); a real event at a place that no rule watches counts as missed."""
    mine = [event for event in events if event.until >= since and event.onset < until]
    real = [event for event in mine if event.cause == Cause.REAL]
    days = max((until - since) / DAY, 1e-9)
    by_place: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in mine:
        by_place[event.hazard, event.asset].append(event)
    met = [[event for event in by_place.get((f.hazard, f.asset), ()) if _meets(f, event)] for f in found]
    places: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in watched:
        places[row.rule].add((row.hazard, row.asset))
    channels = len({row.channel for row in watched})
    hits = {event.case for events_ in met for event in events_}
    return Trial(
        since=since, until=until, days=round(days, 3), channels=channels, events=len(real),
        total=_score("", found, met, real, days),
        rules=tuple(
            _score(
                rule, [f for f in found if f.rule == rule],
                [m for f, m in zip(found, met, strict=True) if f.rule == rule],
                [event for event in real if (event.hazard, event.asset) in places[rule]], days,
            )
            for rule in sorted(places)
        ),
        beside=_baselines(real, set().union(*places.values()), channels, days),
        missed=tuple(event.case for event in real if event.case not in hits),
    )  # fmt: skip


def _baselines(
    real: Sequence[Event], places: set[tuple[str, str]], channels: int, days: float
) -> tuple[RuleTrial, ...]:
    """Once a day on every channel that is watched; and never."""
    always = round(channels * days)
    reached = sum((event.hazard, event.asset) in places for event in real)
    good = min(reached, always)
    return (
        RuleTrial(
            rule=ALWAYS, findings=always, per_day=float(channels), hit=reached, missed=len(real) - reached,
            real=good, false=always - good, unjudged=0, precision=share(good, always),
            delay_s=0.0 if reached else None,
        ),
        RuleTrial(
            rule=NEVER, findings=0, per_day=0.0, hit=0, missed=len(real), real=0, false=0, unjudged=0,
            precision=share(0, 0), delay_s=None,
        ),
    )  # fmt: skip


def _meets(found: Found, event: Event) -> bool:
    ended = found.raised if found.ended is None else found.ended
    return found.raised <= event.until and max(ended, found.raised) >= event.onset - BEFORE


def _score(
    rule: str, found: Sequence[Found], met: Sequence[Sequence[Event]], real: Sequence[Event], days: float
) -> RuleTrial:
    first: dict[str, int] = {}
    hits = false = 0
    for one, events in zip(found, met, strict=True):
        true = [event for event in events if event.cause == Cause.REAL]
        hits += bool(true)
        false += not true and any(event.cause in FALSE for event in events)
        for event in true:
            first[event.case] = min(first.get(event.case, one.raised), one.raised)
    delays = [(first[event.case] - event.onset) / SECOND for event in real if event.case in first]
    return RuleTrial(
        rule=rule, findings=len(found), per_day=round(len(found) / days, 3), hit=len(first),
        missed=len(real) - len(first), real=hits, false=false, unjudged=len(found) - hits - false,
        precision=share(hits, hits + false), delay_s=median(delays) if delays else None,
    )  # fmt: skip
