"""A proposed change of one rule: chosen on the older part of the history, shown on the part it never saw.

Nothing is applied here. The grid is small on purpose: a limit moved by a known share, a hold that is longer,
a quorum of other size are changes that a chief engineer can weigh; a fitted curve is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.lists import Statistic
from liandong.core.values.rules import Rule

replace = msgspec.structs.replace

#: Times the limit (with a quorum: of each member); the distance of the clearing limit goes with it.
LIMITS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
#: Seconds that the hold is longer.
HOLDS = (0.0, 60.0, 300.0, 600.0, 1800.0)
#: Shares of the known members that have to agree: a third, half, two thirds, three quarters, all.
SHARES = (0.33, 0.5, 0.66, 0.75, 1.0)
#: Members more or fewer that have to agree, where a rule counts them; and all of them.
MEMBERS = (-1, 1, 2)
#: Fewer judged findings than this and chance would do the choosing.
FEWEST = 8
#: Of the span, what a change is chosen on; the rest shows what it is worth.
CHOSEN_ON = 2 / 3


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What of a rule may be proposed anew."""

    raise_at: float  #: of a quorum rule the quorum itself: a share of the known members, or their number
    clear_at: float
    hold_s: float
    member_limit: float | None = None  #: from which a member agrees; None of a rule without a quorum


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


def candidates(rule: Rule, members: int = 0) -> list[Rule]:
    """The rule as it is, first, and the changes that are tried; `key~n` tells them apart.

    `members` is how many channels the largest group of a quorum rule has. Of limit, hold and quorum at most
    two change at once.
    """
    now = numbers_of(rule)
    made = _quorums(rule, now, members) if has_quorum(rule) else _limits(now)
    tried = dict.fromkeys(one for one in made if one != now)
    return [
        replace(with_numbers(rule, one), key=f"{rule.key}~{n}")
        for n, one in enumerate([now, *tried])
        if (one.clear_at <= one.raise_at) == rule.above or one.clear_at == one.raise_at
    ]


def _limits(now: Numbers) -> Iterator[Numbers]:
    for limit in LIMITS:
        for longer in HOLDS:
            yield replace(
                now, raise_at=_round(now.raise_at * limit), clear_at=_round(now.clear_at * limit),
                hold_s=now.hold_s + longer,
            )  # fmt: skip


def _quorums(rule: Rule, now: Numbers, members: int) -> Iterator[Numbers]:
    """Each limit with each hold, each quorum with each hold, each quorum with each limit."""
    counted = bool(rule.numbers().get("count", (0.0,))[0])
    limits = [replace(now, member_limit=_round((now.member_limit or 0.0) * limit)) for limit in LIMITS]
    found = {now.raise_at + more for more in MEMBERS} | {float(members)} if counted else set(SHARES)
    most = members if counted else 1
    quorums = [
        replace(now, raise_at=quorum, clear_at=_clears(now, quorum))
        for quorum in sorted(found)
        if 0 < quorum <= most
    ]
    for one in (*limits, *quorums):
        yield from (replace(one, hold_s=now.hold_s + longer) for longer in HOLDS)
    for one in quorums:
        yield from (replace(one, member_limit=limit.member_limit) for limit in limits)


def _clears(now: Numbers, quorum: float) -> float:
    """In the same relation to another quorum, so that no member agreeing always clears."""
    return quorum if now.clear_at == now.raise_at else _round(now.clear_at * quorum / now.raise_at)


def _round(value: float) -> float:
    """A figure that a person can read and type: twelve digits."""
    return float(f"{value:.12g}")


def choose(rule: Rule, tried: Sequence[tuple[Rule, RuleTrial]]) -> int:
    """Which of those tried is best, 0 for the rule as it is.

    None that misses an event more; of the rest the fewest false findings, then the least delay, then the
    smallest change.
    """
    as_is = tried[0][1]
    if as_is.real + as_is.false < FEWEST:
        return 0

    def worth(place: int) -> tuple[float, float, float]:
        row, trial = tried[place]
        now, then = numbers_of(rule), numbers_of(row)
        change = abs(then.raise_at - now.raise_at) / (abs(now.raise_at) or 1.0)
        if now.member_limit is not None and then.member_limit is not None:
            change += abs(then.member_limit - now.member_limit) / (abs(now.member_limit) or 1.0)
        change += (then.hold_s - now.hold_s) / 3600
        return trial.false, trial.delay_s or 0.0, change

    good = [place for place, (_, trial) in enumerate(tried) if trial.hit >= as_is.hit]
    best = min(good, key=worth)
    return best if tried[best][1].false < as_is.false else 0


def has_quorum(rule: Rule) -> bool:
    """Whether a rule raises where enough members of a group agree."""
    return rule.statistic is Statistic.SCORE and rule.scorer == "quorum" and rule.above and rule.raise_at > 0


def numbers_of(rule: Rule) -> Numbers:
    """What of a rule may change."""
    limit = rule.numbers()["limit"][0] if has_quorum(rule) else None
    return Numbers(raise_at=rule.raise_at, clear_at=rule.clear_at, hold_s=rule.hold_s, member_limit=limit)


def with_numbers(rule: Rule, numbers: Numbers) -> Rule:
    """The rule with other numbers; whatever else its `params` say stays."""
    params = rule.params
    if numbers.member_limit is not None:
        limit = repr(numbers.member_limit).removesuffix(".0")
        parts = (part.strip() for part in rule.params.split(";"))
        params = ";".join(
            f"limit={limit}" if part.partition("=")[0].strip() == "limit" else part for part in parts
        )
    return replace(
        rule, raise_at=numbers.raise_at, clear_at=numbers.clear_at, hold_s=numbers.hold_s, params=params
    )
