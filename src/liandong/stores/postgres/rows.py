"""Many rows of one table in one statement: a column travels as one array, and the server takes it apart.

Row by row each statement costs a message each way; so PostgreSQL takes four times as many rows a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Dialect, LargeBinary, Table

from liandong.stores._sql import tables
from liandong.stores._sql.rows import Values


class ArrayRows:
    """Rows as arrays of their columns. The texts are made once."""

    def __init__(self, dialect: Dialect) -> None:
        self._quote = dialect.identifier_preparer.quote
        self._inserts = {table: self._insert_text(table) for table in tables.metadata.tables.values()}
        self._puts = {
            table: self._inserts[table] + self._in_place(table)
            for table in tables.metadata.tables.values()
            if table.primary_key.columns
        }

    def insert(self, connection: Connection, table: Table, rows: Values) -> None:
        """As the protocol says."""
        if rows:
            connection.exec_driver_sql(self._inserts[table], _columns(rows))

    def ignore(self, connection: Connection, table: Table, rows: Values) -> int:
        """As the protocol says."""
        if not rows:
            return 0
        text = self._inserts[table] + " ON CONFLICT DO NOTHING"
        return connection.exec_driver_sql(text, _columns(rows)).rowcount

    def put(self, connection: Connection, table: Table, rows: Values, steady: Sequence[str] = ()) -> None:
        """One statement may touch a row only once, so of rows with one key the last is sent. What is
        steady needs no care: an index is only written where a value really differs."""
        if rows:
            width = len(table.primary_key.columns)
            keyed = [place for place, column in enumerate(table.columns) if column.primary_key]
            last = {tuple(row[place] for place in keyed): row for row in rows} if width else {}
            connection.exec_driver_sql(self._puts[table], _columns(list(last.values())))

    def delete(self, connection: Connection, column: Column[Any], keys: Sequence[str]) -> None:
        """As the protocol says."""
        table, name = self._quote(column.table.name), self._quote(column.name)
        connection.exec_driver_sql(f"DELETE FROM {table} WHERE {name} = ANY(%s::text[])", (list(keys),))

    def _insert_text(self, table: Table) -> str:
        names = ", ".join(self._quote(column.name) for column in table.columns)
        arrays = ", ".join(f"%s::{_type(column)}[]" for column in table.columns)
        return f"INSERT INTO {self._quote(table.name)} ({names}) SELECT * FROM unnest({arrays})"

    def _in_place(self, table: Table) -> str:
        keys = ", ".join(self._quote(column.name) for column in table.primary_key)
        others = [self._quote(column.name) for column in table.columns if not column.primary_key]
        if not others:
            return f" ON CONFLICT ({keys}) DO NOTHING"
        values = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f" ON CONFLICT ({keys}) DO UPDATE SET {values}"


def _columns(rows: Values) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


def _type(column: Column[Any]) -> str:
    if isinstance(column.type, LargeBinary):
        return "bytea"
    return "bigint" if isinstance(column.type, BigInteger) else "text"
