"""Everything that devices send in a demonstration, in order; a message is made when its turn comes."""

from __future__ import annotations

import heapq
from bisect import bisect_left

from liandong.core.values.dataset import CityFolder
from liandong.sim.device_story import Episode
from liandong.sim.devices import DeviceMessage, Gateways, Planned
from liandong.sim.frame_devices import frame_plan
from liandong.sim.waveforms import Waves


class Script:
    """Moments are known from the beginning, bytes are not: a day of a whole city would fill the memory."""

    def __init__(self, seed: int, folder: CityFolder, start: int, hours: float) -> None:
        self._gateways = Gateways(seed, folder, start, hours)
        self._waves = Waves(self._gateways, folder)
        self._plan: list[Planned] = list(
            heapq.merge(
                self._gateways.plan(),
                frame_plan(self._gateways, folder),
                self._waves.plan(),
                key=lambda p: (p.at, p.source, p.order, p.event, p.asset),
            )
        )
        self._moments = [planned.at for planned in self._plan]

    def __len__(self) -> int:
        return len(self._plan)

    @property
    def story(self) -> tuple[Episode, ...]:
        """The truth behind it."""
        return self._gateways.story

    @property
    def last(self) -> int:
        """When the last message is sent."""
        return self._moments[-1] if self._moments else 0

    def moment(self, number: int) -> int:
        """When a message is sent."""
        return self._moments[number]

    def first_at(self, at: int) -> int:
        """Number of the first message that is sent at or after a moment."""
        return bisect_left(self._moments, at)

    def make(self, number: int) -> DeviceMessage:
        """A message: always the same bytes."""
        planned = self._plan[number]
        return self._waves.make(planned) if planned.wave else self._gateways.make(planned)
