"""Read, write and check a city's folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from liandong.adapters.tables.cells import BadCell
from liandong.adapters.tables.checks import Lines, area_path, check_lines
from liandong.adapters.tables.errors import CityErrors
from liandong.adapters.tables.layout import OF_CITY, OF_MECHANISM, TABLES, Table
from liandong.adapters.tables.sheets import bad, read_table, write_table
from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.errors import BadInput
from liandong.core.values.rows import Mechanism


def read_city(folder: Path) -> CityFolder:
    """The city of a folder. Raises CityErrors with everything that is wrong with it."""
    lines, errors = _read(folder)
    if errors:
        raise CityErrors(folder.name, errors)
    return _build(lines)


def check_city(folder: Path) -> list[BadInput]:
    """Everything that is wrong with a folder, by file, row and column; empty where nothing is."""
    return _read(folder)[1]


def write_city(folder: Path, data: CityFolder) -> None:
    """Write a folder. Raises CityErrors, and writes nothing, where a value would not come back as it is."""
    errors: list[BadInput] = []
    zone = _zone(data.city.zone)
    written = [(table, _rows(table, _things(table, data), zone, errors)) for table in TABLES.values()]
    _refuse_other_paths(data.city, errors)
    if errors:
        raise CityErrors(folder.name, errors)
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in written:
        write_table(folder, table, rows)


def _read(folder: Path) -> tuple[Lines, list[BadInput]]:
    if not folder.is_dir():
        return {}, [BadInput("city.missing_folder", folder=folder.name)]
    errors: list[BadInput] = []
    lines = {name: read_table(folder, table, errors) for name, table in TABLES.items()}
    check_lines(lines, errors)
    return lines, sorted(errors, key=_place)


def _place(error: BadInput) -> tuple[int, int]:
    """Order of errors: file by file, row by row, as whoever mends them goes."""
    file = str(error.params.get("file", "")).removesuffix(".csv")
    return list(TABLES).index(file) if file in TABLES else -1, int(error.params.get("row") or 0)


def _build(lines: Lines) -> CityFolder:
    """Values of checked lines."""
    parents = {line.values["key"]: line.values["parent"] for line in lines["areas"]}
    for line in lines["areas"]:
        line.values["path"] = area_path(line.values["key"], parents)
    _number_channels(lines)
    made: dict[str, tuple[Any, ...]] = {
        name: tuple(TABLES[name].noun(**line.values) for line in lines[name])
        for name in (*OF_CITY, *OF_MECHANISM, "rules", "persons")
    }
    return CityFolder(
        city=City(**lines["city"][0].values | {name: made[name] for name in OF_CITY}),
        mechanism=Mechanism(**lines["mechanism"][0].values | {name: made[name] for name in OF_MECHANISM}),
        rules=made["rules"],
        persons=made["persons"],
    )


def _number_channels(lines: Lines) -> None:
    """Give every channel without a number the next free one above all that were given, in file order.

    Above all, and not into the gaps: a gap may be a channel that is gone, and numbers are never reused.
    """
    free = max(
        (line.values["number"] for line in lines["channels"] if line.values["number"] is not None), default=-1
    )
    for line in lines["channels"]:
        if line.values["number"] is None:
            free += 1
            line.values["number"] = free


def _things(table: Table, data: CityFolder) -> Sequence[Any]:
    if table.name in OF_CITY:
        things: Sequence[Any] = getattr(data.city, table.name)
    elif table.name in OF_MECHANISM:
        things = getattr(data.mechanism, table.name)
    else:
        whole: dict[str, Sequence[Any]] = {
            "city": (data.city,),
            "mechanism": (data.mechanism,),
            "rules": data.rules,
            "persons": data.persons,
        }
        things = whole[table.name]
    return things


def _rows(table: Table, things: Sequence[Any], zone: tzinfo, errors: list[BadInput]) -> list[list[str]]:
    rows = []
    for number, thing in enumerate(things, start=2):
        cells = []
        for column in table.columns.values():
            value = getattr(thing, column.name)
            try:
                cells.append(column.render(value, zone))
            except BadCell as error:
                shown = "" if column.personal else str(value)
                cannot = bad("city.cannot_write", table.file, number, column.name, shown, remedy=error.remedy)
                errors.append(cannot)
        rows.append(cells)
    return rows


def _refuse_other_paths(city: City, errors: list[BadInput]) -> None:
    """Paths are computed again on reading, so another path would come back changed."""
    parents = {area.key: area.parent for area in city.areas}
    for row, area in enumerate(city.areas, start=2):
        path = area_path(area.key, parents)
        if path != area.path:
            remedy = "city.remedy.path"
            errors.append(
                bad("city.cannot_write", "areas.csv", row, "path", area.path, remedy=remedy, allowed=path)
            )


def _zone(name: str) -> tzinfo:
    """The city's zone, or UTC where this machine has no such table: offsets are written either way."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC
