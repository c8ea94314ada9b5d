"""A short soak over every door; and what the long one would say if something were lost."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from liandong.bench.soak import Books, run, soak_findings

pytestmark = pytest.mark.slow


def test_what_came_in_is_what_came_out_over_every_door() -> None:
    before = dict(os.environ)
    report = run(minutes=0.1)
    assert dict(os.environ) == before, "its ports are not those of the next server"
    assert report["findings"] == [] and report["proven"]
    assert report["sent"] > 10_000 and report["sent_again"] >= 0 and report["unanswered"] == 0
    assert report["refused"] > 0, "dirt was sent, and refused in so many words"
    assert report["in_log"] > 0 and report["equation"] == []


def books() -> Books:
    made = Books()
    made.answered("source:a", 10, {"accepted": 9, "duplicate": False}, 0.1)
    return made


PLACE = ("ingest", "source:a")
FATES = {PLACE: Counter(received=10, passed=9, rejected=1, dead=0)}
LOST = {PLACE: Counter(received=10, passed=8, rejected=1)}
OTHERWISE = {PLACE: Counter(received=10, passed=8, rejected=2)}


@pytest.mark.parametrize(
    ("fates", "logged", "slow", "memory", "word"),
    [
        (FATES, 9, 0.1, [100.0] * 8, ""),
        (LOST, 8, 0.1, [100.0] * 8, "add up"),
        (FATES, 8, 0.1, [100.0] * 8, "in the log"),
        (
            {("ingest", "source:a"): Counter(received=10, passed=8, rejected=2)},
            8,
            0.1,
            [100.0] * 8,
            "answered",
        ),
        (FATES, 9, 11.0, [100.0] * 8, "took 11.0 s"),
        (FATES, 9, 0.1, [90.0, 100.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0], "memory grew"),
        (FATES, 9, 0.1, [90.0, 95.0, 98.0, 99.0, 100.0, 100.0, 104.0, 104.0], "memory crept"),
        (FATES, 9, 0.1, [90.0, 95.0, 98.0, *[99.0] * 7, 150.0, 99.0], ""),
        (LOST, 8, 0.1, [90.0], "add up"),
    ],
)
def test_each_way_of_losing_something_is_said(fates, logged, slow, memory, word) -> None:
    made = books()
    made.slowest = slow
    found = soak_findings(made, (fates, []), Counter({"source:a": logged}), memory, 20.0)
    assert bool(found) == bool(word) and any(word in line for line in found or [""])
