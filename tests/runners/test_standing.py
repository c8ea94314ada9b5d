"""A running city proves every night what has to hold in the days ahead."""

from __future__ import annotations

from pathlib import Path

import pytest

from liandong.core.values.journal import read_entry
from liandong.core.values.times import HOUR
from tests.app.rig import until
from tests.runners.test_embedded import Lying


@pytest.mark.slow
def test_the_night_after_the_start_says_what_does_not_hold(tmp_path: Path) -> None:
    """The small town's roster covers five days of the thirty; whoever drew it up hears of that at night."""
    town = Lying(tmp_path)
    try:
        town.beat()
        assert not town.store.entries_of("system:standing"), "it is day"
        town.beat(20 * HOUR)
        until(lambda: bool(town.store.entries_of("system:standing")))
        (entry,) = [read_entry(row.body) for row in town.store.entries_of("system:standing")]
        assert entry.reason is not None and entry.reason.key == "standing.broken"
        assert "P" in str(entry.reason.params["proofs"])
        town.beat(24 * HOUR)
        until(lambda: town.city.standing.due(town.now) is False)
    finally:
        town.stop()
    assert len(town.store.entries_of("system:standing")) <= 2
