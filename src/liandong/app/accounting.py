"""Where every message went: in = out + rejected + dead + queued, per step and source.

The books are kept by moves, each of which takes as much from one place as it puts in another, so the
equation holds in the books at every moment. What is really waiting is counted by those who hold the
queues; a message that was lost without a move shows as the difference between the two.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from liandong.core.values.lists import Step

Place = tuple[Step, str]
#: From a tenth of the budget of a group to what an operator would call a standstill.
_COMMIT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Fate(StrEnum):
    """去向: what became of a message that a step received."""

    RECEIVED = "received"  #: 收到
    PASSED = "passed"  #: 通过
    REJECTED = "rejected"  #: 拒收
    DEAD = "dead"  #: 死信
    QUEUED = "queued"  #: 在途


@dataclass(frozen=True, slots=True)
class Tally:
    """The five counts of one step and source at one moment."""

    received: int
    passed: int
    rejected: int
    dead: int
    queued: int


@dataclass(slots=True)
class _Book:
    received: int = 0
    passed: int = 0
    dead: int = 0
    queued: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def tally(self) -> Tally:
        return Tally(self.received, self.passed, self.rejected.total(), self.dead, self.queued)


class Accounting:
    """Counts moves from any thread, and gives them as numbers, as violations, and to Prometheus."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._books: dict[Place, _Book] = {}
        self._holders: dict[Place, list[Callable[[], int]]] = {}
        self.registry = CollectorRegistry()
        self.registry.register(_Moves(self))
        self._queue_age = self._gauge("queue_age_seconds", "Age of the oldest waiting message", "lane")
        self._lag = self._gauge("watermark_lag_seconds", "Now minus the source's watermark", "source")
        self._outbox_age = self._gauge("outbox_age_seconds", "Age of the oldest undelivered order")
        self._commits = Histogram(
            "liandong_commit_seconds",
            "Duration of one transaction of the writer",
            buckets=_COMMIT_BUCKETS,
            registry=self.registry,
        )

    def enter(self, step: Step, source: str, count: int = 1) -> None:
        """The step has taken messages over; from here on it answers for them."""
        with self._lock:
            book = self._book(step, source, count)
            book.received += count
            book.queued += count

    def pass_on(self, step: Step, source: str, count: int = 1) -> None:
        """The step is done with them: handed on, or decided, also where it decided to do nothing."""
        with self._lock:
            book = self._book(step, source, count)
            book.queued -= count
            book.passed += count

    def reject(self, step: Step, source: str, key: str, count: int = 1) -> None:
        """Refused and answered; `key` is the error's text key."""
        with self._lock:
            book = self._book(step, source, count)
            book.queued -= count
            book.rejected[key] += count

    def bury(self, step: Step, source: str, count: int = 1) -> None:
        """Failed alone and laid aside; a later replay of it enters anew."""
        with self._lock:
            book = self._book(step, source, count)
            book.queued -= count
            book.dead += count

    def watch(self, step: Step, source: str, holder: Callable[[], int]) -> None:
        """Name a place where messages wait; `holder` says how many are there now.

        Several holders of one step and source are added up. They are asked without our lock held.
        """
        with self._lock:
            self._holders.setdefault((step, source), []).append(holder)

    def tallies(self) -> dict[Place, Tally]:
        """All counts at one moment."""
        with self._lock:
            return {place: book.tally() for place, book in self._books.items()}

    def rejections(self) -> dict[tuple[Step, str, str], int]:
        """How many were refused, by step, source and reason."""
        with self._lock:
            return {
                (step, source, key): count
                for (step, source), book in self._books.items()
                for key, count in book.rejected.items()
            }

    def check(self) -> list[str]:
        """Where the equation does not hold; empty is good.

        The queues are asked one after another, so a difference counts only while nothing moves.
        """
        with self._lock:
            holders = {place: tuple(found) for place, found in self._holders.items()}
        waiting = {place: sum(holder() for holder in found) for place, found in holders.items()}
        tallies = self.tallies()
        found: list[str] = []
        for place in sorted(tallies.keys() | waiting.keys()):
            tally = tallies.get(place, Tally(0, 0, 0, 0, 0))
            found += _violations(place, tally, waiting.get(place, tally.queued))
        return found

    def set_queue_age(self, lane: str, seconds: float) -> None:
        """How long the oldest message of a lane has waited."""
        self._queue_age.labels(lane).set(seconds)

    def set_watermark_lag(self, source: str, seconds: float) -> None:
        """How far a source's watermark is behind now."""
        self._lag.labels(source).set(seconds)

    def set_outbox_age(self, seconds: float) -> None:
        """How long the oldest undelivered order has waited."""
        self._outbox_age.set(seconds)

    def observe_commit(self, seconds: float) -> None:
        """One transaction of the writer took so long."""
        self._commits.observe(seconds)

    def export(self) -> str:
        """Everything in the text format of Prometheus."""
        return generate_latest(self.registry).decode("utf-8")

    def _book(self, step: Step, source: str, count: int) -> _Book:
        if count < 0:
            raise ValueError(f"a move of {count} messages")
        place = (step, source)
        book = self._books.get(place)
        if book is None:
            book = self._books[place] = _Book()
        return book

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"liandong_{name}", meaning, labels, registry=self.registry)


class _Moves(Collector):
    """Reads the books when Prometheus asks, so that a move costs no more than an addition."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def collect(self) -> Iterator[Metric]:
        """Totals, what is waiting, and the reasons of refusals."""
        total = CounterMetricFamily(
            "liandong_messages", "Messages by what became of them", labels=("step", "source", "fate")
        )
        queued = GaugeMetricFamily("liandong_queued", "Messages in flight", labels=("step", "source"))
        refused = CounterMetricFamily(
            "liandong_rejections", "Refused messages by reason", labels=("step", "source", "key")
        )
        for (step, source), tally in self._accounting.tallies().items():
            for fate in (Fate.RECEIVED, Fate.PASSED, Fate.REJECTED, Fate.DEAD):
                total.add_metric((step.value, source, fate.value), getattr(tally, fate.value))
            queued.add_metric((step.value, source), tally.queued)
        for (step, source, key), count in self._accounting.rejections().items():
            refused.add_metric((step.value, source, key), count)
        yield from (total, queued, refused)


def _violations(place: Place, tally: Tally, waiting: int) -> list[str]:
    """One line for each way in which this step and source do not add up."""
    where = f"{place[0].value}/{place[1]}"
    found: list[str] = []
    out = tally.passed + tally.rejected + tally.dead
    if tally.queued < 0:
        found.append(f"{where}: {-tally.queued} more left than entered")
    if tally.received != out + waiting:
        found.append(
            f"{where}: in {tally.received} != out {tally.passed} + rejected {tally.rejected} "
            f"+ dead {tally.dead} + queued {waiting}"
        )
    return found
