"""The registered channels as columns, so that a batch is judged without looking at single rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.ingest.compiled import TERMS, Names
from liandong.core.values.errors import BadInput
from liandong.core.values.rules import ChannelRow


class ChannelTable(dict[str, ChannelRow]):
    """Channel rows by key. Built once for each version of the city; never changed afterwards.

    `terms` holds one entry for each channel in order of `rows`, and one more for "no such channel".
    """

    def __init__(self, rows: Iterable[ChannelRow]) -> None:
        self.rows = tuple(rows)
        super().__init__((row.key, row) for row in self.rows)
        self.index = {row.key: index for index, row in enumerate(self.rows)}
        self.names = Names([row.key.encode() for row in self.rows])
        self._sources = {row.source: number for number, row in enumerate(self.rows)}
        self.terms = self._terms()
        self._by_number = np.full(max((row.number for row in self.rows), default=-1) + 1, -1, dtype=np.int64)
        for index, row in enumerate(self.rows):
            self._by_number[row.number] = index

    def _terms(self) -> npt.NDArray[Any]:
        none = ChannelRow(number=-1, key="", group="", source="", quantity="")
        every = (*self.rows, none)
        terms = np.zeros(len(every), dtype=TERMS)
        terms["number"] = [row.number for row in every]
        terms["low"] = [-math.inf if row.low is None else row.low for row in every]
        terms["high"] = [math.inf if row.high is None else row.high for row in every]
        terms["factor"] = [row.factor for row in every]
        terms["offset"] = [row.offset for row in every]
        terms["owner"] = [self._sources.get(row.source, -1) for row in every]
        return terms

    def owner(self, source: str) -> int:
        """The number of a source within `terms`; -2 for one that owns no channel here."""
        return self._sources.get(source, -2)

    def at_numbers(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Place of each channel number in the arrays, -1 where there is none."""
        known = (numbers >= 0) & (numbers < len(self._by_number))
        if not len(self._by_number):
            return np.full(len(numbers), -1, dtype=np.int64)
        return np.where(known, self._by_number[np.where(known, numbers, 0)], -1)


def table_of(channels: dict[str, ChannelRow]) -> ChannelTable:
    """The table itself, or one made of the rows."""
    return channels if isinstance(channels, ChannelTable) else ChannelTable(channels.values())


def checked_value(sent: float, channel: ChannelRow, row: int) -> float:
    """The value in the quantity's unit. Raises BadInput where it is not finite or physically absurd."""
    value = sent * channel.factor + channel.offset if channel.factor != 1.0 or channel.offset else sent
    if not math.isfinite(value):
        raise BadInput("reading.not_a_number", channel=channel.key, row=row)
    if (channel.low is not None and value < channel.low) or (
        channel.high is not None and value > channel.high
    ):
        raise BadInput(
            "reading.absurd_value", channel=channel.key, row=row, value=value, low=channel.low,
            high=channel.high,
        )  # fmt: skip
    return value
