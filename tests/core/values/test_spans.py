"""Sets of moments, against sets of whole numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.spans import Span, both, minus, overlaps, union

_spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def moments(spans: tuple[Span, ...] | list[Span]) -> set[int]:
    return {at for start, end in spans for at in range(start, end)}


@given(_spans)
def test_a_union_holds_the_same_moments_sorted_and_apart(spans: list[Span]) -> None:
    made = union(spans)
    assert moments(made) == moments(spans)
    assert all(start < end for start, end in made)
    assert all(before[1] < after[0] for before, after in pairwise(made))


@given(_spans, _spans)
def test_minus_and_both_are_those_of_sets(left: list[Span], right: list[Span]) -> None:
    one, two = union(left), union(right)
    assert moments(minus(one, two)) == moments(one) - moments(two)
    assert moments(both(one, two)) == moments(one) & moments(two)
    assert minus(one, two) == union(minus(one, two))


@given(_spans)
def test_overlaps_name_each_pair_once_with_what_they_share(spans: list[Span]) -> None:
    found = {frozenset((one, two)): span for one, two, span in overlaps(spans)}
    assert len(found) == len(overlaps(spans))
    for one in range(len(spans)):
        for two in range(one):
            shared = moments([spans[one]]) & moments([spans[two]])
            assert moments([found[frozenset((one, two))]] if frozenset((one, two)) in found else []) == shared
