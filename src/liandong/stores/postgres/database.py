"""The ways into one PostgreSQL database, and the row that puts the commits of all processes in one order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import QueuePool

from liandong.core.values.errors import BadInput, LiandongError, Unreachable
from liandong.stores._sql.database import Database

#: The row of `meta` that counts all commits; whoever holds it is the one who commits.
VERSION = "@version"
READERS = 32
#: Whoever stands still in the middle of a transaction holds up the others no longer than this.
IDLE_S = 5
#: A commit is on the disk when it returns; nobody waits for ever, for a lock or for a machine that is gone.
_WRITER = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
    "lock_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_READER = {"default_transaction_read_only": "on", "idle_in_transaction_session_timeout": "60s"}
_NEXT = "UPDATE meta SET value = (value::bigint + 1)::text WHERE key = %s RETURNING value::bigint"
_NOW = "SELECT value::bigint FROM meta WHERE key = %s"
#: What says nothing about what was asked: the server, the way to it, or the turn of somebody else.
_ELSEWHERE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)


class PostgresDatabase(Database):
    """Every transaction that writes begins with the sequencer: it waits for its turn there, and learns
    whether others have written. `writing`, `turn` and `others` are for one thread only."""

    def __init__(self, url: URL) -> None:
        super().__init__(
            _engine(url, "READ COMMITTED", _WRITER, pool_size=1, max_overflow=4),
            _engine(url, "REPEATABLE READ", _READER, pool_size=8, max_overflow=READERS - 8),
        )
        #: For one statement at a time, without a transaction around it: a third of the ways there and back.
        self.quick = _engine(url, "AUTOCOMMIT", _READER, pool_size=4, max_overflow=READERS - 4)
        self._seen = -1
        self._others = 0
        self._turn: Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that takes the sequencer at once; an error undoes all of it."""
        connection, self._turn = self._turn or self._begun(), None
        try:
            with connection:
                yield connection
                connection.commit()
        except BaseException:
            self._seen = -1  # the number that was taken goes to somebody else
            raise

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """Without the sequencer: what is written so has no place in the order of commits."""
        with self.writer.begin() as connection:
            yield connection

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Take the sequencer now: until the next transaction of this thread has ended nobody else commits."""
        self._turn = self._begun()
        try:
            yield
        finally:
            unused, self._turn = self._turn, None
            if unused is not None:
                unused.close()
                self._seen = -1

    def _begun(self) -> Connection:
        connection = self.writer.connect()
        try:
            version = connection.exec_driver_sql(_NEXT, (VERSION,)).scalar_one()
        except BaseException:
            connection.close()
            raise
        self._count(version - 1)
        self._seen = version
        return connection

    def others(self) -> int:
        """A number that changes whenever somebody else has committed."""
        if self._turn is None:
            with self.quick.connect() as connection:
                self._count(connection.exec_driver_sql(_NOW, (VERSION,)).scalar_one())
        return self._others

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self.quick.dispose()

    def _count(self, version: int) -> None:
        if version != self._seen:
            self._others += 1
            self._seen = version


def _engine(url: URL, isolation: Any, session: dict[str, str], **pool: int) -> Engine:
    """An engine whose sessions are set up so; what goes wrong on the way is said in our own words."""
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    engine = create_engine(
        url, poolclass=QueuePool, isolation_level=isolation, use_native_hstore=False,
        hide_parameters=True, pool_reset_on_return=None if isolation == "AUTOCOMMIT" else "rollback",
        connect_args={"options": options, "connect_timeout": 10, "application_name": "liandong"}, **pool,
    )  # fmt: skip

    @event.listens_for(engine, "handle_error", retval=True)
    def _translate(context: ExceptionContext) -> LiandongError | None:
        error = context.original_exception
        if context.is_disconnect or isinstance(error, _ELSEWHERE):
            return Unreachable("store.unreachable", retry_after=2, problem=_words(error))
        if isinstance(error, psycopg.DataError) and "NUL" in str(error):
            return BadInput("store.nul_text")
        return None

    return engine


def _words(error: BaseException) -> str:
    """The first line of what the server or the driver says; neither ever repeats a password."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
