"""Readings from files: CSV, zipped CSV, Parquet; long (channel, time, value) or wide (a column each).

`read_batches` goes through a file piece by piece, `read_series` gives it whole, a series a channel.
"""

from liandong.adapters.files.batches import FileBatch, read_batches
from liandong.adapters.files.series import Series, read_series

__all__ = ["FileBatch", "Series", "read_batches", "read_series"]
