"""The rules of delivering, without threads: when to repeat, whom to tell next, what need not be told now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from liandong.app.ports import AttemptRow, Channel, Digest, OutboxRow
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.ids import make_id
from liandong.core.values.lists import Action, Outcome, Repeats
from liandong.core.values.quiet import CALLS, VOICE
from liandong.core.values.times import MINUTE, SECOND

#: Waits between attempts; after the last one the delivery counts as failed for good.
WAITS = (10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE)
_TOLD, _NOTICE = "tell.", "notice."
#: What asks for something to be done to an order; all other news stays news.
_ASKS = frozenset(
    f"tell.{kind}" for kind in ("order", "level_raised", "remind", "urge", "urged", "supervise", "call")
)
#: Speaks of an order that has just ended, to who is to do it now.
_TAKEN_OVER = "tell.take_over"
#: A delivery and its attempts, as the store gives them.
Delivery = tuple[OutboxRow, Sequence[AttemptRow]]


def retry_at(number: int, outcome: Outcome, recoverable: bool, repeats: Repeats, now: int) -> int | None:
    """When to try again after attempt `number` (from 1); None ends the delivery.

    What may have arrived is repeated only where the receiver drops repeats or can be asked first.
    """
    if outcome in (Outcome.DELIVERED, Outcome.WITHDRAWN) or not recoverable or number > len(WAITS):
        return None
    if outcome == Outcome.UNKNOWN and repeats == Repeats.NEITHER:
        return None
    return now + WAITS[number - 1]


def system_of(channel: Channel) -> str:
    """Under which name a channel's receivers are looked up."""
    return getattr(channel, "system", "phone")


def must_reach(row: OutboxRow) -> bool:
    """Whether a delivery is an order, an escalation or the like, which somebody has to get."""
    return row.template.startswith(_TOLD)


def asks(row: OutboxRow) -> bool:
    """Whether a delivery asks for something that may have been done since."""
    return row.template in _ASKS or row.template == _TAKEN_OVER


def to_a_person(row: OutboxRow) -> bool:
    """Whether a delivery may take another channel. What goes to a unit's own system has only the one."""
    return row.template.startswith((_TOLD, _NOTICE))


def held(row: OutboxRow) -> bool:
    """Whether quiet hours have held a delivery back and nobody has tried it since."""
    return row.attempts == 0 and row.next_at > row.created


def digest_of(city: str, members: Sequence[OutboxRow]) -> OutboxRow:
    """Deliveries to one person over one channel as one message; a single one stays what it is."""
    first = members[0]
    if len(members) == 1:
        return first
    made = make_id("out", city, first.mode, "digest", *sorted(row.id for row in members))
    return Digest(
        id=made, order=made, case="", recipient=first.recipient, channel=first.channel,
        template="tell.digest", params={"count": len(members)}, mode=first.mode,
        created=max(row.created for row in members), next_at=first.next_at,
        attempts=max(row.attempts for row in members), members=tuple(members),
    )  # fmt: skip


def pointless(row: OutboxRow, case: CaseState | None) -> bool:
    """Whether what a delivery asks for was done, or its order signed for, since it was decided."""
    order = case.orders.get(row.order) if case is not None else None
    if case is None or order is None or not asks(row):
        return False
    if case.over:
        return True
    if row.template == _TAKEN_OVER:
        return False
    if order.status not in LIVE or row.params.get("action") in order.done:
        return True
    signed = case.done.get(Action.ACKNOWLEDGE, -1)
    return Action.ACKNOWLEDGE in order.done and row.created <= signed


def same_news(row: OutboxRow, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """The delivery itself and those that tell the same person the same thing over other channels."""
    return [
        (other, attempts)
        for other, attempts in deliveries
        if (other.order, other.recipient, other.template) == (row.order, row.recipient, row.template)
        and other.params == row.params
    ]


def successor(
    city: str, row: OutboxRow, told: Iterable[Delivery], channels: Iterable[str], now: int
) -> OutboxRow | None:
    """The same news over the next channel that has not been asked to tell it; None where none is left.

    A telephone does not ring because a text message failed, unless it was to ring anyway.
    """
    used = {row.channel, *(other.channel for other, _ in told)}
    for channel in channels:
        if channel not in used and (channel != VOICE or row.template in CALLS):
            return OutboxRow(
                id=make_id("out", city, row.mode, row.id, channel), order=row.order, case=row.case,
                recipient=row.recipient, channel=channel, template=row.template, params=row.params,
                mode=row.mode, created=now, next_at=now,
            )  # fmt: skip
    return None


def reached_nobody(told: Iterable[Delivery], aside: Collection[str] = ()) -> bool:
    """Whether an order or an escalation has ended on every channel and was delivered by none, but for
    those that are only a record."""
    for row, attempts in told:
        if row.channel in aside:
            continue
        outcomes = [attempt.outcome for attempt in attempts]
        queued = row.next_at or None in outcomes
        if queued or not must_reach(row) or {Outcome.DELIVERED, Outcome.WITHDRAWN} & set(outcomes):
            return False
    return True
