"""值班表: who holds a post, who is on duty when, who changed with whom, who is away, whom to wake.

Rows of the city. Persons are keys only. What happens to them while the platform runs is in
`roster_events`; how they are read together is in `roster_index`.
"""

from __future__ import annotations

import msgspec

from liandong.core.values.lists import RingOutcome, Watch


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A person holds a post over a period; `until` 0 means open."""

    post: str
    person: str
    since: int = 0
    until: int = 0


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """值班: post × period × person × deputy (A/B角)."""

    post: str
    start: int
    end: int
    person: str
    deputy: str = ""
    watch: Watch = Watch.MAIN


class OnDuty(msgspec.Struct, frozen=True):
    """Who answers now: post, person, deputy."""

    post: str
    person: str
    deputy: str = ""


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """换班: one duty changed hands, signed by both. The duty is named by post, watch and its start."""

    post: str
    start: int
    giver: str  #: who was on the roster
    taker: str
    proposed_by: str
    agreed_by: str
    at: int  #: when the second of them signed
    watch: Watch = Watch.MAIN

    @property
    def signed(self) -> bool:
        """Whether both of them signed, and they are two."""
        return {self.proposed_by, self.agreed_by} == {self.giver, self.taker} and self.giver != self.taker


class PostsMoved(msgspec.Struct, frozen=True, kw_only=True):
    """交接岗位: all that a person answers for in these posts goes over to another from a moment on."""

    giver: str
    taker: str
    posts: tuple[str, ...]
    since: int
    at: int  #: when the second of them signed


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """请假: a person is away; why is nobody's business here."""

    person: str
    start: int
    end: int


class Wake(msgspec.Struct, frozen=True, kw_only=True):
    """叫醒: from this level of a case on, whoever is on duty at `post` wakes whoever is at `whom`."""

    post: str
    level: str  #: case level; the worse ones are meant, too
    whom: str  #: post, as a rule that of a leader on duty


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """联系方式: one way to reach a person, and what the last ring came to. Never the number itself."""

    person: str
    channel: str
    tested: int = 0  #: last ring; 0 = never
    outcome: RingOutcome | None = None
    answered: int = 0  #: last ring that was answered; 0 = never
    missed: int = 0  #: rings in a row that nobody answered

    @property
    def works(self) -> bool:
        """False once a ring showed a wrong number or a dead line, or two in a row rang in vain."""
        wrong = self.outcome in (RingOutcome.WRONG_NUMBER, RingOutcome.FAILED)
        return not wrong and self.missed < _MISSED


#: One ring in vain is a person under the shower.
_MISSED = 2
