"""The schema of a database: made new, brought up to date, or refused because it is from the future.

Alembic takes as long to import as everything else here together, so it is imported only when a
database really has to be migrated; a new one gets its tables from the metadata and head's number.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select

from liandong.core.values.errors import Broken
from liandong.stores._sql.tables import metadata

#: The newest revision in migrations/versions; a test compares them.
HEAD = "0006"
MIGRATIONS = Path(__file__).with_name("migrations")

#: Alembic's own table, as Alembic would make it.
version_table = Table(
    "alembic_version", MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)  # fmt: skip


def prepare(connection: Connection) -> None:
    """Bring the database to HEAD within the caller's transaction, so that it happens whole or not.

    Raises Broken for a database that a newer version, or somebody else, has made.
    """
    found = stored_revision(connection)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        version_table.create(connection)
        connection.execute(version_table.insert().values(version_num=HEAD))
    elif found != HEAD:
        upgrade(connection, found)


def stored_revision(connection: Connection) -> str | None:
    """The revision of a database, None for an empty one, and empty text where it says none."""
    names = inspect(connection).get_table_names()
    if version_table.name in names:
        return connection.execute(select(version_table.c.version_num)).scalar() or ""
    return "" if names else None


def upgrade(connection: Connection, found: str | None) -> None:
    """Run the migrations from `found` to the newest. Raises Broken where `found` is not ours."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Broken("store.newer_schema", found=found, known=HEAD)
    command.upgrade(config, "head")
