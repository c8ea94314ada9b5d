"""Leaks of the L-TOWN network (BattLeDIM 2020), found and placed in pressures that are simulated here.

The measured pressures of the competition are not part of the folder, so "reality" is simulated with EPANET
(`ltown_water`) for the whole span of the configuration, with parameters that differ from the network file;
the detector (`ltown_detect`) gets the readings and the network file. Every figure of this yardstick is of
that simulation and stands beside no published one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from liandong.yardstick.ltown_detect import Detector, Event, Floats, Model, Settings, hourly
from liandong.yardstick.ltown_setup import STEP_MIN, Leak, Setup, read_setup
from liandong.yardstick.ltown_water import (
    Progress,
    Spread,
    load_network,
    nominal,
    place,
    reality,
    town_model,
)

NETWORK = "L-TOWN.inp"
HISTORICAL = "dataset_configuration_historical.yalm"
#: What counts as found: the distance in a straight line from the middle of the pipe, and the time.
WITHIN_M, WITHIN_H = 300.0, 24.0
#: Raised when the simulation changes, so that kept pressures of an older one are not used.
_EDITION = 1
_PER_HOUR = 60 // STEP_MIN
_MONTH_H = 365.25 * 24 / 12
SIMULATED = (
    "simulated: pressures, flows and levels of the whole span come from EPANET on a perturbed copy of the "
    "network with these leaks; the detector has the unperturbed network, the readings and no label"
)


class Alarm(msgspec.Struct, frozen=True):
    """A leak that was said to have begun; hours since the start, at the end of which it was known."""

    raised_h: float
    placed_h: float
    x: float
    y: float
    flow_m3h: float


def score_ltown(
    folder: Path,
    config: str,
    work: Path | None,
    seed: int,
    progress: Progress,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Each leak with its delay and distance, false alarms per month, beside always-fire and never-fire.

    With `work` the simulated readings are kept in that folder. Raises BadInput for a folder that is not laid
    out as L-TOWN's, and where wntr is missing.
    """
    setup = read_setup(folder / config)
    path = folder / NETWORK
    network = load_network(path)
    middles = {leak.pipe: place(network, leak.pipe) for leak in setup.leaks}
    spread = Spread()
    own = settings or Settings()
    residuals, model = _simulated(path, folder / config, setup, spread, seed, work, progress)
    events = detect(model, own, residuals)
    alarms = [
        Alarm(e.alarm_h + 1.0, e.placed_h + 1.0, *_at(model, e.place), e.flow_m3h)
        for e in events if e.kind == "leak"
    ]  # fmt: skip
    hours = setup.rows / _PER_HOUR - own.learn_days * 24
    return {
        "simulated": SIMULATED, "config": config, "seed": seed, "from": _said(setup, 0.0),
        "days": round(setup.rows / _PER_HOUR / 24, 2), "spread": msgspec.to_builtins(spread),
        "settings": msgspec.to_builtins(own), "within": {"metres": WITHIN_M, "hours": WITHIN_H},
        **judge(setup, middles, alarms, hours),
        "ends_said": sum(e.kind == "end" for e in events),
        "alarm_list": [
            {"raised": _said(setup, a.raised_h), "placed": _said(setup, a.placed_h), "x": a.x, "y": a.y,
             "flow_m3h": round(a.flow_m3h, 1)}
            for a in alarms
        ],
        "beside": {
            "never": _brief(judge(setup, middles, [], hours)),
            "always": _brief(judge(setup, middles, _always(model, own, setup), hours)),
        },
    }  # fmt: skip


def detect(model: Model, settings: Settings, residuals: Floats) -> list[Event]:
    """Everything that began or ended, from residuals in metres, float64[rows of 5 minutes, sensors]."""
    detector = Detector(model, settings)
    return [event for hour in hourly(residuals, _PER_HOUR) for event in detector.feed(hour)]


def judge(
    setup: Setup, middles: dict[str, tuple[float, float]], alarms: Sequence[Alarm], hours: float
) -> dict[str, Any]:
    """Each alarm is the first of the nearest active leak within 300 m that has none yet, else a repeat of one
    that has, else false. A leak in the first week, of which nothing can be said, stays not found."""
    first: dict[int, tuple[Alarm, float]] = {}
    repeats = false = 0
    for alarm in alarms:
        near = sorted(
            (_away(alarm, middles[leak.pipe]), number)
            for number, leak in enumerate(setup.leaks)
            if leak.start / _PER_HOUR < alarm.raised_h and (leak.end + 1) / _PER_HOUR > alarm.raised_h - 1
        )
        near = [(metres, number) for metres, number in near if metres <= WITHIN_M]
        new = [(metres, number) for metres, number in near if number not in first]
        if new:
            first[new[0][1]] = (alarm, new[0][0])
        elif near:
            repeats += 1
        else:
            false += 1
    leaks = [_leak(setup, leak, first.get(number)) for number, leak in enumerate(setup.leaks)]
    abrupt = [leak for leak in leaks if leak["type"] == "abrupt"]
    in_time = sum(leak["placed_h"] is not None and leak["placed_h"] <= WITHIN_H for leak in abrupt)
    return {
        "leaks": leaks, "abrupt": {"leaks": len(abrupt), "found_in_time_and_place": in_time},
        "incipient": {"leaks": len(leaks) - len(abrupt), "found": len(first) - _found(abrupt)},
        "alarms": len(alarms), "repeats": repeats, "false_alarms": false,
        "false_alarms_per_month": round(false / hours * _MONTH_H, 3) if hours > 0 else None,
    }  # fmt: skip


def _leak(setup: Setup, leak: Leak, found: tuple[Alarm, float] | None) -> dict[str, Any]:
    start = leak.start / _PER_HOUR
    return {
        "pipe": leak.pipe, "type": "abrupt" if leak.abrupt else "incipient", "diameter_m": leak.diameter_m,
        "start": _said(setup, start), "end": _said(setup, leak.end / _PER_HOUR),
        "found": _said(setup, found[0].raised_h) if found else None,
        "delay_h": round(found[0].raised_h - start, 2) if found else None,
        "placed_h": round(found[0].placed_h - start, 2) if found else None,
        "distance_m": round(found[1], 1) if found else None,
        "place": [found[0].x, found[0].y] if found else None,
        "flow_m3h": round(found[0].flow_m3h, 1) if found else None,
    }  # fmt: skip


def _found(leaks: Sequence[dict[str, Any]]) -> int:
    return sum(leak["found"] is not None for leak in leaks)


def _brief(judged: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in judged.items() if name != "leaks"}


def _always(model: Model, own: Settings, setup: Setup) -> list[Alarm]:
    """An alarm every hour in the middle of the town."""
    x, y = model.places.mean(axis=0).tolist()
    hours = range(own.learn_days * 24, setup.rows // _PER_HOUR)
    return [Alarm(hour + 1.0, hour + 1.0, x, y, own.flow_m3h) for hour in hours]


def _at(model: Model, number: int) -> tuple[float, float]:
    return float(model.places[number, 0]), float(model.places[number, 1])


def _away(alarm: Alarm, middle: tuple[float, float]) -> float:
    return math.hypot(alarm.x - middle[0], alarm.y - middle[1])


def _said(setup: Setup, hours: float) -> str:
    return (setup.start + timedelta(hours=hours)).isoformat(sep=" ", timespec="minutes")


def _simulated(
    path: Path, config: Path, setup: Setup, spread: Spread, seed: int, work: Path | None, progress: Progress
) -> tuple[Floats, Model]:
    """Residuals of the pressures, float64[rows, sensors] in metres, and what the detector knows of the
    network; from the work folder where it has them."""
    mark = hashlib.sha256(path.read_bytes() + config.read_bytes())
    mark.update(repr((_EDITION, seed, msgspec.structs.astuple(spread))).encode())
    kept = work / f"ltown-simulated-{mark.hexdigest()[:16]}.npz" if work else None
    if kept is not None and kept.is_file():
        with np.load(kept) as file:
            model = Model(file["slopes"], file["demands"], file["places"])
            return np.asarray(file["pressures"] - file["expected"]), model
    model = town_model(path, setup, progress)
    measured = reality(path, setup, spread, seed, progress)
    expected = nominal(path, setup, measured, progress)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        columns = msgspec.structs.asdict(measured) | msgspec.structs.asdict(model)
        np.savez_compressed(kept, expected=expected, **columns)
    return measured.pressures - expected, model
