"""Readings: answered once durable, found once, and the same findings after any loss of power."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liandong.app.ports import Changes
from liandong.app.rebuild import rebuild
from liandong.core.ingest import decode_json
from liandong.core.values.canonical import sha256
from liandong.core.values.errors import BadInput, Broken, Busy, Fatal
from liandong.core.values.findings import Finding, FindingSettled
from liandong.core.values.lists import Step
from liandong.core.values.risk import RiskState
from liandong.core.values.times import HOUR, MINUTE, format_time
from liandong.sim.devices import DeviceMessage
from liandong.stores.memory import open_memory
from liandong.stores.readings import ReadingLog, SnapshotStore
from tests.app.machine import START, cases
from tests.app.rig import LOG, SNAPSHOTS, Disks, Rig, script, until

GAS = "channel:gas-001.ch4_lel"
#: Of a source that may be late, so that its findings are provisional for a while.
WATER = "channel:underpass-01.water_level"


@pytest.fixture
def make() -> Iterator[Callable[..., Rig]]:
    """Rigs that are stopped at the end, whatever the test has done to them."""
    made: list[Rig] = []

    def rig(*args: Any, **options: Any) -> Rig:
        store = args[0] if args else open_memory()
        made.append(Rig(store, *args[1:], **options))
        return made[-1]

    yield rig
    for one in made:
        one.stop()


def gas(at: int, value: float, id: str = "", channel: str = GAS) -> DeviceMessage:
    rows = [{"channel": channel, "time": format_time(at), "value": value}]
    body = {"readings": rows, **({"id": id} if id else {})}
    source = "source:drainage" if channel == WATER else "source:gas"
    return DeviceMessage(at=at, source=source, body=json.dumps(body).encode())


def alarm(rig: Rig, value: float = 60.0, channel: str = GAS) -> None:
    """Six minutes of it: enough for every rule."""
    for minute in range(0, 7, 2):
        rig.tick(START + minute * MINUTE)
        rig.send(gas(START + minute * MINUTE, value, channel=channel))
        rig.settle()


# The undisturbed run, which every disturbed one has to equal


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    rig = Rig(open_memory()).start()
    rig.play(script(), set())
    rig.stop()
    log = ReadingLog(LOG, rig.disks.log)
    return {
        "said": rig.said(),
        "dump": rig.intake.shard.dump(),
        "records": [(tuple(p), r.source, r.kind, r.message_key) for p, r in log.read()],
        "cases": {case.id: case.findings for case in cases(rig.store)},
    }


def test_the_story_says_what_it_has_to(calm: dict[str, Any]) -> None:
    kinds = {type(message).__name__ for message in calm["said"]}
    assert {"Finding", "FindingSettled", "FindingEnded", "FindingRevised"} <= kinds and len(calm["cases"]) > 2


# Answers


def test_a_receipt_comes_after_the_sync(make: Callable[..., Rig]) -> None:
    rig = make().start()
    whole, seen = rig.log.append, []
    in_append, go_on = threading.Event(), threading.Event()

    def append(records: Any) -> Any:
        in_append.set()
        go_on.wait(10)
        seen.append(rig.disks.log.syncs)
        positions = whole(records)
        seen.append(rig.disks.log.syncs)
        return positions

    rig.log.append = append
    future = rig.submit(gas(START, 3.0))
    assert in_append.wait(10)
    assert not future.done()
    go_on.set()
    receipt = future.result(10)
    assert seen[1] == seen[0] + 1 and receipt.position == rig.log.last and receipt.rows == 1


def test_all_who_wait_share_one_sync(make: Callable[..., Rig]) -> None:
    rig = make()
    futures = [rig.submit(gas(START + n, 3.0)) for n in range(50)]
    before = rig.disks.log.syncs
    rig.start()
    assert [f.result(10).position for f in futures] == [(1, n) for n in range(50)]
    assert rig.disks.log.syncs == before + 1


def test_the_same_message_twice_is_a_duplicate(make: Callable[..., Rig]) -> None:
    rig = make().start()
    first, again = rig.send(gas(START, 3.0, "m1")), rig.send(gas(START, 3.0, "m1"))
    assert not first.duplicate and again.duplicate and again.position is None
    assert rig.send(gas(START, 3.0)).position == (1, 1), "the digest of other bytes is another key"
    assert rig.send(gas(START, 3.0)).duplicate
    rig.settle()
    assert len([*rig.log.read()]) == 2
    assert rig.accounting.check() == []
    tally = rig.accounting.tallies()[Step.INGEST, "source:gas"]
    assert (tally.received, tally.passed, tally.rejected) == (4, 2, 2)


def test_twice_in_one_group_and_again_after_a_restart(make: Callable[..., Rig]) -> None:
    rig = make()
    futures = [rig.submit(gas(START, 3.0, "m1")) for _ in range(3)]
    rig.start()
    assert [f.result(10).duplicate for f in futures] == [False, True, True]
    rig.stop()
    assert make(rig.store, rig.disks).start().send(gas(START, 3.0, "m1")).duplicate


def test_a_full_queue_takes_nothing(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.intake._waiting.maxsize = 4
    taken = [rig.submit(gas(START + n, 3.0)) for n in range(4)]
    with pytest.raises(Busy):
        rig.submit(gas(START + 9, 3.0))
    assert rig.accounting.check() == []
    rig.start()
    assert [f.result(10).rows for f in taken] == [1, 1, 1, 1]
    rig.settle()
    assert len([*rig.log.read()]) == 4 and rig.intake.idle() and rig.accounting.check() == []


def test_a_record_that_cannot_be_written_does_not_harm_its_neighbours(make: Callable[..., Rig]) -> None:
    rig = make()
    whole = rig.log.append

    def append(records: Any) -> Any:
        if any(b"61.5" in record.raw for record in records):
            raise BadInput("log.record_too_large", bytes=9, limit=1)
        return whole(records)

    rig.log.append = append
    futures = [rig.submit(gas(START + n, 61.5 if n == 1 else 3.0)) for n in range(4)]
    rig.start()
    assert [f.result(10).position for n, f in enumerate(futures) if n != 1] == [(1, 0), (1, 1), (1, 2)]
    assert isinstance(futures[1].exception(10), BadInput)
    rig.settle()
    assert rig.fatal == [] and rig.accounting.check() == []


def test_a_failed_sync_stops_the_process_and_acknowledges_nothing(make: Callable[..., Rig]) -> None:
    rig = make(open_memory(), Disks(fail_sync_at=2))
    futures = [rig.submit(gas(START + n, 60.0)) for n in range(3)]
    rig.start()
    assert rig.died.wait(10) and isinstance(rig.fatal[0], Fatal)
    assert all(isinstance(f.exception(10), Fatal) for f in futures)
    with pytest.raises(Busy):
        rig.submit(gas(START + 9, 60.0))
    assert rig.said() == [] and rig.log.last is None and rig.accounting.check() == []


def test_a_failing_detector_ends_the_process(make: Callable[..., Rig]) -> None:
    rig = make().start()
    rig.send(gas(START, 3.0))
    rig.settle()

    def process(*args: Any) -> Any:
        raise ZeroDivisionError("planted")

    rig.intake.shard.process = process
    rig.send(gas(START + 1, 3.0))
    assert rig.died.wait(10) and isinstance(rig.fatal[0], ZeroDivisionError)
    with pytest.raises(Busy):
        rig.submit(gas(START + 2, 3.0))


def test_no_snapshot_is_kept_of_what_a_failed_detector_leaves(make: Callable[..., Rig]) -> None:
    """Evidence that cannot be kept ends the process between folding and handing over: the record has to
    be found again at the next start, so no snapshot may say that it was."""
    rig = make().start()
    for minute in (0, 2):
        rig.send(gas(START + minute * MINUTE, 30.0))
    until(lambda: rig.store.consumed() == (1, 1))
    rig.evidence.put_many = lambda items: (_ for _ in ()).throw(OSError("planted"))
    rig.send(gas(START + 4 * MINUTE, 30.0))
    assert rig.died.wait(10)
    rig.stop()
    assert rig.said() == []
    again = make(rig.store, rig.disks).start()
    again.settle()
    assert {m.rule for m in again.said()} == {"gas_ch4_low", "gas_ch4_medium"}


# Messages lost inside are seen


def test_messages_lost_on_their_way_are_seen(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.submit(gas(START, 3.0))
    rig.submit(gas(START + 1, 3.0))
    assert rig.accounting.check() == []
    rig.intake._waiting.get_nowait()
    (line,) = rig.accounting.check()
    assert line.startswith("ingest/source:gas: in 2")


def test_a_record_lost_before_the_detector_is_seen(make: Callable[..., Rig]) -> None:
    rig = make().start()
    whole = rig.intake._hand_over
    rig.intake._hand_over = lambda item: None if item and item[0] == (1, 1) else whole(item)
    for n in range(3):
        rig.send(gas(START + n, 3.0))
    until(lambda: rig.intake._found.empty() and rig.writer.idle())
    until(lambda: rig.accounting.tallies()[Step.DETECT, "source:gas"].passed == 2)
    (line,) = rig.accounting.check()
    assert line.startswith("detect/source:gas: in 3")
    assert not rig.intake.idle()


# Evidence


def test_evidence_lies_there_before_the_finding_is_committed(make: Callable[..., Rig]) -> None:
    rig = make().start()
    whole, seen = rig.store.commit, []

    def commit(changes: Changes) -> int:
        for row in changes.entries:
            message = json.loads(row.body).get("message")
            if message and message["type"] == "Finding":
                digest = message["data"]["evidence"]
                seen.append((digest, rig.evidence.get(digest)))
        return whole(changes)

    rig.store.commit = commit
    alarm(rig)
    assert seen
    for digest, data in seen:
        assert sha256(data) == digest
        shown = json.loads(data)
        assert shown["channel"] == GAS
        raws = [rig.evidence.get(record["raw"]) for record in shown["records"]]
        assert raws and all(raw in {r.raw for _, r in rig.log.read()} for raw in raws)
        assert shown["records"][0]["readings"][0][1] == 60.0


def test_what_was_provisional_is_settled(make: Callable[..., Rig]) -> None:
    rig = make().start()
    alarm(rig, 0.3, WATER)
    raised = next(m for m in rig.said() if isinstance(m, Finding))
    assert not [m for m in rig.said() if isinstance(m, FindingSettled)]
    rig.tick(START + 5 * HOUR)  # the source is silent; time itself moves its watermark
    settled = [m for m in rig.said() if isinstance(m, FindingSettled) and m.id == raised.id]
    assert [m.part for m in settled] == ["onset"]
    assert "advance" in {record.kind for _, record in rig.log.read()}, "a replay has to hear of it too"
    (case,) = cases(rig.store)
    row = rig.store.load([f"risk:{case.grouping}"])[f"risk:{case.grouping}"]
    state = msgspec.json.decode(row.body or b"", type=RiskState)
    assert state.findings[raised.id].settled and case.findings[raised.id].settled


# Positions


def test_the_position_is_compared_and_swapped(make: Callable[..., Rig]) -> None:
    """Somebody else has moved the position: this process is no longer the one who reads on."""
    rig = make().start()
    rig.send(gas(START, 3.0))
    until(lambda: rig.store.consumed() == (1, 0))
    rig.store.commit(Changes(consumed=((1, 0), (1, 5))))
    rig.send(gas(START + 1, 3.0))
    assert rig.died.wait(10)
    assert isinstance(rig.fatal[0], Broken) and rig.store.consumed() == (1, 5)


@pytest.mark.parametrize("position", [(1, 0), (2, 0)])
def test_a_log_behind_the_database_is_broken(make: Callable[..., Rig], position: tuple[int, int]) -> None:
    store = open_memory()
    rig = make(store)
    store.commit(Changes(consumed=(None, position)))
    with pytest.raises(Broken) as broken:
        rig.start()
    assert broken.value.key == "log.behind_database"
    rig.stop()
    assert SnapshotStore(SNAPSHOTS, rig.disks.snapshots).rule_sets() == [], "an empty state is no snapshot"


# Recovery


def test_a_restart_reads_on_where_it_was(make: Callable[..., Rig], calm: dict[str, Any]) -> None:
    store, disks = open_memory(), Disks()
    acknowledged: set[int] = set()
    for part in (30, 60, 90, len(script())):
        rig = make(store, disks).start()
        rig.play(script()[:part], acknowledged)
        rig.stop()
    assert rig.replayed == 0, "the orderly end left a snapshot of the very last record"
    assert rig.said() == calm["said"] and rig.intake.shard.dump() == calm["dump"]


def recovered(make: Callable[..., Rig], rig: Rig, disks: Disks) -> Rig:
    again = make(rig.store, disks).start()
    again.settle()
    return again


def with_snapshots(make: Callable[..., Rig]) -> Rig:
    """A crash some way after two snapshots."""
    rig = make().start()
    acknowledged: set[int] = set()
    for part in (40, 80, 100):
        rig.play(script()[:part], acknowledged)
        if part < 100:
            rig.intake.snapshot()
        rig.settle()
    until(lambda: rig.store.consumed() == rig.log.last)
    rig.crash()
    return rig


def test_recovery_from_a_snapshot_equals_recovery_without(make: Callable[..., Rig]) -> None:
    rig = with_snapshots(make)
    said, dump = rig.said(), rig.intake.shard.dump()
    fast = recovered(make, rig, rig.disks)
    fast.crash()
    bare = Disks()
    bare.log, bare.evidence = rig.disks.log, rig.disks.evidence
    slow = recovered(make, rig, bare)
    assert 0 < fast.replayed < slow.replayed == len([*slow.log.read()])
    assert fast.intake.shard.dump() == slow.intake.shard.dump() == dump
    assert fast.said() == slow.said() == said, "what was committed is not said again"


def test_a_damaged_snapshot_is_passed_over(make: Callable[..., Rig]) -> None:
    rig = with_snapshots(make)
    dump = rig.intake.shard.dump()
    replayed = []
    for _ in range(3):
        again = recovered(make, rig, rig.disks)
        again.crash()
        assert again.intake.shard.dump() == dump
        replayed.append(again.replayed)
        names = rig.disks.snapshots.list(SNAPSHOTS)
        inode = (
            rig.disks.snapshots._inode(SNAPSHOTS / names[-1 - len(replayed) + 1])
            if len(replayed) < 3
            else None
        )
        if inode is not None:
            inode.seen = inode.seen[:-1] + bytes([inode.seen[-1] ^ 1])
    assert replayed[0] < replayed[1] < replayed[2] == len([*again.log.read()])


def test_a_snapshot_of_another_version_of_the_program_is_passed_over(make: Callable[..., Rig]) -> None:
    rig = with_snapshots(make)
    dump = rig.intake.shard.dump()
    store = SnapshotStore(SNAPSHOTS, rig.disks.snapshots)
    position = rig.store.consumed()
    assert position is not None
    store.save(rig.intake.shard.digest, position, b"something that this version cannot read")
    again = recovered(make, rig, rig.disks)
    assert again.intake.shard.dump() == dump and again.replayed == len([*again.log.read()])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_loss_of_power_loses_nothing_that_was_acknowledged(
    make: Callable[..., Rig], calm: dict[str, Any], seed: int
) -> None:
    """Cut at random moments, with the disk as chance leaves it; devices send again what was not answered."""
    rng = random.Random(seed)
    store, disks = open_memory(), Disks()
    acknowledged: set[int] = set()
    losses = 0
    while len(acknowledged) < len(script()):
        disks.log.fail_at = disks.log.calls + rng.randint(6, 150) if losses < 4 else None
        rig = make(store, disks)
        cut_at = rng.randint(10, 60)
        _lose_commits(rig, cut_at if losses < 4 and rng.random() < 0.5 else 0)
        rig.start()
        rig.play(script(), acknowledged)
        if rng.random() < 0.5:
            rig.intake.snapshot()
        rig.settle()
        rig.crash()
        if rig.fatal:
            losses += 1
            back = Disks()
            back.log = disks.log.after_power_loss(rng, "sectors" if seed % 2 else "prefix")
            back.evidence = disks.evidence.after_power_loss(rng)
            back.snapshots = disks.snapshots.after_power_loss(rng)
            disks = back
            _restore_commits(store)
            kept = {(r.source, r.message_key) for _, r in ReadingLog(LOG, disks.log).read()}
            assert keys_of(rig, acknowledged) <= kept
        assert rig.accounting.check() == [] or rig.fatal
    assert losses >= 1
    last = make(store, disks).start()
    last.settle()
    assert last.said() == calm["said"]
    assert {case.id: case.findings for case in cases(store)} == calm["cases"]
    log = ReadingLog(LOG, disks.log)
    assert [(tuple(p), r.source, r.kind, r.message_key) for p, r in log.read()] == calm["records"]
    assert last.intake.shard.dump() == calm["dump"]
    assert rebuild(store).differences == []


def keys_of(rig: Rig, acknowledged: set[int]) -> set[tuple[str, str]]:
    sent = [script()[number] for number in acknowledged]
    return {(m.source, decode_json(m.body, m.source, rig.channels, m.at, m.at).key) for m in sent}


def _lose_commits(rig: Rig, after: int) -> None:
    """The power goes while the database commits: from the n-th commit on nothing is stored."""
    if not after:
        return
    whole, count = rig.store.commit, [0]

    def commit(changes: Changes) -> int:
        count[0] += 1
        if count[0] > after:
            raise Fatal("log.unusable", path="power")
        return whole(changes)

    rig.store.commit = commit


def _restore_commits(store: Any) -> None:
    vars(store).pop("commit", None)


def test_the_finding_of_a_script_is_a_struct_that_equals_itself(calm: dict[str, Any]) -> None:
    """Equality of what was said compares every field, evidence included."""
    first = next(m for m in calm["said"] if isinstance(m, Finding))
    assert first.evidence and first != msgspec.structs.replace(first, evidence="")
    assert isinstance(LOG, Path)


def test_where_the_detector_is_behind_the_door_waits(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whatever was answered and not yet looked at would fill the memory."""
    monkeypatch.setattr("liandong.app.intake._MOST_BEHIND", 2)
    rig = make().start()
    go, process = threading.Event(), rig.intake.shard.process
    monkeypatch.setattr(rig.intake.shard, "process", lambda *given: go.wait(10) and process(*given))
    sent = []
    for minute in range(4):
        sent.append(rig.submit(gas(START + minute * MINUTE, 1.0)))
        if minute < 3:  # two wait for the detector; the third is answered and waits to be handed over
            sent[-1].result(10)
    assert not threading.Event().wait(0.2) and not sent[3].done()
    go.set()
    assert sent[3].result(10).rows == 1
    rig.settle()
    assert not rig.accounting.check() and rig.intake._behind == 0
