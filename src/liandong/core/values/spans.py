"""Sets of moments as half-open spans [start, end): exact, so that no hole is too short to be seen.

Moments are microseconds UTC. A set is sorted, its spans neither overlap nor touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
Spans = tuple[Span, ...]


def union(spans: Iterable[Span]) -> Spans:
    """Any spans → the set of their moments."""
    made: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((start, end))
    return tuple(made)


def minus(left: Sequence[Span], right: Sequence[Span]) -> Spans:
    """Moments of the first set that are not in the second."""
    made: list[Span] = []
    place = 0
    for start, end in left:
        while place < len(right) and right[place][1] <= start:
            place += 1
        at = place
        while at < len(right) and right[at][0] < end:
            if start < right[at][0]:
                made.append((start, right[at][0]))
            start = max(start, right[at][1])
            at += 1
        if start < end:
            made.append((start, end))
    return tuple(made)


def both(left: Sequence[Span], right: Sequence[Span]) -> Spans:
    """Moments that are in both sets."""
    return minus(left, minus(left, right))


def overlaps(spans: Sequence[Span]) -> list[tuple[int, int, Span]]:
    """Pairs of spans, by their places in the sequence, that share moments, and the moments they share."""
    order = sorted(range(len(spans)), key=lambda place: (spans[place], place))
    found: list[tuple[int, int, Span]] = []
    open_: list[int] = []
    for place in order:
        start, end = spans[place]
        open_ = [other for other in open_ if spans[other][1] > start]
        if start < end:
            found += [(other, place, (start, min(end, spans[other][1]))) for other in open_]
            open_.append(place)
    return found
