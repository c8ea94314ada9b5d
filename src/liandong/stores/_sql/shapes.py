"""Between row structs and tables: the fields of a struct are the columns of its table, in order."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ClauseElement, Dialect, LargeBinary, Table, and_
from sqlalchemy.dialects import postgresql, sqlite

from liandong.app import ports
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import Broken
from liandong.core.values.journal import JournalRow, Root
from liandong.stores._sql import tables

Row = TypeVar("Row", bound=msgspec.Struct)


class Shape(Generic[Row]):
    """How the rows of one struct lie in one table.

    Fields in `packed` are JSON bytes there; those in `steady` stand in an index and hardly ever change.
    """

    def __init__(
        self, struct: type[Row], table: Table, packed: Sequence[str] = (), steady: Sequence[str] = ()
    ) -> None:
        self.struct = struct
        self.table = table
        self.steady = steady
        self.names = struct.__struct_fields__
        if self.names != tuple(column.name for column in table.columns):
            raise TypeError(f"{table.name} does not have the columns of {struct.__name__}")
        self._all = attrgetter(*self.names)
        self._packed = [self.names.index(name) for name in packed]
        types = {field.name: field.type for field in msgspec.structs.fields(struct)}
        self._blobs = [c.name for c in table.columns if isinstance(c.type, LargeBinary)]
        self._decoders = {name: msgspec.json.Decoder(types[name]) for name in packed}

    def values(self, row: Row) -> tuple[Any, ...]:
        """Column values of a row."""
        found = self._all(row)
        if not self._packed:
            return found
        values = list(found)
        for place in self._packed:
            values[place] = canonical_bytes(values[place])
        return tuple(values)

    def row(self, values: Sequence[Any]) -> Row:
        """The row of column values. Raises Broken for one that nobody of us has written so."""
        fields = dict(zip(self.names, values, strict=True))
        for name in self._blobs:
            # SQLite keeps whatever type it is given: a body edited by hand comes back as text.
            if isinstance(fields[name], str):
                fields[name] = fields[name].encode()
        try:
            for name, decoder in self._decoders.items():
                fields[name] = decoder.decode(fields[name])
            return msgspec.convert(fields, self.struct)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
            raise Broken("store.unreadable_row", table=self.table.name, key=str(values[0])[:80]) from error


def insert_text(table: Table, dialect: Dialect, *, ignore: bool = False) -> str:
    """INSERT as the driver's own text with positional places; `ignore` keeps what is there already.

    The driver's text, because SQLAlchemy's own way with a dict per row takes three times as long.
    """
    insert = _insert(table, dialect)
    return _text(insert.on_conflict_do_nothing() if ignore else insert, dialect)


def upsert_text(table: Table, dialect: Dialect, *, steady: Sequence[str] = ()) -> str:
    """INSERT or replace by key. A row in which a `steady` column differs is left alone, and those
    columns are not named in the UPDATE: for every index over a named column SQLite writes the entry
    anew, changed or not, which makes four dirty pages out of one."""
    insert = _insert(table, dialect)
    keys = [column.name for column in table.primary_key]
    values = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in {*keys, *steady}}
    same = and_(*(table.c[name] == insert.excluded[name] for name in steady)) if steady else None
    return _text(insert.on_conflict_do_update(index_elements=keys, set_=values, where=same), dialect)


def text_of(statement: ClauseElement, dialect: Dialect) -> str:
    """A statement with its places as the driver's own text."""
    return str(statement.compile(dialect=dialect))


def _insert(table: Table, dialect: Dialect) -> Any:
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(table)


def _text(insert: Any, dialect: Dialect) -> str:
    return str(insert.compile(dialect=dialect, column_keys=[column.name for column in insert.table.columns]))


JOURNAL = Shape(JournalRow, tables.journal)
STREAM = Shape(ports.StreamRow, tables.streams, steady=["kind", "grouping", "ordinal", "opened"])
ORDER = Shape(ports.OrderRow, tables.orders, steady=["post", "person", "issued"])
QUEUE = Shape(ports.QueueRow, tables.queue)
PARTICIPANT = Shape(ports.ParticipantRow, tables.participants)
TIMER = Shape(ports.TimerRow, tables.timers)
OUTBOX = Shape(ports.OutboxRow, tables.outbox, packed=["params"])
ATTEMPT = Shape(ports.AttemptRow, tables.attempts)
ACT = Shape(ports.ActRow, tables.acts, packed=["params"])
VAULT = Shape(ports.VaultRow, tables.vault)
REJECTED = Shape(ports.RejectedRow, tables.rejected, packed=["params"])
DEAD = Shape(ports.DeadLetter, tables.dead_letter)
ROOT = Shape(Root, tables.roots, packed=["heads"])
COORDINATOR = Shape(ports.CoordinatorRow, tables.coordinator)
LEASE = Shape(ports.LeaseRow, tables.lease)
HANDED = Shape(ports.HandedRow, tables.handover)
BRIDGE_EVENT = Shape(ports.BridgeEventRow, tables.bridge_event, packed=["params"])
ACCOUNT = Shape(ports.AccountRow, tables.account)
GUARD = Shape(ports.GuardRow, tables.sign_in_guard)
SESSION = Shape(ports.SessionRow, tables.session)
