"""Keys per subject, in a database file of their own that no backup contains."""

from liandong.stores.keyring.sqlite import SqliteKeyring

__all__ = ["SqliteKeyring"]
