"""Evidence is what its digest says, or it is told; and it survives a loss of power."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.canonical import sha256
from liandong.core.values.errors import Broken, Fatal, NotFound
from liandong.stores.readings.evidence import EvidenceStore
from liandong.stores.readings.forgetful import ForgetfulFiles, PowerLost

FOLDER = Path("/data/evidence")


def test_bytes_come_back_under_their_digest(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence")
    assert list(store) == []
    digest = store.put(b"window")
    assert digest == sha256(b"window")
    assert (store.get(digest), store.has(digest)) == (b"window", True)
    assert store.put(b"window") == digest
    many = store.put_many([b"a", b"", b"a", b"window"])
    assert many == [sha256(data) for data in (b"a", b"", b"a", b"window")]
    assert list(EvidenceStore(tmp_path / "evidence")) == sorted(set(many))
    assert store.put_many([]) == []


def test_absent_and_impossible_digests(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    assert not store.has(sha256(b"never"))
    for digest in (sha256(b"never"), "../../etc/passwd", ""):
        with pytest.raises(NotFound):
            store.get(digest)


def test_damage_is_told_and_healed_by_putting_again(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    digest = store.put(b"window")
    (tmp_path / digest[:2] / digest).write_bytes(b"Window")
    with pytest.raises(Broken, match=digest):
        store.get(digest)
    store.put(b"window")
    assert store.get(digest) == b"window"


@given(
    st.lists(st.lists(st.binary(max_size=200), max_size=4), max_size=6),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
    st.sampled_from(["prefix", "sectors"]),
)
def test_what_put_returned_survives_a_kill_and_a_power_loss(
    groups: list[list[bytes]], fail_at: int, rng: random.Random, torn: str
) -> None:
    files = ForgetfulFiles(fail_at=fail_at)
    kept: list[str] = []
    try:
        for group in groups:
            kept += EvidenceStore(FOLDER, files).put_many(group)
    except PowerLost:
        pass
    files.fail_at = None
    if rng.random() < 0.5:  # a kill only, and somebody puts the same once more
        for group in groups:
            kept += EvidenceStore(FOLDER, files).put_many(group)
    store = EvidenceStore(FOLDER, files.after_power_loss(rng, torn))  # type: ignore[arg-type]
    for digest in kept:
        assert sha256(store.get(digest)) == digest
    for digest in store:
        store.get(digest)  # a name never stands for half a content


def test_a_failed_sync_is_fatal_and_leaves_no_name() -> None:
    files = ForgetfulFiles(fail_sync_at=1)
    store = EvidenceStore(FOLDER, files)
    with pytest.raises(Fatal, match=r"evidence\.sync_failed"):
        store.put(b"window")
    assert list(store) == []
