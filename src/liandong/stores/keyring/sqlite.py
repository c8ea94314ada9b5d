"""A keyring in one SQLite file, from which a destroyed key leaves no byte behind.

Four choices make that true, and a test searches the folder's bytes for it:
a key is overwritten in place by a row of the same size, so the b-tree copies it nowhere;
rows are only ever appended and looked up through an index without keys, so pages are never split
around them; `secure_delete` clears what SQLite frees; and the rollback journal, which holds the page
with the key while it is destroyed, is cut to nothing and synced before the call returns. A
write-ahead log would keep old pages until it is overwritten.
What a disk or file system keeps below its files is out of our hands; put the folder on an encrypted disk.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from liandong.core.values.errors import Broken, Conflict, Fatal

KEY_BYTES = 32
_DESTROYED = bytes(KEY_BYTES)
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY")
_TABLES = (
    "CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, subject BLOB NOT NULL, key BLOB NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS keys_subject ON keys (subject)",
)


class SqliteKeyring:
    """Keys per subject. Subjects are kept as digests; a destroyed one stays as a key of zeros.

    Threads may share a keyring, and processes a file. Raises Broken("keyring.failed") where the
    file cannot be read or written, Fatal where the disk fails, and
    Broken("keyring.folder_open_to_others") for a folder in which others may write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whoever may write in the folder may put another file in the keyring's place.
        if path.parent.stat().st_mode & 0o022:
            raise Broken("keyring.folder_open_to_others", path=str(path.parent))
        # Made by us, not by SQLite: its journal takes over the mode of the file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        with self._failing():
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            for pragma in _PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}").fetchall()
            for table in _TABLES:
                self._db.execute(table)
        for folder in (path.parent, path.parent.parent):
            _sync_folder(folder)

    def key(self, subject: str, create: bool = False) -> bytes | None:
        """The subject's key; None where it was destroyed or never made.

        With `create` a missing key is made, durably before it is returned. Raises
        Conflict("vault.subject_erased") with `create` where the key was destroyed.
        """
        digest = _digest(subject)
        found = self._find(digest)
        if found is None and create:
            with self._transaction():
                found = self._find_in(digest)  # another process may have been quicker
                if found is None:
                    found = secrets.token_bytes(KEY_BYTES)
                    self._db.execute("INSERT INTO keys (subject, key) VALUES (?, ?)", (digest, found))
        if found == _DESTROYED and create:
            raise Conflict("vault.subject_erased", subject=subject)
        return None if found == _DESTROYED else found

    def destroy(self, subject: str) -> bool:
        """Overwrite a key for good; a destroyed subject never gets another. False where there was none."""
        digest = _digest(subject)
        with self._transaction():
            found = self._find_in(digest)
            if found is None or found == _DESTROYED:
                return False
            self._db.execute("UPDATE keys SET key = ? WHERE subject = ?", (_DESTROYED, digest))
        return True

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def _find(self, digest: bytes) -> bytes | None:
        with self._lock, self._failing():
            return self._find_in(digest)

    def _find_in(self, digest: bytes) -> bytes | None:
        row = self._db.execute("SELECT key FROM keys WHERE subject = ?", (digest,)).fetchone()
        if row is None:
            return None
        if not isinstance(row[0], bytes) or len(row[0]) != KEY_BYTES:
            raise Broken("keyring.failed", path=str(self._path))
        return row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # After a failed sync nobody knows what is on the disk, so nobody may go on or try again.
            lost = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
            raise (Fatal if lost else Broken)("keyring.failed", path=str(self._path)) from error


def _digest(subject: str) -> bytes:
    return hashlib.sha256(f"subject:{subject}".encode()).digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
