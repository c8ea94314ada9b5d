"""The books: no sequence of moves breaks the equation, and a lost message is found."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app.accounting import Accounting, Tally
from liandong.core.values.lists import Step

INGEST = Step.INGEST


class Pipe:
    """A step with a real queue that uses the books as a step should."""

    def __init__(self, books: Accounting, source: str) -> None:
        self.books, self.source, self.queue = books, source, deque[int]()
        books.watch(INGEST, source, lambda: len(self.queue))

    def do(self, move: str, count: int) -> None:
        if move == "enter":
            self.queue.extend(range(count))
            self.books.enter(INGEST, self.source, count)
            return
        count = min(count, len(self.queue))
        for _ in range(count):
            self.queue.popleft()
        if move == "pass":
            self.books.pass_on(INGEST, self.source, count)
        elif move == "reject":
            self.books.reject(INGEST, self.source, "reading.bad_time", count)
        elif move == "bury":
            self.books.bury(INGEST, self.source, count)


_MOVES = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from(["enter", "pass", "reject", "bury"]), st.integers(0, 500)
    ),
    max_size=60,
)


@given(moves=_MOVES)
def test_any_sequence_of_moves_keeps_the_equation(moves: list[tuple[str, str, int]]) -> None:
    books = Accounting()
    pipes = {name: Pipe(books, name) for name in "ab"}
    for name, move, count in moves:
        pipes[name].do(move, count)
        assert books.check() == []
    for (_, name), tally in books.tallies().items():
        assert tally.received == tally.passed + tally.rejected + tally.dead + tally.queued
        assert tally.queued == len(pipes[name].queue)


@given(moves=_MOVES, lost=st.integers(1, 5))
def test_a_planted_leak_is_found(moves: list[tuple[str, str, int]], lost: int) -> None:
    """Messages taken from the queue without a move are named with their step and source."""
    books = Accounting()
    pipes = {name: Pipe(books, name) for name in "ab"}
    for name, move, count in [*moves, ("a", "enter", lost)]:
        pipes[name].do(move, count)
    for _ in range(lost):
        pipes["a"].queue.pop()
    (violation,) = books.check()
    assert violation.startswith("ingest/a: in ")


@given(moves=_MOVES, twice=st.integers(1, 5))
def test_a_message_settled_twice_is_found(moves: list[tuple[str, str, int]], twice: int) -> None:
    books = Accounting()
    pipes = {name: Pipe(books, name) for name in "ab"}
    for name, move, count in moves:
        pipes[name].do(move, count)
    books.pass_on(INGEST, "a", twice)
    assert books.check()


def test_more_out_than_in_is_found_without_a_watched_queue() -> None:
    books = Accounting()
    books.enter(INGEST, "s", 2)
    books.reject(INGEST, "s", "reading.bad_time", 3)
    assert books.check() == ["ingest/s: 1 more left than entered"]


def test_messages_waiting_where_none_entered_are_found() -> None:
    books = Accounting()
    books.watch(Step.DETECT, "s", lambda: 4)
    assert books.check() == ["detect/s: in 0 != out 0 + rejected 0 + dead 0 + queued 4"]


def test_several_queues_of_one_source_are_added_up() -> None:
    books = Accounting()
    books.watch(INGEST, "s", lambda: 1)
    books.watch(INGEST, "s", lambda: 2)
    books.enter(INGEST, "s", 3)
    assert books.check() == []


def test_a_negative_move_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        Accounting().enter(INGEST, "s", -1)


def test_threads_lose_no_count() -> None:
    books = Accounting()

    def work() -> None:
        for _ in range(2_000):
            books.enter(INGEST, "s", 2)
            books.pass_on(INGEST, "s")
            books.bury(INGEST, "s")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books.tallies() == {(INGEST, "s"): Tally(16_000, 8_000, 0, 8_000, 0)}


def test_prometheus_reads_the_same_numbers() -> None:
    books = Accounting()
    books.enter(INGEST, "source:gas", 10)
    books.pass_on(INGEST, "source:gas", 6)
    books.reject(INGEST, "source:gas", "reading.bad_time", 3)
    books.set_queue_age("acts", 0.5)
    books.set_watermark_lag("source:gas", 12)
    books.set_outbox_age(7)
    books.observe_commit(0.004)
    lines = set(books.export().splitlines())
    assert {
        'liandong_messages_total{fate="received",source="source:gas",step="ingest"} 10.0',
        'liandong_messages_total{fate="passed",source="source:gas",step="ingest"} 6.0',
        'liandong_messages_total{fate="rejected",source="source:gas",step="ingest"} 3.0',
        'liandong_messages_total{fate="dead",source="source:gas",step="ingest"} 0.0',
        'liandong_queued{source="source:gas",step="ingest"} 1.0',
        'liandong_rejections_total{key="reading.bad_time",source="source:gas",step="ingest"} 3.0',
        'liandong_queue_age_seconds{lane="acts"} 0.5',
        'liandong_watermark_lag_seconds{source="source:gas"} 12.0',
        "liandong_outbox_age_seconds 7.0",
        'liandong_commit_seconds_bucket{le="0.005"} 1.0',
        "liandong_commit_seconds_count 1.0",
    } <= lines


def test_two_books_do_not_share_a_registry() -> None:
    """Two cities in one process, or two tests, must not collide on a name."""
    first, second = Accounting(), Accounting()
    first.enter(INGEST, "s")
    assert "liandong_messages_total{" not in second.export()
