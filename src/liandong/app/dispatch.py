"""误报预算: a rule that sends people out for nothing too often stops telling anybody, until a person says so.

It goes on running and being scored (shadow), so that what it would have said stays visible. Counted are
the newest closed cases since a person last let the rule speak; the lower bound of the false share has to
lie above the budget, so that bad luck in a handful of cases silences nobody.
"""

from __future__ import annotations

from functools import partial

import msgspec

from liandong.app.handle import Handler
from liandong.app.logs import get_logger
from liandong.app.policies import admit_drafted, current_policy, draft_commit
from liandong.app.ports import Changes, Store
from liandong.app.writer import Books, Writer
from liandong.core.evaluate.shares import Share, share
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
_HELD, _SINCE = "dispatch.held", "dispatch.since"
_score = msgspec.json.Decoder(ScoreState)


def held_back(store: Store) -> dict[str, int]:
    """Rule → the version that the budget holds in shadow."""
    return msgspec.json.decode(store.meta(_HELD) or "{}", type=dict[str, int])


def keep_held(store: Store, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules of a table as they may run: one that is held back stays so until its version is another."""
    held = held_back(store)
    return tuple(
        msgspec.structs.replace(rule, shadow=True) if held.get(rule.key) == rule.version else rule
        for rule in rules
    )


def released(store: Store, rule: str, now: int) -> dict[str, str]:
    """What to note where a person lets a rule speak again: the count begins anew."""
    held = {key: version for key, version in held_back(store).items() if key != rule}
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
        for rule in self._handler.policy.rules.values():
            if not rule.false_budget or rule.shadow:
                continue
            false = false_share(self._store, rule.key)
            if false.count >= FEWEST and (false.low or 0.0) > rule.false_budget:
                self._writer.submit(Books(partial(self._hold, rule.key, false, now)))

    def _hold(self, key: str, false: Share, now: int, changes: Changes) -> None:
        """In the writer's turn: the same policy with the rule in shadow, and a note of why."""
        handler = self._handler
        # From the store: a group that failed is decided again, and by then the handler may know the new one.
        before = current_policy(self._store, handler.policy.mode) or handler.committed
        rule = before.rules.get(key)
        if rule is None or rule.shadow:
            return
        rules = before.rules | {key: msgspec.structs.replace(rule, shadow=True)}
        drafted = draft_commit(
            before, before.city.city, before.routing.mechanism, tuple(rules.values()), before.channels,
            AUTHOR, f"{key}: {false.hits}/{false.count} > {rule.false_budget:g}",
        )  # fmt: skip
        if drafted is None:
            return
        admit_drafted(handler, drafted, now, changes)
        changes.meta[_HELD] = _text(held_back(self._store) | {key: rule.version})
        handler.note(
            EntryKind.SYSTEM, STREAM, now, "dispatch.held", rule=key, false=false.hits, count=false.count,
            budget=rule.false_budget,
        )  # fmt: skip
        log.warning("dispatch.held", rule=key, false=false.hits, count=false.count)


def _since(store: Store) -> dict[str, int]:
    return msgspec.json.decode(store.meta(_SINCE) or "{}", type=dict[str, int])


def _text(value: dict[str, int]) -> str:
    return msgspec.json.encode(value).decode()
