"""Compiled parts of the reorder window: judging the rows of a batch, and the lists that hold readings.

Everything here sees one reading after the other in arrival order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from liandong.core.detect.kernel import ALWAYS, NEVER, UNUSABLE
from liandong.core.values.lists import Quality
from liandong.core.values.times import LATEST

_NAN, _OUT, _FUTURE = int(Quality.NAN), int(Quality.OUT_OF_RANGE), int(Quality.FUTURE)
_LATE, _CONFLICT, _DUPLICATE = int(Quality.TOO_LATE), int(Quality.CONFLICT), int(Quality.DUPLICATE)
_LATEST = int(LATEST)
#: What stands in the window for a reading out of range: the largest bits, and not a number.
ODD = np.uint64((1 << 64) - 1)
_ACCEPTED_ROW, _DUPLICATE_ROW, _CONFLICT_ROW, _LATE_ROW, _UNUSABLE_ROW, _ODD_ROW = range(6)
_LEAST = -(1 << 62)  # revision below all others

#: What the window knows of a channel; 64 bytes.
CHANNEL = np.dtype(
    [
        ("low", "<f8"),
        ("high", "<f8"),
        ("last_time", "<i8"),  # newest accepted reading, NEVER before the first
        ("last_value", "<f8"),
        ("floor", "<i8"),  # settled before this when the owning source first sent
        ("owner", "<i4"),
        ("group", "<i4"),
        ("newest", "<i4"),  # node, -1 when the window is empty
        ("oldest", "<i4"),
        ("disturbed", "<i4"),  # 1 while this batch brought it something out of order
        ("odd", "<i4"),  # 1 where readings out of range are counted instead of left out
    ]
)
#: One reading in the window; 32 bytes. `bits` is the value as an unsigned integer.
NODE = np.dtype(
    [
        ("time", "<i8"),
        ("bits", "<u8"),
        ("revision", "<i8"),
        ("older", "<i4"),
        ("newer", "<i4"),
    ]
)


@njit(nogil=True, cache=True)
def _frontier(ch, reached, watermark, sent, sender):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Settled before: the group's frontier, never past the channel's own source, never back.

    A channel whose source was never heard is settled by its guests alone, once it has any reading.
    """
    if sent[ch.owner] or ch.owner == sender:
        own = watermark[ch.owner]
    elif ch.last_time == NEVER:
        own = NEVER
    else:
        own = ALWAYS
    return max(ch.floor, min(reached[ch.group], own))


@njit(nogil=True, cache=True)
def frontiers(channels, table, reached, watermark, sent, out):  # type: ignore[no-untyped-def]  # Numba infers the types
    for i in range(channels.shape[0]):
        out[i] = _frontier(table[channels[i]], reached, watermark, sent, -1)


@njit(nogil=True, cache=True)
def _quality_of(ch, t, v, q):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Add the bits that only the values themselves can tell."""
    if not np.isfinite(v):
        q |= _NAN
    elif v < ch.low or v > ch.high:
        q |= _OUT
    if t > _LATEST:
        q |= _FUTURE
    elif t < -_LATEST:
        q |= _OUT
    return q


@njit(nogil=True, cache=True)
def take(  # type: ignore[no-untyped-def]  # Numba infers the types
    number,
    time,
    value,
    bits,
    quality,
    lookup,
    table,
    nodes,
    free,
    free_count,
    source,
    lateness,
    revision,
    reached,
    watermark,
    sent,
    passed,
    fresh,
    disturbed,
    guested,
    counts,
):
    """The rows of one batch in arrival order; see `Window.take`."""
    running = watermark[source]
    n_passed = n_fresh = n_disturbed = n_guested = 0
    for i in range(number.shape[0]):
        c = lookup[number[i]] if 0 <= number[i] < lookup.shape[0] else -1
        if c < 0:
            counts[_UNUSABLE_ROW] += 1
            continue
        ch = table[c]
        t = time[i]
        q = _quality_of(ch, t, value[i], quality[i])
        odd = False
        if q & UNUSABLE:
            quality[i] = q
            counts[_UNUSABLE_ROW] += 1
            odd = ch.odd == 1 and (q & _FUTURE) == 0 and -_LATEST <= t <= _LATEST
            if not odd:
                continue
        settled = _frontier(ch, reached, watermark, sent, source)
        begins = settled
        if ch.last_time == NEVER and ch.owner != source and not sent[ch.owner]:
            # The channel's frontier jumps to the group's with this reading, which must not lie behind it.
            begins = max(settled, reached[ch.group])
        if t < running or t < begins:
            if not odd:
                quality[i] = q | _LATE
                counts[_LATE_ROW] += 1
            continue
        running = max(running, t - lateness)
        if ch.owner != source:
            guested[n_guested] = ch.group
            n_guested += 1
        while ch.oldest >= 0 and nodes[ch.oldest].time < settled:
            passed[0][n_passed] = c
            passed[1][n_passed] = nodes[ch.oldest].time
            passed[2][n_passed] = nodes[ch.oldest].bits
            n_passed += 1
            free[free_count] = ch.oldest
            free_count += 1
            ch.oldest = nodes[ch.oldest].newer
            if ch.oldest < 0:
                ch.newest = -1
            else:
                nodes[ch.oldest].older = -1
        older = ch.newest
        while older >= 0 and nodes[older].time > t:
            older = nodes[older].older
        in_order = older == ch.newest
        taken = ODD if odd else bits[i]
        if older < 0 or nodes[older].time != t:
            if odd:
                counts[_ODD_ROW] += 1
            else:
                counts[_ACCEPTED_ROW] += 1
                if t > ch.last_time:
                    ch.last_time = t
                    ch.last_value = value[i]
            free_count -= 1
            _insert(ch, nodes, free[free_count], older, t, taken, _LEAST if odd else revision)
        elif odd:
            continue  # beside a reading at the same time it says nothing
        else:
            same = nodes[older]
            if same.bits == ODD:
                counts[_ACCEPTED_ROW] += 1
            elif same.bits == taken:
                quality[i] = q | _DUPLICATE
                counts[_DUPLICATE_ROW] += 1
                # The pair (revision, bits) decides alone, so a repeat may still strengthen its value.
                same.revision = max(same.revision, revision)
                continue
            else:
                quality[i] = q | _CONFLICT
                counts[_CONFLICT_ROW] += 1
                if revision < same.revision or (revision == same.revision and taken > same.bits):
                    continue
            same.revision = revision
            same.bits = taken
            if t >= ch.last_time:
                ch.last_time = t
                ch.last_value = value[i]
            in_order = False
        if ch.disturbed:
            continue
        if in_order:
            fresh[0][n_fresh] = c
            fresh[1][n_fresh] = t
            fresh[2][n_fresh] = taken
            n_fresh += 1
        else:
            ch.disturbed = 1
            disturbed[n_disturbed] = c
            n_disturbed += 1
    for k in range(n_disturbed):
        table[disturbed[k]].disturbed = 0
    return free_count, running, n_passed, n_fresh, n_disturbed, n_guested


@njit(nogil=True, cache=True)
def _insert(ch, nodes, node, older, t, bits, revision):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Hang a node behind `older` (-1: before all)."""
    newer = ch.oldest if older < 0 else nodes[older].newer
    nodes[node].time = t
    nodes[node].bits = bits
    nodes[node].revision = revision
    nodes[node].older = older
    nodes[node].newer = newer
    if older < 0:
        ch.oldest = node
    else:
        nodes[older].newer = node
    if newer < 0:
        ch.newest = node
    else:
        nodes[newer].older = node


@njit(nogil=True, cache=True)
def count(channels, table, nodes):  # type: ignore[no-untyped-def]  # Numba infers the types
    count = 0
    for c in channels:
        node = table[c].oldest
        while node >= 0:
            count += 1
            node = nodes[node].newer
    return count


@njit(nogil=True, cache=True)
def gather(channels, table, nodes, channel, time, bits, revision):  # type: ignore[no-untyped-def]  # Numba infers the types
    count = 0
    for c in channels:
        node = table[c].oldest
        while node >= 0:
            channel[count] = c
            time[count] = nodes[node].time
            bits[count] = nodes[node].bits
            revision[count] = nodes[node].revision
            count += 1
            node = nodes[node].newer


@njit(nogil=True, cache=True)
def hang(channel, time, bits, revision, table, nodes, free, free_count):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Nodes from columns that are in order within each channel."""
    for i in range(channel.shape[0]):
        free_count -= 1
        ch = table[channel[i]]
        _insert(ch, nodes, free[free_count], ch.newest, time[i], bits[i], revision[i])
    return free_count
