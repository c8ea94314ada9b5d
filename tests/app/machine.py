"""The deciding and storing half of a city without threads, and messages to feed it with."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from liandong.app.accounting import Accounting
from liandong.app.handle import Handler, read_message
from liandong.app.policies import draft_commit, empty_policy, policy_of
from liandong.app.ports import Changes, OutboxOutcome, Store
from liandong.app.writer import Admit, Item, Writer, messages_of, step_for
from liandong.core.values.case import LIVE, CaseState, Order
from liandong.core.values.dataset import CityFolder
from liandong.core.values.findings import (
    Finding,
    FindingEnded,
    FindingReopened,
    FindingRetracted,
    FindingRevised,
    FindingSettled,
)
from liandong.core.values.ids import act_id, finding_id
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Action, FindingPart, Mode, Outcome
from liandong.core.values.messages import Act, DeliveryReported
from liandong.core.values.times import parse_time
from liandong.runners.replay import REPLAYED
from tests.small_town import demo_city

START = parse_time("2026-05-01T09:00:00+08:00")
CHANNELS = (
    "channel:gas-001.ch4_lel",
    "channel:gas-002.ch4_lel",
    "channel:tank-1-1.h2s",
    "channel:tank-1-2.h2s",
)
_decoder = msgspec.json.Decoder(CaseState)


@cache
def folder() -> CityFolder:
    return demo_city(7, START, 5, 36)


def committed(store: Store) -> Handler:
    """A handler over a store that has just taken in the city."""
    handler = Handler(store, empty_policy("demo", Mode.REAL))
    made = folder()
    drafted = draft_commit(None, made.city, made.mechanism, made.rules, ("file",), "test", "test")
    assert drafted is not None
    handler.begin()
    handler.admit(drafted[0], "policy", START)
    changes = handler.take()
    changes.datasets |= drafted[1].datasets
    changes.meta["city"] = "demo"
    store.commit(changes)
    handler.policy = policy_of(store, drafted[0], Mode.REAL)
    return handler


def make_writer(store: Store, **options: Any) -> Writer:
    """A writer that is not started: the test calls `write`, or starts it."""
    writer = Writer(store, committed(store), Accounting(), **options)
    writer.now = START
    return writer


def write(writer: Writer, *items: Item) -> list[Any]:
    """Write a group as the thread would; what each future came to."""
    for item in items:
        for message, origin in messages_of(item):
            writer.accounting.enter(step_for(message), origin)
    writer.write(list(items))
    return [item.future.exception() or item.future.result() for item in items]


# Messages


def finding(channel: str, at: int, *, high: bool = False, value: float = 60.0) -> Finding:
    quantity = channel.rpartition(".")[2]
    slug = {"ch4_lel": "gas_ch4", "h2s": "toxic_h2s"}[quantity]
    rule = next(r for r in folder().rules if r.key == f"{slug}_{'high' if high else 'medium'}")
    group = next(c.group for c in folder().city.channels if c.key == channel)
    return Finding(
        id=finding_id("demo", Mode.REAL, rule.key, channel, group, at), rule=rule.key, rule_version=1,
        hazard=rule.hazard, severity=rule.severity, channel=channel, group=group, onset=at, raised=at,
        value=value, limit=rule.raise_at, position=(1, 0),
    )  # fmt: skip


def later(known: Finding, word: str, at: int) -> Any:
    """What detect may say of a finding afterwards."""
    base = dict(id=known.id, rule=known.rule, channel=known.channel, position=(1, 1))
    full = dict(base, onset=known.onset, raised=known.raised, value=known.value)
    if word == "revised":
        return FindingRevised(**(full | dict(value=known.value + 1.5, raised=at)))
    if word == "ended":
        return FindingEnded(**base, ended=at, peak=77.0)
    if word == "settled_end":
        return FindingSettled(**full, part=FindingPart.END, ended=at, peak=77.0)
    if word == "settled":
        return FindingSettled(**full, part=FindingPart.ONSET, ended=None, peak=None)
    return {"retracted": FindingRetracted, "reopened": FindingReopened}[word](**base)


def cases(store: Store) -> list[CaseState]:
    return [_decoder.decode(row.body) for row in store.states("case") if row.body is not None]


def live_orders(case: CaseState) -> list[Order]:
    return [o for o in case.orders.values() if o.status in LIVE]


def act(
    case: CaseState, action: Action, person: str, post: str, key: str, version: int | None = None, **more: Any
) -> Act:
    return Act(
        id=act_id("demo", Mode.REAL, person, case.id, key), body_digest=f"digest of {key}", action=action,
        case=case.id, person=person, post=post, version=case.version if version is None else version, **more,
    )  # fmt: skip


def next_act(case: CaseState, order: Order, key: str) -> Act | None:
    """The next step of an order as its holder does it right."""
    left = [s for s in order.steps if s.action not in order.done]
    if not left:
        return None
    action = left[0].action
    more: dict[str, Any] = {}
    if action == Action.JUDGE:
        more["verdict"] = "real"
    elif action == Action.REVIEW:
        more["passed"] = True
    elif action == Action.CLOSE:
        more["cause"] = "real" if case.verdict != "false" else "false_rule"
    return act(case, action, order.person, order.post, key, evidence=("photo:1",), **more)


def report(row: Any, number: int, outcome: Outcome, now: int) -> tuple[Changes, Admit]:
    """The beginning of an attempt, and its end as the outbox reports it."""
    from liandong.app.ports import AttemptRow

    attempt = AttemptRow(id=f"dlv_{row.id}_{number}", outbox=row.id, number=number, started=now)
    message = DeliveryReported(
        case=row.case, order=row.order, attempt=attempt.id, number=number, recipient=row.recipient,
        channel=row.channel, outcome=outcome,
    )  # fmt: skip

    def finish(changes: Changes) -> None:
        changes.outcomes.append(
            OutboxOutcome(outbox=row.id, attempt=attempt.id, outcome=outcome, at=now, next_at=None)
        )

    return Changes(attempts=[attempt]), Admit(message, "delivery", extra=finish)


# What a store came to


def entries(store: Store) -> dict[tuple[str, int], tuple[bytes, str]]:
    """Every decided entry by its place, as stored bytes and hash."""
    return {(r.stream, r.sequence): (r.body, r.hash) for r in store.entries(0, 1_000_000, REPLAYED)}


def states(store: Store) -> dict[str, bytes | None]:
    """Every state by its stream."""
    return {row.stream: row.body for kind in ("case", "risk", "alarm", "score") for row in store.states(kind)}


def admitted(store: Store) -> list[tuple[Any, str, int]]:
    """Message, origin and moment of everything that was admitted, in order."""
    found = []
    for row in store.entries(0, 1_000_000, (EntryKind.ADMISSION,)):
        entry = read_entry(row.body)
        assert entry.message is not None
        found.append((read_message(entry.message), row.stream.partition(":")[2], entry.now))
    return found


def outbox(store: Store) -> list[Any]:
    """Every delivery that still wants to be tried."""
    return store.outbox_due(1 << 62, 1_000_000)


__all__ = [name for name in dir() if not name.startswith("_")]
