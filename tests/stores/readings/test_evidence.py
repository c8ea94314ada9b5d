"""Evidence is what its digest says, or it is told; and it survives a loss of power."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.core.values.canonical import sha256
from liandong.core.values.errors import Broken, Fatal, NotFound
from liandong.stores.readings import volumes
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
    volume = tmp_path / "000001.volume"
    volume.write_bytes(volume.read_bytes().replace(b"window", b"Window"))
    with pytest.raises(Broken, match=digest):
        store.get(digest)
    store.put(b"window")
    assert store.get(digest) == b"window"


def test_a_reader_beside_the_writer_sees_what_is_new(tmp_path: Path) -> None:
    writer, reader = EvidenceStore(tmp_path), EvidenceStore(tmp_path)
    first = writer.put(b"one")
    assert reader.get(first) == b"one"
    second = writer.put(b"two")
    assert reader.get(second) == b"two" and list(reader) == sorted([first, second])


def test_volumes_turn_over_and_every_index_is_only_a_short_cut(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path, volume_bytes=300)
    kept = {store.put(bytes([n]) * 50): bytes([n]) * 50 for n in range(20)}
    store.close()
    indexes = sorted(tmp_path.glob("*.index"))
    assert len(indexes) == len(list(tmp_path.glob("*.volume"))) > 3
    indexes[0].unlink()
    indexes[1].write_bytes(indexes[1].read_bytes()[:-1] + b"?")
    again = EvidenceStore(tmp_path)
    assert {digest: again.get(digest) for digest in again} == kept


def test_a_damaged_head_hides_no_record_behind_it(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = [store.put(data) for data in (b"first", b"second", b"third")]
    volume = tmp_path / "000001.volume"
    content = volume.read_bytes()
    volume.write_bytes(content.replace(b"LDev", b"ldev", 1))
    after = EvidenceStore(tmp_path)
    assert not after.has(kept[0]) and [after.get(d) for d in kept[1:]] == [b"second", b"third"]


def test_a_restart_writes_behind_nothing_that_may_be_torn(tmp_path: Path) -> None:
    EvidenceStore(tmp_path).put(b"one")
    with (tmp_path / "000001.volume").open("ab") as file:
        file.write(b"LDev\x05\x00\x00\x00 torn")
    EvidenceStore(tmp_path).put(b"two")
    store = EvidenceStore(tmp_path)
    assert sorted(store.get(digest) for digest in store) == [b"one", b"two"]


@given(st.binary(max_size=400))
def test_walking_any_bytes_ends(content: bytes) -> None:
    index = volumes.walk(content)
    for row in index:
        assert row["offset"] >= 0 and row["offset"] + row["length"] <= len(content)


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
    store = EvidenceStore(FOLDER, files.after_power_loss(rng, torn))
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
