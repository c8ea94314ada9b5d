"""The compiled heart of detect: thresholds with hysteresis and hold, one 64-byte record per slot.

A *slot* is one rule on one channel. The kernel walks readings in the order given and asks only that
each channel's own readings are in time order; other channels may lie between them. It is sequential
and without fast-math, so cutting the input differently cannot change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from liandong.core.values.lists import Quality
from liandong.core.values.rules import Rule

#: "No such moment"; far below every event time, and small enough that differences do not overflow.
NEVER = -(1 << 62)
#: "After every moment".
ALWAYS = 1 << 62

RAISE = 1  #: kind of a transition: the hold is satisfied
CLEAR = 2  #: kind of a transition: the clear hold is satisfied

#: Rule and state of one slot. The phase follows from which moments are set (see `phase_of`).
SLOT = np.dtype(
    [
        ("raise_at", "<f8"),  # canonical unit
        ("clear_at", "<f8"),  # canonical unit
        ("hold", "<i8"),  # microseconds; stored as ~hold where the rule looks below instead of above
        ("clear_hold", "<i8"),  # microseconds
        ("onset", "<i8"),  # first reading of the condition, NEVER when there is none
        ("raised", "<i8"),  # reading that satisfied the hold, NEVER before
        ("since", "<i8"),  # first reading of the clear condition, NEVER when it does not hold
        ("peak", "<f8"),  # worst value since onset
    ]
)
#: One change of a slot. `ended` is NEVER in a raise; `value` is that of the reading at `row`.
TRANSITION = np.dtype(
    [
        ("slot", "<i4"),
        ("kind", "<i4"),
        ("row", "<i8"),
        ("onset", "<i8"),
        ("raised", "<i8"),
        ("value", "<f8"),
        ("ended", "<i8"),
        ("peak", "<f8"),
    ]
)
PHASES = ("normal", "pending", "raised", "clearing")

#: Readings with any of these bits are never evaluated.
UNUSABLE = int(Quality.NAN | Quality.OUT_OF_RANGE | Quality.FUTURE)

Array = npt.NDArray[Any]


def make_slots(rules: Sequence[Rule]) -> Array:
    """One fresh slot per rule given, in that order: array of `SLOT`."""
    slots = np.zeros(len(rules), dtype=SLOT)
    for slot, rule in zip(slots, rules, strict=True):
        slot["raise_at"], slot["clear_at"] = rule.raise_at, rule.clear_at
        slot["hold"] = rule.hold_us if rule.above else ~rule.hold_us
        slot["clear_hold"] = rule.clear_hold_us
    for moment in ("onset", "raised", "since"):
        slots[moment] = NEVER
    return slots


def phase_of(slot: Any) -> str:
    """Phase of one `SLOT` record: normal, pending, raised or clearing."""
    if slot["onset"] == NEVER:
        return "normal"
    if slot["raised"] == NEVER:
        return "pending"
    return "raised" if slot["since"] == NEVER else "clearing"


def run(
    slots: Array,
    offsets: npt.NDArray[np.int64],
    channel: npt.NDArray[np.int32],
    time: npt.NDArray[np.int64],
    value: npt.NDArray[np.float64],
    quality: npt.NDArray[np.uint32],
    room: int = 1024,
) -> Array:
    """Evaluate readings and return every transition in the order of its reading.

    `slots` (`SLOT`, grouped by channel) is changed in place; channel c owns `offsets[c]:offsets[c+1]`.
    The four columns are equally long; `channel` counts from 0 within `offsets`, `time` is microseconds
    and must not fall within one channel. `room` is only the first guess at the number of transitions:
    when it is used up the output grows and the kernel goes on at the same reading.
    Raises IndexError when a channel lies outside `offsets`.
    """
    if len(channel) and not 0 <= channel.min() <= channel.max() < len(offsets) - 1:
        raise IndexError("channel outside the offsets given")
    out = np.empty(max(room, 1), dtype=TRANSITION)
    row, count = evaluate(slots, offsets, channel, time, value, quality, 0, out, 0)
    while row < len(channel):
        out = np.concatenate([out, np.empty_like(out)])
        row, count = evaluate(slots, offsets, channel, time, value, quality, row, out, count)
    return out[:count]


@njit(nogil=True, cache=True)
def evaluate(slots, offsets, channel, time, value, quality, row, out, count):  # type: ignore[no-untyped-def]
    """Walk from `row` until the end or until `out` might overflow; returns (next row, transitions)."""
    end = channel.shape[0]
    room = out.shape[0]
    while row < end:
        v = value[row]
        if (quality[row] & UNUSABLE) == 0 and v == v:
            first = offsets[channel[row]]
            last = offsets[channel[row] + 1]
            # A slot changes at most once per reading, so a whole reading either fits or waits.
            if count + (last - first) > room:
                break
            t = time[row]
            for k in range(first, last):
                s = slots[k]
                above = s.hold >= 0
                if s.raised == NEVER:
                    if not (v >= s.raise_at if above else v <= s.raise_at):
                        s.onset = NEVER
                        continue
                    if s.onset == NEVER:
                        s.onset = t
                        s.peak = v
                    elif v > s.peak if above else v < s.peak:
                        s.peak = v
                    if t - s.onset >= (s.hold if above else ~s.hold):
                        s.raised = t
                        _write(out[count], k, RAISE, row, s, v, NEVER)
                        count += 1
                elif v < s.clear_at if above else v > s.clear_at:
                    if s.since == NEVER:
                        s.since = t
                    if t - s.since >= s.clear_hold:
                        _write(out[count], k, CLEAR, row, s, v, t)
                        count += 1
                        s.onset = NEVER
                        s.raised = NEVER
                        s.since = NEVER
                else:
                    s.since = NEVER
                    if v > s.peak if above else v < s.peak:
                        s.peak = v
        row += 1
    return row, count


@njit(nogil=True, cache=True, inline="always")
def _write(record, k, kind, row, s, v, ended):  # type: ignore[no-untyped-def]
    record.slot = k
    record.kind = kind
    record.row = row
    record.onset = s.onset
    record.raised = s.raised
    record.value = v
    record.ended = ended
    record.peak = s.peak


@njit(nogil=True, cache=True)
def arrange(channel, time, value, quality, channels):  # type: ignore[no-untyped-def]
    """Columns in any order → the same columns sorted by (channel, time), stable in arrival order.

    A counting sort brings channels together; a channel is sorted by time only where it is not already.
    """
    rows = channel.shape[0]
    start = np.zeros(channels + 1, np.int64)
    for i in range(rows):
        start[channel[i] + 1] += 1
    for c in range(channels):
        start[c + 1] += start[c]
    at = start[:-1].copy()
    new_channel = np.empty_like(channel)
    new_time = np.empty_like(time)
    new_value = np.empty_like(value)
    new_quality = np.empty_like(quality)
    for i in range(rows):
        to = at[channel[i]]
        at[channel[i]] = to + 1
        new_channel[to] = channel[i]
        new_time[to] = time[i]
        new_value[to] = value[i]
        new_quality[to] = quality[i]
    for c in range(channels):
        first, last = start[c], start[c + 1]
        for i in range(first + 1, last):
            if new_time[i] < new_time[i - 1]:
                order = np.argsort(new_time[first:last], kind="mergesort")
                new_time[first:last] = new_time[first:last][order]
                new_value[first:last] = new_value[first:last][order]
                new_quality[first:last] = new_quality[first:last][order]
                break
    return new_channel, new_time, new_value, new_quality
