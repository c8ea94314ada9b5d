"""Many channels of one plant watched together: Hotelling's T² and the squared prediction error Q.

A principal component model of normal operation (Jackson and Mudholkar 1979; Chiang, Russell and Braatz,
"Fault Detection and Diagnosis in Industrial Systems", 2001, chapter 4). T² says how far a row lies from
the usual within what the components explain, Q how far outside of it. The model is plain numbers and is
data of a rule; scoring uses only the four operations row by row, so no cut of the input changes a bit.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND

Floats = npt.NDArray[np.float64]
#: `worse`: the larger of T² and Q, each as a share of its limit; 1 is the limit.
Kind = Literal["t2", "q", "worse"]
#: Before any reading: so far back that nothing is held from there.
_NEVER = -float(1 << 62)


class Model(msgspec.Struct, frozen=True):
    """Normal operation in numbers. Units are those of the channels; T² and Q have none."""

    mean: tuple[float, ...]  #: per channel
    scale: tuple[float, ...]  #: per channel, standard deviation, above 0
    loadings: tuple[tuple[float, ...], ...]  #: per channel, one number per component
    variances: tuple[float, ...]  #: per component, above 0
    t2_limit: float
    q_limit: float


def fit(values: Floats, components: int) -> Model:
    """The model of normal operation `values` (float64[rows, channels]); rows with gaps are left out.

    Its limits are what 1 % of these same rows exceed; rows that the model has not seen exceed them more
    often, so `calibrate` it on other normal rows. Raises BadInput for too few rows or components and for
    a channel that never moves.
    """
    rows = values[np.isfinite(values).all(axis=1)]
    channels = values.shape[1]
    if not 0 < components < channels or len(rows) <= channels:
        raise BadInput("multivariate.too_few", rows=len(rows), channels=channels, components=components)
    mean, scale = rows.mean(axis=0), rows.std(axis=0, ddof=1)
    still = np.flatnonzero(scale <= 1e-12 * np.maximum(np.abs(mean), 1e-300))
    if len(still):
        raise BadInput("multivariate.still_channel", column=int(still[0]) + 1)
    variances, axes = np.linalg.eigh(np.cov((rows - mean) / scale, rowvar=False))
    largest = np.argsort(variances)[::-1][:components]
    if variances[largest[-1]] <= 1e-12:
        raise BadInput("multivariate.too_few", rows=len(rows), channels=channels, components=components)
    model = Model(
        tuple(mean.tolist()), tuple(scale.tolist()), tuple(map(tuple, axes[:, largest].tolist())),
        tuple(variances[largest].tolist()), math.inf, math.inf,
    )  # fmt: skip
    return calibrate(model, rows, 0.01)


def calibrate(model: Model, values: Floats, false_alarms: float) -> Model:
    """The same model with the limits that a share `false_alarms` of these normal rows reaches.

    Of n rows the limit is the ⌈n · share⌉-th highest value, and only what is above it counts: for 960 rows
    and 1 % the tenth highest.
    """
    t2, q = statistics(model, values)
    t2, q = t2[np.isfinite(t2)], q[np.isfinite(q)]
    if not len(t2):
        raise BadInput(
            "multivariate.too_few", rows=0, channels=values.shape[1], components=len(model.variances)
        )
    place = min(max(math.ceil(len(t2) * false_alarms), 1), len(t2))
    return msgspec.structs.replace(
        model, t2_limit=float(np.sort(t2)[-place]), q_limit=float(np.sort(q)[-place])
    )


def statistics(model: Model, values: Floats) -> tuple[Floats, Floats]:
    """(T², Q), each float64[rows]; not a number where a value of the row is not known."""
    # Column by column, because the order of additions inside a matrix product depends on its size.
    usual = (values - np.array(model.mean)) / np.array(model.scale)
    loadings = np.array(model.loadings)
    scores = np.zeros((len(values), loadings.shape[1]))
    for channel in range(loadings.shape[0]):
        scores += usual[:, channel, None] * loadings[channel]
    t2, q = np.zeros(len(values)), np.zeros(len(values))
    for component, variance in enumerate(model.variances):
        t2 += scores[:, component] * scores[:, component] / variance
    for channel in range(loadings.shape[0]):
        rest = usual[:, channel].copy()
        for component in range(loadings.shape[1]):
            rest -= scores[:, component] * loadings[channel, component]
        q += rest * rest
    return t2, q


class Scorer:
    """T², Q or the worse of both over a stream, in the shape of `scorers.Scorer`.

    A channel's last value stands in for a missing one for `hold_s` seconds; while any channel is unknown
    the score is not a number. The state is each channel's last value and its moment (microseconds).
    """

    def __init__(self, model: Model, kind: Kind = "worse", hold_s: float = 0.0) -> None:
        self.model = model
        self.kind = kind
        self.hold_us = hold_s * SECOND

    def fresh(self) -> Floats:
        """The state before the first row: float64[2 · channels]."""
        channels = len(self.model.mean)
        return np.concatenate([np.zeros(channels), np.full(channels, _NEVER)])

    def score(self, state: Floats, time: npt.NDArray[np.int64], values: Floats) -> Floats:
        """Scores of the rows, float64[rows]; `time` rises, `state` is changed in place."""
        t2, q = statistics(self.model, self._held(state, time, values))
        if self.kind == "t2":
            return t2
        if self.kind == "q":
            return q
        return np.maximum(t2 / self.model.t2_limit, q / self.model.q_limit)

    def _held(self, state: Floats, time: npt.NDArray[np.int64], values: Floats) -> Floats:
        channels = values.shape[1]
        last, since = state[:channels], state[channels:]
        filled = np.empty_like(values)
        for row, moment in enumerate(time.tolist()):
            known = np.isfinite(values[row])
            last[known], since[known] = values[row, known], moment
            filled[row] = np.where(moment - since <= self.hold_us, last, np.nan)
        return filled
