"""The Tennessee Eastman process (Downs and Vogel 1993) in the files of Chiang, Russell and Braatz (2001).

One parameter set for all faults: 11 components learned from d00.dat, limits from d00_te.dat, both normal
operation; no faulty row is looked at. The limit is the tenth highest of the 960 normal test rows (1 % false
alarms): of the ways to set it from normal rows alone, the one that reproduces the published rates.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.detect.multivariate import Model, Scorer, calibrate, fit
from liandong.core.values.errors import BadInput
from liandong.core.values.times import SECOND

Floats = npt.NDArray[np.float64]
COMPONENTS = 11
FALSE_ALARMS = 0.01
#: Rows of a fault file before the fault starts (the next comes 3 minutes after it), minutes between rows,
#: rows in a row above the limit that make a detection.
BEFORE, STEP_MIN, TOGETHER = 160, 3, 6
_CHANNELS = 52
_KINDS = ("t2", "q")
#: Published missed-detection rates with 11 components, faults 1 to 10 (Chiang, Russell and Braatz).
PUBLISHED = {
    "t2": (0.008, 0.020, 0.998, 0.956, 0.775, 0.011, 0.085, 0.034, 0.994, 0.666),
    "q": (0.003, 0.014, 0.991, 0.038, 0.746, 0.000, 0.000, 0.024, 0.981, 0.659),
}
POLICY = (
    "limits: the tenth highest of 960 rows of normal operation (d00_te), no fault seen; false alarms on rows "
    "that set no limit: before each fault, and each half of d00_te under the other half's limits"
)


def score_tep(folder: Path) -> dict[str, Any]:
    """Missed detections, delays and false alarms of T² and Q over every dNN_te.dat in the folder.

    Raises BadInput where normal operation is missing or a file is not 52 columns.
    """
    normal = read(folder / "d00_te.dat")
    learned = fit(read(folder / "d00.dat"), COMPONENTS)
    model = calibrate(learned, normal, FALSE_ALARMS)
    scored = run(model, normal)
    faults, before = {}, []
    for path in sorted(folder.glob("d[0-9][0-9]_te.dat")):
        if (number := int(re.findall(r"\d+", path.name)[0])) > 0:
            found = run(model, read(path))
            before.append({kind: found[kind][:BEFORE] for kind in _KINDS})
            faults[number] = {kind: _fault(kind, found[kind][BEFORE:], number) for kind in _KINDS}
    return {
        "components": COMPONENTS, "limits": {"t2": model.t2_limit, "q": model.q_limit},
        "threshold_policy": POLICY, "normal_rows": len(normal), "faults": faults,
        "false_alarms": {
            "normal": {kind: _share(scored[kind]) for kind in _KINDS}
            | {"either": _share(scored["t2"] | scored["q"])},
            "before_faults": {kind: _share(np.concatenate([b[kind] for b in before])) for kind in _KINDS}
            if before else None,
            "other_half": _halves(learned, normal),
        },
        "largest_difference": {kind: _largest(faults, kind) for kind in _KINDS},
        "beside": {
            "always": {"mdr": 0.0, "false_alarms": 1.0}, "never": {"mdr": 1.0, "false_alarms": 0.0},
        },
    }  # fmt: skip


def run(model: Model, values: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Which rows are above the limit, by statistic; streamed as a plant would send them."""
    time = np.arange(len(values), dtype=np.int64) * STEP_MIN * 60 * SECOND
    limits = {"t2": model.t2_limit, "q": model.q_limit}
    above = {}
    for kind in ("t2", "q"):
        scorer = Scorer(model, "t2" if kind == "t2" else "q")
        above[kind] = scorer.score(scorer.fresh(), time, values) > limits[kind]
    return above


def read(path: Path) -> Floats:
    """float64[rows, 52]; d00.dat lies on its side. Raises BadInput for anything else."""
    try:
        values = np.loadtxt(path, ndmin=2)
    except (OSError, ValueError) as error:
        raise BadInput("tep.unreadable", path=str(path), why=str(error)[:120]) from error
    if values.shape[1] != _CHANNELS and values.shape[0] == _CHANNELS:
        values = values.T
    if values.shape[1] != _CHANNELS:
        raise BadInput("tep.bad_shape", path=str(path), rows=values.shape[0], columns=values.shape[1])
    return values


def _fault(kind: str, above: npt.NDArray[np.bool_], number: int) -> dict[str, Any]:
    published = PUBLISHED[kind][number - 1] if number <= len(PUBLISHED[kind]) else None
    missed = 1 - _share(above)
    together = np.convolve(above, np.ones(TOGETHER), "valid") >= TOGETHER
    return {
        "mdr": round(missed, 4), "published": published,
        "difference": None if published is None else round(missed - published, 4),
        "delay_min": (int(np.argmax(together)) + 1) * STEP_MIN if together.any() else None,
    }  # fmt: skip


def _halves(learned: Model, normal: Floats) -> dict[str, float]:
    half = len(normal) // 2
    first, second = normal[:half], normal[half:]
    pairs = ((first, second), (second, first))
    found = [run(calibrate(learned, own, FALSE_ALARMS), other) for own, other in pairs]
    return {kind: _share(np.concatenate([f[kind] for f in found])) for kind in _KINDS}


def _share(above: npt.NDArray[np.bool_]) -> float:
    return round(float(above.mean()), 6)


def _largest(faults: dict[int, dict[str, Any]], kind: str) -> float | None:
    differences = [abs(f[kind]["difference"]) for f in faults.values() if f[kind]["difference"] is not None]
    return max(differences) if differences else None
