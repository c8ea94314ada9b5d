"""What receivers' own systems report on their orders.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """A table and its indexes."""
    op.create_table(
        "bridge_event",
        sa.Column("bridge", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("order", TEXT, nullable=False),
        sa.Column("case", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("their_at", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("params", sa.LargeBinary(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("vault", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("bridge", "event"),
    )
    columns = ["bridge", "state", "moment", "event"]
    op.create_index("bridge_event_state", "bridge_event", columns, unique=False)
    op.create_index("bridge_event_number", "bridge_event", ["bridge", "number"], unique=False)
