"""Rows of authority: public warnings, decisions that may not be left open, measures, resources."""

from __future__ import annotations

from liandong.core.values.lists import MeasureKind
from liandong.core.values.rows import ANY, Row
from liandong.core.values.scales import Scale


class WarningRow(Row, frozen=True, kw_only=True):
    """预警: who drafts, approves, publishes, raises, lowers and lifts a public warning, and who is told.

    An empty role is what a document leaves open (未规定). Raising, lowering: empty = who drafts proposes,
    who approves decides, as for the first issue.
    """

    flow: str  #: domain
    colour: str = ANY
    territory: str = ANY  #: levels of the area tree: `city`, `district`, `town`
    drafter: str = ""
    approver: str = ""
    publisher: str = ""
    raiser: str = ""
    lowerer: str = ""
    lifter: str = ""
    channels: tuple[str, ...] = ()
    onward: tuple[str, ...] = ()  #: roles that have to be told: level above, neighbours, garrison
    green_channel: bool = False  #: from here the publisher may issue first and be approved afterwards
    approve_s: float | None = None  #: limit from draft to approval; None = 未规定
    lift_s: float | None = None  #: limit from the end of the danger to lifting; None = 未规定 (law: at once)


class DecisionRow(Row, frozen=True, kw_only=True):
    """A colour or level that forces a named person to decide: start a response, or not, with a reason."""

    flow: str
    scale: Scale  #: `warning_colour` or `case_level`
    code: str  #: words of that scale
    decider: str = ""  #: role; its leader on duty decides; empty = 未规定
    limit_s: float | None = None  #: None = 未规定, which is a fault (P13): it could pass undecided
    response: str = ""  #: level of response that is decided on
    otherwise: str = ""  #: role that has to decide when nobody did


class MeasureRow(Row, frozen=True, kw_only=True):
    """措施: what has to be taken, or not taken with a reason, under a colour or a response level."""

    flow: str
    scale: Scale  #: `warning_colour` or `response_level`
    code: str
    kind: MeasureKind
    title_zh: str
    title_en: str = ""
    role: str = ""  #: who takes it; empty = 未规定
    limit_s: float | None = None


class ResourceRow(Row, frozen=True, kw_only=True):
    """Who may ask for, release, requisition and pay for a kind of resource, with how many approvals."""

    resource: str
    level: str = ANY  #: levels of a case
    owner: str = ""  #: role that owns the stock
    requester: str = ""
    releaser: str = ""
    requisitioner: str = ""
    payer: str = ""
    approvals: tuple[str, ...] = ()  #: roles that approve, one after the other
    allowed: int | None = None  #: how many approvals this level allows; None = 未规定
    approval_s: float | None = None  #: limit of each approval
    decides: str = ""  #: role that decides when two need it
