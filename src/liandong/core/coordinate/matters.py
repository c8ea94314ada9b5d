"""What deciding about a warning, a response or a resource has in common: who may, who is told, when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.resolve import Resolved, centre_of, person_for, resolve, unit_of_role
from liandong.core.values.case import CaseState, Timer
from liandong.core.values.city import Post
from liandong.core.values.decision import Decision, Deliver, Param, because, nothing, refuse
from liandong.core.values.ids import make_id
from liandong.core.values.lists import EscalationKind, Mode, UnitKind
from liandong.core.values.matter import (
    MatterEscalated,
    MatterReceived,
    Receipt,
    Sending,
    SendingReported,
)
from liandong.core.values.messages import DeliveryReported
from liandong.core.values.times import SECOND

#: Receiver of what goes to everybody over a channel of its own (broadcast, SMS to an area, web page).
PUBLIC = "public"
#: What a text that is delivered says: keys and numbers, no words of a person.
Said = dict[str, Param]


class Matter:
    """A decision being made: each event is applied to a copy, so that the next one sees it."""

    def __init__(
        self,
        policy: Policy,
        state: Any,
        stream: str,
        evolve: Callable[[Any, Any], Any],
        now: int,
        place: CaseState,
    ) -> None:
        self.policy, self.state, self.stream, self.now = policy, state, stream, now
        #: Where roles are asked for: no case, but the rows' axes of one.
        self.place = place
        self._evolve = evolve
        self._events: list[Any] = []
        self._effects: list[Deliver] = []

    def add(self, event: Any) -> None:
        """An event happens."""
        self._events.append(event)
        self.state = self._evolve(self.state, event)

    def done(self, key: str, **params: Param) -> Decision:
        """The finished decision."""
        return Decision(tuple(self._events), tuple(self._effects), because(key, **params), after=self.state)

    def id(self, kind: str, *parts: str | int) -> str:
        """An id of this city, mode and stream."""
        return make_id(kind, self.policy.city.key, self.place.mode, self.stream, *parts)

    # Who.

    def unit(self, role: str) -> str:
        """The unit that a role means here; empty where there is none."""
        return unit_of_role(self.policy, self.place, role) if role else ""

    def units(self, roles: Iterable[str]) -> tuple[str, ...]:
        """The units of some roles, each once."""
        return tuple(dict.fromkeys(unit for role in roles if (unit := self.unit(role))))

    def leader(self, unit: str) -> Resolved:
        """The leader on duty of a unit, else its duty post; the centre, with the reason, where nobody is."""
        found = person_for(self.policy, unit, self.now, leader=True) if unit else None
        found = found or (person_for(self.policy, unit, self.now) if unit else None)
        return found or resolve(self.policy, self.place, "centre", self.now)

    def duty(self, role: str) -> Resolved:
        """Who is on duty for a role; the centre, with the reason, where nobody is."""
        return resolve(self.policy, self.place, role, self.now)

    def centre(self) -> Resolved:
        """Who is on duty at the monitoring centre."""
        return self.duty("centre")

    # Telling.

    def tell(self, order: str, to: str, template: str, /, **params: Param) -> None:
        """Tell a person over every channel of the policy."""
        for channel in self.policy.channels if to else ():
            self._over(channel, order, to, template, params)

    def _over(self, channel: str, order: str, to: str, template: str, params: Said) -> None:
        self._effects.append(
            Deliver(
                order=order, case=self.stream, recipient=to, channel=channel, template=template, params=params
            )
        )  # fmt: skip

    def send(self, sendings: Iterable[Sending], template: str, /, **params: Param) -> None:
        """Carry out sendings under their own names, each over its own channel."""
        for one in sendings:
            self._over(one.channel, one.order, one.recipient, template, params)

    def sendings(
        self, channels: Iterable[str], roles: Iterable[str], number: int
    ) -> tuple[tuple[Sending, ...], tuple[str, ...]]:
        """One sending to everybody for each channel and one for each role and channel of the policy; and the
        roles that nobody fills."""
        found = [
            Sending(order=self.id("ntc", PUBLIC, number), recipient=PUBLIC, channel=channel, number=number)
            for channel in channels
        ]
        nobody = []
        for role in dict.fromkeys(roles):
            unit = self.unit(role)
            to = person_for(self.policy, unit, self.now) if unit else None
            if to is None:
                nobody.append(role)
                continue
            order = self.id("ntc", unit, number)
            known = {one.order for one in found}
            found += [
                Sending(order=order, recipient=to.person, unit=unit, channel=channel, number=number)
                for channel in self.policy.channels
                if order not in known
            ]
        return tuple(found), tuple(nobody)

    def call_out(self, timer: Timer | None, about: str, template: str, again: tuple[Timer, ...] = ()) -> None:
        """平台报警: nobody who should act has; the platform tells the centre and puts it on record."""
        to = self.centre()
        self.add(
            MatterEscalated(
                stream=self.stream, timer=timer.id if timer else "", moment=timer.moment if timer else "",
                kind=EscalationKind.NOTIFY, about=about, unit="", post=to.post, person=to.person,
                fallback=to.fallback, alarm=True, overdue=True, at=self.now, timers=again,
            )
        )  # fmt: skip
        self.tell(
            self.id("ntc", "alarm", about, self.now), to.person, template, hazard=self.place.hazard,
            area=self.place.area,
        )  # fmt: skip

    def escalate(
        self, timer: Timer, kind: EscalationKind, to: Resolved, template: str,
        again: tuple[Timer, ...] | None = None, /, **params: Param,
    ) -> None:  # fmt: skip
        """Tell somebody that a moment has come, and put it on record. `again` (perhaps none) are the moments
        that follow it once the limit has passed; without it the limit still runs."""
        self.add(
            MatterEscalated(
                stream=self.stream, timer=timer.id, moment=timer.moment, kind=kind, about=timer.clock,
                unit=to.unit, post=to.post, person=to.person, fallback=to.fallback,
                overdue=again is not None, at=self.now, timers=again or (),
            )
        )  # fmt: skip
        self.tell(self.id("ntc", timer.id), to.person, template, **params)

    # Moments.

    def timer(self, clock: str, moment: str, due: int) -> Timer:
        """A moment at which the stream is woken."""
        return Timer(id=self.id("tmr", clock, moment, due), clock=clock, moment=moment, due=due)

    def clock(self, clock: str, limit_s: float | None) -> tuple[int | None, tuple[Timer, ...]]:
        """When a limit that begins now ends, with its two moments: half of it, and when it is due."""
        if limit_s is None:
            return None, ()
        due = self.now + round(limit_s * SECOND)
        half = self.now + round(limit_s * SECOND / 2)
        return due, (self.timer(clock, "half", half), self.timer(clock, "due", due))


def place_of(
    policy: Policy, hazard: str, area: str, mode: Mode, level: str = "", asset: str = ""
) -> CaseState:
    """Where roles are asked for, as a case would say it."""
    return CaseState(
        hazard=hazard, area=area, area_path=policy.city.area_path(area), mode=mode, level=level, asset=asset
    )


def acts_for(policy: Policy, person: str, post: str, units: Iterable[str], now: int) -> str:
    """The unit among these for which the person acts as this post now; empty where for none."""
    found = policy.city.posts.get(post)
    if found is None or found.unit not in units or not policy.city.holds(person, post, now):
        return ""
    return found.unit


def leads(policy: Policy, person: str, post: str, units: Iterable[str], now: int) -> str:
    """The unit among these for which the person decides as this post: as its leader on duty, or, where a unit
    has no such post or nobody is at it, as its duty post."""
    unit = acts_for(policy, person, post, units, now)
    decides = deciding_post(policy, unit, now) if unit else None
    return unit if decides is not None and decides.key == post else ""


def deciding_post(policy: Policy, unit: str, now: int) -> Post | None:
    """The post that decides for a unit now."""
    leader = policy.city.leader_post(unit)
    if leader is not None and policy.city.on_duty(leader.key, now) is not None:
        return leader
    return policy.city.duty_post(unit) or leader


def unit_of_post(policy: Policy, post: str) -> str:
    """The unit of a post; empty where it is unknown."""
    found = policy.city.posts.get(post)
    return found.unit if found else ""


def contractor(policy: Policy, post: str, action: str) -> Decision | None:
    """The refusal for a contractor: publishing, requisition and deciding are never its to do."""
    unit = policy.city.units.get(unit_of_post(policy, post))
    if unit is not None and unit.kind == UnitKind.CONTRACTOR:
        return refuse("power.contractor", unit=unit.key, action=action)
    return None


def not_yours(action: str, role: str, unit: str) -> Decision:
    """Not this post's to do, with who would have to; 未规定 where the rows leave it open."""
    if not role:
        return refuse("power.unset", action=action)
    return refuse("power.not_yours", action=action, needed=unit or role)


def receive(matter: Matter, message: Any, units: Iterable[str], number: int) -> Decision:
    """收讫: somebody of a unit that was told confirms it; twice changes nothing."""
    unit = acts_for(matter.policy, message.person, message.post, units, matter.now)
    if not unit:
        return refuse("power.not_told", post=message.post)
    if any((r.unit, r.number) == (unit, number) for r in matter.state.receipts):
        return nothing("power.received_before", unit=unit)
    receipt = Receipt(unit=unit, number=number, person=message.person, post=message.post, at=matter.now)
    matter.add(MatterReceived(stream=matter.stream, receipt=receipt))
    return matter.done("power.received", unit=unit)


def report(matter: Matter, message: DeliveryReported) -> Decision:
    """送达: one attempt has ended; it makes no act stale."""
    matter.add(
        SendingReported(
            stream=matter.stream, order=message.order, attempt=message.attempt, number=message.number,
            recipient=message.recipient, channel=message.channel, outcome=message.outcome, at=matter.now,
        )
    )  # fmt: skip
    return matter.done(f"delivery.{message.outcome.value}", channel=message.channel)


def undelivered(state: Any, number: int) -> tuple[Sending, ...]:
    """What of a version has not reached its receiver: failed, or nobody knows; not what is on its way."""
    return tuple(
        one
        for one in state.sendings.values()
        if one.number == number and one.outcome in ("failed", "unknown")
    )


def is_centre(policy: Policy, unit: str) -> bool:
    """Whether a unit is the monitoring centre."""
    return bool(unit) and unit == centre_of(policy)
