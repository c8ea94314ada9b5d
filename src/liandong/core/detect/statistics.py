"""What statistics of a channel's own past remember, 64 bytes each; `kernel.py` computes them.

Each is a function of the channel's readings in time order and of nothing else, so what is settled stays
a function of the set of accepted readings. Only the four operations and the square root are used, which
give the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.values.lists import Statistic
from liandong.core.values.rules import Rule

#: "No such moment"; far below every event time, and small enough that differences do not overflow.
NEVER = -(1 << 62)
RATE, ZSCORE, OFFSET = 1, 2, 3
_KINDS = {Statistic.RATE: RATE, Statistic.ZSCORE: ZSCORE, Statistic.OFFSET: OFFSET}

#: What a statistic remembers. For `rate` the two anchors are (`old_time`, `old_value`) and (`new_time`,
#: `new_value`); for `zscore` the first and the newest reading's time, the mean and the variance.
MEMORY = np.dtype(
    [
        ("kind", "<i4"),
        ("learned", "<i4"),  # readings learned so far
        ("window", "<i8"),  # microseconds
        ("level", "<f8"),  # the baseline of `offset`, the least spread of `zscore`; canonical unit
        ("old_time", "<i8"),
        ("new_time", "<i8"),
        ("old_value", "<f8"),
        ("new_value", "<f8"),
        ("spare", "<i8"),
    ]
)
Array = npt.NDArray[Any]


def make_memory(rules: Sequence[Rule]) -> Array:
    """One fresh memory per rule given, in that order: array of `MEMORY`. Plain rules have kind 0."""
    memory = np.zeros(len(rules), dtype=MEMORY)
    memory["kind"] = [_KINDS.get(rule.statistic, 0) for rule in rules]
    memory["window"] = [rule.window_us for rule in rules]
    memory["level"] = [rule.baseline if rule.statistic is Statistic.OFFSET else rule.floor for rule in rules]
    memory["old_time"] = memory["new_time"] = NEVER
    return memory
