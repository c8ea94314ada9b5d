"""Read models follow from the state alone, and what moved between two states is all that differs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from liandong.app.project import columns, moved, project
from liandong.app.writer import Admit, Tick, Writer
from liandong.core.values.case import CaseState
from liandong.core.values.events import AGGREGATES, evolve, kind_of, read_event
from liandong.core.values.journal import read_entry
from liandong.core.values.lists import Action
from liandong.core.values.times import HOUR, MINUTE
from liandong.stores.memory import open_memory
from tests.app.machine import (
    CHANNELS,
    START,
    act,
    cases,
    finding,
    later,
    live_orders,
    make_writer,
    next_act,
    write,
)


@pytest.fixture(scope="module")
def lived() -> Writer:
    """Cases with returns, hand-overs, pauses, overdue clocks, take-overs and an end."""
    writer = make_writer(open_memory())
    write(writer, Admit(finding(CHANNELS[0], START), "s"), Admit(finding(CHANNELS[2], START, high=True), "s"))
    for number in range(40):
        writer.now += 7 * MINUTE
        for case in cases(writer.store):
            for order in live_orders(case)[:1]:
                special = {
                    5: dict(action=Action.RETURN, reason="not_our_duty"),
                    9: dict(action=Action.HAND_OVER, to=order.deputy),
                    13: dict(action=Action.PAUSE, reason="road_closure"),
                    15: dict(action=Action.RESUME),
                }.get(number)
                made = next_act(case, order, f"n{number}{case.id}")
                if special:
                    action: Any = special.pop("action")
                    made = act(case, action, order.person, order.post, f"s{number}{case.id}", **special)
                if made is not None and number % 2:
                    write(writer, Admit(made, made.person))
        if number % 4 == 0:
            write(writer, Tick(writer.now + 3 * HOUR // 4))
    write(writer, Admit(later(finding(CHANNELS[0], START), "ended", writer.now), "s"))
    return writer


def histories(writer: Writer) -> list[list[CaseState]]:
    """Every state that each case went through, by entry, folded from the journal."""
    found = []
    for row in writer.store.states("case"):
        state: Any = AGGREGATES[kind_of(row.stream)][0]
        states = []
        for stored in writer.store.entries_of(row.stream):
            for record in read_entry(stored.body).events:
                state = evolve(row.stream, state, read_event(record))
            states.append(state)
        found.append(states)
    return found


def test_the_story_has_everything_in_it(lived: Writer) -> None:
    said = {e.type for r in lived.store.entries(0, 10_000) for e in read_entry(r.body).events}
    wanted = {"OrderIssued", "OrderStatusChanged", "ClockPaused", "ClockResumed", "ClockOverdue", "Escalated"}
    assert wanted <= said


def test_what_moved_adds_up_to_the_whole(lived: Writer) -> None:
    for states in histories(lived):
        orders: dict[Any, Any] = {}
        people: dict[Any, Any] = {}
        timers: dict[Any, Any] = {}
        queue: dict[Any, Any] = {}
        before: CaseState | None = None
        for state in states:
            step = moved(before, state)
            orders |= step.orders
            people |= step.participants
            queue |= step.queue
            for gone in step.timers_gone:
                timers.pop(gone, None)
            timers |= step.timers
            whole = project("case:x", state)
            assert (orders, queue, people, timers) == (
                whole.orders, whole.queue, whole.participants, whole.timers
            )  # fmt: skip
            before = state


def test_nothing_moves_between_equal_states(lived: Writer) -> None:
    for states in histories(lived):
        last = states[-1]
        found = moved(last, last)
        assert not (found.orders or found.queue or found.participants or found.timers or found.timers_gone)


def test_a_state_read_from_the_store_projects_the_same(lived: Writer) -> None:
    for states in histories(lived):
        copy = msgspec.json.decode(msgspec.json.encode(states[-1]), type=CaseState)
        assert project("case:x", copy) == project("case:x", states[-1])
        assert columns(copy) == columns(states[-1])


def test_rows_say_what_lists_and_scopes_ask_for(lived: Writer) -> None:
    for states in histories(lived):
        for case in states:
            found = project("case:x", case)
            row = found.columns
            assert (row["domain"], row["area_path"], row["stage"]) == (
                case.hazard,
                case.area_path,
                case.stage.value,
            )
            assert row["updated"] >= row["opened"] == case.opened
            for order in found.orders.values():
                mine = case.orders[order.id]
                left = [s.action for s in mine.steps if s.action not in mine.done]
                assert order.action == (left[0].value if left else "")
                running = {c.due for c in case.clocks.values() if c.order == order.id and c.stopped is None}
                assert order.due is None or order.due in running
            assert {t.due for t in found.timers.values()} == {t.due for t in case.timers.values()}
            assert len(found.participants) == len(
                {(p.part, p.unit, p.post, p.since) for p in case.participants}
            )


def test_streams_without_a_read_model_have_none() -> None:
    found = project("admission:x", None)
    assert not (found.columns or found.orders or found.participants or found.timers)
