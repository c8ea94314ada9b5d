"""What is sealed opens for its subject only, is proven by its reference, and is gone with the key."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.app.vault import Vault
from liandong.core.values.canonical import sha256
from liandong.core.values.errors import Broken, Conflict, NotFound
from tests.app.journals import replace


class Keys:
    """A keyring in a dict."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes | None] = {}

    def key(self, subject: str, create: bool = False) -> bytes | None:
        if create and subject in self.keys and self.keys[subject] is None:
            raise Conflict("vault.subject_erased", subject=subject)
        if create and subject not in self.keys:
            self.keys[subject] = secrets.token_bytes(32)
        return self.keys.get(subject)

    def destroy(self, subject: str) -> bool:
        had = self.keys.get(subject) is not None
        if had:
            self.keys[subject] = None
        return had


subjects = st.builds(
    lambda kind, name: f"{kind}:{name}", st.sampled_from(["case", "person", "rejected"]), st.text(min_size=1)
)
words = st.one_of(st.text(), st.binary())


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@settings(max_examples=200, deadline=None)
@given(subjects, words)
def test_what_was_sealed_is_opened_with_its_reference(subject: str, text: str | bytes) -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    ref, row = vault.seal(subject, text)
    assert vault.open(row, ref) == as_bytes(text)
    assert ref.id == row.id and row.subject == subject
    assert len(as_bytes(text)) < 4 or as_bytes(text) not in row.sealed


@settings(max_examples=200, deadline=None)
@given(words, st.data())
def test_a_row_that_was_changed_anywhere_is_refused(text: str | bytes, data: st.DataObject) -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    ref, row = vault.seal("case:a", text)
    vault.seal("case:b", "other")
    name = data.draw(st.sampled_from(["id", "subject", "nonce", "sealed"]))
    if name in ("nonce", "sealed"):
        value = bytearray(getattr(row, name))
        value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
        changed = replace(row, **{name: bytes(value)})
    else:
        changed = replace(row, **{name: {"id": "vlt_x", "subject": "case:b"}[name]})
    with pytest.raises(Broken, match=r"vault\.altered"):
        vault.open(changed, ref)


@given(st.binary(max_size=40))
def test_cut_rows_are_refused(sealed: bytes) -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    ref, row = vault.seal("case:a", "words")
    with pytest.raises(Broken):
        vault.open(replace(row, sealed=sealed), ref)
    with pytest.raises(Broken):
        vault.open(replace(row, nonce=sealed[:5]), ref)


def test_rows_of_one_subject_cannot_be_exchanged() -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    (ref, row), (other_ref, other) = vault.seal("case:a", "yes"), vault.seal("case:a", "no")
    with pytest.raises(Broken, match=r"vault\.digest_differs"):
        vault.open(other, ref)
    with pytest.raises(Broken, match=r"vault\.altered"):
        vault.open(replace(other, id=row.id), ref)
    with pytest.raises(Broken, match=r"vault\.digest_differs"):
        vault.open(row, replace(ref, digest=other_ref.digest))
    with pytest.raises(Broken, match=r"vault\.digest_differs"):
        vault.open(row, replace(ref, digest="不"))


def test_a_blinded_digest_is_comparable_while_the_key_lives() -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    assert vault.blind("case:a", "d") == vault.blind("case:a", "d") != vault.blind("case:b", "d")
    vault.erase("case:a")
    with pytest.raises(Conflict):
        vault.blind("case:a", "d")


def test_erased_words_are_not_found_and_the_subject_gets_no_more() -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    ref, row = vault.seal("person:p1", "张三")
    kept_ref, kept = vault.seal("person:p2", "李四")
    assert vault.erase("person:p1") and not vault.erase("person:p1") and not vault.erase("person:never")
    with pytest.raises(NotFound, match=r"vault\.erased"):
        vault.open(row, ref)
    with pytest.raises(Conflict, match=r"vault\.subject_erased"):
        vault.seal("person:p1", "again")
    assert vault.open(kept, kept_ref) == "李四".encode()


def test_the_reference_reveals_nothing_and_is_never_the_same_twice() -> None:
    vault = Vault(Keys(), secrets.token_bytes)
    made = [vault.seal("case:a", "是") for _ in range(50)]
    assert len({ref.digest for ref, _ in made}) == len({ref.id for ref, _ in made}) == 50
    assert len({row.nonce for _, row in made}) == 50
    assert sha256("是".encode()) not in {ref.digest for ref, _ in made}


@pytest.mark.parametrize("subject", ["", "case", "case:", "unit:u", ":x"])
def test_only_known_kinds_of_subject_are_sealed(subject: str) -> None:
    with pytest.raises(ValueError):
        Vault(Keys(), secrets.token_bytes).seal(subject, "words")


def test_it_works_with_the_real_keyring(tmp_path: Path) -> None:
    from liandong.stores.keyring import SqliteKeyring

    vault = Vault(SqliteKeyring(tmp_path / "keys" / "keyring.db"), secrets.token_bytes)
    ref, row = vault.seal("rejected:2026-05-01", b"\x00raw")
    assert vault.open(row, ref) == b"\x00raw"
    vault.erase("rejected:2026-05-01")
    with pytest.raises(NotFound):
        vault.open(row, ref)
