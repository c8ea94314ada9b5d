"""Snapshots: the newest sound one at or before a position, and never a wrong one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from liandong.core.values.errors import BadInput, Fatal
from liandong.stores.readings.forgetful import ForgetfulFiles, PowerLost
from liandong.stores.readings.log import Position
from liandong.stores.readings.snapshots import SnapshotStore

RULES = "rules_abc"
GOLDEN = Path(__file__).parent / "golden" / "snapshot_v1.bin"


def test_the_newest_at_or_before(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")
    assert store.newest(RULES, Position(9, 9)) is None
    store.save(RULES, Position(1, 5), b"one")
    store.save(RULES, (2, 0), b"two")
    store.save("other", (2, 1), b"not ours")
    assert store.newest(RULES, (9, 9)) == ((2, 0), b"two")
    assert store.newest(RULES, (2, 0)) == ((2, 0), b"two")
    assert store.newest(RULES, (1, 99)) == ((1, 5), b"one")
    assert store.newest(RULES, (1, 4)) is None
    assert SnapshotStore(tmp_path / "snapshots").rule_sets() == ["other", RULES]
    store.forget(RULES)
    assert store.rule_sets() == ["other"]


def test_two_are_kept_per_rule_set(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for row in range(5):
        store.save(RULES, (1, row), b"%d" % row)
    assert store.newest(RULES, (1, 3)) == ((1, 3), b"3")
    assert store.newest(RULES, (1, 2)) is None
    assert len(list(tmp_path.iterdir())) == 2


def test_after_a_database_was_put_back_later_snapshots_make_room(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for row in (10, 20, 3):
        store.save(RULES, (1, row), b"%d" % row)
    assert store.newest(RULES, (1, 99)) == ((1, 3), b"3")


def test_a_damaged_or_renamed_one_is_passed_over(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.save(RULES, (1, 1), b"one")
    store.save(RULES, (1, 2), b"two")
    path = max(tmp_path.iterdir())
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert store.newest(RULES, (9, 9)) == ((1, 1), b"one")
        path.write_bytes(whole[:at])
        assert store.newest(RULES, (9, 9)) == ((1, 1), b"one")
    path.write_bytes(min(tmp_path.iterdir()).read_bytes())
    assert store.newest(RULES, (9, 9)) == ((1, 1), b"one")


def test_rule_sets_are_names(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        SnapshotStore(tmp_path).save("../x", (1, 1), b"")


def test_the_golden_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    store.save("rules_golden", (3, 14), b"state\x00bytes")
    assert next(tmp_path.iterdir()).read_bytes() == GOLDEN.read_bytes()
    name = next(tmp_path.iterdir())
    name.write_bytes(GOLDEN.read_bytes())
    assert store.newest("rules_golden", (3, 14)) == ((3, 14), b"state\x00bytes")


@pytest.mark.parametrize("torn", ["prefix", "sectors"])
def test_power_loss_leaves_a_saved_or_an_older_one(torn: str) -> None:
    for fail_at in range(1, 25):
        files, saved = ForgetfulFiles(fail_at=fail_at), 0
        try:
            store = SnapshotStore(Path("/snapshots"), files)
            for row in range(1, 5):
                store.save(RULES, (1, row), b"%d" % row * 100)
                saved = row
        except PowerLost:
            pass
        back = SnapshotStore(Path("/snapshots"), files.after_power_loss(random.Random(fail_at), torn))
        found = back.newest(RULES, (9, 9))
        assert saved == 0 or (found is not None and found[0].row >= saved)
        assert found is None or found[1] == b"%d" % found[0].row * 100


def test_a_failed_sync_is_fatal() -> None:
    store = SnapshotStore(Path("/snapshots"), ForgetfulFiles(fail_sync_at=1))
    with pytest.raises(Fatal, match=r"snapshot\.sync_failed"):
        store.save(RULES, (1, 1), b"x")
    assert store.newest(RULES, (9, 9)) is None
