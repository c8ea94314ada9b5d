"""Where a city's tables are: a file each, or sheets of a workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from liandong.adapters.tables.headers import TABLE_ZH
from liandong.adapters.tables.workbooks import Sheet, read_workbook
from liandong.core.values.errors import BadInput


@dataclass
class Sources:
    """Tables as found, by name, and what could not be read."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    errors: list[BadInput] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)  #: tables that are there and could not be read


def find_tables(place: Path, names: Iterable[str]) -> Sources:
    """The tables of a folder or of one workbook. Two sources of one table are an error, not a choice."""
    found = Sources()
    folder = place if place.is_dir() else place.parent
    if place.is_dir():
        for name in names:
            if (place / f"{name}.csv").exists():
                read_csv(place / f"{name}.csv", name, found)
        books = sorted(path for path in folder.glob("*.xlsx") if not path.name.startswith(("~$", ".")))
    else:
        books = [place]
    for path in books:
        before = len(found.errors)
        sheets = read_workbook(path, found.errors)
        if len(found.errors) > before:
            # Which tables it holds is not known, so none of them is missing.
            found.unread |= set(TABLE_ZH)
        for name, sheet in sheets.items():
            other = found.sheets.get(name)
            if other is not None:
                found.errors.append(BadInput("city.table_twice", file=sheet.label, other=other.label))
            else:
                found.sheets[name] = sheet
    return found


def read_csv(path: Path, name: str, found: Sources) -> None:
    """Add one table from a file of any name; what is wrong with the file is an error of `found`."""
    raw = path.read_bytes()
    text = _decoded(raw)
    if text is None:
        row = _bad_row(raw)
        found.errors.append(BadInput("city.not_utf8", file=path.name, row=row))
        found.unread.add(name)
        return
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        found.errors.append(BadInput("city.bad_csv", file=path.name, row=len(records) + 1))
        found.unread.add(name)
        return
    found.sheets[name] = Sheet(path.name, list(records))


def _decoded(raw: bytes) -> str | None:
    """UTF-8, or GB18030 as Chinese Excel writes CSV; None where it is neither, or UTF-8 with damage.

    A damaged UTF-8 file often decodes as GB18030 too, into rubbish. It is told by the many characters
    that are right.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    shown = raw.decode("utf-8", errors="replace")
    right = sum(ord(char) > 127 and char != "\ufffd" for char in shown)
    if raw.startswith(b"\xef\xbb\xbf") or right > shown.count("\ufffd"):
        return None
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return None


def _bad_row(raw: bytes) -> int:
    """Row of the first byte that is no UTF-8."""
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return raw.count(b"\n", 0, error.start) + 1
    return 1
