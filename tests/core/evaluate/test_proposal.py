"""A change is proposed only where it is better and misses nothing more, and never from a handful of cases."""

from __future__ import annotations

import msgspec

from liandong.core.evaluate.proposal import candidates, choose, numbers_of
from liandong.core.evaluate.shares import share
from liandong.core.evaluate.trial import RuleTrial
from liandong.core.values.lists import Statistic
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


HALF = Rule(
    key="half", version=1, hazard="gas_leak", severity="high", quantity="ch4", statistic=Statistic.SCORE,
    scorer="quorum", params="least=2; limit=20", raise_at=0.5, clear_at=0.25, hold_s=60.0,
)  # fmt: skip


def test_a_quorum_moves_as_a_share_and_the_limit_is_that_of_its_members():
    made = candidates(HALF, 4)
    assert numbers_of(made[0]) == numbers_of(HALF) and made[0].params.replace(" ", "") == "least=2;limit=20"
    assert {row.raise_at for row in made} == {0.33, 0.5, 0.66, 0.75, 1.0}
    assert all(row.clear_at == row.raise_at / 2 for row in made), "and clears in the same relation"
    limits = {row.numbers()["limit"] for row in made}
    assert limits == {(16.0,), (18.0,), (20.0,), (22.0,), (25.0,), (30.0,), (40.0,)}
    assert all(row.numbers()["least"] == (2.0,) for row in made), "what else it says stays"
    moved = [(row.raise_at != 0.5) + (row.params != made[0].params) + (row.hold_s != 60.0) for row in made]
    assert max(moved) == 2 and len({row.key for row in made}) == len(made) < 100


def test_a_counted_quorum_stays_within_its_group():
    three = msgspec.structs.replace(HALF, params="limit=20;count=1", raise_at=2.0, clear_at=2.0)
    assert {row.raise_at for row in candidates(three, 6)} == {1.0, 2.0, 3.0, 4.0, 6.0}
    assert {row.raise_at for row in candidates(three, 3)} == {1.0, 2.0, 3.0}
    assert all(row.clear_at == row.raise_at for row in candidates(three, 6))


def test_of_quorums_that_do_the_same_the_nearest_is_proposed():
    made = candidates(HALF, 4)
    tried = [(row, trial(4, 20 if row.raise_at <= 0.5 else 0)) for row in made]
    best = made[choose(HALF, tried)]
    assert (best.raise_at, best.hold_s, best.numbers()["limit"]) == (0.66, 60.0, (20.0,))
