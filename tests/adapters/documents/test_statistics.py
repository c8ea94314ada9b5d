"""A finding of a statistic stands in the report under the statistic's name and in its unit."""

from __future__ import annotations

import msgspec
import pytest

from liandong.adapters.documents.case import _findings
from liandong.adapters.documents.words import Names
from liandong.core.values.lists import Statistic
from tests.core.world import MEDIUM, Life, demo_policy, make_policy


@pytest.mark.parametrize(
    ("statistic", "value", "limit"),
    [
        (Statistic.VALUE, "30 %LEL", "25 %LEL"),
        (Statistic.RATE, "变化率 30 %LEL/s", "25 %LEL/s"),
        (Statistic.ZSCORE, "偏离度 30 σ", "25 σ"),
        (Statistic.OFFSET, "偏离基准 30 %LEL", "25 %LEL"),
    ],
)
def test_the_value_is_named(statistic: Statistic, value: str, limit: str) -> None:
    rule = msgspec.structs.replace(demo_policy().rules[MEDIUM], statistic=statistic, window_s=60.0, floor=1.0)
    policy = make_policy()
    policy.rules[MEDIUM] = rule
    life = Life(demo_policy())
    finding = life.findings[life.find(MEDIUM, value=30.0)]
    (row,) = _findings(policy, [finding], Names(policy.city, "zh"), "zh").rows
    assert row[3:5] == (value, limit)
