"""Devices in bulk: one table with a row for each channel, checked row by row against the city it joins.

A row says the sensor and one channel of it. What is empty is made: the channel's key from the sensor's and
the quantity's, its shard group from the asset. A row that is wrong is reported and left out; it never
takes its neighbours with it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from liandong.adapters.tables.cells import BadCell, narrow
from liandong.adapters.tables.checks import Lines, check_lines
from liandong.adapters.tables.city import build_lines, read_tables, write_city
from liandong.adapters.tables.errors import CityErrors
from liandong.adapters.tables.layout import TABLES, Column
from liandong.adapters.tables.sheets import Line, bad
from liandong.adapters.tables.sources import Sources, find_tables, read_csv
from liandong.adapters.tables.workbooks import cell_text
from liandong.core.values.errors import BadInput

#: Columns of a device table → the table and column that they fill.
_SENSOR = (
    "asset", "model", "calibrated", "calibration_due", "installed", "sampling_s", "report_s", "owner",
    "upkeep", "facts",
)  # fmt: skip
_CHANNEL = ("quantity", "position", "group", "source", "device", "item", "unit", "reducer")
COLUMNS: dict[str, tuple[str, str]] = {
    "sensor": ("sensors", "key"),
    **{name: ("sensors", name) for name in _SENSOR},
    "channel": ("channels", "key"),
    **{name: ("channels", name) for name in _CHANNEL},
}
#: May be left empty although the city's own tables demand them.
_MADE = ("channel", "group")
_SAY_EVERY = 500
#: Rows of the import among the city's own lines while these are checked.
_APART = 10_000_000


class Imported(NamedTuple):
    """What an import came to."""

    rows: int
    sensors: int  #: new ones
    channels: int
    errors: list[BadInput]  #: each names `row` of the table that was given


def import_devices(
    table: Path,
    place: Path,
    quantities: Collection[str],
    write: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Join the rows of a table that are right to a city's folder; with `write` into its files.

    Raises CityErrors where the table itself cannot be read, or the city has faults of its own.
    """
    reading = read_tables(place, quantities)
    if reading.errors:
        raise CityErrors(place.name, reading.errors)
    lines = reading.lines
    header, records = _records(table)
    zone = ZoneInfo(str(lines["city"][0].values["zone"]))
    errors: list[BadInput] = []
    good: dict[int, dict[str, Any]] = {}
    for number, cells in enumerate(records, start=2):
        if any(str(cell or "").strip() for cell in cells):
            values = _row(table.name, header, number, cells, zone, errors)
            if values is not None:
                good[number] = values
        if number % _SAY_EVERY == 0:
            progress(number, len(records) + 1)
    sensors, channels = _joined(lines, good, quantities, errors, table.name)
    progress(len(records) + 1, len(records) + 1)
    if write and channels:
        _write(place, lines)
    errors.sort(key=lambda error: int(error.params["row"] or 0))
    return Imported(len(records), sensors, channels, errors)


def write_report(path: Path, errors: list[BadInput], say: Callable[[BadInput], str]) -> None:
    """One line for each fault: row, column, value and what to do."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "column", "value", "error", "what"])
        for error in errors:
            params = error.params
            writer.writerow(
                [params.get("row"), params.get("column", ""), params.get("value", ""), error.key, say(error)]
            )


def _records(table: Path) -> tuple[list[str], list[list[Any]]]:
    found = Sources()
    if table.suffix.lower() == ".xlsx":
        found = find_tables(table, ("sensors",))
    elif table.is_file():
        read_csv(table, "sensors", found)
    else:
        found.errors.append(BadInput("city.missing_file", file=table.name))
    sheet = found.sheets.get("sensors")
    if found.errors or sheet is None or not sheet.records:
        raise CityErrors(table.name, found.errors or [BadInput("city.missing_file", file=table.name)])
    known = {column.zh: name for name, (of, field) in COLUMNS.items() if (column := _column(of, field)).zh}
    header = [known.get(narrow(str(cell or "")), narrow(str(cell or ""))) for cell in sheet.records[0]]
    unknown = [name for name in header if name and name not in COLUMNS]
    missing = [name for name in ("sensor", "asset", "quantity", "source") if name not in header]
    wrong = [
        *(bad("city.unknown_column", table.name, 1, n, n, allowed=", ".join(COLUMNS)) for n in unknown),
        *(BadInput("city.missing_column", file=table.name, row=1, column=name) for name in missing),
    ]
    if wrong:
        raise CityErrors(table.name, wrong)
    return header, [list(record) for record in sheet.records[1:]]


def _column(table: str, name: str) -> Column:
    return TABLES[table].columns[name]


def _row(
    file: str, header: list[str], number: int, cells: list[Any], zone: ZoneInfo, errors: list[BadInput]
) -> dict[str, Any] | None:
    """Values of one row by `table.column`; None where a cell is wrong."""
    given = dict(zip(header, cells, strict=False))
    values: dict[str, Any] = {}
    before = len(errors)
    for name, (of, field) in COLUMNS.items():
        column, cell = _column(of, field), given.get(name)
        if name in _MADE and not str(cell or "").strip():
            continue
        try:
            values[name] = column.parse(cell_text(cell, column.kind, zone).strip())
        except BadCell as error:
            errors.append(
                bad(
                    "city.bad_value", file, number, name, str(cell or ""), remedy=error.remedy,
                    allowed=error.allowed,
                )
            )  # fmt: skip
    if len(errors) > before:
        return None
    slug, quantity = values["sensor"].partition(":")[2], values["quantity"]
    position = f".{values['position']}" if values["position"] else ""
    values.setdefault("channel", f"channel:{slug}.{quantity}{position}")
    values.setdefault("group", values["asset"])
    return values


def _joined(
    lines: Lines,
    good: dict[int, dict[str, Any]],
    quantities: Collection[str],
    errors: list[BadInput],
    file: str,
) -> tuple[int, int]:
    """Add the rows to the city's lines, take out those that do not fit, and count what is left."""
    known = {line.text("key") for line in lines["sensors"]}
    own = {name: list(lines[name]) for name in ("sensors", "channels")}
    free = max((int(line.values["number"] or 0) for line in own["channels"]), default=-1) + 1
    while True:
        added: dict[str, list[Line]] = {"sensors": [], "channels": []}
        seen: set[str] = set()
        for place, (number, values) in enumerate(good.items()):
            if values["sensor"] not in known | seen:
                seen.add(values["sensor"])
                sensor = {"key": values["sensor"], **{name: values[name] for name in _SENSOR}}
                added["sensors"].append(Line(_APART + number, sensor))
            channel = {"key": values["channel"], "number": free + place, "sensor": values["sensor"]}
            channel |= {name: values[name] for name in _CHANNEL}
            added["channels"].append(Line(_APART + number, channel))
        for name in own:
            lines[name] = [*own[name], *added[name]]
        said: list[BadInput] = []
        check_lines(lines, said, quantities)
        if not said:
            return len(added["sensors"]), len(added["channels"])
        wrong = {_given(error) for error in said}
        errors += [BadInput(e.key, **{**e.params, "file": file, "row": _given(e)}) for e in said]
        if not wrong & good.keys():
            raise CityErrors(file, said)
        good = {number: values for number, values in good.items() if number not in wrong}


def _given(error: BadInput) -> int:
    """The row of the table that was given; where two rows contradict each other, the later one."""
    rows = [value for value in error.params.values() if isinstance(value, int) and value > _APART]
    return max(rows, default=0) - _APART


def _write(place: Path, lines: Lines) -> None:
    write_city(place, build_lines(lines), only=("sensors", "channels"))
