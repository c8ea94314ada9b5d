"""What the two stores on SQLite share: how a connection is set up, and what only SQLite can answer."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, Pool, create_engine, event

from liandong.stores._sql.store import SqlStore


class LiteStore(SqlStore):
    """SqlStore on SQLite, in a file or in memory."""

    def data_version(self) -> int:
        """SQLite's own counter, which only commits of other connections raise."""
        with self._database.lock():
            connection = self._database.writer.raw_connection()
            try:
                return connection.cursor().execute("PRAGMA data_version").fetchone()[0]
            finally:
                connection.close()

    def backup(self, target: str) -> None:
        """A consistent copy in one file; it gets its name only when all of it is on the disk."""
        path = Path(target)
        aside = path.with_name(path.name + ".aside")
        aside.unlink(missing_ok=True)
        copy = sqlite3.connect(aside)
        try:
            with self._database.reading() as connection:
                connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]  # it is sqlite3
            copy.execute("PRAGMA journal_mode=DELETE")  # a copy is one file, without a log beside it
        finally:
            copy.close()
        aside.replace(path)
        _sync_folder(path.parent)


def lite_engine(
    connect: Callable[[], sqlite3.Connection], pool: type[Pool], begin: str, **options: int
) -> Engine:
    """An engine whose transactions start with `begin`; the driver is told to start none of its own."""
    engine = create_engine("sqlite://", creator=connect, poolclass=pool, **options)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
