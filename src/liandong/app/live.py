"""Tells whoever listens that something happened: positions and ids, never what it was.

One thread reads what the writer has committed, once for all listeners, with what decides who may
know of it. Each listener filters for itself, so that a scope is never applied for somebody else.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from liandong.app.announcements import may_see as may_see_announcement
from liandong.app.authority import MATTERS, facts_of
from liandong.app.logs import get_logger
from liandong.app.ports import CaseFacts, Changes, Mark, ParticipantRow, Store, StreamRow
from liandong.core.values.access import AccessScope
from liandong.core.values.errors import Busy
from liandong.core.values.lists import Capability, Participation

log = get_logger("live")
#: Streams whose entries are told; of all others nobody who listens has a page.
KINDS = ("case", "score", "shift", "roster", "alarm", "announcement", *MATTERS)
#: Entries that one read fetches.
PAGE = 1_000
#: Who is further behind is told to load everything anew, which is then less work for both.
MOST_BEHIND = 20_000
MOST_PER_SESSION = 6


@dataclass(frozen=True, slots=True)
class Happened:
    """Something about one thing, at a position of the journal; several entries of one read are one."""

    position: int
    kind: str
    id: str
    now: int
    facts: CaseFacts | None  #: of what it is about: case, alarm, announcement, warning …


@dataclass(frozen=True, slots=True)
class Said:
    """Something that is not in the journal and is not kept: who is late does not hear of it."""

    event: str
    case: str
    session: str = ""  #: only for this one
    data: dict[str, str] = field(default_factory=dict)
    facts: CaseFacts | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found in one read, up to a position."""

    upto: int
    happened: tuple[Happened, ...] = ()
    said: tuple[Said, ...] = ()


@dataclass(eq=False)
class Listener:
    """Whoever is told. `deliver` and `close` come from the reader's thread and must not wait."""

    session: str  #: digest of the session or token it belongs to
    deliver: Callable[[Batch], None]
    close: Callable[[str], None]  #: with the key of the reason
    account: str = ""
    start: int = 0  #: everything after this position is delivered


class Live:
    """The reader and its listeners. A writer that commits wakes it; it never asks in vain."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._said: list[Said] = []
        self._position = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def committed(self, changes: Changes) -> None:
        """In the writer's thread: there may be something to tell."""
        if self._listeners and changes.entries:
            self._wake.set()

    def news(self) -> None:
        """Another process may have committed."""
        if self._listeners:
            self._wake.set()

    def say(self, said: Said) -> None:
        """Tell something that is not in the journal."""
        with self._lock:
            if not self._listeners:
                return  # and nobody reads it either until somebody listens
            self._said.append(said)
        self._wake.set()

    # Listening.

    def listen(self, listener: Listener) -> Listener:
        """From now on deliver everything after `listener.start`, which is set. Raises Busy where the
        session listens too often already, and once the platform stops."""
        with self._lock:
            if self._closed:
                raise Busy("live.shutdown", retry_after=1)
            open_now = Counter(one.session for one in self._listeners)
            if open_now[listener.session] >= MOST_PER_SESSION:
                raise Busy("live.too_many_streams", most=MOST_PER_SESSION, retry_after=10)
            if not self._listeners:
                self._position = self._store.last_position()
            listener.start = self._position
            self._listeners.add(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
        self._wake.set()  # what was committed between reading the position and listening
        return listener

    def leave(self, listener: Listener) -> None:
        """Deliver no more."""
        with self._lock:
            self._listeners.discard(listener)

    def end(self, session: str, account: str = "") -> None:
        """Close what a session listens to, or everything of an account."""
        for one in self._all():
            if one.session == session or (account and one.account == account):
                one.close("auth.expired")

    def close(self, wait: bool = True) -> None:
        """Tell everybody that it is over, and stop reading."""
        with self._lock:
            self._closed = True
        self._wake.set()
        for one in self._all():
            one.close("live.shutdown")
        if wait and self._thread is not None:
            self._thread.join(5)

    def listening(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def missed(self, after: int, upto: int) -> Iterator[Batch]:
        """What lies between two positions, page by page, for whoever comes back."""
        while after < upto:
            marks = [m for m in self._store.marks(after, PAGE, KINDS) if m.position <= upto]
            full = len(marks) == PAGE
            after = marks[-1].position if full else upto
            yield Batch(after, self._with_facts(marks))

    # Reading.

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closed:
                return
            try:
                self._read()
            except Exception as error:  # the store may be closing; the next commit tries again
                log.error("live.failed", error)

    def _read(self) -> None:
        """Everything committed since the last read, and what was said meanwhile."""
        with self._lock:
            said, self._said = self._said, []
            if not self._listeners:
                return
        if said:
            self._deliver(Batch(self._position, (), tuple(self._said_with_facts(said))))
        while not self._closed:
            last = self._store.last_position()
            marks = self._store.marks(self._position, PAGE, KINDS)
            full = len(marks) == PAGE
            upto = marks[-1].position if full else max([last, *(mark.position for mark in marks)])
            if upto > self._position:
                self._deliver(Batch(upto, self._with_facts(marks)))
            if not full:
                return

    def _deliver(self, batch: Batch) -> None:
        with self._lock:
            self._position = max(self._position, batch.upto)
            listeners = list(self._listeners)
        for one in listeners:
            one.deliver(batch)

    def _all(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)

    def _with_facts(self, marks: Sequence[Mark]) -> tuple[Happened, ...]:
        """One for each thing, at its newest position; its earliest moment, so that whoever leaves a case
        in this very read still hears of it."""
        newest: dict[tuple[str, str], Mark] = {}
        earliest: dict[tuple[str, str], int] = {}
        for mark in marks:
            kind, _, id = mark.stream.partition(":")
            newest[kind, id] = mark
            earliest.setdefault((kind, id), mark.now)
        facts = self._facts(newest)
        found = [
            Happened(mark.position, kind, id, earliest[kind, id], facts.get((kind, id)))
            for (kind, id), mark in newest.items()
        ]
        return tuple(sorted(found, key=lambda one: one.position))

    def _facts(self, things: Collection[tuple[str, str]]) -> dict[tuple[str, str], CaseFacts]:
        """Of things by kind and id what decides who may know of them; a few questions for all of them."""
        of: dict[str, list[str]] = defaultdict(list)
        for kind, id in things:
            of["case" if kind == "score" else kind].append(id)
        cases = self._store.case_facts(sorted(set(of["case"]))) if of["case"] else {}
        alarms = self._store.alarm_facts(of["alarm"]) if of["alarm"] else {}
        beside = [f"{kind}:{id}" for kind in ("announcement", *MATTERS) for id in of[kind]]
        rows = self._store.load(beside).values() if beside else ()
        matters = facts_of(row for row in rows if row.kind in MATTERS)
        announced = {row.stream: _facts_of_announcement(row) for row in rows if row.kind == "announcement"}
        found = {(kind, id): facts for kind in ("case", "score") for id, facts in cases.items()}
        found |= {("alarm", id): facts for id, facts in alarms.items()}
        for stream, facts in (matters | announced).items():
            kind, _, id = stream.partition(":")
            found[kind, id] = facts
        return found

    def _said_with_facts(self, said: Sequence[Said]) -> Iterator[Said]:
        facts = self._store.case_facts(sorted({one.case for one in said if one.case}))
        for one in said:
            yield Said(one.event, one.case, one.session, one.data, facts.get(one.case))


def _facts_of_announcement(row: StreamRow) -> CaseFacts:
    """Its unit takes part in it."""
    unit = ParticipantRow(case=row.stream, part=Participation.LEAD, unit=row.unit, post="", since=0, until=0)
    return CaseFacts(domain=row.domain, area_path=row.area_path, mode=row.mode, participants=(unit,))


def may_know(scope: AccessScope, kind: str, id: str, facts: CaseFacts | None, since: int) -> bool:
    """Whether a scope covers what happened; the rule of `stores/_sql/scope.py`, a test compares them.

    `since` is the moment of what happened: whoever took part then is told, also of its own leaving.
    """
    if kind == "shift":
        return id == scope.post != ""
    if kind == "roster":
        return id == scope.unit != ""
    if facts is None:
        return False
    if kind == "announcement":
        unit = facts.participants[0].unit if facts.participants else ""
        return may_see_announcement(scope, unit, facts.area_path, facts.mode)
    wanted = Capability.SCORE_READ if kind == "score" else Capability.CASE_READ
    if scope.covers(wanted, facts.domain, facts.area_path, facts.mode):
        return True
    return kind in ("case", "alarm", *MATTERS) and takes_part(scope, facts, since)


def takes_part(scope: AccessScope, facts: CaseFacts, since: int) -> bool:
    """Whether the post or its unit takes part in the case, or did at `since`.

    What happened may be newer than the scope: whoever had left by then is not told.
    """
    return any(
        p.since <= max(scope.now, since)
        and (not p.until or p.until >= since)
        and (p.post == scope.post != "" or p.unit == scope.unit != "")
        for p in facts.participants
    )
