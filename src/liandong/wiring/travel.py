"""Where units set out from, and how long they take: a table that no city's data holds yet, for P8.

Columns `unit`, and either `lon`, `lat` (degrees: where it sets out from) or `area`, `minutes` (to an area).
"""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from liandong.core.values.errors import BadInput


class Travel(NamedTuple):
    """What a table says: bases by unit, minutes by unit and area."""

    bases: dict[str, tuple[float, float]]
    minutes: dict[tuple[str, str], float]


def read_travel(path: Path) -> Travel:
    """A CSV file in UTF-8. Raises BadInput with the line that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("mechanism.travel_unreadable", file=path.name) from error
    found = Travel({}, {})
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        cells = {
            name: (value or "").strip() for name, value in row.items() if name and isinstance(value, str)
        }
        if not any(cells.values()):
            continue
        try:
            _take(found, cells)
        except (KeyError, ValueError) as error:
            raise BadInput("mechanism.travel_bad_row", file=path.name, row=reader.line_num) from error
    return found


def _take(found: Travel, cells: dict[str, str]) -> None:
    """One row; raises KeyError or ValueError where it says neither a base nor minutes."""
    unit = cells["unit"]
    if not unit:
        raise ValueError("no unit")
    if cells.get("minutes"):
        minutes = float(cells["minutes"])
        if not cells["area"] or not isfinite(minutes) or minutes < 0:
            raise ValueError("no area, or no time")
        found.minutes[unit, cells["area"]] = minutes
        return
    lon, lat = float(cells["lon"]), float(cells["lat"])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError("no place on earth")
    found.bases[unit] = (lon, lat)
