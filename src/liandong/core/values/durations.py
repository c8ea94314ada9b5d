"""Lengths of time as people write them: `70 min`, `2 h`, `30 天`, or a number of seconds."""

from __future__ import annotations

import math
import re

_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1, "秒": 1, "秒钟": 1,
    "min": 60, "minute": 60, "minutes": 60, "分": 60, "分钟": 60,
    "h": 3600, "hour": 3600, "hours": 3600, "时": 3600, "小时": 3600,
    "d": 86400, "day": 86400, "days": 86400, "天": 86400, "日": 86400,
}  # fmt: skip
_WRITTEN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*([a-z]+|[\u4e00-\u9fff]{1,2})?")
#: Largest first; a length is written in the largest of these that divides it.
_UNITS = ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟"))


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError for anything but a number that is not negative, with or without a unit."""
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None or (found[2] or "s") not in _SECONDS:
        raise ValueError(text)
    return float(found[1]) * _SECONDS[found[2] or "s"]


def duration_words(seconds: float, language: str = "en") -> str:
    """`4200` → `70 min`, or `70 分钟`; one day is 24 h, because limits are said in hours."""
    chinese = language == "zh"
    whole = math.isfinite(seconds) and seconds == int(seconds) and seconds > 0
    for size, en, zh in _UNITS:
        if whole and seconds % size == 0 and not (size == 86400 and seconds <= size):
            return f"{int(seconds) // size} {zh if chinese else en}"
    shown = str(int(seconds)) if whole or seconds == 0 else repr(seconds)
    return f"{shown} {'秒' if chinese else 's'}"
