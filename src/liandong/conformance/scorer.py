"""Does a scorer keep its contract? Tried on seeded rows with gaps, cut in several ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from liandong.core.detect.scorers import Scorer
from liandong.core.values.times import SECOND

ROWS = 400
SEED = 20_261_122
#: Where the rows are cut: nowhere, everywhere at first, and anyhow.
CUTS = ((), tuple(range(1, 60)), (7, 8, 100, 333))


def check_scorer(make: Callable[[], Scorer], channels: int) -> Iterator[str]:
    """What is wrong with a scorer of so many channels, one word each; nothing when it keeps its contract.

    `shape`: state or scores of a wrong type or length. `repeat`: the same rows gave other scores, so it
    remembers outside of its state or uses chance or a clock. `cut`: how rows are cut changes a score, or
    the state after them. `changed`: it wrote into its input. `raises`: it raised something.
    """
    try:
        yield from _wrong(make, channels)
    except Exception:  # a third party's code may raise anything
        yield "raises"


def _wrong(make: Callable[[], Scorer], channels: int) -> Iterator[str]:
    rng = np.random.default_rng(SEED)
    time = np.cumsum(rng.integers(1, 600, ROWS)).astype(np.int64) * SECOND
    values = rng.normal(1.0, 2.0, (ROWS, channels))
    values[rng.random(values.shape) < 0.1] = np.nan
    kept = time.copy(), values.copy()
    state = make().fresh()
    whole = make().score(state, time, values)
    if state.dtype != np.float64 or state.ndim != 1 or whole.shape != (ROWS,) or whole.dtype != np.float64:
        yield "shape"
        return
    if not (_same(kept[0], time) and _same(kept[1], values)):
        yield "changed"
        time, values = kept
    again = [_in_parts(make(), time, values, cut) for cut in CUTS]
    if not _same(again[0][0], whole) or not _same(again[0][1], state):
        yield "repeat"
    elif any(not _same(scores, whole) or not _same(after, state) for scores, after in again[1:]):
        yield "cut"


def _in_parts(
    scorer: Scorer, time: npt.NDArray[np.int64], values: npt.NDArray[np.float64], cut: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    state = scorer.fresh()
    parts = zip(np.split(time, cut), np.split(values, cut), strict=True)
    scores = [scorer.score(state, times.copy(), part.copy()) for times, part in parts]
    return np.concatenate(scores), state


def _same(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> bool:
    """To the bit; one not-a-number is like another."""
    return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
