"""What is remembered of a source to show findings in has a limit in records and in bytes."""

from __future__ import annotations

import pytest

from liandong.app.evidence import RECENT, RECENT_BYTES, Windows
from tests.stores.readings.made import message


class Nothing:
    """No evidence is kept."""

    def put_many(self, items: list[bytes]) -> list[str]:
        return ["" for _ in items]

    def get(self, digest: str) -> bytes:
        return b""


@pytest.mark.parametrize(("size", "kept"), [(1_000, RECENT), (RECENT_BYTES // 4, 3), (2 * RECENT_BYTES, 1)])
def test_the_newest_messages_of_a_source_are_remembered(size: int, kept: int) -> None:
    windows = Windows(Nothing(), {})
    raw = bytes(size)
    for n in range(RECENT + 9):
        windows.remember((1, n), message(f"m{n}", raw=raw))
        windows.remember((1, n), message(f"o{n}", raw=b"", source="source:other"))
    found = windows.recent("source:gas")
    assert [position for position, _ in found] == [(1, n) for n in range(RECENT + 9)][-kept:]
    assert len(windows.recent("source:other")) == RECENT
