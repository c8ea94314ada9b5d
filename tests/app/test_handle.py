"""Admitting again gives the same journal, however the groups are cut; acts are done once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.app.handle import Handler
from liandong.app.ports import Changes, Store
from liandong.app.rebuild import rebuild
from liandong.app.writer import Admit, Books, Detected, Tick, Writer
from liandong.core.values.errors import Conflict
from liandong.core.values.journal import EntryKind
from liandong.core.values.lists import Action, Outcome
from liandong.core.values.messages import PolicyCommitted
from liandong.core.values.times import MINUTE
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from tests.app.machine import (
    CHANNELS,
    START,
    act,
    admitted,
    cases,
    committed,
    entries,
    finding,
    later,
    live_orders,
    make_writer,
    next_act,
    outbox,
    report,
    states,
    write,
)

WORDS = ("revised", "ended", "settled_end", "settled", "retracted", "reopened")
OPS = st.one_of(
    st.tuples(st.just("raise"), st.integers(0, len(CHANNELS) - 1), st.booleans()),
    st.tuples(st.just("word"), st.integers(0, 20), st.sampled_from(WORDS)),
    st.tuples(st.just("step"), st.integers(0, 50), st.booleans()),
    st.tuples(st.just("step"), st.integers(0, 50), st.booleans()),
    st.tuples(st.just("odd"), st.integers(0, 50), st.sampled_from(list(Action))),
    st.tuples(st.just("tick"), st.sampled_from([1, 7, 40, 300]), st.booleans()),
    st.tuples(st.just("deliver"), st.integers(0, 50), st.sampled_from(list(Outcome))),
)


@dataclass
class World:
    """Turns drawn operations into messages that fit what the store now holds."""

    writer: Writer
    now: int = START
    keys: int = 0
    raised: list[Any] = field(default_factory=list)
    acts: list[Any] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.writer.store

    def do(self, name: str, number: int, extra: Any) -> None:
        if name == "raise":
            self.raised.append(finding(CHANNELS[number], self.now + len(self.raised), high=extra))
            self.waiting.append(Admit(self.raised[-1], "source:x"))
        elif name == "word" and self.raised:
            known = self.raised[number % len(self.raised)]
            self.waiting.append(Admit(later(known, extra, self.now + 1), "source:x"))
        elif name in ("step", "odd"):
            self._act(name, number, extra)
        elif name == "tick":
            self.flush()
            self.now += number * MINUTE
            write(self.writer, Tick(self.now, deadlines=extra))
        elif name == "deliver":
            self._deliver(number, extra)

    def _act(self, name: str, number: int, extra: Any) -> None:
        found = [(case, order) for case in cases(self.store) for order in live_orders(case)]
        if not found:
            return
        case, order = found[number % len(found)]
        self.keys += 1
        key = f"k{self.keys}"
        made = next_act(case, order, key)
        if name == "odd" or made is None:
            # Perhaps another's duty, an old version, a field too few, a reason that does not exist.
            reason = ("road_closure", "nonsense")[number % 2]
            to = (order.deputy, "unit:fire", "")[number % 3]
            made = act(
                case, extra if name == "odd" else Action.NOTE, order.person, order.post, key,
                version=case.version - number % 2, reason=reason, to=to,
                verdict=("", "false", "look")[number % 3],
                passed=(None, False, True)[number % 3],
            )  # fmt: skip
        if extra is True and self.acts:
            made = self.acts[number % len(self.acts)]  # the client did not hear the answer
        self.acts.append(made)
        self.waiting.append(Admit(made, made.person))

    def _deliver(self, number: int, outcome: Outcome) -> None:
        self.flush()
        rows = self.store.outbox_due(self.now, 100)
        if rows:
            row = rows[number % len(rows)]
            begun, end = report(row, row.attempts + 1, outcome, self.now)
            write(self.writer, Books(lambda changes: changes.attempts.extend(begun.attempts)))
            self.waiting.append(end)

    def flush(self) -> None:
        if self.waiting:
            write(self.writer, *self.waiting)
            self.waiting = []


def feed(source: Store, size: int) -> Store:
    """What `source` admitted into a new store, in groups of so many."""
    into = open_memory()
    handler = committed(into)
    handler.begin()
    for count, (message, origin, now) in enumerate(admitted(source)[1:], start=1):
        handler.admit(message, origin, now)
        if count % size == 0:
            into.commit(handler.take())
            handler.begin()
    into.commit(handler.take())
    return into


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(ops=st.lists(st.tuples(OPS, st.booleans()), min_size=5, max_size=45))
def test_replay_gives_every_entry_byte_for_byte(ops: list[tuple[tuple[str, int, Any], bool]]) -> None:
    world = World(make_writer(open_memory()))
    for number, ((name, which, extra), cut) in enumerate(ops):
        world.do(name, which, extra)
        if cut:
            world.flush()
            if number % 5 == 0:
                assert rebuild(world.store).differences == []
    world.flush()
    store = world.store
    assert rebuild(store).differences == []
    assert world.writer.accounting.check() == []

    ordinals = [row.admission for row in store.entries(0, 100_000, (EntryKind.ADMISSION,))]
    assert ordinals == list(range(1, len(ordinals) + 1))

    again = open_memory()
    result = replay(store, again)
    assert result.differences == [] and result.admitted == len(admitted(store))
    assert entries(again) == entries(store)
    assert states(again) == states(store)
    again.close()

    for size in (1, 200):
        other = feed(store, size)
        assert entries(other) == entries(store) and states(other) == states(store)
        assert other.projection() == store.projection()
        assert {r.id for r in outbox(store)} <= {r.id for r in outbox(other)}
        assert rebuild(other).differences == []
        other.close()
    store.close()


def closed_case(writer: Writer) -> str:
    """One case from its finding to its archive."""
    write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))
    for number in range(60):
        writer.now += MINUTE
        (case,) = cases(writer.store)
        todo = [made for order in live_orders(case) if (made := next_act(case, order, f"n{number}"))]
        if not todo:
            return case.id
        answers = [write(writer, Admit(made, made.person))[0] for made in todo[:1]]
        assert all(a.status == "done" for a in answers), answers
    raise AssertionError("the case does not end")


def test_scores_are_replayed_too() -> None:
    writer = make_writer(open_memory())
    case = closed_case(writer)
    assert cases(writer.store)[0].stage == "archived"
    again = open_memory()
    assert replay(writer.store, again).differences == []
    score = [*writer.store.states("score")]
    assert [s.stream for s in score] == [f"score:{case}"]
    assert [(s.stream, s.body) for s in again.states("score")] == [(s.stream, s.body) for s in score]


def test_a_changed_decision_is_seen_by_replay() -> None:
    """The comparison is worth something only if it finds a difference."""
    writer = make_writer(open_memory())
    closed_case(writer)
    rows = writer.store.entries(0, 10_000)
    victim = next(row for row in rows if row.stream.startswith("case:"))

    class Tampered:
        def __getattr__(self, name: str) -> Any:
            return getattr(writer.store, name)

        def entries(self, after: int, limit: int, kinds: Any = ()) -> list[Any]:
            import msgspec

            found = writer.store.entries(after, limit, kinds)
            return [
                msgspec.structs.replace(r, body=r.body + b" ") if r.position == victim.position else r
                for r in found
            ]

    assert replay(Tampered(), open_memory()).differences == [f"{victim.stream}#{victim.sequence}"]


# Acts are done once


@pytest.fixture
def opened() -> Writer:
    writer = make_writer(open_memory())
    write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))
    return writer


def judge(writer: Writer, key: str = "one", **more: Any) -> Any:
    (case,) = cases(writer.store)
    (order,) = [o for o in live_orders(case) if o.role == "centre"][:1]
    return act(case, Action.JUDGE, order.person, order.post, key, verdict="real", **more)


@pytest.mark.parametrize("together", [True, False], ids=["one group", "two groups"])
def test_the_same_act_twice_is_done_once(opened: Writer, together: bool) -> None:
    made = judge(opened)
    before = len(admitted(opened.store))
    if together:
        first, second = write(opened, Admit(made, made.person), Admit(made, made.person))
    else:
        (first,), (second,) = write(opened, Admit(made, made.person)), write(opened, Admit(made, made.person))
    assert first.status == second.status == "done"
    assert not first.repeated and second.repeated
    assert (second.key, second.params, second.case, second.version) == (
        first.key, first.params, first.case, first.version,
    )  # fmt: skip
    assert len(admitted(opened.store)) == before + 1


@pytest.mark.parametrize("together", [True, False], ids=["one group", "two groups"])
def test_the_same_key_with_another_body_conflicts(opened: Writer, together: bool) -> None:
    import msgspec

    made = judge(opened)
    other = msgspec.structs.replace(made, body_digest="another")
    if together:
        first, second = write(opened, Admit(made, made.person), Admit(other, made.person))
    else:
        (first,), (second,) = (
            write(opened, Admit(made, made.person)),
            write(opened, Admit(other, made.person)),
        )
    assert first.status == "done"
    assert isinstance(second, Conflict) and second.key == "act.idempotency_conflict"
    assert rebuild(opened.store).differences == [] and opened.accounting.check() == []


def test_a_refused_act_is_answered_the_same_when_repeated(opened: Writer) -> None:
    made = judge(opened, version=0)
    first, second = write(opened, Admit(made, made.person), Admit(made, made.person))
    assert first.status == second.status == "refused" and first.key == second.key == "act.stale"
    assert second.repeated


def test_rows_that_go_with_an_act_are_written_once(opened: Writer) -> None:
    made = judge(opened)
    kept: list[int] = []
    extra = lambda changes: kept.append(1)  # noqa: E731
    write(opened, Admit(made, made.person, extra=extra), Admit(made, made.person, extra=extra))
    assert kept == [1]


# Two writers


def test_a_second_process_between_groups_makes_the_handler_reload(tmp_path: Path) -> None:
    writer = make_writer(open_sqlite(tmp_path))
    write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))
    other_store = open_sqlite(tmp_path)
    other = Handler(other_store, writer.handler.policy)
    other.begin()
    other.admit(later(finding(CHANNELS[0], START), "revised", START + 5), "source:gas", START + 5)
    other_store.commit(other.take())

    seen, commits = cases(writer.store)[0].version, []
    whole = writer.store.commit
    writer.store.commit = lambda changes: (commits.append(1), whole(changes))[1]
    write(writer, Admit(later(finding(CHANNELS[0], START), "ended", START + 9), "source:gas"))
    assert cases(writer.store)[0].version > seen and len(commits) == 1, "it knew before it was refused"
    assert rebuild(writer.store).differences == []
    assert replay(writer.store, open_memory()).differences == []
    other_store.close()


def test_a_raced_stream_is_decided_again_and_loses_nothing(tmp_path: Path) -> None:
    """Somebody writes between our deciding and our commit: both are there, in one chain."""
    store = open_sqlite(tmp_path)
    writer = make_writer(store)
    write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))
    other_store = open_sqlite(tmp_path)
    whole, raced = store.commit, []

    def commit(changes: Changes) -> int:
        if not raced:
            raced.append(1)
            other = Handler(other_store, writer.handler.policy)
            other.begin()
            other.admit(later(finding(CHANNELS[0], START), "revised", START + 5), "source:gas", START + 5)
            other_store.commit(other.take())
        return whole(changes)

    store.commit = commit
    ours = later(finding(CHANNELS[0], START), "ended", START + 9)
    done: list[int] = []
    (answer,) = write(writer, Admit(ours, "source:gas", extra=lambda changes: done.append(1)))
    assert answer.status == "done" and raced
    said = [type(message).__name__ for message, *_ in admitted(store)]
    assert said == ["PolicyCommitted", "Finding", "FindingRevised", "FindingEnded"]
    assert rebuild(store).differences == []
    other_store.close()


def test_a_race_that_never_ends_is_a_fault(tmp_path: Path) -> None:
    store = open_memory()
    writer = make_writer(store)

    def commit(changes: Changes) -> int:
        raise Conflict("journal.raced", stream="x")

    store.commit = commit
    with pytest.raises(Exception, match=r"writer\.always_raced"):
        write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))


def test_the_first_admission_is_the_policy() -> None:
    writer = make_writer(open_memory())
    assert isinstance(admitted(writer.store)[0][0], PolicyCommitted)


def test_detected_findings_carry_the_position_with_them() -> None:
    writer = make_writer(open_memory())
    write(
        writer,
        Detected(None, (1, 0), [(finding(CHANNELS[0], START), "source:gas")]),
        Detected((1, 0), (1, 4), []),
    )
    assert writer.store.consumed() == (1, 4) and len(cases(writer.store)) == 1
