"""The live queue as a table of its own, and the way from a case to its deliveries.

Revision ID: 0003
"""

import msgspec
import sqlalchemy as sa
from alembic import op

from liandong.app.project import queue_row
from liandong.core.values.case import CaseState

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """A table and its indexes; the rows are made from the stored states, as `rebuild` would make them."""
    queue = op.create_table(
        "queue",
        sa.Column("case", TEXT, nullable=False),
        sa.Column("live", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("waits", TEXT, nullable=False),
        sa.Column("asset", TEXT, nullable=False),
        sa.Column("domain", TEXT, nullable=False),
        sa.Column("area_path", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("case"),
    )
    op.create_index("queue_turn", "queue", ["turn", "case"], unique=False)
    op.create_index("queue_asset", "queue", ["asset", "live"], unique=False)
    op.create_index("outbox_case", "outbox", ["case"], unique=False)
    op.create_index("attempts_outbox", "attempts", ["outbox"], unique=False)
    connection = op.get_bind()
    streams = sa.table("streams", sa.column("kind"), sa.column("body"))
    bodies = connection.execute(sa.select(streams.c.body).where(streams.c.kind == "case")).scalars().all()
    rows = [
        msgspec.to_builtins(queue_row(msgspec.json.decode(body, type=CaseState))) for body in bodies if body
    ]
    if rows:
        connection.execute(queue.insert(), rows)
