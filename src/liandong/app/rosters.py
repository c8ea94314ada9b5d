"""A unit's roster as its people use it: who is on, who comes, what was agreed, whom to ring, what lacks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from liandong.app.access import Access
from liandong.app.handle import Answer, Handler
from liandong.app.ports import Store
from liandong.app.writer import Admit, Writer
from liandong.core.coordinate.rosters import people_of
from liandong.core.mechanism.rings import PlannedRing, dead, ring_plan, rings_due
from liandong.core.mechanism.rosters import AHEAD, Hole, holes
from liandong.core.values.access import AccessScope
from liandong.core.values.city import CityIndex, Post
from liandong.core.values.errors import BadInput, Forbidden, NotFound
from liandong.core.values.ids import act_id
from liandong.core.values.lists import RingOutcome, Watch
from liandong.core.values.roster import Contact, Duty, OnDuty
from liandong.core.values.roster_events import (
    AnswerProposal,
    Exchange,
    ProposeMove,
    ProposeSwap,
    ReportRing,
    RosterMessage,
    RosterState,
)
from liandong.core.values.times import DAY

_state = msgspec.json.Decoder(RosterState)
#: The channel of the table of persons; every contact has it until a ring says otherwise.
PHONE = "phone"
_MOST_ITEMS = 62


@dataclass(frozen=True, slots=True)
class WatchNow:
    """One watch of a post: who is on by the roster, and the duties of the days ahead."""

    watch: Watch
    current: Duty | None
    ahead: Sequence[Duty]


@dataclass(frozen=True, slots=True)
class PostNow:
    """One post of the unit: who answers now, watch by watch what comes, whom it wakes from which level."""

    post: Post
    answers: OnDuty | None
    watches: Sequence[WatchNow]
    wakes: Sequence[tuple[str, str]]  #: (level, post)


@dataclass(frozen=True, slots=True)
class RosterNow:
    """The roster of a unit at a moment."""

    unit: str
    now: int
    city: CityIndex
    state: RosterState
    posts: Sequence[PostNow]
    holes: Sequence[Hole]
    due: Sequence[PlannedRing]
    dead: Sequence[Contact]


class Rosters:
    """Asks and writes about rosters. Who acts as a post sees the own unit's; superiors and the centre see
    those below them."""

    def __init__(self, store: Store, handler: Handler, writer: Writer, access: Access) -> None:
        self._store, self._handler, self._writer, self._access = store, handler, writer, access

    def now(self, scope: AccessScope, unit: str = "", days: int = 7) -> RosterNow:
        """The roster of a unit and what is wrong with it in the next 30 days. Raises NotFound, Forbidden."""
        unit = self._unit(scope, unit)
        city, now = self._handler.policy.city, self._writer.now
        state = self.state(unit)
        contacts = self.contacts(unit, state)
        plan = self._plan(city, contacts, now)
        posts = [*city.duty_posts(unit), *(p for p in city.leader_posts(unit) if not p.duty)]
        return RosterNow(
            unit=unit, now=now, city=city, state=state,
            posts=[_post_now(city, post, now, now + days * DAY) for post in posts],
            holes=holes(city, (unit,), now, now + AHEAD, contacts), due=rings_due(plan, contacts, now),
            dead=dead(contacts),
        )  # fmt: skip

    def state(self, unit: str) -> RosterState:
        """What was agreed and rung in a unit."""
        row = self._store.load([f"roster:{unit}"]).get(f"roster:{unit}")
        return RosterState() if row is None or row.body is None else _state.decode(row.body)

    def contacts(self, unit: str, state: RosterState) -> list[Contact]:
        """Every person of the unit with the telephone at least, and what the last ring of each came to."""
        known = {(one.person, one.channel): one for one in state.contacts}
        for person in sorted(people_of(self._handler.policy.city, unit)):
            known.setdefault((person, PHONE), Contact(person=person, channel=PHONE))
        return list(known.values())

    def _plan(self, city: CityIndex, contacts: Sequence[Contact], now: int) -> tuple[PlannedRing, ...]:
        month = city.calendar.at(now).date[:7]
        try:
            return ring_plan(city.calendar, [(one.person, one.channel) for one in contacts], month)
        except ValueError:
            return ()  # a month without a working day has no rings

    # Writing.

    def propose_swap(self, scope: AccessScope, items: Sequence[Exchange], key: str) -> Future[Answer]:
        """The first signature under a swap."""
        unit = self._unit(scope, "")
        if not 0 < len(items) <= _MOST_ITEMS:
            raise BadInput("roster.items", most=_MOST_ITEMS)
        made = ProposeSwap(id=self._id(scope, unit, key), unit=unit, person=scope.person, items=tuple(items))
        return self._admit(scope, made)

    def propose_move(self, scope: AccessScope, taker: str, since: int, key: str) -> Future[Answer]:
        """The first signature under the hand-over of all that a person answers for in the unit."""
        unit = self._unit(scope, "")
        return self._admit(
            scope,
            ProposeMove(
                id=self._id(scope, unit, key), unit=unit, person=scope.person, taker=taker, since=since
            ),
        )

    def answer(
        self, scope: AccessScope, proposal: str, agree: bool, key: str, unit: str = ""
    ) -> Future[Answer]:
        """The second signature, or none. Who takes posts over may still sit in another unit."""
        if not scope.person or not scope.post:
            raise Forbidden("shift.no_post")
        unit = unit or scope.unit
        if unit not in self._handler.policy.city.units:
            raise NotFound("roster.unknown_unit", unit=unit[:64])
        made = AnswerProposal(
            id=self._id(scope, unit, key), unit=unit, person=scope.person, proposal=proposal, agree=agree
        )
        return self._admit(scope, made)

    def ring(
        self,
        scope: AccessScope,
        unit: str,
        person: str,
        channel: str,
        at: int,
        outcome: RingOutcome,
        key: str,
    ) -> Future[Answer]:
        """What a ring came to."""
        unit = self._unit(scope, unit)
        made = ReportRing(
            id=self._id(scope, unit, key), unit=unit, by=scope.person, person=person, channel=channel, at=at,
            outcome=outcome,
        )  # fmt: skip
        return self._admit(scope, made)

    def _admit(self, scope: AccessScope, message: RosterMessage) -> Future[Answer]:
        return self._writer.submit(Admit(message, scope.person))

    def _id(self, scope: AccessScope, unit: str, key: str) -> str:
        if not key or len(key) > 200:
            raise BadInput("act.no_key")
        policy = self._handler.policy
        return act_id(policy.city.key, policy.mode, scope.person, f"roster:{unit}", key)

    def _unit(self, scope: AccessScope, unit: str) -> str:
        """The unit that is asked about, the own one where none is named."""
        if not scope.post or not scope.person:
            self._access.note(scope, "access.no_shift")
            raise Forbidden("shift.no_post")
        city = self._handler.policy.city
        own, centre = city.units.get(scope.unit), self._handler.policy.routing.mechanism.centre
        above = own is not None and (
            centre in (own.key, f"city:{own.function}") or city.is_superior(own.key, unit)
        )
        if unit in ("", scope.unit):
            return scope.unit
        if unit not in city.units or not above:
            self._access.note(scope, "access.outside_unit", unit=unit if unit in city.units else "?")
            raise NotFound("roster.unknown_unit", unit=unit[:64])
        return unit


def _post_now(city: CityIndex, post: Post, now: int, until: int) -> PostNow:
    watches = []
    for watch in city.roster.watches_of(post.key):
        current = city.roster.around(post.key, watch, now)[1]
        rows = city.roster.rows(post.key, watch)
        ahead = [duty for duty in rows if now < duty.start < until]
        watches.append(WatchNow(watch, current, ahead))
    wakes = [(row.level, row.whom) for row in city.city.wakes if row.post == post.key]
    return PostNow(post, city.on_duty(post.key, now), watches, wakes)
