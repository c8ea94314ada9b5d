"""What comes too fast to be judged sample by sample becomes one value a window: mean, rms, peak …

Windows lie on the grid of UTC, [k·w, (k+1)·w), so two devices and two cuts of the same samples have the
same windows. A statistic carries the moment at which its window is over: before that nobody knew it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from liandong.core.values.city import City
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
#: Sorted values, and where each window begins in them → one value a window.
Reducer = Callable[[Values, Times, Times], Values]

#: Seconds, where a channel names a reducer and no window.
DEFAULT_WINDOW_S = 60.0


class Reduced(NamedTuple):
    """One row for each window that holds a sample."""

    times: Times  #: the end of the window, microseconds UTC
    values: Values  #: in the unit of the samples; a count is a number
    counts: Times  #: samples that went in


def _mean(values: Values, starts: Times, counts: Times) -> Values:
    sums: Values = np.add.reduceat(values, starts)
    return sums / counts


def _rms(values: Values, starts: Times, counts: Times) -> Values:
    return np.sqrt(_mean(values * values, starts, counts))


def _std(values: Values, starts: Times, counts: Times) -> Values:
    """Of the samples themselves (divided by n). Two passes: one would lose a small spread on a large mean."""
    return _rms(values - np.repeat(_mean(values, starts, counts), counts), starts, counts)


def _peak_to_peak(values: Values, starts: Times, counts: Times) -> Values:
    spread: Values = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    return spread


def _peak(values: Values, starts: Times, counts: Times) -> Values:
    peaks: Values = np.maximum.reduceat(np.abs(values), starts)
    return peaks


#: The closed list; a channel's `reducer` is one of these, with its window in seconds: `rms@600`.
REDUCERS: dict[str, Reducer] = {
    "mean": _mean,
    "min": lambda values, starts, counts: np.minimum.reduceat(values, starts),
    "max": lambda values, starts, counts: np.maximum.reduceat(values, starts),
    "rms": _rms,
    "std": _std,
    "peak": _peak,
    "peak_to_peak": _peak_to_peak,
    "ptp": _peak_to_peak,
    "count": lambda values, starts, counts: counts.astype(np.float64),
    "first": lambda values, starts, counts: values[starts],
    "last": lambda values, starts, counts: values[starts + counts - 1],
}


def parse_reducer(text: str) -> tuple[str, int]:
    """`rms@600` → (name, window in microseconds); without a window `DEFAULT_WINDOW_S`. Raises BadInput."""
    name, _, window = text.partition("@")
    try:
        seconds = float(window) if window else DEFAULT_WINDOW_S
    except ValueError:
        seconds = 0.0
    if name not in REDUCERS or not 0 < seconds <= 86_400 or round(seconds * SECOND) < 1:
        raise BadInput("reduce.unknown", reducer=text[:40], known=", ".join(REDUCERS))
    return name, round(seconds * SECOND)


def reduce_series(times: Times, values: Values, *, window_us: int, reducer: str) -> Reduced:
    """All windows of a series, complete or not; samples in any order, NaN counts as no sample.

    `times` is int64 microseconds UTC. Raises BadInput for an unknown reducer. Use `Condenser` where the
    series comes in pieces.
    """
    function = REDUCERS[parse_reducer(reducer)[0]]
    times, values = _sorted(times, values)
    if not len(times):
        return Reduced(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
    window = times // window_us
    starts = np.flatnonzero(np.concatenate([[True], window[1:] != window[:-1]]))
    counts = np.diff(np.append(starts, len(times)))
    return Reduced((window[starts] + 1) * window_us, function(values, starts, counts), counts)


def _sorted(times: Times, values: Values) -> tuple[Times, Values]:
    there = ~np.isnan(values)
    times, values = times[there], values[there]
    if len(times) > 1 and (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return times, values


class Condenser:
    """One reducer over a series that comes in pieces: gives each window once it is complete.

    Complete means that a sample at or after its end has come, and that the series began before it: the
    window in which it begins is left out, unless its first sample lies at most `slack_us` behind the
    window's start. How a series in order is cut into pieces changes nothing. Samples of windows that
    were given already are counted in `late` and left out.
    """

    def __init__(self, reducer: str, window_us: int, slack_us: int = 0) -> None:
        self._reducer, self._window, self._slack = reducer, window_us, slack_us
        self._times, self._values = np.zeros(0, np.int64), np.zeros(0)
        self._done: int | None = None  # samples before this belong to windows that were given
        self._seen_from: int | None = None
        self.late = 0

    def push(self, times: Times, values: Values) -> Reduced:
        """The windows that became complete with these samples (any order within the piece)."""
        times, values = _sorted(np.asarray(times, np.int64), np.asarray(values, np.float64))
        if self._done is not None:
            late = int(np.searchsorted(times, self._done))
            self.late += late
            times, values = times[late:], values[late:]
        if len(times) and self._seen_from is None:
            self._seen_from = int(times[0])
        self._times, self._values = _sorted(
            np.concatenate([self._times, times]), np.concatenate([self._values, values])
        )
        if not len(self._times):
            return reduce_series(self._times, self._values, window_us=self._window, reducer=self._reducer)
        end = int(self._times[-1]) // self._window * self._window
        cut = int(np.searchsorted(self._times, end))
        whole = reduce_series(
            self._times[:cut], self._values[:cut], window_us=self._window, reducer=self._reducer
        )
        self._times, self._values = self._times[cut:], self._values[cut:]
        self._done = max(end, self._done or end)
        assert self._seen_from is not None
        begun = whole.times - self._window >= self._seen_from - self._slack
        return Reduced(whole.times[begun], whole.values[begun], whole.counts[begun])


def check_reducers(city: City) -> list[BadInput]:
    """Errors for channels whose reducer is not one of the list; empty is good."""
    found = []
    for channel in city.channels:
        try:
            if channel.reducer:
                parse_reducer(channel.reducer)
        except BadInput as error:
            found.append(BadInput("reduce.channel", channel=channel.key, **error.params))
    return found
