"""Compiling, or loading from the cache, what ingest runs before the first message needs it."""

from __future__ import annotations

import numpy as np

from liandong.core.ingest.channels import ChannelTable
from liandong.core.ingest.messages import decode_plain
from liandong.core.values.rules import ChannelRow


def warm_up() -> None:
    """Take one message of two readings, and look up one name."""
    table = ChannelTable((ChannelRow(number=0, key="c", group="g", source="s", quantity="q"),))
    row = b'{"channel":"c","time":"2026-01-01T00:00:00Z","value":1}'
    now = 1_767_225_600_000_000
    if decode_plain(b'{"readings":[' + row + b"," + row + b"]}", "s", table, now, now) is None:
        raise AssertionError("a plain message was not taken")
    table.names.find(np.zeros(1, dtype=np.uint8), np.array([0, 1], dtype=np.int32))
