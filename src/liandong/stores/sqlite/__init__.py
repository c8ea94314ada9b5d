"""The store of an embedded city: one SQLite file, one writer, any number of readers."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy.pool import QueuePool

from liandong.stores._sql import schema
from liandong.stores._sql.database import Database
from liandong.stores._sql.lite import LiteStore, lite_engine

FILE = "liandong.db"
#: How long whoever finds the database locked waits.
BUSY_MS = 10_000
#: Pages in the log before they are copied into the file, 64 MB: a page changed by many commits is
#: then copied once; measured, that made 40 % more commits than SQLite's own 1,000.
CHECKPOINT_PAGES = 16_000
WRITER_CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 8 * 1024
READERS = 64


class SqliteStore(LiteStore):
    """SqlStore on a file. `commit`, `stage` and `data_version` are for the writer's thread only."""


def open_sqlite(folder: Path) -> SqliteStore:
    """Open, create or migrate `liandong.db` in the folder. Raises Broken for a newer schema."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    # One connection writes, or `data_version` would count our own commits as somebody else's.
    writer = lite_engine(
        partial(_connect_writer, path), QueuePool, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0
    )
    readers = lite_engine(
        partial(_connect_reader, path), QueuePool, "BEGIN", pool_size=8, max_overflow=READERS - 8
    )
    database = Database(writer, readers)
    try:
        with _alone(folder), database.writing() as connection:
            schema.prepare(connection)
    except BaseException:
        database.close()
        raise
    return SqliteStore(database)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time opens: two that turn a new file to WAL at once do not wait for each other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _connect(path: Path, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute(f"PRAGMA cache_size=-{cache_kib}")
    return connection


def _connect_writer(path: Path) -> sqlite3.Connection:
    connection = _connect(path, WRITER_CACHE_KIB)
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    connection = _connect(path, READER_CACHE_KIB)
    connection.execute("PRAGMA query_only=ON")
    return connection
