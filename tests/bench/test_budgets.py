"""Budgets are looked up in what the benches really give, and a missed one is said to be missed."""

from __future__ import annotations

import pytest

from liandong.bench import casefile, stages
from liandong.bench.budgets import BUDGETS, line, verdicts
from liandong.bench.run import BENCHES


def test_every_budget_is_of_a_bench_that_runs_without_a_name() -> None:
    assert {budget.bench for budget in BUDGETS} <= set(BENCHES)
    assert len({budget.what for budget in BUDGETS}) == len(BUDGETS)


def test_kept_and_missed() -> None:
    results = {"ingest": {"arrow_readings_per_s": 1_999_999, "json_readings_per_s": 300_000}, "kernel": {}}
    said = verdicts(results, {})
    assert [(v["figure"], v["kept"]) for v in said] == [(1_999_999, False), (300_000, True)]
    assert "MISSED" in line(said[0]) and "1,999,999 (>= 2,000,000)" in line(said[0])


def test_a_budget_of_another_store_is_not_judged() -> None:
    results = {"transitions": {"transitions_per_s": 3_000}}
    assert [v["kept"] for v in verdicts(results, {})] == [False]
    assert [v["kept"] for v in verdicts(results, {"store": "postgres"})] == [True]


def test_the_stages_of_a_small_city_add_up() -> None:
    for form in (stages._ARROW, stages._JSON):
        figures = stages._measure(1_000, form, 1_000)
        assert figures["readings"] >= 1_000 and set(figures["share"]) == {
            "decoding",
            "durability",
            "detection",
        }
        assert sum(figures["stages_cpu_ns"].values()) == pytest.approx(figures["cpu_ns"], rel=0.01)


@pytest.mark.slow
def test_a_case_with_many_findings_opens_as_one_with_few() -> None:
    """What its page asks for does not grow with its findings; how long it takes is for `liandong bench`."""
    figures = casefile.run(findings=1_000, opened=3)
    assert figures["findings_of_the_case"] >= 1_000
    assert figures["opens_ms"] < 2_000
