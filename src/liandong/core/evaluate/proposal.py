"""A proposed change of one rule: chosen on the older part of the history, shown on the part it never saw.

Nothing is applied here. The grid is small on purpose: a limit moved by a known share, or a hold that is
longer, are changes that a chief engineer can weigh; a fitted curve is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.rules import Rule

#: Times the limit; the distance of the clearing limit goes with it.
LIMITS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
#: Seconds that the hold is longer.
HOLDS = (0.0, 60.0, 300.0, 600.0, 1800.0)
#: Fewer judged findings than this and chance would do the choosing.
FEWEST = 8
#: Of the span, what a change is chosen on; the rest shows what it is worth.
CHOSEN_ON = 2 / 3


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What of a rule may be proposed anew."""

    raise_at: float
    clear_at: float
    hold_s: float


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One rule with other numbers, and what both would have said where the choice was not made."""

    rule: str
    version: int  #: of the rule that it changes; another one refuses it
    now: Numbers
    proposed: Numbers | None  #: None where nothing tried is better
    tried: int
    since: int
    split: int  #: chosen before it, shown after it
    until: int
    chosen_before: RuleTrial
    chosen_after: RuleTrial | None
    before: RuleTrial
    after: RuleTrial | None
    beside: tuple[RuleTrial, ...]  #: always-fire and never-fire, on the part that is shown


def candidates(rule: Rule) -> list[Rule]:
    """The rule as it is, first, and the changes that are tried; `key~n` tells them apart."""
    made = []
    for limit in LIMITS:
        for longer in HOLDS:
            raise_at, clear_at = rule.raise_at * limit, rule.clear_at * limit
            numbers = (raise_at, clear_at, rule.hold_s + longer)
            if numbers != (rule.raise_at, rule.clear_at, rule.hold_s):
                made.append(numbers)
    now = (rule.raise_at, rule.clear_at, rule.hold_s)
    return [
        msgspec.structs.replace(rule, key=f"{rule.key}~{n}", raise_at=r, clear_at=c, hold_s=h)
        for n, (r, c, h) in enumerate([now, *made])
        if (c <= r) == rule.above or c == r
    ]


def choose(rule: Rule, tried: Sequence[tuple[Rule, RuleTrial]]) -> int:
    """Which of those tried is best, 0 for the rule as it is.

    None that misses an event more; of the rest the fewest false findings, then the least delay, then the
    smallest change.
    """
    now = tried[0][1]
    if now.real + now.false < FEWEST:
        return 0

    def worth(place: int) -> tuple[float, float, float]:
        row, trial = tried[place]
        change = abs(row.raise_at - rule.raise_at) / (abs(rule.raise_at) or 1.0)
        change += (row.hold_s - rule.hold_s) / 3600
        return trial.false, trial.delay_s or 0.0, change

    good = [place for place, (_, trial) in enumerate(tried) if trial.hit >= now.hit]
    best = min(good, key=worth)
    return best if tried[best][1].false < now.false else 0


def numbers_of(rule: Rule) -> Numbers:
    """What of a rule may change."""
    return Numbers(raise_at=rule.raise_at, clear_at=rule.clear_at, hold_s=rule.hold_s)
