"""常态证明: what holds only as long as city, rosters, channels and access stay as they are (P4, P5, P8, P15).

Proven again with every commit: a change that breaks one is refused, unless a named person overrides it with
a reason, which is journalled. And every night for the days ahead: what newly fails is journalled, and the
duty centre hears of it as it hears of a leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from liandong.app.handle import Handler
from liandong.app.logs import get_logger
from liandong.app.ports import Changes, Store
from liandong.app.selfwatch import SOURCE, messages
from liandong.app.writer import Admit, Books, Writer
from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.policy import Policy
from liandong.core.mechanism.proofs.catalogue import prove_standing
from liandong.core.mechanism.proofs.ground import Facts
from liandong.core.mechanism.proofs.opens import emitted
from liandong.core.values.errors import Busy, Conflict
from liandong.core.values.journal import EntryKind
from liandong.core.values.roster import Contact
from liandong.core.values.roster_events import RosterState
from liandong.core.values.times import DAY, HOUR

log = get_logger("standing")
STREAM = "system:standing"
RULE = "self.standing"
AHEAD_DAYS = 30
#: When nights are quiet: so long after local midnight.
_NIGHT = 2 * HOUR
_KNOWN = "standing.known"
#: What names a fault from one night to the next; moments and counts move.
_SAME = ("role", "unit", "post", "place", "asset", "person", "channel")
_roster = msgspec.json.Decoder(RosterState)


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A named person lets a change stand although it breaks what was proven."""

    person: str
    reason: str


class StandingRefused(Conflict):
    """A change would break standing proofs; `faults` says which."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("standing.refused", count=len(faults), proofs=counted(faults))


def proven(policy: Policy, now: int, contacts: tuple[Contact, ...] | None = None) -> tuple[Fault, ...]:
    """Every standing fault of a policy over the days ahead. Takes seconds for a large city."""
    facts = Facts(
        since=now, until=now + AHEAD_DAYS * DAY, contacts=contacts, channels=policy.channels,
        emitted=frozenset(emitted(policy.city, policy.rules.values(), policy.routing)) or None,
    )  # fmt: skip
    return prove_standing(policy.routing.mechanism, policy.city, facts)


def identity(fault: Fault) -> str:
    """What a fault is called from one night to the next."""
    said = [str(fault.witness.get(name, "")) for name in _SAME]
    return "/".join((fault.proof, fault.kind, *fault.rows, *said))


def counted(faults: Iterable[Fault]) -> str:
    """`P5 duty_nobody 3, P15 cannot_see 1`."""
    counts = Counter(f"{fault.proof} {fault.kind}" for fault in faults)
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def newly(before: Policy, after: Policy, now: int) -> tuple[Fault, ...]:
    """What a change breaks that was proven before it."""
    found = proven(after, now)
    known = {identity(fault) for fault in proven(before, now)} if found else set()
    return tuple(fault for fault in found if identity(fault) not in known)


def guard(handler: Handler, before: Policy, after: Policy, now: int, override: Override | None) -> None:
    """Let a change pass that breaks nothing, or that a named person answers for. Within `handler.begin`.

    The first version of a city breaks nothing that held; what it does not keep is said the next night.
    Raises StandingRefused.
    """
    if not before.versions.city:
        return
    broken = newly(before, after, now)
    if not broken:
        return
    if override is None or not override.person or not override.reason:
        raise StandingRefused(broken)
    handler.note(
        EntryKind.SYSTEM, STREAM, now, "standing.overridden", person=override.person, reason=override.reason,
        count=len(broken), proofs=counted(broken),
    )  # fmt: skip


class StandingWatch:
    """The nightly proof of one running city."""

    def __init__(self, store: Store, handler: Handler, writer: Writer) -> None:
        self._store, self._handler, self._writer = store, handler, writer
        self._next = 0

    def due(self, now: int) -> bool:
        """Whether a night has come since the last look; the first look is the first night."""
        if now < self._next:
            return False
        first = not self._next
        self._next = self._handler.policy.city.calendar.next_day(now) + _NIGHT
        return not first

    def look(self, now: int) -> tuple[Fault, ...]:
        """Prove the days ahead; journal and raise what newly fails. Not in the writer's thread."""
        policy = self._handler.policy
        found = proven(policy, now, self._contacts(policy))
        known = set(msgspec.json.decode(self._store.meta(_KNOWN) or "[]", type=list[str]))
        fresh = [fault for fault in found if identity(fault) not in known]
        names = {identity(fault) for fault in found}
        if fresh or names != known:
            self._keep(now, fresh, sorted(names))
        if fresh:
            log.warning("standing.broken", count=len(fresh), proofs=counted(fresh))
        if fresh or not found:
            for message in messages(policy, self._store, RULE, bool(found), float(len(found)), now):
                with suppress(Busy):  # then the next night says it
                    self._writer.submit(Admit(message, SOURCE)).result()
        return tuple(fresh)

    def _keep(self, now: int, fresh: list[Fault], names: list[str]) -> None:
        def keep(changes: Changes) -> None:
            changes.meta[_KNOWN] = msgspec.json.encode(names).decode()
            if fresh:
                self._handler.note(
                    EntryKind.SYSTEM, STREAM, now, "standing.broken", count=len(fresh), proofs=counted(fresh),
                    rows=", ".join(dict.fromkeys(row for fault in fresh for row in fault.rows)),
                )  # fmt: skip

        self._writer.submit(Books(keep)).result()

    def _contacts(self, policy: Policy) -> tuple[Contact, ...]:
        """Everybody, with what the last ring of each came to; who was never rung is taken to be reachable."""
        rung = [
            contact
            for row in self._store.states("roster")
            if row.body is not None
            for contact in _roster.decode(row.body).contacts
        ]
        known = {contact.person for contact in rung}
        never = policy.city.persons | {d.person for d in policy.city.city.duties}
        never |= {d.deputy for d in policy.city.city.duties if d.deputy}
        return (*rung, *(Contact(person=person, channel="") for person in sorted(never - known)))
