"""感知接入: the only step that meets dirt. A message becomes a batch and a list of refused rows.

A message may be half good: its good rows go on, each bad row is named. Pure: `now` is an argument.
`messages` reads the JSON of readings, `columns` judges columns whatever they were read from, `rows`
takes what a device's own protocol said, `reduce` condenses what comes too fast; `positions` and
`waveforms` are the two other kinds of batches.
"""

from liandong.core.ingest.channels import ChannelTable
from liandong.core.ingest.columns import Columns, decode_columns
from liandong.core.ingest.decoded import MOST_AHEAD, MOST_BYTES, MOST_ROWS, Decoded
from liandong.core.ingest.messages import decode_json, decode_plain
from liandong.core.ingest.rows import DeviceRow, Devices, decode_rows

__all__ = [
    "MOST_AHEAD",
    "MOST_BYTES",
    "MOST_ROWS",
    "ChannelTable",
    "Columns",
    "Decoded",
    "DeviceRow",
    "Devices",
    "decode_columns",
    "decode_json",
    "decode_plain",
    "decode_rows",
]
