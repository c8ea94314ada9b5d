"""Read, write and check a city's tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from liandong.adapters._io.localtime import offsets_of
from liandong.adapters.tables.apart import Places, read_apart
from liandong.adapters.tables.cells import BadCell, narrow
from liandong.adapters.tables.checks import Lines, area_path, check_lines
from liandong.adapters.tables.errors import CityErrors
from liandong.adapters.tables.layout import MECHANISM, OF_CITY, OF_MECHANISM, TABLES, Table
from liandong.adapters.tables.sheets import Line, bad, read_table, write_table
from liandong.adapters.tables.sources import Sources, find_tables
from liandong.core.values.city import City
from liandong.core.values.dataset import CityFolder
from liandong.core.values.document import Mechanism
from liandong.core.values.errors import BadInput

#: Folder of a mechanism that keeps the document's rows and ours apart.
APART = "mechanism"


class Reading(NamedTuple):
    """What a folder or a workbook says, row by row, and what is wrong with it."""

    lines: Lines
    errors: list[BadInput]
    unreadable: bool  #: a file, not a row, could not be read
    labelled: Callable[[BadInput], BadInput]  #: an error with the names of the files as they are


def read_city(place: Path, quantities: Collection[str] = ()) -> CityFolder:
    """The city of a folder or a workbook; `quantities` are those of packs, which it need not repeat.

    Raises CityErrors with everything that is wrong with it.
    """
    return build(place, read_tables(place, quantities))


def build(place: Path, reading: Reading) -> CityFolder:
    """The city of tables that were read. Raises CityErrors."""
    if reading.errors:
        raise CityErrors(place.name, reading.errors)
    return build_lines(reading.lines)


def check_city(place: Path, quantities: Collection[str] = ()) -> list[BadInput]:
    """Everything that is wrong with a folder, by file, row and column; empty where nothing is."""
    return read_tables(place, quantities).errors


def write_city(folder: Path, data: CityFolder, only: Collection[str] = ()) -> None:
    """Write a folder, or only these tables of it.

    Raises CityErrors, and writes nothing, where a value would not come back as it is.
    """
    written = rendered(folder.name, data)
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in written:
        if not only or table.name in only:
            write_table(folder, table, rows)


def rendered(name: str, data: CityFolder) -> list[tuple[Table, list[list[str]]]]:
    """Every table with the cells of its rows. Raises CityErrors."""
    errors: list[BadInput] = []
    zone = _zone(data.city.zone)
    written = [(table, _rows(table, _things(table, data), zone, errors)) for table in TABLES.values()]
    _refuse_other_paths(data.city, errors)
    if errors:
        raise CityErrors(name, errors)
    return written


def read_tables(place: Path, quantities: Collection[str] = ()) -> Reading:
    """Every row that can be read, and every error."""
    if not (place.is_dir() or (place.is_file() and place.suffix.lower() == ".xlsx")):
        return Reading({}, [BadInput("city.missing_folder", folder=place.name)], True, lambda error: error)
    found = find_tables(place, TABLES)
    errors, zone = list(found.errors), _zone(_zone_name(found))
    said: list[BadInput] = []
    apart, places = place / APART, Places()
    lines = {
        name: _lines_of(table, found, zone, said)
        for name, table in TABLES.items()
        if name not in MECHANISM or not apart.is_dir()
    }
    if apart.is_dir():
        made, places = read_apart(apart, zone, found, errors)
        lines |= made
    if not found.unread:
        check_lines(lines, said, quantities)
    labels = {TABLES[name].file: sheet.label for name, sheet in found.sheets.items()}

    def labelled(error: BadInput) -> BadInput:
        return _labelled(error, labels, places)

    errors += [labelled(error) for error in said]
    errors.sort(key=lambda error: _place(error, labels))
    return Reading(lines, errors, bool(found.errors), labelled)


def _lines_of(table: Table, found: Sources, zone: tzinfo, errors: list[BadInput]) -> list[Line]:
    if table.name in found.sheets:
        return read_table(table, found.sheets[table.name], zone, errors)
    if not table.optional and table.name not in found.unread:
        errors.append(BadInput("city.missing_file", file=table.file))
    return []


def _zone_name(found: Sources) -> str:
    """The city's zone before its tables are checked, because moments of a workbook are on its clock."""
    sheet = found.sheets.get("city")
    records = sheet.records if sheet else []
    if len(records) < 2:
        return "Asia/Shanghai"
    header = [TABLES["city"].headers.get(narrow(str(cell or "")), "") for cell in records[0]]
    return str(dict(zip(header, records[1], strict=False)).get("zone") or "Asia/Shanghai")


def _labelled(error: BadInput, labels: dict[str, str], places: Places) -> BadInput:
    """The same error, with the names of the files and the rows that its table really came from."""
    params = dict(error.params)
    file, row = str(params.get("file", "")), params.get("row")
    name = file.removesuffix(".csv")
    apart = places.get((name, row)) if isinstance(row, int) else None
    for column in ("row", "first", "other"):
        value = params.get(column)
        if isinstance(value, int) and (name, value) in places:
            params[column] = places[name, value][1]
    params["file"] = apart[0] if apart else labels.get(file, file)
    if "table" in params:
        params["table"] = ", ".join(labels.get(one, one) for one in str(params["table"]).split(", "))
    return BadInput(error.key, **params)


def _place(error: BadInput, labels: dict[str, str]) -> tuple[int, int]:
    """Order of errors: file by file, row by row, as whoever mends them goes."""
    files = {
        label: number for number, label in enumerate(labels.get(t.file, t.file) for t in TABLES.values())
    }
    return files.get(str(error.params.get("file", "")), -1), int(error.params.get("row") or 0)


def build_lines(lines: Lines) -> CityFolder:
    """Values of checked lines."""
    parents = {line.values["key"]: line.values["parent"] for line in lines["areas"]}
    for line in lines["areas"]:
        line.values["path"] = area_path(line.values["key"], parents)
    _number_channels(lines)
    made: dict[str, tuple[Any, ...]] = {
        name: tuple(TABLES[name].noun(**line.values) for line in lines[name])
        for name in (*OF_CITY, *OF_MECHANISM, "rules", "persons")
    }
    head = lines["city"][0].values
    offsets = offsets_of(_zone(str(head["zone"])))
    return CityFolder(
        city=City(**head | {name: made[name] for name in OF_CITY}, offsets=offsets),
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
