"""What only a file can promise: it survives closing, is refused from the future, and fails cleanly."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from liandong.app.ports import Changes, StreamRow, TimerRow
from liandong.conformance.questions import EVERYTHING
from liandong.conformance.store import changes, entry, order_row, outbox_row, stream_row
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Broken
from liandong.stores._sql import schema
from liandong.stores._sql.lite import LiteStore, lite_engine
from liandong.stores._sql.shapes import STREAM
from liandong.stores._sql.store import SqlStore
from liandong.stores.sqlite import FILE, SqliteStore, open_sqlite
from tests.stores.sql.outside import SRC, environment

#: More than fits where the tests make the disk small.
HEAVY = b"x" * 200_000


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = open_sqlite(tmp_path)
    yield made
    made.close()


def contents(store: LiteStore) -> list[object]:
    return [store.entries(0, 10_000), list(store.states("case")), store.projection(), store.meta("k")]


def test_everything_is_there_after_closing(tmp_path: Path) -> None:
    first = open_sqlite(tmp_path)
    first.commit(changes(entry("case:a", 1), stream_row("case:a"), order_row("o"), meta={"k": "v"}))
    before = contents(first)
    first.close()
    again = open_sqlite(tmp_path)
    assert contents(again) == before
    assert again.commit(changes(entry("case:a", 2))) == 2
    again.close()


def test_the_file_is_set_up_as_promised(file_store: SqliteStore) -> None:
    with file_store._database.writing() as connection:
        asked = ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1, 10_000]


def test_a_reading_connection_cannot_write(file_store: SqliteStore) -> None:
    with file_store._database.reading() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM journal")


def test_data_version_notices_others_and_not_oneself(tmp_path: Path) -> None:
    one, other = open_sqlite(tmp_path), open_sqlite(tmp_path)
    before = one.data_version()
    one.commit(Changes(meta={"k": "1"}))
    assert one.data_version() == before
    other.commit(Changes(meta={"k": "2"}))
    assert one.data_version() != before
    one.close()
    other.close()


def test_questions_are_answered_in_many_threads_while_one_writes(file_store: SqliteStore) -> None:
    def ask(_: int) -> tuple[int, int]:
        found = file_store.questions.cases(EVERYTHING, limit=500)[0]
        return len(found), len(file_store.load([row.stream for row in found]))

    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(ask, range(200))
        for n in range(100):
            file_store.commit(
                changes(entry(f"case:{n}", 1), stream_row(f"case:{n}"), TimerRow(id=str(n), case="c", due=n))
            )
        assert all(seen == loaded for seen, loaded in answers)


# The schema


def tables_of(store_path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(store_path)
    try:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    finally:
        connection.close()


def test_migrating_an_empty_database_gives_what_a_new_one_has(tmp_path: Path) -> None:
    open_sqlite(tmp_path).close()
    from sqlalchemy.pool import NullPool

    migrated = tmp_path / "migrated.db"
    engine = lite_engine(lambda: sqlite3.connect(migrated, isolation_level=None), NullPool, "BEGIN IMMEDIATE")
    with engine.begin() as connection:
        schema.upgrade(connection, None)
    with engine.connect() as connection:
        assert schema.stored_revision(connection) == schema.HEAD
    assert tables_of(migrated) == tables_of(tmp_path / FILE)


def test_head_is_the_newest_migration_and_alembic_sees_no_difference(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == schema.HEAD
    store = open_sqlite(tmp_path)
    with store._database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    store.close()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "9999"),
        ("DELETE FROM alembic_version", ""),
        ("DROP TABLE alembic_version", ""),
    ],
)
def test_a_database_of_somebody_else_or_the_future_is_refused(
    tmp_path: Path, statement: str, found: str
) -> None:
    open_sqlite(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(statement)
    before = tables_of(tmp_path / FILE)
    with pytest.raises(Broken) as refusal:
        open_sqlite(tmp_path)
    assert refusal.value.key == "store.newer_schema"
    assert refusal.value.params == {"found": found, "known": schema.HEAD}
    assert tables_of(tmp_path / FILE) == before


def test_opening_does_not_import_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from liandong.stores.sqlite import open_sqlite\n"
        f"for _ in range(2): open_sqlite(Path({str(tmp_path)!r})).close()\n"
        "assert not [name for name in sys.modules if name.startswith('alembic')]"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, timeout=60)


def test_a_shape_that_is_not_its_table_is_refused() -> None:
    with pytest.raises(TypeError, match="streams"):
        type(STREAM)(TimerRow, STREAM.table)


# Copies


def test_a_copy_is_whole_and_one_file(file_store: SqliteStore, tmp_path: Path) -> None:
    file_store.commit(changes(entry("case:a", 1), stream_row("case:a"), order_row("o"), meta={"k": "v"}))
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / (FILE + ".aside")).write_bytes(b"left by a crash")
    file_store.backup(str(folder / FILE))
    before = contents(file_store)
    file_store.commit(changes(entry("case:a", 2)))
    assert [path.name for path in folder.iterdir()] == [FILE]
    copy = open_sqlite(folder)
    assert contents(copy) == before
    copy.close()
    file_store.backup(str(folder / FILE))
    copy = open_sqlite(folder)
    assert contents(copy) == contents(file_store)
    copy.close()


# Failures


def test_any_other_refusal_comes_out_and_leaves_nothing(store: SqlStore) -> None:
    store.commit(changes(outbox=[outbox_row("d")]))
    with pytest.raises(IntegrityError):
        store.commit(changes(entry("case:a", 1), outbox=[outbox_row("d")]))
    with pytest.raises(IntegrityError):
        store.commit(changes(entry("case:a", 1), entry("case:a", 1)))
    with pytest.raises((OverflowError, DataError)):
        store.commit(changes(entry("case:a", 1), stream_row("case:a", 2**70)))
    with pytest.raises(KeyError):
        store.commit(changes(entry("case:a", 1), replayed=[("nothing", "x", 1)]))
    assert store.last_position() == 0
    assert store.commit(changes(entry("case:a", 1))) == 1


def test_a_full_disk_leaves_nothing_and_the_store_goes_on(file_store: SqliteStore) -> None:
    file_store.commit(changes(entry("case:a", 1), stream_row("case:a")))
    before = contents(file_store)
    with file_store._database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 3}")
    with pytest.raises(DBAPIError, match="full"):
        file_store.commit(changes(entry("case:b", 1), entry("case:a", 2, body=HEAVY), order_row("o")))
    assert contents(file_store) == before
    with file_store._database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    assert file_store.commit(changes(entry("case:a", 2, body=HEAVY))) == 2


UNDER_A_SMALL_LIMIT = f"""
import resource, sys
from pathlib import Path
sys.path[:0] = [{str(SRC)!r}]
from sqlalchemy.exc import DBAPIError
from liandong.conformance.store import changes, entry, order_row
from liandong.stores.sqlite import open_sqlite
store = open_sqlite(Path(sys.argv[1]))
store.commit(changes(entry("case:a", 1)))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
failed = 0
for _ in range(3):
    try:
        store.commit(changes(entry("case:a", 2, body=b"x" * 2_000_000), order_row("o")))
    except DBAPIError as error:
        failed += 1
assert failed == 3 and store.last_position() == 1 and not store.projection()["orders"], failed
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert store.commit(changes(entry("case:a", 2))) == 2
store.close()
"""


def test_a_failing_disk_leaves_nothing_and_the_store_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UNDER_A_SMALL_LIMIT, str(tmp_path)]
    subprocess.run(command, env=environment(), check=True, timeout=60)
    store = open_sqlite(tmp_path)
    assert [row.sequence for row in store.entries_of("case:a")] == [1, 2]
    store.close()


def test_a_body_edited_by_hand_comes_back_as_text_and_is_still_read(tmp_path: Path) -> None:
    """SQL's replace() turns a blob into text; what was edited must be found, not crash who looks."""
    store = open_sqlite(tmp_path)
    body = canonical_bytes({"version": 1, "grouping": "g"})
    row = StreamRow(stream="alarm:g", kind="alarm", sequence=1, hash="h", version=1, body=body)
    store.commit(Changes(streams={"alarm:g": row}))
    store.close()
    edit = "UPDATE streams SET body = replace(CAST(body AS TEXT), '1', '2')"
    _sql(tmp_path, edit)
    store = open_sqlite(tmp_path)
    assert store.load(["alarm:g"])["alarm:g"].body == body.replace(b"1", b"2")
    store.close()
    _sql(tmp_path, "UPDATE streams SET sequence = 'many'")
    store = open_sqlite(tmp_path)
    with pytest.raises(Broken) as refused:
        store.load(["alarm:g"])
    assert refused.value.key == "store.unreadable_row" and refused.value.params["key"] == "alarm:g"
    store.close()


def _sql(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "liandong.db")
    connection.execute(statement)
    connection.commit()
    connection.close()
