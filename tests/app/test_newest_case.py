"""Which case of a grouping is the newest: a late word on an old one must not take its place."""

from __future__ import annotations

from typing import Any

from liandong.app.handle import Handler
from liandong.app.ports import Store
from liandong.core.values.findings import FindingRevised
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import Outcome
from liandong.core.values.messages import DeliveryReported
from liandong.stores.memory import open_memory
from tests.core.world import Life, demo_policy


def _admit(handler: Handler, store: Store, message: Any, now: int) -> None:
    handler.begin()
    handler.admit(message, "test", now)
    store.commit(handler.take())


def test_a_delivery_report_on_a_closed_case_does_not_make_it_the_newest() -> None:
    life = Life()
    life.find()
    life.finish(life.case)
    life.now += 1
    life.find()
    first, second = life.cases()
    store = open_memory()
    handler = Handler(store, demo_policy())
    for made in life.made:
        if type(made.message).__name__ in ("Finding", "Act", "TimerFired"):
            _admit(handler, store, made.message, made.now)
    report = DeliveryReported(
        case=first.id,
        order="o",
        attempt="d",
        number=1,
        recipient="p",
        channel="file",
        outcome=Outcome.DELIVERED,
    )
    _admit(handler, store, report, life.now)
    finding = life.findings[second.seen[0]]
    revised = FindingRevised(
        id=finding.id, rule=finding.rule, channel=finding.channel, onset=finding.onset - 5,
        raised=finding.raised, value=9.0, position=(0, 1),
    )  # fmt: skip
    _admit(handler, store, revised, life.now)
    reason = read_entry(store.entries_of(f"case:{second.id}")[-1].body).reason
    assert reason is not None and reason.key == "case.finding_revised"
