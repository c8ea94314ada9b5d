"""What a running process remembers has a limit, and the newest of it stays."""

from __future__ import annotations

from liandong.app.bounded import Newest


def test_the_newest_stay() -> None:
    newest: Newest[int, str] = Newest(10)
    for key in range(1_000):
        newest[key] = str(key)
        assert len(newest) <= 10
        assert list(newest)[-1] == key and newest[key] == str(key)
    assert len(newest) >= 5
    kept = list(newest)
    newest[kept[0]] = "again"
    assert list(newest) == kept
