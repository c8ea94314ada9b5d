"""`liandong rebuild`: state is a cache. The journal is folded anew and must give what is stored.

Nothing is decided again: the events hold every number, and `evolve` chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from liandong.app.ports import Changes, OrderRow, ParticipantRow, Store, StreamRow, TimerRow
from liandong.app.project import ParticipantKey, Projection, project, state_bytes
from liandong.core.values.errors import Broken
from liandong.core.values.events import AGGREGATES, evolve, kind_of, read_event
from liandong.core.values.journal import GENESIS, Entry, JournalRow, read_entry

_PAGE = 2_000
_WRITE = 500
Project = Callable[[str, Any], Projection]


@dataclass(frozen=True)
class Difference:
    """Something stored that the journal does not give."""

    where: str  #: stream, or `orders:id`, `participants:case part unit post since`, `timers:id`
    field: str  #: name of the field or column; `missing`, `extra` or `unreadable` for the whole


@dataclass
class Rebuilt:
    """What folding came to."""

    streams: int = 0
    entries: int = 0
    events: int = 0
    differences: list[Difference] = field(default_factory=list)
    written: int = 0  #: streams whose stored state was replaced
    #: Streams with an entry or event that this program cannot read; their states are left as they are.
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 where the stored state is what the journal gives, 1 otherwise."""
        return 1 if self.differences else 0


@dataclass
class _Folded:
    sequence: int = 0
    hash: str = GENESIS
    state: Any = None


def rebuild(store: Store, write: bool = False, project: Project = project) -> Rebuilt:
    """Fold the journal and compare states and read models; with `write` replace what differs.

    Nobody else may write meanwhile. What is `extra` in a read model, or in the streams, is reported and
    not removed: rows that nothing accounts for are for a person to look at, except timers, which would fire.
    """
    result = Rebuilt()
    folded = _fold(store, result)
    expected = Projection()
    wrong: dict[str, StreamRow] = {}
    for stream, found in folded.items():
        if stream in result.unreadable:
            continue
        projection = project(stream, found.state) if found.state is not None else Projection()
        expected.orders |= projection.orders
        expected.queue |= projection.queue
        expected.participants |= projection.participants
        expected.timers |= projection.timers
        wrong[stream] = _row(stream, found, projection)
    result.streams = len(folded)
    _compare_streams(store, result, wrong, folded)
    changes = _compare_read_models(store, result, expected)
    if write:
        _write(store, result, wrong, changes)
    return result


def _fold(store: Store, result: Rebuilt) -> dict[str, _Folded]:
    """Every stream's head and state, from the entries in order of position."""
    folded: dict[str, _Folded] = {}
    for row in _rows(store):
        result.entries += 1
        found = folded.setdefault(row.stream, _Folded())
        found.sequence, found.hash = row.sequence, row.hash
        if row.stream in result.unreadable:
            continue
        try:
            _apply(found, row.stream, read_entry(row.body), result)
        except (Broken, msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
            result.unreadable[row.stream] = error.key if isinstance(error, Broken) else type(error).__name__
            result.differences.append(Difference(f"{row.stream}#{row.sequence}", "unreadable"))
    return folded


def _apply(found: _Folded, stream: str, entry: Entry, result: Rebuilt) -> None:
    kind = kind_of(stream)
    for record in entry.events:
        result.events += 1
        if kind in AGGREGATES:
            state = AGGREGATES[kind][0] if found.state is None else found.state
            found.state = evolve(stream, state, read_event(record))


def _rows(store: Store) -> Iterator[JournalRow]:
    after, page = 0, store.entries(0, _PAGE)
    while page:
        yield from page
        after = page[-1].position
        page = store.entries(after, _PAGE)


def _row(stream: str, found: _Folded, projection: Projection) -> StreamRow:
    """The row that the writer stores with the stream's last entry."""
    return StreamRow(
        stream=stream, kind=kind_of(stream), sequence=found.sequence, hash=found.hash,
        version=0 if found.state is None else found.state.version,
        body=None if found.state is None else state_bytes(found.state), **projection.columns,
    )  # fmt: skip


def _compare_streams(
    store: Store, result: Rebuilt, wrong: dict[str, StreamRow], folded: dict[str, _Folded]
) -> None:
    """Note differences; what is left in `wrong` has to be replaced."""
    seen = set()
    for stored in _stored_rows(store, folded):
        seen.add(stored.stream)
        row = wrong.get(stored.stream)
        if row is None:
            if stored.stream not in folded:
                result.differences.append(Difference(stored.stream, "extra"))
        elif fields := _fields_that_differ(stored, row, folded[stored.stream].state):
            result.differences += [Difference(stored.stream, name) for name in fields]
        else:
            del wrong[stored.stream]
    result.differences += [Difference(stream, "missing") for stream in sorted(wrong.keys() - seen)]


def _stored_rows(store: Store, folded: dict[str, _Folded]) -> Iterator[StreamRow]:
    """Stored rows with their bodies: `heads` need not bring them."""
    names: list[str] = []
    for row in store.heads():
        names.append(row.stream)
        if len(names) == _WRITE:
            yield from store.load(names).values()
            names = []
    yield from store.load(names).values()


def _fields_that_differ(stored: StreamRow, row: StreamRow, state: Any) -> list[str]:
    """Columns and fields of the state, by name; `body` where only the bytes differ."""
    names = [n for n in row.__struct_fields__ if n != "body" and getattr(stored, n) != getattr(row, n)]
    if stored.body == row.body:
        return names
    if stored.body is None or state is None:
        return [*names, "body"]
    try:
        kept = msgspec.json.decode(stored.body, type=type(state))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return [*names, "body"]
    inside = [f"state.{n}" for n in state.__struct_fields__ if getattr(kept, n) != getattr(state, n)]
    return [*names, *(inside or ["body"])]


def _compare_read_models(store: Store, result: Rebuilt, expected: Projection) -> Changes:
    """Note differences in the read models; gives what would mend them."""
    # Of a case that cannot be folded nobody knows what its rows should be.
    stored = {
        model: [row for row in rows if f"case:{row.case}" not in result.unreadable]
        for model, rows in store.projection().items()
    }
    orders: dict[str, OrderRow] = {row.id: row for row in stored["orders"]}
    people: dict[ParticipantKey, ParticipantRow] = {
        (row.case, row.part, row.unit, row.post, row.since): row for row in stored["participants"]
    }
    timers: dict[str, TimerRow] = {row.id: row for row in stored["timers"]}
    queue = {row.case: row for row in stored["queue"]}
    _compare_rows(result, "orders", orders, expected.orders)
    _compare_rows(result, "queue", queue, expected.queue)
    _compare_rows(result, "participants", people, expected.participants)
    _compare_rows(result, "timers", timers, expected.timers)
    return Changes(
        orders={key: row for key, row in expected.orders.items() if orders.get(key) != row},
        queue={key: row for key, row in expected.queue.items() if queue.get(key) != row},
        participants={key: row for key, row in expected.participants.items() if people.get(key) != row},
        timers_set={key: row for key, row in expected.timers.items() if timers.get(key) != row},
        timers_gone=set(timers.keys() - expected.timers.keys()),
    )


def _compare_rows(result: Rebuilt, model: str, stored: dict[Any, Any], expected: dict[Any, Any]) -> None:
    for key in sorted(stored.keys() | expected.keys()):
        where = f"{model}:{key if isinstance(key, str) else ' '.join(map(str, key))}"
        if key not in expected:
            result.differences.append(Difference(where, "extra"))
        elif key not in stored:
            result.differences.append(Difference(where, "missing"))
        elif stored[key] != expected[key]:
            names = expected[key].__struct_fields__
            differing = [n for n in names if getattr(stored[key], n) != getattr(expected[key], n)]
            result.differences += [Difference(where, name) for name in differing]


def _write(store: Store, result: Rebuilt, wrong: dict[str, StreamRow], changes: Changes) -> None:
    """Replace states in parts; the read models go with the first, and each part may be done again."""
    streams = list(wrong)
    for start in range(0, max(len(streams), 1), _WRITE):
        changes.streams = {stream: wrong[stream] for stream in streams[start : start + _WRITE]}
        if changes:
            store.commit(changes)
            result.written += len(changes.streams)
        changes = Changes()
