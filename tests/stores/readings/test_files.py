"""Both layers agree on what a program sees; only the forgetful one may forget."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.stores.readings.files import ASIDE, DiskFiles, Files, write_aside
from liandong.stores.readings.forgetful import ForgetfulFiles


@pytest.mark.parametrize("files", [DiskFiles(), ForgetfulFiles()], ids=["disk", "forgetful"])
def test_what_a_program_sees(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    files.make_folder(folder)
    files.make_folder(folder)
    handle = files.open(folder / "x")
    files.write(handle, b"hello", 0)
    files.write(handle, b"J", 0)
    files.write(handle, b"!", 7)
    files.fdatasync(handle)
    assert files.read(folder / "x") == b"Jello\0\0!"
    assert files.read(folder / "x", 1, 3) == b"ell"
    assert files.read(folder / "x", 6, 99) == b"\0!"
    assert files.read(folder / "x", 50) == files.read(folder / "x", 50, 9) == b""
    files.truncate(handle, 2)
    files.close(handle)
    assert files.size(folder / "x") == 2
    files.close(files.open(folder / "x"))
    assert files.read(folder / "x") == b"Je", "opening again keeps the content"
    write_aside(files, folder / "y", b"new")
    write_aside(files, folder / "x", b"newer")
    files.sync_folder(folder)
    assert files.list(folder) == ["x", "y"]
    assert files.read(folder / "x") == b"newer"
    files.remove(folder / "y")
    for ask in (files.size, files.read):
        with pytest.raises(FileNotFoundError):
            ask(folder / "y")


@given(st.randoms(use_true_random=False), st.sampled_from(["prefix", "sectors"]))
def test_only_the_synced_is_kept_for_certain(rng: random.Random, torn: str) -> None:
    files, path = ForgetfulFiles(), Path("/d/x")
    handle = files.open(path)
    files.write(handle, b"a" * 100, 0)
    files.fdatasync(handle)
    files.sync_folder(path.parent)
    files.write(handle, b"b" * 200, 100)
    back = files.after_power_loss(rng, torn)
    content = back.read(path)
    assert content[:100] == b"a" * 100
    assert set(content[100:]) <= set(b"b\0")
    assert torn == "sectors" or content == b"a" * 100 + b"b" * (len(content) - 100)


def test_a_name_without_a_folder_sync_may_vanish() -> None:
    files, path = ForgetfulFiles(), Path("/d/x")
    write_aside(files, path, b"x")
    seen = {tuple(files.after_power_loss(random.Random(seed)).list(path.parent)) for seed in range(30)}
    assert seen == {(), ("x" + ASIDE,), ("x",)}
