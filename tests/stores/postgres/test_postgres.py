"""What only a server can promise or break: addresses, sessions, sleepers, copies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from liandong.app.ports import Changes
from liandong.conformance.store import changes, entry, order_row, stream_row
from liandong.core.values.errors import BadInput, Broken, Conflict, Unreachable
from liandong.stores._sql import schema
from liandong.stores.postgres import database as database_module
from liandong.stores.postgres import open_postgres
from liandong.stores.postgres.store import PostgresStore
from tests.stores.postgres_server import PostgresServer
from tests.stores.sql.conftest import postgres as postgres  # the same server
from tests.stores.sql.outside import environment


@pytest.fixture
def name(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.copy_of_an_empty_store()
    yield made
    postgres.drop(made)


@pytest.fixture
def store(postgres: PostgresServer, name: str) -> Iterator[PostgresStore]:
    made = open_postgres(postgres.url(name), postgres.password_file)
    yield made
    made.close()


# Addresses


def test_without_the_driver_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from liandong.stores.postgres import open_postgres\n"
        "from liandong.core.values.errors import BadInput\n"
        "try: open_postgres('postgresql://u@h/d')\n"
        "except BadInput as error: print(error.key, error.params['extra'])\n"
        "from liandong.stores.memory import open_memory; open_memory().close()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("store.no_driver liandong[postgres]\n", "")


def test_sqlite_does_not_import_the_driver(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import liandong.wiring.stores\n"
        f"liandong.wiring.stores.store_of(Path({str(tmp_path)!r})).close()\n"
        "assert not [name for name in sys.modules if name.startswith('psycopg')]"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, timeout=60)


@pytest.mark.parametrize("address", ["postgresql://u:secret@h/d", "postgresql://u@h", "postgresql://u@h:x/d"])
def test_a_bad_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        open_postgres(address)
    assert refused.value.key == "store.bad_address" and refused.value.params == {}


def test_a_wrong_password_and_a_dead_port_are_said_without_the_password(
    postgres: PostgresServer, name: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not-the-password")
    for address, file in [(postgres.url(name), wrong), ("postgresql://u@127.0.0.1:1/d", wrong)]:
        with pytest.raises(BadInput) as refused:
            open_postgres(address, file)
        assert refused.value.key == "store.cannot_connect"
        assert "not-the-password" not in repr(refused.value) + repr(refused.value.__cause__)
    with pytest.raises(BadInput) as refused:
        open_postgres(postgres.url(name), tmp_path / "nowhere")
    assert refused.value.key == "store.no_password"


# The schema


def tables_of(postgres: PostgresServer, name: str) -> list[tuple[object, ...]]:
    columns = postgres.run(
        "SELECT table_name, column_name, data_type, is_nullable, collation_name, ordinal_position "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 6", name,
    )  # fmt: skip
    indexes = postgres.run("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'", name)
    return columns + sorted(indexes)


def test_migrating_an_empty_database_gives_what_a_new_one_has(postgres: PostgresServer, name: str) -> None:
    from sqlalchemy import create_engine

    other = postgres.new_database()
    address = postgres.url(other).replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(address, connect_args={"password": postgres.password})
    with engine.begin() as connection:
        schema.upgrade(connection, None)
        assert schema.stored_revision(connection) == schema.HEAD
    engine.dispose()
    assert tables_of(postgres, other) == tables_of(postgres, name)
    postgres.drop(other)


def test_texts_are_sorted_by_code_point_and_bodies_are_bytes(postgres: PostgresServer, name: str) -> None:
    kinds = postgres.run(
        "SELECT DISTINCT data_type, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'alembic_version'", name,
    )  # fmt: skip
    assert sorted(kinds, key=str) == [("bigint", None), ("bytea", None), ("text", "C")]


def test_a_database_from_the_future_is_refused(postgres: PostgresServer, name: str) -> None:
    postgres.run("UPDATE alembic_version SET version_num = '9999'", name)
    with pytest.raises(Broken) as refused:
        open_postgres(postgres.url(name), postgres.password_file)
    assert refused.value.params == {"found": "9999", "known": schema.HEAD}


# Sessions


def test_sessions_are_set_up_as_promised(store: PostgresStore) -> None:
    asked = ("synchronous_commit", "idle_in_transaction_session_timeout", "lock_timeout")
    with store._database.writing() as connection:
        found = [connection.exec_driver_sql(f"SHOW {one}").scalar() for one in asked]
    assert found == ["on", "5s", "30s"]
    with store._database.reading() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.exec_driver_sql("DELETE FROM journal")


def test_a_reader_sees_one_moment(store: PostgresStore) -> None:
    with store._database.reading() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM journal").scalar()
        store.commit(changes(entry("case:a", 1)))
        assert connection.exec_driver_sql("SELECT count(*) FROM journal").scalar() == before == 0


def test_data_version_notices_others_and_not_oneself(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    other = open_postgres(postgres.url(name), postgres.password_file)
    store.commit(Changes(meta={"k": "0"}))
    before = store.data_version()
    store.commit(Changes(meta={"k": "1"}))
    store.stage(Changes(meta={"k": "2"}))()
    assert store.data_version() == before
    other.commit(Changes(meta={"k": "3"}))
    after = store.data_version()
    assert after != before and store.data_version() == after
    store.commit(Changes(meta={"k": "4"}))
    assert store.data_version() == after
    other.commit(Changes(meta={"k": "5"}))
    store.commit(Changes(meta={"k": "6"}))  # what came between is noticed by the next commit as well
    assert store.data_version() != after
    other.close()


def test_a_number_that_was_not_used_hides_nobody(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    """A failed commit takes no number; another's commit gets that very number and must be noticed."""
    other = open_postgres(postgres.url(name), postgres.password_file)
    store.commit(changes(entry("case:a", 1)))
    before = store.data_version()
    with pytest.raises(Conflict):
        store.commit(changes(entry("case:a", 1)))
    other.commit(Changes(meta={"k": "1"}))
    assert store.data_version() != before
    before = store.data_version()
    with store.turn():
        pass
    other.commit(Changes(meta={"k": "2"}))
    assert store.data_version() != before
    other.close()


def test_a_session_that_was_cut_says_so_and_the_next_works(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    store.commit(changes(entry("case:a", 1)))
    assert store.last_position() == 1
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    postgres.run(cut)
    with pytest.raises(Unreachable) as refused:
        store.commit(changes(entry("case:a", 2)))
    assert refused.value.key == "store.unreachable"
    for _ in range(3):  # every session of the pool was cut, and each is noticed at most once
        try:
            store.last_position()
            break
        except Unreachable:
            pass
    assert store.commit(changes(entry("case:a", 2))) == 2
    postgres.run(cut)
    with pytest.raises(Unreachable):
        store.load(["case:a"])
    assert store.load(["case:a"]) == {}


def test_a_nul_in_a_text_is_refused_as_bad_input(store: PostgresStore) -> None:
    for ask in (lambda: store.load(["case:\x00"]), lambda: store.account("\x00")):
        with pytest.raises(BadInput) as refused:
            ask()
        assert refused.value.key == "store.nul_text"


def test_nobody_else_commits_in_ones_turn(store: PostgresStore, postgres: PostgresServer, name: str) -> None:
    other = open_postgres(postgres.url(name), postgres.password_file)
    done = threading.Event()

    def commit() -> None:
        other.commit(changes(entry("case:a", 1)))
        done.set()

    with store.turn():
        thread = threading.Thread(target=commit)
        thread.start()
        assert not done.wait(0.5)
        store.commit(changes(entry("case:b", 1)))
        assert done.wait(5)
    thread.join()
    assert [row.stream for row in store.entries(0, 9)] == ["case:b", "case:a"]
    other.close()


SLEEPER = """
import os, signal, sys
from pathlib import Path
from liandong.conformance.store import changes, entry
from liandong.stores.postgres import open_postgres
store = open_postgres(sys.argv[1], Path(sys.argv[2]))
finish = store.stage(changes(entry("case:a", 1, body=b"asleep")))
print("staged", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
try:
    finish()
    print("committed", flush=True)
except Exception as error:
    print(type(error).__name__, flush=True)
"""


@pytest.mark.slow
def test_who_sleeps_in_a_transaction_holds_up_the_others_only_for_a_while_and_writes_nothing(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    command = [sys.executable, "-c", SLEEPER, postgres.url(name), str(postgres.password_file)]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "staged\n"
    began = time.monotonic()
    assert store.commit(changes(entry("case:a", 1))) == 1
    assert time.monotonic() - began < database_module.IDLE_S + 5
    os.kill(process.pid, signal.SIGCONT)
    assert process.stdout.read() == "Unreachable\n"
    process.wait(10)
    process.stdout.close()
    assert [row.body for row in store.entries(0, 9)] != [b"asleep"] and store.last_position() == 1


# Copies


def test_a_copy_by_pg_dump_can_be_put_back(
    store: PostgresStore, postgres: PostgresServer, tmp_path: Path
) -> None:
    store.commit(changes(entry("case:a", 1), stream_row("case:a"), order_row("o"), meta={"k": "v"}))
    store.backup(str(tmp_path / "copy.pgdump"))
    assert [path.name for path in tmp_path.iterdir()] == ["copy.pgdump"]
    other = postgres.new_database()
    secret = tmp_path / "pgpass"
    secret.write_text(f"*:*:*:*:{postgres.password}\n")
    secret.chmod(0o600)
    subprocess.run(
        ["pg_restore", f"--dbname={postgres.url(other)}", str(tmp_path / "copy.pgdump")],
        env=os.environ | {"PGPASSFILE": str(secret)}, check=True,
    )  # fmt: skip
    copy = open_postgres(postgres.url(other), postgres.password_file)
    assert copy.entries(0, 9) == store.entries(0, 9)
    assert (copy.projection(), copy.meta("k")) == (store.projection(), "v")
    assert copy.commit(changes(entry("case:a", 2))) == 2
    copy.close()
    postgres.drop(other)


def test_without_pg_dump_it_says_what_to_use(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput) as refused:
        store.backup(str(tmp_path / "copy"))
    assert refused.value.key == "backup.no_pg_dump"
