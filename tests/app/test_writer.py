"""The writer: who goes first, what a poisonous message costs, and that nobody is answered too early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liandong.app import handle
from liandong.app.ports import Changes, TimerRow
from liandong.app.rebuild import rebuild
from liandong.app.writer import Admit, Books, Detected, Lane, Tick, Writer
from liandong.core.values.errors import Broken, Busy, Conflict, Fatal
from liandong.core.values.lists import Action, Step
from liandong.core.values.times import HOUR, MINUTE
from liandong.stores._sql.lite import LiteStore
from liandong.stores.memory import open_memory
from tests.app.machine import (
    CHANNELS,
    START,
    act,
    admitted,
    cases,
    entries,
    finding,
    later,
    live_orders,
    make_writer,
    next_act,
    write,
)

POISON = 66.6
BAD_COMMIT = 77.7


@pytest.fixture
def store() -> Iterator[LiteStore]:
    made = open_memory()
    yield made
    made.close()


@pytest.fixture
def started() -> Iterator[Callable[..., Writer]]:
    """Makes writers that a test starts when it has queued what it wants to."""
    made: list[Writer] = []

    def make(store: Any, **options: Any) -> Writer:
        made.append(make_writer(store, **options))
        return made[-1]

    yield make
    for writer in made:
        writer.stop()


def poisoned(at: int, value: float = POISON, channel: str = CHANNELS[0]) -> Any:
    return finding(channel, at, value=value)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding of this value cannot be decided."""
    whole = handle.DECIDE[Step.ASSESS]

    def decide(policy: Any, state: Any, message: Any, now: int) -> Any:
        if getattr(message, "value", 0) == POISON:
            raise ZeroDivisionError("planted")
        return whole(policy, state, message, now)

    monkeypatch.setitem(handle.DECIDE, Step.ASSESS, decide)


def refuse_commits(store: LiteStore, unless: Callable[[Changes], bool]) -> list[Changes]:
    """Let the store fail for some groups; gives the groups that went through."""
    whole, done = store.commit, []

    def commit(changes: Changes) -> int:
        if not unless(changes):
            raise OSError("planted")
        position = whole(changes)
        done.append(changes)
        return position

    store.commit = commit
    return done


def harmless(changes: Changes) -> bool:
    return not any(str(BAD_COMMIT).encode() in row.body for row in changes.entries)


def names(store: Any) -> list[str]:
    return [type(message).__name__ for message, *_ in admitted(store)][1:]


# Order


def test_acts_go_before_a_flood_of_findings(store: LiteStore, started: Callable[..., Writer]) -> None:
    writer = started(store, group_size=20)
    write(writer, Admit(finding(CHANNELS[0], START), "source:gas"))
    (case,) = cases(store)
    made = next_act(case, live_orders(case)[0], "k")
    assert made is not None
    flood: list[Future[Any]] = []
    for number in range(100):
        messages = [(finding(CHANNELS[1], START + 1 + number), "source:gas")]
        before = (1, number - 1) if number else None
        flood.append(writer.submit(Detected(before, (1, number), messages)))
    ours = writer.submit(Admit(made, made.person))
    writer.start()
    assert ours.result(10).status == "done"
    assert [f.result(10) for f in flood]
    assert names(store)[1] == "Act" and names(store).count("Finding") == 101
    assert store.consumed() == (1, 99)


def test_a_tick_is_a_group_of_its_own(store: LiteStore, started: Callable[..., Writer]) -> None:
    """What was queued before it is decided at the old moment, what comes after at the new one."""
    writer = started(store)
    futures = [writer.submit(Admit(finding(CHANNELS[0], START), "source:a"))]
    futures.append(writer.submit(Tick(START + HOUR)))
    futures.append(writer.submit(Admit(finding(CHANNELS[2], START + 1), "source:b")))
    futures.append(writer.submit(Tick(START + 30 * MINUTE)))  # a clock never goes back
    futures.append(writer.submit(Admit(finding(CHANNELS[1], START + 1), "source:a")))
    writer.start()
    for future in futures:
        future.result(10)
    moments = [now for message, origin, now in admitted(store) if origin.startswith("source")]
    assert moments == [START, START + HOUR, START + HOUR]


def test_a_tick_after_bookkeeping_of_findings_is_alone(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    writer = started(store)
    futures = [
        writer.submit(Tick(START + 1, lane=Lane.FINDINGS)),
        writer.submit(Detected(None, (1, 0), [])),
        writer.submit(Tick(START + 2, lane=Lane.FINDINGS)),
    ]
    writer.start()
    assert [f.result(10) for f in futures] == [0, [], 0]
    assert writer.now == START + 2


def test_a_full_lane_takes_nothing(store: LiteStore, started: Callable[..., Writer]) -> None:
    writer = started(store, limit=3)
    taken = [writer.submit(Detected((1, n), (1, n + 1), [], lane=Lane.FINDINGS)) for n in range(3)]
    with pytest.raises(Busy) as busy:
        writer.submit(Detected((1, 3), (1, 4), [(finding(CHANNELS[0], START), "source:gas")]))
    assert busy.value.params["retry_after"]
    assert writer.waiting() == 3 and writer.accounting.check() == []
    assert (Step.ASSESS, "source:gas") not in writer.accounting.tallies()
    # Another lane is not full.
    act_future = writer.submit(Books(lambda changes: None))
    store.commit(Changes(consumed=(None, (1, 0))))
    writer.start()
    assert [f.result(10) for f in taken] == [[], [], []] and act_future.result(10) is None


def test_who_waits_may_leave_but_cancels_nothing(store: LiteStore, started: Callable[..., Writer]) -> None:
    """A client that hangs up must not take the writer's thread with it."""
    writer = started(store)
    future = writer.submit(Admit(finding(CHANNELS[0], START), "source:gas"))
    assert not future.cancel()
    writer.start()
    assert future.result(10).status == "done"


# Nobody is answered early


def test_nothing_is_answered_before_it_is_committed(store: LiteStore, started: Callable[..., Writer]) -> None:
    writer = started(store, group_size=3)
    items = [Admit(finding(CHANNELS[n % 4], START + n), "source:x") for n in range(10)]
    seen: list[tuple[int, int]] = []
    whole = store.commit

    def commit(changes: Changes) -> int:
        answered = sum(item.future.done() for item in items)
        stored = len([r for r in store.entries(0, 10_000) if r.stream == "admission:source:x"])
        seen.append((answered, stored))
        return whole(changes)

    store.commit = commit
    for item in items:
        writer.submit(item)
    writer.start()
    for item in items:
        item.future.result(10)
    assert seen == [(0, 0), (3, 3), (6, 6), (9, 9)]


def test_the_next_group_is_decided_while_the_first_is_on_its_way_and_neither_is_answered_early(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    writer = started(store, group_size=3)
    items = [Admit(finding(CHANNELS[n % 4], START + n), "source:x") for n in range(6)]
    arrive, decided = threading.Event(), threading.Event()
    whole, decide, staged = store.stage, writer._decide, []

    def stage(changes: Changes) -> Callable[[], int]:
        staged.append(len(changes.entries))
        first = len(staged) == 1

        def finish() -> int:
            if first:
                assert arrive.wait(10)
            return whole(changes)()

        return finish

    def watched(group: Any, following: bool = False) -> Any:
        found = decide(group, following)
        if following:
            decided.set()
        return found

    store.stage, writer._decide = stage, watched
    for item in items:
        writer.submit(item)
    writer.start()
    assert decided.wait(10), "the second group waited for the disk"
    assert not any(item.future.done() for item in items) and store.last_position() < 3
    arrive.set()
    for item in items:
        item.future.result(10)
    assert names(store).count("Finding") == 6


def test_a_commit_that_fails_beside_the_next_group_loses_and_doubles_nothing(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    """Both groups were decided on what never was: both are decided again, in order."""
    calm = open_memory()
    want = make_writer(calm, group_size=3)
    items = [Admit(finding(CHANNELS[n % 4], START + n), "source:x") for n in range(9)]
    for item in items:
        write(want, Admit(item.message, item.origin))
    writer = started(store, group_size=3)
    whole, calls = store.stage, []

    def stage(changes: Changes) -> Callable[[], int]:
        calls.append(changes)
        if len(calls) != 2:
            return whole(changes)

        def fail() -> int:
            raise OSError("the disk, at the last moment")

        return fail

    store.stage = stage
    for item in items:
        writer.submit(item)
    writer.start()
    for item in items:
        assert item.future.result(10).status == "done"
    assert [m for m, *_ in admitted(store)] == [m for m, *_ in admitted(calm)]
    assert rebuild(store).differences == []
    assert {r.stream: r.hash for r in store.heads() if r.kind == "case"} == {
        r.stream: r.hash for r in calm.heads() if r.kind == "case"
    }


def test_listeners_hear_of_it_after_the_commit_and_cannot_harm(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    writer = started(store)
    heard: list[int] = []

    def listen(changes: Changes) -> None:
        heard.append(store.last_position())
        raise RuntimeError("planted")

    writer.listeners.append(listen)
    writer.start()
    assert writer.submit(Admit(finding(CHANNELS[0], START), "source:gas")).result(10).status == "done"
    assert heard == [store.last_position()] and names(store) == ["Finding"]


# Poison


@pytest.mark.usefixtures("poison")
def test_a_message_that_cannot_be_decided_is_buried_alone(store: LiteStore) -> None:
    writer = make_writer(store)
    good = [finding(CHANNELS[1], START + n) for n in range(3)]
    bad = poisoned(START + 9)
    results = write(
        writer, Admit(good[0], "source:gas"), Admit(bad, "source:gas"), Admit(good[1], "source:gas"),
        Detected(None, (1, 7), [(good[2], "source:gas"), (bad, "source:gas")]),
    )  # fmt: skip
    assert [getattr(r, "status", None) for r in results[:3]] == ["done", None, "done"]
    assert isinstance(results[1], Broken) and results[1].key == "writer.dead_letter"
    letter = store.dead_letter(str(results[1].params["id"]))
    assert letter is not None and letter.type == "Finding" and "ZeroDivisionError" in letter.error
    assert "planted" not in letter.error
    assert [m.id for m, *_ in admitted(store)[1:]] == [m.id for m in good]
    assert store.consumed() == (1, 7)
    tally = writer.accounting.tallies()[Step.ASSESS, "source:gas"]
    assert (tally.received, tally.passed, tally.dead) == (5, 3, 2) and writer.accounting.check() == []
    assert rebuild(store).differences == []


@pytest.mark.usefixtures("poison")
def test_a_dead_letter_can_be_admitted_again(store: LiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    writer = make_writer(store)
    (buried,) = write(writer, Admit(poisoned(START), "source:gas"))
    letter = store.dead_letter(buried.params["id"])
    assert letter is not None and cases(store) == []
    monkeypatch.undo()
    message = msgspec.json.decode(letter.body, type=handle.MESSAGE_TYPES[letter.type])
    (answer,) = write(writer, Admit(message, "replay"))
    assert answer.status == "done" and len(cases(store)) == 1


@pytest.mark.parametrize("place", [0, 3, 6])
def test_only_the_poison_is_buried_where_a_group_cannot_be_committed(store: LiteStore, place: int) -> None:
    writer = make_writer(store)
    refuse_commits(store, harmless)
    items = [Admit(finding(CHANNELS[1], START + n), "source:gas") for n in range(7)]
    items[place] = Admit(poisoned(START + place, BAD_COMMIT), "source:gas")
    results = write(writer, *items)
    assert [isinstance(r, Broken) for r in results] == [n == place for n in range(7)]
    assert names(store) == ["Finding"] * 6
    assert store.dead_letter(results[place].params["id"]) is not None
    assert writer.accounting.check() == [] and rebuild(store).differences == []


@pytest.mark.parametrize("bad", [{0}, {2}, {1, 3}])
def test_the_position_moves_past_a_record_with_poison(store: LiteStore, bad: set[int]) -> None:
    """The findings of one record and its position are one transaction: the poison is left out of it."""
    writer = make_writer(store)
    done = refuse_commits(store, harmless)
    messages = [
        (poisoned(START + n, BAD_COMMIT) if n in bad else finding(CHANNELS[1], START + n), "source:gas")
        for n in range(4)
    ]
    write(
        writer, Detected(None, (1, 0), []), Detected((1, 0), (1, 1), messages), Detected((1, 1), (1, 2), [])
    )
    assert store.consumed() == (1, 2)
    assert [c.consumed for c in done if c.consumed] == [(None, (1, 0)), ((1, 0), (1, 1)), ((1, 1), (1, 2))]
    dead = 1 if len(bad) == 1 else 4  # of more than one we do not search all ways; nothing is lost
    tally = writer.accounting.tallies()[Step.ASSESS, "source:gas"]
    assert (tally.received, tally.passed, tally.dead) == (4, 4 - dead, dead)
    assert names(store).count("Finding") == 4 - dead and writer.accounting.check() == []


def test_books_that_fail_do_no_harm_to_others(store: LiteStore) -> None:
    writer = make_writer(store)

    def job(changes: Changes) -> None:
        raise Conflict("clock.went_back", now="a", wanted="b")

    results = write(writer, Admit(finding(CHANNELS[0], START), "source:gas"), Books(job), Books(lambda c: 5))
    assert results[0].status == "done" and isinstance(results[1], Conflict) and results[2] == 5


def test_a_timer_that_cannot_go_fires_once(store: LiteStore) -> None:
    """A timer row of a case that does not exist changes nothing and stays: the tick has to end."""
    writer = make_writer(store, group_size=2)
    stray = {f"t{n}": TimerRow(id=f"t{n}", case="case_x", due=START + n) for n in range(5)}
    store.commit(Changes(timers_set=stray))
    write(writer, Admit(finding(CHANNELS[0], START, high=True), "source:gas"))
    assert write(writer, Tick(START + HOUR))[0] >= 5
    assert write(writer, Tick(START + HOUR + 1)) == [0]
    assert names(store).count("TimerFired") == len(
        {m.timer for m, *_ in admitted(store) if hasattr(m, "timer")}
    )
    assert any(c.overdue for case in cases(store) for c in case.clocks.values())


def test_a_commit_that_always_fails_ends_the_process_path(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    fatal: list[BaseException] = []
    over = threading.Event()
    writer = started(store, on_fatal=lambda error: (fatal.append(error), over.set()), group_size=2)
    refuse_commits(store, lambda changes: False)
    futures = [writer.submit(Admit(finding(CHANNELS[0], START + n), "source:gas")) for n in range(6)]
    futures.append(writer.submit(Books(lambda changes: changes.meta.update(a="b"))))
    writer.start()
    assert over.wait(10) and isinstance(fatal[0], OSError)
    writer.join(10)
    assert all(isinstance(f.exception(1), OSError) for f in futures)
    assert names(store) == [] and store.meta("a") is None
    with pytest.raises(Fatal):
        writer.submit(Books(lambda changes: None))
    assert not writer.idle()


# The books


def test_a_message_lost_on_its_way_is_seen(store: LiteStore, started: Callable[..., Writer]) -> None:
    writer = started(store)
    futures = [writer.submit(Admit(finding(CHANNELS[0], START + n), "source:gas")) for n in range(3)]
    assert writer.accounting.check() == []
    writer._lanes[Lane.ACTS].pop()
    (line,) = writer.accounting.check()
    assert line.startswith("assess/source:gas: in 3 != ")
    writer.start()
    futures[1].result(10)
    assert len(writer.accounting.check()) == 1


def test_the_books_hold_while_a_group_is_being_written(
    store: LiteStore, started: Callable[..., Writer]
) -> None:
    writer = started(store)
    seen: list[list[str]] = []
    whole = store.commit

    def commit(changes: Changes) -> int:
        seen.append(writer.accounting.check())
        return whole(changes)

    store.commit = commit
    items = [Admit(finding(CHANNELS[0], START + n), "source:gas") for n in range(5)]
    futures = [writer.submit(item) for item in items] + [writer.submit(Tick(START + 20 * HOUR))]
    writer.start()
    for future in futures:
        future.result(10)
    assert len(seen) >= 2 and not any(seen)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kinds=st.lists(st.sampled_from(["good", "good", "poison", "bad", "act", "odd", "word"]), max_size=25),
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=10),
)
def test_the_equation_holds_whatever_comes(kinds: list[str], cuts: list[int]) -> None:
    whole = handle.DECIDE[Step.ASSESS]

    def decide(policy: Any, state: Any, message: Any, now: int) -> Any:
        if getattr(message, "value", 0) == POISON:
            raise ZeroDivisionError
        return whole(policy, state, message, now)

    handle.DECIDE[Step.ASSESS] = decide
    try:
        store = open_memory()
        writer = make_writer(store)
        refuse_commits(store, harmless)
        sent = 0
        for number, kind in enumerate(kinds):
            at, channel = START + number, CHANNELS[number % 2]
            messages: list[tuple[Any, str]] = []
            if kind in ("good", "poison", "bad"):
                value = {"good": 60.0, "poison": POISON, "bad": BAD_COMMIT}[kind]
                messages.append((finding(channel, at, value=value), "source:gas"))
            elif kind == "word":
                messages.append((later(finding(channel, START), "ended", at), "source:gas"))
            else:
                for case in cases(store)[:1]:
                    order = live_orders(case)[0] if live_orders(case) else None
                    made = next_act(case, order, f"k{number}") if order and kind == "act" else None
                    made = made or act(case, Action.ARRIVE, "person:p001", "post:fire.duty", f"k{number}")
                    messages.append((made, made.person))
            items = [Admit(m, o) for m, o in messages for _ in range(cuts[number % len(cuts)] % 2 + 1)]
            sent += len(items)
            if items:
                write(writer, *items)
        assert writer.accounting.check() == []
        tallies = writer.accounting.tallies().values()
        assert sum(t.received for t in tallies) == sent and all(t.queued == 0 for t in tallies)
        assert rebuild(store).differences == []
        assert len(entries(store)) == len(store.entries(0, 100_000))
        store.close()
    finally:
        handle.DECIDE[Step.ASSESS] = whole
