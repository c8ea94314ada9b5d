"""Two processes' worth of writers over one database: shares, hand-overs, burials, and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from liandong.app.accounting import Accounting
from liandong.app.coordinators import Coordinator
from liandong.app.handle import Answer, Handler
from liandong.app.partitions import PARTITIONS, partition_of
from liandong.app.policies import current_policy
from liandong.app.ports import Changes
from liandong.app.rebuild import rebuild
from liandong.app.said import pack, unpack
from liandong.app.writer import Admit, Tick, Writer
from liandong.core.values.case import CaseState
from liandong.core.values.errors import Broken, Conflict, Fatal
from liandong.core.values.ids import case_id
from liandong.core.values.journal import EntryKind, read_entry
from liandong.core.values.lists import Action, Mode
from liandong.core.values.times import HOUR, SECOND
from liandong.stores.postgres import open_postgres
from liandong.stores.postgres.store import PostgresStore
from tests.app.machine import CHANNELS, START, act, cases, committed, finding, live_orders, next_act
from tests.stores.postgres_server import PostgresServer
from tests.stores.sql.conftest import postgres as postgres  # the same server

LEASE_S = 10.0


class Process:
    """Writer and coordinator as one process has them; the test turns the crank."""

    def __init__(self, store: PostgresStore, name: str, clock: Callable[[], float]) -> None:
        self.store = store
        policy = current_policy(store, Mode.REAL)
        assert policy is not None
        self.writer = Writer(store, Handler(store, policy), Accounting())
        self.writer.now = START
        self.share = Coordinator(store, store.leases, self.writer, name, lease_s=LEASE_S, clock=clock)
        self.writer.share = self.share
        self.share.open()
        self.writer.start()

    def admit(self, message: Any, origin: str = "person:x") -> Future[Any]:
        return self.writer.submit(Admit(message, origin))

    def owned(self) -> set[str]:
        assert self.store.stake is not None
        return set(self.store.stake.owned)

    def stop(self) -> None:
        self.writer.stop()
        self.store.close()


class Pair:
    """Two of them, and a clock that moves by hand."""

    def __init__(self, postgres: PostgresServer) -> None:
        self.postgres, self.database = postgres, postgres.copy_of_an_empty_store()
        self.now = 0.0
        first = self.store()
        committed(first)
        self.a = Process(first, "a", lambda: self.now)
        self.b = Process(self.store(), "b", lambda: self.now)
        self.pass_time(LEASE_S / 2)

    def store(self) -> PostgresStore:
        return open_postgres(self.postgres.url(self.database), self.postgres.password_file)

    def pass_time(self, seconds: float, *turning: Process) -> None:
        for _ in range(6):
            self.now += seconds / 6
            for process in turning or (self.a, self.b):
                process.share.turn()

    def until(self, future: Future[Any]) -> Any:
        """What an act came to, once both have turned for it."""
        deadline = time.monotonic() + 20
        while not future.done() and time.monotonic() < deadline:
            for process in (self.a, self.b):
                process.share.turn()
            time.sleep(0.01)
        return future.exception() or future.result(0)

    def of(self, process: Process) -> list[CaseState]:
        """Cases of one of them."""
        return [case for case in cases(process.store) if partition_of(case.id) in process.owned()]


@pytest.fixture
def pair(postgres: PostgresServer) -> Iterator[Pair]:
    made = Pair(postgres)
    for channel in CHANNELS:
        made.a.admit(finding(channel, START), "source:gas").result(10)
    yield made
    made.a.stop()
    made.b.stop()
    postgres.drop(made.database)


def test_a_case_has_one_partition_and_ids_of_other_forms_have_one_too() -> None:
    found = {partition_of(case_id("c", Mode.REAL, f"g{n}", 1)) for n in range(2_000)}
    assert found == set(PARTITIONS)
    assert {partition_of(id) for id in ("", "x", "case_", "case_!")} == {PARTITIONS[0]}


def test_answers_and_errors_come_back_as_they_were() -> None:
    answer = Answer(status="refused", key="act.stale", params={"n": 1.5, "who": "位"}, case="c", version=3)
    assert unpack(pack(answer)) == answer
    error = unpack(pack(Conflict("act.idempotency_conflict", act="a")))
    assert isinstance(error, Conflict) and error.params == {"act": "a"}
    assert isinstance(unpack(pack(OSError("x"))), Broken)


def test_two_share_evenly_and_who_leaves_gives_all_back(pair: Pair) -> None:
    assert (len(pair.a.owned()), len(pair.b.owned())) == (16, 16)
    assert pair.a.owned() | pair.b.owned() == set(PARTITIONS)
    assert [pair.a.share.leads(), pair.b.share.leads()].count(True) == 1
    pair.b.share.stop()
    pair.pass_time(LEASE_S / 2, pair.a)
    assert pair.a.owned() == set(PARTITIONS)


def test_an_act_on_the_others_case_is_answered_by_its_owner(pair: Pair) -> None:
    for here, there in ((pair.a, pair.b), (pair.b, pair.a)):
        for case in pair.of(there):
            made = next_act(case, live_orders(case)[0], "k")
            assert made is not None
            asked = here.admit(made, made.person)
            answer = pair.until(asked)
            assert (answer.status, answer.case, answer.repeated) == ("done", case.id, False)
            again = pair.until(pair.b.admit(made, made.person))
            assert (answer.version, again.status) == (again.version, "done")
    admitted = [r for r in pair.a.store.entries(0, 10_000, [EntryKind.ADMISSION]) if b'"Act"' in r.body]
    assert len(admitted) == len(cases(pair.a.store))
    assert rebuild(pair.a.store).differences == []


def test_a_conflict_of_the_owner_reaches_the_asker(pair: Pair) -> None:
    case = next(iter([*pair.of(pair.b)] or [*pair.of(pair.a)]))
    owner, other = (pair.b, pair.a) if partition_of(case.id) in pair.b.owned() else (pair.a, pair.b)
    made = next_act(case, live_orders(case)[0], "k")
    assert made is not None
    assert owner.admit(made, made.person).result(10).status == "done"
    order = live_orders(case)[0]
    second = act(case, Action.JUDGE, order.person, order.post, "k", verdict="false")
    import msgspec

    second = msgspec.structs.replace(second, body_digest="another")
    error = pair.until(other.admit(second, second.person))
    assert isinstance(error, Conflict) and error.key == "act.idempotency_conflict"


def test_timers_are_fired_by_the_owner_alone_and_by_the_next_one_after_its_end(pair: Pair) -> None:
    due = len(pair.postgres.run(f"SELECT id FROM timers WHERE due <= {START + HOUR}", pair.database))
    fired = pair.a.writer.submit(Tick(START + HOUR)).result(20)
    assert fired > 0 and len(pair.a.store.due_timers(START + HOUR, 999)) == 0
    if pair.of(pair.b):
        assert fired < due
        assert len(pair.b.store.due_timers(START + HOUR, 999)) > 0
    pair.pass_time(LEASE_S * 2, pair.a)  # b does not move any more
    assert pair.a.owned() == set(PARTITIONS)
    pair.a.writer.submit(Tick(START + HOUR + SECOND)).result(20)
    assert pair.a.store.due_timers(START + HOUR, 999) == []
    spent = [r for r in pair.a.store.entries(0, 10_000, [EntryKind.ADMISSION]) if b"TimerFired" in r.body]
    assert len({bytes(read_entry(r.body).message.data) for r in spent}) == len(spent)


def test_who_was_buried_writes_nothing_until_it_has_learnt_it(pair: Pair) -> None:
    pair.pass_time(LEASE_S * 2, pair.a)
    assert len(pair.b.owned()) == 16, "it does not know yet"
    with pytest.raises(Conflict) as refused:
        pair.b.store.commit(Changes(meta={"k": "asleep"}))
    assert refused.value.key == "lease.lost" and pair.b.store.meta("k") is None
    case = cases(pair.a.store)[0]
    made = next_act(case, live_orders(case)[0], "k")
    assert made is not None
    # It wakes with the act in its hands: refused, it learns that the case is another's, and hands it over.
    answer = pair.until(pair.b.admit(made, made.person))
    assert answer.status == "done"
    pair.pass_time(LEASE_S / 2)
    assert (len(pair.a.owned()), len(pair.b.owned())) == (16, 16)


def test_what_is_due_with_cases_that_came_goes_before_what_people_do(pair: Pair) -> None:
    """b fired nothing for an hour and is gone; a has ticked. An act on b's case must not overtake."""
    for one in (pair.a, pair.b):
        one.writer.submit(Tick(START + SECOND)).result(20)
    lagging, other = (pair.b, pair.a) if pair.of(pair.b) else (pair.a, pair.b)
    case = pair.of(lagging)[0]
    other.writer.submit(Tick(START + HOUR, persist=True)).result(20)
    assert lagging.store.due_timers(START + HOUR, 999) != []
    pair.pass_time(LEASE_S * 2, other)
    assert other.owned() == set(PARTITIONS)
    order = live_orders(case)[0]
    late = act(case, Action.JUDGE, order.person, order.post, "late", verdict="real")
    answer = other.admit(late, late.person).result(20)
    assert answer.status == "refused" and answer.key == "act.stale"  # the escalations came first
    kinds = [e.type for r in other.store.entries_of(f"case:{case.id}") for e in read_entry(r.body).events]
    assert "Escalated" in kinds and "StepDone" not in kinds


def test_time_does_not_go_back_from_one_to_the_other(pair: Pair) -> None:
    pair.a.writer.submit(Tick(START + HOUR, persist=True)).result(20)
    for case in cases(pair.b.store):
        made = next_act(case, live_orders(case)[0], "k")
        assert made is not None
        pair.until(pair.b.admit(made, made.person))
    times = [row.now for row in pair.b.store.entries(0, 10_000) if row.admission]
    assert times == sorted(times)


def test_two_of_one_name_do_not_live_side_by_side(pair: Pair) -> None:
    third = Process(pair.store(), "b", lambda: pair.now)
    with pytest.raises(Fatal) as refused:
        pair.now += LEASE_S
        pair.b.share.turn()
    assert refused.value.key == "coordinator.replaced"
    third.stop()


def test_a_policy_that_another_has_changed_ends_the_process(pair: Pair) -> None:
    fatal: list[BaseException] = []
    pair.b.writer._on_fatal = fatal.append
    pair.b.writer.submit(Tick(START + SECOND)).result(10)
    case = cases(pair.b.store)[0]
    made = next_act(case, live_orders(case)[0], "k")
    assert made is not None
    pair.until(pair.b.admit(made, made.person))
    committed(pair.store())
    future = pair.b.admit(finding(CHANNELS[0], START + HOUR), "source:gas")
    assert isinstance(future.exception(10), Fatal)
    assert isinstance(fatal[0], Fatal) and fatal[0].key == "policy.changed_elsewhere"


def test_sessions_that_were_cut_cost_nobody_a_message(pair: Pair) -> None:
    case = cases(pair.a.store)[0]
    made = next_act(case, live_orders(case)[0], "k")
    assert made is not None
    owner = pair.a if partition_of(case.id) in pair.a.owned() else pair.b
    pair.postgres.run(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{pair.database}'"
    )
    assert owner.admit(made, made.person).result(30).status == "done"
    assert pair.postgres.run("SELECT count(*) FROM dead_letter", pair.database) == [(0,)]
    assert pair.postgres.run("SELECT count(*) FROM acts", pair.database) == [(1,)]
