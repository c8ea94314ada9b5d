"""Compiling, or loading from the cache, every kernel before the first reading needs it."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from liandong.core.detect.shard import Shard
from liandong.core.values.lists import Mode, Statistic
from liandong.core.values.readings import ReadingBatch
from liandong.core.values.rules import ChannelRow, Rule, SourceTerms


def warm_up() -> None:
    """Take a few readings through a shard of its own: in order, late, and by ticks."""
    channels = (ChannelRow(number=0, key="c", group="g", source="s", quantity="q"),)
    plain = Rule(key="r", version=1, hazard="h", severity="low", quantity="q", raise_at=1.0, clear_at=0.5)
    windowed = replace(plain, key="w", statistic=Statistic.MEAN, window_s=60.0)
    stale = replace(plain, key="s", statistic=Statistic.STALE, raise_at=60.0)
    rules = (plain, windowed, stale)
    shard = Shard(channels, rules, (SourceTerms(key="s", lateness_s=60.0),), "warm", Mode.TEST)
    for number, at in enumerate(([10, 20], [15, 200], [100, 300])):
        moments = np.array(at) * 1_000_000
        batch = ReadingBatch.from_columns("s", channel=[0, 0], event_time=moments, value=[0.0, 2.0])
        shard.process(batch, (1, number))
    shard.advance("s", 400_000_000, (1, 9))
    shard.due_advances(900_000_000)
    shard.restore(shard.dump())
