"""The auditor at work in a running city: a dead channel is found, and another one is rung."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from liandong.app.ports import OutboxRow
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import Outcome, Repeats
from liandong.core.values.times import MINUTE
from liandong.wiring import open_city
from tests.web.town import Town


class Line:
    """A channel that answers as it is told, and remembers what it was given."""

    def __init__(self, name: str, outcome: Outcome) -> None:
        self.name, self.outcome = name, outcome
        self.repeats = Repeats.DROPS
        self.heard: list[OutboxRow] = []

    def send(self, row: OutboxRow, address: str) -> tuple[Outcome, bool, str]:
        self.heard.append(row)
        return self.outcome, False, ""


def notes(town: Town) -> list[str]:
    rows = town.platform.store.entries_of("system")
    return [entry.reason.key for row in rows if (entry := read_entry(row.body)).reason is not None]


@pytest.mark.slow
def test_what_reached_nobody_is_rung_over_a_channel_that_was_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, spare = Line("dead", Outcome.FAILED), Line("spare", Outcome.DELIVERED)
    monkeypatch.setattr("tests.web.town.open_city", partial(open_city, channels=[dead]))
    town = Town(tmp_path / "t")
    try:
        # A channel that the city has now and did not have when its policy was committed.
        auditor = town.platform.auditor
        auditor._channels = {"dead": dead, "spare": spare}
        town.open_case()
        for _ in range(9):
            town.pass_time(MINUTE)
            auditor.tick(town.now)
        town.settle()
        assert dead.heard and "auditor.rang" not in notes(town), "it may still arrive"
        for _ in range(12):
            town.pass_time(MINUTE)
            auditor.tick(town.now)
            town.settle()
        assert "auditor.rang" in notes(town)
        rows = [row for row, _ in town.platform.store.deliveries(_case(town))]
        lost = {
            (r.order, r.recipient) for r in rows if r.channel == "dead" and r.template.startswith("tell.")
        }
        rung = [(r.order, r.recipient) for r in rows if r.channel == "spare"]
        assert rung and set(rung) <= lost and len(set(rung)) == len(rung), "each once"
    finally:
        town.close()


@pytest.mark.slow
def test_where_everything_arrives_nobody_is_rung(tmp_path: Path) -> None:
    town = Town(tmp_path / "t")
    try:
        town.open_case()
        for _ in range(25):
            town.pass_time(MINUTE)
            town.platform.auditor.tick(town.now)
        town.settle()
        assert "auditor.rang" not in notes(town)
    finally:
        town.close()


def _case(town: Town) -> str:
    return next(iter(town.platform.store.states("case"))).stream.removeprefix("case:")
