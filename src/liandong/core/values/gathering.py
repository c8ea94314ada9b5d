"""归集: many alerts of one hazard in one area share a case, so that a storm stays readable.

Each asset keeps its own risk and its own alarm; what they share is the case in which people work.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.alarm import AlertCleared
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
    inhibited_by: str = ""  #: grouping of the risk that explains this one: nobody is told while it lasts


class RiskUncaused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """风险非级联: nothing that is active explains this new risk. Message to warn, which counts it by area."""

    risk: RiskAssessed
    key: str  #: cause|component


class InhibitionEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """抑制解除: what explained a risk is over; if the risk is still there, it is told now."""

    grouping: str
    by: str
    mode: Mode


class GatheringLeft(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """归集成员解除: one alarm of a storm has cleared; `active` are left."""

    place: str
    active: int
    cause: str = ""  #: grouping of a cause that has cleared while alarms that it explains have not


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
    open: tuple[str, ...] = ()  #: groupings of a component's active risks that nothing explains
    held: dict[str, str] = {}  #: grouping of an inhibited risk → what explains it
    version: int = 0


GatherEvent = RiskPlaced | RiskUncaused | GatheringLeft | GatheringEnded | AlertCleared | InhibitionEnded


def evolve_gather(state: GatherState, event: GatherEvent) -> GatherState:
    """Apply one event; chooses nothing."""
    if event_of_component(event):
        return _evolve_component(state, event)
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
        if event.cause:
            left = tuple(one for one in state.open if one != event.cause)
            state = msgspec.structs.replace(state, open=left)
    elif isinstance(event, GatheringEnded):
        active.pop(event.place, None)
    return msgspec.structs.replace(state, active=active, version=state.version + 1)


def event_of_component(event: GatherEvent) -> bool:
    """Whether an event speaks of causes and effects, and not of a count in an area."""
    return isinstance(event, (RiskUncaused, AlertCleared, InhibitionEnded)) or (
        isinstance(event, RiskPlaced) and event.key.startswith("cause|")
    )


def _evolve_component(state: GatherState, event: GatherEvent) -> GatherState:
    state = msgspec.structs.replace(state, version=state.version + 1)
    if isinstance(event, RiskUncaused):
        kept = tuple(one for one in state.open if one != event.risk.grouping)
        return msgspec.structs.replace(state, key=event.key, open=(*kept, event.risk.grouping))
    if isinstance(event, InhibitionEnded):
        held = {one: by for one, by in state.held.items() if one != event.grouping}
        return msgspec.structs.replace(state, held=held)
    if isinstance(event, AlertCleared):
        return msgspec.structs.replace(
            state,
            open=tuple(one for one in state.open if one != event.grouping),
            held={one: by for one, by in state.held.items() if one != event.grouping},
        )
    assert isinstance(event, RiskPlaced)
    if event.inhibited_by:
        held = state.held | {event.risk.grouping: event.inhibited_by}
        return msgspec.structs.replace(state, key=event.key, held=held)
    active = state.active | {event.place: state.active.get(event.place, 0) + 1}
    return msgspec.structs.replace(state, key=event.key, active=active, last=event.at)
