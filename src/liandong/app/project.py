"""Read models from states: pure, so that `rebuild` makes the very same rows.

`moved` gives only what differs between two states. Events replace what they change and keep the
rest, so what is still the same object needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from liandong.app.ports import OrderRow, ParticipantRow, TimerRow
from liandong.core.values.alarm import AlarmState
from liandong.core.values.case import CaseState, Clock, Order, Participant, Timer
from liandong.core.values.risk import RiskState
from liandong.core.values.score import ScoreState

ParticipantKey = tuple[str, str, str, str, int]


@dataclass
class Projection:
    """Columns of the stream row, and rows of orders, participants and timers."""

    columns: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    participants: dict[ParticipantKey, ParticipantRow] = field(default_factory=dict)
    timers: dict[str, TimerRow] = field(default_factory=dict)
    timers_gone: set[str] = field(default_factory=set)


_encoder = msgspec.json.Encoder()


def state_bytes(state: Any) -> bytes:
    """A state as it is cached. Mappings keep the order of their events, because steps walk them in it:
    a state that was stored and loaded must decide exactly as the one that never left memory."""
    return _encoder.encode(state)


def project(stream: str, state: Any) -> Projection:
    """The whole read model of one stream."""
    found = moved(None, state)
    found.columns = columns(state)
    return found


def columns(state: Any) -> dict[str, Any]:
    """What lists and scopes select on."""
    if isinstance(state, CaseState):
        return dict(
            grouping=state.grouping, ordinal=state.ordinal, domain=state.hazard, area_path=state.area_path,
            unit=state.lead, mode=state.mode, stage=state.stage.value, level=state.level, opened=state.opened,
            updated=state.closed or max(state.done.values(), default=state.opened),
            cause=state.cause.value if state.cause else "",
        )  # fmt: skip
    if isinstance(state, ScoreState) and state.score is not None:
        s = state.score
        return dict(
            domain=s.hazard, area_path=s.area_path, unit=s.lead, mode=s.mode, level=s.level, opened=s.opened,
            updated=s.closed, cause=s.cause.value,
        )  # fmt: skip
    if isinstance(state, RiskState):
        return dict(grouping=state.grouping, domain=state.hazard, level=state.level)
    if isinstance(state, AlarmState):
        return dict(grouping=state.grouping, level=state.level, stage="active" if state.active else "clear")
    return {}


def moved(before: Any, after: Any) -> Projection:
    """Rows that are new or changed since `before` (None = there was nothing)."""
    found = Projection()
    if not isinstance(after, CaseState):
        return found
    old = before if isinstance(before, CaseState) else CaseState()
    if after.orders is not old.orders or after.clocks is not old.clocks:
        changed = _orders_of_changed_clocks(old.clocks, after.clocks)
        for id, order in after.orders.items():
            if old.orders.get(id) is not order or id in changed:
                found.orders[id] = _order(after, order)
    if after.participants is not old.participants:
        for p in after.participants:
            if p not in old.participants:
                row = _participant(after.id, p)
                found.participants[row.case, row.part, row.unit, row.post, row.since] = row
    if after.timers is not old.timers:
        found.timers = {
            id: _timer(after.id, timer) for id, timer in after.timers.items() if old.timers.get(id) != timer
        }
        found.timers_gone = old.timers.keys() - after.timers.keys()
    return found


def _orders_of_changed_clocks(old: dict[str, Clock], new: dict[str, Clock]) -> set[str]:
    changed = set()
    for key, clock in new.items():
        before = old.get(key)
        if before is not clock:
            changed.add(clock.order)
            if before is not None:
                changed.add(before.order)
    return changed


def _participant(case: str, p: Participant) -> ParticipantRow:
    return ParticipantRow(
        case=case, part=p.part.value, unit=p.unit, post=p.post, since=p.since, until=p.until
    )


def _timer(case: str, timer: Timer) -> TimerRow:
    return TimerRow(id=timer.id, case=case, due=timer.due)


def _order(case: CaseState, order: Order) -> OrderRow:
    """An order with its next step and when that is due."""
    action = next((step.action for step in order.steps if step.action not in order.done), None)
    due = None
    if action is not None:
        for clock in case.clocks.values():
            if clock.order == order.id and clock.stopped is None and clock.action == action:
                due = clock.due
                break
    return OrderRow(
        id=order.id, case=case.id, unit=order.unit, post=order.post, person=order.person, deputy=order.deputy,
        action=action.value if action else "", status=order.status.value, round=order.round,
        issued=order.issued, due=due, domain=case.hazard, area_path=case.area_path, mode=case.mode,
    )  # fmt: skip
