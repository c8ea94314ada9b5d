"""Telling: over which channels, and when."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from liandong.core.mechanism.draft import Draft
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.routing import Routing
from liandong.core.values.case import CaseState
from liandong.core.values.city import CityIndex
from liandong.core.values.quiet import QuietHours
from liandong.core.values.times import parse_time
from tests.app.machine import folder

EVENING = parse_time("2026-03-02T23:00:00+08:00")
MORNING = parse_time("2026-03-03T07:00:00+08:00")


def draft(level: str, *quiet: QuietHours) -> Draft:
    made = folder()
    policy = Policy(
        city=CityIndex(msgspec.structs.replace(made.city, quiet=quiet)),
        routing=Routing(made.mechanism),
        rules={},
    )
    return Draft(
        replace(policy, channels=("mail", "sms", "voice")), CaseState(id="case_1", level=level), EVENING
    )


@pytest.mark.parametrize(
    ("template", "only", "channels"),
    [
        ("tell.order", "", ["mail", "sms"]), ("tell.urge", "sms", ["sms"]), ("tell.urge", "voice", ["voice"]),
        ("tell.urge", "pigeon", ["mail", "sms"]), ("tell.call", "", ["mail", "sms", "voice"]),
    ],
)  # fmt: skip
def test_the_telephone_rings_only_where_somebody_is_called(
    template: str, only: str, channels: list[str]
) -> None:
    made = draft("II")
    made.tell("ord_1", "person:p001", template, only=only)
    effects = made.done("case.noted").effects
    assert [effect.channel for effect in effects] == channels


def test_quiet_hours_hold_what_may_wait_and_nothing_else() -> None:
    night = QuietHours(who="person:p001", channel="sms", start="22:00", end="07:00")
    for level, template, held in (
        ("IV", "notice.inform", MORNING), ("IV", "tell.call", 0), ("II", "notice.inform", 0),
        ("", "tell.order", 0),
    ):  # fmt: skip
        made = draft(level, night)
        made.tell("ord_1", "person:p001", template)
        made.tell("ord_1", "person:p002", template)
        found = {(e.recipient[-1], e.channel): e.hold_until for e in made.done("case.noted").effects}
        assert found["1", "sms"] == held
        assert not any(until for key, until in found.items() if key != ("1", "sms"))


def test_nobody_is_told_nothing() -> None:
    made = draft("II")
    made.tell("ord_1", "", "tell.order")
    assert made.done("case.noted").effects == ()
