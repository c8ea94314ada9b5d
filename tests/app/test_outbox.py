"""The outbox delivers at least once: attempts are rows first, failures are retried, outcomes come back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.app import handle
from liandong.app.deliveries import WAITS, retry_at
from liandong.app.outbox import Outbox
from liandong.app.ports import AttemptRow, Changes, Digest, OutboxRow
from liandong.app.rebuild import rebuild
from liandong.app.writer import Admit, Tick, Writer
from liandong.conformance.store import outbox_row
from liandong.core.values.errors import Busy
from liandong.core.values.lists import Outcome, Repeats, Step
from liandong.core.values.messages import DeliveryReported
from liandong.core.values.times import HOUR, SECOND
from liandong.runners.replay import replay
from liandong.stores.memory import open_memory
from liandong.stores.sqlite import open_sqlite
from tests.app.machine import CHANNELS, START, admitted, cases, finding, live_orders, make_writer
from tests.app.rig import until
from tests.app.running import City

DONE = (Outcome.DELIVERED, False, "")
AGAIN = (Outcome.FAILED, True, "HTTP 503")


class Fake:
    """A channel that answers as told and remembers what it was given."""

    def __init__(self, name: str, *answers: Any, repeats: Repeats = Repeats.DROPS) -> None:
        self.name, self.repeats = name, repeats
        self.answers = list(answers)
        self.got: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.before: Callable[[OutboxRow], None] = lambda row: None

    def send(self, row: OutboxRow, address: str) -> Any:
        self.before(row)
        self.got.append(row.id)
        self.open.wait(20)
        answer = self.answers.pop(0) if self.answers else DONE
        if isinstance(answer, Exception):
            raise answer
        return answer


class Post:
    """A writer and an outbox over one store."""

    def __init__(
        self, store: Any, *channels: Fake, address: Callable[[str, str], str] = lambda person, system: "000"
    ) -> None:
        self.store = store
        self.writer: Writer = make_writer(store)
        self.writer.start()
        self.reached: list[bool] = []
        self.outbox = Outbox(
            store, self.writer, {c.name: c for c in channels}, address, "demo", watch=self.reached.append
        )
        self.now = START

    def start(self) -> Post:
        self.outbox.start()
        return self

    def put(self, *ids: str, channel: str = "file", **fields: Any) -> None:
        rows = [outbox_row(i, channel=channel, created=self.now, next_at=self.now, **fields) for i in ids]
        self.store.commit(Changes(outbox=rows))
        self.outbox.nudge()

    def settle(self) -> None:
        until(lambda: self.outbox.idle() and self.writer.idle())

    def tick(self, by: int) -> None:
        self.now += by
        self.writer.submit(Tick(self.now)).result(10)
        self.outbox.nudge()
        self.settle()

    def reports(self) -> list[DeliveryReported]:
        return [m for m, *_ in admitted(self.store) if isinstance(m, DeliveryReported)]

    def stop(self) -> None:
        self.outbox.stop()
        self.writer.stop()


@pytest.fixture
def post() -> Iterator[Callable[..., Post]]:
    made: list[Post] = []

    def make(*channels: Fake, store: Any = None, **options: Any) -> Post:
        made.append(Post(store or open_memory(), *channels, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def attempts(store: Any) -> list[tuple[Any, ...]]:
    """(delivery, number, started, finished, outcome) of all attempts, straight from the table."""
    from sqlalchemy import text

    with store._database.reading() as connection:
        query = "SELECT outbox, number, started, finished, outcome FROM attempts ORDER BY outbox, number"
        return [tuple(row) for row in connection.execute(text(query))]


@given(
    number=st.integers(1, 20),
    outcome=st.sampled_from(list(Outcome)),
    again=st.booleans(),
    repeats=st.sampled_from(list(Repeats)),
)
def test_when_to_try_again(number: int, outcome: Outcome, again: bool, repeats: Repeats) -> None:
    at = retry_at(number, outcome, again, repeats, START)
    settled = outcome in (Outcome.DELIVERED, Outcome.WITHDRAWN)
    blind = outcome == Outcome.UNKNOWN and repeats == Repeats.NEITHER
    if settled or blind or not again or number > len(WAITS):
        assert at is None
    else:
        assert at == START + WAITS[number - 1] > START


def test_an_attempt_is_a_row_before_it_is_tried(post: Callable[..., Post]) -> None:
    channel = Fake("file")
    made = post(channel)
    seen: list[Any] = []
    channel.before = lambda row: seen.append((attempts(made.store), made.store.outbox_due(1 << 60, 9)))
    made.start().put("a")
    made.settle()
    assert seen == [([("a", 1, START, None, None)], [])], "and it is not due a second time meanwhile"
    assert attempts(made.store) == [("a", 1, START, START, "delivered")]
    assert channel.got == ["a"] and made.store.next_outbox() is None


def test_a_failing_channel_is_tried_again_in_the_citys_time_and_given_up(post: Callable[..., Post]) -> None:
    channel = Fake("file", *[AGAIN] * 50)
    made = post(channel).start()
    made.put("a")
    made.settle()
    for number, wait in enumerate(WAITS, start=1):
        assert made.store.next_outbox() == made.now + wait
        made.tick(wait - 1)
        assert len(channel.got) == number, "not a microsecond early"
        made.tick(1)
        assert len(channel.got) == number + 1
    assert made.store.next_outbox() is None
    made.tick(100 * HOUR)
    assert len(channel.got) == len(WAITS) + 1
    assert [m.number for m in made.reports()] == list(range(1, len(WAITS) + 2))
    assert len({m.attempt for m in made.reports()}) == len(WAITS) + 1
    assert {row[4] for row in attempts(made.store)} == {"failed"}


def test_what_trying_again_cannot_help_is_not_tried_again(post: Callable[..., Post]) -> None:
    channel = Fake("file", (Outcome.FAILED, False, "HTTP 404"))
    made = post(channel).start()
    made.put("a")
    made.put("b", channel="pigeon")
    made.settle()
    made.tick(HOUR)
    assert channel.got == ["a"] and {m.outcome for m in made.reports()} == {Outcome.FAILED}


def test_a_channel_that_raises_leaves_it_unknown_and_goes_on(post: Callable[..., Post]) -> None:
    channel = Fake("file", RuntimeError("planted"))
    made = post(channel).start()
    made.put("a", "b")
    made.settle()
    assert [m.outcome for m in made.reports()] == [Outcome.UNKNOWN, Outcome.DELIVERED]
    made.tick(WAITS[0])
    assert channel.got == ["a", "b", "a"]


def test_an_address_that_cannot_be_read_was_not_sent_to(post: Callable[..., Post]) -> None:
    def address(person: str, system: str) -> str:
        raise OSError("planted")

    channel = Fake("file")
    made = post(channel, address=address).start()
    made.put("a")
    made.settle()
    assert channel.got == [] and [m.outcome for m in made.reports()] == [Outcome.FAILED]
    assert made.store.next_outbox() == START + WAITS[0]


def test_an_attempt_open_after_a_crash_is_unknown_and_tried_again(post: Callable[..., Post]) -> None:
    store = open_memory()
    begun = AttemptRow(id="dlv_1", outbox="a", number=1, started=START)
    store.commit(Changes(outbox=[outbox_row("a", created=START, next_at=START)]))
    store.commit(Changes(attempts=[begun]))
    channel = Fake("file")
    made = post(channel, store=store)
    made.start()
    made.settle()
    assert [(m.attempt, m.outcome) for m in made.reports()] == [("dlv_1", Outcome.UNKNOWN)]
    assert channel.got == [], "not at once: it may have arrived"
    made.tick(WAITS[0])
    assert channel.got == ["a"]
    assert [(row[1], row[4]) for row in attempts(store)] == [(1, "unknown"), (2, "delivered")]


def test_a_hanging_channel_delays_no_other(post: Callable[..., Post]) -> None:
    """Deliveries of the hanging one keep coming, one by one, and still take no worker of the others'."""
    dead, good = Fake("dead"), Fake("good")
    dead.open.clear()
    made = post(dead, good).start()
    try:
        for number in range(8):
            made.put(f"d{number}", channel="dead")
            until(lambda n=number: len(attempts(made.store)) == n + 1)
        for number in range(5):
            made.put(f"g{number}", channel="good")
            made.put(f"n{number}", channel="pigeon")
        until(lambda: len(good.got) == 5 and len(made.reports()) == 10)
        assert len(dead.got) == 1 and not made.outbox.idle()
    finally:
        dead.open.set()
    made.settle()
    assert sorted(dead.got) == [f"d{n}" for n in range(8)]


def test_stopping_waits_for_what_is_being_sent_and_not_for_the_rest(post: Callable[..., Post]) -> None:
    channel = Fake("file")
    channel.open.clear()
    made = post(channel).start()
    made.put(*[f"a{n}" for n in range(50)])
    until(lambda: len(channel.got) == 1)
    stopping = threading.Thread(target=made.outbox.stop)
    stopping.start()
    until(lambda: made.outbox._stopping)
    channel.open.set()
    stopping.join(10)
    assert not stopping.is_alive() and len(channel.got) == 1
    assert len(made.reports()) == 1 and len(made.store.open_attempts()) == 49


def test_outcomes_arrive_at_the_case(post: Callable[..., Post]) -> None:
    channel = Fake("file", AGAIN)
    made = post(channel).start()
    made.writer.submit(Admit(finding(CHANNELS[0], START), "source:gas")).result(10)
    made.settle()
    (case,) = cases(made.store)
    told = {m.attempt: m.outcome for m in made.reports()}
    assert told and Outcome.FAILED in told.values() and {m.case for m in made.reports()} == {case.id}
    kept = case.deliveries
    assert kept and len(channel.got) == len(told)
    made.tick(WAITS[0])
    (case,) = cases(made.store)
    assert case.deliveries != kept, "the second attempt is noted as well"
    assert rebuild(made.store).differences == []
    assert replay(made.store, open_memory()).differences == []
    assert made.writer.accounting.check() == []


def test_an_outcome_that_the_case_cannot_take_still_ends_the_attempt(
    post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(*args: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setitem(handle.DECIDE, Step.COORDINATE, decide)
    channel = Fake("file", DONE, AGAIN)
    made = post(channel).start()
    made.put("a", "b")
    made.settle()
    assert [(row[0], row[4]) for row in attempts(made.store)] == [("a", "delivered"), ("b", "failed")]
    assert made.store.next_outbox() == START + WAITS[0] and made.reports() == []


def test_a_full_queue_delays_and_loses_nothing(post: Callable[..., Post]) -> None:
    channel = Fake("file", AGAIN)
    made = post(channel)
    whole, refusals = made.writer.submit, [3]

    def submit(item: Any) -> Any:
        if refusals[0] and not isinstance(item, Tick):
            refusals[0] -= 1
            raise Busy("queue.full", retry_after=1)
        return whole(item)

    made.writer.submit = submit
    made.start().put("a")
    until(lambda: channel.got == ["a"])
    made.settle()
    refusals[0] = 3
    made.tick(WAITS[0])
    assert channel.got == ["a", "a"] and [m.number for m in made.reports()] == [1, 2]


def test_what_was_left_is_delivered_after_a_restart(tmp_path: Any, post: Callable[..., Post]) -> None:
    store = open_sqlite(tmp_path)
    first = Fake("file", *[AGAIN] * 9)
    made = post(first, store=store).start()
    made.writer.submit(Admit(finding(CHANNELS[0], START), "source:gas")).result(10)
    made.settle()
    made.stop()
    second = Fake("file")
    writer = Writer(store, made.writer.handler, made.writer.accounting)
    writer.start()
    outbox = Outbox(store, writer, {"file": second}, lambda person, system: "", "demo")
    outbox.start()
    writer.submit(Tick(START + WAITS[0] + SECOND)).result(10)
    outbox.nudge()
    until(lambda: second.got)
    until(outbox.idle)
    assert set(second.got) == set(first.got) and second.got
    outbox.stop()
    writer.stop()


# What an unknown outcome means


class Asked(Fake):
    """A channel that can be asked."""

    def __init__(self, name: str, *answers: Any, said: Outcome) -> None:
        super().__init__(name, *answers, repeats=Repeats.CAN_BE_ASKED)
        self.said = said
        self.questions = 0

    def ask(self, row: OutboxRow) -> Outcome:
        self.questions += 1
        return self.said


LOST = (Outcome.UNKNOWN, True, "ReadTimeout")


def test_what_may_have_arrived_is_not_repeated_where_nobody_drops_it(post: Callable[..., Post]) -> None:
    blind = Fake("file", LOST, repeats=Repeats.NEITHER)
    other = Fake("other")
    made = post(blind, other).start()
    made.writer.handler.policy = replace(made.writer.handler.policy, channels=("file", "other"))
    made.put("a", template="tell.order")
    made.settle()
    for wait in WAITS:
        made.tick(wait)
    assert len(blind.got) == 1 and len(other.got) == 1, "the next channel tells it instead"
    assert [m.outcome for m in made.reports()] == [Outcome.UNKNOWN, Outcome.DELIVERED]


@pytest.mark.parametrize(
    ("said", "sent", "ends"),
    [
        (Outcome.DELIVERED, 1, Outcome.DELIVERED),
        (Outcome.FAILED, 2, Outcome.DELIVERED),
        (Outcome.UNKNOWN, 1, Outcome.UNKNOWN),
    ],
)
def test_a_channel_is_asked_before_anything_is_repeated(
    post: Callable[..., Post], said: Outcome, sent: int, ends: Outcome
) -> None:
    channel = Asked("file", LOST, said=said)
    made = post(channel).start()
    made.put("a")
    made.settle()
    assert channel.questions == 0
    made.tick(WAITS[0])
    assert (len(channel.got), channel.questions) == (sent, 1)
    assert [m.outcome for m in made.reports()] == [Outcome.UNKNOWN, ends]


def test_a_delivery_that_failed_for_good_takes_the_next_channel_once(post: Callable[..., Post]) -> None:
    gone = (Outcome.FAILED, False, "HTTP 404")
    first, second, third = Fake("first", gone), Fake("second", gone), Fake("third")
    made = post(first, second, third).start()
    made.writer.handler.policy = replace(made.writer.handler.policy, channels=("first", "second", "third"))
    made.put("a", channel="first", template="tell.urge")
    made.settle()
    assert (len(first.got), len(second.got), len(third.got)) == (1, 1, 1)
    assert made.reached == [True]


def test_an_order_that_reached_nobody_is_said_once_all_channels_have_given_up(
    post: Callable[..., Post],
) -> None:
    gone = (Outcome.FAILED, False, "HTTP 404")
    first, second = Fake("first", gone, gone, gone), Fake("second", gone, AGAIN, gone)
    made = post(first, second).start()
    made.writer.handler.policy = replace(made.writer.handler.policy, channels=("first", "second"))
    made.put("n", channel="first", template="notice.inform", order="ntc_n")
    made.settle()
    made.put("a", channel="first", template="tell.urge")
    made.settle()
    assert made.reached == [], "one is still to be tried, and a notice is no order"
    made.tick(WAITS[0])
    assert made.reached == [False]


# Acknowledged, done, ended


def told(town: City) -> list[tuple[OutboxRow, list[Any]]]:
    return [(row, [a.outcome for a in tried]) for row, tried in town.store.deliveries(town.case().id)]


def test_signing_for_an_order_stops_every_message_that_still_waits(tmp_path: Path) -> None:
    """Thread 14: OnCall went on ringing after the acknowledgement."""
    channel = Fake("sms", *[AGAIN] * 10_000)
    town = City(tmp_path, channels=[channel])
    try:
        case, _ = town.open_case()
        order = live_orders(case)[0]
        mine = [row for row, _ in told(town) if row.order == order.id]
        assert mine and all(row.next_at for row in mine), "they wait to be tried again"
        assert town.step(case.id)
        town.settle()
        after = {row.id: (row, outcomes) for row, outcomes in told(town) if row.order == order.id}
        for row in mine:
            stopped, outcomes = after[row.id]
            assert not stopped.next_at and outcomes[-1] == Outcome.WITHDRAWN
        before = list(channel.got)
        town.pass_time(3 * HOUR)
        assert not {row.id for row in mine} & set(channel.got[len(before) :])
        stream = town.store.entries_of(f"case:{case.id}")
        assert any(b'"delivery.withdrawn"' in row.body for row in stream), "and it is on record"
        assert rebuild(town.store).differences == []
    finally:
        town.stop()


def test_what_waits_behind_a_hanging_channel_is_looked_at_again_before_it_is_sent(tmp_path: Path) -> None:
    slow, good = Fake("slow"), Fake("good")
    slow.open.clear()
    town = City(tmp_path, channels=[slow, good])
    settle = town.settle
    town.settle = lambda: until(lambda: town.city.intake.idle() and town.city.writer.idle())
    try:
        case, _ = town.open_case()
        until(lambda: len(slow.got) == 1 and len(good.got) >= 1)
        queued = [row for row, _ in town.store.deliveries(case.id) if row.channel == "slow"]
        town.finish(case.id)
        slow.open.set()
        settle()
        outcomes = {
            row.id: tried[-1].outcome
            for row, tried in town.store.deliveries(case.id)
            if row.channel == "slow" and row.template.startswith("tell.")
        }
        assert len(queued) >= 1 and outcomes[slow.got[0]] == Outcome.DELIVERED
        rest = {id: outcome for id, outcome in outcomes.items() if id not in slow.got}
        assert rest and set(rest.values()) == {Outcome.WITHDRAWN}
    finally:
        slow.open.set()
        town.stop()


def test_what_was_signed_for_shortly_before_a_crash_is_withdrawn_after_it(tmp_path: Path) -> None:
    town = City(tmp_path, channels=[Fake("sms", *[AGAIN] * 1_000)])
    case, _ = town.open_case()
    order = live_orders(case)[0]
    # The outbox never hears of what is done from here on.
    town.city.writer.listeners.remove(town.city.outbox._committed)
    assert town.step(case.id)
    mine = [row for row, _ in told(town) if row.order == order.id and row.next_at]
    town.stop()
    assert mine
    channel = Fake("sms")
    again = City(tmp_path, channels=[channel])
    try:
        until(lambda: not any(row.next_at for row, _ in told(again) if row.order == order.id))
        assert not {row.id for row in mine} & set(channel.got)
    finally:
        again.stop()


# Quiet hours


def test_what_quiet_hours_hold_back_is_told_as_one_message_when_they_end(post: Callable[..., Post]) -> None:
    channel = Fake("file")
    made = post(channel).start()
    rows: list[OutboxRow] = []
    channel.before = rows.append
    morning = START + 8 * HOUR
    for number, who in enumerate(("person:a", "person:b", "person:a", "person:a")):
        made.now += SECOND
        held_back = outbox_row(
            f"h{number}", channel="file", recipient=who, created=made.now, next_at=morning,
            template="notice.inform", order=f"ntc_{number}",
        )  # fmt: skip
        made.store.commit(Changes(outbox=[held_back]))
    made.settle()
    assert channel.got == []
    made.tick(morning - made.now)
    assert len(channel.got) == 2
    (digest,) = [row for row in rows if isinstance(row, Digest)]
    assert [row.id for row in digest.members] == ["h0", "h2", "h3"]
    assert digest.recipient == "person:a" and digest.params == {"count": 3}
    assert {row[4] for row in attempts(made.store)} == {"delivered"} and len(attempts(made.store)) == 4


def test_a_digest_that_failed_is_one_message_again(post: Callable[..., Post]) -> None:
    channel = Fake("file", AGAIN)
    made = post(channel).start()
    rows = [
        outbox_row(f"h{n}", channel="file", created=START, next_at=START + HOUR, template="notice.inform")
        for n in range(3)
    ]
    made.store.commit(Changes(outbox=rows))
    made.tick(HOUR)
    made.tick(WAITS[0])
    assert len(channel.got) == 2 and channel.got[0] == channel.got[1]
    assert made.outbox._digested == set()


def test_what_was_tried_in_a_digest_and_taken_back_is_remembered_no_longer(post: Callable[..., Post]) -> None:
    made = post(Fake("file", AGAIN)).start()
    rows = [
        outbox_row(f"h{n}", channel="file", created=START, next_at=START + HOUR, template="notice.inform")
        for n in range(2)
    ]
    made.store.commit(Changes(outbox=rows))
    made.tick(HOUR)
    outbox = made.outbox
    assert outbox._digested == {"h0", "h1"}
    work = [(row, outbox._attempt(row)) for row in made.store.outbox_due(1 << 62, 9)]
    outbox._begin([attempt for _, attempt in work])
    outbox._report_all(work, Outcome.WITHDRAWN, False, "")
    assert outbox._digested == set()
