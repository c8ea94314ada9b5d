"""The operational store that the settings name: SQLite in a folder, or PostgreSQL at an address."""

from __future__ import annotations

from pathlib import Path

from liandong.app.settings import Settings, load_settings
from liandong.stores._sql.store import SqlStore
from liandong.stores.postgres import SCHEME, open_postgres
from liandong.stores.sqlite import FILE, open_sqlite

#: What a copy of a PostgreSQL database is called in the folder of a backup.
DUMP = "liandong.pgdump"


def is_shared(settings: Settings) -> bool:
    """Whether several processes may decide over this store."""
    return settings.store is not None and settings.store.startswith(SCHEME)


def store_folder(settings: Settings) -> Path:
    """Where SQLite's file lies."""
    return settings.data if settings.store is None else Path(settings.store)


def open_store(settings: Settings) -> SqlStore:
    """Open, create or migrate the store. Raises BadInput where a server or its driver cannot be had."""
    if is_shared(settings):
        assert settings.store is not None
        return open_postgres(settings.store, settings.store_password_file)
    return open_sqlite(store_folder(settings))


def store_of(data: Path, store: str | None = None) -> SqlStore:
    """The store of a data folder, for commands that only look into it."""
    return open_store(load_settings({"data": data, "store": store}))


def is_there(data: Path, store: str | None = None) -> bool:
    """Whether there is something to look into; a server is asked when it is opened."""
    settings = load_settings({"data": data, "store": store})
    return is_shared(settings) or (store_folder(settings) / FILE).is_file()
