"""The store of a city that has to survive the loss of a machine: one PostgreSQL database, several processes.

Needs the extra `postgres`; nothing of it is imported before such a store is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liandong.core.values.errors import BadInput

if TYPE_CHECKING:
    from liandong.stores.postgres.store import PostgresStore

#: How the setting `store` begins where it means this engine.
SCHEME = "postgresql://"


def open_postgres(address: str, password_file: Path | None = None) -> PostgresStore:
    """Open, create or migrate the database at `postgresql://user@host:port/database`.

    Raises BadInput where the driver is missing, the address holds a password, the file cannot be read
    or the server cannot be reached; Broken for a newer schema.
    """
    try:
        import psycopg  # noqa: F401  # only asked whether it is there
    except ImportError as error:
        raise BadInput("store.no_driver", extra="liandong[postgres]") from error
    from liandong.stores.postgres.store import connect

    return connect(address, password_file)


__all__ = ["SCHEME", "open_postgres"]
