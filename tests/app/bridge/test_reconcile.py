"""Both sides compared: what a push mends is pushed, what stays different is said once, nothing is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.app.bridge.documents import Answer, TheirOrder
from liandong.app.bridge.reconcile import Differs, Ours, compare
from liandong.core.values.errors import NotFound
from liandong.core.values.lists import HeardState, OrderStatus, Outcome
from liandong.core.values.risk import RiskState
from tests.app.bridge.bridged import BRIDGE, BridgedTown, entries

WORDS = ("已接单", "已反馈")


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        ({"live": True}, None, Differs.MISSING_THERE),
        ({"live": False}, None, None),
        (None, {"open": True}, Differs.MISSING_HERE),
        (None, {"open": False}, None),
        ({"live": True}, {"open": False}, Differs.CLOSED_THERE),
        ({"live": True, "waiting": True}, {"open": False}, None),
        ({"live": False}, {"open": True}, Differs.OPEN_THERE),
        ({"live": False}, {"open": False}, None),
        ({"live": True, "their_status": "已接单"}, {"status": "已接单"}, None),
        ({"live": True}, {"status": "已接单"}, Differs.STATUS),
        ({"live": True}, {"status": "新建"}, None),
        ({"live": True, "waiting": True}, {"status": "已接单"}, None),
    ],
)
def test_each_way_to_differ(
    ours: dict[str, Any] | None, theirs: dict[str, Any] | None, kind: Differs | None
) -> None:
    here = {"o": Ours(order="o", case="c", **ours)} if ours is not None else {}
    there = [TheirOrder(order="o", **theirs)] if theirs is not None else []
    assert [one.kind for one in compare(here, there, WORDS)] == ([] if kind is None else [kind])


class Other:
    """The other end, as the test wants it."""

    def __init__(self) -> None:
        self.pushed: list[dict[str, Any]] = []
        self.given: list[Answer] = []
        self.theirs: list[TheirOrder] | None = None
        self.down = False

    def push(self, document: dict[str, Any]) -> tuple[Outcome, bool, str]:
        if self.down:
            return Outcome.FAILED, False, "down"
        self.pushed.append(document)
        return Outcome.DELIVERED, False, ""

    def poll(self) -> Iterator[Any]:
        return iter(())

    def answer(self, answers: Sequence[Answer]) -> None:
        if self.down:
            raise OSError("down")
        self.given += answers

    def orders(self) -> list[TheirOrder] | None:
        return self.theirs

    def close(self) -> None:
        """Nothing."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[BridgedTown]:
    made = BridgedTown(tmp_path)
    yield made
    made.close()


@pytest.fixture
def other(town: BridgedTown) -> Other:
    """In place of HTTP: deliveries and the thread of the bridges both go there."""
    made = Other()
    town.bridges.links[BRIDGE] = made
    town.platform.outbox.channels[BRIDGE]._link = made
    return made


def _said(town: BridgedTown) -> list[str]:
    keys = [entry["reason"]["key"] for entry in entries(town, "system") if entry.get("reason")]
    return [key for key in keys if key.startswith("bridge.")]


def _alarm(town: BridgedTown) -> bool:
    """Whether the rule about bridges has an open finding."""
    town.settle()
    states = [
        msgspec.json.decode(row.body or b"{}", type=RiskState) for row in town.platform.store.states("risk")
    ]
    return any(f.rule == "self.bridge" and not f.ended for s in states for f in s.findings.values())


def test_an_order_that_never_arrived_is_pushed_again(town: BridgedTown, other: Other) -> None:
    other.down = True
    case = town.sent_out()
    town.settle()
    assert other.pushed == []
    other.down, other.theirs = False, []
    town.until(lambda: town.bridges.reconcile(BRIDGE) and (town.settle() or other.pushed))
    order = town.order(case)
    assert other.pushed[-1]["order"] == order.id and other.pushed[-1]["change"] == "again"
    assert "bridge.repaired.missing_there" in _said(town)
    other.theirs = [TheirOrder(order=order.id)]
    assert town.bridges.reconcile(BRIDGE) == []


def test_what_a_push_cannot_mend_is_said_once_and_closes_nothing(town: BridgedTown, other: Other) -> None:
    case = town.sent_out()
    order = town.order(case)
    other.theirs = [TheirOrder(order=order.id, status="已反馈", open=False)]
    for _ in range(4):
        found = town.bridges.reconcile(BRIDGE)
        assert found is not None and [one.kind for one in found] == [Differs.CLOSED_THERE]
        town.pass_time()
    assert _said(town).count("bridge.differs.closed_there") == 1
    assert _alarm(town), "the duty centre has a finding while the two sides differ"
    assert town.order(case).status == OrderStatus.ISSUED
    other.theirs = [TheirOrder(order=order.id)]
    town.bridges.reconcile(BRIDGE)
    town.settle()
    assert _said(town)[-1] == "bridge.agrees"
    assert not _alarm(town)


def test_an_order_of_another_unit_is_unknown_here(town: BridgedTown, other: Other) -> None:
    case = town.open_case()
    other.theirs = [TheirOrder(order=town.order(case, "unit:centre").id)]
    found = town.bridges.reconcile(BRIDGE)
    assert found is not None and [(one.kind, one.case) for one in found] == [(Differs.MISSING_HERE, "")]


def test_late_answers_are_given_once_each_and_wait_for_who_is_away(town: BridgedTown, other: Other) -> None:
    case = town.sent_out()
    assert town.report("e2", case, "已到场").outcome == HeardState.PARKED
    other.down = True
    town.report("e1", case, "已接单")
    town.until(lambda: len(town.order(case).done) == 2)
    town.pass_time()
    other.down = False
    town.until(lambda: len(other.given) == 2)
    town.pass_time()
    town.bridges.nudge()
    town.settle()
    assert [(one.event, one.outcome) for one in other.given] == [("e1", "done"), ("e2", "done")]


def test_an_unknown_bridge_is_not_found(town: BridgedTown) -> None:
    for ask in (town.bridges.row, town.bridges.reconcile, town.bridges.open_orders):
        with pytest.raises(NotFound):
            ask("bridge:nobody")


def test_how_a_bridge_stands(town: BridgedTown, other: Other) -> None:
    case = town.sent_out()
    town.report("e2", case, "已到场")
    [row] = town.bridges.status()
    assert (row["bridge"], row["waiting"], row["linked"]) == (BRIDGE, 1, True)
    assert json.dumps(row["differences"], default=str)
