"""Feeding the admission log again: the same messages at the same moments must give the same journal.

The second determinism of CONTRACTS 1. Decisions are made anew in a store of their own and compared
with the stored ones byte by byte; nothing is ever written back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from liandong.app.handle import Handler, read_message
from liandong.app.policies import empty_policy, policy_of
from liandong.app.ports import Changes, Store
from liandong.core.values.journal import Entry, EntryKind, JournalRow, read_entry
from liandong.core.values.messages import PolicyCommitted

_PAGE = 2_000
_GROUP = 200
#: What replay makes again. Accesses and platform facts are not decided, so they are not.
REPLAYED = (EntryKind.ADMISSION, EntryKind.DECISION, EntryKind.DELIVERY)


@dataclass
class Replayed:
    """What a replay came to."""

    admitted: int = 0
    compared: int = 0
    differences: list[str] = field(default_factory=list)  #: `stream#sequence` of entries that differ


def replay(source: Store, into: Store) -> Replayed:
    """Replay everything that `source` admitted into an empty store and compare entry by entry."""
    result = Replayed()
    first = next(_admissions(source), None)
    if first is None:
        return result
    handler = Handler(into, empty_policy(source.meta("city") or "empty", first[1].mode), first[0].algorithm)
    handler.begin()
    for count, (row, entry) in enumerate(_admissions(source), start=1):
        assert entry.message is not None
        message = read_message(entry.message)
        handler.admit(message, row.stream.partition(":")[2], entry.now)
        result.admitted += 1
        if isinstance(message, PolicyCommitted):
            _take_policy(handler, source, into, message)
        if count % _GROUP == 0:
            into.commit(handler.take())
            handler.begin()
    into.commit(handler.take())
    _compare(source, into, result)
    return result


def _admissions(store: Store) -> Iterator[tuple[JournalRow, Entry]]:
    after = 0
    while rows := store.entries(after, _PAGE, (EntryKind.ADMISSION,)):
        after = rows[-1].position
        for row in rows:
            yield row, read_entry(row.body)


def _take_policy(handler: Handler, source: Store, into: Store, message: PolicyCommitted) -> None:
    """From here on the new version is in force, as it was then."""
    into.commit(handler.take())
    datasets = {
        digest: (kind, body)
        for kind, digest in (
            ("city", message.city_digest),
            ("rules", message.rules_digest),
            ("mechanism", message.mechanism_digest),
        )
        if (body := source.dataset(digest)) is not None
    }
    into.commit(Changes(datasets=datasets))
    handler.policy = policy_of(into, message, handler.policy.mode)
    handler.begin()


def _compare(source: Store, into: Store, result: Replayed) -> None:
    """Every replayed entry against the stored one of the same stream and sequence."""
    made = {(row.stream, row.sequence): row for row in _rows(into)}
    for row in _rows(source):
        other = made.pop((row.stream, row.sequence), None)
        result.compared += 1
        if other is None or (other.body, other.hash) != (row.body, row.hash):
            result.differences.append(f"{row.stream}#{row.sequence}")
    result.differences += [f"{stream}#{sequence}" for stream, sequence in sorted(made)]


def _rows(store: Store) -> Iterator[JournalRow]:
    after = 0
    while rows := store.entries(after, _PAGE, REPLAYED):
        after = rows[-1].position
        yield from rows
