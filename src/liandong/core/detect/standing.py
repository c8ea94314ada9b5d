"""How things stand on a channel, for whoever asks: what `Shard.explain` answers."""

from __future__ import annotations

import msgspec

#: Phase of a rule that nobody can tell: its channel was never heard, or is silent.
UNKNOWN = "unknown"


class MemberState(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule over a group holds of one member."""

    channel: str
    time: int | None
    value: float | None


class RuleState(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule stands on one channel after the newest reading; moments are microseconds or None."""

    rule: str
    version: int
    phase: str  #: normal, pending, raised or clearing; unknown where nobody can tell
    onset: int | None
    raised: int | None
    since: int | None  #: since when the clear condition holds
    peak: float | None
    finding: str  #: id of the open finding, empty when none
    settled_phase: str  #: the phase at the frontier
    score: float | None = None  #: of a rule over a group, the newest
    broken: str = ""  #: what a scorer raised; its rule says nothing since then
    members: tuple[MemberState, ...] = ()  #: of a rule over a group, in its order


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel stands: its newest accepted reading, how far it is settled, and each rule."""

    channel: str
    group: str
    last_time: int | None
    last_value: float | None
    frontier: int | None
    rules: tuple[RuleState, ...]
    unknown: bool = False  #: never heard, or silent by one of its rules
