"""Find, on the syntax tree, every place that asks for the present moment instead of being told it."""

from __future__ import annotations

import ast
import re

#: Names under which one asks a date type for today.
ASKING = {"now", "utcnow", "today"}
#: SQL in which the database would ask.
SQL_NOW = re.compile(
    r"\bnow\s*\(\s*\)|\bcurrent_(timestamp|date|time)\b|\b(datetime|strftime|julianday|unixepoch)\s*\([^)]*'now'",
    re.IGNORECASE,
)


def clock_readings(source: str, *, calls: bool) -> list[str]:
    """Lines that import `time` or ask a date type or NumPy for the present.

    With `calls`, calling anything's `now()` counts too: the core has no such method of its own, and a
    type imported under another name would else slip through.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names) if any(n.name.split(".")[0] == "time" for n in names):
                found.append(f"{node.lineno}: imports time")
            case ast.ImportFrom(module="time"):
                found.append(f"{node.lineno}: imports from time")
            case ast.Attribute(value=base, attr=attr) if attr in ASKING and _is_date_type(base):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
            case ast.Call(func=ast.Attribute(attr=attr, value=base)) if (
                calls and attr in ASKING and not _is_date_type(base)
            ):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
            case ast.Call(
                func=ast.Attribute(attr="datetime64"), args=[ast.Constant(value="now" | "today"), *_]
            ):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def sql_readings(source: str) -> list[str]:
    """Lines where SQL, as text or as `func.now()`, would let the database read its clock."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in prose and SQL_NOW.search(text):
                found.append(f"{node.lineno}: {text.strip()[:60]}")
            case ast.Attribute(value=ast.Name(id="func"), attr=attr) if SQL_NOW.search(f"{attr}()"):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _is_date_type(node: ast.expr) -> bool:
    return ast.unparse(node).split(".")[-1] in {"datetime", "date"}
