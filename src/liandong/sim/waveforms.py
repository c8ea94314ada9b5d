"""Fast strain of the demonstration's bridges: windows of samples, which the city condenses itself."""

from __future__ import annotations

import base64
import json

import numpy as np

from liandong.core.values.city import Channel
from liandong.core.values.dataset import CityFolder
from liandong.core.values.times import DAY, MINUTE, SECOND
from liandong.sim.chance import chance, mark, noise
from liandong.sim.device_story import Kind, level_of
from liandong.sim.devices import DeviceMessage, Gateways, Planned, local

#: Samples a second, and the span of one message, which is the window of the channels' reducer.
RATE = 10
SPAN = 5 * MINUTE
PATH = "/api/v1/waveforms"
#: µε of the whole day's warmth, of traffic, and for every millimetre that the bearing has sunk.
_DAY, _TRAFFIC, _PER_MM = 80.0, 12.0, 4.0


class Waves:
    """What the fast sensors of all bridges send, a message a span."""

    def __init__(self, gateways: Gateways, folder: CityFolder) -> None:
        self._gateways = gateways
        self._channels = [c for c in folder.city.channels if c.reducer]
        self._own = {c.key: chance(gateways.seed, "base", c.key) for c in self._channels}
        self._sunk = {e.asset: e for e in gateways.story if e.kind == Kind.SETTLING}

    def plan(self) -> list[Planned]:
        """One message at the end of every span."""
        if not self._channels:
            return []
        source, first = self._channels[0].source, self._gateways.first
        spans = range(first + SPAN, self._gateways.end, SPAN)
        return [Planned(at + SECOND, source, 0, at, wave=True) for at in spans]

    def make(self, planned: Planned) -> DeviceMessage:
        """The windows that end at a moment. The first sample follows the last one of the message before."""
        start = planned.event - SPAN + SECOND // RATE
        windows = [
            {
                "channel": channel.key,
                "start": local(start),
                "rate": RATE,
                "samples": base64.b64encode(self._samples(channel, start)).decode("ascii"),
            }
            for channel in self._channels
        ]
        body = json.dumps({"id": f"fast-{planned.event // SECOND}", "waveforms": windows}).encode("ascii")
        return DeviceMessage(at=planned.at, source=planned.source, body=body, path=PATH)

    def _samples(self, channel: Channel, start: int) -> bytes:
        """Warmth, a triangle of traffic, noise, and the bearing that sinks; float32, little-endian."""
        count = SPAN * RATE // SECOND
        numbers = np.arange(count, dtype=np.int64) + mark(channel.key) % (1 << 40)
        wobble = noise(self._gateways.seed, "wave", numbers, start)
        own, phase = self._own[channel.key], np.arange(count) % 7 / 7
        slow = _DAY * own * (1 - 4 * abs((start % DAY) / DAY - 0.5))
        sinking = self._sunk.get(channel.group)
        if sinking is not None:
            slow += _PER_MM * level_of(sinking, sinking.channels[0], start, SPAN)
        traffic = _TRAFFIC * own * (1 - 4 * np.abs(phase - 0.5))
        return (slow + traffic + 3.0 * wobble).astype("<f4").tobytes()
