"""A destroyed key is in no byte of any file, never comes back, and its subject never gets another."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from liandong.core.values.errors import Broken, Conflict
from liandong.stores.keyring import SqliteKeyring


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.db"


@pytest.fixture
def keyring(path: Path) -> Iterator[SqliteKeyring]:
    made = SqliteKeyring(path)
    yield made
    made.close()


def everything(folder: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_a_key_is_made_once_and_found_again(keyring: SqliteKeyring, path: Path) -> None:
    assert keyring.key("case:a") is None
    made = keyring.key("case:a", create=True)
    assert made is not None and len(made) == 32
    assert keyring.key("case:a") == keyring.key("case:a", create=True) == made
    assert keyring.key("case:b", create=True) != made
    keyring.close()
    assert SqliteKeyring(path).key("case:a") == made


def test_a_destroyed_subject_never_gets_another_key(keyring: SqliteKeyring, path: Path) -> None:
    keyring.key("person:p", create=True)
    assert keyring.destroy("person:p") and not keyring.destroy("person:p")
    assert not keyring.destroy("person:never")
    for one in (keyring, SqliteKeyring(path)):
        assert one.key("person:p") is None
        with pytest.raises(Conflict, match=r"vault\.subject_erased"):
            one.key("person:p", create=True)


def test_files_are_closed_to_others_also_while_writing(keyring: SqliteKeyring, path: Path) -> None:
    keyring.key("case:a", create=True)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_a_folder_in_which_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(Broken, match=r"keyring\.folder_open_to_others"):
        SqliteKeyring(tmp_path / "keyring.db")


def test_what_is_no_keyring_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "keyring.db"
    file.write_bytes(b"this is no database, and long enough to be taken for none" * 50)
    with pytest.raises(Broken, match=r"keyring\.failed"):
        SqliteKeyring(file)


def test_subjects_are_not_readable_in_the_file(keyring: SqliteKeyring, path: Path) -> None:
    keyring.key("person:zhang-san", create=True)
    assert b"zhang-san" not in everything(path.parent)


@pytest.mark.slow
def test_no_byte_of_any_destroyed_key_is_left_among_thousands(keyring: SqliteKeyring, path: Path) -> None:
    """Enough keys for many pages; the even ones destroyed while others are made; every piece of 8 bytes is
    looked for, in every file, after every hundredth step and at the end."""
    keys: dict[int, bytes] = {}
    gone: list[bytes] = []
    for n in range(600):
        keys[n] = keyring.key(f"person:{n}", create=True) or b""
        if n % 2 == 0:
            assert keyring.destroy(f"person:{n // 2}")
            gone.append(keys.pop(n // 2))
        if n % 100 == 0:
            assert_gone(path.parent, gone)
    assert_gone(path.parent, gone)
    left = everything(path.parent)
    assert len(gone) == 300 and all(left.count(key) == 1 for key in keys.values())


def assert_gone(folder: Path, gone: list[bytes]) -> None:
    left = everything(folder)
    windows = {left[at : at + 8] for at in range(len(left) - 7)}
    pieces = {key[at : at + 8] for key in gone for at in range(len(key) - 7)}
    assert not pieces & windows


def test_the_search_would_find_a_key_that_is_still_there(keyring: SqliteKeyring, path: Path) -> None:
    key = keyring.key("case:a", create=True) or b""
    with pytest.raises(AssertionError):
        assert_gone(path.parent, [key])


def test_the_keyring_is_set_as_the_promise_needs_it(keyring: SqliteKeyring) -> None:
    asked = {name: keyring._db.execute(f"PRAGMA {name}").fetchone()[0] for name in
             ("journal_mode", "synchronous", "secure_delete")}  # fmt: skip
    assert asked == {"journal_mode": "truncate", "synchronous": 2, "secure_delete": 1}


def test_threads_and_processes_share_it(keyring: SqliteKeyring, path: Path) -> None:
    code = "import sys; from pathlib import Path; from liandong.stores.keyring import SqliteKeyring"
    code += (
        "; print([SqliteKeyring(Path(sys.argv[1])).key(f'case:{n}', create=True).hex() for n in range(40)])"
    )
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env={"PYTHONPATH": "src"}
        )
        for _ in range(2)
    ]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: keyring.key(f"case:{n % 40}", create=True), range(160)))
    assert len(set(found)) == 40
    said = {other.communicate()[0].decode().strip() for other in others}
    assert said == {str([key.hex() for key in found[:40] if key])}


def test_a_process_killed_while_destroying_leaves_the_key_whole_or_gone(path: Path) -> None:
    """Killed before the commit, the next opener rolls back and cuts the journal that holds the page."""
    keyring = SqliteKeyring(path)
    key = keyring.key("case:a", create=True)
    assert key is not None
    pid = os.fork()
    if pid == 0:  # the child writes the page and its journal, and dies before the commit
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = TRUNCATE").fetchall()
        db.execute("PRAGMA cache_size = 1").fetchall()
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE keys SET key = zeroblob(32)")
        db.execute("PRAGMA cache_spill = 1").fetchall()
        os._exit(9)
    os.waitpid(pid, 0)
    again = SqliteKeyring(path)
    assert again.key("case:a") == key
    assert again.destroy("case:a")
    assert_gone(path.parent, [key])


class Keyrings(RuleBasedStateMachine):
    """Any order of making, destroying and reopening against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "keys" / "keyring.db"
        self.ring = SqliteKeyring(self.path)
        self.known: dict[str, bytes | None] = {}
        self.gone: list[bytes] = []

    subjects = st.integers(0, 12).map(lambda n: f"case:{n}")

    @rule(subject=subjects)
    def make(self, subject: str) -> None:
        if self.known.get(subject, b"") is None:
            with pytest.raises(Conflict):
                self.ring.key(subject, create=True)
            return
        key = self.ring.key(subject, create=True)
        assert key == self.known.setdefault(subject, key)

    @rule(subject=subjects)
    def destroy(self, subject: str) -> None:
        key = self.known.get(subject)
        assert self.ring.destroy(subject) == (key is not None)
        if key is not None:
            self.known[subject] = None
            self.gone.append(key)

    @precondition(lambda self: self.known)
    @rule()
    def reopen(self) -> None:
        self.ring.close()
        self.ring = SqliteKeyring(self.path)

    @invariant()
    def it_says_what_was_kept(self) -> None:
        for subject, key in self.known.items():
            assert self.ring.key(subject) == key
        assert_gone(self.path.parent, self.gone)

    def teardown(self) -> None:
        self.ring.close()
        self.folder.cleanup()


TestKeyrings = Keyrings.TestCase
TestKeyrings.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
