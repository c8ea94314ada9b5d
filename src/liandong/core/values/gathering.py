"""归集: many alerts of one hazard in one area share a case, so that a storm stays readable.

Each asset keeps its own risk and its own alarm; what they share is the case in which people work.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Mode
from liandong.core.values.risk import RiskAssessed


class RiskPlaced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险已归集: a new risk gets a case of its own, or its place in the case of a storm."""

    risk: RiskAssessed
    key: str  #: hazard|area
    place: str  #: grouping of the storm's case; empty = a case of its own
    area: str  #: area of the storm
    area_path: str
    storms: int  #: storms of this key so far
    since: int  #: when the window of counting began
    raised: int  #: new risks in that window
    members: int  #: new risks in this storm
    at: int
    row: str  #: key of the row that says so


class GatheringLeft(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """归集成员解除: one alarm of a storm has cleared; `active` are left."""

    place: str
    active: int


class GatheringEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """归集全部解除: no alarm of a storm is active any more. Message to coordinate."""

    place: str
    mode: Mode


class GatherState(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of the gathering of one hazard in one area."""

    key: str = ""
    storms: int = 0
    place: str = ""  #: grouping of the storm that is going on
    since: int = 0
    raised: int = 0
    members: int = 0
    last: int = 0
    active: dict[str, int] = {}  #: place → alarms that have not cleared
    version: int = 0


def evolve_gather(state: GatherState, event: RiskPlaced | GatheringLeft | GatheringEnded) -> GatherState:
    """Apply one event; chooses nothing."""
    active = dict(state.active)
    if isinstance(event, RiskPlaced):
        if event.place:
            active[event.place] = active.get(event.place, 0) + 1
        return GatherState(
            key=event.key, storms=event.storms, place=event.place, since=event.since, raised=event.raised,
            members=event.members, last=event.at, active=active, version=state.version + 1,
        )  # fmt: skip
    if isinstance(event, GatheringLeft):
        active[event.place] = event.active
    else:
        active.pop(event.place, None)
    return msgspec.structs.replace(state, active=active, version=state.version + 1)
