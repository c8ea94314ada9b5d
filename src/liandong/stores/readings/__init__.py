"""The reading log, the evidence it feeds, and the snapshots that shorten its replay.

Read `log` first; `frames` and `segments` are its bytes, `files` what it asks of the disk.
"""

from liandong.stores.readings.evidence import EvidenceStore
from liandong.stores.readings.files import DiskFiles, Files
from liandong.stores.readings.frames import LogRecord
from liandong.stores.readings.history import History
from liandong.stores.readings.lock import FolderLock
from liandong.stores.readings.log import Position, ReadingLog
from liandong.stores.readings.snapshots import SnapshotStore

__all__ = [
    "DiskFiles",
    "EvidenceStore",
    "Files",
    "FolderLock",
    "History",
    "LogRecord",
    "Position",
    "ReadingLog",
    "SnapshotStore",
]
