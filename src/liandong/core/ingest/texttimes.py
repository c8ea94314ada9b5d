"""Many RFC 3339 times at once: what one device sends has one form, so digits can be read by column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from liandong.core.values.times import DAY, MINUTE

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d):(\d\d))")
_DIGIT = re.compile("[0-9]")
#: Where year, month, day, hour, minute, second stand, and what each may be at most.
_PARTS = (0, 4, 9999), (5, 7, 12), (8, 10, 31), (11, 13, 23), (14, 16, 59), (17, 19, 59)


class _Form(NamedTuple):
    """How to read texts that look like one of them."""

    digits: npt.NDArray[np.intp]  #: places of digits
    fixed: npt.NDArray[np.intp]  #: places of characters that are the same in all
    fraction: int  #: digits of the fraction of a second
    shift: int  #: microseconds that the zone is ahead of UTC


def parse_times(texts: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Microseconds UTC of texts of one form and one offset; None where they are not, or one is wrong.

    Whatever this reads, `core.values.times.parse_time` reads the same; what it does not read is left
    to it, and to its errors.
    """
    if not texts:
        return np.zeros(0, dtype=np.int64)
    length = len(texts[0])
    if not 20 <= length <= 32 or set(map(len, texts)) != {length}:
        return None
    # The zone is all of a text that stays, so the rest may be zeros and the form is found again.
    zone = length - (1 if texts[0].endswith("Z") else 6)
    form = _form(_DIGIT.sub("0", texts[0][:zone]) + texts[0][zone:])
    joined = "".join(texts)
    if form is None or not joined.isascii():
        return None
    data = np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(len(texts), length)
    if (data[:, form.fixed] != data[0, form.fixed]).any():
        return None
    figures = data - np.uint8(48)  # what is below "0" becomes large
    if (figures[:, form.digits] > 9).any():
        return None
    # By columns and in whole numbers: a product of matrices would wake other threads for so little.
    rows = figures.T.astype(np.int64)
    parts = []
    for start, end, most in _PARTS:
        parts.append(_number(rows, start, end))
        if parts[-1].max() > most:
            return None
    year, month, day, hour, minute, second = parts
    if year.min() < 1 or month.min() < 1 or day.min() < 1:
        return None
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    if day.max() > 28:
        following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        if (day > following - first).any():
            return None
    moments: npt.NDArray[np.int64] = (
        (first + day - 1) * DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 - form.shift
    )
    if form.fraction:
        moments += _number(rows, 20, 20 + form.fraction) * 10 ** (6 - form.fraction)
    return moments


def _number(rows: npt.NDArray[np.int64], start: int, end: int) -> npt.NDArray[np.int64]:
    number: npt.NDArray[np.int64] = rows[start]
    for place in range(start + 1, end):
        number = number * 10 + rows[place]
    return number


@lru_cache(maxsize=256)
def _form(text: str) -> _Form | None:
    match = _FORM.fullmatch(text)
    if match is None or not text.isascii():
        return None
    fraction = len(match[1] or "")
    places = [place for start, end, _ in _PARTS for place in range(start, end)]
    places += range(20, 20 + fraction)
    shift = 0
    if match[2]:
        hours, minutes = int(match[3]), int(match[4])
        if hours > 23 or minutes > 59:
            return None
        shift = (hours * 60 + minutes) * MINUTE * (1 if match[2] == "+" else -1)
    fixed = [place for place in range(len(text)) if place not in places]
    return _Form(np.array(places, dtype=np.intp), np.array(fixed, dtype=np.intp), fraction, shift)
