"""Read models from states: pure, so that `rebuild` makes the very same rows.

`moved` gives only what differs between two states. Events replace what they change and keep the
rest, so what is still the same object needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from liandong.app.ports import OrderRow, ParticipantRow, QueueRow, TimerRow
from liandong.core.values.alarm import AlarmState
from liandong.core.values.announcement import AnnouncementState
from liandong.core.values.case import LIVE, CaseState, Clock, Order, Participant, Timer
from liandong.core.values.graded import GradedState
from liandong.core.values.public_warning import WarningState
from liandong.core.values.resource import ResourceState
from liandong.core.values.response import ResponseState
from liandong.core.values.risk import RiskState
from liandong.core.values.score import ScoreState

#: Farther than any moment, so that one whole number puts the whole queue in order.
_UNTIMED = 1 << 60
_CLOSED = 1 << 62

#: Streams beside cases that wait for moments, by the type of their state.
_MATTERS: dict[type, str] = {
    WarningState: "warning", ResponseState: "response", ResourceState: "resource", AlarmState: "alarm",
    AnnouncementState: "announcement",
}  # fmt: skip
_Waiting = WarningState | ResponseState | ResourceState | AlarmState | AnnouncementState

ParticipantKey = tuple[str, str, str, str, int]


@dataclass(slots=True)
class Projection:
    """Columns of the stream row, and rows of orders, participants and timers."""

    columns: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    queue: dict[str, QueueRow] = field(default_factory=dict)
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
    if isinstance(state, GradedState) and state.report is not None:
        return dict(
            grouping=state.grouping, domain=state.report.hazard, area_path=state.area_path, mode=state.mode,
            stage="active" if state.active else "cleared", level=state.report.severity, updated=state.since,
        )  # fmt: skip
    if isinstance(state, RiskState):
        return dict(grouping=state.grouping, domain=state.hazard, level=state.level)
    if isinstance(state, AlarmState):
        # The grouping of the case it speaks to: that of a storm, where it has joined one.
        return dict(
            grouping=state.place or state.grouping,
            level=state.level or (state.risk.level if state.risk else ""),
            domain=state.hazard, area_path=state.area_path, mode=state.mode, stage=state.stage.value,
            updated=state.since,
        )  # fmt: skip
    if isinstance(state, AnnouncementState) and state.what is not None:
        return dict(
            area_path=state.area_path, unit=state.what.unit, mode=state.mode, stage=state.stage.value,
            opened=state.made, updated=state.what.until,
        )  # fmt: skip
    return _matter_columns(state)


def _matter_columns(state: Any) -> dict[str, Any]:
    """Of a warning, a response or a resource request."""
    if not isinstance(state, (WarningState, ResponseState, ResourceState)) or not state.id:
        return {}
    kept = dict(domain=state.hazard, area_path=state.area_path, mode=state.mode, stage=state.stage.value)
    if isinstance(state, WarningState):
        drafted = state.versions[0].drafted or state.versions[0].published if state.versions else 0
        return kept | dict(level=state.colour, opened=drafted, updated=state.lifted or drafted)
    if isinstance(state, ResponseState):
        asked = min((q.asked for q in state.questions.values()), default=state.since)
        return kept | dict(
            unit=state.unit, level=state.level, opened=asked, updated=state.ended or state.since or asked
        )
    return kept | dict(unit=state.unit, level=state.level, opened=state.opened, updated=state.opened)


def moved(before: Any, after: Any) -> Projection:
    """Rows that are new or changed since `before` (None = there was nothing)."""
    found = Projection()
    if isinstance(after, _Waiting):
        _timers(found, _name_of(after), before.timers if type(before) in _MATTERS else {}, after.timers)
    if not isinstance(after, CaseState):
        return found
    old = before if isinstance(before, CaseState) else CaseState()
    if after.orders is not old.orders or after.clocks is not old.clocks:
        changed = _orders_of_changed_clocks(old.clocks, after.clocks)
        for id, order in after.orders.items():
            if old.orders.get(id) is not order or id in changed:
                found.orders[id] = _order(after, order)
    place = queue_row(after)
    if not old.id or queue_row(old) != place:
        found.queue[after.id] = place
    if after.participants is not old.participants:
        for p in after.participants:
            if p not in old.participants:
                row = _participant(after.id, p)
                found.participants[row.case, row.part, row.unit, row.post, row.since] = row
    _timers(found, after.id, old.timers, after.timers)
    return found


def _timers(found: Projection, about: str, old: dict[str, Timer], new: dict[str, Timer]) -> None:
    if new is not old:
        found.timers = {id: _timer(about, timer) for id, timer in new.items() if old.get(id) != timer}
        found.timers_gone = set(old.keys() - new.keys())


def _name_of(state: _Waiting) -> str:
    """The whole name of the stream, as timers and deliveries of it say it."""
    id = state.grouping if isinstance(state, AlarmState) else state.id
    return f"{_MATTERS[type(state)]}:{id}"


def queue_row(case: CaseState) -> QueueRow:
    """A case's place in the queue: the sooner something is due, the further in front."""
    first: Clock | None = None
    for c in case.clocks.values():
        running = c.stopped is None and c.paused_at is None
        if running and (first is None or (c.due, c.key) < (first.due, first.key)):
            first = c
    waits = first.unit if first else next((o.unit for o in case.orders.values() if o.status in LIVE), "")
    return QueueRow(
        case=case.id, live=0 if case.over else 1, turn=turn_of(case, first), unit=case.lead, waits=waits,
        asset=case.asset, domain=case.hazard, area_path=case.area_path, mode=case.mode, level=case.level,
    )  # fmt: skip


def turn_of(case: CaseState, first: Clock | None) -> int:
    """Due moments, then what nothing is due for by age, then what is closed, the newest first."""
    if case.over:
        return _CLOSED - case.closed
    due = first.due if first else None
    for report in case.reports.values():
        if report.due is not None and (due is None or report.due < due):
            due = report.due
    return _UNTIMED + case.opened if due is None else due


def latest_turn(closed_since: int) -> int:
    """The last turn in the queue of what was closed since a moment; 0 = of what is live."""
    return _CLOSED - closed_since if closed_since else _CLOSED // 2


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
