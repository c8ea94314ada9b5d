"""Verdicts become precision by rule, sensor, unit and hour, and the events that a rule slept through."""

from __future__ import annotations

from liandong.core.evaluate.trial import Watched
from liandong.core.evaluate.verdicts import Judged, verdicts
from liandong.core.values.lists import Cause

WATCHED = [
    Watched("high", "channel:a", "gas_leak", "asset:a"),
    Watched("rise", "channel:a", "gas_leak", "asset:a"),
]


def judged(case: str, cause: Cause, real: bool | None, hour: int = 3, *rules: str) -> Judged:
    return Judged(
        case=case, hazard="gas_leak", asset="asset:a", unit="unit:gas", hour=hour, cause=cause, real=real,
        onset=0, closed=1, found=tuple((rule, "channel:a") for rule in rules),
    )  # fmt: skip


def test_precision_by_rule_sensor_unit_and_hour():
    said = verdicts(
        [
            judged("one", Cause.REAL, True, 3, "high", "rise"),
            judged("two", Cause.FALSE_BIOGAS, False, 3, "rise"),
            judged("three", Cause.FALSE_BIOGAS, False, 14, "rise"),
            judged("four", Cause.TEST, None, 14, "high"),
        ],
        WATCHED,
    )
    assert {line.key: (line.real.hits, line.real.count) for line in said.rules} == {
        "high": (1, 1),
        "rise": (1, 3),
    }
    assert [line.key for line in said.rules] == ["rise", "high"], "the worst first"
    assert said.rules[0].causes == {"false_biogas": 2, "real": 1}
    assert (said.sensors[0].key, said.sensors[0].real.count) == ("channel:a", 3)
    assert said.units[0].real.hits == 1
    assert [(line.key, line.real.count) for line in said.hours] == [("03", 2), ("14", 1)]
    assert said.cases == 3, "a test says nothing"


def test_a_real_event_without_a_finding_of_the_rule_is_missed_by_it():
    said = verdicts([judged("one", Cause.REAL, True, 3, "rise"), judged("two", Cause.REAL, True)], WATCHED)
    missed = {line.rule: (line.missed.hits, line.missed.count, line.cases) for line in said.missed}
    assert missed == {"high": (2, 2, ("one", "two")), "rise": (1, 2, ("two",))}
