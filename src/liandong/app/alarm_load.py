"""告警负荷: alarms told per hour, duty officer and shift, against what a person can manage, and what would
have to give to keep to it. Counted from the journal.

The yardstick is ANSI/ISA-18.2 and EEMUA 191 (about 6 an hour manageable, 12 at most; trust K): they speak of
alarms shown to one operator. An alarm counts for each post that got an order because of it; one that joined
the case of a storm rang nobody and is counted apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from liandong.app.ports import Store
from liandong.core.mechanism.policy import Policy
from liandong.core.values.alarm import AlertRaised
from liandong.core.values.alarm_terms import AlarmTerms
from liandong.core.values.case import LIVE, CaseState
from liandong.core.values.case_events import CaseOpened, OrderIssued
from liandong.core.values.errors import BadInput
from liandong.core.values.events import EventRecord, read_event
from liandong.core.values.journal import Entry, EntryKind, read_entry
from liandong.core.values.times import DAY, HOUR

#: Longest stretch that one question may ask for.
LONGEST = 31 * DAY
_PAGE = 5_000
_NEEDED = (AlertRaised.__name__, CaseOpened.__name__, OrderIssued.__name__)
_case = msgspec.json.Decoder(CaseState)


@dataclass(frozen=True)
class Told:
    """One alarm told to one post."""

    at: int
    post: str
    rule: str
    sensor: str


@dataclass(frozen=True)
class Shift:
    """One duty officer's shift, as far as it lies in what was asked for."""

    post: str
    person: str  #: empty where no roster says who
    start: int
    end: int


@dataclass(frozen=True)
class Giver:
    """A rule at a sensor, and how many alarms it told in hours with more than can be managed."""

    rule: str
    sensor: str
    alarms: int
    needed: bool  #: it has to give: those before it do not make up the excess


@dataclass
class ShiftLoad:
    """What one shift was told."""

    shift: Shift
    hours: int
    alarms: int = 0
    worst: int = 0  #: alarms of its worst hour
    above: float = 0.0  #: share of its hours with more than can be managed
    above_most: float = 0.0  #: share of its hours with more than the most that can be managed
    excess: float = 0.0  #: alarms beyond what can be managed, over all hours
    givers: tuple[Giver, ...] = ()


@dataclass
class Load:
    """Every shift that was told anything, and the alarms that rang nobody because a storm gathered them."""

    shifts: list[ShiftLoad] = field(default_factory=list)
    gathered: int = 0


class AlarmLoads:
    """Answers from the journal of a store."""

    def __init__(self, store: Store, policy: Callable[[], Policy]) -> None:
        self._store, self._policy = store, policy

    def load(self, since: int, until: int, post: str = "") -> Load:
        """The load of every shift, or of one post's, between two moments. Raises BadInput for more than
        31 days."""
        if not 0 < until - since <= LONGEST:
            raise BadInput("alarm.load_span", days=LONGEST // DAY)
        policy = self._policy()
        told, gathered = self._told(policy, since, until)
        mine = [one for one in told if not post or one.post == post]

        def shift_of(one: Told) -> Shift:
            duty = policy.city.duties_around(one.post, one.at)[1]
            if duty is None:
                return Shift(one.post, "", since, until)
            return Shift(one.post, duty.person, max(duty.start, since), min(duty.end, until))

        return Load(loads_of(mine, shift_of, policy.alarm_terms), gathered)

    def _told(self, policy: Policy, since: int, until: int) -> tuple[list[Told], int]:
        told: list[Told] = []
        gathered = 0
        entries = self._entries(since, until)
        for _, group in groupby(entries, key=lambda entry: (entry.admission, entry.now)):
            same = list(group)
            found = [event for entry in same for event in _events(entry)]
            opened = {e.grouping: e.case for e in found if isinstance(e, CaseOpened)}
            posts: dict[str, list[str]] = defaultdict(list)
            for order in (e for e in found if isinstance(e, OrderIssued)):
                posts[order.case].append(order.post)
            for raised in (e for e in found if isinstance(e, AlertRaised)):
                key = raised.place or raised.grouping
                if key in opened:
                    receivers = posts[opened[key]]
                elif raised.place:
                    gathered += 1
                    continue
                else:
                    receivers = self._holders(key)
                channel = policy.city.channels.get(raised.detail.channel)
                told += [
                    Told(same[0].now, post, raised.detail.rule, channel.sensor if channel else "")
                    for post in dict.fromkeys(receivers)
                ]
        return told, gathered

    def _entries(self, since: int, until: int) -> Iterator[Entry]:
        """Decisions of a stretch of time that hold what is counted; time never goes back in the journal."""
        after = self._position(since)
        while rows := self._store.entries(after, _PAGE, (EntryKind.DECISION,)):
            after = rows[-1].position
            for row in rows:
                if row.now >= until:
                    return
                if any(name.encode() in row.body for name in _NEEDED):
                    yield read_entry(row.body)

    def _position(self, at: int) -> int:
        """The position before the first entry at or after a moment, found by halving."""
        low, high = 0, self._store.last_position()
        while low < high:
            middle = (low + high) // 2
            row = self._store.entries(middle, 1)
            if row and row[0].now < at:
                low = middle + 1
            else:
                high = middle
        return low

    def _holders(self, grouping: str) -> list[str]:
        """Posts with work in the newest case of a grouping, which an alarm of it has joined."""
        row = self._store.latest("case", grouping)
        if row is None or row.body is None:
            return []
        return [order.post for order in _case.decode(row.body).orders.values() if order.status in LIVE]


def _events(entry: Entry) -> Iterator[AlertRaised | CaseOpened | OrderIssued]:
    wanted: Iterable[EventRecord] = (record for record in entry.events if record.type in _NEEDED)
    for record in wanted:
        yield read_event(record)


def loads_of(told: Iterable[Told], shift_of: Callable[[Told], Shift], terms: AlarmTerms) -> list[ShiftLoad]:
    """Alarms by shift, hour by hour from its start; the heaviest shift first."""
    by_shift: dict[Shift, list[Told]] = defaultdict(list)
    for one in told:
        by_shift[shift_of(one)].append(one)
    loads = [_load(shift, alarms, terms) for shift, alarms in by_shift.items()]
    return sorted(loads, key=lambda load: (-load.excess, -load.alarms, load.shift.post, load.shift.start))


def _load(shift: Shift, told: list[Told], terms: AlarmTerms) -> ShiftLoad:
    hours = max(1, -(-(shift.end - shift.start) // HOUR))
    by_hour = Counter((one.at - shift.start) // HOUR for one in told)
    over = {hour for hour, count in by_hour.items() if count > terms.manageable}
    excess = sum(by_hour[hour] - terms.manageable for hour in over)
    sources = Counter((one.rule, one.sensor) for one in told if (one.at - shift.start) // HOUR in over)
    givers: list[Giver] = []
    given = 0
    for (rule, sensor), count in sorted(sources.items(), key=lambda item: (-item[1], item[0])):
        givers.append(Giver(rule, sensor, count, needed=given < excess))
        given += count
    return ShiftLoad(
        shift=shift, hours=hours, alarms=len(told), worst=max(by_hour.values()), above=len(over) / hours,
        above_most=sum(count > terms.most for count in by_hour.values()) / hours, excess=excess,
        givers=tuple(givers),
    )  # fmt: skip
