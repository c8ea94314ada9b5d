"""Shares with their uncertainty, and curves of time to an event with what is still open counted fairly.

Twelve of twelve in time is not 100 %: the Wilson interval says how much twelve can show. An order that
is still open after 40 minutes says "longer than 40 minutes": leaving it out would flatter the slow, so
it is censored (Kaplan and Meier 1958).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

CONFIDENCE = 0.95


class Share(msgspec.Struct, frozen=True):
    """`hits` of `count`; `share` and the bounds of its Wilson interval are None where there is nothing."""

    hits: int
    count: int
    share: float | None
    low: float | None
    high: float | None


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Share done by each moment, Kaplan-Meier, with a log-log interval; equally long columns."""

    seconds: tuple[float, ...]
    done: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    events: int
    censored: int  #: still open when last looked at
    median: float | None  #: seconds; None where the curve never gets that far
    p90: float | None


def share(hits: int, count: int, confidence: float = CONFIDENCE) -> Share:
    """A share with its Wilson interval (Wilson 1927). Raises ValueError unless 0 <= hits <= count."""
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} of {count}")
    if not count:
        return Share(0, 0, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(hits, count).proportion_ci(confidence, method="wilson")
    return Share(hits, count, hits / count, float(interval.low), float(interval.high))


def curve(done: Sequence[float], still_open: Sequence[float], confidence: float = CONFIDENCE) -> Curve:
    """Time to the event: seconds of those that ended, and seconds so far of those that have not."""
    if not len(done):
        return Curve(
            seconds=(), done=(), low=(), high=(), events=0, censored=len(still_open), median=None, p90=None
        )
    import warnings

    from scipy.stats import CensoredData, ecdf

    found = ecdf(CensoredData(uncensored=list(done), right=list(still_open)))
    with warnings.catch_warnings():
        # At the ends the interval is undefined and said so by NaN, which is turned into 0 and 1 below.
        warnings.simplefilter("ignore", RuntimeWarning)
        bounds = found.cdf.confidence_interval(confidence, method="log-log")
    seconds = tuple(float(s) for s in found.cdf.quantiles)
    probabilities = tuple(float(p) for p in found.cdf.probabilities)
    return Curve(
        seconds=seconds,
        done=probabilities,
        low=tuple(_or(p, 0.0) for p in bounds.low.probabilities),
        high=tuple(_or(p, 1.0) for p in bounds.high.probabilities),
        events=len(done),
        censored=len(still_open),
        median=reached(seconds, probabilities, 0.5),
        p90=reached(seconds, probabilities, 0.9),
    )


def reached(seconds: Sequence[float], done: Sequence[float], q: float) -> float | None:
    """When a share q is done; midway where the curve lies level at exactly q, as for a plain median."""
    for place, p in enumerate(done):
        if abs(p - q) < 1e-12 and place + 1 < len(seconds):
            return (seconds[place] + seconds[place + 1]) / 2
        if p >= q - 1e-12:
            return seconds[place]
    return None


def at(found: Curve, moment: float) -> float | None:
    """Share done within so many seconds; None before anything ended, or beyond what was observed."""
    if not found.seconds or moment > found.seconds[-1]:
        return None if not found.seconds or found.done[-1] < 1.0 - 1e-12 else 1.0
    return max((p for s, p in zip(found.seconds, found.done, strict=True) if s <= moment), default=0.0)


def _or(value: float, instead: float) -> float:
    return float(value) if value == value else instead
