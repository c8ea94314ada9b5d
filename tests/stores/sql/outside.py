"""Processes of their own around one database: `python -m tests.stores.sql.outside write|read|die WHERE …`,
where WHERE is a folder, or an address of PostgreSQL and a password file with a bar between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from liandong.stores._sql.store import SqlStore
from liandong.stores.sqlite import open_sqlite

REPO = Path(__file__).parents[3]
SRC = REPO / "src"


def environment() -> dict[str, str]:
    """The environment of a process that finds both the package and the tests."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC), str(REPO)])}


def start(*words: str | int | Path) -> subprocess.Popen[str]:
    """This file as a process, with its output to read from."""
    command = [sys.executable, "-m", "tests.stores.sql.outside", *map(str, words)]
    return subprocess.Popen(command, env=environment(), cwd=REPO, stdout=subprocess.PIPE, text=True)


def open_at(where: str | Path) -> SqlStore:
    """The store at a place."""
    if isinstance(where, str) and where.startswith("postgresql:"):
        from liandong.stores.postgres import open_postgres

        address, _, secret = where.partition("|")
        return open_postgres(address, Path(secret))
    return open_sqlite(Path(where))


def write(where: str, name: str, count: int) -> None:
    """Append `count` groups of one entry to a stream of one's own and one to a stream of all."""
    from liandong.conformance.store import changes, entry, stream_row
    from liandong.core.values.errors import Conflict

    store = open_at(where)
    lost = 0
    for n in range(count):
        own, shared = f"own:{name}", f"shared:{n % 3}"
        while True:
            heads = {key: row.sequence for key, row in store.load([own, shared]).items()}
            rows = [entry(key, heads.get(key, 0) + 1, body=f"{name} {n}".encode()) for key in (own, shared)]
            states = [stream_row(row.stream, row.sequence, hash=row.hash) for row in rows]
            try:
                store.commit(changes(*rows, *states, meta={f"count {name}": str(n + 1)}))
                break
            except Conflict:
                lost += 1
    store.close()
    print(json.dumps({"lost": lost}), flush=True)


def read(where: str, until: int) -> None:
    """Follow the journal by position up to `until`, as outbox and live events do."""
    store = open_at(where)
    seen: list[tuple[int, str, int, str]] = []
    polls = 0
    while len(seen) < until:
        polls += 1
        after = seen[-1][0] if seen else 0
        for row in store.entries(after, 100):
            seen.append((row.position, row.stream, row.sequence, row.body.decode()))
    store.close()
    print(json.dumps({"polls": polls, "seen": seen}), flush=True)


def die(where: str) -> None:
    """Commit groups of three entries for ever, printing each position once its commit has returned."""
    from liandong.conformance.store import changes, entry, order_row, stream_row
    from liandong.stores import sqlite

    # Checkpoints all the time, so that the kill also meets those.
    sqlite.CHECKPOINT_PAGES = 20
    store = open_at(where)
    while True:
        n = store.last_position() // 3
        rows = [entry(f"case:{k}", n + 1, body=os.urandom(3_000)) for k in range(3)]
        states = [stream_row(row.stream, row.sequence, hash=row.hash) for row in rows]
        kept: dict[str, Any] = {"meta": {"groups": str(n + 1)}}
        position = store.commit(changes(*rows, *states, order_row(f"o{n}"), **kept))
        print(position, flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", where, name, count]:
            write(where, name, int(count))
        case ["read", where, until]:
            read(where, int(until))
        case ["die", where]:
            die(where)
