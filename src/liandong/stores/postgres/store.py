"""SqlStore on PostgreSQL: the same tables and statements; what differs by engine is here and beside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Select, Table, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import ArgumentError

from liandong.app.ports import ActRow, StreamRow
from liandong.core.values.errors import BadInput, Unreachable
from liandong.stores._sql import schema, shapes, tables
from liandong.stores._sql.shapes import Shape
from liandong.stores._sql.store import SqlStore
from liandong.stores.postgres.database import VERSION, PostgresDatabase
from liandong.stores.postgres.dump import dump
from liandong.stores.postgres.rows import ArrayRows

#: Any number that nobody else uses: those who make or migrate the tables take turns.
_OPENING = 0x6C69616E


class PostgresStore(SqlStore):
    """`commit`, `stage`, `turn` and `data_version` are for the writer's thread only."""

    def __init__(self, database: PostgresDatabase, url: URL) -> None:
        dialect = PGDialect_psycopg(paramstyle="format")
        super().__init__(database, ArrayRows(dialect), dialect)
        self._latest += " LIMIT 1"
        self._sequencer, self._url = database, url

    def data_version(self) -> int:
        """Changes with every commit of another process."""
        return self._sequencer.others()

    def turn(self) -> AbstractContextManager[None]:
        """Nobody else commits before the next commit of this process, or the end of the block."""
        return self._sequencer.turn()

    def load(self, streams: Sequence[str]) -> dict[str, StreamRow]:
        """All in one question."""
        rows: list[StreamRow] = self._named(shapes.STREAM, tables.streams, "stream", streams)
        return {row.stream: row for row in rows}

    def acts(self, ids: Sequence[str]) -> list[ActRow]:
        """All in one question."""
        return self._named(shapes.ACT, tables.acts, "id", ids)

    def backup(self, target: str) -> None:
        """What `pg_dump` makes, in its own compressed form; it gets its name only when all is on the disk."""
        dump(self._url, Path(target))

    def _all(self, query: Select[Any]) -> Sequence[Sequence[Any]]:
        """One statement sees one moment without a transaction around it."""
        with self._sequencer.quick.connect() as connection:
            return connection.execute(query).all()

    def _value(self, query: Select[Any]) -> Any:
        with self._sequencer.quick.connect() as connection:
            return connection.execute(query).scalar()

    def _named(self, shape: Shape[Any], table: Table, column: str, names: Sequence[str]) -> list[Any]:
        if not names:
            return []
        text = f"SELECT * FROM {table.name} WHERE {column} = ANY(%s::text[])"
        with self._sequencer.quick.connect() as connection:
            found = connection.exec_driver_sql(text, (list(names),)).all()
        return [shape.row(row) for row in found]

    def _direct(self, shape: Shape[Any], text: str, asked: Sequence[tuple[str, ...]]) -> list[Any]:
        """The first row to each set of parameters."""
        found: list[Any] = []
        with self._sequencer.quick.connect() as connection:
            for parameters in asked:
                row = connection.exec_driver_sql(text, parameters).first()
                found += [] if row is None else [shape.row(row)]
        return found


def connect(address: str, password_file: Path | None) -> PostgresStore:
    """See `open_postgres`."""
    url = _url(address, password_file)
    database = PostgresDatabase(url)
    try:
        _prepare(database)
    except Unreachable as error:
        database.close()
        raise BadInput("store.cannot_connect", where=_where(url), problem=error.params["problem"]) from error
    except BaseException:
        database.close()
        raise
    return PostgresStore(database, url)


def _prepare(database: PostgresDatabase) -> None:
    """The schema, and the row that counts commits; those who open at once take turns."""
    with database.writer.begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_OPENING,))
        schema.prepare(connection)
        start = "INSERT INTO meta (key, value) VALUES (%s, '0') ON CONFLICT DO NOTHING"
        connection.exec_driver_sql(start, (VERSION,))


def _url(address: str, password_file: Path | None) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise BadInput("store.bad_address") from error
    if not url.database or url.password is not None:
        # Not shown: it may hold what should be in the file.
        raise BadInput("store.bad_address")
    password: str | None = None
    if password_file is not None:
        try:
            password = password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("store.no_password", path=str(password_file)) from error
    return url.set(drivername="postgresql+psycopg", password=password)


def _where(url: URL) -> str:
    return f"{url.host or 'local'}:{url.port or 5432}/{url.database}"
