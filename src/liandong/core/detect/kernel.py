"""The compiled heart of detect: limits with hysteresis and hold, one 64-byte record per slot.

A *slot* is one rule on one channel; where the rule looks at a statistic of the readings instead of the
readings themselves, a second record (`statistics.py`) remembers what the statistic needs. The kernel
walks readings in the order given and asks only that each channel's own readings are in time order; other
channels may lie between them. It is sequential and without fast-math, so cutting the input differently
cannot change a bit of the result. Everything that is compiled together stands in this file, because
Numba's cache notices a change of this file only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from liandong.core.detect.statistics import MEMORY, OFFSET, RATE, ZSCORE
from liandong.core.detect.statistics import NEVER as NEVER
from liandong.core.values.lists import Quality
from liandong.core.values.rules import Rule

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
#: Readings that a z-score learns before it is compared; none ever weighs more than one of these.
WARM = 20
#: A z-score is cut here, so that no message carries an infinity.
LARGEST = 1e9
_MOST = 1 << 30  # readings counted, so that the count fits its field

PHASES = ("normal", "pending", "raised", "clearing")

#: Readings with any of these bits are never evaluated.
UNUSABLE = int(Quality.NAN | Quality.OUT_OF_RANGE | Quality.FUTURE)

Array = npt.NDArray[Any]

_NO_MEMORY = np.zeros(0, dtype=MEMORY)
_NO_PLACES = np.zeros(0, dtype=np.int32)


def make_slots(rules: Sequence[Rule]) -> Array:
    """One fresh slot per rule given, in that order: array of `SLOT`."""
    slots = np.zeros(len(rules), dtype=SLOT)
    slots["raise_at"] = [rule.raise_at for rule in rules]
    slots["clear_at"] = [rule.clear_at for rule in rules]
    slots["hold"] = [rule.hold_us if rule.above else ~rule.hold_us for rule in rules]
    slots["clear_hold"] = [rule.clear_hold_us for rule in rules]
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
    plain_to: npt.NDArray[np.int64] | None = None,
    memory: Array | None = None,
    memory_of: npt.NDArray[np.int32] | None = None,
) -> Array:
    """Evaluate readings and return every transition in the order of its reading.

    `slots` (`SLOT`, grouped by channel) is changed in place; channel c owns `offsets[c]:offsets[c+1]`.
    Those before `plain_to[c]` look at readings, the others at statistics, of which `memory`
    (`statistics.MEMORY`, changed in place) holds what slot k remembers at `memory_of[k]`; without these
    three arrays every slot is plain. The four columns are equally long; `channel` counts from 0 within
    `offsets`, `time` is microseconds and must not fall within one channel. `room` is only the first
    guess at the number of transitions: when it is used up the output grows and the kernel goes on at
    the same reading. Raises IndexError when a channel lies outside `offsets`.
    """
    if len(channel) and not 0 <= channel.min() <= channel.max() < len(offsets) - 1:
        raise IndexError("channel outside the offsets given")
    if plain_to is None or memory is None or memory_of is None:
        plain_to, memory, memory_of = offsets[1:], _NO_MEMORY, _NO_PLACES
    out = np.empty(max(room, 1), dtype=TRANSITION)
    row, count = 0, 0
    while True:
        row, count = evaluate(
            slots, offsets, plain_to, memory, memory_of, channel, time, value, quality, row, out, count
        )
        if row >= len(channel):
            return out[:count]
        out = np.concatenate([out, np.empty_like(out)])


@njit(nogil=True, cache=True)
def evaluate(  # type: ignore[no-untyped-def]
    slots, offsets, plain_to, memory, memory_of, channel, time, value, quality, row, out, count
):
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
            plain = plain_to[channel[row]]
            t = time[row]
            for k in range(first, plain):
                # The usual case stands here by itself: judging it in the function costs most of the speed.
                s = slots[k]
                above = s.hold >= 0
                if s.raised == NEVER and not (v >= s.raise_at if above else v <= s.raise_at):
                    s.onset = NEVER
                    continue
                count = _judge(s, k, row, t, v, out, count)
            if plain < last:
                count = _remembering(slots, plain, last, memory, memory_of, row, time[row], v, out, count)
        row += 1
    return row, count


@njit(nogil=True, cache=True)
def _remembering(slots, first, last, memory, memory_of, row, t, v, out, count):  # type: ignore[no-untyped-def]
    """One reading on the slots that look at statistics; apart, so that plain ones do not pay for it."""
    for k in range(first, last):
        m = memory[memory_of[k]]
        x = statistic(m, t, v)
        if x == x:
            count = _judge(slots[k], k, row, t, x, out, count)
        learn(m, t, v, slots[k].onset == NEVER)
    return count


@njit(nogil=True, cache=True)
def statistic(m, t, v):  # type: ignore[no-untyped-def]
    """The statistic for a reading `v` at `t` from what was learned before it; NaN while there is none.

    `offset`: distance from the baseline. `rate`: change per second since the newest anchor that is at
    least the window older. `zscore`: distance from the mean in standard deviations, signed.
    """
    if m.kind == OFFSET:
        return abs(v - m.level)
    if m.kind == RATE:
        if m.new_time != NEVER and t - m.new_time >= m.window:
            return (v - m.new_value) / ((t - m.new_time) / 1e6)
        if m.old_time != NEVER:
            return (v - m.old_value) / ((t - m.old_time) / 1e6)
        return np.nan
    if m.learned < WARM or t - m.old_time < m.window:
        return np.nan
    away = v - m.old_value
    spread = max(np.sqrt(m.new_value), m.level)
    if away == 0.0:
        return 0.0
    if abs(away) >= LARGEST * spread:
        return LARGEST if away > 0 else -LARGEST
    return away / spread


@njit(nogil=True, cache=True)
def learn(m, t, v, calm):  # type: ignore[no-untyped-def]
    """Remember a reading. A z-score learns only while `calm`, or an anomaly would become normal.

    `rate` moves its anchors when a window has passed. `zscore` moves mean and variance by the weight
    dt / (dt + window), an exponential forgetting with that time constant; it is at least 1/n for the
    n-th reading learned and, once warm, at most 1/`WARM`, so that no silence makes one reading the norm.
    """
    if m.kind == RATE:
        if m.new_time == NEVER:
            m.new_time = t
            m.new_value = v
        elif t - m.new_time >= m.window:
            m.old_time = m.new_time
            m.old_value = m.new_value
            m.new_time = t
            m.new_value = v
    elif m.kind == ZSCORE:
        if m.learned == 0:
            m.old_time = t
            m.old_value = v
            m.new_value = 0.0
            m.learned = 1
        elif calm:
            m.learned = min(m.learned + 1, _MOST)
            gone = float(t - m.new_time)
            weight = max(min(gone / (gone + m.window), 1.0 / WARM), 1.0 / m.learned)
            away = v - m.old_value
            m.old_value += weight * away
            m.new_value = (1.0 - weight) * (m.new_value + weight * away * away)
        m.new_time = t


@njit(nogil=True, cache=True, inline="always")
def _judge(s, k, row, t, v, out, count):  # type: ignore[no-untyped-def]
    """One value on one slot; returns the number of transitions then."""
    above = s.hold >= 0
    if s.raised == NEVER:
        if not (v >= s.raise_at if above else v <= s.raise_at):
            s.onset = NEVER
        else:
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
    return count


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
