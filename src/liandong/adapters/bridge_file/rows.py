"""A file of events or orders → its rows: JSON lines, CSV or Excel, with English or Chinese headers."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import msgspec

from liandong.app.bridge.documents import MOST_BYTES, TheirOrder, read_orders
from liandong.core.values.errors import BadInput

SUFFIXES = (".jsonl", ".csv", ".xlsx")
_MOST_ROWS = 5_000
_HEADERS = {
    "事件号": "event", "工单号": "order", "对方工单号": "number", "状态": "status", "时间": "at",
    "用户": "user", "说明": "words", "事由": "reason", "原因": "cause", "研判结论": "verdict",
    "通过": "passed", "附件": "files", "未结": "open",
}  # fmt: skip
_YES, _NO = {"yes", "true", "1", "是"}, {"no", "false", "0", "否"}


def events_of(path: Path, files: Path) -> list[bytes]:
    """Every event of a file as JSON; photos that a row names are taken from `files`. Raises BadInput."""
    if path.suffix.lower() == ".jsonl":
        return [line for line in _bytes(path).splitlines() if line.strip()]
    return [msgspec.json.encode(_event(row, files, path.name)) for row in _rows(path)]


def orders_of(path: Path) -> tuple[TheirOrder, ...]:
    """The open orders of a file. Raises BadInput."""
    if path.suffix.lower() == ".jsonl":
        lines = [line for line in _bytes(path).splitlines() if line.strip()]
        return read_orders(b"[" + b",".join(lines) + b"]")
    rows = [
        {name: row[name] for name in ("order", "number", "status") if row.get(name)}
        | ({"open": _flag(row["open"], path.name)} if row.get("open") else {})
        for row in _rows(path)
    ]
    return read_orders(msgspec.json.encode(rows))


def _event(row: dict[str, str], files: Path, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        key: value for key, value in row.items() if value and key not in ("files", "open")
    }
    if "passed" in made:
        made["passed"] = _flag(made["passed"], name)
    wanted = [part.strip() for part in row.get("files", "").replace("；", ";").split(";") if part.strip()]
    if wanted:
        made["evidence"] = [_file(files, one, name) for one in wanted]
    return made


def _file(folder: Path, wanted: str, name: str) -> dict[str, str]:
    """One photo by its plain name: nothing outside the folder can be named."""
    if Path(wanted).name != wanted or wanted.startswith("."):
        raise _bad(name, f"files: {wanted[:64]}")
    try:
        data = _bytes(folder / wanted)
    except BadInput as error:
        raise _bad(name, f"files: {wanted[:64]}") from error
    return {"name": wanted, "data": base64.b64encode(data).decode()}


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows by the names of the columns; cells are text."""
    raw = _bytes(path)
    table = _workbook(raw, path.name) if path.suffix.lower() == ".xlsx" else _csv(raw, path.name)
    table = [row for row in table if any(cell.strip() for cell in row)]
    if not table:
        return []
    if len(table) > _MOST_ROWS:
        raise _bad(path.name, f"> {_MOST_ROWS} rows")
    header = [_HEADERS.get(cell.strip(), cell.strip()) for cell in table[0]]
    unknown = [name for name in header if name and name not in _HEADERS.values()]
    if unknown or len(set(header)) != len(header):
        raise _bad(path.name, f"header: {', '.join(unknown)[:80]}")
    return [dict(zip(header, [cell.strip() for cell in row], strict=False)) for row in table[1:]]


def _csv(raw: bytes, name: str) -> list[list[str]]:
    """UTF-8, with or without a mark, or GB 18030 as Chinese spreadsheets write it."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return list(csv.reader(io.StringIO(raw.decode(encoding), newline=""), strict=True))
        except UnicodeDecodeError:
            continue
        except csv.Error as error:
            raise _bad(name, "CSV") from error
    raise _bad(name, "encoding")


def _workbook(raw: bytes, name: str) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        return [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except Exception as error:  # openpyxl raises whatever the broken part of a workbook leads to
        known = isinstance(error, (BadZipFile, KeyError, ValueError, OSError))
        raise _bad(name, "Excel" if known else f"Excel: {type(error).__name__}") from error


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a number that is a name: 7 and not 7.0
    return "" if value is None else str(value)


def _flag(word: str, name: str) -> bool:
    if word.lower() not in _YES | _NO:
        raise _bad(name, f"yes/no: {word[:20]}")
    return word.lower() in _YES


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _bad(path.name, f"> {MOST_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise _bad(path.name, error.strerror or "unreadable") from error


def _bad(name: str, problem: str) -> BadInput:
    return BadInput("bridge.bad_file", file=name[:80], problem=problem)
