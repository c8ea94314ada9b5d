"""Columns of a file as readings of a pack's quantities, in their units, fast ones condensed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from liandong.adapters.files import Series, read_series
from liandong.core.ingest.reduce import parse_reducer, reduce_series
from liandong.core.pack import Pack
from liandong.core.values.city import Quantity
from liandong.core.values.errors import BadInput, LiandongError, NotFound
from liandong.core.values.times import to_datetime
from liandong.core.values.units import conversion, spelt

SUFFIXES = (".csv", ".zip", ".parquet", ".gz")
#: A file says by its name that it is a reference: `ref` or `Reference` as a word of its own.
_REFERENCE = re.compile(r"(?:^|[^A-Za-z])(?:[Rr]ef|REF|[Rr]eference|REFERENCE)(?![a-z])")


@dataclass(frozen=True, slots=True)
class Column:
    """Readings of one point in the unit of its quantity."""

    file: str
    point: str
    quantity: Quantity
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    samples: int  #: in the file, before anything was condensed
    note: str
    day: str  #: ISO day of the first sample where the city is

    @property
    def channel(self) -> str:
        """One point has several quantities, so its name alone is not enough."""
        return f"{self.point}.{self.quantity.key}"


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files meant by some paths, a folder standing for its files. Raises NotFound."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in SUFFIXES)
        elif path.is_file():
            found.append(path)
        else:
            raise NotFound("replay.no_file", file=path.name)
    return list(dict.fromkeys(found))


def is_reference(path: Path) -> bool:
    """Whether a file's name marks it as a reference."""
    return _REFERENCE.search(path.name) is not None


class Reader:
    """Reads files as a pack's quantities, each file once."""

    def __init__(self, pack: Pack, mapping: Mapping[str, str], zone: str) -> None:
        self.pack, self.mapping, self.zone = pack, mapping, ZoneInfo(zone)
        self._read: dict[Path, tuple[list[Column], list[str]]] = {}

    def columns(self, path: Path) -> list[Column]:
        """A file's columns as channels. Raises as `read_series` does, and BadInput for a wrong mapping."""
        return self._of(path)[0]

    def unknown(self, path: Path) -> list[str]:
        """Names of the columns of a file that the pack knows nothing of."""
        return self._of(path)[1]

    def _of(self, path: Path) -> tuple[list[Column], list[str]]:
        if path not in self._read:
            made: list[Column] = []
            unknown = []
            for series in read_series(path, zone=self.zone.key):
                quantity = quantity_of(series.name, series.unit, self.pack, self.mapping)
                if quantity is None:
                    unknown.append(f"{series.name} [{series.unit}]" if series.unit else series.name)
                elif len(series.times):
                    made += _condensed(series, quantity, self.pack, path.name, self.zone)
            self._read[path] = made, unknown
        return self._read[path]


def quantity_of(name: str, unit: str, pack: Pack, mapping: Mapping[str, str]) -> Quantity | None:
    """The quantity of a column: as mapped, else of its name, else the pack's first that has its unit.

    What other quantities are condensed from goes first; what is condensed is never a column by its unit.
    """
    quantities = {quantity.key: quantity for quantity in pack.quantities}
    if name in mapping:
        if mapping[name] not in quantities:
            known = ", ".join(quantities)
            raise BadInput("replay.no_quantity", column=name, quantity=mapping[name], known=known)
        return quantities[mapping[name]]
    if name in quantities:
        return quantities[name]
    if not unit or spelt(unit) == "1":
        return None
    fast = {row.fast for row in pack.condensed}
    slow = {row.quantity for row in pack.condensed}
    able = [q for q in pack.quantities if q.key not in slow and _conversion(unit, q) is not None]
    able.sort(key=lambda q: (spelt(unit) != spelt(q.unit), q.key not in fast))
    return able[0] if able else None


def _conversion(unit: str, quantity: Quantity) -> Any:
    try:
        return conversion(unit or quantity.unit, quantity.unit, quantity.gas)
    except LiandongError:
        return None


def _condensed(series: Series, quantity: Quantity, pack: Pack, file: str, zone: tzinfo) -> Iterator[Column]:
    change = _conversion(series.unit, quantity)
    if change is None:
        raise BadInput("replay.unit", column=series.name, unit=series.unit, wanted=quantity.unit)
    values = series.values * change.factor + change.offset
    day = to_datetime(int(series.times[0])).astimezone(zone).date().isoformat()
    whole = Column(file, series.name, quantity, series.times, values, len(values), series.note, day)
    rows = [row for row in pack.condensed if row.fast == quantity.key]
    if not rows:
        yield whole
    known = {q.key: q for q in pack.quantities}
    for row in rows:
        reducer, window_us = parse_reducer(row.reducer)
        reduced = reduce_series(series.times, values, window_us=window_us, reducer=reducer)
        # A window that the file only grazes says little: its mean may be of a single sample.
        full = reduced.counts * 2 >= np.max(reduced.counts, initial=0)
        yield Column(
            file, series.name, known[row.quantity], reduced.times[full], reduced.values[full], len(values),
            series.note, day,
        )  # fmt: skip
