"""A copy that is made while readings come in and files move, and a city that lives on from it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from liandong.core.values.errors import BadInput
from liandong.wiring import inspect
from liandong.wiring.inspect import backup_folder, restore_folder
from tests.stories.test_history import Keeper

pytestmark = pytest.mark.slow


def test_a_backup_of_a_running_city_holds_all_that_was_answered_before_it(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "data")
    try:
        # Long enough that the oldest messages have left the log and are in the history only.
        for number in range(24 * 3):
            keeper.hour(float(number % 5))
        before = keeper.values()
        stop = threading.Event()

        def go_on() -> None:
            while not stop.is_set():
                keeper.hour(2.5)

        busy = threading.Thread(target=go_on)
        busy.start()
        try:
            backup_folder(keeper.data, tmp_path / "copy")
        finally:
            stop.set()
            busy.join()
        assert keeper.values() != before
    finally:
        keeper.city.stop()
    lines, code = restore_folder(tmp_path / "copy", tmp_path / "again", "en")
    assert code == 0, lines
    keeper.data = tmp_path / "again"
    keeper.open()
    try:
        assert keeper.values()[: len(before)] == before
        keeper.hour(4.0)
        assert keeper.values()[-1] == 4.0, "it goes on"
    finally:
        keeper.city.stop()


def test_readings_after_a_restore_are_seen_though_the_copied_history_had_gone_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(tmp_path / "data")
    try:
        for number in range(5):
            keeper.hour(float(number))
        before = keeper.values()
        copy = inspect._copy

        def slowly(source: Path, target: Path) -> None:
            if source.name == "history":  # between the log and the history, hours go by
                for _ in range(3):
                    keeper.hour(2.5)
            copy(source, target)

        monkeypatch.setattr(inspect, "_copy", slowly)
        backup_folder(keeper.data, tmp_path / "copy")
        monkeypatch.undo()
    finally:
        keeper.city.stop()
    assert restore_folder(tmp_path / "copy", tmp_path / "again", "en")[1] == 0
    keeper.data = tmp_path / "again"
    keeper.open()
    try:
        assert keeper.values() == before
        keeper.hour(4.0)
        keeper.hour(3.0)
        assert keeper.values() == [*before, 4.0, 3.0]
    finally:
        keeper.city.stop()


def test_only_a_backup_is_restored_and_only_into_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        restore_folder(tmp_path, tmp_path / "to", "zh")
    assert refused.value.key == "restore.no_backup"
    (tmp_path / "liandong.db").touch()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "something").touch()
    with pytest.raises(BadInput) as refused:
        restore_folder(tmp_path, tmp_path / "to", "zh")
    assert refused.value.key == "backup.not_empty"
