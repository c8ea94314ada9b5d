"""An order that reaches nobody is an alarm of the platform itself, until something arrives again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from liandong.adapters.file import FileChannel
from liandong.app.deliveries import WAITS
from liandong.core.values.findings import Finding, FindingEnded, FindingSettled
from liandong.core.values.lists import Outcome
from liandong.core.values.times import HOUR
from tests.app.machine import admitted, cases
from tests.app.running import City
from tests.app.test_outbox import Fake

pytestmark = pytest.mark.slow
GONE = (Outcome.FAILED, False, "HTTP 404")


def said(town: City) -> list[str]:
    """What the platform has said of its deliveries."""
    kinds = (Finding, FindingEnded, FindingSettled)
    return [
        type(m).__name__
        for m, *_ in admitted(town.store)
        if isinstance(m, kinds) and m.rule == "self.delivery"
    ]


@pytest.fixture
def dead(tmp_path: Path) -> Any:
    """Two channels that reach nobody, and the file, which is only a record beside them."""
    channels = [
        Fake("sms", *[GONE] * 10_000),
        Fake("mail", *[GONE] * 10_000),
        FileChannel(tmp_path / "out.jsonl"),
    ]
    return City(tmp_path / "city", channels=channels), channels


def test_the_duty_centre_has_a_case_exactly_while_nobody_can_be_told(dead: Any) -> None:
    town, (sms, _, _) = dead
    try:
        town.open_case()
        town.settle()
        assert said(town) == ["Finding"], "once, however many orders reach nobody"
        assert [c.hazard for c in cases(town.store) if c.hazard == "platform_fault"] == ["platform_fault"]
        town.pass_time(HOUR)
        assert said(town) == ["Finding"], "and its own orders, which fail as well, raise no other"
        sms.answers = []
        town.pass_time(HOUR)
        town.step(town.case().id)
        town.settle()
        assert said(town) == ["Finding", "FindingEnded", "FindingSettled"]
    finally:
        town.stop()


def test_a_restart_neither_doubles_nor_forgets_it(dead: Any, tmp_path: Path) -> None:
    town, _ = dead
    town.open_case()
    town.settle()
    town.stop()
    again = City(tmp_path / "city", channels=[Fake("sms", *[GONE] * 10_000), Fake("mail", *[GONE] * 10_000)])
    try:
        for _ in range(3):
            again.pass_time(HOUR)
        assert said(again) == ["Finding"]
        again.city.outbox.channels["sms"].answers = []
        again.finish(again.case().id)
        assert said(again) == ["Finding", "FindingEnded", "FindingSettled"]
    finally:
        again.stop()


def test_a_city_with_only_the_file_is_told_by_it(tmp_path: Path) -> None:
    town = City(tmp_path / "city", channels=[FileChannel(tmp_path / "out.jsonl")])
    try:
        town.open_case()
        town.settle()
        town.pass_time(WAITS[-1])
        assert said(town) == []
    finally:
        town.stop()
