"""Write a document as YAML: one form for each content, so that equal documents are equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from typing import Any

from yaml import ScalarNode
from yaml.resolver import Resolver

from liandong.adapters.mechanisms.errors import MechanismErrors
from liandong.adapters.tables.cells import BadCell
from liandong.adapters.tables.layout import OF_MECHANISM, TABLES, Column, Table
from liandong.adapters.tables.workbooks import cell_text
from liandong.core.values.canonical import sha256
from liandong.core.values.document import Mechanism
from liandong.core.values.durations import duration_words
from liandong.core.values.errors import BadInput
from liandong.core.values.rows import Row

#: A row longer than this stands on several lines.
_WIDEST = 116
_SHARED = ("provenance", "place")
#: Words that need no quotes anywhere in YAML.
_PLAIN = re.compile(r"[\w（《“](?:[\w（）《》“”〔〕、，。；！？：·—…／%°℃.+/()<>=\- ]|:(?=\w))*", re.UNICODE)
_RESOLVER = Resolver()


def write_text(document: Mechanism) -> str:
    """The canonical YAML. Raises MechanismErrors where a value would not come back as it is."""
    errors: list[BadInput] = []
    lines = []
    for name, value in _cells(TABLES["mechanism"], document, errors, 1):
        lines.append(f"{name}: {value}")
    for table in OF_MECHANISM:
        rows = getattr(document, table)
        if rows:
            lines += ["", f"{table}:", *_table(TABLES[table], rows, errors)]
    if errors:
        raise MechanismErrors(document.key, errors)
    return "\n".join(lines) + "\n"


def digest(document: Mechanism) -> str:
    """SHA-256 of the canonical text: what `sha256sum` says of the file."""
    return sha256(write_text(document).encode())


def _table(table: Table, rows: tuple[Row, ...], errors: list[BadInput]) -> Iterator[str]:
    number = 1
    for _, same in groupby(rows, key=lambda row: (row.provenance, row.place)):
        group = list(same)
        shared = len(group) > 1 and bool(group[0].place)
        made = []
        for row in group:
            number += 1
            made.append(list(_cells(table, row, errors, number)))
        if shared:
            said = [(name, value) for name, value in made[0] if name in _SHARED]
            yield from _lines(said, "  - ", "    ")
            yield "    rows:"
        indent = "      " if shared else "  "
        for cells in made:
            own = [(name, value) for name, value in cells if not (shared and name in _SHARED)]
            yield from _entry(own, indent)


def _entry(cells: list[tuple[str, str]], indent: str) -> Iterator[str]:
    """A row on one line where it fits, else a line for each word."""
    short = f"{indent}- {{{', '.join(f'{name}: {value}' for name, value in cells)}}}"
    if len(short) <= _WIDEST:
        yield short
    else:
        yield from _lines(cells, f"{indent}- ", f"{indent}  ")


def _lines(cells: list[tuple[str, str]], first: str, indent: str) -> Iterator[str]:
    for place, (name, value) in enumerate(cells):
        yield f"{indent if place else first}{name}: {value}"


def _cells(table: Table, thing: Any, errors: list[BadInput], number: int) -> Iterator[tuple[str, str]]:
    """Names and values of what is not the default."""
    for column in table.columns.values():
        value = getattr(thing, column.name)
        if not column.required and value == column.default:
            continue
        try:
            # What a spreadsheet would take for a failed formula is refused when it is read.
            cell = cell_text(column.render(value, UTC), column.kind, UTC)
        except BadCell as error:
            errors.append(
                BadInput(
                    "city.cannot_write", file=table.file, row=number, column=column.name,
                    value=str(value)[:64], remedy=error.remedy,
                )
            )  # fmt: skip
            continue
        name = column.name.removesuffix("_s") if column.duration else column.name
        yield name, _value(column, value, cell)


def _value(column: Column, value: Any, cell: str) -> str:
    if column.duration:
        return duration_words(value)
    parts = cell.split(";")
    if column.many and len(parts) > 1 and " > " not in cell:
        return f"[{', '.join(_scalar(part) for part in parts)}]"
    return _scalar(cell, plain=column.kind in ("number", "date") or isinstance(value, bool))


def _scalar(text: str, plain: bool = False) -> str:
    """A word as it is where no reader of YAML can take it for anything else, otherwise in quotes."""
    if plain:
        return text
    simple = _PLAIN.fullmatch(text) and not text.endswith((" ", ":")) and ": " not in text
    if simple and text.isprintable() and _tag(text) == "tag:yaml.org,2002:str":
        return text
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _tag(text: str) -> str:
    """What other readers of YAML would take a word for."""
    return str(_RESOLVER.resolve(ScalarNode, text, (True, False)))


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n":
        return "\\n"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
