"""A document's tables from YAML, before their cells are read: rows of words, and where each word stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from liandong.adapters.mechanisms.nodes import At, Items, Node, Pairs, Scalar
from liandong.adapters.tables.cells import narrow
from liandong.adapters.tables.layout import MECHANISM, TABLES, Column, Table
from liandong.adapters.tables.workbooks import Sheet
from liandong.core.values.errors import BadInput

#: Of a group: the rows that share what else stands in it.
ROWS = ("rows", "行")
HEAD = "mechanism"
_TABLES = {name: name for name in MECHANISM if name != HEAD} | {
    TABLES[name].zh: name for name in MECHANISM if name != HEAD
}


@dataclass
class Found:
    """Tables by name; `at` says where a row, or one of its cells, stands."""

    file: str
    sheets: dict[str, Sheet] = field(default_factory=dict)
    at: dict[tuple[str, int, str], At] = field(default_factory=dict)
    errors: list[BadInput] = field(default_factory=list)

    def wrong(self, key: str, at: At, **params: str | int) -> None:
        """Add an error of one place."""
        self.errors.append(BadInput(key, file=self.file, line=at.line, **params))


def tables_of(node: Node | None, file: str) -> Found:
    """The head and the tables of a YAML document."""
    found = Found(file)
    if not isinstance(node, Pairs):
        found.wrong("mechfile.no_mapping", node.at if node else At(1, 1))
        return found
    head = Pairs(node.at)
    seen: dict[str, At] = {}
    for key, value in node.pairs:
        name = _TABLES.get(narrow(key.text), "")
        if not name:
            head.pairs.append((key, value))
        elif name in seen:
            found.wrong("mechfile.twice", key.at, value=key.text, first=seen[name].line)
        else:
            seen[name] = key.at
            _table(found, TABLES[name], value)
    cells = _row(found, TABLES[HEAD], head, {})
    if cells is not None:
        _put(found, TABLES[HEAD], [(head.at, cells)])
    return found


Cells = dict[str, tuple[str, At]]


def _table(found: Found, table: Table, node: Node) -> None:
    rows: list[tuple[At, Cells]] = []
    if isinstance(node, Scalar) and not node.text:
        return
    if not isinstance(node, Items):
        found.wrong("mechfile.no_list", node.at, table=table.zh, value=table.name)
        return
    for item in node.items:
        if not isinstance(item, Pairs):
            found.wrong("mechfile.no_row", item.at, table=table.zh)
            continue
        shared = Pairs(item.at, [(k, v) for k, v in item.pairs if k.text not in ROWS])
        inner = [v for k, v in item.pairs if k.text in ROWS]
        cells = _row(found, table, shared, {})
        if cells is None:
            continue
        if not inner:
            rows.append((item.at, cells))
        elif len(inner) > 1 or not isinstance(inner[0], Items):
            found.wrong("mechfile.no_list", inner[-1].at, table=table.zh, value="rows")
        else:
            rows += _group(found, table, inner[0], cells)
    _put(found, table, rows)


def _group(found: Found, table: Table, node: Items, shared: Cells) -> list[tuple[At, Cells]]:
    rows = []
    for item in node.items:
        if not isinstance(item, Pairs):
            found.wrong("mechfile.no_row", item.at, table=table.zh)
            continue
        cells = _row(found, table, item, shared)
        if cells is not None:
            rows.append((item.at, cells))
    return rows


def _row(found: Found, table: Table, node: Pairs, shared: Cells) -> Cells | None:
    """Words of the cells by column; None where one cannot be told."""
    cells: Cells = {}
    before = len(found.errors)
    for key, value in node.pairs:
        name = table.headers.get(narrow(key.text), "")
        if not name:
            allowed = ", ".join(table.columns)
            found.wrong(
                "mechfile.unknown_column", key.at, table=table.zh, value=key.text[:64], allowed=allowed
            )
        elif name in cells:
            found.wrong("mechfile.twice", key.at, value=key.text, first=cells[name][1].line)
        else:
            text = _words(value, table.columns[name])
            if text is None:
                found.wrong("mechfile.no_word", value.at, table=table.zh, value=name)
            else:
                cells[name] = text, value.at
    return shared | cells if len(found.errors) == before else None


def _words(node: Node, column: Column) -> str | None:
    """The cell that a value means; None where it is no word, or a list where one word is asked."""
    if isinstance(node, Scalar):
        return node.text
    if not (column.many and isinstance(node, Items)):
        return None
    words = [item.text.strip() for item in node.items if isinstance(item, Scalar)]
    broken = len(words) < len(node.items) or any(not w or ";" in w or "；" in w for w in words)
    return None if broken else ";".join(words) or ("none" if column.default else "")


def _put(found: Found, table: Table, rows: list[tuple[At, Cells]]) -> None:
    names = list(table.columns)
    records: list[list[str]] = [names]
    for number, (at, cells) in enumerate(rows, start=2):
        records.append([cells[name][0] if name in cells else "" for name in names])
        found.at[table.name, number, ""] = at
        found.at |= {(table.name, number, name): place for name, (_, place) in cells.items()}
    found.sheets[table.name] = Sheet(found.file, list(records))
