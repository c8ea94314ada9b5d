"""What statistics of a channel's own past remember; `kernel.py` computes them.

Each is a function of the channel's readings in time order and of nothing else, so what is settled stays
a function of the set of accepted readings. Only the four operations and the square root are used, which
give the same bits on every machine. A slot that looks at a statistic has a 64-byte record beside its own
64; windows and weeks have a stretch of a common pool of floats besides. With all of it a slot stays
within 128 bytes, 2 KiB for a window, 4 KiB for a week.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from liandong.core.values.lists import OnSilence, Statistic
from liandong.core.values.rules import Rule
from liandong.core.values.times import SECOND

#: "No such moment"; far below every event time, and small enough that differences do not overflow.
NEVER = -(1 << 62)
#: Those up to `STALE` need no pool.
(
    VALUE, RATE, ZSCORE, OFFSET, EWMA, CUSUM, FLAT, STALE, MEAN, SUM, STD, RANGE, OUT_OF_RANGE, ROBUST_Z,
    SEASONAL,
) = range(15)  # fmt: skip
KINDS = {
    Statistic.VALUE: VALUE, Statistic.RATE: RATE, Statistic.ZSCORE: ZSCORE, Statistic.OFFSET: OFFSET,
    Statistic.EWMA: EWMA, Statistic.CUSUM: CUSUM, Statistic.MEAN: MEAN, Statistic.SUM: SUM,
    Statistic.STD: STD, Statistic.RANGE: RANGE, Statistic.FLAT: FLAT, Statistic.ROBUST_Z: ROBUST_Z,
    Statistic.SEASONAL: SEASONAL, Statistic.OUT_OF_RANGE: OUT_OF_RANGE, Statistic.STALE: STALE,
}  # fmt: skip

#: Floats of the pool that a window may fill: 2 KiB less the two records.
POOL = 240
#: Floats of one entry of a window: the time since the first reading, then what it sums up.
STRIDES = {
    MEAN: 3,  # count, sum
    SUM: 2,  # sum
    STD: 4,  # count, mean, sum of squared distances from it
    RANGE: 3,  # least, most
    ROBUST_Z: 3,  # count, sum
    OUT_OF_RANGE: 3,  # count, how many of them out of range
}
WEEK = 168  # hours
#: A week: level and variance of every hour, then a byte each for the weeks learned.
SEASON = 2 * WEEK + WEEK // 8

#: What a rule asks of its statistic: one record per rule.
PARAM = np.dtype(
    [
        ("kind", "<i4"),
        ("stride", "<i4"),  # floats of an entry, 0 without a window
        ("window", "<i8"),  # microseconds; the timeout of `stale`
        ("bucket", "<i8"),  # microseconds of event time whose readings share an entry
        ("level", "<f8"),  # the baseline
        ("floor", "<f8"),
        ("slack", "<f8"),
        ("silence", "<i8"),  # microseconds after which the condition is cleared, 0: never
        ("shift", "<i8"),  # local time less UTC, microseconds
    ]
)
#: What a slot remembers; what a field holds is said where the statistic is computed.
MEMORY = np.dtype(
    [
        ("rule", "<i4"),  # row of the parameters
        ("learned", "<i4"),
        ("place", "<i8"),  # of its stretch of the pool
        ("seen", "<i8"),  # newest reading that was evaluated
        ("old_time", "<i8"),
        ("new_time", "<i8"),
        ("old_value", "<f8"),
        ("new_value", "<f8"),
        ("spare", "<f8"),
    ]
)
Array = npt.NDArray[Any]


class Memory(NamedTuple):
    """Everything that statistics remember, as the kernel takes it."""

    params: Array  #: `PARAM`, a row per rule
    records: Array  #: `MEMORY`
    pool: npt.NDArray[np.float64]
    at: npt.NDArray[np.int32]  #: slot → its record, -1 for a plain slot


def is_plain(rule: Rule) -> bool:
    """Whether a slot of the rule remembers nothing but itself."""
    return rule.statistic is Statistic.VALUE and rule.on_silence is not OnSilence.CLEAR


def make_params(rules: Sequence[Rule]) -> Array:
    """One record per rule, in that order: array of `PARAM`."""
    params = np.zeros(len(rules), dtype=PARAM)
    for row, rule in zip(params, rules, strict=True):
        kind = KINDS.get(rule.statistic, VALUE)
        stride = STRIDES.get(kind, 0)
        row["kind"], row["stride"] = kind, stride
        row["window"] = round(rule.raise_at * SECOND) if kind == STALE else rule.window_us
        # One entry more than whole buckets can lie in a window, and one is being begun.
        row["bucket"] = max(-(-rule.window_us // (POOL // stride - 2)), 1) if stride else 1
        row["level"] = rule.baseline
        row["floor"], row["slack"] = rule.floor, rule.slack
        row["silence"] = rule.silence_us if rule.on_silence is OnSilence.CLEAR else 0
        row["shift"] = round(rule.utc_offset_h * 3600 * SECOND)
    return params


def pool_of(rule: Rule) -> int:
    """Floats of the pool that one slot of the rule needs."""
    kind = KINDS.get(rule.statistic, VALUE)
    return SEASON if kind == SEASONAL else POOL // STRIDES[kind] * STRIDES[kind] if kind in STRIDES else 0


def make_memory(rules: Sequence[Rule], of_slot: npt.NDArray[np.int32]) -> Memory:
    """What slots of these rules remember before the first reading; `of_slot` is the rule of each slot."""
    plain = np.array([is_plain(rule) for rule in rules], dtype=np.bool_)
    sizes = np.array([pool_of(rule) for rule in rules], dtype=np.int64)
    mine = of_slot[~plain[of_slot]] if len(of_slot) else of_slot
    records = np.zeros(len(mine), dtype=MEMORY)
    ends = np.cumsum(sizes[mine]) if len(mine) else np.zeros(0, dtype=np.int64)
    records["rule"] = mine
    records["place"] = ends - sizes[mine] if len(mine) else ends
    for moment in ("seen", "old_time", "new_time"):
        records[moment] = NEVER
    at = np.full(len(of_slot), -1, dtype=np.int32)
    if len(mine):
        at[~plain[of_slot]] = np.arange(len(mine), dtype=np.int32)
        _start(rules, records)
    return Memory(make_params(rules), records, np.zeros(int(ends[-1]) if len(mine) else 0), at)


def _start(rules: Sequence[Rule], records: Array) -> None:
    """A forgetting mean begins at its baseline."""
    of_rule = records["rule"]
    for index in np.unique(of_rule).tolist():
        rule = rules[index]
        if rule.statistic is Statistic.EWMA:
            records["new_value"][of_rule == index] = rule.baseline
