"""审计: proves from the journal alone that every escalation due did happen, in time and to the right person.

A moment of a case (a reminder, a call, a review date) is a timer that some event set. It may go in two
ways: it fires, or what it waited for happened before. Everything else is a finding:

- `missed`: its time passed and nothing fired, or it fired later than the grace allows;
- `early`: it fired before its time;
- `silent`: it fired, and neither an escalation nor a call came of it;
- `wrong_person`: whom it reached was not on duty at that post, or the post is not the one that the row says;
- `untold`: no channel has delivered it within the grace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from liandong.core.coordinate.calls import AGAIN
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import centre_of, unit_of_role
from liandong.core.values.case import CaseState, Order, Timer
from liandong.core.values.case_events import DeliveryRecorded, Escalated, TimerSpent
from liandong.core.values.case_fold import CASE_EVENTS, evolve_case
from liandong.core.values.events import read_event
from liandong.core.values.journal import Entry, Versions
from liandong.core.values.lists import Outcome
from liandong.core.values.rows import EscalationRow
from liandong.core.values.times import MINUTE
from liandong.core.values.urging_events import CallPlaced, CallUnanswered

#: How much later than its moment something may happen: ticks come every second, a restart takes some.
GRACE = 2 * MINUTE
#: How long a delivery may take, with the repeats that its channel allows.
DELIVERY_GRACE = 10 * MINUTE
_CASE = tuple(CASE_EVENTS)
#: Reasons with which a moment may rightly come to nothing.
_NOTHING = ("timer.row_gone",)
#: Moments that are no escalation.
_PLAIN = ("due", "pause_end", "review_date")
PolicyOf = Callable[[Versions], Policy]


class AuditFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One escalation that did not happen as it should have."""

    kind: str  #: missed, early, silent, wrong_person, untold
    case: str
    moment: str  #: row of the mechanism, or `due`
    due: int
    at: int | None = None  #: when it happened, None = never
    person: str = ""
    why: str = ""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit came to."""

    cases: int = 0
    moments: int = 0  #: that fell due while what they waited for had not happened
    happened: int = 0
    called_off: int = 0  #: what they waited for happened before
    waiting: int = 0  #: in the future
    told: int = 0  #: escalations and calls that a channel has delivered
    latest_us: int = 0  #: the most that one came after its moment
    findings: tuple[AuditFinding, ...] = ()


class CaseAudit:
    """Walks through one case, entry by entry."""

    def __init__(self, policy_of: PolicyOf) -> None:
        self._policy_of = policy_of
        self.state = self._before = CaseState()
        self.findings: list[AuditFinding] = []
        self.moments = self.happened = self.called_off = self.told = self.latest = 0
        #: Timer → when it was set: a reminder whose moment had passed by then is due at once.
        self.born: dict[str, int] = {}
        #: (order, person) → (told at, moment), of escalations that no channel has delivered yet.
        self.untold: dict[tuple[str, str], tuple[int, str]] = {}

    def walk(self, entries: Iterable[Entry]) -> None:
        """Every entry of a case's stream, in order."""
        for entry in entries:
            self._entry(entry)

    def end(self, now: int) -> None:
        """What is left at the end: overdue moments that nobody met, and news that reached nobody."""
        for timer in self.state.timers.values():
            if self._wanted(timer) + GRACE < now:
                self._find("missed", timer.moment, timer.due)
        for (_, person), (at, moment) in self.untold.items():
            if at + DELIVERY_GRACE < now:
                self._find("untold", moment, at, person=person)

    @property
    def waiting(self) -> int:
        """Moments that have not come."""
        return len(self.state.timers)

    def _entry(self, entry: Entry) -> None:
        self._before = self.state
        before = self.state.timers
        events = [read_event(record) for record in entry.events]
        for event in events:
            if isinstance(event, _CASE):
                self.state = evolve_case(self.state, event)
        for id in self.state.timers.keys() - before.keys():
            self.born[id] = entry.now
        spent = {event.timer for event in events if isinstance(event, TimerSpent)}
        for id in spent:
            if id in before:
                self._fired(before[id], entry, events)
        for id, timer in before.items():
            if id not in spent and id not in self.state.timers:
                self._gone(timer, entry.now)
        self._reached(entry, events)
        for event in events:
            if isinstance(event, DeliveryRecorded) and event.outcome == Outcome.DELIVERED:
                self.told += self.untold.pop((event.order, event.recipient), None) is not None

    def _fired(self, timer: Timer, entry: Entry, events: list[Any]) -> None:
        self.moments += 1
        self.happened += 1
        due = self._wanted(timer)
        self.latest = max(self.latest, entry.now - due)
        # A call that nobody answered brings the next row forward: that one is before its time by design.
        unanswered = any(isinstance(event, CallUnanswered) for event in events)
        if entry.now < timer.due and not unanswered:
            self._find("early", timer.moment, timer.due, entry.now)
        if entry.now > due + GRACE:
            self._find("missed", timer.moment, timer.due, entry.now, why="late")
        if timer.moment in _PLAIN or (entry.reason and entry.reason.key in _NOTHING):
            return
        again = timer.moment.startswith(AGAIN)
        row = timer.moment.removeprefix(AGAIN).rpartition(":")[0] if again else timer.moment
        done = any(isinstance(event, (Escalated, CallPlaced)) and event.row == row for event in events)
        if not done and not unanswered:
            self._find("silent", timer.moment, timer.due, entry.now)

    def _wanted(self, timer: Timer) -> int:
        """When a moment was to be met: its time, or when it was set where that had passed by then."""
        return max(timer.due, self.born.get(timer.id, timer.due))

    def _gone(self, timer: Timer, now: int) -> None:
        """Its reason went away; if that was after its time had come, it should have fired before."""
        if self._wanted(timer) + GRACE < now:
            self.moments += 1
            self._find("missed", timer.moment, timer.due)
        else:
            self.called_off += 1

    def _reached(self, entry: Entry, events: list[Any]) -> None:
        """Who was told, and whether it is the one that the row names."""
        for event in events:
            if not isinstance(event, (Escalated, CallPlaced)):
                continue
            policy = self._policy_of(entry.versions)
            row = policy.routing.escalation(event.row)
            id = event.order or self._order_of(event)
            order = self.state.orders.get(id)
            if row is not None and order is not None:
                why = wrong(policy, self.state, order, row, event, entry.now)
                if why:
                    self._find("wrong_person", event.row, entry.now, entry.now, event.person, why)
            if any((effect.recipient, effect.order) == (event.person, id) for effect in entry.effects):
                self.untold[id, event.person] = (entry.now, event.row)
            elif event.person:
                self._find("silent", event.row, entry.now, entry.now, event.person, "not told")

    def _order_of(self, event: Escalated | CallPlaced) -> str:
        """The order of an escalation from the time before it named one."""
        clock = self._before.clocks.get(event.clock) if isinstance(event, Escalated) else None
        return clock.order if clock else ""

    def _find(
        self, kind: str, moment: str, due: int, at: int | None = None, person: str = "", why: str = ""
    ) -> None:
        self.findings.append(
            AuditFinding(kind=kind, case=self.state.id, moment=moment, due=due, at=at, person=person, why=why)
        )


def wrong(
    policy: Policy, case: CaseState, order: Order, row: EscalationRow, event: Escalated | CallPlaced, now: int
) -> str:
    """Why a person is not the one that a row names, in a word; empty where it is.

    Asked of the city alone, not of what made the decision: who was on duty, whose post it is, which unit
    the role means. Somebody else is right only where a reason is given, and then it is the centre.
    """
    city = policy.city
    post = city.posts.get(event.post)
    if event.fallback:
        at_centre = event.unit in (centre_of(policy), order.unit)
        return "" if at_centre else "fallback is not the centre"
    if not event.person or post is None:
        return "nobody"
    if post.unit != event.unit:
        return "post of another unit"
    role = row.role or "actor"
    on_duty = city.on_duty(event.post, now)
    there = city.holds(event.person, event.post, now) or (
        on_duty is not None and event.person in (on_duty.person, on_duty.deputy)
    )
    if role in ("actor", "deputy"):
        mine = (order.person, order.deputy)
        return "" if event.unit == order.unit and (event.person in mine or there) else "not the actor"
    if not there:
        return "not on duty"
    wanted = {"leader": order.unit, "superior": city.superior(order.unit)}.get(role)
    unit = wanted if wanted is not None else unit_of_role(policy, case, role, now)
    if event.unit != unit:
        return f"unit is not {role}"
    return "no leader" if role == "leader" and not post.leader else ""


def audit_cases(cases: Iterable[tuple[str, Iterator[Entry]]], policy_of: PolicyOf, now: int) -> AuditReport:
    """Audit cases, each as (id, its entries in order), up to a moment."""
    found: list[AuditFinding] = []
    sums = dict.fromkeys(("cases", "moments", "happened", "called_off", "waiting", "told"), 0)
    latest = 0
    for _, entries in cases:
        audit = CaseAudit(policy_of)
        audit.walk(entries)
        audit.end(now)
        sums["cases"] += 1
        for name in ("moments", "happened", "called_off", "waiting", "told"):
            sums[name] += getattr(audit, name)
        latest = max(latest, audit.latest)
        found += audit.findings
    return AuditReport(**sums, latest_us=latest, findings=tuple(found))
