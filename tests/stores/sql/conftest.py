"""The stores on SQL, each made anew for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.stores._sql.store import SqlStore
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from tests.stores.postgres_server import NoServer, PostgresServer, server


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    if request.param == "postgres":
        from liandong.stores.postgres import open_postgres

        running: PostgresServer = request.getfixturevalue("postgres")
        database = running.copy_of_an_empty_store()
        made: SqlStore = open_postgres(running.url(database), running.password_file)
    else:
        made = open_sqlite(tmp_path) if request.param == "sqlite" else open_memory()
    yield made
    made.close()
    if request.param == "postgres":
        running.drop(database)


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """The server of this process; without one the tests that need it are skipped and say why."""
    try:
        return server()
    except NoServer as why:
        pytest.skip(f"no PostgreSQL: {why}")
