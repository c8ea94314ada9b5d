"""Compiled parts of ingest: names found, readings in JSON scanned, rows judged. No Python while they run.

Everything that is compiled together stands in this file, because Numba's cache notices a change of this
file only. Whatever the scanner reads, the reader of single rows (`messages`) reads to the same bits; what
it does not know it leaves to that one, and to its errors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from liandong.core.values.lists import Quality

#: What is known of a registered channel; 40 bytes, so that judging a row touches one line of memory.
TERMS = np.dtype(
    [
        ("low", "<f8"),  # canonical unit
        ("high", "<f8"),  # canonical unit
        ("factor", "<f8"),  # canonical = sent * factor + offset
        ("offset", "<f8"),
        ("number", "<i4"),  # in the registry
        ("owner", "<i4"),  # of the table's sources
    ]
)
#: Zeros behind the bytes of a message: no token holds one, so no scan can run past the end.
PADDING = bytes(64)
#: Whoever writes more digits than this is not in a hurry.
_MOST_DIGITS = np.uint64(400)
#: Bytes of the shortest row there is, and the comma behind it.
SHORTEST_ROW = len('{"channel":"","time":"2026-01-01T00:00:00Z","value":0},')

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_NAN = int(Quality.NAN)
_DAY, _SECOND = 86_400, 1_000_000
_TENS = 10.0 ** np.arange(23)  # all exact
#: Positions are unsigned, because Numba would look at every signed one for being negative.
_0, _1, _10, _18, _EXACT = (np.uint64(n) for n in (0, 1, 10, 18, 1 << 53))
_QUOTE, _COMMA, _COLON, _ZERO, _MINUS, _PLUS, _DOT, _ESCAPE = (np.uint8(ord(c)) for c in '",:0-+.\\')
_OPEN, _CLOSE, _BEGIN, _END, _T, _Z = (np.uint8(ord(c)) for c in "[]{}TZ")
_9 = np.uint8(9)
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)  # FNV-1a


class Names:
    """Texts that are found by their bytes: open addressing, 8 bytes a slot, at most half full."""

    def __init__(self, keys: list[bytes]) -> None:
        self.blob: Bytes = np.frombuffer(b"".join(keys) + PADDING, dtype=np.uint8).copy()
        self.starts = np.zeros(len(keys) + 1, dtype=np.uint64)
        self.starts[1:] = np.cumsum(list(map(len, keys)))
        self.slots = np.full(1 << max(2 * len(keys), 4).bit_length(), -1, dtype=np.int32)
        fill(self.blob, self.starts, self.slots)

    def find(self, data: Bytes, offsets: npt.NDArray[np.int32]) -> Places:
        """The place of each text `data[offsets[i]:offsets[i + 1]]`, -1 where there is none of this name."""
        found = np.empty(max(len(offsets) - 1, 0), dtype=np.int64)
        find(data, offsets, self.blob, self.starts, self.slots, found)
        return found


@njit(nogil=True, cache=True)
def _hash(data, start, end):  # type: ignore[no-untyped-def]  # Numba infers the types
    value = _BASIS
    while start < end:
        value = (value ^ np.uint64(data[start])) * _PRIME
        start += _1
    return value


@njit(nogil=True, cache=True)
def _slot(value, slots):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Where to look first, by all bits of a hash."""
    return (value ^ (value >> np.uint64(29))) & np.uint64(slots.shape[0] - 1)


@njit(nogil=True, cache=True)
def _among(data, start, end, value, blob, starts, slots):  # type: ignore[no-untyped-def]  # Numba infers the types
    """The place of the text with this hash, -1 where it is none of the names."""
    slot = _slot(value, slots)
    while slots[slot] >= 0:
        known = np.uint64(slots[slot])
        first, last = starts[known], starts[known + _1]
        if last - first == end - start:
            at = start
            while at < end and blob[first] == data[at]:
                first += _1
                at += _1
            if at == end:
                return np.int64(known)
        slot = (slot + _1) & np.uint64(slots.shape[0] - 1)
    return np.int64(-1)


@njit(nogil=True, cache=True)
def fill(blob, starts, slots):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Enter every name; of two equal ones the first is found."""
    for k in range(starts.shape[0] - 1):
        slot = _slot(_hash(blob, starts[k], starts[k + 1]), slots)
        while slots[slot] >= 0:
            slot = (slot + _1) & np.uint64(slots.shape[0] - 1)
        slots[slot] = k


@njit(nogil=True, cache=True)
def find(data, offsets, blob, starts, slots, out):  # type: ignore[no-untyped-def]  # Numba infers the types
    for i in range(out.shape[0]):
        start, end = np.uint64(offsets[i]), np.uint64(offsets[i + 1])
        out[i] = _among(data, start, end, _hash(data, start, end), blob, starts, slots)


@njit(nogil=True, cache=True)
def judge(  # type: ignore[no-untyped-def]  # Numba infers the types
    place, time, value, terms, owner, earliest, latest, number, event_time, canonical, quality, bad
):
    """The rows in canonical units, and which of them are bad; returns how many are. See `columns.judge`."""
    wrong = 0
    for i in range(place.shape[0]):
        row = terms[place[i]]
        v = value[i]
        # The others stay bit by bit as they are: times one and plus nothing would lose the sign of zero.
        if row.factor != 1.0 or row.offset != 0.0:
            v = v * row.factor + row.offset
        # Compared so that a value that is not a number is neither too low nor too high.
        refused = place[i] < 0 or row.owner != owner or v < row.low or v > row.high or np.isinf(v)
        refused = refused or time[i] < earliest or time[i] > latest
        quality[i] = 0
        if np.isnan(v):
            v = 0.0
            quality[i] = _NAN
        number[i] = row.number
        event_time[i] = time[i]
        canonical[i] = v
        bad[i] = refused
        wrong += refused
    return wrong


@njit(nogil=True, cache=True)
def _blank(data, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    while data[at] <= 32 and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += _1
    return at


@njit(nogil=True, cache=True)
def _text(data, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Behind the closing quote of the text whose opening one stands at `at`; 0 where it is not plain."""
    if data[at] != _QUOTE:
        return _0
    at += _1
    while data[at] != _QUOTE:
        if data[at] < 32 or data[at] == _ESCAPE:
            return _0
        at += _1
    return at + _1


@njit(nogil=True, cache=True)
def _known(data, at, blob, starts, slots):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Behind the text as `_text`, and its place among the names, -1 where it is none of them."""
    if data[at] != _QUOTE:
        return _0, np.int64(-1)
    at += _1
    start = at
    value = _BASIS
    while data[at] != _QUOTE:
        if data[at] < 32 or data[at] == _ESCAPE:
            return _0, np.int64(-1)
        value = (value ^ np.uint64(data[at])) * _PRIME
        at += _1
    return at + _1, _among(data, start, at, value, blob, starts, slots)


@njit(nogil=True, cache=True)
def _is(data, start, end, word):  # type: ignore[no-untyped-def]  # Numba infers the types
    if end - start != np.uint64(len(word)):
        return False
    for i in range(len(word)):  # noqa: SIM110  # Numba has no generators
        if data[start + np.uint64(i)] != word[i]:
            return False
    return True


@njit(nogil=True, cache=True)
def _number(data, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    """(behind it or 0, value, exact) of a number by JSON's grammar.

    Exact where mantissa and power of ten are both exact in float64, so that one operation rounds once
    (W. D. Clinger, How to read floating point numbers accurately, 1990).
    """
    negative = data[at] == _MINUS
    if negative:
        at += _1
    mantissa, power = _0, np.int64(0)
    begin = at
    while data[at] - _ZERO <= _9:
        mantissa = mantissa * _10 + np.uint64(data[at] - _ZERO)
        at += _1
    if at == begin or (data[begin] == _ZERO and at != begin + _1):
        return _0, 0.0, False
    digits = at - begin
    if data[at] == _DOT:
        at += _1
        begin = at
        while data[at] - _ZERO <= _9:
            mantissa = mantissa * _10 + np.uint64(data[at] - _ZERO)
            at += _1
        if at == begin:
            return _0, 0.0, False
        digits += at - begin
        power = -np.int64(at - begin)
    if data[at] == 101 or data[at] == 69:
        at += _1
        down = data[at] == _MINUS
        if down or data[at] == _PLUS:
            at += _1
        begin = at
        shift = np.int64(0)
        while data[at] - _ZERO <= _9:
            if shift < 10_000:
                shift = shift * 10 + np.int64(data[at] - _ZERO)
            at += _1
        if at == begin:
            return _0, 0.0, False
        power += -shift if down else shift
    if digits > _MOST_DIGITS:
        return _0, 0.0, False
    if digits > _18 or mantissa > _EXACT or not -22 <= power <= 22:
        return at, 0.0, False
    value = np.float64(mantissa)
    value = value / _TENS[-power] if power < 0 else value * _TENS[power]
    return at, -value if negative else value, True


@njit(nogil=True, cache=True)
def _two(data, at, most):  # type: ignore[no-untyped-def]  # Numba infers the types
    """A number of two digits, -1 where it is none or too large."""
    tens, ones = data[at] - _ZERO, data[at + _1] - _ZERO
    number = np.int64(tens) * 10 + np.int64(ones)
    return number if tens <= _9 and ones <= _9 and number <= most else -1


@njit(nogil=True, cache=True)
def _days(year, month, day):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@njit(nogil=True, cache=True)
def _moment(data, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    """(behind it or 0, microseconds UTC) of `"2026-05-01T09:00:00[.123456](Z|±08:00)"`."""
    nothing = _0, np.int64(0)
    if data[at] != _QUOTE:
        return nothing
    at += _1
    high, low = _two(data, at, 99), _two(data, at + np.uint64(2), 99)
    month, day = _two(data, at + np.uint64(5), 12), _two(data, at + np.uint64(8), 31)
    hour, minute = _two(data, at + np.uint64(11), 23), _two(data, at + np.uint64(14), 59)
    second = _two(data, at + np.uint64(17), 59)
    if high < 0 or low < 0 or month < 1 or day < 1 or hour < 0 or minute < 0 or second < 0:
        return nothing
    if data[at + np.uint64(4)] != _MINUS or data[at + np.uint64(7)] != _MINUS:
        return nothing
    if data[at + np.uint64(10)] != _T:
        return nothing
    if data[at + np.uint64(13)] != _COLON or data[at + np.uint64(16)] != _COLON:
        return nothing
    year = high * 100 + low
    if year < 1 or (day > 28 and day > _days(year + month // 12, month % 12 + 1, 1) - _days(year, month, 1)):
        return nothing
    moment = (_days(year, month, day) * _DAY + (hour * 60 + minute) * 60 + second) * _SECOND
    at += np.uint64(19)
    if data[at] == _DOT:
        at += _1
        scale = _SECOND
        while data[at] - _ZERO <= _9:
            scale //= 10
            moment += np.int64(data[at] - _ZERO) * scale
            at += _1
        if scale == 0 or scale == _SECOND:
            return nothing
    if data[at] == _Z:
        at += _1
    else:
        hours, minutes = _two(data, at + _1, 23), _two(data, at + np.uint64(4), 59)
        if hours < 0 or minutes < 0 or data[at + np.uint64(3)] != _COLON:
            return nothing
        shift = (hours * 60 + minutes) * 60 * _SECOND
        if data[at] == _PLUS:
            moment -= shift
        elif data[at] == _MINUS:
            moment += shift
        else:
            return nothing
        at += np.uint64(6)
    return (at + _1, moment) if data[at] == _QUOTE else nothing


@njit(nogil=True, cache=True)
def _skip(data, at):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Behind a plain text, a number or a word; 0 for anything else, nested things among it."""
    if data[at] == _QUOTE:
        return _text(data, at)
    four = at + np.uint64(4)
    if _is(data, at, four, b"null") or _is(data, at, four, b"true"):
        return four
    if _is(data, at, four + _1, b"false"):
        return four + _1
    return _number(data, at)[0]


@njit(nogil=True, cache=True)
def _reading(data, at, row, blob, starts, slots, place, time, value, hard, found):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Behind the object of one reading at `at` (0 where not plain), and how many values are left over."""
    if data[at] != _BEGIN:
        return _0, found
    seen = 0
    at = _blank(data, at + _1)
    while True:
        name = at + _1
        behind = _text(data, at)
        at = _blank(data, behind)
        if not behind or data[at] != _COLON:
            return _0, found
        at = _blank(data, at + _1)
        behind -= _1
        field = 0
        if _is(data, name, behind, b"channel"):
            field = 1
            end, place[row] = _known(data, at, blob, starts, slots)
        elif _is(data, name, behind, b"time"):
            field = 2
            end, time[row] = _moment(data, at)
        elif _is(data, name, behind, b"value"):
            field = 4
            if _is(data, at, at + np.uint64(4), b"null"):
                value[row] = np.nan
                end = at + np.uint64(4)
            else:
                end, value[row], exact = _number(data, at)
                if end and not exact:
                    hard[found, 0], hard[found, 1], hard[found, 2] = row, at, end
                    found += 1
        else:
            end = _skip(data, at)
        if not end or seen & field:
            return _0, found
        seen |= field
        at = _blank(data, end)
        if data[at] == _END:
            return (at + _1 if seen == 7 else _0), found
        if data[at] != _COMMA:
            return _0, found
        at = _blank(data, at + _1)


@njit(nogil=True, cache=True)
def _readings(data, at, blob, starts, slots, place, time, value, hard):  # type: ignore[no-untyped-def]  # Numba infers the types
    """Behind the list of readings at `at` (0 where not plain), rows, values left to others."""
    rows, found = 0, 0
    if data[at] != _OPEN:
        return _0, rows, found
    at = _blank(data, at + _1)
    while data[at] != _CLOSE:
        if rows:
            if data[at] != _COMMA:
                return _0, rows, found
            at = _blank(data, at + _1)
        if rows == place.shape[0]:
            return _0, rows, found
        at, found = _reading(data, at, rows, blob, starts, slots, place, time, value, hard, found)
        if not at:
            return _0, rows, found
        rows += 1
        at = _blank(data, at)
    return at + _1, rows, found


@njit(nogil=True, cache=True)
def scan(data, size, blob, starts, slots, place, time, value, hard):  # type: ignore[no-untyped-def]  # Numba infers the types
    """(rows, start and end of the id, values left to others) of a message; rows is -1 where it is not plain.

    `data` holds `size` bytes of valid UTF-8 and `PADDING`. `hard` gets (row, start, end) of each number
    whose value takes more than one operation.
    """
    rows, found, id_start, id_end = -1, 0, _0, _0
    nothing = -1, _0, _0, 0
    at = _blank(data, _0)
    if data[at] != _BEGIN:
        return nothing
    while True:
        at = _blank(data, at + _1)
        name = at + _1
        behind = _text(data, at)
        at = _blank(data, behind)
        if not behind or data[at] != _COLON:
            return nothing
        at = _blank(data, at + _1)
        if _is(data, name, behind - _1, b"readings"):
            if rows >= 0:
                return nothing
            end, rows, found = _readings(data, at, blob, starts, slots, place, time, value, hard)
        else:
            end = _skip(data, at)
            if _is(data, name, behind - _1, b"id"):
                if data[at] != _QUOTE or id_end:
                    return nothing
                id_start, id_end = at + _1, end - _1
        if not end:
            return nothing
        at = _blank(data, end)
        if data[at] == _END:
            break
        if data[at] != _COMMA:
            return nothing
    if rows < 0 or _blank(data, at + _1) != np.uint64(size):
        return nothing
    return rows, id_start, id_end, found


def padded(raw: bytes) -> Bytes:
    """The bytes and the padding that the scanner needs behind them."""
    return np.frombuffer(raw + PADDING, dtype=np.uint8)
