"""What a process remembers for as long as it runs has a limit, or weeks of running would fill its memory."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Newest(dict[Key, Value]):
    """A dict that holds at most `most` entries: where one more is put in, the older half is dropped.

    For what may be forgotten. Threads may share it as they may a dict. Only `newest[key] = value` keeps the
    limit; a key that is put again keeps its age.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        """Put an entry in."""
        super().__setitem__(key, value)
        if len(self) > self._most:
            for old in list(self)[: len(self) - self._most // 2]:
                self.pop(old, None)  # another thread may have been faster
