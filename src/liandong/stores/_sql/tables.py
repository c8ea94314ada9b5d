"""Every table, in SQLAlchemy Core. A table's columns are the fields of its row struct, in order.

Bodies are blobs, so that what is read are the very bytes that were hashed; moments are int64
microseconds, given by whoever writes; the database is never asked for the time.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

metadata = MetaData()

#: Compared and sorted by code point everywhere, as Python does: cursors and prefixes rely on it.
TEXT = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _key(name: str, type_: type = str) -> Column:
    return Column(name, TEXT if type_ is str else BigInteger, primary_key=True)


def _text(name: str) -> Column:
    return Column(name, TEXT, nullable=False)


def _blob(name: str, nullable: bool = False) -> Column:
    return Column(name, LargeBinary, nullable=nullable)


def _int(name: str, nullable: bool = False) -> Column:
    return Column(name, BigInteger, nullable=nullable)


#: `position` may be NULL for PostgreSQL's sake, where a sequencer fills it in after the commit.
journal = Table(
    "journal", metadata,
    _text("stream"), _int("sequence"), _text("algorithm"), _text("previous"), _text("hash"), _blob("body"),
    _text("kind"), _int("now"), _int("admission"), _int("position", nullable=True),
    UniqueConstraint("position", name="journal_position"),
    UniqueConstraint("stream", "sequence", name="journal_stream_sequence"),
)  # fmt: skip

streams = Table(
    "streams", metadata,
    _key("stream"), _text("kind"), _int("sequence"), _text("hash"), _int("version"),
    _blob("body", nullable=True), _text("grouping"), _int("ordinal"), _text("domain"), _text("area_path"),
    _text("unit"), _text("mode"), _text("stage"), _text("level"), _int("opened"), _int("updated"),
    _text("cause"),
    Index("streams_grouping", "kind", "grouping", "ordinal"),
    Index("streams_opened", "kind", "opened"),
    Index("streams_stage", "kind", "stage"),
)  # fmt: skip

orders = Table(
    "orders", metadata,
    _key("id"), _text("case"), _text("unit"), _text("post"), _text("person"), _text("deputy"),
    _text("action"), _text("status"), _int("round"), _int("issued"), _int("due", nullable=True),
    _text("domain"), _text("area_path"), _text("mode"),
    Index("orders_issued", "issued"),
    Index("orders_person", "person", "issued"),
    Index("orders_post", "post", "issued"),
)  # fmt: skip

#: One narrow row for each case, so that a thousand open ones are put in order without their bodies.
queue = Table(
    "queue", metadata,
    _key("case"), _int("live"), _int("turn"), _text("unit"), _text("waits"), _text("asset"), _text("domain"),
    _text("area_path"), _text("mode"), _text("level"),
    Index("queue_turn", "turn", "case"),
    Index("queue_asset", "asset", "live"),
)  # fmt: skip

participants = Table(
    "participants", metadata,
    _key("case"), _key("part"), _key("unit"), _key("post"), _key("since", int), _int("until"),
    sqlite_with_rowid=False,
)  # fmt: skip

timers = Table(
    "timers", metadata,
    _key("id"), _text("case"), _int("due"),
    Index("timers_due", "due", "id"),
    sqlite_with_rowid=False,
)  # fmt: skip

#: `next_at` is NULL while an attempt is in the air and when the delivery is over.
outbox = Table(
    "outbox", metadata,
    _key("id"), _text("order"), _text("case"), _text("recipient"), _text("channel"), _text("template"),
    _blob("params"), _text("mode"), _int("created"), _int("attempts"), _int("next_at", nullable=True),
    Index("outbox_due", "next_at", "created", "id"),
    Index("outbox_case", "case"),
)  # fmt: skip

attempts = Table(
    "attempts", metadata,
    _key("id"), _text("outbox"), _int("number"), _int("started"), _int("finished", nullable=True),
    Column("outcome", TEXT), _text("detail"),
    Index("attempts_finished", "finished", "started"),
    Index("attempts_outbox", "outbox"),
)  # fmt: skip

acts = Table(
    "acts", metadata,
    _key("id"), _text("body_digest"), _text("status"), _text("key"), _blob("params"), _text("case"),
    _int("version"), _int("at"),
)  # fmt: skip

vault = Table("vault", metadata, _key("id"), _text("subject"), _blob("nonce"), _blob("sealed"))

rejected = Table(
    "rejected", metadata,
    _key("id"), _int("at"), _text("source"), _text("path"), _text("key"), _blob("params"), _text("vault"),
    _int("size"), _int("replayed", nullable=True),
    Index("rejected_at", "at", "id"),
)  # fmt: skip

dead_letter = Table(
    "dead_letter", metadata,
    _key("id"), _int("at"), _text("type"), _blob("body"), _text("error"), _int("replayed", nullable=True),
    Index("dead_letter_at", "at", "id"),
)  # fmt: skip

roots = Table(
    "roots", metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    _int("at"), _int("position"), _text("previous"), _blob("heads"), _text("hash"), _text("key"),
    _text("signature"),
)  # fmt: skip

anchors = Table(
    "anchors", metadata,
    _key("number", int), _key("place"), _int("at"),
    sqlite_with_rowid=False,
)  # fmt: skip

dataset = Table("dataset", metadata, _key("digest"), _text("kind"), _blob("body"))

credential = Table(
    "credential", metadata,
    _key("token_digest"), _text("person"), _text("post"), _text("source"), _int("expires"),
)  # fmt: skip

account = Table(
    "account", metadata,
    _key("name"), _text("person"), _text("hash"), _int("must_change"), _int("disabled"), _int("created"),
    _int("changed"), _int("ended"), _text("language"),
)  # fmt: skip

#: Apart from the account, because it is written by who fails and the account by an administrator.
sign_in_guard = Table(
    "sign_in_guard", metadata,
    _key("name"), _int("failures"), _int("locks"), _int("locked_until"), _int("at"),
)  # fmt: skip

session = Table(
    "session", metadata,
    _key("digest"), _text("account"), _text("person"), _text("post"), _int("created"), _int("seen"),
    _int("expires"), _int("ends"),
    Index("session_expires", "expires"),
)  # fmt: skip

#: What other systems report on orders, and what became of it.
bridge_event = Table(
    "bridge_event", metadata,
    _key("bridge"), _key("event"), _text("digest"), _text("state"), _text("order"), _text("case"),
    _text("number"), _text("status"), _int("their_at", nullable=True), _int("received"), _int("tries"),
    _text("key"), _blob("params"), _int("moment"), _text("vault"),
    Index("bridge_event_state", "bridge", "state", "moment", "event"),
    Index("bridge_event_number", "bridge", "number"),
)  # fmt: skip

#: Processes that share this database. `beat` rises while one lives; below zero it has left or was buried.
coordinator = Table(
    "coordinator", metadata,
    _key("name"), _int("epoch"), _int("beat"),
)  # fmt: skip

#: Which of them works on which share of the cases; the epoch rises with every change of owner.
lease = Table("lease", metadata, _key("partition"), _text("owner"), _int("epoch"))

#: Messages that one of them has taken for another, and the answers. `number` is their order.
handover = Table(
    "handover", metadata,
    _key("id"), _text("partition"), _int("number"), _text("origin"), _text("sender"), _blob("message"),
    _int("at"), _blob("answer", nullable=True),
    Index("handover_number", "number"),
)  # fmt: skip

meta = Table("meta", metadata, _key("key"), _text("value"), sqlite_with_rowid=False)
