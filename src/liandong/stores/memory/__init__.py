"""The twin in memory: the same tables and statements over SQLite without a file, gone when closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from threading import RLock

from sqlalchemy.pool import StaticPool

from liandong.app.ports import Changes
from liandong.stores._sql import schema
from liandong.stores._sql.database import Database
from liandong.stores._sql.lite import LiteStore, lite_engine


class MemoryStore(LiteStore):
    """SqlStore in memory, for tests and replays."""

    def commit(self, changes: Changes) -> int:
        """As everywhere."""
        return super().stage(changes)()

    def stage(self, changes: Changes) -> Callable[[], int]:
        """Where one connection serves all threads, there are no two parts: it is committed at once."""
        position = self.commit(changes)
        return lambda: position


def open_memory() -> MemoryStore:
    """A new, empty store."""
    engine = lite_engine(_connect, StaticPool, "BEGIN IMMEDIATE")
    # All threads share the one connection that holds the data, so they take turns.
    lock = RLock()
    database = Database(engine, engine, lambda: lock)
    with database.writing() as connection:
        schema.prepare(connection)
    return MemoryStore(database)


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=256)
