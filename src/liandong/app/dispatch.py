"""误报预算: a rule that sends people out for nothing too often stops telling anybody, until a person says so.

It goes on running and being scored (shadow), so that what it would have said stays visible. Counted are
the newest closed cases since a person last let the rule speak; the lower bound of the false share has to
lie above the budget, so that bad luck in a handful of cases silences nobody. The duty centre is told: the
rule stands on its desk while it is silent, and a city with a row for it has a finding of the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from liandong.app.handle import Handler
from liandong.app.logs import get_logger
from liandong.app.policies import admit_drafted, current_policy, draft_commit
from liandong.app.ports import Changes, Store
from liandong.app.selfwatch import SOURCE, messages
from liandong.app.writer import Admit, Books, Writer
from liandong.core.evaluate.shares import Share, share
from liandong.core.mechanism.policy import Policy
from liandong.core.values.journal import EntryKind
from liandong.core.values.rules import Rule
from liandong.core.values.score import CaseScored, ScoreState
from liandong.core.values.times import HOUR

log = get_logger("dispatch")
STREAM = "system:dispatch"
AUTHOR = "system:dispatch"
#: Fewer judged cases than this say nothing.
FEWEST = 10
#: So many of the newest are counted.
NEWEST = 50
_EVERY = HOUR
#: A rule of the city that turns silenced rules into an alarm of the platform.
RULE = "self.dispatch"
_HELD, _SINCE = "dispatch.held", "dispatch.since"
_score = msgspec.json.Decoder(ScoreState)
replace = msgspec.structs.replace


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the budget holds in shadow, and why."""

    version: int
    false: int = 0  #: cases, of `count`
    count: int = 0
    at: int = 0


def held_back(store: Store) -> dict[str, int]:
    """Rule → the version that the budget holds in shadow."""
    return {rule: held.version for rule, held in _held(store).items()}


def silenced(store: Store, policy: Policy) -> list[tuple[Rule, Held]]:
    """Rules that their budget has silenced and that are silent still, the newest first.

    A rule that a person leaves in shadow for good is no longer meant: without a `false_budget` it says so.
    """
    found = [
        (policy.rules[key], held)
        for key, held in _held(store).items()
        if key in policy.rules and policy.rules[key].shadow and policy.rules[key].false_budget
    ]
    return sorted(found, key=lambda one: (-one[1].at, one[0].key))


def keep_held(store: Store, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules of a table as they may run: one that is held back stays so until its version is another."""
    held = held_back(store)
    return tuple(replace(rule, shadow=True) if held.get(rule.key) == rule.version else rule for rule in rules)


def released(store: Store, rule: str, now: int) -> dict[str, str]:
    """What to note where a person lets a rule speak again: the count begins anew."""
    held = {key: one for key, one in _held(store).items() if key != rule}
    since = _since(store) | {rule: now}
    return {_HELD: _text(held), _SINCE: _text(since)}


def false_share(store: Store, rule: str) -> Share:
    """False ones among the newest cases that the rule raised and that say something."""
    since = _since(store).get(rule, 0)
    scores = [_score.decode(row.body).score for row in store.states("score") if row.body is not None]
    mine = [s for s in scores if s is not None and _counts(s, rule, since)]
    newest = sorted(mine, key=lambda score: score.closed)[-NEWEST:]
    return share(sum(not score.real for score in newest), len(newest))


def _counts(score: CaseScored, rule: str, since: int) -> bool:
    return rule in score.rules and score.real is not None and score.closed >= since


class DispatchBudget:
    """Looks once an hour. A restart looks an hour later."""

    def __init__(self, store: Store, handler: Handler, writer: Writer) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._next = 0

    def tick(self, now: int) -> None:
        """Hold back what has used up its budget."""
        if now < self._next:
            return
        first, self._next = not self._next, now + _EVERY
        if first:
            return
        policy = self._handler.policy
        over: dict[str, Share] = {}
        for rule in policy.rules.values():
            if not rule.false_budget or rule.shadow:
                continue
            false = false_share(self._store, rule.key)
            if false.count >= FEWEST and (false.low or 0.0) > rule.false_budget:
                over[rule.key] = false
        if over:
            self._writer.submit(Books(partial(self._hold, over, now)))
        quiet = over.keys() | {rule.key for rule, _ in silenced(self._store, policy)}
        # Open exactly while a rule is silenced, in a city with a row for it.
        for message in messages(policy, self._store, RULE, bool(quiet), float(len(quiet)), now):
            self._writer.submit(Admit(message, SOURCE))

    def _hold(self, over: Mapping[str, Share], now: int, changes: Changes) -> None:
        """In the writer's turn: the same policy with the rules in shadow, and a note of why for each.

        All at once, because two such jobs in one group would each begin from what is stored.
        """
        handler = self._handler
        # From the store: a group that failed is decided again, and by then the handler may know the new one.
        before = current_policy(self._store, handler.policy.mode) or handler.committed
        loud = {key: rule for key in over if (rule := before.rules.get(key)) is not None and not rule.shadow}
        if not loud:
            return
        rules = before.rules | {key: replace(rule, shadow=True) for key, rule in loud.items()}
        why = (
            f"{key}: {over[key].hits}/{over[key].count} > {rule.false_budget:g}" for key, rule in loud.items()
        )
        drafted = draft_commit(
            before, before.city.city, before.routing.mechanism, tuple(rules.values()), before.channels,
            AUTHOR, "; ".join(why),
        )  # fmt: skip
        if drafted is None:
            return
        admit_drafted(handler, drafted, now, changes)
        held = {
            key: Held(version=rule.version, false=over[key].hits, count=over[key].count, at=now)
            for key, rule in loud.items()
        }
        changes.meta[_HELD] = _text(_held(self._store) | held)
        for key, rule in loud.items():
            handler.note(
                EntryKind.SYSTEM, STREAM, now, "dispatch.held", rule=key, false=over[key].hits,
                count=over[key].count, budget=rule.false_budget,
            )  # fmt: skip
            log.warning("dispatch.held", rule=key, false=over[key].hits, count=over[key].count)


def _held(store: Store) -> dict[str, Held]:
    found = msgspec.json.decode(store.meta(_HELD) or "{}", type=dict[str, Held | int])
    return {key: Held(version=one) if isinstance(one, int) else one for key, one in found.items()}


def _since(store: Store) -> dict[str, int]:
    return msgspec.json.decode(store.meta(_SINCE) or "{}", type=dict[str, int])


def _text(value: Mapping[str, int | Held]) -> str:
    return msgspec.json.encode(value).decode()
