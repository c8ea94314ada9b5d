"""One writer per data folder, and no lock outlives its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from liandong.core.values.errors import Conflict
from liandong.stores.readings.lock import FolderLock

CHILD = """
import sys, pathlib
from liandong.stores.readings.lock import FolderLock
lock = FolderLock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_refused_until_release(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with FolderLock(folder) as lock:
        with pytest.raises(Conflict) as caught:
            FolderLock(folder)
        assert (caught.value.key, caught.value.params) == ("data.locked", {"path": str(folder)})
        lock.release()
        lock.release()
        FolderLock(folder).release()


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"held\n"
        with pytest.raises(Conflict):
            FolderLock(tmp_path)
        child.kill()
        child.wait()
    FolderLock(tmp_path).release()
