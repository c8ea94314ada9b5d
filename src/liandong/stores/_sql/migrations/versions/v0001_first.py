"""First form of every table.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """All tables; there is no way back from here but to begin anew."""
    op.create_table(
        "acts",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("body_digest", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("case", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "anchors",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempts",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("outbox", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_finished", "attempts", ["finished", "started"], unique=False)
    op.create_table(
        "credential",
        sa.Column("token_digest", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("post", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_digest"),
    )
    op.create_table(
        "dataset",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("replayed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dead_letter_at", "dead_letter", ["at", "id"], unique=False)
    op.create_table(
        "journal",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("now", sa.BigInteger(), nullable=False),
        sa.Column("admission", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("position", name="journal_position"),
        sa.UniqueConstraint("stream", "sequence", name="journal_stream_sequence"),
    )
    op.create_table(
        "meta",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("post", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("deputy", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("domain", TEXT, nullable=False),
        sa.Column("area_path", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("orders_issued", "orders", ["issued"], unique=False)
    op.create_index("orders_person", "orders", ["person", "issued"], unique=False)
    op.create_index("orders_post", "orders", ["post", "issued"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order", TEXT, nullable=False),
        sa.Column("case", TEXT, nullable=False),
        sa.Column("recipient", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("template", TEXT, nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("outbox_due", "outbox", ["next_at", "created", "id"], unique=False)
    op.create_table(
        "participants",
        sa.Column("case", TEXT, nullable=False),
        sa.Column("part", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("post", TEXT, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "part", "unit", "post", "since"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rejected",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("vault", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("replayed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("rejected_at", "rejected", ["at", "id"], unique=False)
    op.create_table(
        "roots",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("heads", sa.LargeBinary(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("signature", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "streams",
        sa.Column("stream", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("grouping", TEXT, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("domain", TEXT, nullable=False),
        sa.Column("area_path", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_index("streams_grouping", "streams", ["kind", "grouping", "ordinal"], unique=False)
    op.create_index("streams_opened", "streams", ["kind", "opened"], unique=False)
    op.create_index("streams_stage", "streams", ["kind", "stage"], unique=False)
    op.create_table(
        "timers",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case", TEXT, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("timers_due", "timers", ["due", "id"], unique=False)
    op.create_table(
        "vault",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
