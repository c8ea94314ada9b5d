"""Many rows of one table in one statement: the hot part of every transaction, said in the engine's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Dialect, Table, bindparam

from liandong.stores._sql import tables
from liandong.stores._sql.shapes import insert_text, text_of, upsert_text

Values = Sequence[tuple[Any, ...]]


class Rows(Protocol):
    """How an engine takes rows; each method takes them in the order of the table's columns."""

    def insert(self, connection: Connection, table: Table, rows: Values) -> None:
        """New rows. Raises IntegrityError where one of them exists."""

    def ignore(self, connection: Connection, table: Table, rows: Values) -> int:
        """New rows; those that exist stay as they are. How many were new."""

    def put(self, connection: Connection, table: Table, rows: Values, steady: Sequence[str] = ()) -> None:
        """New rows or, by key, in place of the old ones. `steady` columns stand in an index and hardly
        ever change."""

    def delete(self, connection: Connection, column: Column[Any], keys: Sequence[str]) -> None:
        """Rows in which the column is one of the keys."""


class ManyRows:
    """One prepared statement, run for each row: what SQLite does fastest. The texts are made once."""

    def __init__(self, dialect: Dialect) -> None:
        every = list(tables.metadata.tables.values())
        keyed = [table for table in every if table.primary_key.columns]
        self._dialect = dialect
        self._inserts = {table: insert_text(table, dialect) for table in every}
        self._ignores = {table: insert_text(table, dialect, ignore=True) for table in keyed}
        self._puts = {table: upsert_text(table, dialect) for table in keyed}
        self._steady: dict[Table, str] = {}
        self._deletes: dict[Column[Any], str] = {}

    def insert(self, connection: Connection, table: Table, rows: Values) -> None:
        if rows:
            connection.exec_driver_sql(self._inserts[table], list(rows))

    def ignore(self, connection: Connection, table: Table, rows: Values) -> int:
        return connection.exec_driver_sql(self._ignores[table], list(rows)).rowcount if rows else 0

    def put(self, connection: Connection, table: Table, rows: Values, steady: Sequence[str] = ()) -> None:
        """Where columns are steady the cheap statement for all; where it left any row alone, the full one."""
        if not rows:
            return
        if steady:
            cheap = self._steady.get(table)
            if cheap is None:
                cheap = self._steady[table] = upsert_text(table, self._dialect, steady=steady)
            if connection.exec_driver_sql(cheap, list(rows)).rowcount == len(rows):
                return
        connection.exec_driver_sql(self._puts[table], list(rows))

    def delete(self, connection: Connection, column: Column[Any], keys: Sequence[str]) -> None:
        text = self._deletes.get(column)
        if text is None:
            gone = column.table.delete().where(column == bindparam("gone"))
            text = self._deletes[column] = text_of(gone, self._dialect)
        connection.exec_driver_sql(text, [(key,) for key in keys])
