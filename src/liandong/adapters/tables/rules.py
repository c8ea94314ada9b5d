"""Rules by themselves: one `rules` table, in a file or in a city's folder, without the rest of the city."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from liandong.adapters.tables.errors import CityErrors
from liandong.adapters.tables.layout import TABLES
from liandong.adapters.tables.sheets import bad, read_table
from liandong.adapters.tables.sources import Sources, find_tables, read_csv
from liandong.core.values.errors import BadInput
from liandong.core.values.rules import Rule


def read_rules(place: Path) -> tuple[Rule, ...]:
    """The rules of a CSV file, a workbook or a folder. Raises CityErrors with everything that is wrong."""
    table = TABLES["rules"]
    found = Sources()
    if place.is_dir() or place.suffix.lower() == ".xlsx":
        found = find_tables(place, ("rules",))
    elif place.is_file():
        read_csv(place, "rules", found)
    errors = list(found.errors)
    if "rules" not in found.sheets and not errors:
        errors.append(BadInput("city.missing_file", file=str(place) if not place.is_dir() else table.file))
    lines = read_table(table, found.sheets["rules"], UTC, errors) if "rules" in found.sheets else []
    rules = []
    for line in lines:
        if not line.good:
            continue
        try:
            rules.append(Rule(**line.values))
        except ValueError as problem:
            shown = str(line.values.get("key", ""))
            errors.append(bad("rules.refused", table.file, line.row, "key", shown, problem=str(problem)))
    if errors:
        raise CityErrors(place.name, errors)
    return tuple(rules)
