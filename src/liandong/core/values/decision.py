"""What a step returns: events that happened, effects to carry out, and the reason, always."""

from __future__ import annotations

from typing import Any

import msgspec

Param = str | int | float | None


class Reason(msgspec.Struct, frozen=True):
    """Why it was decided so, also why nothing was done. The words live in `texts/`."""

    key: str
    params: dict[str, Param] = {}


def because(key: str, **params: Param) -> Reason:
    """A reason from its key and parameters."""
    return Reason(key, params)


class Deliver(msgspec.Struct, frozen=True, kw_only=True):
    """投递: tell a person something over a channel. Delivered at least once, always under `order`."""

    order: str  #: order or notice id that the receiver can use to drop repeats
    case: str
    recipient: str  #: person slug; the address is looked up only when sending
    channel: str  #: delivery channel name, e.g. `file`
    template: str  #: text key
    params: dict[str, Param] = {}  #: no personal data
    hold_until: int = 0  #: held back by quiet hours until then; 0 = deliver at once


class Decision(msgspec.Struct, frozen=True):
    """Events, effects and a reason; the shell writes all three or none."""

    events: tuple[Any, ...]
    effects: tuple[Deliver, ...]
    reason: Reason
    #: The state that the events lead to, where the step folded them while deciding; a test holds it equal
    #: to folding them again, which the shell then need not do.
    after: Any = None
    refused: bool = False  #: a person asked for something that the rows or the state do not allow


def nothing(key: str, **params: Param) -> Decision:
    """The decision not to act, with its reason."""
    return Decision((), (), Reason(key, params))


def refuse(key: str, **params: Param) -> Decision:
    """The refusal of an act: nothing happens, and the asker is told what would be needed."""
    return Decision((), (), Reason(key, params), refused=True)
