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

from liandong.core.detect.statistics import (
    CUSUM,
    EWMA,
    OFFSET,
    OUT_OF_RANGE,
    RANGE,
    RATE,
    ROBUST_Z,
    SEASONAL,
    STALE,
    STD,
    SUM,
    VALUE,
    WEEK,
    ZSCORE,
    Memory,
    make_memory,
)
from liandong.core.detect.statistics import NEVER as NEVER
from liandong.core.values.lists import UNUSABLE as UNUSABLE
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
_FEWEST = 8  # entries of a window from which a median is taken

PHASES = ("normal", "pending", "raised", "clearing")


Array = npt.NDArray[Any]

_NO_MEMORY = make_memory((), np.zeros(0, dtype=np.int32))


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
    memory: Memory | None = None,
) -> Array:
    """Evaluate readings and return every transition in the order of its reading.

    `slots` (`SLOT`, grouped by channel) is changed in place; channel c owns `offsets[c]:offsets[c+1]`.
    Those before `plain_to[c]` look at readings, the others at statistics, of which `memory` (changed in
    place) holds what they remember; without these two every slot is plain. The four columns are equally
    long; `channel` counts from 0 within `offsets`, `time` is microseconds and must not fall within one
    channel. A value that is not a number, its quality good, stands for a reading out of range: only the
    statistic that counts those sees it. `room` is only the first guess at the number of transitions: when
    it is used up the output grows and the kernel goes on at the same reading. Raises IndexError when a
    channel lies outside `offsets`.
    """
    if len(channel) and not 0 <= channel.min() <= channel.max() < len(offsets) - 1:
        raise IndexError("channel outside the offsets given")
    if plain_to is None or memory is None:
        plain_to, memory = offsets[1:], _NO_MEMORY
    out = np.empty(max(room, 1), dtype=TRANSITION)
    row, count = 0, 0
    while True:
        row, count = evaluate(
            slots, offsets, plain_to, *memory, channel, time, value, quality, row, out, count
        )
        if row >= len(channel):
            return out[:count]
        out = np.concatenate([out, np.empty_like(out)])


@njit(nogil=True, cache=True)
def evaluate(  # type: ignore[no-untyped-def]  # Numba infers the types
    slots, offsets, plain_to, params, memory, pool, memory_of, channel, time, value, quality, row, out, count
):
    """Walk from `row` until the end or until `out` might overflow; returns (next row, transitions)."""
    end = channel.shape[0]
    room = out.shape[0]
    while row < end:
        v = value[row]
        if (quality[row] & UNUSABLE) == 0:
            first = offsets[channel[row]]
            last = offsets[channel[row] + 1]
            plain = plain_to[channel[row]]
            # A plain slot changes at most once per reading, one that remembers at most twice; a whole
            # reading either fits or waits.
            if count + (last - first) + (last - plain) > room:
                break
            if v == v:
                t = time[row]
                for k in range(first, plain):
                    # The usual case stands here by itself: judging it in the function costs most speed.
                    s = slots[k]
                    above = s.hold >= 0
                    if s.raised == NEVER and not (v >= s.raise_at if above else v <= s.raise_at):
                        s.onset = NEVER
                        continue
                    count = _judge(s, k, row, t, v, out, count)
            if plain < last:
                count = _remembering(
                    slots, plain, last, params, memory, pool, memory_of, row, time[row], v, out, count
                )
        row += 1
    return row, count


@njit(nogil=True, cache=True)
def _remembering(  # type: ignore[no-untyped-def]  # Numba infers the types
    slots, first, last, params, memory, pool, memory_of, row, t, v, out, count
):
    """One reading on the slots that remember something; apart, so that plain ones do not pay for it."""
    for k in range(first, last):
        m = memory[memory_of[k]]
        p = params[m.rule]
        s = slots[k]
        odd = v != v
        if odd and p.kind != OUT_OF_RANGE:
            continue
        if p.kind == STALE:
            count = _stale(s, k, p, m, row, t, out, count)
            continue
        if p.silence > 0 and s.onset != NEVER and t - m.seen > p.silence:
            count = _silenced(s, k, p, m, row, v, out, count)
        # Statistics of one record stand apart: handing on the pool costs more than they do.
        x = scalar(p, m, t, v, s.hold >= 0) if p.kind <= STALE else pooled(p, m, pool, t, v, s.hold >= 0, odd)
        if x == x:
            count = _judge(s, k, row, t, x, out, count)
        if p.kind == CUSUM:
            # No further than the limit, so that what lasted long does not clear late.
            m.new_value = min(x, s.raise_at) if s.hold >= 0 else max(x, s.raise_at)
        elif p.kind <= STALE:
            learn(p, m, t, v, s.onset == NEVER)
        elif p.kind >= ROBUST_Z and s.onset == NEVER:
            learn_pooled(p, m, pool, t, v)
        m.seen = t
    return count


@njit(nogil=True, cache=True)
def _silenced(s, k, p, m, row, v, out, count):  # type: ignore[no-untyped-def]  # Numba infers the types
    """The channel was silent too long: the finding ends then, and a pending condition is dropped."""
    if s.raised != NEVER:
        _write(out[count], k, CLEAR, row, s, v, m.seen + p.silence)
        count += 1
    s.onset = NEVER
    s.raised = NEVER
    s.since = NEVER
    return count


@njit(nogil=True, cache=True)
def _fallen_silent(s, k, p, m, row, out, count):  # type: ignore[no-untyped-def]  # Numba infers the types
    """The channel has said nothing until after its timeout and the hold: raised in between readings."""
    s.onset = m.seen + p.window
    s.raised = s.onset + s.hold
    s.since = NEVER
    s.peak = (p.window + s.hold) / 1e6
    _write(out[count], k, RAISE, row, s, s.peak, NEVER)
    return count + 1


@njit(nogil=True, cache=True)
def _stale(s, k, p, m, row, t, out, count):  # type: ignore[no-untyped-def]  # Numba infers the types
    """A reading on a slot that watches for silence: what the silence before it was, and whether it ends."""
    if m.seen != NEVER:
        gap = t - m.seen
        if s.raised == NEVER and gap > p.window + s.hold:
            count = _fallen_silent(s, k, p, m, row, out, count)
        elif gap > p.window:
            s.since = NEVER
        if s.raised != NEVER:
            s.peak = max(s.peak, gap / 1e6)
            if s.since == NEVER:
                s.since = t
            if t - s.since >= s.clear_hold:
                _write(out[count], k, CLEAR, row, s, gap / 1e6, t)
                count += 1
                s.onset = NEVER
                s.raised = NEVER
                s.since = NEVER
    m.seen = t
    return count


@njit(nogil=True, cache=True)
def _deadline(s, p, m):  # type: ignore[no-untyped-def]  # Numba infers the types
    """The moment after which silence alone changes a slot; ALWAYS when it does not."""
    if m.seen == NEVER:
        return ALWAYS
    if p.kind == STALE:
        return m.seen + p.window + s.hold if s.raised == NEVER else ALWAYS
    return m.seen + p.silence if p.silence > 0 and s.onset != NEVER else ALWAYS


@njit(nogil=True, cache=True)
def expire(slots, params, memory, pool, memory_of, which, until, out):  # type: ignore[no-untyped-def]  # Numba infers the types
    """What silence alone changes in the slots `which`, each known to have no further reading before `until`.

    `out` has room for a transition of each; returns how many there are. Their row is -1.
    """
    count = 0
    for i in range(which.shape[0]):
        k = which[i]
        m = memory[memory_of[k]]
        p = params[m.rule]
        if until[i] > _deadline(slots[k], p, m):
            if p.kind == STALE:
                count = _fallen_silent(slots[k], k, p, m, -1, out, count)
            else:
                count = _silenced(slots[k], k, p, m, -1, np.nan, out, count)
    return count


@njit(nogil=True, cache=True)
def deadlines(slots, params, memory, pool, memory_of, groups, timed, timed_at, out):  # type: ignore[no-untyped-def]  # Numba infers the types
    """For each of `groups` the earliest moment after which silence alone changes one of its slots.

    `timed[timed_at[g]:timed_at[g + 1]]` are the slots of group g that silence can change.
    """
    for group in groups:
        least = ALWAYS
        for i in range(timed_at[group], timed_at[group + 1]):
            m = memory[memory_of[timed[i]]]
            least = min(least, _deadline(slots[timed[i]], params[m.rule], m))
        out[group] = least


@njit(nogil=True, cache=True)
def scalar(p, m, t, v, above):  # type: ignore[no-untyped-def]  # Numba infers the types
    """A statistic of one record for a reading `v` at `t`; NaN while there is none.

    `ewma` and `flat` take the reading in first; the others are judged by what was learned before it.
    """
    kind = p.kind
    if kind == VALUE:
        return v
    if kind == OFFSET:
        return abs(v - p.level)
    if kind == RATE:
        if m.new_time != NEVER and t - m.new_time >= p.window:
            return (v - m.new_value) / ((t - m.new_time) / 1e6)
        if m.old_time != NEVER:
            return (v - m.old_value) / ((t - m.old_time) / 1e6)
        return np.nan
    if kind == ZSCORE:
        if m.learned < WARM or t - m.old_time < p.window:
            return np.nan
        return _scaled(v - m.old_value, max(np.sqrt(m.new_value), p.floor))
    if kind == EWMA:
        if m.seen != NEVER:
            gone = float(t - m.seen)
            m.new_value += min(gone / (gone + p.window), 0.5) * (v - m.new_value)
        return m.new_value - p.level
    if kind == CUSUM:
        if above:
            return max(m.new_value + (v - p.level - p.slack), 0.0)
        return min(m.new_value + (v - p.level + p.slack), 0.0)
    if m.old_time == NEVER or abs(v - m.old_value) > p.floor:
        m.old_time = t
        m.old_value = v
    return (t - m.old_time) / 1e6


@njit(nogil=True, cache=True)
def learn(p, m, t, v, calm):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Remember a reading in one record; a z-score only while `calm`, or an anomaly would become normal.

    `rate` moves its anchors (`old_*`, `new_*`) when a window has passed. `zscore` moves mean (`old_value`)
    and variance (`new_value`) by the weight dt / (dt + window), an exponential forgetting with that time
    constant; it is at least 1/n for the n-th reading learned and, once warm, at most 1/`WARM`, so that no
    silence makes one reading the norm.
    """
    if p.kind == RATE:
        if m.new_time == NEVER:
            m.new_time = t
            m.new_value = v
        elif t - m.new_time >= p.window:
            m.old_time = m.new_time
            m.old_value = m.new_value
            m.new_time = t
            m.new_value = v
    elif p.kind == ZSCORE:
        if m.learned == 0:
            m.old_time = t
            m.old_value = v
            m.new_value = 0.0
            m.learned = 1
        elif calm:
            m.learned = min(m.learned + 1, _MOST)
            gone = float(t - m.seen)
            weight = max(min(gone / (gone + p.window), 1.0 / WARM), 1.0 / m.learned)
            away = v - m.old_value
            m.old_value += weight * away
            m.new_value = (1.0 - weight) * (m.new_value + weight * away * away)


@njit(nogil=True, cache=True)
def pooled(p, m, pool, t, v, above, odd):  # type: ignore[no-untyped-def]  # Numba infers the types
    """A statistic of a window or a week; NaN while there is none.

    Windows take the reading in first; `robust_z` and `seasonal` judge it by what was learned before it.
    """
    if p.kind == ROBUST_Z:
        return _robust(p, m, pool, t, v)
    if p.kind == SEASONAL:
        return _seasonal(p, m, pool, t, v)
    _enter(p, m, pool, t, v, odd)
    # What has fallen so far is already the least that the whole window can hold.
    if t - m.old_time < p.window and not (p.kind == SUM and above):
        return np.nan
    if p.kind == RANGE:
        return _range(p, m, pool)
    if p.kind == STD:
        return _deviation(p, m, pool)
    total = _total(p, m, pool, 1)
    return total if p.kind == SUM else _total(p, m, pool, 2) / total


@njit(nogil=True, cache=True)
def learn_pooled(p, m, pool, t, v):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Remember a reading of a calm channel: in the window, or in the hour that runs.

    Of that hour: how many readings, their mean, the sum of squared distances from it.
    """
    if p.kind == ROBUST_Z:
        _enter(p, m, pool, t, v, False)
        return
    m.learned += 1
    away = v - m.old_value
    m.old_value += away / m.learned
    m.new_value += away * (v - m.old_value)


@njit(nogil=True, cache=True)
def _scaled(away, spread):  # type: ignore[no-untyped-def]  # Numba infers the types
    """A distance in spreads, cut so that it is never infinite."""
    if away == 0.0:
        return 0.0
    if abs(away) >= LARGEST * spread:
        return LARGEST if away > 0 else -LARGEST
    return away / spread


# A window: `learned` entries from `place` on, oldest first, each beginning with the moment of its newest
# reading in microseconds since the slot's first (`old_time`). Readings within one bucket of event time
# share an entry, so a window never outgrows its stretch; it ends with the oldest entry of which a reading
# lies within.


@njit(nogil=True, cache=True)
def _entry(p, m, pool, t):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Where the entry for a reading at `t` stands, and whether it is a fresh one; drops what has left."""
    if m.old_time == NEVER:
        m.old_time = t
    now = float(t - m.old_time)
    gone = 0
    while gone < m.learned and pool[m.place + gone * p.stride] <= now - p.window:
        gone += 1
    if gone:
        kept = (m.learned - gone) * p.stride
        for i in range(m.place, m.place + kept):
            pool[i] = pool[i + gone * p.stride]
        m.learned -= gone
    newest = m.place + (m.learned - 1) * p.stride
    fresh = m.learned == 0 or (int(pool[newest]) + m.old_time) // p.bucket != t // p.bucket
    if fresh:
        newest += p.stride
        m.learned += 1
    pool[newest] = now
    return newest, fresh


@njit(nogil=True, cache=True)
def _enter(p, m, pool, t, v, odd):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Take a reading into the window."""
    at, fresh = _entry(p, m, pool, t)
    if p.kind == SUM:
        pool[at + 1] = v if fresh else pool[at + 1] + v
    elif p.kind == RANGE:
        pool[at + 1] = v if fresh else min(pool[at + 1], v)
        pool[at + 2] = v if fresh else max(pool[at + 2], v)
    elif p.kind == OUT_OF_RANGE:
        pool[at + 1] = 1.0 if fresh else pool[at + 1] + 1.0
        pool[at + 2] = (0.0 if fresh else pool[at + 2]) + (1.0 if odd else 0.0)
    elif p.kind == STD:
        if fresh:
            pool[at + 1] = pool[at + 2] = pool[at + 3] = 0.0
        pool[at + 1] += 1.0
        away = v - pool[at + 2]
        pool[at + 2] += away / pool[at + 1]
        pool[at + 3] += away * (v - pool[at + 2])
    else:
        pool[at + 1] = 1.0 if fresh else pool[at + 1] + 1.0
        pool[at + 2] = v if fresh else pool[at + 2] + v


@njit(nogil=True, cache=True)
def _total(p, m, pool, field):  # type: ignore[no-untyped-def]  # Numba infers the types
    total = 0.0
    for i in range(m.learned):
        total += pool[m.place + i * p.stride + field]
    return total


@njit(nogil=True, cache=True)
def _range(p, m, pool):  # type: ignore[no-untyped-def]  # Numba infers the types
    least, most = pool[m.place + 1], pool[m.place + 2]
    for i in range(1, m.learned):
        least = min(least, pool[m.place + i * p.stride + 1])
        most = max(most, pool[m.place + i * p.stride + 2])
    return most - least


@njit(nogil=True, cache=True)
def _deviation(p, m, pool):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Standard deviation of all readings in the window, from each entry's count, mean and squares."""
    count, mean, squares = 0.0, 0.0, 0.0
    for i in range(m.learned):
        at = m.place + i * p.stride
        more, away = pool[at + 1], pool[at + 2] - mean
        squares += pool[at + 3] + away * away * count * more / (count + more)
        mean += away * more / (count + more)
        count += more
    return np.sqrt(squares / count)


@njit(nogil=True, cache=True)
def _robust(p, m, pool, t, v):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Distance from the window's median in 1.4826 median absolute deviations from it."""
    if m.learned < _FEWEST or t - m.old_time < p.window:
        return np.nan
    values = np.empty(m.learned)
    for i in range(m.learned):
        at = m.place + i * p.stride
        values[i] = pool[at + 2] / pool[at + 1]
    middle = _median(values)
    for i in range(m.learned):
        values[i] = abs(values[i] - middle)
    return _scaled(v - middle, max(1.4826 * _median(values), p.floor))


@njit(nogil=True, cache=True)
def _median(values):  # type: ignore[no-untyped-def]  # Numba infers the types
    """The median of an array, which is sorted by it."""
    values.sort()
    half = values.shape[0] // 2
    return values[half] if values.shape[0] % 2 else 0.5 * (values[half - 1] + values[half])


@njit(nogil=True, cache=True)
def _seasonal(p, m, pool, t, v):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Distance from what this hour of the week usually is, in its usual spread; NaN in its first two weeks.

    `old_time` is the hour that runs, counted from the epoch in local time; when another one begins, what
    was gathered in it is learned.
    """
    hour = (t + p.shift) // 3_600_000_000
    if m.old_time != hour:
        if m.learned > 0:
            _learn_hour(p, m, pool, _of_week(m.old_time))
        m.old_time = hour
        m.learned = 0
        m.old_value = m.new_value = 0.0
    at = _of_week(hour)
    if pool.view(np.uint8)[8 * (m.place + 2 * WEEK) + at] < 2:
        return np.nan
    return _scaled(v - pool[m.place + at], max(np.sqrt(pool[m.place + WEEK + at]), p.floor))


@njit(nogil=True, cache=True)
def _of_week(hour):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Hour of the week, 0 = Monday 00:00; the epoch was a Thursday."""
    return (hour + 72) % WEEK


@njit(nogil=True, cache=True)
def _learn_hour(p, m, pool, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Move level and variance of one hour of the week by what it was this time.

    Its weight is 1/n in the n-th week, at least 1/8; a mean that lies more than three spreads away counts
    as three, and readings within the hour that scatter more count as three spreads.
    """
    weeks = pool.view(np.uint8)
    n = weeks[8 * (m.place + 2 * WEEK) + at]
    level, variance = m.place + at, m.place + WEEK + at
    within = m.new_value / m.learned
    if n == 0:
        pool[level] = m.old_value
        pool[variance] = within
    else:
        away = m.old_value - pool[level]
        spread = max(np.sqrt(pool[variance]), p.floor)
        if spread > 0.0:
            away = max(min(away, 3.0 * spread), -3.0 * spread)
            within = min(within, 9.0 * spread * spread)
        weight = 1.0 / min(n + 1, 8)
        pool[level] += weight * away
        pool[variance] = (1.0 - weight) * (pool[variance] + weight * away * away) + weight * within
    weeks[8 * (m.place + 2 * WEEK) + at] = min(n + 1, 255)


@njit(nogil=True, cache=True, inline="always")
def _judge(s, k, row, t, v, out, count):  # type: ignore[no-untyped-def]  # Numba infers the types
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
def _write(record, k, kind, row, s, v, ended):  # type: ignore[no-untyped-def]  # Numba infers the types
    record.slot = k
    record.kind = kind
    record.row = row
    record.onset = s.onset
    record.raised = s.raised
    record.value = v
    record.ended = ended
    record.peak = s.peak


@njit(nogil=True, cache=True)
def arrange(channel, time, value, quality, channels):  # type: ignore[no-untyped-def]  # Numba infers the types
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
