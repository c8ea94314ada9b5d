"""The rules of delivering: what has lost its point, what is told next, who was reached."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from liandong.app.deliveries import (
    digest_of,
    held,
    pointless,
    reached_nobody,
    same_news,
    successor,
    system_of,
)
from liandong.app.ports import AttemptRow, Digest, OutboxRow
from liandong.conformance.store import outbox_row
from liandong.core.values.case import CaseState, Order, PlannedStep
from liandong.core.values.lists import Action, CaseStage, ClockOrigin, OrderStatus, Outcome
from liandong.core.values.quiet import CALLS, VOICE

AT = 1_780_000_000_000_000


def order(*done: Action, status: OrderStatus = OrderStatus.ISSUED) -> Order:
    steps = tuple(
        PlannedStep(action=action, clause=action.value, limit_us=None, origin=ClockOrigin.ISSUED)
        for action in (Action.ACKNOWLEDGE, Action.ARRIVE, Action.HANDLE)
    )
    return Order(
        id="ord_1", role="lead", unit="unit:a", post="post:a", person="person:a", deputy="", round=1,
        steps=steps, done=done, status=status,
    )  # fmt: skip


def case(made: Order, stage: CaseStage = CaseStage.PUSHED, **done: int) -> CaseState:
    return CaseState(
        id="case_1", orders={made.id: made}, stage=stage, done={Action(k): v for k, v in done.items()}
    )


def row(template: str = "tell.order", action: str = "", created: int = AT, **fields: Any) -> OutboxRow:
    params = {"action": action} if action else {}
    return outbox_row("o1", order="ord_1", template=template, params=params, created=created, **fields)


def test_a_message_about_a_live_order_has_a_point() -> None:
    assert not pointless(row(action="acknowledge"), case(order()))
    assert not pointless(
        row("tell.urge", "handle", created=AT + 1), case(order(Action.ACKNOWLEDGE), acknowledge=AT)
    )


@pytest.mark.parametrize(
    ("template", "action"),
    [("tell.order", "acknowledge"), ("tell.remind", "handle"), ("tell.level_raised", "")],
)
def test_signing_takes_the_point_from_everything_decided_before_it(template: str, action: str) -> None:
    signed = case(order(Action.ACKNOWLEDGE), acknowledge=AT)
    assert pointless(row(template, action), signed)
    assert not pointless(row(template, "handle", created=AT + 1), signed)


def test_a_step_that_is_done_needs_no_reminder() -> None:
    done = case(order(Action.ACKNOWLEDGE, Action.ARRIVE), acknowledge=AT, arrive=AT + 9)
    assert pointless(row("tell.urge", "arrive", created=AT + 5), done)


@pytest.mark.parametrize("status", [s for s in OrderStatus if s.value in ("done", "cancelled", "returned")])
def test_an_order_that_is_over_is_not_told(status: OrderStatus) -> None:
    assert pointless(row("tell.supervise", "handle"), case(order(status=status)))


def test_who_takes_over_is_told_though_the_old_order_has_ended() -> None:
    taken = case(order(status=OrderStatus.TAKEN_OVER))
    assert not pointless(row("tell.take_over", "handle"), taken)
    assert pointless(row("tell.take_over", "handle"), case(order(), CaseStage.CLOSED))


@pytest.mark.parametrize(
    "template", ["notice.inform", "bridge.withdrawn", "selftest.message", "tell.step_done", "tell.notify"]
)
def test_only_what_asks_for_something_is_ever_withdrawn(template: str) -> None:
    assert not pointless(row(template), case(order(status=OrderStatus.CANCELLED), CaseStage.CLOSED))
    assert not pointless(row(), None) and not pointless(row(), CaseState(id="case_1"))


def test_a_digest_of_one_is_that_one_and_its_id_is_made_of_its_members() -> None:
    rows = [msgspec.structs.replace(row(), id=f"o{n}", next_at=AT + 9) for n in range(3)]
    assert all(map(held, rows)) and not held(msgspec.structs.replace(rows[0], attempts=1))
    assert digest_of("demo", rows[:1]) is rows[0]
    whole, again, less = digest_of("demo", rows), digest_of("demo", rows[::-1]), digest_of("demo", rows[:2])
    assert isinstance(whole, Digest) and whole.id == again.id != less.id


def test_the_next_channel_is_one_that_nobody_has_tried_and_no_telephone() -> None:
    first = row(channel="sms")
    told = [(first, []), (msgspec.structs.replace(first, id="o2", channel="mail"), [])]
    names = ["sms", "mail", VOICE, "file"]
    following = successor("demo", first, told, names, AT)
    assert following is not None and following.channel == "file" and following.next_at == AT
    assert (following.order, following.template, following.params) == (
        first.order,
        first.template,
        first.params,
    )
    assert following.id == successor("demo", first, told, names, AT + 5).id
    assert successor("demo", first, told, ["sms", "mail", VOICE], AT) is None
    call = msgspec.structs.replace(first, template=CALLS[0])
    assert successor("demo", call, told, names, AT).channel == VOICE


def attempt(outcome: Outcome | None) -> AttemptRow:
    return AttemptRow(id="a", outbox="o1", number=1, started=AT, outcome=outcome)


@pytest.mark.parametrize(
    ("outcomes", "nobody"),
    [
        ((Outcome.FAILED, Outcome.FAILED), True), ((Outcome.FAILED, Outcome.UNKNOWN), True),
        ((Outcome.FAILED, Outcome.DELIVERED), False), ((Outcome.FAILED, None), False),
        ((Outcome.FAILED, Outcome.WITHDRAWN), False),
    ],
)  # fmt: skip
def test_nobody_is_reached_once_every_channel_has_ended_without(
    outcomes: tuple[Outcome | None, ...], nobody: bool
) -> None:
    ended = msgspec.structs.replace(row(), channel="sms", next_at=0)
    told = [(ended, [attempt(outcome)]) for outcome in outcomes]
    assert reached_nobody(told) is nobody
    assert not reached_nobody([*told, (msgspec.structs.replace(ended, next_at=AT), [])])
    kept = (msgspec.structs.replace(ended, channel="file"), [attempt(Outcome.DELIVERED)])
    assert reached_nobody([*told, kept], {"file"}) is nobody and not reached_nobody([*told, kept])


def test_the_same_news_is_to_the_same_person_about_the_same_thing() -> None:
    mine = row(action="arrive")
    others = [
        msgspec.structs.replace(mine, **change)
        for change in (
            {"recipient": "person:b"},
            {"template": "tell.urge"},
            {"params": {}},
            {"order": "ord_2"},
        )
    ]
    twin = msgspec.structs.replace(mine, id="o2", channel="mail")
    assert [r.id for r, _ in same_news(mine, [(r, []) for r in (mine, *others, twin)])] == ["o1", "o2"]


def test_an_address_is_a_telephone_number_unless_the_channel_says_otherwise() -> None:
    class Plain:
        name = "sms"

    class Mail(Plain):
        system = "email"

    assert (system_of(Plain()), system_of(Mail())) == ("phone", "email")
