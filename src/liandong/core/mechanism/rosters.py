"""值班漏洞: every moment, weeks ahead, at which a unit that must act would not be answered by somebody.

Standing proof P5 of the mechanism: a post, a person on duty and a working channel at every moment of the
next 30 days. Exact over spans of time, never sampled: a gap of one second is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from liandong.core.values.city import CityIndex, Post
from liandong.core.values.lists import HoleKind
from liandong.core.values.roster import Contact, Duty
from liandong.core.values.spans import Span, Spans, both, minus, overlaps, union
from liandong.core.values.times import DAY

#: How far rosters are looked at, unless somebody says otherwise (P5).
AHEAD = 30 * DAY


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """Why, from when until when, a post of a unit is not answered as it must be."""

    unit: str
    post: str  #: empty where the unit has none
    start: int
    end: int
    why: HoleKind
    person: str = ""  #: whom it is about
    other: str = ""  #: for two watches at once: the other post


def acting_units(city: CityIndex) -> tuple[str, ...]:
    """Units with a post that answers around the clock: whoever has one is counted on."""
    return tuple(sorted({post.unit for post in city.posts.values() if post.duty}))


def holes(
    city: CityIndex,
    units: Iterable[str],
    start: int,
    end: int,
    contacts: Iterable[Contact] | None = None,
) -> list[Hole]:
    """Every hole of these units between two moments, by unit, post and time.

    `contacts` are the ways to reach people; a person without one that works cannot be reached. None means
    that nothing is known about them, and nothing is said. A person on two watches is found across all
    units of the city, and said at each of these units.
    """
    reach = None if contacts is None else _reach(contacts)
    wanted = tuple(dict.fromkeys(units))
    look = _Look(city, wanted, (start, end), reach)
    found = [hole for unit in wanted for hole in look.unit(unit)]
    return sorted(found, key=lambda h: (h.unit, h.post, h.start, h.end, h.why, h.person, h.other))


def _reach(contacts: Iterable[Contact]) -> Mapping[str, bool]:
    """Person → whether any of their channels works."""
    reach: dict[str, bool] = {}
    for contact in contacts:
        reach[contact.person] = reach.get(contact.person, False) or contact.works
    return reach


class _Look:
    """One look at the rosters of some units over one period."""

    def __init__(
        self, city: CityIndex, units: Sequence[str], period: Span, reach: Mapping[str, bool] | None
    ) -> None:
        self.city, self.roster, self.period, self.reach = city, city.roster, period, reach
        self._employed = _employed(city)
        self._doubles = self._two_watches([post for unit in units for post in self._posts(unit)])

    def unit(self, unit: str) -> Iterator[Hole]:
        answering = self.city.duty_posts(unit)
        if not answering:
            yield Hole(unit=unit, post="", start=self.period[0], end=self.period[1], why=HoleKind.NO_POST)
        for post in self._posts(unit):
            yield from self._post(post)

    def _posts(self, unit: str) -> list[Post]:
        """Posts of a unit that are looked at: those around the clock, and those of leaders on duty."""
        leaders = [post for post in self.city.leader_posts(unit) if not post.duty]
        return [*self.city.duty_posts(unit), *leaders]

    def _post(self, post: Post) -> Iterator[Hole]:
        rows = self._rows(post.key)
        if self.roster.watches_of(post.key):
            filled = union((duty.start, duty.end) for duty in rows)
            yield from self._said(post, minus((self.period,), filled), HoleKind.NOBODY)
            for duty in rows:
                yield from self._duty(post, duty, rows)
            yield from self._doubles.get(post.key, ())
        else:
            yield from self._held(post)

    def _rows(self, post: str) -> list[Duty]:
        """Duties of a post that touch the period, of all its watches."""
        start, end = self.period
        return [
            duty
            for watch in self.roster.watches_of(post)
            for duty in self.roster.rows(post, watch)
            if duty.start < end and start < duty.end
        ]

    def _duty(self, post: Post, duty: Duty, rows: Sequence[Duty]) -> Iterator[Hole]:
        """What is wrong with one duty: who has it, and who stands in."""
        span = self._within((duty.start, duty.end))
        away = both(span, self._away(duty.person))
        yield from self._said(post, away, HoleKind.LEAVE, duty.person)
        yield from self._said(post, minus(span, self._employed_at(duty.person)), HoleKind.GONE, duty.person)
        people = (duty.person, duty.deputy) if duty.deputy not in ("", duty.person) else (duty.person,)
        if self.reach is not None:
            for person in people:
                if not self.reach.get(person, False):
                    yield from self._said(post, span, HoleKind.NO_CHANNEL, person)
        # Whoever is away has already handed on to the deputy: that is said once, as a leave.
        alone = minus(minus(span, self._stand_in(duty, rows)), away)
        yield from self._said(post, alone, HoleKind.NO_DEPUTY, duty.person)

    def _stand_in(self, duty: Duty, rows: Sequence[Duty]) -> Spans:
        """Moments at which somebody else could take over: the deputy, or another watch of the post."""
        found: list[Span] = []
        if duty.deputy and duty.deputy != duty.person:
            found += minus(minus(((duty.start, duty.end),), self._away(duty.deputy)), self._gone(duty.deputy))
        for other in rows:
            if other.watch != duty.watch and other.person != duty.person:
                found += minus(((other.start, other.end),), self._away(other.person))
        return union(found)

    def _held(self, post: Post) -> Iterator[Hole]:
        """A post without a roster is answered by who holds it, around the clock and alone."""
        present: dict[str, Spans] = defaultdict(tuple)
        for holding in self.roster.holdings(post.key):
            until = holding.until or max(self.period[1], holding.since)
            spans = self._within((holding.since, until))
            free = minus(spans, self._away(holding.person))
            present[holding.person] = union((*present[holding.person], *free))
            if self.reach is not None and not self.reach.get(holding.person, False):
                yield from self._said(post, spans, HoleKind.NO_CHANNEL, holding.person)
        someone = union(span for spans in present.values() for span in spans)
        yield from self._said(post, minus((self.period,), someone), HoleKind.NOBODY)
        if post.duty:
            every = [span for spans in present.values() for span in spans]
            two = union(shared for _, _, shared in overlaps(every))
            for person, spans in present.items():
                yield from self._said(post, minus(spans, two), HoleKind.NO_DEPUTY, person)

    def _two_watches(self, posts: Iterable[Post]) -> dict[str, list[Hole]]:
        """Post → moments at which one of its people is on another watch, too, wherever that is."""
        people = {duty.person for post in posts for duty in self._rows(post.key)}
        by_person: dict[str, list[Duty]] = defaultdict(list)
        for key in self.city.posts:
            for duty in self._rows(key):
                if duty.person in people:
                    by_person[duty.person].append(duty)
        found: dict[str, list[Hole]] = defaultdict(list)
        for person, duties in by_person.items():
            for one, two, span in overlaps([(duty.start, duty.end) for duty in duties]):
                pair = (duties[one].post, duties[two].post)
                for mine, other in dict.fromkeys((pair, pair[::-1])):
                    found[mine] += self._said(
                        self.city.posts[mine], self._within(span), HoleKind.DOUBLE, person, other
                    )
        return found

    # Spans.

    def _within(self, span: Span) -> Spans:
        start, end = max(span[0], self.period[0]), min(span[1], self.period[1])
        return ((start, end),) if start < end else ()

    def _away(self, person: str) -> Spans:
        return union((leave.start, leave.end) for leave in self.roster.leaves(person))

    def _employed_at(self, person: str) -> Spans:
        """When somebody holds any post; who was never appointed to one is on the roster's word alone."""
        return self._employed.get(person, (self.period,))

    def _gone(self, person: str) -> Spans:
        return minus((self.period,), self._employed_at(person))

    def _said(
        self, post: Post, spans: Iterable[Span], why: HoleKind, person: str = "", other: str = ""
    ) -> Iterator[Hole]:
        for span in spans:
            for start, end in self._within(span):
                yield Hole(
                    unit=post.unit, post=post.key, start=start, end=end, why=why, person=person, other=other
                )


def _employed(city: CityIndex) -> dict[str, Spans]:
    """Person → when they hold any post at all."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for post in city.posts:
        for holding in city.roster.holdings(post):
            spans[holding.person].append((holding.since, holding.until or _FOR_EVER))
    return {person: union(found) for person, found in spans.items()}


#: An open end: later than any moment that is asked about.
_FOR_EVER = 2**62
