"""Uploads in several packets (PNUM, PNO): only one of them need carry the time of the data.

A packet with items ends between two items (so in the frames known to us), so each can be taken, made
durable and answered for itself as soon as the time is known; none is answered before. What waits for
its time is bounded in number and age.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from liandong.adapters.hj212.codec import Frame

#: Packets of one connection that may wait for their time, and times that are remembered for others.
MOST_WAITING = 64
MOST_TIMES = 256

Held = tuple[bytes, Frame]


class Parts:
    """Joins the packets of one connection by device and request number."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, str, int], Held] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many packets wait."""
        return len(self._waiting)

    def take(self, raw: bytes, frame: Frame) -> list[Held]:
        """Frames that are ready now, this one or those that waited for it."""
        if frame.pnum is None or frame.pno is None or frame.pnum == 1:
            return [(raw, frame)]
        name = (frame.mn, frame.qn)
        if frame.data_time is not None:
            time = (frame.data_time, frame.params["DataTime"])
            self._times[name] = time
            self._times.move_to_end(name)
            if len(self._times) > MOST_TIMES:
                self._times.popitem(last=False)
            mine = [key for key in self._waiting if key[:2] == name]
            return [(raw, frame), *(_timed(self._waiting.pop(key), time) for key in mine)]
        known = self._times.get(name)
        if known is not None:
            return [_timed((raw, frame), known)]
        self._waiting[*name, frame.pno] = (raw, frame)
        return []

    def overdue(self, everything: bool = False) -> list[Held]:
        """Packets given up: the oldest beyond the bound, or all of them."""
        most = 0 if everything else MOST_WAITING
        return [self._waiting.popitem(last=False)[1] for _ in range(max(0, len(self._waiting) - most))]


def _timed(held: Held, time: tuple[int, str]) -> Held:
    raw, frame = held
    at, text = time
    return raw, msgspec.structs.replace(frame, data_time=at, params=frame.params | {"DataTime": text})
