"""A change is proposed only where it is better and misses nothing more, and never from a handful of cases."""

from __future__ import annotations

import msgspec

from liandong.core.evaluate.proposal import candidates, choose
from liandong.core.evaluate.shares import share
from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.rules import Rule

RULE = Rule(
    key="high", version=3, hazard="gas_leak", severity="high", quantity="ch4", raise_at=20.0, clear_at=10.0,
    hold_s=60.0,
)  # fmt: skip


def trial(hit: int, false: int, delay: float = 60.0) -> RuleTrial:
    return RuleTrial(
        rule="", findings=hit + false, per_day=1.0, hit=hit, missed=2 - hit, real=hit, false=false,
        unjudged=0, precision=share(hit, hit + false), delay_s=delay,
    )  # fmt: skip


def test_the_rule_as_it_is_stands_first_and_every_change_keeps_its_shape():
    made = candidates(RULE)
    assert (made[0].raise_at, made[0].hold_s, made[0].key) == (20.0, 60.0, "high~0")
    assert len({row.key for row in made}) == len(made) > 20
    assert all(row.clear_at <= row.raise_at for row in made)
    below = msgspec.structs.replace(RULE, above=False, raise_at=10.0, clear_at=20.0)
    assert all(row.clear_at >= row.raise_at for row in candidates(below))


def test_fewer_false_ones_win_unless_an_event_is_missed_for_it():
    now, longer, blunt = candidates(RULE)[0], candidates(RULE)[1], candidates(RULE)[2]
    assert choose(RULE, [(now, trial(2, 20)), (longer, trial(2, 5)), (blunt, trial(1, 0))]) == 1
    assert choose(RULE, [(now, trial(2, 20)), (longer, trial(1, 0))]) == 0
    assert choose(RULE, [(now, trial(2, 20)), (longer, trial(2, 5)), (blunt, trial(2, 5, 10.0))]) == 2


def test_a_handful_of_findings_proposes_nothing():
    now, longer = candidates(RULE)[:2]
    assert choose(RULE, [(now, trial(1, 3)), (longer, trial(1, 0))]) == 0
