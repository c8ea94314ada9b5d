"""What a public warning, a response and a resource request have in common: sendings, moments, decisions due.

Each is a stream of its own. A timer or a delivery names such a stream whole (`warning:…`) where one about a
case names the case's id, so that both come back through the same door.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.case import Timer, VaultRef
from liandong.core.values.lists import EscalationKind, Mode, Outcome
from liandong.core.values.scales import Scale

replace = msgspec.structs.replace


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One thing sent to one receiver over one channel; sent again it keeps its name and is no second one."""

    order: str  #: the name under which the receiver drops repeats
    recipient: str  #: person; `public` for a channel to everybody
    unit: str = ""
    channel: str
    number: int = 0  #: version that was sent
    tries: int = 0  #: attempts that have ended
    outcome: str = ""  #: of the newest attempt; empty while none has ended


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """收讫: who confirmed for a unit that it has version `number`."""

    unit: str
    number: int
    person: str
    post: str
    at: int


class SendingReported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """送达记录: one attempt and what came of it."""

    stream: str
    order: str
    attempt: str
    number: int
    recipient: str
    channel: str
    outcome: Outcome
    at: int


class MatterEscalated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """逾期催督: a moment of one of its limits has come; who was told. `alarm` marks what the platform calls
    out itself because nobody who should have acted has."""

    stream: str
    timer: str
    moment: str
    kind: EscalationKind
    about: str = ""  #: question, measure or approval that it belongs to
    unit: str = ""
    post: str = ""
    person: str = ""
    fallback: str = ""
    alarm: bool = False
    overdue: bool = False
    at: int
    timers: tuple[Timer, ...] = ()


class MatterReceived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已收讫."""

    stream: str
    receipt: Receipt


class DecisionDue(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """须作启动决定: a colour or a level is in force that somebody has to answer: start a response, or not."""

    source: str  #: stream that asks, e.g. `warning:…` or `case:…`
    number: int  #: version of the warning, or round of the case, that asks
    hazard: str
    area: str
    area_path: str
    scale: Scale
    code: str
    mode: Mode
    at: int

    @property
    def question(self) -> str:
        """The key of the question; asked twice it is the same one."""
        return f"{self.source}#{self.number}:{self.code}"


class DecisionTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """启动决定: what was decided, by whom, with what reason; told to the stream that asked."""

    source: str
    question: str
    response: str
    start: bool
    level: str = ""
    person: str
    post: str
    unit: str
    asked: int
    at: int
    due: int | None = None
    reason: VaultRef | None = None


class DecisionNoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """已记录启动决定, at the warning or case that asked for it."""

    stream: str
    question: str
    response: str
    start: bool
    level: str = ""
    person: str
    post: str
    unit: str
    asked: int
    at: int
    due: int | None = None


def sent(sendings: dict[str, Sending], added: tuple[Sending, ...]) -> dict[str, Sending]:
    """Sendings with others added; one that was sent before counts its tries on."""
    return sendings | {
        f"{one.order}/{one.channel}": replace(one, tries=sendings[f"{one.order}/{one.channel}"].tries)
        if f"{one.order}/{one.channel}" in sendings
        else one
        for one in added
    }


def reported(sendings: dict[str, Sending], event: SendingReported) -> dict[str, Sending]:
    """Sendings after an attempt has ended; what was delivered once stays so."""
    key = f"{event.order}/{event.channel}"
    one = sendings.get(key)
    if one is None:
        return sendings
    outcome = one.outcome if one.outcome == Outcome.DELIVERED else event.outcome.value
    return sendings | {key: replace(one, tries=one.tries + 1, outcome=outcome)}


def with_timers(timers: dict[str, Timer], added: tuple[Timer, ...], gone: str = "") -> dict[str, Timer]:
    """Timers with others added and one spent."""
    return {key: t for key, t in timers.items() if key != gone} | {t.id: t for t in added}


def without_clock(timers: dict[str, Timer], *clocks: str) -> dict[str, Timer]:
    """Timers but those of some clocks."""
    return {key: t for key, t in timers.items() if t.clock not in clocks}
