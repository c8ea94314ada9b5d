"""What the columns of a table are: which holds the time, which are series, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from liandong.core.values.errors import BadInput

_UNIT = re.compile(r"(.*\S)\s*[(\[（【]\s*([^()\[\]（）【】]*?)\s*[)\]）】]")
_TIMES = {"time", "timestamp", "datetime", "date", "ts", "date_time", "时间", "监测时间", "采集时间", "日期"}
_CHANNELS = {"channel", "通道", "监测通道", "channel_key"}
_VALUES = {"value", "值", "数值", "监测值"}


@dataclass(frozen=True)
class Layout:
    """Places of columns. A long table has a channel column; of a wide one each other column is a series."""

    time: int
    channel: int | None
    series: tuple[int, ...]
    names: tuple[str, ...]  #: of the series' columns
    units: tuple[str, ...]  #: as written, empty where none was


def split_unit(title: str) -> tuple[str, str]:
    """`FRC-01 [kN]` → name and unit; `(-)` is no unit."""
    match = _UNIT.fullmatch(title.strip())
    if match is None:
        return title.strip(), ""
    unit = match[2].replace("\\", "/")
    return match[1].strip(), "" if unit == "-" else unit


def layout_of(titles: Sequence[str], file: str) -> Layout:
    """Read a header. Raises BadInput where no column is the time, none a value, or two share a name."""
    split = [split_unit(title) for title in titles]
    words = [name.casefold() for name, _ in split]
    times = [place for place, word in enumerate(words) if word in _TIMES]
    if not times:
        raise BadInput("file.no_time_column", file=file, columns=", ".join(titles)[:120])
    channel = next((place for place, word in enumerate(words) if word in _CHANNELS), None)
    value = next((place for place, word in enumerate(words) if word in _VALUES), None)
    if channel is not None:
        if value is None:
            raise BadInput("file.no_value_column", file=file, columns=", ".join(titles)[:120])
        return Layout(times[0], channel, (value,), (split[value][0],), (split[value][1],))
    # A comma at the end of a line makes a column without a name.
    series = tuple(p for p in range(len(titles)) if p != times[0] and split[p][0])
    if not series:
        raise BadInput("file.no_value_column", file=file, columns=", ".join(titles)[:120])
    names = tuple(split[place][0] for place in series)
    for name in names:
        if names.count(name) > 1:
            raise BadInput("file.column_twice", file=file, column=name[:80])
    return Layout(times[0], None, series, names, tuple(split[place][1] for place in series))
