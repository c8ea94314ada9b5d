"""Look-ups over appointments and rosters: who is on duty, who holds what, when a person is on watch.

Moments are microseconds UTC; a duty holds from its start until just before its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import copy

import msgspec

from liandong.core.values.lists import Watch
from liandong.core.values.roster import Duty, Holding, Leave, OnDuty, PostsMoved, Swap

replace = msgspec.structs.replace
_WATCHES = tuple(Watch)


class RosterIndex:
    """Appointments, duties and leaves, with the swaps applied. Never changed once it is built."""

    def __init__(
        self,
        holdings: Iterable[Holding] = (),
        duties: Iterable[Duty] = (),
        swaps: Iterable[Swap] = (),
        leaves: Iterable[Leave] = (),
    ) -> None:
        self._duties: dict[str, dict[Watch, list[Duty]]] = {}
        for duty in sorted(duties, key=lambda d: (d.post, d.start, d.person)):
            self._duties.setdefault(duty.post, {}).setdefault(duty.watch, []).append(duty)
        self._starts = {(post, watch): [duty.start for duty in rows] for post, watch, rows in self._watches()}
        self._holdings: dict[str, list[Holding]] = defaultdict(list)
        for holding in holdings:
            self._holdings[holding.post].append(holding)
        self._leaves: dict[str, list[Leave]] = defaultdict(list)
        for leave in leaves:
            self._leaves[leave.person].append(leave)
        self.idle: tuple[Swap, ...] = ()  #: swaps whose duty the roster does not have
        self._take(swaps)

    def changed(self, changes: Iterable[Swap | PostsMoved]) -> RosterIndex:
        """This roster after what was agreed, in the order in which it was agreed."""
        made = copy(self)
        # A change names a duty by its start and leaves that as it is, so the starts are shared.
        made._duties = {post: dict(watches) for post, watches in self._duties.items()}
        made._holdings = defaultdict(list, self._holdings)
        made._take(changes)
        return made

    def _take(self, changes: Iterable[Swap | PostsMoved]) -> None:
        """Put changes into lists of one's own; lists that are shared stay as they are."""
        for change in sorted(changes, key=lambda c: c.at):
            if isinstance(change, PostsMoved):
                for post in change.posts:
                    self._holdings[post] = moved_holdings(self._holdings.get(post, []), post, change)
                    for watch, rows in self._duties.get(post, {}).items():
                        self._duties[post][watch] = [moved_duty(duty, change) for duty in rows]
                continue
            rows = self._duties.get(change.post, {}).get(change.watch, [])
            made = swapped(rows, change) if change.signed else None
            if made is None:
                self.idle += (change,)
            else:
                self._duties[change.post][change.watch] = made

    def _watches(self) -> Iterator[tuple[str, Watch, list[Duty]]]:
        for post, watches in self._duties.items():
            for watch, rows in watches.items():
                yield post, watch, rows

    # On duty.

    def on_duty(self, post: str, now: int) -> OnDuty | None:
        """Who is on duty for a post at a moment: the roster first, else who holds the post.

        Of several watches the first that is filled answers: main, second, leader. For somebody who is away
        the deputy stands in; where nobody else is left, the one on the roster is named all the same.
        """
        filled = [duty for watch in self.watches_of(post) if (duty := self.around(post, watch, now)[1])]
        for duty in filled:
            if not self.away(duty.person, now):
                return OnDuty(post, duty.person, duty.deputy)
            if duty.deputy and not self.away(duty.deputy, now):
                return OnDuty(post, duty.deputy)
        held = [holding.person for holding in self._holdings.get(post, []) if _holds(holding, now)]
        present = [person for person in held if not self.away(person, now)]
        if present or not filled:
            person = next(iter(present or held), "")
            return OnDuty(post, person) if person else None
        return OnDuty(post, filled[0].person, filled[0].deputy)

    def duties_around(self, post: str, now: int) -> tuple[Duty | None, Duty | None, Duty | None]:
        """The duty before, the one of this moment, and the next one, as far as the roster goes.

        Of several watches it is the one that answers, else the first that the roster has.
        """
        around = [self.around(post, watch, now) for watch in self.watches_of(post)]
        if not around:
            return None, None, None
        return next((found for found in around if found[1] is not None), around[0])

    def around(self, post: str, watch: Watch, now: int) -> tuple[Duty | None, Duty | None, Duty | None]:
        """As `duties_around`, of one watch."""
        rows = self._duties.get(post, {}).get(watch, [])
        at = bisect_right(self._starts.get((post, watch), []), now) - 1
        current = rows[at] if at >= 0 and now < rows[at].end else None
        before = at - 1 if current else at
        return (
            rows[before] if before >= 0 else None,
            current,
            rows[at + 1] if at + 1 < len(rows) else None,
        )

    def watches_of(self, post: str) -> tuple[Watch, ...]:
        """The watches for which the roster has any row of a post."""
        found = self._duties.get(post, {})
        return tuple(watch for watch in _WATCHES if watch in found) if found else ()

    def rows(self, post: str, watch: Watch) -> Sequence[Duty]:
        """Every duty of one watch, by its beginning."""
        return self._duties.get(post, {}).get(watch, ())

    def duties_of(self, person: str, start: int, end: int) -> list[Duty]:
        """Every duty that a person has at some moment of a period, in whatever post, by its beginning."""
        found = [
            duty
            for _, _, rows in self._watches()
            for duty in rows
            if duty.person == person and duty.start < end and start < duty.end
        ]
        return sorted(found, key=lambda duty: (duty.start, duty.post))

    # Appointments.

    def holds(self, person: str, post: str, now: int) -> bool:
        """True where the person holds the post now, by appointment, roster or as deputy on duty."""
        if not person:
            return False
        if any(h.person == person and _holds(h, now) for h in self._holdings.get(post, [])):
            return True
        filled = (self.around(post, watch, now)[1] for watch in self.watches_of(post))
        return any(duty is not None and person in (duty.person, duty.deputy) for duty in filled)

    def holdings(self, post: str) -> Sequence[Holding]:
        """Every appointment to a post."""
        return self._holdings.get(post, ())

    def leaves(self, person: str) -> Sequence[Leave]:
        """When a person is away."""
        return self._leaves.get(person, ())

    def away(self, person: str, now: int) -> bool:
        """Whether a person is away at a moment."""
        return any(leave.start <= now < leave.end for leave in self._leaves.get(person, ()))


def swapped(duties: Sequence[Duty], swap: Swap) -> list[Duty] | None:
    """The duties after a swap; None where the giver does not have that duty.

    Whoever was the deputy and now has the duty is not their own deputy: then there is none.
    """
    for place, duty in enumerate(duties):
        named = (duty.post, duty.watch, duty.start, duty.person)
        if named == (swap.post, swap.watch, swap.start, swap.giver):
            deputy = "" if duty.deputy == swap.taker else duty.deputy
            made = list(duties)
            made[place] = replace(duty, person=swap.taker, deputy=deputy)
            return made
    return None


def moved_holdings(holdings: Sequence[Holding], post: str, change: PostsMoved) -> list[Holding]:
    """Appointments to a post that went over: the giver's end then, the taker's begins."""
    kept: list[Holding] = []
    for row in holdings:
        if row.person != change.giver or (row.until and row.until <= change.since):
            kept.append(row)
        elif row.since < change.since:
            kept.append(replace(row, until=change.since))
    return [*kept, Holding(post=post, person=change.taker, since=change.since)]


def moved_duty(duty: Duty, change: PostsMoved) -> Duty:
    """A duty of a post that went over. A watch that runs at that moment is still finished."""
    if duty.start < change.since:
        return duty
    person = change.taker if duty.person == change.giver else duty.person
    deputy = change.taker if duty.deputy == change.giver else duty.deputy
    return replace(duty, person=person, deputy="" if deputy == person else deputy)


def _holds(holding: Holding, now: int) -> bool:
    return holding.since <= now and (not holding.until or now < holding.until)
