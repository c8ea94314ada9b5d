"""工单互通·数据库: orders and events as rows of tables in a database that both sides can reach.

`orders_out` is ours: one row an order, the newest version of it. `events_in` and `orders_in` are the
receiver's: what has happened, and what it has open. `answers_out` says what became of each event; an event
without an answer is a new one. (No high-water mark over a running number: a transaction that commits late
would be left behind it for ever.)
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from liandong.app.bridge.documents import Answer, TheirOrder
from liandong.app.bridge.link import Incoming
from liandong.core.values.canonical import canonical_bytes
from liandong.core.values.errors import BadInput
from liandong.core.values.lists import HeardState, Outcome

metadata = MetaData()

orders_out = Table(
    "orders_out", metadata,
    Column("our_number", String(128), primary_key=True), Column("version", BigInteger, nullable=False),
    Column("change_kind", String(32), nullable=False), Column("status", String(32), nullable=False),
    Column("level_code", String(16), nullable=False), Column("asset", Text, nullable=False),
    Column("place", Text, nullable=False), Column("next_action", String(32), nullable=False),
    Column("due_at", String(64)), Column("document", Text, nullable=False),
)  # fmt: skip

#: All but the event's own number may be empty; photos and records are rows of `files_in`.
events_in = Table(
    "events_in", metadata,
    Column("event_number", String(128), primary_key=True), Column("our_number", String(128)),
    Column("their_number", String(128)), Column("status", String(64)), Column("happened_at", String(64)),
    Column("user_number", String(200)), Column("words", Text), Column("reason", String(64)),
    Column("cause", String(64)), Column("verdict", String(64)), Column("passed", Integer),
)  # fmt: skip

files_in = Table(
    "files_in", metadata,
    Column("event_number", String(128), primary_key=True), Column("place", Integer, primary_key=True),
    Column("name", String(200)), Column("media", String(200)), Column("data", LargeBinary, nullable=False),
)  # fmt: skip

answers_out = Table(
    "answers_out", metadata,
    Column("event_number", String(128), primary_key=True), Column("outcome", String(16), nullable=False),
    Column("our_number", String(128), nullable=False), Column("reason_key", String(64), nullable=False),
    Column("reason", Text, nullable=False), Column("answered_at", String(64), nullable=False),
)  # fmt: skip

orders_in = Table(
    "orders_in", metadata,
    Column("our_number", String(128), primary_key=True), Column("their_number", String(128)),
    Column("status", String(64)), Column("is_open", Integer, nullable=False),
)  # fmt: skip

#: Columns of `events_in` whose names in an event are others.
_NAMES = {
    "event_number": "event", "our_number": "order", "their_number": "number", "happened_at": "at",
    "user_number": "user",
}  # fmt: skip
_MOST = 500


class TableLink:
    """One database, by its SQLAlchemy address. Tables that are missing are made. Raises BadInput."""

    def __init__(self, address: str) -> None:
        try:
            self._engine: Engine = create_engine(address, pool_pre_ping=True)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise BadInput("bridge.no_database", problem=type(error).__name__) from error
        self._made = False

    def push(self, document: dict[str, Any]) -> tuple[Outcome, bool, str]:
        """Put the order's row, unless a newer version lies there already."""
        left = [step for step in document["steps"] if not step["done"]]
        row = {
            "our_number": document["order"], "version": document["version"],
            "change_kind": document["change"], "status": document["status"],
            "level_code": document["level"], "asset": document["asset"]["name"],
            "place": "/".join(document["place"]), "next_action": left[0]["action"] if left else "",
            "due_at": left[0]["due"] if left else None, "document": canonical_bytes(document).decode(),
        }  # fmt: skip
        t = orders_out.c
        mine = t.our_number == document["order"]
        try:
            with self._begin() as connection:
                found = connection.execute(select(t.version).where(mine)).scalar()
                if found is None:
                    connection.execute(orders_out.insert().values(row))
                elif found <= row["version"]:
                    connection.execute(orders_out.update().where(mine).values(row))
        except SQLAlchemyError as error:
            return Outcome.FAILED, True, type(error).__name__
        return Outcome.DELIVERED, False, ""

    def poll(self) -> Iterator[Incoming]:
        """Events that have no answer yet, in the order of their moments."""
        t, files = events_in.c, files_in.c
        query = select(events_in).where(t.event_number.not_in(select(answers_out.c.event_number)))
        query = query.order_by(t.happened_at, t.event_number).limit(_MOST)
        try:
            with self._begin() as connection:
                rows = [dict(row._mapping) for row in connection.execute(query)]
                named = select(files_in).where(files.event_number.in_([row["event_number"] for row in rows]))
                found = connection.execute(named.order_by(files.event_number, files.place)).all()
        except SQLAlchemyError as error:
            raise OSError(type(error).__name__) from error
        for row in rows:
            mine = [file for file in found if file.event_number == row["event_number"]]
            yield _Row(self, str(row["event_number"]), _event(row, mine))

    def answer(self, answers: Sequence[Answer]) -> None:
        """Put the answers' rows."""
        t = answers_out.c
        try:
            with self._begin() as connection:
                for one in answers:
                    row = {
                        "event_number": one.event, "outcome": one.outcome.value, "our_number": one.order,
                        "reason_key": one.key[:64], "reason": one.text, "answered_at": one.at,
                    }  # fmt: skip
                    mine = answers_out.update().where(t.event_number == one.event)
                    changed = connection.execute(mine.values(row))
                    if not changed.rowcount:
                        connection.execute(answers_out.insert().values(row))
        except SQLAlchemyError as error:
            raise OSError(type(error).__name__) from error

    def orders(self) -> Iterable[TheirOrder] | None:
        """What the receiver has put into `orders_in`; None while it has put nothing there."""
        try:
            with self._begin() as connection:
                rows = connection.execute(select(orders_in)).all()
        except SQLAlchemyError as error:
            raise OSError(type(error).__name__) from error
        return [
            TheirOrder(
                order=str(row.our_number),
                number=row.their_number or "",
                status=row.status or "",
                open=bool(row.is_open),
            )
            for row in rows
        ] or None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _begin(self) -> Any:
        if not self._made:
            metadata.create_all(self._engine)
            self._made = True
        return self._engine.begin()


class _Row:
    """One row of events."""

    def __init__(self, link: TableLink, event: str, raw: bytes) -> None:
        self._link, self._event, self.raw = link, event, raw

    def answered(self, answer: Answer) -> None:
        """Its answer's row, after which it is not new any more."""
        self._link.answer([answer])

    def refused(self, key: str, said: str) -> None:
        """The same, for what could not be read."""
        self._link.answer([Answer(event=self._event, outcome=HeardState.REFUSED, key=key, text=said)])


def _event(row: dict[str, Any], files: Sequence[Any]) -> bytes:
    """A row as an event's JSON; what is empty is left out."""
    made = {_NAMES.get(name, name): value for name, value in row.items() if value not in (None, "")}
    if "passed" in made:
        made["passed"] = bool(made["passed"])
    if files:
        made["evidence"] = [
            {"name": f.name or "", "media": f.media or "", "data": base64.b64encode(f.data).decode()}
            for f in files
        ]
    return msgspec.json.encode(made)
