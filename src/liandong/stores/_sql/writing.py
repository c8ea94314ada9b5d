"""One group of changes → the statements of one transaction, their texts made once per database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, bindparam, func, or_, select, update

from liandong.app.ports import Changes, OutboxOutcome, Position
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Conflict
from liandong.core.values.journal import JournalRow
from liandong.stores._sql import shapes, tables
from liandong.stores._sql.rows import Rows
from liandong.stores._sql.shapes import Shape

#: Key in `meta` under which the consumed position lies; the sign keeps it apart from our callers' keys.
CONSUMED = "@consumed"
#: Keys of the newest admission's ordinal and of the time that was admitted last.
ADMISSION, NOW = "admission", "now"

_answer = (
    update(tables.handover)
    .where(tables.handover.c.id == bindparam("handed"))
    .values(answer=bindparam("said"))
)
_begin = (
    update(tables.outbox)
    .where(tables.outbox.c.id == bindparam("delivery"))
    .values(attempts=bindparam("number"), next_at=None)
)
_finish = (
    update(tables.attempts)
    .where(tables.attempts.c.id == bindparam("attempt"))
    .values(finished=bindparam("at"), outcome=bindparam("came_to"), detail=bindparam("details"))
)
_schedule = (
    update(tables.outbox).where(tables.outbox.c.id == bindparam("delivery")).values(next_at=bindparam("at"))
)


def packed_position(position: Position) -> str:
    """A position of the readings log as `meta` keeps it."""
    return canonical_bytes(position).decode()


class Writing:
    """Writes Changes through an open connection; whoever opened it commits or rolls back."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def write(self, connection: Connection, changes: Changes) -> int:
        """All changes in the order in which they may depend on each other; the last position."""
        kept = self._in_order(connection, changes)
        position = self._entries(connection, changes.entries)
        if changes.consumed is not None:
            self._consume(connection, *changes.consumed)
        self._insert(connection, shapes.ACT, changes.acts)
        self._put(connection, shapes.STREAM, changes.streams.values())
        self._put(connection, shapes.ORDER, changes.orders.values())
        self._put(connection, shapes.QUEUE, changes.queue.values())
        self._put(connection, shapes.PARTICIPANT, changes.participants.values())
        self._timers(connection, changes)
        self._deliveries(connection, changes)
        self._kept(connection, changes)
        self._rows.put(connection, tables.meta, kept)
        self._handed(connection, changes)
        return position

    def _entries(self, connection: Connection, entries: Sequence[JournalRow]) -> int:
        last = connection.execute(select(func.max(tables.journal.c.position))).scalar() or 0
        rows = [
            (*shapes.JOURNAL.values(entry)[:-1], position) for position, entry in enumerate(entries, last + 1)
        ]
        self._rows.insert(connection, tables.journal, rows)
        return last + len(rows)

    def _in_order(self, connection: Connection, changes: Changes) -> list[tuple[str, str]]:
        """What of `meta` is to be written. Admissions have one order and time does not go back, whoever
        admits: what was decided without knowing the newest admission is decided again."""
        meta = changes.meta
        counted = [key for key in (ADMISSION, NOW) if key in meta]
        if not counted:
            return list(meta.items())
        query = select(tables.meta).where(tables.meta.c.key.in_(counted))
        stored = {key: int(value) for key, value in connection.execute(query)}
        first = next((entry.admission for entry in changes.entries if entry.admission), 0)
        if first and ADMISSION in meta and first != stored.get(ADMISSION, 0) + 1:
            raise Conflict("journal.raced", stream="admission")
        return [(key, value) for key, value in meta.items() if key != NOW or int(value) >= stored.get(NOW, 0)]

    def _handed(self, connection: Connection, changes: Changes) -> None:
        """What goes to another process and waits for its answer, and the answers to what came from there."""
        if changes.handed:
            last = connection.execute(select(func.max(tables.handover.c.number))).scalar() or 0
            numbered = [
                msgspec.structs.replace(row, number=n) for n, row in enumerate(changes.handed, last + 1)
            ]
            self._rows.ignore(connection, tables.handover, [shapes.HANDED.values(row) for row in numbered])
        if changes.answered:
            found = [{"handed": id, "said": said} for id, said in changes.answered.items()]
            connection.execute(_answer, found)

    def _consume(self, connection: Connection, before: Position | None, after: Position) -> None:
        """Compare and swap, decided by the database, so that it holds between processes as well."""
        if before is None:
            values = [(CONSUMED, packed_position(after))]
            done = self._rows.ignore(connection, tables.meta, values)
        else:
            meta = tables.meta
            still = (meta.c.key == CONSUMED) & (meta.c.value == packed_position(before))
            query = update(meta).where(still).values(value=packed_position(after))
            done = connection.execute(query).rowcount
        if done != 1:
            raise Conflict("journal.raced", stream="consumed")

    def _timers(self, connection: Connection, changes: Changes) -> None:
        """Gone first: a timer that is both gone and set in one transaction is set."""
        if changes.timers_gone:
            self._rows.delete(connection, tables.timers.c.id, sorted(changes.timers_gone))
        self._put(connection, shapes.TIMER, changes.timers_set.values())

    def _deliveries(self, connection: Connection, changes: Changes) -> None:
        """A delivery whose attempt has begun is not due again until the attempt's outcome says so."""
        self._insert(connection, shapes.OUTBOX, changes.outbox)
        self._insert(connection, shapes.ATTEMPT, changes.attempts)
        if changes.attempts:
            begun = [{"delivery": row.outbox, "number": row.number} for row in changes.attempts]
            connection.execute(_begin, begun)
        if changes.outcomes:
            connection.execute(_finish, [_finished(outcome) for outcome in changes.outcomes])
            scheduled = [{"delivery": row.outbox, "at": row.next_at} for row in changes.outcomes]
            connection.execute(_schedule, scheduled)

    def _kept(self, connection: Connection, changes: Changes) -> None:
        """What is kept for operators, auditors and the next start. A letter that dies again after its
        replay is open again, so the mark comes before the row."""
        for kind, id, at in changes.replayed:
            table = {"rejected": tables.rejected, "dead": tables.dead_letter}[kind]
            connection.execute(update(table).where(table.c.id == id).values(replayed=at))
        self._insert(connection, shapes.VAULT, changes.vault)
        self._put(connection, shapes.REJECTED, changes.rejected)
        self._put(connection, shapes.DEAD, changes.dead)
        self._put(connection, shapes.BRIDGE_EVENT, changes.bridge_events.values())
        self._insert(connection, shapes.ROOT, changes.roots)
        self._rows.ignore(connection, tables.anchors, changes.anchored)
        datasets = [(digest, kind, body) for digest, (kind, body) in changes.datasets.items()]
        self._rows.ignore(connection, tables.dataset, datasets)
        credentials = [(d, s.person, s.post, s.source, expires) for d, s, expires in changes.credentials]
        self._rows.put(connection, tables.credential, credentials)
        self._accounts(connection, changes)

    def _accounts(self, connection: Connection, changes: Changes) -> None:
        """Gone first, so that what is gone and put in one transaction is there."""
        gone: tuple[tuple[Column[Any], list[str]], ...] = (
            (tables.account.c.name, changes.accounts_gone),
            (tables.sign_in_guard.c.name, changes.guards_gone),
            (tables.session.c.digest, changes.sessions_gone),
        )
        for column, keys in gone:
            if keys:
                connection.execute(column.table.delete().where(column.in_(keys)))
        if changes.sessions_expired:
            t = tables.session
            over = or_(t.c.expires <= changes.sessions_expired, t.c.ends <= changes.sessions_expired)
            connection.execute(t.delete().where(over))
        self._put(connection, shapes.ACCOUNT, changes.accounts)
        self._put(connection, shapes.GUARD, changes.guards)
        self._put(connection, shapes.SESSION, changes.sessions)

    def _insert(self, connection: Connection, shape: Shape[Any], rows: Iterable[Any]) -> None:
        self._rows.insert(connection, shape.table, [shape.values(row) for row in rows])

    def _put(self, connection: Connection, shape: Shape[Any], rows: Iterable[Any]) -> None:
        self._rows.put(connection, shape.table, [shape.values(row) for row in rows], shape.steady)


def _finished(outcome: OutboxOutcome) -> dict[str, Any]:
    return {
        "attempt": outcome.attempt,
        "at": outcome.at,
        "came_to": outcome.outcome,
        "details": outcome.detail,
    }
