"""Alembic runs this; the connection, and the transaction around it, come from `schema.upgrade`."""

from alembic import context

from liandong.stores._sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot change a column: Alembic then makes the table anew and copies the rows.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
