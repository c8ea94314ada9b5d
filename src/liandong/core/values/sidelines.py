"""What stands beside a case's main line: calls, supervision, duty questions, help, requests for approval.

Each that waits for somebody's word is an order of its own (its line is the key here), so that it has a
clock, is escalated, handed over and seen like any other.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import Action


class Ringing(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """叫应: a call for an order that goes on until somebody answers."""

    row: str  #: key of the escalation row
    turn: int  #: how often it has rung by now
    person: str  #: who was rung last
    post: str


class Supervisor(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """督办: is told of every step until the case is done."""

    unit: str
    post: str
    person: str
    row: str


class DutyQuestion(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """职责争议: a unit says that an order is not its duty; only who decides can close the question."""

    order: str  #: order that the unit gave back
    unit: str
    ground: str
    line: str = ""  #: line of that order
    decided: str = ""  #: unit whose duty it is; empty = open


class HelpRequest(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """协助请求: a unit asks another one for help."""

    order: str  #: for whose work
    asker: str  #: unit
    unit: str  #: asked
    given: bool | None = None  #: None = not answered yet
    ground: str = ""  #: of a refusal


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """待批事项: an act that its row lets happen only with somebody's approval."""

    action: Action
    order: str
    person: str
    post: str
    unit: str
    row: str
    to: str = ""
    until: int | None = None
    reason: str = ""
    findings: tuple[str, ...] = ()
    granted: bool | None = None  #: None = not decided yet
