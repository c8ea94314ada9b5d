"""The leaks and sensors of a configuration file of BattLeDIM's dataset generator (a `.yalm` file).

The leak line is `pipe, start, end, diameter in m, abrupt|incipient, peak time`; an incipient leak's diameter
grows evenly from its start to its peak time (Vrachimis et al., "Battle of the Leakage Detection and Isolation
Methods", 2022; the same in the generator's source).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from liandong.core.values.errors import BadInput

#: Minutes between two rows of everything here; also the network's own pattern step.
STEP_MIN = 5
_LISTS = ("leakages", "pressure_sensors", "flow_sensors", "level_sensors")


class Leak(msgspec.Struct, frozen=True):
    """One leak. Rows count from the configuration's start; `end` is the last row with water flowing out."""

    pipe: str
    start: int
    end: int
    peak: int
    diameter_m: float
    abrupt: bool

    def diameters(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The hole's diameter in metres at each row: 0 outside, growing evenly up to the peak."""
        growth = np.clip((rows - self.start + 1) / (self.peak - self.start + 1), 0.0, 1.0)
        return np.where((rows >= self.start) & (rows <= self.end), self.diameter_m * growth, 0.0)


class Setup(msgspec.Struct, frozen=True):
    """What the configuration says. Moments are local time without a zone, as in the file."""

    start: datetime
    rows: int
    leaks: tuple[Leak, ...]
    pressures: tuple[str, ...]
    flows: tuple[str, ...]
    levels: tuple[str, ...]


def read_setup(path: Path) -> Setup:
    """The configuration in `path`. Raises BadInput where a line cannot be read or a part is missing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("ltown.unreadable", path=str(path), why=str(error)[:120]) from error
    lists: dict[str, list[tuple[int, str]]] = {name: [] for name in _LISTS}
    times: dict[str, datetime] = {}
    part = ""
    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].strip()
        if text and not line[0].isspace() and text.endswith(":"):
            part = text[:-1]
        elif part == "times" and ":" in text:
            name, _, value = text.partition(":")
            times[name.strip()] = _moment(path, number, value)
        elif part in lists and text.lstrip("- ").strip():
            lists[part].append((number, text.lstrip("- ").strip()))
    for name in ("StartTime", "EndTime"):
        if name not in times:
            raise BadInput("ltown.missing_part", path=path.name, part=name)
    if not lists["pressure_sensors"]:
        raise BadInput("ltown.missing_part", path=path.name, part="pressure_sensors")
    start = times["StartTime"]
    rows = _row(start, times["EndTime"]) + 1
    leaks = [_leak(path, number, text, start) for number, text in lists["leakages"]]
    pressures, flows, levels = (tuple(text for _, text in lists[name]) for name in _LISTS[1:])
    return Setup(start, rows, tuple(leaks), pressures, flows, levels)


def _leak(path: Path, number: int, text: str, origin: datetime) -> Leak:
    cells = [cell.strip() for cell in text.split(",")]
    try:
        pipe, start, end, diameter, kind, peak = cells
        leak = Leak(
            pipe, _row(origin, _moment(path, number, start)), _row(origin, _moment(path, number, end)),
            _row(origin, _moment(path, number, peak)), float(diameter), kind == "abrupt",
        )  # fmt: skip
    except ValueError as error:
        raise BadInput("ltown.bad_line", path=path.name, line=number, value=text[:80]) from error
    if kind not in ("abrupt", "incipient") or not leak.start <= leak.peak <= leak.end or leak.diameter_m <= 0:
        raise BadInput("ltown.bad_line", path=path.name, line=number, value=text[:80])
    return leak


def _row(origin: datetime, moment: datetime) -> int:
    return round((moment - origin).total_seconds() / 60 / STEP_MIN)


def _moment(path: Path, number: int, text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M")
    except ValueError as error:
        raise BadInput("ltown.bad_line", path=path.name, line=number, value=text.strip()[:80]) from error
