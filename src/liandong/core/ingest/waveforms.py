"""Windows of fast signals: kept whole, and condensed into the statistic channels that the city declares.

A channel with a reducer (`rms@600`) is fed by the windows of its own key, and by those of the channel
that the same device sends as the same item.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from liandong.core.ingest.columns import owned
from liandong.core.ingest.decoded import MOST_AHEAD, DecodedAs, check_rows, check_size, check_time
from liandong.core.ingest.messages import Fields, fields_of, message_key, plain, split_message, time_of
from liandong.core.ingest.reduce import Condenser, parse_reducer
from liandong.core.values.city import City
from liandong.core.values.errors import BadInput
from liandong.core.values.readings import (
    WAVEFORM_COLUMNS,
    ReadingBatch,
    WaveformBatch,
    batch_of_rows,
    columns_of,
)
from liandong.core.values.rules import ChannelRow
from liandong.core.values.times import SECOND

DecodedWaveforms = DecodedAs[WaveformBatch]
MOST_RATE = 1_000_000.0  #: samples a second
Window = tuple[Any, int | None, float, npt.NDArray[Any]]
_FORMATS: dict[str, np.dtype[Any]] = {"f4": np.dtype("<f4"), "f8": np.dtype("<f8")}


def decode_waveforms(
    raw: bytes, source: str, channels: dict[str, ChannelRow], arrival: int, now: int
) -> DecodedWaveforms:
    """`{"id": …, "waveforms": [{"channel", "start", "rate", "samples": base64, "format": "f4"}, …]}`.

    Samples are little-endian float32 (`f4`, the default) or float64 (`f8`). Raises BadInput where the
    message as a whole is unreadable.
    """
    check_size(raw)
    id, parts = split_message(raw, "waveforms")
    windows: list[tuple[ChannelRow, int, float, npt.NDArray[Any]]] = []
    errors: list[BadInput] = []
    for row, part in enumerate(parts, start=1):
        try:
            fields = fields_of(part, ("channel", "start", "rate", "samples"), row)
            samples = _samples(plain(fields["samples"]), _format(fields), row)
            start = time_of(plain(fields["start"]), row, now)
            window = (plain(fields["channel"]), start, plain(fields["rate"]), samples)
            windows.append(_checked(window, row, source, channels, now))
        except BadInput as error:
            errors.append(error)
    return _decoded(message_key(id, raw), source, windows, errors, arrival)


def decode_windows(
    windows: Iterable[Window], key: str, source: str, channels: dict[str, ChannelRow], arrival: int, now: int
) -> DecodedWaveforms:
    """The same of windows (channel key, start, rate, samples) that somebody else has read."""
    good: list[tuple[ChannelRow, int, float, npt.NDArray[Any]]] = []
    errors: list[BadInput] = []
    for row, window in enumerate(windows, start=1):
        check_rows(row)
        try:
            good.append(_checked(window, row, source, channels, now))
        except BadInput as error:
            errors.append(error)
    return _decoded(key, source, good, errors, arrival)


def _checked(
    window: Window, row: int, source: str, channels: dict[str, ChannelRow], now: int
) -> tuple[ChannelRow, int, float, npt.NDArray[Any]]:
    name, start, rate, samples = window
    channel = owned(channels.get(name) if isinstance(name, str) else None, name, source, row)
    if start is None:
        raise BadInput("reading.bad_time", value="", row=row)
    check_time(start, str(start), row, now)
    good = not isinstance(rate, bool) and isinstance(rate, (int, float)) and 0 < rate <= MOST_RATE
    if not good:
        raise BadInput("waveform.bad_rate", row=row, channel=channel.key, most=MOST_RATE)
    if not len(samples) or np.isinf(samples).any():
        raise BadInput("waveform.bad_samples", row=row, channel=channel.key)
    end = start + math.ceil((len(samples) - 1) / rate * SECOND)
    if end > now + MOST_AHEAD:
        raise BadInput("reading.future_time", value=str(end), row=row)
    if channel.factor != 1.0 or channel.offset:
        samples = (samples * channel.factor + channel.offset).astype(samples.dtype)
    return channel, start, float(rate), samples


def _format(fields: Fields) -> Any:
    return plain(fields["format"]) if "format" in fields else "f4"


def _samples(text: Any, form: Any, row: int) -> npt.NDArray[Any]:
    if not isinstance(text, str) or form not in ("f4", "f8"):
        raise BadInput("waveform.bad_encoding", row=row)
    try:
        found: npt.NDArray[Any] = np.frombuffer(base64.b64decode(text, validate=True), _FORMATS[form])
        return found
    except (binascii.Error, ValueError) as error:
        raise BadInput("waveform.bad_encoding", row=row) from error


def _decoded(
    key: str,
    source: str,
    windows: list[tuple[ChannelRow, int, float, npt.NDArray[Any]]],
    errors: list[BadInput],
    arrival: int,
) -> DecodedWaveforms:
    wide = any(samples.dtype.itemsize == 8 for _, _, _, samples in windows)
    dtype = _FORMATS["f8" if wide else "f4"]
    parts = [samples.astype(dtype) for _, _, _, samples in windows]
    columns = columns_of(
        WAVEFORM_COLUMNS,
        len(windows),
        channel=[w[0].number for w in windows],
        start=[w[1] for w in windows],
        arrival_time=np.full(len(windows), arrival),
        rate=[w[2] for w in windows],
        count=[len(p) for p in parts],
    )
    samples = np.concatenate(parts) if parts else np.zeros(0, dtype)
    return DecodedAs(
        key=key, batch=WaveformBatch(source=source, columns=columns, samples=samples), errors=tuple(errors)
    )


class Statistics:
    """The statistic channels of a city and what of their windows is not complete yet. Not thread-safe."""

    def __init__(self, city: City) -> None:
        self._fed: dict[int, list[tuple[int, str, int]]] = {}
        self._condensers: dict[int, Condenser] = {}
        self.longest = 0  #: of all windows, microseconds; 0 where nothing is condensed
        sent = {
            (c.source, c.device, c.item): c.number
            for c in sorted(city.channels, key=lambda c: -c.number)
            if c.item and not c.reducer
        }
        for channel in city.channels:
            if channel.reducer:
                row = (channel.number, *parse_reducer(channel.reducer))
                self.longest = max(self.longest, row[2])
                feeds = {
                    channel.number,
                    sent.get((channel.source, channel.device, channel.item), channel.number),
                }
                for feed in feeds:
                    self._fed.setdefault(feed, []).append(row)

    def condense(self, batch: WaveformBatch, arrival: int) -> ReadingBatch:
        """One reading for each statistic window that these waveforms complete."""
        rows: list[tuple[int, int, float, int]] = []
        for channel, start, rate, samples in batch.windows():
            times = start + np.round(np.arange(len(samples)) * (SECOND / rate)).astype(np.int64)
            for number, reducer, window in self._fed.get(channel, ()):
                made = self._condensers.setdefault(number, Condenser(reducer, window, round(SECOND / rate)))
                said = made.push(times, samples.astype(np.float64))
                pairs = zip(said.times.tolist(), said.values.tolist(), strict=True)
                rows += [(number, at, value, 0) for at, value in pairs]
        return batch_of_rows(batch.source, rows, arrival)
