"""子平台报警: an alarm that a department's own platform has graded, and what became of it.

It is told apart by its source and that source's own id; of one id the newest version counts, each once.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.case import VaultRef
from liandong.core.values.lists import GradedAction, Mode


class GradedFinding(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """子平台报警: one word of a sub-platform about one of its alarms, in our terms."""

    source: str
    number: str  #: the source's own id
    version: int  #: rises with every word about it; the same or an older one changes nothing
    action: GradedAction
    hazard: str = ""  #: empty in a clear: that of the alarm
    severity: str = ""  #: ours, by the conversion row of the source
    level: str = ""  #: theirs, as they said it
    asset: str = ""  #: where it is: an asset, or …
    area: str = ""  #: … an area
    channel: str = ""  #: what was measured, where it is one of ours
    onset: int  #: since when, by their clock
    said: int  #: when they said it, by their clock
    value: float | None = None
    unit: str = ""
    words: VaultRef | None = None


class GradedTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """子平台报警已接收: what a word changes. Event of the alarm's stream, and message to the risk there."""

    alarm: str  #: id of the alarm here
    finding: str  #: id of its episode, as risk, alert and case know it
    grouping: str  #: hazard|asset or hazard|area
    change: str  #: raised, revised or ended
    report: GradedFinding  #: whole, also where the word itself said less
    episode: int
    at: int
    mode: Mode
    area_path: str


class GradedLeft(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """子平台报警移出: it is said to be another hazard, or elsewhere; the risk it was counted in loses it."""

    alarm: str
    finding: str
    grouping: str
    at: int


class GradedNoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """子平台解除已记: a clear came before the alarm itself; an older raise will open nothing."""

    alarm: str
    source: str
    number: str
    version: int
    at: int
    mode: Mode


class GradedState(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of one alarm's events."""

    id: str = ""
    source: str = ""
    number: str = ""
    newest: int = -1  #: version of the newest word
    active: bool = False
    episode: int = 0
    finding: str = ""
    grouping: str = ""
    report: GradedFinding | None = None
    since: int = 0  #: when it last changed, by our clock
    mode: Mode = Mode.REAL
    area_path: str = "/"
    version: int = 0


def evolve_graded(state: GradedState, event: GradedTaken | GradedLeft | GradedNoted) -> GradedState:
    """Apply one event; chooses nothing."""
    version = state.version + 1
    replace = msgspec.structs.replace
    if isinstance(event, GradedLeft):
        return replace(state, active=False, version=version)
    if isinstance(event, GradedNoted):
        return replace(
            state, id=event.alarm, source=event.source, number=event.number, newest=event.version,
            since=event.at, mode=event.mode, version=version,
        )  # fmt: skip
    said = event.report
    return replace(
        state, id=event.alarm, source=said.source, number=said.number, newest=said.version,
        active=event.change != "ended", episode=event.episode, finding=event.finding, grouping=event.grouping,
        report=said, since=event.at, mode=event.mode, area_path=event.area_path, version=version,
    )  # fmt: skip
