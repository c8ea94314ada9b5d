"""The file of field links (TOML) and the tables of points beside it (CSV), checked row by row."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from liandong.core.values.errors import BadInput

T = TypeVar("T")
P = TypeVar("P", bound="Point")
#: So many bad rows are named at once.
_MOST_NAMED = 20


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value that is asked for. `device` and `item` are those of the city's table of channels."""

    device: str
    item: str
    scale: float = 1.0
    offset: float = 0.0  #: value = what the device says × scale + offset, in `channels.unit`


def read_tables(path: Path, known: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the file of links by protocol. Raises BadInput for a file or table that is none."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Not the parser's words: they may quote the line of a password in the wrong place.
        raise BadInput("settings.file_malformed", path=str(path), problem="TOML") from None
    for name, rows in found.items():
        if name not in known or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise BadInput("field.bad_table", path=str(path), table=_safe(name), known=", ".join(known))
    return found


def as_struct(row: dict[str, Any], kind: type[T], path: Path, number: int) -> T:
    """A table of the file of links. Raises BadInput naming the table and the field, never the value."""
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        name = row.get("name")
        said = f"{number} ({_safe(name)})" if isinstance(name, str) else str(number)
        field = _field(error)
    raise BadInput("field.bad_row", path=str(path), row=said, field=field) from None


def read_points(path: Path, kind: type[P]) -> tuple[P, ...]:
    """The rows of a table of points; an empty cell is its default.

    Raises BadInput naming every bad row with its column (`4 address, 9 type`), the header being row 1.
    A (device, item) that stands twice is a bad row, because one channel would have two values.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "UTF-8"
        raise BadInput("settings.file_unreadable", path=str(path), problem=problem) from error
    reader = csv.DictReader(text.splitlines(), restkey="?")
    points: list[P] = []
    bad: list[str] = []
    seen: set[tuple[str, str]] = set()
    for cells in reader:
        said = {str(k).strip(): v.strip() if isinstance(v, str) else v for k, v in cells.items()}
        if not any(said.values()):
            continue
        try:
            point = msgspec.convert({k: v for k, v in said.items() if v}, kind, strict=False)
        except msgspec.ValidationError as error:
            bad.append(f"{reader.line_num} {_field(error)}")
            continue
        if (point.device, point.item) in seen:
            bad.append(f"{reader.line_num} device, item")
        seen.add((point.device, point.item))
        points.append(point)
    if bad or not points:
        rows = "; ".join(bad[:_MOST_NAMED]) + (" …" if len(bad) > _MOST_NAMED else "")
        raise BadInput("field.bad_points", path=str(path), count=len(bad), rows=rows or "–")
    return tuple(points)


def read_secret(path: Path) -> str:
    """The password in a file of its own. Raises BadInput where there is none."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=type(error).__name__) from error
    if not text:
        raise BadInput("settings.file_unreadable", path=str(path), problem="empty")
    return text


def _field(error: msgspec.ValidationError) -> str:
    """The field that a check speaks of; a name that looks like anything else is not repeated."""
    said = re.search(r"field `([^`]+)`|`\$\.([^`]+)`", str(error))
    if said is None:
        return _safe(str(error)) if re.fullmatch(r"field\.[a-z_]+", str(error)) else "?"
    return _safe(next(name for name in said.groups() if name))


def _safe(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-\[\]]{1,64}", name) else "?"
