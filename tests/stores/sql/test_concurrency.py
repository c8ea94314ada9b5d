"""One database, many processes: nobody's row is lost, none comes twice, and a kill takes back nothing."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from liandong.stores.sqlite import FILE
from tests.stores.postgres_server import PostgresServer
from tests.stores.sql.outside import open_at, start

GROUPS = 1_500


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for a store that several processes open."""
    if request.param == "sqlite":
        yield str(tmp_path)
        return
    running: PostgresServer = request.getfixturevalue("postgres")
    database = running.new_database()
    yield f"{running.url(database)}|{running.password_file}"
    running.drop(database)


@pytest.mark.slow
def test_a_reader_sees_every_position_of_two_writers_once_and_in_order(where: str) -> None:
    total = 2 * GROUPS * 2
    reader = start("read", where, total)
    writers = [start("write", where, name, GROUPS) for name in ("a", "b")]
    for writer in writers:
        json.loads(writer.communicate(timeout=300)[0])
        assert writer.returncode == 0
    answer = json.loads(reader.communicate(timeout=300)[0])
    assert reader.returncode == 0
    seen = answer["seen"]

    assert [position for position, *_ in seen] == list(range(1, total + 1))
    sequences: dict[str, list[int]] = {}
    for _, stream, sequence, _ in seen:
        sequences.setdefault(stream, []).append(sequence)
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())
    wanted = Counter(f"{name} {n}" for name in ("a", "b") for n in range(GROUPS) for _ in range(2))
    assert Counter(body for *_, body in seen) == wanted

    store = open_at(where)
    rows = store.entries(0, total + 1)
    assert [[r.position, r.stream, r.sequence, r.body.decode()] for r in rows] == seen
    assert {row.stream: row.sequence for row in store.heads()} == {k: len(v) for k, v in sequences.items()}
    assert [store.meta(f"count {name}") for name in ("a", "b")] == [str(GROUPS)] * 2
    store.close()


@pytest.mark.slow
def test_many_may_open_a_new_folder_at_once(tmp_path: Path) -> None:
    for round_ in range(4):
        _many_open(str(tmp_path / str(round_)))


@pytest.mark.slow
def test_many_may_open_a_new_database_at_once(postgres: PostgresServer) -> None:
    for _ in range(3):
        database = postgres.new_database()
        _many_open(f"{postgres.url(database)}|{postgres.password_file}")
        postgres.drop(database)


def _many_open(where: str) -> None:
    writers = [start("write", where, name, 1) for name in "abcd"]
    assert [writer.communicate(timeout=60) and writer.returncode for writer in writers] == [0] * 4
    store = open_at(where)
    assert store.last_position() == 8
    store.close()


@pytest.mark.slow
def test_a_kill_takes_back_nothing_whose_commit_had_returned(where: str) -> None:
    promised = 0
    for round_ in range(6):
        writer = start("die", where)
        assert writer.stdout is not None
        for _ in range(40 + 25 * round_):
            promised = int(writer.stdout.readline())
        writer.kill()
        promised = max([promised, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        writer.wait()
        writer.stdout.close()
        check_whole(where, promised)


def check_whole(where: str, promised: int) -> None:
    if not where.startswith("postgresql:"):
        connection = sqlite3.connect(Path(where) / FILE)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    store = open_at(where)
    rows = store.entries(0, 1_000_000)
    groups = len(rows) // 3
    assert len(rows) >= promised
    assert [row.position for row in rows] == list(range(1, groups * 3 + 1)), "a transaction is whole or not"
    assert store.meta("groups") == str(groups)
    assert len(store.projection()["orders"]) == groups
    for k in range(3):
        newest = store.entries_of(f"case:{k}")[-1]
        head = store.load([f"case:{k}"])[f"case:{k}"]
        assert (head.sequence, head.hash) == (groups, newest.hash)
    store.close()
