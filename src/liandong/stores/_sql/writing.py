"""One group of changes → the statements of one transaction, their texts made once per database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Dialect, bindparam, func, or_, select, update

from liandong.app.ports import Changes, OutboxOutcome, Position
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Conflict
from liandong.core.values.journal import JournalRow
from liandong.stores._sql import shapes, tables
from liandong.stores._sql.shapes import Shape, insert_text, text_of, upsert_text

#: Key in `meta` under which the consumed position lies; the sign keeps it apart from our callers' keys.
CONSUMED = "@consumed"

_delete_timer = tables.timers.delete().where(tables.timers.c.id == bindparam("gone"))
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

    def __init__(self, dialect: Dialect) -> None:
        self._inserts = {table: insert_text(table, dialect) for table in tables.metadata.tables.values()}
        self._ignoring = {
            table: insert_text(table, dialect, ignore=True)
            for table in (tables.dataset, tables.anchors, tables.meta)
        }
        self._upserts = {
            table: upsert_text(table, dialect)
            for table in tables.metadata.tables.values()
            if table.primary_key.columns
        }
        self._delete_timer = str(_delete_timer.compile(dialect=dialect))
        self._cheap_upserts = {
            shape.table: upsert_text(shape.table, dialect, steady=shape.steady)
            for shape in (shapes.STREAM, shapes.ORDER)
        }

        self._delete_timer = text_of(_delete_timer, dialect)

    def write(self, connection: Connection, changes: Changes) -> int:
        """All changes in the order in which they may depend on each other; the last position."""
        position = self._entries(connection, changes.entries)
        if changes.consumed is not None:
            self._consume(connection, *changes.consumed)
        self._insert(connection, shapes.ACT, changes.acts)
        self._put_steady(connection, shapes.STREAM, list(changes.streams.values()))
        self._put_steady(connection, shapes.ORDER, list(changes.orders.values()))
        self._put(connection, shapes.QUEUE, changes.queue.values())
        self._put(connection, shapes.PARTICIPANT, changes.participants.values())
        self._timers(connection, changes)
        self._deliveries(connection, changes)
        self._kept(connection, changes)
        return position

    def _entries(self, connection: Connection, entries: Sequence[JournalRow]) -> int:
        last = connection.execute(select(func.max(tables.journal.c.position))).scalar() or 0
        rows = [
            (*shapes.JOURNAL.values(entry)[:-1], position) for position, entry in enumerate(entries, last + 1)
        ]
        _many(connection, self._inserts[tables.journal], rows)
        return last + len(rows)

    def _consume(self, connection: Connection, before: Position | None, after: Position) -> None:
        """Compare and swap, decided by the database, so that it holds between processes as well."""
        if before is None:
            values = [(CONSUMED, packed_position(after))]
            done = connection.exec_driver_sql(self._ignoring[tables.meta], values)
        else:
            meta = tables.meta
            still = (meta.c.key == CONSUMED) & (meta.c.value == packed_position(before))
            done = connection.execute(update(meta).where(still).values(value=packed_position(after)))
        if done.rowcount != 1:
            raise Conflict("journal.raced", stream="consumed")

    def _timers(self, connection: Connection, changes: Changes) -> None:
        """Gone first: a timer that is both gone and set in one transaction is set."""
        if changes.timers_gone:
            gone = [(id,) for id in sorted(changes.timers_gone)]
            _many(connection, self._delete_timer, gone)
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
        self._insert(connection, shapes.ROOT, changes.roots)
        _many(connection, self._ignoring[tables.anchors], changes.anchored)
        datasets = [(digest, kind, body) for digest, (kind, body) in changes.datasets.items()]
        _many(connection, self._ignoring[tables.dataset], datasets)
        credentials = [(d, s.person, s.post, s.source, expires) for d, s, expires in changes.credentials]
        _many(connection, self._upserts[tables.credential], credentials)
        _many(connection, self._upserts[tables.meta], list(changes.meta.items()))
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
        _many(connection, self._inserts[shape.table], [shape.values(row) for row in rows])

    def _put(self, connection: Connection, shape: Shape[Any], rows: Iterable[Any]) -> None:
        _many(connection, self._upserts[shape.table], [shape.values(row) for row in rows])

    def _put_steady(self, connection: Connection, shape: Shape[Any], rows: Sequence[Any]) -> None:
        """The cheap upsert for all; where it left any row alone, the full one."""
        values = [shape.values(row) for row in rows]
        if values:
            written = connection.exec_driver_sql(self._cheap_upserts[shape.table], values).rowcount
            if written != len(values):
                _many(connection, self._upserts[shape.table], values)


def _finished(outcome: OutboxOutcome) -> dict[str, Any]:
    return {
        "attempt": outcome.attempt,
        "at": outcome.at,
        "came_to": outcome.outcome,
        "details": outcome.detail,
    }


def _many(connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(text, list(rows))
