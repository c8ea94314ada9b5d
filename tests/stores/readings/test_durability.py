"""What was acknowledged is there after any loss of power, any kill and any failed sync."""

from __future__ import annotations

import random
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liandong.core.values.errors import Broken, Fatal
from liandong.stores.readings.forgetful import ForgetfulFiles, PowerLost, Torn
from liandong.stores.readings.log import Position, ReadingLog
from tests.stores.readings.made import message

FOLDER = Path("/data/log")
SMALL = 900


class Lost(AssertionError):
    """An acknowledged record is not there."""


class Machine:
    """A log, the disk under it, and a notebook of what was acknowledged and what was only tried."""

    def __init__(self, files: ForgetfulFiles) -> None:
        self.files = files
        self.acknowledged: list[tuple[Position, str]] = []
        self.tried = 0
        self.log: ReadingLog | None = None

    def start(self) -> None:
        """Open the log; whatever it then shows counts as acknowledged, for others act on it."""
        self.log = None
        log = ReadingLog(FOLDER, self.files, SMALL)
        found = [(at, record.message_key) for at, record in log.read()]
        if found[: len(self.acknowledged)] != self.acknowledged:
            raise Lost(f"{self.acknowledged} became {found}")
        numbers = [int(key) for _, key in found]
        assert numbers == sorted(set(numbers)), "only what was tried, in its order"
        self.acknowledged, self.log = found, log

    def append(self, count: int, rows: int) -> None:
        assert self.log is not None
        keys = [str(self.tried + n) for n in range(count)]
        self.tried += count
        positions = self.log.append([message(key, rows) for key in keys])
        self.acknowledged += zip(positions, keys, strict=True)

    def lose_power(self, rng: random.Random, torn: Torn) -> None:
        self.files = self.files.after_power_loss(rng, torn)
        self.log = None


def live(
    machine: Machine, rng: random.Random, torn: Torn, appends: list[tuple[int, int]], fails: list[int]
) -> None:
    """Go through the appends; at each of `fails` (calls from then on, 0: between calls) a fall."""
    work, falls = iter(appends), iter([*fails, None])
    for fall in falls:
        machine.files.fail_at = None if not fall else machine.files.calls + fall
        try:
            machine.start()
            for count, rows in work:
                machine.append(count, rows)
                if fall == 0 and rng.random() < 0.5:
                    break
        except PowerLost:  # or only the process died in this call, and the cache lives on
            if rng.random() < 0.5:
                machine.lose_power(rng, torn)
    machine.files.fail_at = None
    machine.lose_power(rng, torn)
    machine.start()


_appends = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), max_size=14)
_fails = st.lists(st.integers(0, 25), max_size=5)
_torn = st.sampled_from(get_args(Torn))


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False), _torn, _appends, _fails)
def test_nothing_acknowledged_is_ever_lost(
    rng: random.Random, torn: Torn, appends: list[tuple[int, int]], fails: list[int]
) -> None:
    live(Machine(ForgetfulFiles()), rng, torn, appends, fails)


@pytest.mark.parametrize("torn", get_args(Torn))
def test_power_lost_at_every_single_call(torn: Torn) -> None:
    appends = [(2, 3), (1, 0), (3, 5), (1, 1), (2, 2), (3, 4)]
    whole = Machine(ForgetfulFiles())
    live(whole, random.Random(0), torn, appends, [])
    for call in range(1, 40):
        for seed in range(8):
            live(Machine(ForgetfulFiles()), random.Random(seed), torn, appends, [call])


def test_a_kill_between_write_and_sync_then_power_loss() -> None:
    """The reopened log shows the record, so opening must have made it durable."""
    for seed in range(20):
        machine = Machine(ForgetfulFiles())
        machine.start()
        machine.files.fail_at = machine.files.calls + 1  # the write happens, the sync never
        with pytest.raises(PowerLost):
            machine.append(1, 3)
        machine.files.fail_at = None
        machine.start()
        assert len(machine.acknowledged) == 1
        machine.lose_power(random.Random(seed), "sectors")
        machine.start()


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), _torn, _appends, st.integers(1, 12))
def test_a_failed_sync_is_fatal_never_retried_and_loses_nothing(
    rng: random.Random, torn: Torn, appends: list[tuple[int, int]], fail_sync_at: int
) -> None:
    """Also not after a restart, when the cache shows what the disk never got."""
    machine = Machine(ForgetfulFiles(fail_sync_at=fail_sync_at))
    try:
        machine.start()
        for count, rows in appends:
            machine.append(count, rows)
    except Fatal as error:
        assert error.key == "log.sync_failed"
        calls = machine.files.calls
        if machine.log is not None:
            with pytest.raises(Fatal):
                machine.append(1, 1)
            shown = [(at, record.message_key) for at, record in machine.log.read()]
            assert shown == machine.acknowledged, "what was not synced is not shown"
        assert machine.files.calls == calls, "nothing touched the disk again"
    machine.files.fail_sync_at = None
    machine.start()
    machine.lose_power(rng, torn)
    machine.start()


def test_a_failed_write_is_fatal_too() -> None:
    class Full(ForgetfulFiles):
        full = False

        def write(self, handle: int, data: bytes, offset: int) -> None:
            if self.full:
                raise OSError(28, "no space left on device")
            super().write(handle, data, offset)

    files = Full()
    log = ReadingLog(FOLDER, files, SMALL)
    files.full = True
    with pytest.raises(Fatal, match=r"log\.sync_failed"):
        log.append([message("a")])
    files.full = False
    with pytest.raises(Fatal, match=r"log\.unusable"):
        log.append([message("a")])


def test_one_sync_precedes_the_answer_however_many_records() -> None:
    files = ForgetfulFiles()
    log = ReadingLog(FOLDER, files, SMALL)
    files.trace.clear()
    log.append([message(str(n)) for n in range(50)])
    assert files.trace == ["write", "fdatasync"]
    files.trace.clear()
    log.append([message("in a new segment")])
    assert files.trace == ["create", "write", "fdatasync", "sync_folder", "write", "fdatasync"]


# Controls: the check must be able to fail


class NoSync(ForgetfulFiles):
    """A layer whose sync does nothing."""

    def fdatasync(self, handle: int) -> None:
        self._call("fdatasync")


class NoFolderSync(ForgetfulFiles):
    """A layer that never makes names durable."""

    def sync_folder(self, folder: Path) -> None:
        self._call("sync_folder")


class LazyOpening(ForgetfulFiles):
    """A layer that syncs appends, but not what opening found."""

    opening = False

    def fdatasync(self, handle: int) -> None:
        if not self.opening:
            super().fdatasync(handle)


class NoRewriting(ForgetfulFiles):
    """A layer that syncs again on opening, but does not write the last append again."""

    opening = False

    def write(self, handle: int, data: bytes, offset: int) -> None:
        if not self.opening:
            super().write(handle, data, offset)


@pytest.mark.parametrize("layer", [NoSync, NoFolderSync])
@pytest.mark.parametrize("torn", get_args(Torn))
def test_control_a_log_without_syncs_is_caught(layer: type[ForgetfulFiles], torn: Torn) -> None:
    caught = 0
    for seed in range(20):
        try:
            live(Machine(layer()), random.Random(seed), torn, [(2, 3), (2, 3)], [])
        except (Lost, Broken):
            caught += 1
    assert caught > 5


@pytest.mark.parametrize("layer", [LazyOpening, NoRewriting, ForgetfulFiles])
def test_control_an_opening_that_trusts_the_cache_is_caught(layer: type[ForgetfulFiles]) -> None:
    """A sync failed, the process was started again, and the cache still shows the record."""
    caught = 0
    for seed in range(20):
        files = layer(fail_sync_at=2)
        machine = Machine(files)
        machine.start()
        with pytest.raises(Fatal):
            machine.append(1, 3)
        files.fail_sync_at = None
        vars(files)["opening"] = True
        machine.start()
        assert len(machine.acknowledged) == 1
        machine.lose_power(random.Random(seed), "prefix")
        try:
            machine.start()
        except Lost:
            caught += 1
    assert (caught > 0) == (layer is not ForgetfulFiles)
