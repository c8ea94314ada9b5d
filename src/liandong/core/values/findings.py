"""What detect says: findings and what becomes of them. Messages, owned by assess.

A finding is provisional when first said; late data may revise or retract it; once the watermark
has passed it is settled. Nothing downstream is ever deleted.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import FindingPart


class Finding(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """发现: a rule's condition held on a channel. Provisional until settled."""

    id: str
    rule: str  #: rule key; its version is an attribute, not identity
    rule_version: int
    hazard: str
    severity: str  #: code on the severity scale
    channel: str  #: channel slug
    group: str  #: shard group slug
    onset: int  #: event time from which the condition held
    raised: int  #: event time at which the hold was satisfied
    value: float  #: value of the reading that raised it, canonical unit
    limit: float  #: the rule's raise limit, canonical unit
    position: tuple[int, int]  #: (segment, row) of the log record that raised it
    evidence: str = ""  #: digest in the evidence store of the window that shows it


class FindingRevised(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """发现更正: late data changed the onset, the moment of raising or the value; the id stays."""

    id: str
    rule: str
    channel: str
    onset: int
    raised: int
    value: float
    position: tuple[int, int]


class FindingRetracted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """发现撤回: late data shows that the condition never held long enough."""

    id: str
    rule: str
    channel: str
    position: tuple[int, int]


class FindingEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """恢复正常: the clear condition held; provisional until settled."""

    id: str
    rule: str
    channel: str
    ended: int
    peak: float  #: worst value of the episode, canonical unit
    position: tuple[int, int]


class FindingReopened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """恢复撤回: late data shows that an end said earlier did not happen."""

    id: str
    rule: str
    channel: str
    position: tuple[int, int]


class FindingSettled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """发现确定: the watermark has passed its onset or its end; no late datum can change that part."""

    id: str
    rule: str
    channel: str
    part: FindingPart
    onset: int
    raised: int
    value: float
    ended: int | None
    peak: float | None
    position: tuple[int, int]


FindingMessage = Finding | FindingRevised | FindingRetracted | FindingEnded | FindingReopened | FindingSettled
