"""A store of an older revision, with cases in it, becomes what a new one would be."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.pool import NullPool

from liandong.app.rebuild import rebuild
from liandong.core.values.times import MINUTE
from liandong.stores._sql import schema
from liandong.stores._sql.lite import lite_engine
from liandong.stores.sqlite import FILE, open_sqlite
from tests.app.machine import cases
from tests.app.running import City

OTHER = "channel:gas-002.ch4_lel"


def older(data: Path, revision: str) -> None:
    """Put the rows of a database into the tables of an older revision, as a program of that time had them."""
    from alembic import command
    from alembic.config import Config

    new, old = data / FILE, data / "old.db"
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    engine = lite_engine(lambda: sqlite3.connect(old, isolation_level=None), NullPool, "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with sqlite3.connect(old) as database:
        database.execute("ATTACH ? AS new", (str(new),))
        for (table,) in database.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table'"
        ).fetchall():
            if table != schema.version_table.name and not table.startswith("sqlite_"):
                columns = ", ".join(
                    f'"{row[1]}"' for row in database.execute(f'PRAGMA table_info("{table}")')
                )
                database.execute(f'DELETE FROM main."{table}"')
                database.execute(f'INSERT INTO main."{table}" SELECT {columns} FROM new."{table}"')
    database.close()
    for suffix in ("", "-wal", "-shm"):
        (data / f"{FILE}{suffix}").unlink(missing_ok=True)
    old.rename(new)


def rows(data: Path, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(data / FILE) as database:
        return sorted(database.execute(f'SELECT * FROM "{table}"').fetchall())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with one case that is over and one that is not."""
    data = tmp_path_factory.mktemp("lived")
    town = City(data)
    first, _ = town.open_case()
    for _ in range(60):
        if not town.step(first.id):
            break
    for _ in range(4):
        town.send(60.0, OTHER)
        town.pass_time(2 * MINUTE)
    assert sorted(case.over for case in cases(town.store)) == [False, True]
    town.stop()
    return data


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_cases_are_in_the_queue_after_an_upgrade(lived: Path, tmp_path: Path, revision: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with sqlite3.connect(lived / FILE) as source, sqlite3.connect(data / FILE) as copy:
        source.backup(copy)
    wanted = {table: rows(data, table) for table in ("queue", "orders", "timers", "participants", "streams")}
    assert len(wanted["queue"]) == 2
    older(data, revision)
    with sqlite3.connect(data / FILE) as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    assert "queue" not in names and ("account" in names) == (revision != "0001")
    store = open_sqlite(data)
    try:
        assert rebuild(store).differences == []
    finally:
        store.close()
    assert {table: rows(data, table) for table in wanted} == wanted
    with sqlite3.connect(data / FILE) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (schema.HEAD,)
