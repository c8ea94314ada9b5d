"""Five scales that never mix."""

from __future__ import annotations

from itertools import product

import pytest

from liandong.core.values.errors import BadInput
from liandong.core.values.scales import CASE_LEVELS, RESPONSE_LEVELS, SCALES, Scale, level

LEVELS = [one for scale in SCALES.values() for one in scale.values()]


@pytest.mark.parametrize("scale", Scale)
def test_higher_rank_is_worse_and_the_order_is_total(scale):
    found = list(SCALES[scale].values())
    assert [one.rank for one in found] == list(range(1, len(found) + 1))
    for left, right in product(found, found):
        assert left.worse_than(right) == (left.rank > right.rank)


def test_comparing_across_scales_is_refused():
    mixed = [(a, b) for a, b in product(LEVELS, LEVELS) if a.scale != b.scale]
    for left, right in mixed:
        with pytest.raises(BadInput) as error:
            left.worse_than(right)
        assert error.value.key == "scale.mixed"
    # The same code on two scales is not the same thing.
    assert CASE_LEVELS["I"] != RESPONSE_LEVELS["I"]


def test_the_worst_of_each():
    assert [list(scale)[-1] for scale in SCALES.values()] == [
        "critical",
        "I",
        "red",
        "I",
        "5",
        "extraordinary",
    ]
    assert level(Scale.CASE_LEVEL, "III").worse_than(level(Scale.CASE_LEVEL, "IV"))


def test_an_unknown_code_names_those_that_exist():
    with pytest.raises(BadInput) as error:
        level(Scale.SEVERITY, "terrible")
    assert error.value.params["known"] == "low, medium, high, critical"
