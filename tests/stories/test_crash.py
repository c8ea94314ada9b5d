"""Coordinators killed with -9 again and again: the journal proves that nothing was lost or done twice."""

from __future__ import annotations

from typing import Any

import pytest

from liandong.app.ports import Changes
from liandong.bench import crash
from liandong.bench.crash_proof import prove
from liandong.core.values.times import HOUR
from liandong.stores.memory import open_memory
from liandong.stores.postgres import open_postgres
from tests.app.machine import START, finding, make_writer, write
from tests.stores.postgres_server import PostgresServer
from tests.stores.sql.conftest import postgres as postgres  # the server of this process

CASES, SECONDS = 60, 15.0


def proven(report: dict[str, Any]) -> None:
    assert report["proven"], report
    assert report["kills"] + report["pauses_beyond_the_lease"] >= 3, report
    assert report["timers_spent"] > CASES and report["escalations"] > CASES
    assert report["acts_acknowledged"] > CASES // 2 and report["cases"] == CASES


@pytest.mark.slow
def test_on_sqlite_one_process_killed_again_and_again() -> None:
    proven(crash.run(CASES, "sqlite", 1, SECONDS))


@pytest.mark.slow
def test_on_postgresql_two_coordinators_killed_and_put_to_sleep(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.copy_of_an_empty_store()
    monkeypatch.setenv("LIANDONG_STORE_PASSWORD_FILE", str(postgres.password_file))
    report = crash.run(CASES, postgres.url(database), 2, SECONDS)
    proven(report)
    assert report["coordinators"] == 2
    store = open_postgres(postgres.url(database), postgres.password_file)
    assert [row.beat < 0 for row in store.leases.coordinators()] == [True, True], "both have left"
    store.close()
    postgres.drop(database)


def test_the_proof_sees_what_is_missing_and_what_is_there_twice() -> None:
    store = open_memory()
    writer = make_writer(store)
    write(writer, *(_admit(channel) for channel in ("channel:gas-001.ch4_lel", "channel:gas-002.ch4_lel")))
    calm = prove(store, {}, START)
    assert calm["proven"] and calm["still_to_come"] > 0 and calm["timers_spent"] == 0
    missed = prove(store, {"act_lost": "done"}, START + 2 * HOUR)
    assert not missed["proven"]
    assert set(missed["wrong"]) == {
        "a timer was due and never fired", "an acknowledged act is not in the journal exactly once",
    }  # fmt: skip
    timer = store.due_timers(START + 9 * HOUR, 1)[0]
    store.commit(Changes(timers_gone={timer.id}))
    assert not prove(store, {}, START)["proven"], "rebuilding must differ"


def _admit(channel: str) -> Any:
    from liandong.app.writer import Admit

    return Admit(finding(channel, START), "source:gas")
