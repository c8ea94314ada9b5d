"""The ways into one database: one for whoever writes, one for whoever reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sqlalchemy import Connection, Engine


class Database:
    """Engines for writing and reading, and a lock where both are one and the same connection."""

    def __init__(
        self,
        writer: Engine,
        readers: Engine,
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.writer = writer
        self.readers = readers
        self.lock = lock

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that takes the write lock at once; an error undoes all of it."""
        with self.lock(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A small transaction of another thread, beside what the writer is doing where that is possible."""
        with self.writing() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction in which every question sees the same moment."""
        with self.lock(), self.readers.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.readers.dispose()
        self.writer.dispose()
