"""The Store over any SQLAlchemy engine: every commit is one transaction, every read a plain query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Dialect,
    Select,
    Table,
    bindparam,
    func,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError

from liandong.app.ports import (
    AccountRow,
    ActRow,
    AttemptRow,
    BridgeEventRow,
    CaseFacts,
    Changes,
    DeadLetter,
    GuardRow,
    Mark,
    OrderRow,
    OutboxRow,
    ParticipantRow,
    Position,
    RejectedRow,
    SessionRow,
    Stake,
    StreamRow,
    TimerRow,
    VaultRow,
)
from liandong.core.values.access import Session
from liandong.core.values.case import LIVE
from liandong.core.values.errors import Conflict
from liandong.core.values.journal import EntryKind, JournalRow, Root
from liandong.core.values.lists import Mode
from liandong.stores._sql import shapes, tables
from liandong.stores._sql.database import Database
from liandong.stores._sql.leases import SqlLeases, check_stake, of_partitions
from liandong.stores._sql.questions import SqlQuestions
from liandong.stores._sql.rows import ManyRows, Rows
from liandong.stores._sql.shapes import Shape, text_of
from liandong.stores._sql.writing import CONSUMED, Writing

#: Rows that one read fetches where a caller wants all of them: no reader holds the database for long.
CHUNK = 1_000
#: Keys from which on one question about all of them costs less than one for each.
MANY = 32

_delivery_columns = [
    func.coalesce(column, 0) if column.name == "next_at" else column for column in tables.outbox.columns
]
_heads = select(*(null() if column.name == "body" else column for column in tables.streams.columns))
_stream = select(tables.streams).where(tables.streams.c.stream == bindparam("stream"))
_session = select(tables.session).where(tables.session.c.digest == bindparam("digest"))
_act = select(tables.acts).where(tables.acts.c.id == bindparam("id"))
_latest = (
    select(tables.streams)
    .where(tables.streams.c.kind == bindparam("kind"), tables.streams.c.grouping == bindparam("grouping"))
    .order_by(tables.streams.c.ordinal.desc(), tables.streams.c.stream)
)


class SqlStore:
    """Journal, state and outbox in one database. `questions` asks the same database within a scope.

    Positions are assigned inside the transaction as the newest position and one: whoever commits
    holds the database's only write lock from its first statement to its commit, so the order of
    inserting is the order of committing. SQLite has such a lock; on PostgreSQL it is a row.
    """

    def __init__(self, database: Database, rows: Rows | None = None, dialect: Dialect | None = None) -> None:
        """`dialect` writes the few texts that go to the driver with positional places."""
        self._database = database
        dialect = dialect or database.writer.dialect
        rows = rows or ManyRows(dialect)
        self._writing = Writing(rows)
        self.leases = SqlLeases(database, rows)
        self.stake: Stake | None = None
        self._stream, self._latest, self._act = (text_of(q, dialect) for q in (_stream, _latest, _act))
        self._session = text_of(_session, dialect)
        self.questions = SqlQuestions(database)

    # Writing

    def commit(self, changes: Changes) -> int:
        """One durable transaction; see the port. A repeated act is a lost race as well: the winner's
        answer is the one to give."""
        return self.stage(changes)()

    def stage(self, changes: Changes) -> Callable[[], int]:
        """Write into an open transaction; its end, mostly a wait for the disk, may come from elsewhere."""
        try:
            with ExitStack() as stack:
                connection = stack.enter_context(self._database.writing())
                if self.stake is not None:
                    check_stake(connection, self.stake, changes.fences)
                position = self._writing.write(connection, changes)
                ending = stack.pop_all()
        except IntegrityError as error:
            self._say_if_raced(error, changes)
            raise

        def finish() -> int:
            ending.close()
            return position

        return finish

    def data_version(self) -> int:
        """See the port; each engine has its own way."""
        raise NotImplementedError  # each engine brings its own; no store is built of this class alone

    def backup(self, target: str) -> None:
        """See the port; each engine has its own way."""
        raise NotImplementedError  # each engine brings its own; no store is built of this class alone

    def turn(self) -> AbstractContextManager[None]:
        """Where nobody else decides, there is nobody to wait for."""
        return nullcontext()

    def _say_if_raced(self, error: IntegrityError, changes: Changes) -> None:
        """Raise Conflict where an undone transaction failed because somebody else was first."""
        raced = self._raced(changes)
        if raced:
            raise Conflict("journal.raced", stream=raced) from error

    def _raced(self, changes: Changes) -> str:
        """What somebody else has written first; empty where the database refused for another cause."""
        journal, acts = tables.journal, tables.acts
        streams = {entry.stream for entry in changes.entries}
        newest = select(journal.c.stream, func.max(journal.c.sequence)).group_by(journal.c.stream)
        known = select(acts.c.id).where(acts.c.id.in_([act.id for act in changes.acts]))
        with self._database.reading() as connection:
            rows = connection.execute(newest.where(journal.c.stream.in_(streams)))
            heads = {stream: sequence for stream, sequence in rows}
            moved = [e.stream for e in changes.entries if e.sequence <= heads.get(e.stream, 0)]
            answered = [f"act:{id}" for id in connection.execute(known).scalars()]
        return next(iter([*moved, *answered]), "")

    # What deciding needs

    def load(self, streams: Sequence[str]) -> dict[str, StreamRow]:
        rows = self._direct(shapes.STREAM, self._stream, [(stream,) for stream in streams])
        return {row.stream: row for row in rows}

    def latest(self, kind: str, grouping: str) -> StreamRow | None:
        return next(iter(self._direct(shapes.STREAM, self._latest, [(kind, grouping)])), None)

    def act(self, id: str) -> ActRow | None:
        return next(iter(self.acts([id])), None)

    def acts(self, ids: Sequence[str]) -> list[ActRow]:
        if len(ids) < MANY:
            return self._direct(shapes.ACT, self._act, [(id,) for id in ids])
        t = tables.acts
        return [shapes.ACT.row(row) for row in self._all(select(t).where(t.c.id.in_(ids)))]

    def due_timers(self, now: int, limit: int) -> list[TimerRow]:
        t = tables.timers
        query = (
            select(t)
            .where(t.c.due <= now, *of_partitions(t.c.case, self.stake))
            .order_by(t.c.due, t.c.id)
            .limit(limit)
        )
        return [shapes.TIMER.row(row) for row in self._all(query)]

    def next_timer(self) -> int | None:
        t = tables.timers.c
        return self._value(select(func.min(t.due)).where(*of_partitions(t.case, self.stake)))

    def consumed(self) -> Position | None:
        value = self.meta(CONSUMED)
        return msgspec.json.decode(value, type=tuple[int, int]) if value else None

    # Deliveries

    def outbox_due(self, now: int, limit: int) -> list[OutboxRow]:
        t = tables.outbox
        query = select(t).where(t.c.next_at <= now, *of_partitions(t.c.case, self.stake))
        query = query.order_by(t.c.next_at, t.c.created, t.c.id).limit(limit)
        return [shapes.OUTBOX.row(row) for row in self._all(query)]

    def next_outbox(self) -> int | None:
        t = tables.outbox.c
        return self._value(select(func.min(t.next_at)).where(*of_partitions(t.case, self.stake)))

    def open_attempts(self) -> list[tuple[AttemptRow, OutboxRow]]:
        t = tables.attempts
        query = select(t, *_delivery_columns).join(tables.outbox, tables.outbox.c.id == t.c.outbox)
        query = query.where(
            t.c.finished.is_(None), *of_partitions(tables.outbox.c.case, self.stake)
        ).order_by(t.c.started, t.c.id)
        width = len(t.columns)
        return [(shapes.ATTEMPT.row(r[:width]), shapes.OUTBOX.row(r[width:])) for r in self._all(query)]

    def deliveries(self, case: str) -> list[tuple[OutboxRow, list[AttemptRow]]]:
        outbox, attempts = tables.outbox, tables.attempts
        query = select(outbox.c.id, *_delivery_columns[1:]).where(outbox.c.case == case)
        rows = [shapes.OUTBOX.row(row) for row in self._all(query.order_by(outbox.c.created, outbox.c.id))]
        tried = select(attempts).join(outbox, outbox.c.id == attempts.c.outbox).where(outbox.c.case == case)
        found: dict[str, list[AttemptRow]] = {row.id: [] for row in rows}
        for row in self._all(tried.order_by(attempts.c.number, attempts.c.id)):
            attempt = shapes.ATTEMPT.row(row)
            found.setdefault(attempt.outbox, []).append(attempt)
        return [(row, found[row.id]) for row in rows]

    # What is kept

    def meta(self, key: str) -> str | None:
        return self._value(select(tables.meta.c.value).where(tables.meta.c.key == key))

    def dataset(self, digest: str) -> bytes | None:
        return self._value(select(tables.dataset.c.body).where(tables.dataset.c.digest == digest))

    def vault_row(self, id: str) -> VaultRow | None:
        return self._one(shapes.VAULT, tables.vault.c.id == id)

    def credential(self, token_digest: str) -> tuple[Session, int] | None:
        t = tables.credential
        rows = self._all(
            select(t.c.person, t.c.post, t.c.source, t.c.expires).where(t.c.token_digest == token_digest)
        )
        return next(((Session(person=p, post=o, source=s), expires) for p, o, s, expires in rows), None)

    def account(self, name: str) -> AccountRow | None:
        return self._one(shapes.ACCOUNT, tables.account.c.name == name)

    def accounts(self) -> list[AccountRow]:
        return [shapes.ACCOUNT.row(row) for row in self._all(_by_key(tables.account))]

    def guard(self, name: str) -> GuardRow | None:
        return self._one(shapes.GUARD, tables.sign_in_guard.c.name == name)

    def session(self, digest: str) -> tuple[SessionRow, AccountRow | None] | None:
        found = next(iter(self._direct(shapes.SESSION, self._session, [(digest,)])), None)
        return None if found is None else (found, self.account(found.account))

    def rejected(self, id: str) -> RejectedRow | None:
        return self._one(shapes.REJECTED, tables.rejected.c.id == id)

    def dead_letter(self, id: str) -> DeadLetter | None:
        return self._one(shapes.DEAD, tables.dead_letter.c.id == id)

    # Bridges

    def bridge_event(self, bridge: str, event: str) -> BridgeEventRow | None:
        t = tables.bridge_event.c
        return self._one(shapes.BRIDGE_EVENT, (t.bridge == bridge) & (t.event == event))

    def bridge_events(
        self, bridge: str, states: Sequence[str] = (), after: tuple[int, str] = (0, ""), limit: int = 500
    ) -> list[BridgeEventRow]:
        t = tables.bridge_event.c
        query = select(tables.bridge_event).where(t.bridge == bridge, tuple_(t.moment, t.event) > after)
        if states:
            query = query.where(t.state.in_(states))
        rows = self._all(query.order_by(t.moment, t.event).limit(limit))
        return [shapes.BRIDGE_EVENT.row(row) for row in rows]

    def bridge_order(self, bridge: str, number: str) -> tuple[str, str]:
        t = tables.bridge_event.c
        query = select(t.order, t.case).where(t.bridge == bridge, t.number == number, t.order != "")
        found = self._all(query.order_by(t.received, t.event).limit(1))
        return (found[0][0], found[0][1]) if found else ("", "")

    def order(self, id: str) -> OrderRow | None:
        return self._one(shapes.ORDER, tables.orders.c.id == id)

    def live_orders(self, posts: Sequence[str]) -> list[OrderRow]:
        t = tables.orders.c
        query = select(tables.orders).where(t.post.in_(posts), t.status.in_(LIVE))
        return [shapes.ORDER.row(row) for row in self._all(query.order_by(t.issued, t.id))]

    # The journal

    def last_position(self) -> int:
        return self._value(select(func.max(tables.journal.c.position))) or 0

    def entries(self, after: int, limit: int, kinds: Sequence[EntryKind] = ()) -> list[JournalRow]:
        t = tables.journal
        query = select(t).where(t.c.position > after).order_by(t.c.position).limit(limit)
        if kinds:
            query = query.where(t.c.kind.in_([kind.value for kind in kinds]))
        return [shapes.JOURNAL.row(row) for row in self._all(query)]

    def marks(self, after: int, limit: int, kinds: Sequence[str] = (), before: int = 0) -> list[Mark]:
        t = tables.journal
        query = select(t.c.position, t.c.stream, t.c.now).where(t.c.position > after)
        if before:
            query = query.where(t.c.position < before)
        if kinds:
            query = query.where(or_(*(func.substr(t.c.stream, 1, len(k) + 1) == f"{k}:" for k in kinds)))
        order = t.c.position.desc() if before else t.c.position.asc()
        return [Mark(*row) for row in self._all(query.order_by(order).limit(limit))]

    def case_facts(self, cases: Sequence[str]) -> dict[str, CaseFacts]:
        s, p = tables.streams.c, tables.participants
        streams = [f"case:{case}" for case in cases]
        with self._database.reading() as connection:
            heads = connection.execute(
                select(s.stream, s.domain, s.area_path, s.mode).where(s.stream.in_(streams))
            ).all()
            rows = connection.execute(select(p).where(p.c.case.in_(cases))).all()
        people: dict[str, list[ParticipantRow]] = {}
        for row in rows:
            people.setdefault(row[0], []).append(shapes.PARTICIPANT.row(row))
        return {
            stream.removeprefix("case:"): CaseFacts(
                domain=domain, area_path=path, mode=Mode(mode),
                participants=tuple(people.get(stream.removeprefix("case:"), ())),
            )
            for stream, domain, path, mode in heads
        }  # fmt: skip

    def alarm_facts(self, alarms: Sequence[str]) -> dict[str, CaseFacts]:
        s, p, case = tables.streams, tables.participants, tables.streams.alias("its_case")
        mine = s.c.stream.in_([f"alarm:{alarm}" for alarm in alarms])
        its = (case.c.kind == "case") & (case.c.grouping == s.c.grouping)
        takes = p.c.case == func.substr(case.c.stream, len("case:") + 1)
        with self._database.reading() as connection:
            heads = connection.execute(
                select(s.c.stream, s.c.domain, s.c.area_path, s.c.mode).where(mine)
            ).all()
            joined = select(s.c.stream, p).select_from(s.join(case, its).join(p, takes)).where(mine)
            rows = connection.execute(joined).all()
        people: dict[str, list[ParticipantRow]] = {}
        for stream, *row in rows:
            people.setdefault(stream, []).append(shapes.PARTICIPANT.row(row))
        return {
            stream.removeprefix("alarm:"): CaseFacts(
                domain=domain, area_path=path, mode=Mode(mode), participants=tuple(people.get(stream, ()))
            )
            for stream, domain, path, mode in heads
        }

    def entries_before(self, stream: str, now: int, below: int, limit: int) -> list[JournalRow]:
        t = tables.journal
        query = select(t).where(t.c.stream == stream, t.c.now <= now, t.c.sequence < below)
        return [
            shapes.JOURNAL.row(row) for row in self._all(query.order_by(t.c.sequence.desc()).limit(limit))
        ]

    def entries_of(self, stream: str, after: int = 0, limit: int = 100_000) -> list[JournalRow]:
        t = tables.journal
        query = select(t).where(t.c.stream == stream, t.c.sequence > after)
        return [shapes.JOURNAL.row(row) for row in self._all(query.order_by(t.c.sequence).limit(limit))]

    def heads(self) -> Iterator[StreamRow]:
        return self._streams(_heads)

    def states(self, kind: str, stage: str = "") -> Iterator[StreamRow]:
        t = tables.streams.c
        at = [t.stage == stage] if stage else []
        return self._streams(select(tables.streams).where(t.kind == kind, *at))

    def roots(self) -> list[Root]:
        return [shapes.ROOT.row(row) for row in self._all(_by_key(tables.roots))]

    def anchored(self) -> list[tuple[int, str, int]]:
        """(root number, where, at) of everything that was anchored, in order."""
        return [(number, place, at) for number, place, at in self._all(_by_key(tables.anchors))]

    def projection(self) -> dict[str, list[Any]]:
        shaped: dict[str, Shape[Any]] = {
            "orders": shapes.ORDER,
            "queue": shapes.QUEUE,
            "participants": shapes.PARTICIPANT,
            "timers": shapes.TIMER,
        }
        with self._database.reading() as connection:
            return {
                name: [shape.row(row) for row in connection.execute(_by_key(shape.table))]
                for name, shape in shaped.items()
            }

    def close(self) -> None:
        self._database.close()

    # Reading

    def _streams(self, query: Select[Any]) -> Iterator[StreamRow]:
        """Chunk by chunk by key; streams are never deleted, so each one is met exactly once."""
        key, last = tables.streams.c.stream, ""
        while rows := self._all(query.where(key > last).order_by(key).limit(CHUNK)):
            found = [shapes.STREAM.row(row) for row in rows]
            yield from found
            last = found[-1].stream

    def _direct(self, shape: Shape[Any], text: str, asked: Sequence[tuple[str, ...]]) -> list[Any]:
        """The first row to each set of parameters, through the driver itself: it is asked for every
        message that is decided, and takes a tenth of the time."""
        with self._database.lock():
            connection = self._database.readers.raw_connection()
            try:
                cursor = connection.cursor()
                found: list[Any] = []
                for parameters in asked:
                    cursor.execute(text, parameters)
                    found.append(cursor.fetchone())
                cursor.close()
            finally:
                connection.close()
        return [shape.row(row) for row in found if row is not None]

    def _all(self, query: Select[Any]) -> Sequence[Sequence[Any]]:
        with self._database.reading() as connection:
            return connection.execute(query).all()

    def _value(self, query: Select[Any]) -> Any:
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def _rows(self, shape: Shape[Any], condition: ColumnElement[bool]) -> list[Any]:
        return [shape.row(row) for row in self._all(select(shape.table).where(condition))]

    def _one(self, shape: Shape[Any], condition: ColumnElement[bool]) -> Any:
        return next(iter(self._rows(shape, condition)), None)


def _by_key(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns)
