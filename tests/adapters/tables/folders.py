"""The demonstration city as a folder, and how to spoil it cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from liandong.adapters.tables import check_city
from liandong.core.values.times import parse_time
from tests.small_town import demo_city

START = parse_time("2026-05-01T00:00:00+08:00")
DEMO = demo_city(1, START, 1, 36)


def table(folder: Path, name: str) -> list[list[str]]:
    text = (folder / f"{name}.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(text.splitlines()))


def put(folder: Path, name: str, rows: list[list[str]], encoding: str = "utf-8") -> None:
    with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)


def change(folder: Path, name: str, row: int, column: str, value: str) -> None:
    """Write a value into a cell, by row number as a spreadsheet shows it."""
    rows = table(folder, name)
    rows[row - 1][rows[0].index(column)] = value
    put(folder, name, rows)


def row_of(folder: Path, name: str, key: str) -> int:
    return [row[0] for row in table(folder, name)].index(key) + 1


def found(folder: Path) -> list[tuple[Any, ...]]:
    return [
        (e.key, *(e.params.get(p) for p in ("file", "row", "column", "value"))) for e in check_city(folder)
    ]
