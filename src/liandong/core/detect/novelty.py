"""Novelty: how rare are the newest readings of one channel, against its own last 4,096 readings?

Five facts are taken of each reading: its value, the level of the last 24, the spread of the last 64, the
difference from the usual value of this half hour of the day, and how far the shape of the last 24 is from
the nearest shape among the last 512. Of each fact the largest and smallest of every 16 readings are kept,
256 such blocks, as extreme value statistics do (block maxima; Coles 2001, chapter 3). A fact's tail
probability is the share of blocks that reached as far. Beyond them the excesses over the highest tenth are
taken as exponential with an unknown mean: k excesses with sum S give a further x the probability
(1 + x / S)^-k, so little is claimed where little was seen. As the facts depend on each other in unknown
ways, they are merged by their geometric mean times e, which is a probability whatever the dependence
(Vovk and Wang 2020).

The score is -log10 of that: 0 is usual, 2 is one in a hundred, on the same scale for every channel. A
reading resembles the one before it, so this is no rate of alarms: of noise and of daily patterns at most
one in a thousand readings begins something at 2, of signals that wander more.

Only the four operations and the square root are used, so the same readings give the same bits everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

#: What is looked at, in the order of the columns of `Novelty.facts`.
FACTS = ("value", "level", "spread", "time_of_day", "shape")
#: One in a hundred: the conventional limit, which needs no labels.
USUAL_LIMIT = 2.0
#: Readings below the limit after which the next one above it is something new.
QUIET = 50

_BLOCK = 16  # readings a block; a sixteenth root is four square roots
_BLOCKS = 256
_LEAST = 8  # blocks before anything is said
_TENTH = 10  # the highest 1/10 of the blocks give the steepness of the tail
_SHAPE = 24  # readings of a shape, and of the level
_SPREAD = 64  # a spread needs more readings than a level to be worth as much
_KEPT = 512  # readings kept for shapes
_SMOOTH = 4  # differences from the usual value of the half hour that are averaged
_BINS = 48
_VISITS = 8  # days over which the usual value of a half hour forgets
_SIDES = 9  # two tails each, one of the shape: a distance is never too small
_ROUNDING = 1e-6  # of the size of the readings: differences below it are no news
_LARGEST = 1e100  # what is larger is no measurement
_FARTHEST = 1e30  # excesses in units of all excesses seen
_LN10 = 2.302585092994046
_LOG_E = 1 / _LN10
_LOG_2 = 0.3010299956639812
_DAY = 86_400_000_000
_HALF_HOUR = _DAY // _BINS

# Places in the flat state.
_SEEN, _CLOSED, _PLACE = 0, 1, 2
_OFFS = 3
_BIN = _OFFS + _SMOOTH  # of each half hour: mean, readings, days, last day
_PEAK = _BIN + 4 * _BINS  # the open block, side by side
_MAXIMA = _PEAK + _SIDES
_VALUES = _MAXIMA + _SIDES * _BLOCKS
_SIZE = _VALUES + _KEPT


class Novelty:
    """A scorer of one channel (`Scorer` contract); 24 KiB of state each, nothing to be set."""

    def fresh(self) -> npt.NDArray[np.float64]:
        """The state before the first reading: float64[3024]."""
        return np.zeros(_SIZE)

    def score(
        self, state: npt.NDArray[np.float64], time: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """−log10 of how rare each reading is, float64[rows]; NaN where not known and while it learns.

        `time` int64[rows] microseconds rising, `values` float64[rows, 1 or more], of which the first column
        counts; the state is changed in place.
        """
        merged: npt.NDArray[np.float64] = self._walk(state, time, values)[:, len(FACTS)]
        return merged

    def facts(
        self, state: npt.NDArray[np.float64], time: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The same of each of `FACTS` by itself, float64[rows, 5]: what was unusual about a reading."""
        each: npt.NDArray[np.float64] = self._walk(state, time, values)[:, : len(FACTS)]
        return each

    def _walk(self, state: Array, time: Array, values: Array) -> Array:
        flat = np.ascontiguousarray(values[:, 0], dtype=np.float64)
        known = np.abs(flat) < _LARGEST
        out = np.full((len(flat), len(FACTS) + 1), np.nan)
        out[known] = _score(state, np.ascontiguousarray(time, dtype=np.int64)[known], flat[known])
        return out


def raised_rows(scores: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.int64]:
    """Rows at which something new begins: at or above the limit, after `QUIET` rows below it."""
    above = np.flatnonzero(scores >= limit)
    return above[np.diff(above, prepend=-QUIET - 1) > QUIET]


@njit(cache=True)
def _score(state: Array, time: Array, values: Array) -> Array:
    """Decades of each fact and of all together, float64[rows, 6]; NaN while too little is known."""
    rows = len(values)
    out = np.full((rows, 6), np.nan)
    known = np.concatenate((state[_VALUES:], values))  # the newest of `row` stands at row + _KEPT
    now = np.empty(_SIDES)
    for row in range(rows):
        newest = row + _KEPT
        first = max(row, newest - int(state[_SEEN]))  # oldest known place
        state[_SEEN] += 1
        _measure(state, time[row], known, first, newest, now)
        if state[_SEEN] < 2 * _SHAPE:
            continue
        if state[_CLOSED] >= _LEAST:
            _judge(state, now, out[row])
        _remember(state, now)
    state[_VALUES:] = known[rows:]
    return out


@njit(cache=True)
def _measure(state: Array, time: int, known: Array, first: int, newest: int, now: Array) -> None:
    """The five facts of the newest reading as tails to look at: each and its negative, but the shape."""
    value = known[newest]
    level, _ = _mean_and_spread(known, max(first, newest - _SHAPE + 1), newest)
    _, spread = _mean_and_spread(known, max(first, newest - _SPREAD + 1), newest)
    now[0], now[2], now[4], now[6] = value, level, spread, _from_usual(state, time, value)
    for side in range(0, 8, 2):
        now[side + 1] = -now[side]
    now[8] = _nearest(known, first, newest)


@njit(cache=True)
def _mean_and_spread(known: Array, begin: int, end: int) -> tuple[float, float]:
    """Mean and standard deviation of the places from `begin` to `end`, both included."""
    count = end + 1 - begin
    mean = 0.0
    for at in range(begin, end + 1):
        mean += known[at]
    mean /= count
    square = 0.0
    for at in range(begin, end + 1):
        square += (known[at] - mean) * (known[at] - mean)
    return mean, np.sqrt(square / count)


@njit(cache=True)
def _from_usual(state: Array, time: int, value: float) -> float:
    """Mean of the last four differences from the usual value of the half hour; the usual value learns."""
    at = _BIN + 4 * ((time % _DAY) // _HALF_HOUR)
    off = value - state[at] if state[at + 1] > 0 else 0.0
    day = float(time // _DAY)
    if state[at + 1] == 0 or state[at + 3] != day:
        state[at + 2] += 1
        state[at + 3] = day
    state[at + 1] += 1
    state[at] += (value - state[at]) * max(1.0, state[at + 2] / _VISITS) / state[at + 1]
    mean = off
    for place in range(_OFFS + _SMOOTH - 1, _OFFS, -1):
        state[place] = state[place - 1]
        mean += state[place]
    state[_OFFS] = off
    return mean / _SMOOTH


@njit(cache=True)
def _nearest(known: Array, first: int, newest: int) -> float:
    """Distance of the last 24 readings from the nearest 24 before them, given up once it is farther."""
    best = np.inf
    for end in range(first + _SHAPE - 1, newest - _SHAPE + 1):
        total = 0.0
        for back in range(_SHAPE):
            gap = known[newest - back] - known[end - back]
            total += gap * gap
            if total >= best:
                break
        best = min(best, total)
    return np.sqrt(best) if best < np.inf else 0.0


@njit(cache=True)
def _judge(state: Array, now: Array, out: Array) -> None:
    """Decades of each fact and of all, from the blocks closed so far."""
    least = _ROUNDING * (abs(now[0]) + abs(now[2]) + now[4]) + 1 / _LARGEST
    blocks = min(int(state[_CLOSED]), _BLOCKS)
    merged = 0.0
    for fact in range(5):
        best = 0.0
        for side in range(2 * fact, min(2 * fact + 2, _SIDES)):
            start = _MAXIMA + side * _BLOCKS
            best = max(best, _decades_of(state[start : start + blocks], now[side], least))
        if fact < 4:  # of two tails the smaller probability counts, twice
            best -= _LOG_2
        out[fact] = max(best, 0.0)
        merged += out[fact]
    out[5] = max(merged / 5 - _LOG_E, 0.0)


@njit(cache=True)
def _decades_of(maxima: Array, value: float, least: float) -> float:
    """−log10 of the probability that one reading reaches `value`, from maxima of blocks of 16."""
    blocks = len(maxima)
    reached = 0
    for maximum in maxima:
        reached += maximum >= value
    found = _one_of_sixteen((reached + 1) / (blocks + 1))
    if reached > 1:
        return found
    count = max(3, blocks // _TENTH)
    top = np.sort(maxima)[blocks - count :]
    excess = 0.0
    for maximum in top:
        excess += maximum - top[0]
    beyond = min((value - top[0]) / max(excess, (count - 1) * least), _FARTHEST)
    tail = (count - 1) * _minus_log10(1 / (1 + beyond))
    return max(found, _one_of_sixteen(count / (blocks + 1)) + tail)


@njit(cache=True)
def _one_of_sixteen(share: float) -> float:
    """−log10 of a reading's probability, where the largest of 16 of them has probability `share`."""
    below = 1.0 - share
    for _ in range(4):
        below = np.sqrt(below)
    return _minus_log10(1.0 - below)


@njit(cache=True)
def _minus_log10(share: float) -> float:
    """−log10 of a number in (0, 1], by its powers of two and ln x = 2 artanh((x − 1) / (x + 1))."""
    halvings = 0
    while share < 0.5:
        share *= 2
        halvings += 1
    small = (share - 1) / (share + 1)
    square = small * small
    total = 0.0
    for odd in range(25, 0, -2):
        total = total * square + 1 / odd
    return halvings * _LOG_2 - 2 * small * total / _LN10


@njit(cache=True)
def _remember(state: Array, now: Array) -> None:
    """Put the facts into the open block, and close it when it is full."""
    for side in range(_SIDES):
        if state[_PLACE] == 0 or now[side] > state[_PEAK + side]:
            state[_PEAK + side] = now[side]
    state[_PLACE] += 1
    if state[_PLACE] < _BLOCK:
        return
    at = int(state[_CLOSED]) % _BLOCKS
    for side in range(_SIDES):
        state[_MAXIMA + side * _BLOCKS + at] = state[_PEAK + side]
    state[_CLOSED] += 1
    state[_PLACE] = 0
