"""The stored state is what the journal gives; whatever differs is named, and can be put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from liandong.app.ports import Changes, OrderRow, ParticipantRow, StreamRow, TimerRow
from liandong.app.project import columns, moved, state_bytes
from liandong.app.rebuild import Rebuilt, rebuild
from liandong.core.values.case import PlannedStep, Timer
from liandong.core.values.case_events import (
    CaseFindingChanged,
    CaseOpened,
    ClockStarted,
    ClockStopped,
    OrderIssued,
    OrderStatusChanged,
    ParticipantJoined,
    ParticipantLeft,
    StepDone,
)
from liandong.core.values.events import AGGREGATES, EventRecord, evolve, kind_of, record_event
from liandong.core.values.journal import GENESIS, Entry, EntryKind, Versions, chain
from liandong.core.values.lists import Action, CaseStage, ClockOrigin, Mode, OrderStatus, Participation
from liandong.core.values.risk import OpenFinding, RiskAssessed
from liandong.stores.memory import MemoryStore, open_memory
from tests.app.journals import replace

FINDING = OpenFinding(
    id="f1", rule="r", severity="high", level="III", channel="channel:c", onset=1, raised=2, value=0.1 + 0.2
)


def opened(case: str) -> CaseOpened:
    return CaseOpened(
        case=case,
        grouping=f"leak|{case}",
        ordinal=1,
        hazard="leak",
        asset="asset:pit",
        area="area:a",
        area_path="/a/",
        level="III",
        mode=Mode.REAL,
        finding="f1",
        detail=FINDING,
        alarmed=9,
        opened=10,
    )


def issued(case: str, order: str, round_: int) -> OrderIssued:
    steps = tuple(
        PlannedStep(action=a, clause="c", limit_us=60, origin=ClockOrigin.ISSUED)
        for a in (Action.ACKNOWLEDGE, Action.ARRIVE)
    )
    return OrderIssued(
        case=case,
        order=order,
        role="lead",
        unit="unit:gas",
        post="post:p",
        person="person:p",
        deputy="",
        round=round_,
        steps=steps,
        issued=20,
        row="r1",
    )


def started(case: str, order: str, clock: str) -> ClockStarted:
    return ClockStarted(
        case=case,
        clock=clock,
        clause="c",
        round=1,
        order=order,
        action=Action.ACKNOWLEDGE,
        unit="unit:gas",
        origin=ClockOrigin.ISSUED,
        origin_assumed=False,
        started=20,
        limit_us=60,
        due=80,
        timers=(Timer(id=f"t-{clock}", clock=clock, moment="due", due=80),),
    )


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, tuple[Any, ...]]]:
    """Entries of some streams, with events that may follow one another."""
    entries: list[tuple[str, tuple[Any, ...]]] = []
    for case in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
        stream = f"case:{case}"
        entries.append((stream, (opened(case),) if draw(st.booleans()) else ()))
        if not entries[-1][1]:
            continue  # a refused first decision: a stream without a state
        orders = draw(st.lists(st.sampled_from(["z", "y", "x"]), unique=True))
        for number, order in enumerate(orders, 1):
            order = f"{case}-{order}"
            entries.append((stream, (issued(case, order, number), started(case, order, f"k-{order}"))))
            late = [
                ParticipantJoined(
                    case=case, part=Participation.LEAD, unit="unit:gas", post=order, since=number
                ),
                CaseFindingChanged(
                    case=case, change="joined", finding="f2", detail=FINDING, alarm_active=True
                ),
                StepDone(
                    case=case,
                    order=order,
                    action=Action.ACKNOWLEDGE,
                    stage=CaseStage.ACKNOWLEDGED,
                    person="person:p",
                    post="post:p",
                    unit="unit:gas",
                    in_name_of="",
                    at=30,
                ),
                ClockStopped(case=case, clock=f"k-{order}", at=30, late_us=-50),
                OrderStatusChanged(case=case, order=order, status=OrderStatus.DONE, at=40),
                ParticipantLeft(case=case, part=Participation.LEAD, unit="unit:gas", post=order, until=50),
            ]
            entries += [(stream, (event,)) for event in late[: draw(st.integers(0, len(late)))]]
    for asset in draw(st.lists(st.sampled_from("pq"), max_size=3)):
        event = RiskAssessed(
            grouping=f"leak|{asset}",
            hazard="leak",
            asset=asset,
            area="area:a",
            area_path="/a/",
            change="opened",
            finding="f1",
            detail=FINDING,
            level_before="",
            level="II",
            basis="g",
            mode=Mode.REAL,
        )
        entries.append((f"risk:leak|{asset}", (event,)))
    entries += [("system", ())] * draw(st.integers(0, 2))
    return entries


class Book:
    """Writes as the shell does."""

    def __init__(self) -> None:
        self.store: MemoryStore = open_memory()
        self.heads: dict[str, tuple[int, str, Any]] = {}

    def write(self, story: Sequence[tuple[str, tuple[Any, ...]]]) -> MemoryStore:
        for stream, events in story:
            self.add(stream, events, tuple(record_event(event) for event in events))
        return self.store

    def add(self, stream: str, events: tuple[Any, ...], records: tuple[EventRecord, ...]) -> None:
        sequence, previous, before = self.heads.get(stream, (0, GENESIS, None))
        state = before
        entry = Entry(
            kind=EntryKind.DECISION, stream=stream, now=1, mode=Mode.REAL, versions=Versions(), events=records
        )
        row = chain(entry, sequence + 1, previous)
        for event in events:
            state = evolve(stream, state or AGGREGATES[kind_of(stream)][0], event)
        after = moved(before, state)
        changes = Changes(
            entries=[row],
            orders=after.orders,
            queue=after.queue,
            participants=after.participants,
            timers_set=after.timers,
            timers_gone=after.timers_gone,
        )
        changes.streams[stream] = StreamRow(
            stream=stream,
            kind=kind_of(stream),
            sequence=row.sequence,
            hash=row.hash,
            version=state.version if state else 0,
            body=state_bytes(state) if state else None,
            **columns(state),
        )
        self.store.commit(changes)
        self.heads[stream] = (row.sequence, row.hash, state)


def said(result: Rebuilt) -> list[tuple[str, str]]:
    return [(difference.where, difference.field) for difference in result.differences]


FULL: list[tuple[str, tuple[Any, ...]]] = [
    ("case:a", (opened("a"),)),
    ("case:a", (issued("a", "o1", 1), started("a", "o1", "k1"))),
    (
        "case:a",
        (ParticipantJoined(case="a", part=Participation.LEAD, unit="unit:gas", post="post:p", since=1),),
    ),
    ("system", ()),
]


def sql(store: MemoryStore, statement: str, **params: Any) -> None:
    """Change the database behind the store's back."""
    with store._database.writing() as connection:
        assert connection.execute(text(statement), params).rowcount


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(stories())
def test_folding_the_journal_gives_what_is_stored(story: list[tuple[str, tuple[Any, ...]]]) -> None:
    store = Book().write(story)
    result = rebuild(store)
    assert not result.differences and result.exit_code == 0
    assert result.entries == len(story) and result.streams == len({stream for stream, _ in story})
    assert result.events == sum(len(events) for _, events in story)
    assert rebuild(store, write=True).written == 0
    store.close()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(stories(), st.data())
def test_whatever_was_lost_is_named_and_written_again(story: list[Any], data: st.DataObject) -> None:
    store = Book().write(story)
    before = (list(store.states("case")), list(store.heads()), store.projection())
    for table in ("streams", "orders", "queue", "participants", "timers"):
        if data.draw(st.booleans()):
            with store._database.writing() as connection:
                connection.execute(text(f"DELETE FROM {table}"))
    damaged = (list(store.states("case")), list(store.heads()), store.projection()) != before
    assert bool(rebuild(store).differences) == damaged
    rebuild(store, write=True)
    assert (list(store.states("case")), list(store.heads()), store.projection()) == before
    assert not rebuild(store).differences
    store.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE streams SET stage = 'closed' WHERE stream = 'case:a'", [("case:a", "stage")]),
        ("UPDATE streams SET sequence = 1 WHERE stream = 'case:a'", [("case:a", "sequence")]),
        (
            "UPDATE streams SET hash = 'x', version = 9 WHERE stream = 'system'",
            [("system", "hash"), ("system", "version")],
        ),
        ("UPDATE streams SET body = NULL WHERE stream = 'case:a'", [("case:a", "body")]),
        ("UPDATE streams SET body = CAST('junk' AS BLOB) WHERE stream = 'case:a'", [("case:a", "body")]),
        ("UPDATE streams SET body = CAST(body || ' ' AS BLOB) WHERE stream = 'case:a'", [("case:a", "body")]),
        (
            'UPDATE streams SET body = CAST(replace(body, \'"level":"III"\', \'"level":"I"\') AS BLOB)'
            " WHERE stream = 'case:a'",
            [("case:a", "state.findings"), ("case:a", "state.level")],
        ),
        ("DELETE FROM streams WHERE stream = 'system'", [("system", "missing")]),
        ("UPDATE orders SET due = 5, person = 'person:q'", [("orders:o1", "due"), ("orders:o1", "person")]),
        ("DELETE FROM orders", [("orders:o1", "missing")]),
        ("UPDATE participants SET until = 7", [("participants:a lead unit:gas post:p 1", "until")]),
        ("UPDATE queue SET turn = 7", [("queue:a", "turn")]),
        ("DELETE FROM queue", [("queue:a", "missing")]),
        ("UPDATE timers SET due = 7", [("timers:t-k1", "due")]),
        ("DELETE FROM timers", [("timers:t-k1", "missing")]),
        ("INSERT INTO timers VALUES ('ghost', 'a', 5)", [("timers:ghost", "extra")]),
    ],
)
def test_a_difference_is_named_by_stream_and_field_and_mended(
    statement: str, expected: list[tuple[str, str]]
) -> None:
    store = Book().write(FULL)
    sql(store, statement)
    result = rebuild(store)
    assert sorted(said(result)) == sorted(expected) and result.exit_code == 1 and not result.written
    assert sorted(said(rebuild(store, write=True))) == sorted(expected)
    assert not rebuild(store).differences


def test_rows_that_nothing_accounts_for_are_told_and_kept_except_timers() -> None:
    store = Book().write(FULL)
    order = store.projection()["orders"][0]
    person = store.projection()["participants"][0]
    ghost = replace(next(store.heads()), stream="case:ghost")
    store.commit(
        Changes(
            orders={"o9": replace(order, id="o9")},
            participants={
                ("a", "lead", "u", "p", 9): ParticipantRow(
                    case="a", part="lead", unit="u", post="p", since=9, until=0
                )
            },
            timers_set={"t9": TimerRow(id="t9", case="a", due=1)},
            streams={"case:ghost": ghost},
        )
    )
    assert isinstance(order, OrderRow) and isinstance(person, ParticipantRow)
    extra = [("case:ghost", "extra"), ("orders:o9", "extra"), ("participants:a lead u p 9", "extra")]
    assert sorted(said(rebuild(store, write=True))) == [*extra, ("timers:t9", "extra")]
    assert sorted(said(rebuild(store))) == extra


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (EventRecord("Tomorrow", 1, msgspec.Raw(b"{}")), "journal.unknown_event"),
        (EventRecord("CaseOpened", 9, msgspec.Raw(b"{}")), "journal.unknown_event"),
        (EventRecord("CaseOpened", 1, msgspec.Raw(b"{}")), "journal.unreadable_body"),
        (
            record_event(OrderStatusChanged(case="a", order="no such", status=OrderStatus.DONE, at=1)),
            "KeyError",
        ),
    ],
)
def test_a_stream_that_cannot_be_folded_is_named_and_left_alone(record: EventRecord, why: str) -> None:
    book = Book()
    store = book.write(FULL)
    book.add("case:a", (), (record,))
    sql(store, "UPDATE streams SET stage = 'odd' WHERE stream = 'case:a'")
    result = rebuild(store, write=True)
    assert said(result) == [("case:a#4", "unreadable")] and result.unreadable == {"case:a": why}
    assert store.load(["case:a"])["case:a"].stage == "odd" and len(store.projection()["timers"]) == 1
